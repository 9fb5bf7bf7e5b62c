/* vector_inner.h - how an index lies in memory. Private to vector_index.c and vector_search.c. */
#ifndef RUNG_RETRIEVE_VECTOR_INNER_H
#define RUNG_RETRIEVE_VECTOR_INNER_H

#include "retrieve/scan.h"
#include "retrieve/vector_bits.h"
#include "retrieve/vector_index.h"

enum {
	SEGMENT = 2048, /* vectors: 0.8 MB at 384 dimensions; the unit of growth and of a thread's work */
	BLOCKS = SEGMENT / SCAN_LANES,
};

static const float vector_smallest = 1e-30f; /* a vector without a larger number is zero: 127 / x would not be finite */

/* SEGMENT vectors; those not yet added or already removed are dead: zeros or leftovers. */
struct segment {
	uint64_t live[BLOCKS]; /* bit lane of block */
	int8_t *codes;         /* (SEGMENT, stride) */
	float *scales;         /* (SEGMENT) */
	int64_t *ids;          /* (SEGMENT), rising, those of the removed too */
	uint8_t *bits;         /* (BLOCKS, code_bytes, SCAN_LANES), or NULL without a prefilter */
	float *factors;        /* (SEGMENT), or NULL likewise */
};

/* The vector at position p is number p % SEGMENT of segment p / SEGMENT. The last position is always live. */
struct vector_index {
	size_t width, stride, code_bytes;
	size_t prefilter;
	const struct scan *scan;
	struct rotation rotation;
	struct segment *segments; /* (n_segments) */
	size_t n_segments, room;
	size_t positions, dead;
	bool has_bits;
};

#endif
