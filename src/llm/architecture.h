/* architecture.h - the families of decoders: what each one's layers have beyond what all share.
 *
 * All share: RMS norm before attention and before the feed-forward block, grouped queries, rotary embedding, a gated
 * feed-forward block, tied or own head. A family is one row; loading and the forward pass ask the row and nothing else.
 * Names, tensors and their layout are those of GGUF (ggml's docs/gguf.md, llama.cpp's gguf-py constants). */
#ifndef RUNG_LLM_ARCHITECTURE_H
#define RUNG_LLM_ARCHITECTURE_H

#include "llm/gguf.h"

enum feature {
	QKV_BIAS = 1 << 0,         /* queries, keys and values have biases */
	QK_NORM = 1 << 1,          /* every head's query and key goes through an RMS norm before it turns */
	POST_NORMS = 1 << 2,       /* what a block adds to the residual stream goes through an RMS norm first */
	HALF_SPLIT = 1 << 3,       /* values i and i + half of a head turn together; without it 2i and 2i + 1 */
	GEGLU = 1 << 4,            /* gates are gelu (tanh form); without it SiLU */
	SCALED_EMBEDDING = 1 << 5, /* embeddings are multiplied by sqrt(width) */
};

struct architecture {
	const char *name; /* the file's general.architecture, and what its keys begin with */
	unsigned features;
	size_t global_every; /* each so many-th layer sees all positions, the others a window; 0: all layers see all */
	double local_base;   /* rotary base of the layers with a window */
};

/* The row of general.architecture; NULL, and a sentence that lists the supported names, for one without. */
const struct architecture *architecture_find(const struct gguf *g, struct error *err);

#endif
