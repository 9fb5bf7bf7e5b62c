/* sampled.h - items of which failures were taken more often than passes, and several samples of one answer. Pure, no allocation but
 * what it frees. */
#ifndef RUNG_STATS_SAMPLED_H
#define RUNG_STATS_SAMPLED_H

#include <stdbool.h>
#include <stddef.h>

/* The expected best of k of the n scores, k <= n, drawn without replacement: sum over scores in rising order of s_(i) C(i-1, k-1) / C(n, k).
 * Of right and wrong answers it is pass@k = 1 - C(n-c, k) / C(n, k), unbiased (Chen et al. 2021, arXiv 2107.03374). */
double pass_at_k(const double *scores, size_t n, size_t k);

/* The mean over all items of two strata, known on some of each: x (n) with passed (n) saying of which, cluster (n) numbers below n, or
 * NULL; population: items that failed and that passed, all of them.
 *     mean = sum_h W_h m_h,  variance = sum_h W_h^2 s_h^2 / n_h + sum_h W_h (m_h - mean)^2 / N,  W_h = N_h / N
 * (double sampling for stratification; Cochran 1977, ch. 12), within strata by sums over clusters, t with clusters - 1 degrees of
 * freedom, 95 %. x of failures is mostly >= 0 and of passes <= 0 (fixed, broken), so that what samples without any difference could hide
 * (interval_all_pass()) widens the upper end by the failures and the lower end by the passes. Each stratum with items needs one at least. */
struct sampled_mean {
	double mean, low, high;
};
struct sampled_mean sampled_mean(const double *x, const bool *passed, const size_t *cluster, size_t n, const size_t population[2]);

#endif
