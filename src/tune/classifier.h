/* classifier.h - classifiers learnt from the pool: rung 0 (no language model) and the lightest of rung 3 (a head on
 * frozen embeddings). One table row a method.
 *
 * Training takes struct pool_items and nothing else, so dev and test cannot leak in. */
#ifndef RUNG_TUNE_CLASSIFIER_H
#define RUNG_TUNE_CLASSIFIER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/pool.h"
#include "task/task.h"

struct classifier;

struct classifier_method {
	const char *id;      /* "naive-bayes" */
	const char *summary; /* one line for reports */
	int rung;            /* 0 or 3 */
	bool embeds;         /* learns from and predicts on embedding vectors, not on text */
	const struct classifier_engine *engine; /* private */
};

/* Rung 0: majority, naive-bayes, tfidf-words, tfidf-characters, tfidf-nearest. Rung 3: embedding-head,
 * embedding-nearest. */
const struct classifier_method *classifier_methods(size_t *n);
/* Those of many: true. Rung 0: frequency, tfidf-words, tfidf-nearest. Rung 3: embedding-head, embedding-nearest. */
const struct classifier_method *classifier_set_methods(size_t *n);
/* The row of that id among the former, or NULL. */
const struct classifier_method *classifier_method_find(const char *id);

/* The pool, or a part of it, as a classifier sees it. */
struct classifier_lessons {
	struct pool_items items;  /* labels come from them */
	const char *const *texts; /* (n) what is seen of each (template_values) */
	const float *vectors;     /* (n, width) their embeddings where the method embeds, else NULL */
	size_t width;
	struct pool *threads;     /* that may share the work; NULL: one */
};

/* Deterministic by seed, on any threads; settings are chosen inside the lessons, groups kept whole. Keeps no pointer to its arguments;
 * the caller frees the result. NULL and a sentence when they cannot be learnt from (fewer than two labels; many: none). */
struct classifier *classifier_train(const struct classifier_method *method, const struct task *task,
				    const struct classifier_lessons *lessons, uint64_t seed, struct error *err);
void classifier_free(struct classifier *c);

/* Probability of every label, out (task->n_labels), 0 for a label that the pool does not have; they sum to 1, unless an item
 * has many labels: then each is the probability that the item has that one. The
 * argument the method does not use may be NULL. Several threads may predict with one classifier. */
void classifier_predict(const struct classifier *c, const char *text, const float *vector, double *out);
/* many: the probability from which on a label belongs to the item's set. */
double classifier_threshold(const struct classifier *c);
/* One sentence on what was chosen inside the pool (regularisation, neighbours, cross-validated score). */
const char *classifier_note(const struct classifier *c);

#endif
