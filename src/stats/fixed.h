/* fixed.h - "is the first at least not worse by a margin", right or wrong on each item, looking once, at a number of items fixed in
 * advance. Graded scores and clusters are in bounded.h. Looking twice breaks the promise: bet.h is for that. Pure, no allocation. */
#ifndef RUNG_STATS_FIXED_H
#define RUNG_STATS_FIXED_H

#include <stdint.h>

#include "stats/paired.h"

/* Right or wrong on each of n items, margin in (0, 1): exact unconditional test. All outcomes at least as far in
 * favour as the one seen, by Tango's score, are summed, and the least favourable loss rate is taken. At alpha .05, 30
 * to 200 items and margins .05 and .1 the true level of the score alone reaches .071, of t .21; of this one, .05. The
 * search over loss rates stops within 5e-5 of the supremum. At margin 0 use paired_exact_p(). Some 5 ms at n = 500.
 * Source: Tango 1998 (Stat. Med. 17:891); Hsueh, Liu, Chen 2001 (Biometrics 57:478). */
double paired_noninferior_p(struct paired_counts c, uint64_t n, double margin);

/* Tango's score z for the same question: approximate, closed form, for planning. Takes real counts. */
double paired_noninferior_z(double wins, double losses, double n, double margin);

#endif
