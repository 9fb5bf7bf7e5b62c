/* changed.h - does a tuned decoder read the passage before it, or recite what it was trained on?
 *
 * Knowledge conflicts by corpus substitution (Longpre et al. 2021, arXiv 2109.05052): in the passage that holds an example's
 * answer, the answer is replaced, wherever it stands there, by another example's. A model that reads follows the passage;
 * one that has learnt the fact by heart recites the old answer. Base and tuned model are asked in the same words. */
#ifndef RUNG_EVAL_CHANGED_H
#define RUNG_EVAL_CHANGED_H

#include "eval/eval.h"

enum {
	CHANGED_ITEMS = 30, /* of the pool, at most */
	CHANGED_FEWEST = 10 /* fewer say nothing */
};

/* An example of the pool as it would be if its fact had changed. */
struct changed_item {
	struct example example; /* its gold passage is the changed one, its answer the new one */
	const char *old, *new;  /* in normalised form (base/text.h) */
};

/* The first examples of the pool, CHANGED_ITEMS at most, that name a passage in which one of their answers stands in as many words,
 * changed by an answer of the same shape (as many words, digits or none) from further down the pool. Lives in arena. */
size_t changed_items(struct pool_items pool, struct arena *arena, struct changed_item *out);

/* Shares of n replies (NULL: none came) that hold the new answer and not the old one, and the old one and not the new one. */
void changed_count(const struct changed_item *items, const char *const *replies, size_t n, double *follows, double *recites);

struct changed {
	size_t n; /* items asked; 0: fewer than CHANGED_FEWEST can be changed, or the kind of task has no passages */
	double follows_before, follows_after, recites_before, recites_after;
};

/* False and a sentence when a model cannot be asked, or it was interrupted. */
bool changed_ask(const struct task *task, const char *base, const char *tuned, struct models *models, const struct progress *progress,
		 struct changed *out, struct error *err);

#endif
