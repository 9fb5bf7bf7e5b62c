/* paired.h - is one variant better than another on the same items, right or wrong on each?
 *
 * Counts of items only the first got right (wins) and only the second got right (losses) go in; evidence comes out.
 * paired_log_e may be looked at after every item; paired_exact_p and paired_mcnemar_p hold for one look at a number
 * of items fixed in advance. Pure: no clock, no randomness, no allocation. Graded scores are in fixed.h and bet.h. */
#ifndef RUNG_STATS_PAIRED_H
#define RUNG_STATS_PAIRED_H

#include <stdint.h>

struct paired_counts {
	uint64_t wins;   /* items only the first variant got right */
	uint64_t losses; /* items only the second variant got right; ties carry no evidence */
};

/* Natural log of the e-value against "the first is not better" (P(win | discordant) <= 1/2).
 * Mixture of Beta(1/2, 1/2) over (1/2, 1), so it is a supermartingale under the null: reject at level alpha
 * once it reaches log(1/alpha) (Ville's inequality). Zero counts give 0. Finite for all counts below 2^53.
 * Items must be independent: for clustered items use comparison_log_k_clusters() of bet.h.
 * Source: Robbins 1970; Johari et al. 2022 (arXiv 1512.04922); checked against scipy in tests/reference. */
double paired_log_e(struct paired_counts c);

/* One-sided exact conditional test of the same null: P(W >= wins), W ~ Binomial(wins + losses, 1/2). One look only;
 * 1 without discordant items. */
double paired_exact_p(struct paired_counts c);

/* Exact McNemar, two-sided: twice the smaller tail, at most 1. For reports that ask "do they differ". */
double paired_mcnemar_p(struct paired_counts c);

#endif
