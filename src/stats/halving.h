/* halving.h - sequential halving: pick one of many variants of a rung for a fraction of the full grid's calls.
 *
 * All arms still in the race answer the same block of items; the worse half leaves; again until one is left. It
 * selects and promises nothing: claims are made on the sealed test split alone. Pure, no allocation.
 * Source: Karnin, Koren, Somekh 2013; Shi et al. 2024 (TRIPLE, arXiv 2402.09723). */
#ifndef RUNG_STATS_HALVING_H
#define RUNG_STATS_HALVING_H

#include <stdbool.h>
#include <stddef.h>

enum { HALVING_ROUNDS_MAX = 64 };

/* Round r runs arms[r] arms on items [start[r], start[r + 1]) and keeps arms[r + 1]. 12 arms: 12, 6, 3, 1. */
struct halving {
	size_t rounds;                        /* 0 for fewer than two arms */
	size_t arms[HALVING_ROUNDS_MAX + 1];  /* arms[rounds] is 1 */
	size_t start[HALVING_ROUNDS_MAX + 1]; /* blocks equal to within one item; start[rounds] is all of them */
};

void halving_plan(struct halving *h, size_t arms, size_t items);

/* Calls made / calls of the full grid: 21/36 for 12 arms on blocks of one size. 1 for fewer than two arms. */
double halving_share(const struct halving *h);

/* Writes the indices of the keep best of n arms to out[0..keep), best first. Higher score wins; equal scores go to
 * the cheaper arm, equal costs to the lower index. A NAN score is the worst, a NAN cost (unknown) the dearest; cost
 * may be NULL. score: best the mean over all items the arm answered so far. Returns the number written, at most n. */
size_t halving_survivors(const double *score, const double *cost, size_t n, size_t keep, size_t *out);

/* Whether an arm may leave before its block ends: the largest e-value (log) of a rival against it reaches
 * (arms - 1)/alpha, arms counted at the start of the race. */
bool halving_beaten(double log_e, size_t arms, double alpha);

#endif
