/* scorer.h - how an answer is graded against the example: a table, one row a scorer.
 *
 * To add one: CONTRIBUTING.md. A scorer is pure: no model, no clock. */
#ifndef RUNG_TASK_SCORER_H
#define RUNG_TASK_SCORER_H

#include "task/task.h"

struct scorer {
	const char *name;
	const char *summary; /* one line for docs and `rung check` */
	bool binary;         /* scores are 0 or 1 only */
	double (*score)(const struct task *task, const struct example *example, const char *answer); /* 0 .. 1 */
};

const struct scorer *scorer_find(const char *name); /* NULL when there is none */
const struct scorer *scorer_all(size_t *n);
const char *scorer_default(enum task_kind kind);

#endif
