/* classes.h - how well the winner does on each label of the test items. Private to src/report. */
#ifndef RUNG_REPORT_CLASSES_H
#define RUNG_REPORT_CLASSES_H

#include "eval/eval.h"
#include "report/report.h"

/* Precision, recall and F1 of each label from its counts (each n_labels): items that have it, answers that give it, both. The commonest
 * label first, then in the given order. Means are over the labels that some item has (as scikit-learn's with labels= those). */
struct report_classes classes_of(struct arena *arena, const char *const *labels, size_t n_labels, const size_t *want, const size_t *given,
				 const size_t *both);

/* Adds a variant's answers to items under a split to counts: want x got (n_labels, n_labels + 1), the last column without a label. */
bool classes_confusion(const struct task *task, struct store *store, int64_t run, const char *variant, const char *split,
		       struct item_list items, struct arena *arena, size_t *counts, struct error *err);

/* Of the winner on test, from its confusion or, with several labels an item, from its answers; nothing for tasks without labels. */
bool classes_build(const struct task *task, struct store *store, int64_t run, struct arena *arena, struct report *report,
		   struct error *err);
/* A sentence where the mean over labels is far below the score, which hides how rare labels fare; else NULL. Lives in arena. */
const char *classes_sentence(const struct report *r, struct arena *arena);

#endif
