/* label_sets.h - several labels an item (`many: true`): one form of writing them, and two sets compared.
 *
 * A set is written as its labels in the task's order, joined by ", "; no label of such a task holds a comma. The empty
 * set is "". */
#ifndef RUNG_TASK_LABEL_SETS_H
#define RUNG_TASK_LABEL_SETS_H

#include "task/task.h"

struct set_counts {
	size_t expected, given, common; /* labels of the example, of the answer, of both */
};

/* labels (n) are indices into task->labels, rising; the text lives in arena. */
const char *label_set_text(const struct task *task, const size_t *labels, size_t n, struct arena *arena);
/* The answer as label_set_text() writes it; blanks around labels and repetitions do not count. NULL is no label. */
struct set_counts label_set_compare(const struct task *task, const struct example *example, const char *answer);
/* The labels that an answer names, each once and as an index into task->labels; `labels` has room for all of the task's. */
size_t label_set_read(const struct task *task, const char *answer, size_t *labels);
/* Harmonic mean of precision and recall; 1 when both sets are empty. */
double label_set_f1(struct set_counts c);

#endif
