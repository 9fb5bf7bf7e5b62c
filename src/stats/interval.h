/* interval.h - how far a measured accuracy, mean or failure rate may lie from the true one, n fixed in advance.
 *
 * For reporting one number from a finished run. Intervals that stay valid when somebody looked while the run went on
 * (every interval beside a comparison) are in bet.h. confidence is in (0, 1): .95, not 95. Pure, no allocation. */
#ifndef RUNG_STATS_INTERVAL_H
#define RUNG_STATS_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

#include "stats/cluster.h"

struct interval {
	double low, high;
};

/* Accuracy of successes in n: Wilson's score interval; never Wald, which is too short below 300 items (Bowyer et al.
 * 2025, arXiv 2503.01747). n = 0 gives [0, 1]. */
struct interval interval_wilson(uint64_t successes, uint64_t n, double confidence);

/* The same with guaranteed coverage at every n and accuracy (Clopper, Pearson 1934); wider. */
struct interval interval_exact(uint64_t successes, uint64_t n, double confidence);

/* Mean of n graded scores with sample standard deviation sd (n - 1 below). n < 2 gives (-INFINITY, INFINITY). */
struct interval interval_mean_t(double mean, double sd, uint64_t n, double confidence);

/* Mean over clustered items: the cluster-robust error, t with G - 1 degrees of freedom. */
struct interval interval_cluster(const struct cluster *g, size_t groups, double confidence);

/* All n items passed: the largest failure rate not refuted at this confidence, 1 - (1 - confidence)^(1/n); one-sided
 * ("the rule of three" says 3/n at .95). n = 0 gives 1. */
double interval_all_pass(uint64_t n, double confidence);

#endif
