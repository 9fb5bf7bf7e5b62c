/* constraints.h - what the task forbids: variants that may not be chosen however well they score. */
#ifndef RUNG_EVAL_CONSTRAINTS_H
#define RUNG_EVAL_CONSTRAINTS_H

#include "base/arena.h"
#include "task/task.h"

/* What a variant is and did, as far as constraints ask. */
struct constrained {
	const char *id, *model; /* model NULL: none */
	bool passages;          /* some of its answers stand on passages, which they can cite */
	double ms_p95;          /* of its answers; NAN: none */
};

/* Why it may not be chosen, as a sentence that lives in arena; NULL: it may. */
const char *constraint_broken(const struct task *task, const struct constrained *v, struct arena *arena);

#endif
