/* quantile.h - order statistics of a sample: of latencies and prices. Pure, no allocation. */
#ifndef RUNG_STATS_QUANTILE_H
#define RUNG_STATS_QUANTILE_H

#include <stddef.h>

/* Sorts the values (n, no NAN) in place and returns the smallest of them that at least `share` of all do not exceed (0.5: the
 * lower median); NAN without values. */
double quantile(double *values, size_t n, double share);

#endif
