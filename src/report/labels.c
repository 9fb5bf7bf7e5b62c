/* labels.c - label noise, which is a ceiling over every rung: it is counted in the examples, and no model is asked */
#include <math.h>

#include "report/diagnosis.h"
#include "stats/interval.h"
#include "tune/curate.h"

/* Inputs that stand in the file with several labels: of each, only what most of its rows say can be right more often than not, whoever
 * answers. Over dev and test together, which are what scores are measured on. */
static void conflicting(struct diagnosing *d)
{
	const struct item_list lists[] = { d->dev, d->task->test.list };
	size_t n = d->dev.n + d->task->test.list.n, at = 0, disputed = 0;
	double *all = arena_array(d->arena, n + 1, sizeof(*all)), *agreed = arena_array(d->arena, n + 1, sizeof(*agreed));

	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < lists[l].n; i++, at++) {
			all[at] = 1;
			agreed[at] = lists[l].items[i]->agreed;
			disputed += agreed[at] < 1;
		}
	if (disputed == 0)
		return;
	struct difference x = difference_of(all, agreed, n, NULL);

	x.high = fmin(x.high, 0);
	diagnosis_add(d, (struct probe_finding){ "conflicting labels on dev and test", x, "relabelling: no rung answers what its labels "
						 "contradict", FINDING_LABELS, NULL });
}

/* Out-of-fold suspects of the pool, where somebody had them looked for: dev and test come from where it comes from. A file with a mistake
 * is refused by what follows it; a report says nothing of it. */
static void suspected(struct diagnosing *d, const char *curation)
{
	size_t n, pool = d->task->pool.list.n;
	struct error refused;

	if (!curate_suspects(d->task, curation, d->arena, &n, &refused) || n == 0)
		return;
	struct interval share = interval_wilson(n, pool, 0.95);
	struct difference x = { .n = pool, .broken = n, .delta = -(double)n / (double)pool, .low = -share.high, .high = -share.low };

	diagnosis_add(d, (struct probe_finding){ "labels of the pool that are suspected", x, "a look at the suspects in " CURATE_FILE
						 ", as dev and test will have as many", FINDING_LABELS, NULL });
}

void labels_findings(struct diagnosing *d, const char *curation)
{
	if (d->task->kind != TASK_CLASSIFY || d->task->many) /* elsewhere two different answers may both be right */
		return;
	conflicting(d);
	suspected(d, curation);
}
