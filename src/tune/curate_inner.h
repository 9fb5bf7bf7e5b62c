/* curate_inner.h - the parts of curation. Private to src/tune. */
#ifndef RUNG_TUNE_CURATE_INNER_H
#define RUNG_TUNE_CURATE_INNER_H

#include "retrieve/tfidf.h"
#include "task/template.h"
#include "tune/curate.h"

/* Texts as vectors: unit rows of `width` numbers, or (vectors NULL) sparse ones. */
struct near_space {
	size_t n, width;
	const float *vectors;
	struct sparse_row *rows;
	size_t n_terms;
	double alike; /* the cosine from which two are near copies */
};

/* Fills it with the n texts by the embedding model, or where there is none (models NULL, or it cannot be had) by their words; out->by and
 * out->note say which and why. Released in any case. */
bool near_space_init(struct near_space *s, const char *const *texts, size_t n, struct models *models, struct arena *arena, struct curation *out,
		     struct error *err);
void near_space_release(struct near_space *s);

/* Texts of the space that were added, to be searched (curate_near.c). */
struct near;
struct near *near_new(const struct near_space *space, struct error *err); /* borrows space */
void near_free(struct near *x);
void near_add(struct near *x, size_t i); /* rising */
/* The added text that is nearest to i, if it is as near as a copy. */
bool near_find(struct near *x, size_t i, size_t *which, double *cosine);

/* Confident learning (Northcutt et al. 2021, arXiv 1911.00068) over out-of-fold probabilities p (n, n_classes): an item is
 * suspect when its class's probability is below that class's mean over its own items, and a likelier class is not below its. A
 * class of fewer than SUSPECT_ITEMS is neither judged nor suggested. suggested (n): the class, or SIZE_MAX; margins (n). */
enum { SUSPECT_ITEMS = 5 };
void suspects_find(const double *p, const size_t *classes, size_t n, size_t n_classes, size_t *suggested, double *margins);
/* Probabilities out of fold of the items at positions `at` (n) of the space: logistic regression. False: too few to divide. */
bool suspects_cross(const struct near_space *space, const size_t *at, const size_t *classes, const size_t *groups, size_t n,
		    size_t n_classes, uint64_t seed, struct pool *pool, double *p);

const struct template *curate_template(const struct task *task, struct arena *arena); /* of the input */
/* What classifiers and encoders see of an item; lives in arena. */
const char *curate_item_text(const struct template *input, const struct example *e, struct arena *arena);

/* Whether answers are labels, one an item. */
static inline bool curate_labels(const struct task *task)
{
	return task->kind == TASK_CLASSIFY && !task->many;
}

#endif
