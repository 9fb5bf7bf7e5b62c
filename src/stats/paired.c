/* paired.c - the binomial mixture e-value and the exact tests. Works in logs: B(w, l) underflows a double near
 * w + l = 1000. */
#include "stats/paired.h"

#include <math.h>

#include "stats/special.h" /* beta_log(), beta_inc_log(): the regularised incomplete beta, in logs */

static const double prior = 0.5; /* Jeffreys: half an item of doubt each way */

double paired_log_e(struct paired_counts c)
{
	double w = (double)c.wins + prior;
	double l = (double)c.losses + prior;
	double log_mixture = beta_log(w, l) - beta_log(prior, prior);
	double log_upper_half = beta_inc_log(l, w, 0.5); /* P(p > 1/2 | data) = I_{1/2}(l, w) */
	double log_null = -(double)(c.wins + c.losses) * M_LN2;

	/* The prior puts half its mass above 1/2; dividing by that half adds log 2. */
	return log_mixture + log_upper_half + M_LN2 - log_null;
}

double paired_exact_p(struct paired_counts c)
{
	return binomial_upper(c.wins, c.wins + c.losses, 0.5);
}

double paired_mcnemar_p(struct paired_counts c)
{
	uint64_t fewer = c.wins < c.losses ? c.wins : c.losses;

	return fmin(1.0, 2.0 * binomial_lower(fewer, c.wins + c.losses, 0.5));
}
