/* vector_index.h - the nearest of many unit vectors, exactly up to int8.
 *
 * Vectors are kept in memory as int8 with a scale each (v ~ scale * code, |code| <= 127, symmetric), 64-byte aligned rows;
 * search is one scan by the best kernels of this processor (scan_avx512.c ... scan_portable.c, chosen as the engine's:
 * RUNG_KERNELS). From `prefilter` vectors on, a code of one bit a dimension after a random rotation (RaBitQ, arXiv
 * 2405.12497, 4-bit queries) picks the first rescore * k, which int8 then orders.
 * Ids are the caller's, rising; removal is immediate; a filter is applied before the scan, so that k of what it allows
 * always come back. Many threads may search at once; changes need all of them out. No store, no model. */
#ifndef RUNG_RETRIEVE_VECTOR_INDEX_H
#define RUNG_RETRIEVE_VECTOR_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"

struct vector_index;

struct vector_options {
	size_t width;     /* numbers in a vector, at most 4096 */
	size_t prefilter; /* 0: VECTOR_PREFILTER; SIZE_MAX: never */
	size_t rescore;   /* 0: VECTOR_RESCORE */
};
enum { VECTOR_PREFILTER = 250000, VECTOR_RESCORE = 16 };

/* Owns copies. NULL and a sentence when RUNG_KERNELS names no set that runs here. */
struct vector_index *vector_index_new(const struct vector_options *options, struct error *err);
void vector_index_free(struct vector_index *x);

/* f32 (width) to int8 codes (width) and their scale; a zero or non-finite vector has scale 0 and matches nothing. */
float vector_quantise(const float *v, size_t width, int8_t *codes);

void vector_index_add(struct vector_index *x, int64_t id, const int8_t *codes, float scale); /* id above all before it */
bool vector_index_remove(struct vector_index *x, int64_t id); /* false: not there */
size_t vector_index_size(const struct vector_index *x);
size_t vector_index_bytes(const struct vector_index *x); /* memory held */
/* Position of each id, for filters: bit p % 64 of words[p / 64] belongs to the vector at position p. */
size_t vector_index_position(const struct vector_index *x, int64_t id); /* SIZE_MAX: not there */
size_t vector_index_positions(const struct vector_index *x);            /* one more than the largest */

struct vector_hit {
	int64_t id;
	float score; /* dot product of the query with scale * code: the cosine of unit vectors */
};

/* The k best for the query (width, f32), best first, ties by lower id; returns how many. allowed: NULL, or a bitmap over
 * positions. pool: shares the scan among its threads; NULL: this thread alone. hits has room for k. */
size_t vector_index_search(const struct vector_index *x, const float *query, size_t k, const uint64_t *allowed,
			   struct pool *pool, struct vector_hit *hits);

/* The vector of an id, scale * code, into out (width); false: not there. For diversity (MMR). */
bool vector_index_get(const struct vector_index *x, int64_t id, float *out);

#endif
