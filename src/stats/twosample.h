/* twosample.h - whether two samples come from one distribution: of things that have a kernel (texts), and of categories.
 *
 * Things: a classifier is asked to tell the samples apart, out of fold, and its AUC is held against those for permuted memberships: exact at
 * any size, whatever the classifier, as long as things are exchangeable where nothing has changed (independent ones are; ten copies of one
 * are not). The AUC reads as how far apart they are: .5 not at all, 1 wholly. The classifier is kernel ridge regression, whose out-of-fold
 * predictions for all permutations come of one inverse. Sources: Lopez-Paz, Oquab 2017 (arXiv 1610.06545); Kim, Ramdas, Singh, Wasserman 2021
 * (Annals of Statistics 49:411); permutation p-values as Phipson, Smyth 2010.
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
