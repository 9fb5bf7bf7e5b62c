/* grading.h - of a scorer outside: what grading took, how far it agrees with people, and scores corrected by their grades. Private to
 * src/report. */
#ifndef RUNG_REPORT_GRADING_H
#define RUNG_REPORT_GRADING_H

#include "report/report.h"
#include "store/store.h"
#include "task/task.h"

/* Fills report->grading, whose variants and comparisons are there; human: the file of people's grades (human.h). */
bool grading_build(const struct task *task, struct store *store, const struct run_row *run, const char *human, struct arena *arena,
		   struct report *report, struct error *err);

#endif
