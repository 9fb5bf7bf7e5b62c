/* aside.h - the items that are set aside for the threshold of a cascade: who is asked them, and what that says. Whose answers stand and whether
 * it pays is said by the report, from rows (report/cascading.h). */
#ifndef RUNG_EVAL_ASIDE_H
#define RUNG_EVAL_ASIDE_H

#include "eval/contest.h"

/* After the contest: every candidate below the highest one whose answers on dev have probabilities. Nothing where the task has no cascade. */
bool aside_measure(struct climb *c, const struct contest *t, struct error *err);

/* The variant's stored answers of one split as items of a threshold: *out (items.n) lives in arena. The loss of an item that it has not answered
 * is NAN. */
bool aside_load(const struct task *task, struct store *store, int64_t run, const char *variant, const char *split, struct item_list items,
		struct arena *arena, struct cascade_item **out, struct error *err);
bool aside_is_sure(const struct cascade_item *items, size_t n); /* some have a probability */

#endif
