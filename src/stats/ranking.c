/* ranking.c - counts and discounted sums over the first k ranks. */
#include "stats/ranking.h"

#include <math.h>

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t count_within(const bool *relevant, size_t n, size_t k)
{
	size_t found = 0;

	for (size_t i = 0; i < smaller(n, k); i++)
		found += relevant[i];
	return found;
}

double ranking_recall(const bool *relevant, size_t n, size_t total, size_t k)
{
	return total ? (double)count_within(relevant, n, k) / (double)total : NAN;
}

double ranking_success(const bool *relevant, size_t n, size_t total, size_t k)
{
	return total ? (double)(count_within(relevant, n, k) > 0) : NAN;
}

double ranking_ndcg(const bool *relevant, size_t n, size_t total, size_t k)
{
	double gain = 0;
	double ideal = 0;

	if (total == 0)
		return NAN;
	for (size_t i = 0; i < smaller(n, k); i++)
		gain += relevant[i] ? 1 / log2((double)i + 2) : 0;
	for (size_t i = 0; i < smaller(total, k); i++)
		ideal += 1 / log2((double)i + 2);
	return gain / ideal;
}

double ranking_reciprocal(const bool *relevant, size_t n, size_t total)
{
	if (total == 0)
		return NAN;
	for (size_t i = 0; i < n; i++)
		if (relevant[i])
			return 1 / (double)(i + 1);
	return 0;
}
