/* grading_inner.h - what the two that grade share. Private to grading.c, grade_command.c and grade_judge.c. */
#ifndef RUNG_VARIANT_GRADING_INNER_H
#define RUNG_VARIANT_GRADING_INNER_H

#include "base/process.h"
#include "variant/grading.h"

/* An answer to be graded. */
struct grading {
	const struct example *item;
	const char *answer;
	uint64_t key;
};

struct grader {
	const struct task *task;
	struct models *models;
	struct store *store;
	uint64_t fingerprint;
	struct process *program; /* NULL: not started, or ended by a fault */
	size_t lines;            /* that it has written */
};

/* Keeps the grade, in the store and then in the table. */
bool grader_keep(struct grader *g, const struct grading *what, double score, int64_t call, const char *why, struct error *err);

bool grade_by_command(struct grader *g, const struct grading *list, size_t n, const struct grading_stop *stop, struct error *err);

#endif
