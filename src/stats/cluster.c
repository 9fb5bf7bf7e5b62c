/* cluster.c - sums and sizes by cluster. */
#include "stats/cluster.h"

void cluster_gather(struct cluster *out, size_t groups, const double *values, const size_t *id, size_t n)
{
	for (size_t g = 0; g < groups; g++)
		out[g] = (struct cluster){ 0 };
	for (size_t i = 0; i < n; i++) {
		out[id[i]].sum += values[i];
		out[id[i]].size++;
	}
}

size_t cluster_largest(const struct cluster *g, size_t groups)
{
	size_t largest = 0;

	for (size_t i = 0; i < groups; i++)
		if (g[i].size > largest)
			largest = g[i].size;
	return largest;
}
