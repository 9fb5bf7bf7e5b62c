/* gguf_write.h - writes small GGUF files (version 3, ggml's docs/gguf.md): adapters. */
#ifndef RUNG_LLM_GGUF_WRITE_H
#define RUNG_LLM_GGUF_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* A pair of metadata: a text, or a number as f32 where text is NULL. */
struct gguf_pair {
	const char *key, *text;
	float number;
};

/* A matrix (rows, columns), written as F32. */
struct gguf_out {
	const char *name;
	size_t rows, columns;
	const float *values;
};

/* Replaces path at once. */
bool gguf_write(const char *path, const struct gguf_pair *pairs, size_t n_pairs, const struct gguf_out *tensors, size_t n_tensors,
		struct error *err);

#endif
