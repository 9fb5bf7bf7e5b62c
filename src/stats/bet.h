/* bet.h - evidence on a mean of bounded values by betting, valid however often it is looked at.
 *
 * A gambler starts with 1 and bets on every value x in [0, 1] that the mean exceeds m; if it does not, the capital
 * stays below 1/alpha for ever with probability 1 - alpha (Ville). K is the mean capital of 19 gamblers, who stake
 * lambda = .05, .10, ... .95 of the most that a bet can lose. Source: Waudby-Smith, Ramdas 2024 (arXiv 2010.09686).
 *
 * Comparisons work on d = score(first) - score(second) in [-1, 1] and its true mean delta. Margins and levels come
 * in; what to conclude is src/decide. Pure, no allocation; cost is linear in the values, little where there are few different
 * ones (right or wrong, grades). */
#ifndef RUNG_STATS_BET_H
#define RUNG_STATS_BET_H

#include <stdbool.h>
#include <stddef.h>

#include "stats/cluster.h"
#include "stats/interval.h"

enum { BET_GAMBLERS = 19 };

/* A test in progress, one value at a time. Copy it freely. */
struct bet {
	double mean;                      /* m, in (0, 1) */
	double log_capital[BET_GAMBLERS]; /* sum of log(1 + (lambda/m)(x - m)) */
};

void bet_init(struct bet *b, double mean);
void bet_add(struct bet *b, double x); /* x is clipped to [0, 1] */

/* The same value added again and again: bet_add(b, x) without its logarithms. The step is for bets of one mean. */
struct bet_step {
	double log_gain[BET_GAMBLERS];
};
void bet_step_init(struct bet_step *s, double mean, double x);
void bet_add_step(struct bet *b, const struct bet_step *s);

/* log K against "the mean is at most m": reject at level alpha once it reaches log(1/alpha). 0 before any value.
 * For "at least m" bet on 1 - x with 1 - m. */
double bet_log_k(const struct bet *b);
bool bet_reaches(const struct bet *b, double log_level); /* log K >= log_level; cheap while K is far from it */

/* Confidence sequence for the mean of x in [0, 1] after n values: with probability 1 - alpha it covers the mean at
 * all n at once. The means that neither side's bet refutes at alpha/2. n = 0 gives [0, 1]. */
struct interval bet_interval(const double *x, size_t n, double alpha);

/* log K of all n differences against delta <= -margin. margin = 0: superiority, m = 1/2; margin in (0, 1):
 * non-inferiority, m = (1 - margin)/2. For a test after every item, add x = (d + 1)/2 to a struct bet. */
double comparison_log_k(const double *d, size_t n, double margin);

/* Confidence sequence for delta: the interval shown beside every comparison. n = 0 gives [-1, 1]. */
struct interval comparison_interval(const double *d, size_t n, double alpha);

/* The same for clustered items, one bet a cluster. largest: items in the largest cluster of the whole split, which
 * no cluster exceeds. delta is the mean over items, sum of S_g over sum of n_g in the long run. The gamble on cluster
 * g is (S_g - delta n_g)/largest, at margin 0 the x_g = (S_g/largest + 1)/2 against m = 1/2; with clusters of one it
 * is the plain test. cluster_bet_x() is that x_g for a test after every cluster (m = (1 - margin)/2 in bet_init). */
double cluster_bet_x(struct cluster g, size_t largest, double margin);
double comparison_log_k_clusters(const struct cluster *g, size_t groups, size_t largest, double margin);
struct interval comparison_interval_clusters(const struct cluster *g, size_t groups, size_t largest, double alpha);

#endif
