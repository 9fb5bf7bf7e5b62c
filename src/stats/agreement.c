/* agreement.c - sums over pairs of grades */
#include "stats/agreement.h"

#include <math.h>

static double mean_of(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / (double)n : NAN;
}

static bool all_binary(const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (x[i] > 0 && x[i] < 1)
			return false;
	return n > 0;
}

struct agreement agreement_of(const double *first, const double *second, size_t n)
{
	struct agreement a = { .n = n, .first = mean_of(first, n), .second = mean_of(second, n), .correlation = NAN, .same = NAN, .kappa = NAN,
			       .binary = all_binary(first, n) && all_binary(second, n) };
	double products = 0, squares = 0, others = 0, same = 0;

	for (size_t i = 0; i < n; i++) {
		double x = first[i] - a.first, y = second[i] - a.second;

		products += x * y;
		squares += x * x;
		others += y * y;
		same += fabs(first[i] - second[i]) < 0.5;
	}
	if (squares > 0 && others > 0)
		a.correlation = products / sqrt(squares * others);
	if (!a.binary)
		return a;
	double chance = a.first * a.second + (1 - a.first) * (1 - a.second);

	a.same = same / (double)n;
	if (chance < 1)
		a.kappa = (a.same - chance) / (1 - chance);
	return a;
}
