/* floats.h - what the files of src/train do with plain arrays: sizes in whole cache lines, pieces of one block, sums. Private. */
#ifndef RUNG_TRAIN_FLOATS_H
#define RUNG_TRAIN_FLOATS_H

#include <stddef.h>

enum { FLOATS_LINE = 16 }; /* of a cache line */

/* n, rounded up to whole cache lines. */
static inline size_t floats_padded(size_t n)
{
	return (n + FLOATS_LINE - 1) / FLOATS_LINE * FLOATS_LINE;
}

/* The next n floats of a block, which *next points into. From a block at NULL it only counts: the pointers may not be used. */
static inline float *floats_take(float **next, size_t n)
{
	float *at = *next;

	*next += floats_padded(n);
	return at;
}

static inline void floats_add(float *to, const float *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += from[i];
}

static inline size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

#endif
