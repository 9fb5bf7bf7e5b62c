/* knowledge.c - differences between the rows, and what they point to. */
#include "decide/knowledge.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "stats/interval.h"

/* The interval of the mean of x, and how many observations it is made of. */
static struct interval mean_interval(const double *x, size_t n, const size_t *cluster, double mean, size_t *observations)
{
	double squares = 0;

	*observations = n;
	if (cluster) {
		size_t groups = cluster[n - 1] + 1; /* numbers rise */
		struct cluster *sums = mem_alloc(groups * sizeof(*sums));

		cluster_gather(sums, groups, x, cluster, n);
		struct interval found = interval_cluster(sums, groups, 0.95);

		free(sums);
		*observations = groups;
		return found;
	}
	for (size_t i = 0; i < n; i++)
		squares += (x[i] - mean) * (x[i] - mean);
	return interval_mean_t(mean, sqrt(squares / (double)(n - 1)), n, 0.95);
}

struct difference difference_of(const double *from, const double *to, size_t n, const size_t *cluster)
{
	struct difference d = { .n = n, .low = -1, .high = 1 };
	double *x = mem_alloc((n + 1) * sizeof(*x)), sum = 0;
	size_t observations;

	for (size_t i = 0; i < n; i++) {
		x[i] = to[i] - from[i];
		d.fixed += x[i] > 0;
		d.broken += x[i] < 0;
		sum += x[i];
	}
	if (n >= 2) {
		d.delta = sum / (double)n;
		struct interval t = mean_interval(x, n, cluster, d.delta, &observations);
		double hidden = interval_all_pass(observations, 0.95);

		d.low = fmax(-1, fmin(t.low, d.delta - hidden));
		d.high = fmin(1, fmax(t.high, d.delta + hidden));
	}
	free(x);
	return d;
}

bool knowledge_cannot_help(const struct difference *gap, double margin)
{
	return gap->n > 0 && gap->high < margin;
}

static const char *gap_points_to(const struct difference *gap, double margin)
{
	if (knowledge_cannot_help(gap, margin))
		return "not knowledge: the answer in the prompt does not help";
	return gap->low > 0 ? "retrieval" : "";
}

/* What is lost beyond the margin, shown or only estimated. */
static const char *loss_points_to(const struct difference *loss, double margin, const char *remedy)
{
	return loss->low > 0 || loss->delta >= margin ? remedy : "";
}

/* One row alone: its mean, or with `loss` what it lacks to 1. */
static struct difference share_of(const double *score, size_t n, bool loss)
{
	struct difference d = { .n = n };
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		d.fixed += score[i] >= 1;
		d.broken += score[i] < 1;
		sum += score[i];
	}
	struct interval w = interval_wilson((uint64_t)llround(sum), n, 0.95);
	double mean = n > 0 ? sum / (double)n : 0;

	d.delta = loss ? 1 - mean : mean;
	d.low = loss ? 1 - w.high : w.low;
	d.high = loss ? 1 - w.low : w.high;
	return d;
}

size_t knowledge_findings(const struct knowledge *k, double margin, struct probe_finding *out)
{
	const double *closed = k->score[KNOWLEDGE_CLOSED], *oracle = k->score[KNOWLEDGE_ORACLE];
	const double *retrieved = k->score[KNOWLEDGE_RETRIEVED], *distracted = k->score[KNOWLEDGE_DISTRACTED];
	const double *without = k->score[KNOWLEDGE_WITHOUT];
	size_t n = 0;
	struct difference d;

	if (closed && oracle) {
		d = difference_of(closed, oracle, k->n, k->cluster);
		out[n++] = (struct probe_finding){ "knowledge gap", d, gap_points_to(&d, margin), FINDING_KNOWLEDGE, NULL };
	}
	if (closed && retrieved) {
		d = difference_of(closed, retrieved, k->n, k->cluster);
		out[n++] = (struct probe_finding){ "retrieval gain", d, d.low > 0 ? "retrieval" : "", FINDING_KNOWLEDGE, NULL };
	}
	if (retrieved && oracle) {
		d = difference_of(retrieved, oracle, k->n, k->cluster);
		out[n++] = (struct probe_finding){ "retrieval loss", d, loss_points_to(&d, margin, "chunking, fusion, more passages"), FINDING_KNOWLEDGE, NULL };
	}
	if (distracted && oracle) {
		d = difference_of(distracted, oracle, k->n, k->cluster);
		out[n++] = (struct probe_finding){ "noise", d, loss_points_to(&d, margin, "fewer passages, a better order"), FINDING_KNOWLEDGE, NULL };
	}
	if (oracle) {
		d = share_of(oracle, k->n, true);
		out[n++] = (struct probe_finding){ "utilisation loss", d, loss_points_to(&d, margin, "a stronger model, or the form of the answer"), FINDING_KNOWLEDGE, NULL };
	}
	if (without) {
		d = share_of(without, k->n, false);
		out[n++] = (struct probe_finding){ "abstention without gold", d, d.high < 0.5 ? "a threshold of abstention" : "", FINDING_KNOWLEDGE, NULL };
	}
	return n;
}
