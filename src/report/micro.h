/* micro.h - several labels an item: precision, recall and F1 over all labels of all items together (micro-averaged). */
#ifndef RUNG_REPORT_MICRO_H
#define RUNG_REPORT_MICRO_H

#include "report/report.h"
#include "store/store.h"
#include "task/task.h"

/* Over the items that the rows (n) answer; n 0 unless the task has many labels an item. */
struct report_micro micro_of(const struct task *task, struct item_list items, const struct answer_row *rows, size_t n);
/* One sentence on the variant, in arena. */
const char *micro_sentence(const struct report_variant *v, struct arena *arena);

#endif
