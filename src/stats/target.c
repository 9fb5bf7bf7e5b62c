/* target.c - tests against a wanted accuracy or mean score, and their mirrors. */
#include "stats/target.h"

#include <math.h>

#include "stats/bet.h"
#include "stats/special.h"

static const double prior = 0.5; /* Jeffreys, as in paired.c */

double target_exact_p(uint64_t successes, uint64_t n, double target)
{
	return binomial_upper(successes, n, target);
}

double target_exact_futile_p(uint64_t successes, uint64_t n, double target)
{
	return binomial_lower(successes, n, target);
}

/* The mixture over (target, 1) against the point `target`; below = 1 - target comes along so that the mirror loses no
 * digits. */
static double upper_log_e(double s, double f, double target, double below)
{
	double log_prior_mass = beta_inc_log(prior, prior, below); /* P(p > t) = I_{1-t} with the parameters swapped */
	double log_mass = beta_inc_log(f + prior, s + prior, below);
	double log_mixture = beta_log(s + prior, f + prior) - beta_log(prior, prior);

	return log_mixture + log_mass - log_prior_mass - s * log(target) - f * log(below);
}

double target_log_e(uint64_t successes, uint64_t n, double target)
{
	return target_log_e_real((double)successes, (double)(n - successes), target);
}

double target_futile_log_e(uint64_t successes, uint64_t n, double target)
{
	return target_futile_log_e_real((double)successes, (double)(n - successes), target);
}

double target_log_e_real(double successes, double failures, double target)
{
	return upper_log_e(successes, failures, target, 1.0 - target);
}

double target_futile_log_e_real(double successes, double failures, double target)
{
	return upper_log_e(failures, successes, 1.0 - target, target);
}

double target_log_k(const double *score, size_t n, double target)
{
	struct bet b;

	bet_init(&b, target);
	for (size_t i = 0; i < n; i++)
		bet_add(&b, score[i]);
	return bet_log_k(&b);
}

double target_futile_log_k(const double *score, size_t n, double target)
{
	struct bet b;

	bet_init(&b, 1.0 - target);
	for (size_t i = 0; i < n; i++)
		bet_add(&b, 1.0 - score[i]);
	return bet_log_k(&b);
}

double target_cluster_x(struct cluster g, size_t largest, double target)
{
	return 0.5 * ((g.sum - target * (double)g.size) / (double)largest + 1.0);
}

double target_cluster_log_k(const struct cluster *g, size_t groups, size_t largest, double target)
{
	struct bet b;

	bet_init(&b, 0.5);
	for (size_t i = 0; i < groups; i++)
		bet_add(&b, target_cluster_x(g[i], largest, target));
	return bet_log_k(&b);
}

double target_cluster_futile_log_k(const struct cluster *g, size_t groups, size_t largest, double target)
{
	struct bet b;

	bet_init(&b, 0.5);
	for (size_t i = 0; i < groups; i++)
		bet_add(&b, 1.0 - target_cluster_x(g[i], largest, target));
	return bet_log_k(&b);
}
