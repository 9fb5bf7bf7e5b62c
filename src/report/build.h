/* build.h - fills a struct report from the rows of one run; scores and the verdict are computed here, anew each time. */
#ifndef RUNG_REPORT_BUILD_H
#define RUNG_REPORT_BUILD_H

#include "eval/eval.h"
#include "report/costs.h"
#include "report/report.h"

/* The run's rows must be of this task (same fingerprint). curation: the review file that fine-tuning follows, or NULL. assumed: what the
 * costs shown rest on; decided: those of the verdict, where they count in it, and the climb's own. Lives in arena; borrows task and both.
 * A run without any measured candidate is an error that says to climb first. */
bool report_build(const struct task *task, struct store *store, const struct run_row *run, const char *curation, const char *human,
		  const struct cost_assumptions *assumed, const struct cost_assumptions *decided, struct arena *arena,
		  struct report *report, struct error *err);

#endif
