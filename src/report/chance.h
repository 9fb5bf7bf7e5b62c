/* chance.h - how the answers to a classification compare with guessing: those that are not shown better than the commonest label, and
 * those that are far worse than a guess, as where labels were swapped or counted from another number. Private to src/report. */
#ifndef RUNG_REPORT_CHANCE_H
#define RUNG_REPORT_CHANCE_H

#include "report/report.h"
#include "store/store.h"
#include "task/task.h"

/* Share of the commonest label among the items; NAN where there is not one label an item. */
double chance_majority(const struct task *task, struct item_list items);

/* Whether so few were right that a guess among n_labels, each as likely, did better: the interval's upper end is below that. */
bool chance_is_below(const struct report_score *s, size_t n_labels);

/* Appends what such answers say in place of what was wanted: up to three labels that are mostly answered by one other, `"a" is answered
 * "b", ...`. counts: want x got (n_labels, n_labels + 1). False, and nothing is appended, where there are none, or all are answered by
 * the same label: that is a model which says one thing always. */
bool chance_swaps(struct buf *out, const char *const *labels, size_t n_labels, const size_t *counts);

/* Writes the sentences on r's variants behind out[*n_out]; at most one a variant and two more. Of those below a
 * guess one is told of, and only where labels look swapped: others are below it for want of a label at all, which their outcomes say. */
bool chance_find(const struct task *task, struct store *store, int64_t run, const struct report *r, struct arena *arena, const char **out,
		 size_t *n_out, struct error *err);

#endif
