/* grading.h - answers graded by somebody outside: each (item, answer) once, and stored before anybody looks at it.
 *
 * What has no grade yet is put before the user's program (grade_command.c) or the judge (grade_judge.c) in one go. A grade goes into the
 * store as soon as it comes, so a killed climb asks nothing twice, and into the task's table, where scorer_grade() finds it. What cannot be
 * graded is an error that names the item, never a score. */
#ifndef RUNG_VARIANT_GRADING_H
#define RUNG_VARIANT_GRADING_H

#include "model/model.h"
#include "store/store.h"
#include "task/task.h"

struct grader;

/* Who grades, and by what rules: the task's scorer and its settings, and of a command the bytes of those of its words that name files from
 * the task's folder. 0: nobody outside does. */
uint64_t grading_fingerprint(const struct task *task);

/* store NULL: grades live as long as the task. What the store has of that fingerprint is in the task's table afterwards. Borrows all. */
struct grader *grader_open(const struct task *task, struct models *models, struct store *store, struct error *err);
void grader_free(struct grader *g); /* ends the user's program; harmless for NULL */

/* Who wants to interrupt; stopped NULL: nobody. */
struct grading_stop {
	bool (*stopped)(void *context);
	void *context;
};

/* Sees to it that scorer_grade() knows all n answers (NULL: there is none). */
bool grader_grade(struct grader *g, const struct example *const *items, const char *const *answers, size_t n,
		  const struct grading_stop *stop, struct error *err);

/* The store's grades of that fingerprint into the task's table, and nothing asked. */
bool grading_load(const struct task *task, struct store *store, uint64_t fingerprint, struct error *err);

#endif
