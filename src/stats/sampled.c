/* sampled.c - weighting back what was taken too often */
#include "stats/sampled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stats/interval.h"
#include "stats/special.h"

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double pass_at_k(const double *scores, size_t n, size_t k)
{
	double *sorted = mem_alloc((n + 1) * sizeof(*sorted)), best = 0, below = 1;

	if (n > 0)
		memcpy(sorted, scores, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), rising);
	/* P(none of the k is among the i largest) = C(n-i, k) / C(n, k), one factor at a time. */
	for (size_t i = 0; i < n && k > 0; i++) {
		double none = i + k >= n ? 0 : below * (double)(n - i - k) / (double)(n - i);

		best += (below - none) * sorted[n - 1 - i];
		below = none;
	}
	free(sorted);
	return best;
}

struct stratum {
	double weight, mean;
	size_t n, groups;
};

static void strata_fill(struct stratum s[2], const double *x, const bool *passed, const size_t *cluster, size_t n, const size_t population[2])
{
	for (int h = 0; h < 2; h++)
		s[h] = (struct stratum){ .weight = (double)population[h] / (double)(population[0] + population[1]) };
	for (size_t i = 0; i < n; i++) {
		struct stratum *h = &s[passed[i]];
		bool again = false;

		for (size_t j = 0; cluster && j < i && !again; j++)
			again = cluster[j] == cluster[i] && passed[j] == passed[i];
		h->groups += !again;
		h->mean += x[i];
		h->n++;
	}
	for (int h = 0; h < 2; h++)
		s[h].mean /= s[h].n > 0 ? (double)s[h].n : 1;
}

/* What the items' deviations from their stratum's mean add to the variance; *groups: how many are independent. */
static double within(const struct stratum s[2], const double *x, const bool *passed, const size_t *cluster, size_t n, size_t *groups)
{
	double *sums = mem_zero(n + 1, sizeof(*sums)), squares = 0;
	bool *seen = mem_zero(n + 1, sizeof(*seen));

	*groups = 0;
	for (size_t i = 0; i < n; i++) {
		const struct stratum *h = &s[passed[i]];
		size_t g = cluster ? cluster[i] : i;

		sums[g] += h->weight * (x[i] - h->mean) / (double)h->n;
		*groups += !seen[g];
		seen[g] = true;
	}
	for (size_t g = 0; g < n; g++)
		squares += sums[g] * sums[g];
	free(sums);
	free(seen);
	return *groups > 1 ? squares * (double)*groups / (double)(*groups - 1) : INFINITY;
}

struct sampled_mean sampled_mean(const double *x, const bool *passed, const size_t *cluster, size_t n, const size_t population[2])
{
	struct stratum s[2];
	size_t groups;

	strata_fill(s, x, passed, cluster, n, population);
	double mean = s[0].weight * s[0].mean + s[1].weight * s[1].mean;
	double variance = within(s, x, passed, cluster, n, &groups), hidden[2];

	for (int h = 0; h < 2; h++) {
		variance += s[h].weight * (s[h].mean - mean) * (s[h].mean - mean) / (double)(population[0] + population[1]);
		hidden[h] = s[h].weight * interval_all_pass(s[h].groups, 0.95);
	}
	double half = groups > 1 ? student_t_quantile(0.975, (double)(groups - 1)) * sqrt(variance) : INFINITY;

	return (struct sampled_mean){ mean, fmax(-1, fmin(mean - half, mean - hidden[1])), fmin(1, fmax(mean + half, mean + hidden[0])) };
}
