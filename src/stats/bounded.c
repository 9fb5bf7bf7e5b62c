/* bounded.c - P(sum a_i E_i <= 0) for exponential E_i, which is what Dirichlet weights come to: a contour integral of
 * exp(K(s))/s, K(s) = -sum log(1 - a_i s), through its saddle point, where the trapezoid rule on asinh(y) converges fast. */
#include "stats/bounded.h"

#include <math.h>
#include <stdbool.h>

enum { DISTINCT_MOST = 32, BISECTIONS = 60, RENORMALISE = 16, HALVINGS = 10 };

/* The a_i: deviations of values from the bound, and the worst one. */
struct deviations {
	const double *values;         /* (n) or NULL */
	const struct cluster *groups; /* (n) or NULL */
	double bound, largest, worst;
	size_t n;
	double most;                          /* the largest a_i */
	double a[DISTINCT_MOST];              /* where there are few different ones: */
	double weight[DISTINCT_MOST];         /* how often each occurs */
	size_t n_distinct;                    /* 0: there are many */
	double log_unlost;                    /* of p where nothing lies below the bound but the worst; else unused */
	bool lost;                            /* something does */
};

static double deviation(const struct deviations *x, size_t i)
{
	double a = x->values ? x->values[i] - x->bound : (x->groups[i].sum - x->bound * (double)x->groups[i].size) / x->largest;

	return fmax(a, x->worst);
}

static bool tally(struct deviations *x, double a)
{
	size_t i = 0;

	while (i < x->n_distinct && !(x->a[i] >= a && x->a[i] <= a))
		i++;
	if (i == DISTINCT_MOST)
		return false;
	if (i == x->n_distinct) {
		x->a[i] = a;
		x->weight[i] = 0;
		x->n_distinct++;
	}
	x->weight[i]++;
	return true;
}

static void tally_all(struct deviations *x)
{
	bool few = tally(x, x->worst);

	x->most = 0;
	for (size_t i = 0; i < x->n; i++) {
		double a = deviation(x, i);

		x->most = fmax(x->most, a);
		x->lost |= a < 0;
		x->log_unlost -= x->lost ? 0 : log1p(-a / x->worst);
		few = few && tally(x, a);
	}
	if (!few)
		x->n_distinct = 0;
}

/* Sums over all a_i at a real s: K and its derivative. */
static double cumulant(const struct deviations *x, double s, double *slope)
{
	double k = x->n_distinct ? 0 : -log1p(-x->worst * s), product = 1;

	*slope = x->n_distinct ? 0 : x->worst / (1 - x->worst * s);
	for (size_t i = 0; i < x->n_distinct; i++) {
		k -= x->weight[i] * log1p(-x->a[i] * s);
		*slope += x->weight[i] * x->a[i] / (1 - x->a[i] * s);
	}
	for (size_t i = 0; !x->n_distinct && i < x->n; i++) {
		double a = deviation(x, i);

		product *= 1 - a * s;
		*slope += a / (1 - a * s);
		if (i % RENORMALISE == RENORMALISE - 1 || i + 1 == x->n) {
			k -= log(product);
			product = 1;
		}
	}
	return k;
}

/* Where exp(K(s))/|s| is least on the side of the sign, between 0 and the nearest pole there. */
static double saddle(const struct deviations *x, double sign)
{
	double near_zero = 0, near_pole = sign < 0 ? 1 / x->worst : 1 / x->most;

	for (int i = 0; i < BISECTIONS; i++) {
		double s = 0.5 * (near_zero + near_pole), slope;

		cumulant(x, s, &slope);
		if (sign * (slope - 1 / s) < 0)
			near_zero = s;
		else
			near_pole = s;
	}
	return 0.5 * (near_zero + near_pole);
}

/* One factor 1/(1 - i b y), b = a/(1 - a s0): its logarithm's modulus and phase, `weight` times. */
static void add_factor(double b, double y, double weight, double *modulus, double *phase)
{
	*modulus -= weight * 0.5 * log1p(b * b * y * y);
	*phase += weight * atan(b * y);
}

/* exp(K(s0 + iy) - K(s0)) as modulus (log) and phase. */
static void transform(const struct deviations *x, double s0, double y, double *modulus, double *phase)
{
	*modulus = *phase = 0;
	for (size_t i = 0; i < x->n_distinct; i++)
		add_factor(x->a[i] / (1 - x->a[i] * s0), y, x->weight[i], modulus, phase);
	if (x->n_distinct)
		return;
	add_factor(x->worst / (1 - x->worst * s0), y, 1, modulus, phase);
	double re = 1, im = 0;

	for (size_t i = 0; i < x->n; i++) { /* products: a logarithm and an arc for every sixteen */
		double a = deviation(x, i), t = -a / (1 - a * s0) * y, r = re - im * t;

		im += re * t;
		re = r;
		if (i % RENORMALISE == RENORMALISE - 1 || i + 1 == x->n) {
			*modulus -= 0.5 * log(re * re + im * im);
			*phase -= atan2(im, re);
			re = 1;
			im = 0;
		}
	}
}

static double curvature(const struct deviations *x, double s0)
{
	double h = 1e-5 * fabs(s0), above, below;

	cumulant(x, s0 + h, &above);
	cumulant(x, s0 - h, &below);
	return (above - below) / (2 * h) + 1 / (s0 * s0);
}

/* exp(K(s))/s on the contour at y = width sinh(t), beside its value at t = 0, times dy/dt; *small: it and all that follows is nothing. */
static double contour(const struct deviations *x, double s0, double width, double t, bool *small)
{
	double y = width * sinh(t), modulus, phase;

	transform(x, s0, y, &modulus, &phase);
	phase -= atan(y / s0); /* s0/(s0 + iy) */
	modulus += log(cosh(t)) - 0.5 * log1p(y / s0 * (y / s0));
	*small = modulus < -45;
	return exp(modulus) * cos(phase);
}

/* P(S <= 0) with sign -1, P(S > 0) with sign 1. No pole is nearer to the saddle than `width`; where many values make the integrand
 * nearly normal, steps of 1/8 are exact, but few of them beside many small ones let it oscillate far out: steps halve until that
 * changes nothing. */
static double tail(const struct deviations *x, double sign)
{
	double s0 = saddle(x, sign), width = 1 / sqrt(curvature(x, s0)), sum = 0.5, before = 0, slope;
	double step = 0.5;

	for (int halved = 0; halved < HALVINGS; halved++) {
		bool small = false;

		for (double t = halved ? 0.5 * step : step; !small; t += step)
			sum += contour(x, s0, width, t, &small);
		step *= halved ? 0.5 : 1;
		if (halved > 1 && fabs(sum * step - before) <= 1e-12 * fabs(before))
			break;
		before = sum * step;
	}
	return exp(cumulant(x, s0, &slope)) / fabs(s0) * width * sum * step / M_PI;
}

static double deviations_p(struct deviations *x)
{
	double slope;

	tally_all(x);
	if (!(x->most > 0))
		return 1;
	if (!x->lost) /* P(sum of the a_i E_i <= -worst E) = E exp(sum / worst): exact, where the integral has a needle to go round */
		return exp(x->log_unlost);
	cumulant(x, 0, &slope); /* the mean: from which side the tail is the smaller one */
	double p = slope > 0 ? tail(x, -1) : 1 - tail(x, 1);

	return fmin(1, fmax(0, p));
}

double bounded_items_p(const double *values, size_t n, double bound, double low)
{
	struct deviations x = { .values = values, .n = n, .bound = bound, .worst = low - bound };

	return deviations_p(&x);
}

double bounded_clusters_p(const struct cluster *g, size_t groups, size_t largest, double bound, double low)
{
	struct deviations x = { .groups = g, .n = groups, .bound = bound, .largest = (double)largest, .worst = low - bound };

	return deviations_p(&x);
}
