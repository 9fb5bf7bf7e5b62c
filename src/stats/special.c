/* special.c - beta functions by continued fraction, and what follows from them.
 *
 * Everything is computed in logs around Loader's deviance form (C. Loader 2000, "Fast and accurate computation of
 * binomial probabilities"): x^a (1-x)^b / B(a, b) at a = b = 1e6 is a difference of numbers near 1e6, and the naive
 * form keeps only ten digits of it. */
#include "stats/special.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

static const double half_log_2pi = 0.91893853320467274178;
static const double stirling_from = 10.0; /* below it lgamma itself is exact enough; above, the series below is */

/* lgamma(x) - [(x - 1/2) log x - x + log(2 pi)/2], x >= 10: DLMF 5.11.1, the next term is below 1e-16. */
static double stirling_rest(double x)
{
	static const double term[] = {
		1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156,
	};
	double y = 1.0 / (x * x);
	double sum = 0.0;

	for (int i = 6; i >= 0; i--)
		sum = sum * y + term[i];
	return sum / x;
}

static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign); /* lgamma() writes a global */
}

double beta_log(double a, double b)
{
	double p = fmin(a, b);
	double q = fmax(a, b);

	if (!(p > 0.0) || !isfinite(q) || isnan(a + b))
		return NAN;
	if (q < stirling_from)
		return log_gamma(p) + log_gamma(q) - log_gamma(p + q);

	double rest = stirling_rest(q) - stirling_rest(p + q);

	if (p < stirling_from)
		return log_gamma(p) + rest + p - p * log(p + q) + (q - 0.5) * log1p(-p / (p + q));
	return half_log_2pi - 0.5 * log(q) + stirling_rest(p) + rest + (p - 0.5) * log(p / (p + q)) +
	       q * log1p(-p / (p + q));
}

/* log(ratio) - u where ratio = 1 + u, without cancellation near u = 0. */
static double log_deviation(double ratio, double u)
{
	if (fabs(u) > 0.4)
		return log(ratio) - u;

	double r = u / (2.0 + u); /* log(1 + u) = 2 (r + r^3/3 + r^5/5 ...) */
	double power = 2.0 * r * r * r;
	double sum = -u * r;

	for (int k = 3; fabs(power) > DBL_EPSILON * fabs(sum) * 0.1; k += 2) {
		sum += power / k;
		power *= r * r;
	}
	return sum;
}

/* log(x^a y^b / B(a, b)), y = 1 - x. */
static double power_log(double a, double b, double x, double y)
{
	if (a < stirling_from || b < stirling_from)
		return a * (x > 0.5 ? log1p(-y) : log(x)) + b * (y > 0.5 ? log1p(-x) : log(y)) - beta_log(a, b);

	double n = a + b;
	double off = x * b - y * a; /* n (x - a/n): how far x is from the mean, in items */

	return a * log_deviation(x * n / a, off / a) + b * log_deviation(y * n / b, -off / b) +
	       0.5 * log(a / n * b) - half_log_2pi - stirling_rest(a) - stirling_rest(b) + stirling_rest(n);
}

/* The f of I_x(a, b) = x^a (1-x)^b / (B(a, b) f): the even part of DLMF 8.17.22 (Didonato, Morris 1992, TOMS 708), by
 * Lentz's method. It takes y = 1 - x itself; the plain form cancels where x is near 1. Below the mean it needs
 * O(sqrt(max(a, b))) steps. */
static double beta_fraction(double a, double b, double x, double y)
{
	const double tiny = 1e-300;
	double f = a * (a * y - b * x + 1.0) / (a + 1.0);
	double c = f;
	double d = 0.0;

	for (int m = 1; m < 100000; m++) {
		double odd = a + 2.0 * m - 1.0;
		double numerator = (a + m - 1.0) / odd * ((a + b + m - 1.0) / odd) * m * (b - m) * x * x;
		double denominator = m + m * (b - m) * x / odd +
				     (a + m) * (a * y - b * x + 1.0 + m * (1.0 + y)) / (odd + 2.0);

		d = denominator + numerator * d;
		c = denominator + numerator / c;
		d = 1.0 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		f *= c * d;
		if (fabs(c * d - 1.0) < DBL_EPSILON)
			break;
	}
	return f;
}

/* The smaller tail in logs: log I_x(a, b) with *flipped false, or log(1 - I_x(a, b)) with *flipped true. */
static double beta_tail_log(double a, double b, double x, double y, bool *flipped)
{
	*flipped = x >= (a + 1.0) / (a + b + 2.0);
	if (*flipped) {
		double swap = a;

		a = b;
		b = swap;
		swap = x;
		x = y;
		y = swap;
	}
	return fmin(0.0, power_log(a, b, x, y) - log(beta_fraction(a, b, x, y)));
}

static bool beta_in_domain(double a, double b, double x)
{
	return a > 0.0 && b > 0.0 && isfinite(a) && isfinite(b) && !isnan(x);
}

/* With x and y = 1 - x both given, so that neither loses digits near 0. */
static double beta_inc_xy(double a, double b, double x, double y)
{
	bool flipped;

	if (!beta_in_domain(a, b, x))
		return NAN;
	if (x <= 0.0 || y <= 0.0)
		return x <= 0.0 ? 0.0 : 1.0;

	double tail = beta_tail_log(a, b, x, y, &flipped);

	return flipped ? -expm1(tail) : exp(tail);
}

double beta_inc(double a, double b, double x)
{
	return beta_inc_xy(a, b, x, 1.0 - x);
}

double beta_inc_log(double a, double b, double x)
{
	bool flipped;

	if (!beta_in_domain(a, b, x))
		return NAN;
	if (x <= 0.0 || x >= 1.0)
		return x <= 0.0 ? -INFINITY : 0.0;

	double tail = beta_tail_log(a, b, x, 1.0 - x, &flipped);

	return flipped ? log1p(-exp(tail)) : tail;
}

double beta_quantile(double p, double a, double b)
{
	double low = 0.0;
	double high = 1.0;

	if (!beta_in_domain(a, b, p) || p < 0.0 || p > 1.0)
		return NAN;
	if (p == 0.0 || p == 1.0)
		return p;
	for (int i = 0; i < 200; i++) { /* until the two are neighbours; 200 leaves quantiles down to 1e-44 */
		double middle = 0.5 * (low + high);

		if (middle <= low || middle >= high)
			break;
		if (beta_inc(a, b, middle) < p)
			low = middle;
		else
			high = middle;
	}
	return high;
}

double normal_cdf(double z)
{
	return 0.5 * erfc(-z * M_SQRT1_2);
}

double normal_quantile(double p)
{
	if (!(p >= 0.0 && p <= 1.0))
		return NAN;
	if (p == 0.0 || p == 1.0)
		return p == 0.0 ? -INFINITY : INFINITY;

	/* Abramowitz, Stegun 26.2.23 (error 4.5e-4), then Halley's steps on erfc: each triples the digits. */
	double tail = fmin(p, 1.0 - p);
	double t = sqrt(-2.0 * log(tail));
	double numerator = 2.515517 + t * (0.802853 + t * 0.010328);
	double z = numerator / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;

	for (int i = 0; i < 3; i++) {
		double off = (normal_cdf(z) - tail) / tail;
		double step = off * exp(log(tail) + half_log_2pi + 0.5 * z * z);

		z -= step / (1.0 + 0.5 * z * step);
	}
	return p < 0.5 ? z : -z;
}

double student_t_upper(double t, double df)
{
	if (isnan(t) || !(df > 0.0))
		return NAN;
	if (isinf(df))
		return normal_cdf(-t);

	double total = df + t * t;
	double tail = isinf(total) ? 0.0 : 0.5 * beta_inc_xy(0.5 * df, 0.5, df / total, t * t / total);

	return t < 0.0 ? 1.0 - tail : tail;
}

double student_t_cdf(double t, double df)
{
	return student_t_upper(-t, df);
}

double student_t_quantile(double p, double df)
{
	double low = 0.0;
	double high = 1.0;

	if (!(p >= 0.0 && p <= 1.0) || !(df > 0.0))
		return NAN;
	if (p == 0.0 || p == 1.0)
		return p == 0.0 ? -INFINITY : INFINITY;

	double tail = fmin(p, 1.0 - p);

	while (student_t_upper(high, df) > tail) {
		low = high;
		high *= 2.0;
	}
	for (int i = 0; i < 200; i++) {
		double middle = 0.5 * (low + high);

		if (middle <= low || middle >= high)
			break;
		if (student_t_upper(middle, df) > tail)
			low = middle;
		else
			high = middle;
	}
	return p < 0.5 ? -low : low; /* low: exactly 0 at p = 1/2 */
}

double binomial_upper(uint64_t k, uint64_t n, double p)
{
	if (!(p >= 0.0 && p <= 1.0))
		return NAN;
	if (k == 0 || k > n)
		return k == 0 ? 1.0 : 0.0;
	return beta_inc_xy((double)k, (double)(n - k) + 1.0, p, 1.0 - p);
}

double binomial_lower(uint64_t k, uint64_t n, double p)
{
	if (!(p >= 0.0 && p <= 1.0))
		return NAN;
	if (k >= n)
		return 1.0;
	return beta_inc_xy((double)(n - k), (double)k + 1.0, 1.0 - p, p);
}
