/* halving.c - the schedule and the choice of survivors. */
#include "stats/halving.h"

#include <math.h>
#include <string.h>

void halving_plan(struct halving *h, size_t arms, size_t items)
{
	memset(h, 0, sizeof(*h));
	h->arms[0] = arms;
	while (h->arms[h->rounds] > 1) {
		h->arms[h->rounds + 1] = h->arms[h->rounds] / 2;
		h->rounds++;
	}
	/* Quotient and rest apart: items * r overflows no sooner than items itself. */
	for (size_t r = 1; r <= h->rounds; r++)
		h->start[r] = items / h->rounds * r + items % h->rounds * r / h->rounds;
}

double halving_share(const struct halving *h)
{
	double calls = 0.0;

	if (h->rounds == 0 || h->start[h->rounds] == 0)
		return 1.0;
	for (size_t r = 0; r < h->rounds; r++)
		calls += (double)h->arms[r] * (double)(h->start[r + 1] - h->start[r]);
	return calls / ((double)h->arms[0] * (double)h->start[h->rounds]);
}

static double known_score(const double *score, size_t i)
{
	return isnan(score[i]) ? -INFINITY : score[i];
}

static double known_cost(const double *cost, size_t i)
{
	return !cost || isnan(cost[i]) ? INFINITY : cost[i];
}

/* Whether arm a goes before arm b; a total order, so the result does not depend on the order of the arms. */
static bool arm_before(const double *score, const double *cost, size_t a, size_t b)
{
	if (known_score(score, a) != known_score(score, b))
		return known_score(score, a) > known_score(score, b);
	if (known_cost(cost, a) != known_cost(cost, b))
		return known_cost(cost, a) < known_cost(cost, b);
	return a < b;
}

size_t halving_survivors(const double *score, const double *cost, size_t n, size_t keep, size_t *out)
{
	size_t kept = 0;

	/* Insertion into the list of the best: n * keep steps for a few dozen arms. */
	for (size_t i = 0; i < n; i++) {
		size_t at = kept;

		while (at > 0 && arm_before(score, cost, i, out[at - 1]))
			at--;
		if (at == keep)
			continue;
		if (kept < keep)
			kept++;
		for (size_t j = kept - 1; j > at; j--)
			out[j] = out[j - 1];
		out[at] = i;
	}
	return kept;
}

bool halving_beaten(double log_e, size_t arms, double alpha)
{
	return arms > 1 && log_e >= log((double)(arms - 1) / alpha);
}
