/* grading_inner.h - what the two that grade share. Private to grading.c, grade_command.c and grade_judge.c. */
#ifndef RUNG_VARIANT_GRADING_INNER_H
#define RUNG_VARIANT_GRADING_INNER_H

#include "base/process.h"
#include "variant/workshop.h"

/* An answer to be graded. */
struct grading {
	const struct example *item;
	const char *answer;
	uint64_t key;
};

struct grader {
	struct workshop *workshop;
	uint64_t fingerprint;
	struct process *program; /* NULL: not started, or ended by a fault */
	size_t lines;            /* that it has written */
};

/* Keeps the grade, in the store and then in the table. */
bool grader_keep(struct grader *g, const struct grading *what, double score, int64_t call, const char *why, struct error *err);
/* Keeps a part of one, in the store alone. */
bool grader_keep_part(struct grader *g, const struct grading *what, enum grading_part part, double value, int64_t call, const char *why,
		      struct error *err);

/* Both grade the list (n). */
bool grade_by_command(struct grader *g, const struct grading *list, size_t n, struct error *err);
bool grade_by_judge(struct grader *g, const struct grading *list, size_t n, struct error *err);

#endif
