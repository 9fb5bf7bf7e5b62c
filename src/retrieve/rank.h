/* rank.h - one ranking out of two, and a ranking without repetitions. Pure. */
#ifndef RUNG_RETRIEVE_RANK_H
#define RUNG_RETRIEVE_RANK_H

#include <stddef.h>
#include <stdint.h>

struct ranked {
	int64_t id;
	double score;
};

enum fusion { FUSION_RRF, FUSION_WEIGHTED };
struct fusion_options {
	enum fusion kind;
	double weight; /* FUSION_WEIGHTED: share of the second ranking, 0 .. 1; scores are brought to 0 .. 1 within each first */
};
enum { RRF_K = 60 }; /* Cormack et al. 2009 */

/* Fuses rankings a (n_a) and b (n_b), best first, into out (n_a + n_b at most), best first, ties by lower id; returns how
 * many. RRF: sum of 1 / (RRF_K + rank). */
size_t rank_fuse(const struct fusion_options *options, const struct ranked *a, size_t n_a, const struct ranked *b, size_t n_b,
		 struct ranked *out);

/* Maximal marginal relevance (Carbonell, Goldstein 1998): moves the k best to the front of items (n), each chosen for
 * lambda * score - (1 - lambda) * its greatest similarity to those chosen; similarity (n, n), row-major. Scores are
 * taken as they are. Returns k or n. */
size_t rank_diversify(struct ranked *items, size_t n, size_t k, double lambda, const float *similarity);

#endif
