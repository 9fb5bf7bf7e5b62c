/* twosample.h - whether two samples come from one distribution: of things that have a kernel (texts), and of categories.
 *
 * Things: the maximum mean discrepancy of the two samples, over Gaussians of several widths around the median distance, held against those
 * for permuted memberships: exact at any size, as long as things are exchangeable where nothing has changed (independent ones are; ten copies
 * of one are not). How far they are apart is said by a classifier that is asked to tell them apart, kernel ridge regression out of fold: its
 * AUC is .5 where it cannot, 1 where it always can. Sources: Gretton et al. 2012 (JMLR 13:723); several widths: Schrab et al. 2023 (JMLR
 * 24:194), summed here; the classifier's reading: Lopez-Paz, Oquab 2017 (arXiv 1610.06545); p of permutations: Phipson, Smyth 2010.
 * Categories: Pearson's statistic, likewise by permutation, so that rare categories do no harm.
 * Pure; allocates. Deterministic by seed. */
#ifndef RUNG_STATS_TWOSAMPLE_H
#define RUNG_STATS_TWOSAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TWOSAMPLE_LEAST = 20, TWOSAMPLE_PERMUTATIONS = 999 };

struct twosample {
	double auc, p; /* NAN: a sample has fewer than TWOSAMPLE_LEAST things */
};
/* gram (n, n): the kernel of each pair. second (n): of the second sample. scores (n), unless NULL: how much each is like the second, out of
 * fold. */
struct twosample twosample_kernel(const double *gram, const bool *second, size_t n, uint64_t seed, double *scores);

/* counts of each of the categories in both samples. NAN with fewer than TWOSAMPLE_LEAST things in one. */
double twosample_counts_p(const size_t *first, const size_t *second, size_t categories, uint64_t seed);

#endif
