/* vector_index.h - the nearest of many unit vectors, exactly up to int8.
 *
 * Vectors are kept in memory as int8 with a scale each (v ~ scale * code, |code| <= 127, symmetric), 64-byte aligned rows;
 * search is one scan by the best kernels of this processor (scan_avx512.c ... scan_portable.c, chosen as the engine's:
 * RUNG_KERNELS). Where `prefilter` vectors or more are searched, a code of one bit a dimension (vector_bits.h) picks
 * 1024 + 32 k of them, which int8 then orders. What comes back is the same to the byte whatever the kernels and threads.
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
	size_t width;     /* numbers in a vector, 1 .. VECTOR_WIDEST */
	size_t prefilter; /* 0: VECTOR_PREFILTER; SIZE_MAX: never */
};
/* At 100,000 vectors the prefilter takes a seventh of the time and finds .999 of what the scan of all finds: sentences of
 * clinical notes among ICD-10-CM descriptions, the first 10 and the first 100; at a million .997 and .995. */
enum { VECTOR_WIDEST = 4096, VECTOR_PREFILTER = 65536 };

/* Holds fewer than 2^32 vectors, and owns copies. NULL and a sentence when RUNG_KERNELS names no set that runs here, or the width is out of range. */
struct vector_index *vector_index_new(const struct vector_options *options, struct error *err);
void vector_index_free(struct vector_index *x);

/* f32 (width) to int8 codes (width) and their scale, largest / 127; a vector with a non-finite number, or with none above
 * 1e-30, has scale 0 and matches nothing. */
float vector_quantise(const float *v, size_t width, int8_t *codes);

/* False, and nothing is added, unless id is above all that are in the index. */
bool vector_index_add(struct vector_index *x, int64_t id, const int8_t *codes, float scale);
bool vector_index_remove(struct vector_index *x, int64_t id); /* false: not there */
size_t vector_index_size(const struct vector_index *x);
/* Memory held. With the prefilter 1.19 times what int8 rows of 384 need, 1.06 without, and at most 2048 rows more. */
size_t vector_index_bytes(const struct vector_index *x);

/* Positions, for filters: bit p % 64 of words[p / 64] belongs to the vector at position p. They rise with the ids. A removal
 * may change them all (it closes gaps from time to time), adding changes none. */
size_t vector_index_position(const struct vector_index *x, int64_t id); /* SIZE_MAX: not there */
size_t vector_index_positions(const struct vector_index *x);            /* one more than the largest */

struct vector_hit {
	int64_t id;
	float score; /* dot product of the query, rounded to 15 bits, and scale * code */
};

/* The k best for the query (width, f32), best first, ties by lower id; returns how many: none for a query that vector_quantise
 * would give scale 0. allowed: NULL, or a bitmap over positions. pool: shares the scan among its threads, of which this must
 * be the only user; NULL: this thread alone. hits has room for k. */
size_t vector_index_search(const struct vector_index *x, const float *query, size_t k, const uint64_t *allowed,
			   struct pool *pool, struct vector_hit *hits);

/* The vector of an id, scale * code, into out (width); false: not there. For diversity (MMR). */
bool vector_index_get(const struct vector_index *x, int64_t id, float *out);

#endif
