/* grades.h - what somebody outside (the user's program, a judge) said of answers: a table that the task carries.
 *
 * A task whose scorer grades outside has one, empty when it was opened. Who puts answers where they are scored has them graded first
 * (workshop_grade(), variant/variant.h), and who reads a store takes its grades along (grading_load(), variant/grading.h); scorer_grade()
 * stays pure and finds them here. An answer row is stored only once its grade is, so that nobody meets an answer without one. */
#ifndef RUNG_TASK_GRADES_H
#define RUNG_TASK_GRADES_H

#include "task/task.h"

struct grades;

struct grades *grades_new(void);
void grades_free(struct grades *g);

/* Names the answer to that example: of its text, and of all that the example says, so that a corrected example is graded anew. */
uint64_t grades_key(const struct task *task, const struct example *example, const char *answer);
/* An earlier grade under the key stays. */
void grades_put(struct grades *g, uint64_t key, double score);
/* NAN: there is none. */
double grades_find(const struct grades *g, uint64_t key);

/* A grade as people write it: a number from 0 to 1, "right" or "wrong", or nothing (NAN). False: it is none. */
bool grades_read_human(const char *text, double *grade);

#endif
