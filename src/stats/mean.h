/* mean.h - a mean, its standard error, and the one-sided t test on it; what the fixed-n recipes share.
 *
 * Items are clusters of one: both go through one formula. Pure, no allocation. */
#ifndef RUNG_STATS_MEAN_H
#define RUNG_STATS_MEAN_H

#include <stddef.h>

#include "stats/cluster.h"

struct mean {
	double mean;   /* over items */
	double error;  /* sqrt(G/(G-1) * sum_g (S_g - n_g mean)^2) / items; INFINITY below two groups */
	double items;  /* real, so that plans can scale a sample */
	double groups; /* clusters that hold items */
};

/* For items the error is sd/sqrt(n); for clusters the robust one (Miller 2024, arXiv 2411.00640), with the factor
 * G/(G-1) for few clusters. */
struct mean mean_items(const double *values, size_t n);
struct mean mean_clusters(const struct cluster *g, size_t groups);

/* The sample as it would look with `factor` times as many groups of the same distribution. */
struct mean mean_scale(struct mean m, double factor);

/* One-sided p against "the true mean is at most bound", t with groups - 1 degrees of freedom. Values are known to lie
 * in [low, high], low < bound < high, which corrects the t test where it knows nothing: p is never below the chance
 * that every group is at `high` under the null, ((bound - low)/(high - low))^groups, and a sample without spread is
 * judged by the K test of bet.h (p = 1/K). 1 below two groups. */
double mean_above_p(struct mean m, double bound, double low, double high);
/* Its mirror, against "the true mean is at least bound". */
double mean_below_p(struct mean m, double bound, double low, double high);

#endif
