/* grading.h - answers graded by somebody outside: each (item, answer) once, and stored before anybody looks at it.
 *
 * That is workshop_grade() of variant.h. What has no grade yet is put before the user's program (grade_command.c) or the judge (grade_judge.c) in one go. A grade goes into the
 * store as soon as it comes, so a killed climb asks nothing twice, and into the task's table, where scorer_grade() finds it. What cannot be
 * graded is an error that names the item, never a score. */
#ifndef RUNG_VARIANT_GRADING_H
#define RUNG_VARIANT_GRADING_H

#include "store/store.h"
#include "task/task.h"

/* Who grades, and by what rules: the task's scorer and its settings, and of a command the bytes of those of its words that name files from
 * the task's folder. 0: nobody outside does. */
uint64_t grading_fingerprint(const struct task *task);

/* The store's grades of that fingerprint into the task's table, and nothing asked. */
bool grading_load(const struct task *task, struct store *store, uint64_t fingerprint, struct error *err);

/* What was said with the grade of that answer; NULL: nothing. Lives in arena. */
bool grading_why(const struct task *task, struct store *store, uint64_t fingerprint, const struct example *item, const char *answer,
		 struct arena *arena, const char **why, struct error *err);

/* A judge's verdicts on (answer, reference) and (reference, answer), which a pairwise grade is made of, are kept under fingerprints of
 * their own, and so are calls whose reply could not be read. */
enum grading_part { GRADING_WHOLE, GRADING_FIRST, GRADING_SECOND, GRADING_UNREAD, GRADING_PARTS };
uint64_t grading_part(uint64_t fingerprint, enum grading_part part);

/* What judging took and found, from the store. */
struct grading_sums {
	size_t grades, calls, input_tokens, output_tokens;
	double ms;
	size_t pairs, contradictions; /* pairwise: both orders asked, and where each said the other of the two */
};
bool grading_sums(struct store *store, uint64_t fingerprint, struct grading_sums *out, struct error *err);

#endif
