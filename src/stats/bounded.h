/* bounded.h - is the true mean of bounded values above a bound? One look, at a number of values fixed in advance.
 *
 * Gaffke's test (2005, Mathematical Methods of Statistics 14:451): draw Dirichlet(1, ..., 1) weights for the values and for one more at
 * the worst that a value can be; p is the chance that the weighted mean does not exceed the bound. For right or wrong it is the
 * exact binomial test, and for many values it becomes the t test; but where values are skewed or few, and rare large losses have
 * not been seen yet, t claims too much: at 100 items with many small gains and few large losses it errs three times as often as it
 * promises, at 20 clusters of right or wrong and the small alphas of 36 tests more than twice (bench/decide.c). That p is never too
 * small is not proved for all distributions; Learned-Miller, Thomas 2019 (arXiv 1905.06208) have what is known.
 *
 * Pure, no allocation; cost is linear in the values, little where there are few different ones. */
#ifndef RUNG_STATS_BOUNDED_H
#define RUNG_STATS_BOUNDED_H

#include <stddef.h>

#include "stats/cluster.h"

/* p against "the mean is at most bound"; no value lies below low, low < bound. 1 without values. For "at least bound" negate the
 * values and both limits. */
double bounded_items_p(const double *values, size_t n, double bound, double low);

/* The same for clustered items: the mean is that over items, a cluster is one observation, and none has more items than largest. */
double bounded_clusters_p(const struct cluster *g, size_t groups, size_t largest, double bound, double low);

#endif
