/* stats_sample.h - the graded and the clustered sample that tests/reference/stats.py uses too. */
#ifndef RUNG_TEST_STATS_SAMPLE_H
#define RUNG_TEST_STATS_SAMPLE_H

#include "stats/cluster.h"

enum { GRADED_N = 40, CLUSTERS_N = 20, CLUSTERS_LARGEST = 4 };

static inline void graded_scores(double x[GRADED_N])
{
	for (int i = 0; i < GRADED_N; i++)
		x[i] = 0.1 * (7 * i % 11) * 0.8 + 0.1 * (i % 3);
}

/* Scores scaled to scale * score + shift, summed by cluster. */
static inline void clustered_sums(struct cluster g[CLUSTERS_N], double scale, double shift)
{
	for (int i = 0; i < CLUSTERS_N; i++) {
		g[i].size = (size_t)(1 + i % 4);
		g[i].sum = (double)g[i].size * (scale * 0.25 * (3 * i % 5) + shift);
	}
}

#endif
