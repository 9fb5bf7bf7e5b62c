/* order.c - groups are found by a map, so that a long list takes a time that grows with its length only. */
#include "decide/order.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/rng.h"

void order_shuffle(size_t *order, const size_t *group, size_t n, uint64_t seed, const char *stream)
{
	size_t *first = mem_alloc(n * sizeof(*first)), *last = mem_alloc(n * sizeof(*last)), *next = mem_alloc(n * sizeof(*next));
	size_t *shuffled = mem_alloc(n * sizeof(*shuffled)), groups = 0, at = 0;
	struct hash_map map = { 0 };
	struct rng rng;

	for (size_t i = 0; i < n; i++) {
		size_t g = hash_map_put(&map, (const char *)&group[i], sizeof(group[i]), groups);

		next[i] = n;
		if (g == groups) {
			first[groups] = i;
			shuffled[groups] = groups;
			groups++;
		} else {
			next[last[g]] = i;
		}
		last[g] = i;
	}
	rng_init(&rng, seed, stream);
	rng_shuffle(&rng, shuffled, groups);
	for (size_t g = 0; g < groups; g++)
		for (size_t i = first[shuffled[g]]; i < n; i = next[i])
			order[at++] = i;
	hash_map_release(&map);
	free(first);
	free(last);
	free(next);
	free(shuffled);
}
