/* build.h - fills a struct report from the rows of one run; scores and the verdict are computed here, anew each time. */
#ifndef RUNG_REPORT_BUILD_H
#define RUNG_REPORT_BUILD_H

#include "eval/eval.h"
#include "report/report.h"

struct report_prices {
	double usd_per_core_hour;
	int cores; /* that the local model uses */
};

/* The run's rows must be of this task (same fingerprint). Lives in arena; borrows task. A run without any measured
 * candidate is an error that says to climb first. */
bool report_build(const struct task *task, struct store *store, const struct run_row *run,
		  const struct report_prices *prices, struct arena *arena, struct report *report, struct error *err);

#endif
