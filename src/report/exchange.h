/* exchange.h - which test items changed hands between two sides of a comparison, with their texts. Private to src/report. */
#ifndef RUNG_REPORT_EXCHANGE_H
#define RUNG_REPORT_EXCHANGE_H

#include "eval/eval.h"
#include "report/report.h"

/* Of every comparison of the report, of the winner against the rung below, and of models that one could switch between where both
 * answered the test items (switching.h, which goes before); in the order of the examples file. Scores that are graded have to differ by
 * more than the margin. Lives in arena. */
bool exchange_build(const struct task *task, struct store *store, int64_t run, struct arena *arena, struct report *report,
		    struct error *err);

#endif
