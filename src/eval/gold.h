/* gold.h - examples whose gold passage is not where it should be: documents change, and what an example says of them does not.
 * Such an example makes every search look worse than it is. */
#ifndef RUNG_EVAL_GOLD_H
#define RUNG_EVAL_GOLD_H

#include "task/task.h"

/* The examples whose gold passage stands in none of the task's documents as they are on disk now (but for case, punctuation and
 * white space), or one of whose gold documents is not there; in the order test, dev, pool. items lives in arena. Returns how many.
 * Tables are not looked into. */
size_t gold_missing(const struct task *task, struct arena *arena, const struct example *const **items);

#endif
