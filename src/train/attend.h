/* attend.h - attention for training: softmax(scale q k^T) v over spans of rows, and its derivative.
 *
 * A span is rows of one sequence in a batch without padding; it may begin with the rows of another one, its prefix, which many
 * spans share (a prompt that all examples have). The derivative computes the weights anew from queries and keys rather than keep
 * them. Products are f32 in every kernel set: they are a few percent of the work. */
#ifndef RUNG_TRAIN_ATTEND_H
#define RUNG_TRAIN_ATTEND_H

#include <stdbool.h>

#include "llm/kernels.h"

struct span {
	size_t first, n;               /* rows of the batch */
	size_t prefix_first, n_prefix; /* rows that come before them; n_prefix 0: none */
};

struct attend {
	const struct kernels *kernels; /* that round the output for the next product */
	struct pool *pool;
	const struct span *spans;
	size_t n_spans;
	size_t heads, kv_heads, width; /* heads / kv_heads queries share a key and value; values of one head */
	float scale;
	bool causal;    /* a row sees itself and what comes before it; else its whole span */
	size_t window;  /* causal: the last positions a row sees, its own included; 0: all */
	const float *qkv; /* (rows, (heads + 2 kv_heads) width): queries, keys, values */
};

/* Floats of scratch memory that a call needs; spans must be set. */
size_t attend_scratch(const struct attend *a);

/* The same for spans that are not there yet: so many rows at most that see so many, and so many rows of prefixes, counted for each
 * span that has them. */
size_t attend_scratch_most(const struct attend *a, size_t rows, size_t seen, size_t prefixes);

/* out (rows, heads * width), f32. */
void attend_forward(const struct attend *a, float *out, float *scratch);
/* d_qkv (rows, as qkv) = the derivative by queries, keys and values, from d_out (rows, heads * width). */
void attend_backward(const struct attend *a, const float *d_out, float *d_qkv, float *scratch);

#endif
