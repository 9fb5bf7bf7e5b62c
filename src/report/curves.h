/* curves.h - a run's learning curves, fitted. Private to src/report. */
#ifndef RUNG_REPORT_CURVES_H
#define RUNG_REPORT_CURVES_H

#include "report/report.h"
#include "store/store.h"
#include "task/task.h"

/* Fills report->curves from the run's rows, and why others have none; they live in arena. The report's variants, comparisons and target
 * are there. */
bool curves_build(const struct task *task, struct store *store, const struct run_row *run, struct arena *arena, struct report *report,
		  struct error *err);

#endif
