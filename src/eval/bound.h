/* bound.h - what a rung costs at most, and so what leaving it out saves. Private to src/eval. */
#ifndef RUNG_EVAL_BOUND_H
#define RUNG_EVAL_BOUND_H

#include "eval/eval.h"

/* why, the reason for leaving the rung out, with what that saves behind it, in arena; NULL stays NULL. variants (n): all of the task's. */
const char *bound_saved(const struct task *task, const struct variant *variants, size_t n, int rung, const char *why, struct arena *arena);

#endif
