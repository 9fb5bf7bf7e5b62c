/* interval.c - intervals for one accuracy, one mean, one failure rate. */
#include "stats/interval.h"

#include <math.h>

#include "stats/mean.h"
#include "stats/special.h"

/* The two-sided quantile is taken at alpha/2, not at 1 - alpha/2: small alpha keeps its digits. */
static double normal_width(double confidence)
{
	return -normal_quantile(0.5 * (1.0 - confidence));
}

struct interval interval_wilson(uint64_t successes, uint64_t n, double confidence)
{
	if (n == 0)
		return (struct interval){ 0.0, 1.0 };

	double z = normal_width(confidence);
	double s = (double)successes;
	double f = (double)(n - successes);
	double total = (double)n + z * z;
	double centre = (s + 0.5 * z * z) / total;
	double half = z * sqrt(s * f / (double)n + 0.25 * z * z) / total;

	return (struct interval){ successes == 0 ? 0.0 : centre - half, successes == n ? 1.0 : centre + half };
}

struct interval interval_exact(uint64_t successes, uint64_t n, double confidence)
{
	double tail = 0.5 * (1.0 - confidence);
	double s = (double)successes;
	double f = (double)(n - successes);
	struct interval i = { 0.0, 1.0 };

	if (successes > 0)
		i.low = beta_quantile(tail, s, f + 1.0);
	if (successes < n)
		i.high = 1.0 - beta_quantile(tail, f, s + 1.0);
	return i;
}

static struct interval interval_t(double mean, double error, double groups, double confidence)
{
	if (!(groups >= 2.0))
		return (struct interval){ -INFINITY, INFINITY };

	double half = -student_t_quantile(0.5 * (1.0 - confidence), groups - 1.0) * error;

	return (struct interval){ mean - half, mean + half };
}

struct interval interval_mean_t(double mean, double sd, uint64_t n, double confidence)
{
	return interval_t(mean, sd / sqrt((double)n), (double)n, confidence);
}

struct interval interval_cluster(const struct cluster *g, size_t groups, double confidence)
{
	struct mean m = mean_clusters(g, groups);

	return interval_t(m.mean, m.error, m.groups, confidence);
}

double interval_all_pass(uint64_t n, double confidence)
{
	return n == 0 ? 1.0 : -expm1(log1p(-confidence) / (double)n);
}
