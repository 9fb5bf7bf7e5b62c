/* rank.h - one ranking out of two, and a ranking without repetitions. Pure. */
#ifndef RUNG_RETRIEVE_RANK_H
#define RUNG_RETRIEVE_RANK_H

#include <stddef.h>
#include <stdint.h>

struct ranked {
	int64_t id;
	double score; /* finite */
};

enum fusion { FUSION_RRF, FUSION_WEIGHTED };
struct fusion_options {
	enum fusion kind;
	double weight; /* FUSION_WEIGHTED: share of the second ranking, 0 .. 1 */
};
enum { RRF_K = 60 }; /* Cormack et al. 2009 */

/* Fuses rankings a (n_a) and b (n_b), best first, no id twice in one of them, into out (n_a + n_b at most), best first, ties
 * by lower id; returns how many. RRF: sum of 1 / (RRF_K + rank), ranks from 1. Weighted: a convex combination (Bruch et
 * al. 2023, arXiv 2210.11934) of scores stretched to 0 (worst of its ranking, and absent) .. 1 (best); where all are equal
 * they are 1. */
size_t rank_fuse(const struct fusion_options *options, const struct ranked *a, size_t n_a, const struct ranked *b, size_t n_b,
		 struct ranked *out);

/* Maximal marginal relevance (Carbonell, Goldstein 1998): moves the k best to the front of items (n), each chosen for
 * lambda * score - (1 - lambda) * its greatest similarity to those chosen (the first: 0), ties by the earlier one; the
 * others follow in the order they had. similarity (n, n), row-major, of the items as they come in. Scores are taken as they
 * are, and stay with their items. Returns k or n. */
size_t rank_diversify(struct ranked *items, size_t n, size_t k, double lambda, const float *similarity);

#endif
