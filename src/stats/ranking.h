/* ranking.h - how good a ranking is, from the positions of what was relevant in it. Pure.
 *
 * relevant (n): whether the item at each rank, best first, is relevant; `total`: relevant items that exist, found or not.
 * Without any relevant item a score is NAN: the question says nothing about retrieval. Binary relevance, k >= 1; a ranking
 * shorter than k counts as filled up with what is not relevant. The definitions are trec_eval's (recall, success,
 * ndcg_cut, recip_rank), which the script in tests/reference asks. */
#ifndef RUNG_STATS_RANKING_H
#define RUNG_STATS_RANKING_H

#include <stdbool.h>
#include <stddef.h>

double ranking_recall(const bool *relevant, size_t n, size_t total, size_t k); /* share of `total` within the first k */
double ranking_success(const bool *relevant, size_t n, size_t total, size_t k); /* 1 when any is within the first k */
double ranking_ndcg(const bool *relevant, size_t n, size_t total, size_t k);   /* gain 1 / log2(rank + 1), Jarvelin 2002 */
double ranking_reciprocal(const bool *relevant, size_t n, size_t total);       /* 1 / rank of the first; mean over questions: MRR */

#endif
