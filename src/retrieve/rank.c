/* rank.c - fusion by what each ranking says about an id; diversity by greedy choice. */
#include "retrieve/rank.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static int by_id(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

static int by_score(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return by_id(left, right);
}

static void add_reciprocals(const struct ranked *in, size_t n, struct ranked *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct ranked){ in[i].id, 1 / (double)(RRF_K + i + 1) };
}

static void add_weighted(const struct ranked *in, size_t n, double weight, struct ranked *out)
{
	double least = INFINITY;
	double most = -INFINITY;

	for (size_t i = 0; i < n; i++) {
		least = fmin(least, in[i].score);
		most = fmax(most, in[i].score);
	}
	for (size_t i = 0; i < n; i++) {
		double share = most > least ? (in[i].score - least) / (most - least) : 1;

		out[i] = (struct ranked){ in[i].id, weight * share };
	}
}

/* Adds up the scores of equal ids, which stand side by side. */
static size_t merge_equal(struct ranked *items, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && items[kept - 1].id == items[i].id)
			items[kept - 1].score += items[i].score;
		else
			items[kept++] = items[i];
	}
	return kept;
}

size_t rank_fuse(const struct fusion_options *options, const struct ranked *a, size_t n_a, const struct ranked *b, size_t n_b,
		 struct ranked *out)
{
	size_t n = n_a + n_b;

	if (options->kind == FUSION_RRF) {
		add_reciprocals(a, n_a, out);
		add_reciprocals(b, n_b, out + n_a);
	} else {
		add_weighted(a, n_a, 1 - options->weight, out);
		add_weighted(b, n_b, options->weight, out + n_a);
	}
	if (n > 0)
		qsort(out, n, sizeof(*out), by_id);
	n = merge_equal(out, n);
	if (n > 0)
		qsort(out, n, sizeof(*out), by_score);
	return n;
}

/* Of the items not chosen, the one with the greatest marginal relevance; nearest (n): similarity to those chosen. */
static size_t most_relevant(const struct ranked *items, size_t n, double lambda, const bool *chosen, const double *nearest)
{
	double best_value = 0;
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		double value = lambda * items[i].score - (1 - lambda) * nearest[i];

		if (!chosen[i] && (best == n || value > best_value)) {
			best_value = value;
			best = i;
		}
	}
	return best;
}

size_t rank_diversify(struct ranked *items, size_t n, size_t k, double lambda, const float *similarity)
{
	bool *chosen = mem_zero(n, sizeof(*chosen));
	double *nearest = mem_zero(n, sizeof(*nearest));
	struct ranked *order = mem_zero(n, sizeof(*order));
	size_t kept = 0;

	k = k < n ? k : n;
	for (; kept < k; kept++) {
		size_t next = most_relevant(items, n, lambda, chosen, nearest);

		chosen[next] = true;
		order[kept] = items[next];
		for (size_t i = 0; i < n; i++) {
			double near = (double)similarity[i * n + next];

			nearest[i] = kept == 0 ? near : fmax(nearest[i], near);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (!chosen[i])
			order[kept++] = items[i];
	if (n > 0)
		memcpy(items, order, n * sizeof(*items));
	free(chosen);
	free(nearest);
	free(order);
	return k;
}
