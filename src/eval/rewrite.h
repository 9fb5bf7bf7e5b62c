/* rewrite.h - rung 1 once its race is run: a model reads dev items that the best prompt answered wrongly and words its instruction anew;
 * the wordings are raced against it. Private to src/eval.
 *
 * Dev is divided for that, in its common order and groups whole: the rewriter sees items of the first half, wordings are raced on the
 * others, beside the prompt that they come from. So a wording is chosen by items that nobody wrote it for. It is chosen for its score
 * there all the same: what it is worth, the test items say. */
#ifndef RUNG_EVAL_REWRITE_H
#define RUNG_EVAL_REWRITE_H

#include "eval/race.h"

enum {
	REWRITE_FAILURES = 12, REWRITE_PASSES = 4, /* items that are shown, at most */
	REWRITE_FAILURES_LEAST = 3,                /* below which nobody is asked */
	REWRITE_ITEMS_LEAST = 10,                  /* to race on */
};

/* The dev items, in their order, that wordings are raced on. Lives in dev. */
struct item_list rewrite_unseen(struct item_list dev, struct arena *arena);

/* Adds wordings to the entrants (*n, with room for all that may come) of a race that was run; `won` moves to what is best then.
 * position: of the first of them among the run's variants. */
bool rewrite_race(struct climb *c, struct entrant *entrants, size_t *n, size_t position, struct error *err);

/* Answers that the wordings make at most on `dev` items, apart from those of the calibration; and requests to the rewriter. */
size_t rewrite_answers(const struct task_rewrite *r, size_t dev);

#endif
