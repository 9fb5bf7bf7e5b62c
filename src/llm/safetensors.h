/* safetensors.h - safetensors files (huggingface/safetensors, format section of its README), mapped and checked.
 *
 * Types F32, F16 and BF16. Everything is checked before safetensors_open() returns: header length and JSON, offsets
 * inside the file, size equal to shape times type, no overlap and no gap. Anything else is one sentence naming file and
 * tensor. Integers and booleans (position ids, in exports of some years ago) are checked like the others and then left
 * out: nothing here computes with them. An open file is immutable; threads share it. */
#ifndef RUNG_LLM_SAFETENSORS_H
#define RUNG_LLM_SAFETENSORS_H

#include "base/error.h"
#include "llm/tensor.h"

struct safetensors;

/* The caller frees it with safetensors_free(). NULL and the sentence on failure. Tensors live as long as it. */
struct safetensors *safetensors_open(const char *path, struct error *err);
void safetensors_free(struct safetensors *s); /* NULL is fine */
size_t safetensors_count(const struct safetensors *s);
const struct tensor *safetensors_at(const struct safetensors *s, size_t i); /* in the order of their bytes */
const struct tensor *safetensors_find(const struct safetensors *s, const char *name); /* NULL when absent */

/* A tensor to be written: values (rows, columns), or (columns) when rows is 0, to F32 or F16 (rounded to nearest even). */
struct safetensors_out {
	const char *name;
	size_t rows, columns;
	const float *values;
	enum tensor_type type;
};
/* Writes n tensors and the text pairs of metadata (2 n_metadata: key, value) to path, which is replaced at once. */
bool safetensors_write(const char *path, const struct safetensors_out *tensors, size_t n, const char *const *metadata,
		       size_t n_metadata, struct error *err);

#endif
