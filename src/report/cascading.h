/* cascading.h - whose answers may stand, from which confidence on, and whether that pays: from rows, once the verdict and the costs are there. */
#ifndef RUNG_REPORT_CASCADING_H
#define RUNG_REPORT_CASCADING_H

#include "report/report.h"

/* Fills r->cascade; what it points to lives in arena. Nothing where the task asks for no cascade. */
bool cascading_build(const struct task *task, struct store *store, const struct run_row *run, struct arena *arena, struct report *r,
		     struct error *err);

#endif
