/* curve.c - least squares of log error on log n */
#include "stats/curve.h"

#include <math.h>

#include "stats/special.h"

static double log_error(double error, size_t items)
{
	return log(fmax(error, 0.5 / (double)items));
}

static size_t sizes(const struct curve_point *points, size_t n)
{
	size_t distinct = 0;

	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		while (j < i && points[j].n != points[i].n)
			j++;
		distinct += j == i;
	}
	return distinct;
}

bool curve_fit(const struct curve_point *points, size_t n, size_t items, struct curve *out)
{
	double mean_y = 0, sxy = 0, squares = 0;

	*out = (struct curve){ .points = n, .items = (double)items };
	if (items == 0 || n < 3 || sizes(points, n) < 3)
		return false;
	for (size_t i = 0; i < n; i++) {
		out->mean_x += log((double)points[i].n) / (double)n;
		mean_y += log_error(points[i].error, items) / (double)n;
		out->most = points[i].n > out->most ? points[i].n : out->most;
	}
	for (size_t i = 0; i < n; i++) {
		double x = log((double)points[i].n) - out->mean_x;

		out->sxx += x * x;
		sxy += x * (log_error(points[i].error, items) - mean_y);
	}
	out->b = -sxy / out->sxx;
	out->a = exp(mean_y + out->b * out->mean_x);
	for (size_t i = 0; i < n; i++) {
		double r = log_error(points[i].error, items) - (log(out->a) - out->b * log((double)points[i].n));

		squares += r * r;
	}
	out->residual = sqrt(squares / (double)(n - 2));
	return true;
}

/* The items are the same for all points, so that what they add to the line's error does not shrink with more points. */
struct forecast curve_forecast(const struct curve *c, double n)
{
	double x = log(n) - c->mean_x, y = log(c->a) - c->b * log(n), error = fmin(exp(y), 1);
	double line = c->residual * c->residual * (1 / (double)c->points + x * x / c->sxx);
	double half = student_t_quantile(0.975, (double)c->points - 2) * sqrt(line + (1 - error) / (error * c->items));

	if (!(n >= 1) || n > CURVE_REACH * (double)c->most)
		return (struct forecast){ NAN, NAN, NAN };
	return (struct forecast){ error, exp(y - half), fmin(exp(y + half), 1) };
}

static double at(const struct forecast *f, int end)
{
	return end < 0 ? f->low : end > 0 ? f->high : f->error;
}

/* The fewest examples from `most` on at which that end of the forecast is at the target or below; 0: beyond the reach. */
static size_t meets(const struct curve *c, double target, int end)
{
	size_t low = c->most, high = CURVE_REACH * c->most;
	struct forecast f = curve_forecast(c, (double)high);

	if (at(&f, end) > target)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		f = curve_forecast(c, (double)middle);
		if (at(&f, end) <= target)
			high = middle;
		else
			low = middle + 1;
	}
	return high;
}

struct target_reach curve_reach(const struct curve *c, double target_error, double per_class)
{
	struct target_reach r = { .n = meets(c, target_error, 0), .low = meets(c, target_error, -1), .high = meets(c, target_error, 1) };

	if (r.n == 0 || (per_class <= CURVE_FEW && r.high == 0))
		r.reach = REACH_UNKNOWN;
	else
		r.reach = r.n <= c->most ? REACH_THERE : REACH_MORE;
	return r;
}
