/* copies.h - texts from outside that nearly repeat an example: what is tested must not be learnt, shown or handed out, in any wording.
 *
 * By the thresholds of curation (curate.h): word for word in normal form, nearly so by words, or by embedding. */
#ifndef RUNG_TUNE_COPIES_H
#define RUNG_TUNE_COPIES_H

#include "model/model.h"
#include "task/task.h"

enum copy_of { COPY_NONE, COPY_POOL, COPY_DEV, COPY_TEST };
const char *copy_of_name(enum copy_of of); /* "pool", ... */

struct copy {
	enum copy_of of;
	const struct example *item; /* NULL: none */
	double cosine;              /* 1: the same in normal form */
};
/* For each of the n texts, written as curation sees items (template_values()): the dev or test item that it repeats or nearly repeats; else
 * the pool item that it repeats. models NULL: words alone are compared. *by (NULL: nobody asks): the embedding model, or "words" where it
 * could not be had. out (n) and texts live on; scratch in arena. */
bool copies_find(const struct task *task, struct models *models, const char *const *texts, size_t n, struct arena *arena, struct copy *out,
		 const char **by, struct error *err);

/* Behind task_open(): takes collected examples that nearly repeat a dev or test item, by their words, out of the pool, and warns of them.
 * Embeddings were compared before they were collected; without a model this is the same everywhere. */
void copies_guard(struct task *task);

#endif
