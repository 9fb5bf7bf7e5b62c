/* attention.h - softmax(scale q k^T) v for a few queries that share one K/V head.
 *
 * Keys and values come in segments (one for each context of a chain, or one for a whole text), positions in order.
 * Every score is one dot product, every row has one softmax over all its positions, and every output element is summed
 * over positions in ascending order: where the segments begin and how queries are grouped leaves no trace in the bytes.
 * Products are the kernel set's: what is multiplied is rounded as it rounds weights and rows. Knows no model and no
 * threads. */
#ifndef RUNG_LLM_ATTENTION_H
#define RUNG_LLM_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "llm/kernels.h"

enum {
	ATTENTION_BLOCK = 48, /* queries (tokens) in one call at most */
	ATTENTION_LANES = 16, /* the head's width must be a multiple of this */
};

struct attention_segment {
	const float *k, *v; /* (n, width) each, rows ld apart */
	size_t n, ld;
};

struct attention {
	const float *q; /* (n, group * width), rows ldq apart */
	float *out;     /* rows as kernels->multiply() wants them, rounded, ldo words apart: all heads of a token */
	bool plain;     /* leave them f32 instead */
	size_t column;  /* values in an out row before those of the first head */
	size_t n, ldq, ldo;
	size_t group; /* query heads that share the K/V head */
	size_t width; /* values of one head */
	float scale;  /* of the scores, positive, usually 1 / sqrt(width) */
	const struct attention_segment *segments;
	size_t n_segments;
	size_t head;  /* values to skip in every k and v row: where the head begins */
	size_t first; /* causal: query i sees positions 0 .. first + i */
	bool causal;  /* else every query sees every position */
	size_t window; /* causal: the last positions a query sees, its own included; 0: all */
};

/* Floats of scratch memory, 64-byte aligned, that attention_run() needs for chains of up to `positions`. */
size_t attention_scratch(const struct kernels *outer, size_t group, size_t width, size_t positions);

/* Can heads of this width be rounded one by one? Where not, their rows are left plain and rounded whole. */
static inline bool attention_can_round(const struct kernels *kernels, size_t width)
{
	return width % (size_t)kernels->block == 0;
}

/* outer is the set of the product that takes the output next. */
void attention_run(const struct attention *a, const struct kernels *outer, float *memory);

#endif
