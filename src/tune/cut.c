/* cut.c - one pass down the sorted probabilities: each adds its class to its item's set, and the sum of F1 follows. */
#include "tune/cut.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"

struct entry {
	float p;
	uint32_t row, class;
};

struct progress {
	size_t expected, given, common;
};

bool class_sets_have(const struct class_sets *s, size_t item, size_t class)
{
	for (size_t i = s->starts[item]; i < s->starts[item + 1] && s->classes[i] <= class; i++)
		if (s->classes[i] == class)
			return true;
	return false;
}

/* Greatest first; the order among equals does not matter, as no cut divides them. */
static int by_probability(const void *a, const void *b)
{
	float x = ((const struct entry *)a)->p, y = ((const struct entry *)b)->p;

	return (x < y) - (x > y);
}

static double f1_of(const struct progress *s)
{
	size_t both = s->expected + s->given;

	return both > 0 ? 2 * (double)s->common / (double)both : 1;
}

/* Probabilities of 0 are in no set. */
static size_t list_entries(const float *p, size_t n, size_t n_classes, struct entry *entries)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < n_classes; c++)
			if (p[i * n_classes + c] > 0)
				entries[count++] = (struct entry){ p[i * n_classes + c], (uint32_t)i, (uint32_t)c };
	qsort(entries, count, sizeof(*entries), by_probability);
	return count;
}

struct cut cut_choose(const float *p, const size_t *items, size_t n, size_t n_classes, const struct class_sets *truth)
{
	struct entry *entries = mem_zero(n * n_classes + 1, sizeof(*entries));
	struct progress *sets = mem_zero(n, sizeof(*sets));
	size_t count = list_entries(p, n, n_classes, entries);
	struct cut best = { INFINITY, 0 };
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		size_t item = items ? items[i] : i;

		sets[i].expected = truth->starts[item + 1] - truth->starts[item];
		sum += f1_of(&sets[i]);
	}
	best.f1 = sum;
	for (size_t e = 0; e < count; e++) {
		struct progress *set = &sets[entries[e].row];
		size_t item = items ? items[entries[e].row] : entries[e].row;
		bool last = e + 1 == count;

		sum -= f1_of(set);
		set->given++;
		set->common += class_sets_have(truth, item, entries[e].class);
		sum += f1_of(set);
		if (sum <= best.f1 + 1e-9 || (!last && entries[e + 1].p >= entries[e].p))
			continue;
		best.f1 = sum;
		best.threshold = ((double)entries[e].p + (last ? 0 : (double)entries[e + 1].p)) / 2;
	}
	best.f1 /= (double)n;
	free(entries);
	free(sets);
	return best;
}
