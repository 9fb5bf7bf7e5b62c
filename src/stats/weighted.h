/* weighted.h - is one of two variants worse than the other, when chance chose which of them answers a call?
 *
 * Unpaired, valid however often it is looked at. A call of score s in [0, 1] that had the first variant with probability p says
 *     z = (s - c) / p  if the first answered it,  -(s - c) / (1 - p)  if the second did
 * whose mean is delta = mean(first) - mean(second) for whatever c was fixed before (inverse propensity weights; c, the mean score so far,
 * takes out what both have in common, which is most of the variance). z lies in [-l, h], l = max(c/p, (1-c)/(1-p)), h with c and 1-c
 * swapped; scaled to x = (z + l)/(l + h) it goes into the bets of bet.h against m = (l - margin)/(l + h), which is "delta <= -margin".
 *
 * It holds as long as
 *   - chance chose with the p that is given, whatever came before: of a subject that keeps its variant only the first call counts;
 *   - whether a call gets a score does not depend on which variant answered it, given the score that it would get (a product that hears of
 *     mistakes alone compares mistakes alone);
 *   - delta is the same all the time, or never above -margin.
 * Sources: Horvitz, Thompson 1952; Waudby-Smith, Wu, Ramdas, Karampatziakis, Mineiro 2022 (arXiv 2210.10768). Pure. */
#ifndef RUNG_STATS_WEIGHTED_H
#define RUNG_STATS_WEIGHTED_H

#include "stats/bet.h"

/* A test in progress. Copy it freely. */
struct weighted {
	struct bet bet;
	double margin, sum; /* of the scores */
	size_t n;
};

void weighted_init(struct weighted *w, double margin); /* in [0, 1) */
/* p in (0, 1): the probability of the first, whoever answered. The score is clipped to [0, 1]. */
void weighted_add(struct weighted *w, bool first, double p, double score);
/* log K against "the first is worse than the second by margin or more": reject at level alpha once it reaches log(1/alpha). margin 0: against
 * "it is not better". 0 before any value. */
double weighted_log_k(const struct weighted *w);

#endif
