/* besides.h - what tuning did to a model besides teaching it the task, noted on its version's card: how much it knows by heart of what it
 * was trained on, and of a decoder what it has forgotten (tune/general.h) and whether it still reads passages (eval/changed.h). */
#ifndef RUNG_EVAL_BESIDES_H
#define RUNG_EVAL_BESIDES_H

#include "eval/eval.h"
#include "model/tuned.h"

enum { BESIDES_SEEN = 50 }; /* examples that it was trained on, asked again */

/* All borrowed. */
struct besides {
	const struct task *task;
	struct workshop *workshop; /* the variant's version is its own */
	struct models *models;
	struct item_list pool;     /* what curation left of it */
	struct progress progress;
};

/* The mean score of the variant on the items becomes the card's `what`. False and a sentence when it cannot answer, or was interrupted; so of
 * the next. */
bool besides_score(const struct besides *b, const struct variant *v, struct item_list items, const char *what, struct tuned *t,
		   struct error *err);
/* Notes `pool`, and of a decoder `general_before` and `general_after`; where enough passages can be changed also `follows_before`,
 * `follows_after`, `recites_before` and `recites_after`. */
bool besides_measure(const struct besides *b, const struct variant *v, struct tuned *t, struct error *err);
/* Whether the card has them. */
bool besides_noted(const struct tuned *t);

#endif
