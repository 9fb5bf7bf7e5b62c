/* fixed.h - paired comparisons that look once, at a number of items fixed in advance.
 *
 * d = score(first) - score(second) on the same item, in [-1, 1]; delta its true mean. Every p is one-sided, against
 * delta <= -margin: margin 0 asks "is the first better", margin > 0 "is it at least not worse by margin". Looking
 * twice breaks the promise: bet.h and paired.h's e-value are for that. Pure, no allocation. */
#ifndef RUNG_STATS_FIXED_H
#define RUNG_STATS_FIXED_H

#include <stddef.h>
#include <stdint.h>

#include "stats/cluster.h"
#include "stats/paired.h"

/* Graded scores: t with n - 1 degrees of freedom. p is 1 below two items; without spread 0, 1/2 or 1 by the sign. */
double paired_t_p(const double *d, size_t n, double margin);

/* Clustered items, right or wrong or graded: t on cluster sums with G - 1 degrees of freedom. */
double cluster_t_p(const struct cluster *g, size_t groups, double margin);

/* Right or wrong on each of n items, margin in (0, 1): exact unconditional test. All outcomes at least as far in
 * favour as the one seen, by Tango's score, are summed, and the least favourable loss rate is taken. At alpha .05, 30
 * to 200 items and margins .05 and .1 the true level of the score alone reaches .071, of t .21; of this one, .05. The
 * search over loss rates stops within 5e-5 of the supremum. At margin 0 use paired_exact_p(). Some 5 ms at n = 500.
 * Source: Tango 1998 (Stat. Med. 17:891); Hsueh, Liu, Chen 2001 (Biometrics 57:478). */
double paired_noninferior_p(struct paired_counts c, uint64_t n, double margin);

/* Tango's score z for the same question: approximate, closed form, for planning. Takes real counts. */
double paired_noninferior_z(double wins, double losses, double n, double margin);

#endif
