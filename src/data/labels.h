/* labels.h - what more labels would do, counted against those that were collected since the last climb.
 *
 * Two kinds that do not stand for each other. Test items settle what is open: how many is computed by the comparison's own test
 * (stats/power.h). Pool examples make variants better that learn from them: how much, their learning curves forecast (stats/curve.h). */
#ifndef RUNG_DATA_LABELS_H
#define RUNG_DATA_LABELS_H

#include <jansson.h>

#include "base/buf.h"
#include "report/report.h"
#include "task/task.h"

struct labels {
	const char *why;    /* nothing is known, a sentence; NULL: what follows is */
	size_t pool, test;  /* examples that the climb saw */
	enum decide_plan plan;
	double target;      /* NAN: none */
	struct { const char *from, *to; size_t needed; } *open; /* (n_open) unresolved comparisons; needed: test items, SIZE_MAX: beyond the search */
	size_t n_open;
	struct { const char *name; struct curve fit; struct target_reach reach; } *curves; /* (n_curves) */
	size_t n_curves;
};

/* Of the last climb's report, over the task as it was then; copies what it keeps into arena. */
struct labels labels_of(const struct report *report, const struct task *climbed, struct arena *arena);
/* now: the task as it is, with all that was collected. */
void labels_text(const struct labels *l, const struct task *now, struct buf *out);
json_t *labels_json(const struct labels *l, const struct task *now);

#endif
