/* scorer.h - how an answer is graded against the example: a table, one row a scorer.
 *
 * To add one: CONTRIBUTING.md. A scorer is pure: no model, no clock. Those whose grades come from outside (the user's program, a judge)
 * look them up in the task's table (grades.h). */
#ifndef RUNG_TASK_SCORER_H
#define RUNG_TASK_SCORER_H

#include "base/buf.h"
#include "task/task.h"

struct scorer {
	const char *name;
	const char *summary; /* one line for docs and `rung check` */
	bool binary;         /* scores are 0 or 1 only; of one outside the task says so (scorer_is_binary()) */
	double (*score)(const struct task *task, const struct example *example, const char *answer); /* 0 .. 1; NULL: outside */
};

/* How right an answer is, 0 .. 1, by the task's scorer: the best over all right answers of the example. NULL (there is no
 * answer) is 0. kind answer: "" is an abstention; it is right where the example's answer is "", and there alone. NAN: the scorer is outside
 * and was not asked, which whoever stores or reads answers sees to (grades.h). */
double scorer_grade(const struct task *task, const struct example *example, const char *answer);

bool scorer_is_outside(const struct task *task);
bool scorer_is_binary(const struct task *task);
/* An answer that nobody has to read: there is none, or one side abstained. Its score is 0 or 1, whoever grades. */
bool scorer_settled(const struct task *task, const struct example *example, const char *answer);
/* Whether somebody outside still has to say what the answer is worth: there is one, no abstention is involved, and no grade is there. */
bool scorer_must_ask(const struct task *task, const struct example *example, const char *answer);

const struct scorer *scorer_find(const char *name); /* NULL when there is none */
const struct scorer *scorer_all(size_t *n);
/* The scorer of a task that names none (with many: true it is set_f1). */
const char *scorer_default(enum task_kind kind);

/* Whether the regex scorer can use the pattern (POSIX extended); else why says in a clause what is wrong with it. */
bool scorer_pattern_valid(const char *pattern, struct buf *why);

#endif
