/* cluster.h - items that share a source (one document, one conversation, one user) are one observation.
 *
 * Tests and intervals for clustered items take the sum and the size of each cluster, in the order in which the
 * clusters were looked at. Pure. How items came to share a cluster is the task's business. */
#ifndef RUNG_STATS_CLUSTER_H
#define RUNG_STATS_CLUSTER_H

#include <stddef.h>

struct cluster {
	double sum;  /* of the item values (differences or scores) in it */
	size_t size; /* items in it */
};

/* Sums values[0..n) by cluster: id[i] < groups names the cluster of item i, best numbered by first appearance.
 * Writes all of out[0..groups), a cluster without items as {0, 0} (such are skipped by every user). */
void cluster_gather(struct cluster *out, size_t groups, const double *values, const size_t *id, size_t n);

/* Items in the largest cluster; 0 without clusters. The bet needs it fixed in advance: take it over the whole test
 * split before the first look, not over the clusters seen so far. */
size_t cluster_largest(const struct cluster *g, size_t groups);

#endif
