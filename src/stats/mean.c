/* mean.c - two passes over the values: the one-pass variance cancels for scores near 1. */
#include "stats/mean.h"

#include <math.h>

#include "stats/bet.h"
#include "stats/special.h"

/* Rounding alone gives this much spread, relative to the range of the values; less is none. */
static const double no_spread = 1e-12;

static double robust_error(double sum_of_squares, double items, double groups)
{
	return groups < 2.0 ? INFINITY : sqrt(groups / (groups - 1.0) * sum_of_squares) / items;
}

struct mean mean_items(const double *values, size_t n)
{
	struct mean m = { .mean = NAN, .items = (double)n, .groups = (double)n };
	double sum = 0.0;
	double squares = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	if (n > 0)
		m.mean = sum / m.items;
	for (size_t i = 0; i < n; i++)
		squares += (values[i] - m.mean) * (values[i] - m.mean);
	m.error = robust_error(squares, m.items, m.groups);
	return m;
}

struct mean mean_clusters(const struct cluster *g, size_t groups)
{
	struct mean m = { .mean = NAN };
	double sum = 0.0;
	double squares = 0.0;

	for (size_t i = 0; i < groups; i++) {
		sum += g[i].sum;
		m.items += (double)g[i].size;
		m.groups += g[i].size > 0;
	}
	if (m.items > 0.0)
		m.mean = sum / m.items;
	for (size_t i = 0; i < groups; i++) {
		double off = g[i].sum - (double)g[i].size * m.mean;

		squares += g[i].size > 0 ? off * off : 0.0;
	}
	m.error = robust_error(squares, m.items, m.groups);
	return m;
}

struct mean mean_scale(struct mean m, double factor)
{
	double squares = m.error * m.items * m.error * m.items * (m.groups - 1.0) / m.groups;

	m.items *= factor;
	m.groups *= factor;
	m.error = robust_error(squares * factor, m.items, m.groups);
	return m;
}

/* The K test of `groups` equal values x against the mean `bound`, both on [0, 1]. */
static double p_without_spread(double x, double bound, double groups)
{
	struct bet one;

	bet_init(&one, bound);
	bet_add(&one, x);
	for (int i = 0; i < BET_GAMBLERS; i++)
		one.log_capital[i] *= groups;
	return fmin(1.0, exp(-bet_log_k(&one)));
}

double mean_above_p(struct mean m, double bound, double low, double high)
{
	double share = (bound - low) / (high - low);

	if (!(m.groups >= 2.0) || isnan(m.mean))
		return 1.0;
	if (m.error <= no_spread * (high - low))
		return p_without_spread((m.mean - low) / (high - low), share, m.groups);
	return fmax(student_t_upper((m.mean - bound) / m.error, m.groups - 1.0), pow(share, m.groups));
}

double mean_below_p(struct mean m, double bound, double low, double high)
{
	m.mean = -m.mean;
	return mean_above_p(m, -bound, -high, -low);
}
