/* golden_logits.h - a decoder's logits against a golden file that smollm2.print_golden() wrote (tests/reference). */
#ifndef RUNG_TEST_GOLDEN_LOGITS_H
#define RUNG_TEST_GOLDEN_LOGITS_H

#include <stdlib.h>

#include "base/arena.h"
#include "llm/adapter.h"
#include "test.h"

enum { TOP = 32 }; /* ids that the file lists for a position */

/* What a golden file says of one position, and how far the logits are from it. */
struct agreement {
	size_t positions, same_top;
	double kl, largest_kl, difference;
};

/* KL over the listed ids, all others as one outcome: a lower bound of KL over the vocabulary that is tight here. */
static inline void compare_position(FILE *golden, const float *logits, size_t vocabulary, struct agreement *a)
{
	double lse, top = logits[0], sum = 0, kl = 0, rest_p = 1, rest_q = 1;
	size_t best = 0;

	for (size_t i = 1; i < vocabulary; i++)
		best = logits[i] > logits[best] ? i : best;
	top = logits[best];
	for (size_t i = 0; i < vocabulary; i++)
		sum += exp((double)logits[i] - top);
	assert_int_equal(fscanf(golden, "%lf", &lse), 1);
	for (int i = 0; i < TOP; i++) {
		double want, p, q;
		size_t id;

		assert_int_equal(fscanf(golden, "%zu:%lf", &id, &want), 2);
		a->same_top += i == 0 && id == best;
		a->difference = fmax(a->difference, fabs(want - (double)logits[id]));
		p = exp(want - lse);
		q = exp((double)logits[id] - top) / sum;
		kl += p * log(p / q);
		rest_p -= p;
		rest_q -= q;
	}
	if (rest_p > 1e-6 && rest_q > 1e-6)
		kl += rest_p * log(rest_p / rest_q);
	a->positions++;
	a->kl += kl;
	a->largest_kl = fmax(a->largest_kl, kl);
}

/* Through the adapter, or NULL. */
static inline struct agreement compare_golden(struct decoder *d, const struct adapter *adapter, const char *path)
{
	size_t vocabulary = decoder_vocabulary(d), n;
	FILE *golden = fopen(path, "rb");
	struct agreement a = { 0 };

	assert_non_null(golden);
	while (fscanf(golden, " text %zu", &n) == 1) {
		int32_t *ids = mem_zero(n, sizeof(*ids));
		float *logits = mem_zero(n * vocabulary, sizeof(*logits));

		for (size_t i = 0; i < n; i++)
			assert_int_equal(fscanf(golden, "%d", &ids[i]), 1);
		struct context *c = context_new(d, NULL, ids, n);

		context_adapt(c, adapter);
		decoder_compute(d, &c, 1);
		decoder_logits_all(d, c, logits);
		for (size_t i = 0; i < n; i++)
			compare_position(golden, logits + i * vocabulary, vocabulary, &a);
		context_free(c);
		free(logits);
		free(ids);
	}
	fclose(golden);
	assert_true(a.positions >= 50);
	return a;
}

static inline void check_agreement(const char *name, struct agreement a, double same_top, double mean_kl)
{
	double n = (double)a.positions;

	print_message("%s: %zu positions, same top-1 %.4f, mean KL %.2g, largest %.2g, logits within %.2g\n", name,
		      a.positions, (double)a.same_top / n, a.kl / n, a.largest_kl, a.difference);
	if ((double)a.same_top / n < same_top || a.kl / n > mean_kl)
		fail_msg("%s: same top-1 %.4f (at least %.4f), mean KL %.3g (at most %.3g)", name,
			 (double)a.same_top / n, same_top, a.kl / n, mean_kl);
}

/* What the products of a set may lose on random weights: at least this share of positions with the same top-1, at most
 * this mean KL. Scales of int8 blocks lose most where weights have no structure. */
static inline void check_products(const char *name, struct agreement a, const struct kernels *kernels)
{
	static const struct {
		double same_top, kl;
	} bounds[] = {
		[PRODUCTS_F32] = { 0.99, 1e-4 }, [PRODUCTS_BF16] = { 0.9, 0.02 }, [PRODUCTS_INT8] = { 0.85, 0.15 },
	};

	check_agreement(name, a, bounds[kernels->products].same_top, bounds[kernels->products].kl);
}

#endif
