/* target.h - does a variant reach the accuracy or mean score that its owner asked for?
 *
 * Each test has a mirror that shows the opposite ("futile": it is below the target). Functions with _p hold for one
 * look at a number of items fixed in advance: pass at p <= alpha; those of graded and clustered scores are in bounded.h.
 * Functions with _log_e or _log_k may be looked at any time: pass once they reach log(1/alpha). target is in (0, 1), scores
 * in [0, 1]. Pure, no allocation. */
#ifndef RUNG_STATS_TARGET_H
#define RUNG_STATS_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "stats/cluster.h"

/* Right or wrong, one look. P(X >= successes) at accuracy = target, exact binomial; the mirror P(X <= successes). */
double target_exact_p(uint64_t successes, uint64_t n, double target);
double target_exact_futile_p(uint64_t successes, uint64_t n, double target);

/* Right or wrong, any time. Against accuracy <= target: mixture of Beta(1/2, 1/2) cut to (target, 1); the mirror,
 * against accuracy >= target, is cut to (0, target). Zero items give 0. */
double target_log_e(uint64_t successes, uint64_t n, double target);
double target_futile_log_e(uint64_t successes, uint64_t n, double target);

/* The same for real counts, for plans that scale what was seen. At target 1/2 it is paired_log_e of wins and losses. */
double target_log_e_real(double successes, double failures, double target);
double target_futile_log_e_real(double successes, double failures, double target);

/* Graded, any time: the K test with x = score, m = target; the mirror with 1 - score, 1 - target. */
double target_log_k(const double *score, size_t n, double target);
double target_futile_log_k(const double *score, size_t n, double target);

/* Clustered (right or wrong, or graded), any time: g holds sums of scores; one bet a cluster,
 * x_g = (sum over g of (score - target)/largest + 1)/2 against m = 1/2. */
double target_cluster_x(struct cluster g, size_t largest, double target); /* x_g; for the mirror use 1 - x_g */
double target_cluster_log_k(const struct cluster *g, size_t groups, size_t largest, double target);
double target_cluster_futile_log_k(const struct cluster *g, size_t groups, size_t largest, double target);

#endif
