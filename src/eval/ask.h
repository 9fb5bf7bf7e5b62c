/* ask.h - a variant's answers on a list of items, a few together, so that it may be interrupted between two of them. For what is
 * measured beside a climb; nothing is kept but what the workshop's store keeps. */
#ifndef RUNG_EVAL_ASK_H
#define RUNG_EVAL_ASK_H

#include "eval/eval.h"

/* answers (items.n) live in arena; `what` is how progress names it. False and a sentence when it was interrupted or cannot answer. */
bool ask_items(struct workshop *w, const struct variant *v, struct item_list items, const char *what, const struct progress *progress,
	       struct arena *arena, struct answer *answers, struct error *err);

/* The same with the scores (items.n) of the task's scorer in their place. */
bool ask_scores(struct workshop *w, const struct task *task, const struct variant *v, struct item_list items, const char *what,
		const struct progress *progress, double *scores, struct error *err);

#endif
