/* ceiling.h - rungs that need not be built: what stands below leaves less than the margin to whatever they could score.
 *
 * A higher rung is chosen for its quality only when it is better by the margin. No rung scores above what the labels allow, so once the
 * champion is shown above that, less the margin, nothing higher can be worth its building. "Shown" is the target test of the plan
 * (decide_target()) against that bound, at CEILING_ERROR shared among all candidates that could end a climb that way: a rung that is
 * truly better by the margin is left out with that probability at most, over the whole climb. Pure. */
#ifndef RUNG_EVAL_CEILING_H
#define RUNG_EVAL_CEILING_H

#include "decide/decide.h"
#include "task/task.h"

#define CEILING_ERROR 0.05
#define NOT_BUILT "not built: " /* how the reason of a rung begins that was left out because it could not pay */

/* The share of items that one labelling can have right: less than 1 where inputs stand among them with several labels. Kinds of task but
 * classify with one label an item: 1, since two different answers may both be right. */
double ceiling_of_labels(const struct task *task, struct item_list items);

/* Why no rung above the champion can be better by the margin, as a sentence that lives in arena; NULL: one may be. most: the ceiling.
 *
 * could_pay: some higher rung may be chosen for its cost, without being better; then quality alone forbids nothing. Nor does it with a
 * target, which a higher rung may meet although it is better by less than the margin. */
const char *ceiling_reached(const struct decide_rule *rule, const struct candidate *champion, double most, bool could_pay,
			    struct arena *arena);

#endif
