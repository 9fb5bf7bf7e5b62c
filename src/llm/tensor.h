/* tensor.h - named tensors inside a mapped model file, and their way to f32.
 *
 * A tensor borrows the bytes of the file it was found in; the readers (gguf.h, safetensors.h) have checked that offset
 * and size lie inside the file, so that code behind this header can trust them.
 * Block layouts: ggml's quantisation formats (quant.h); values are little-endian. */
#ifndef RUNG_LLM_TENSOR_H
#define RUNG_LLM_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum tensor_type {
	TENSOR_F32,
	TENSOR_F16,
	TENSOR_BF16,
	TENSOR_Q8_0, /* blocks of 32: f16 scale, 32 int8 */
	TENSOR_Q4_0, /* blocks of 32: f16 scale, 16 bytes of nibbles, value - 8 */
	TENSOR_Q4_1, /* blocks of 32: f16 scale, f16 minimum, 16 bytes of nibbles */
	TENSOR_Q5_0, /* blocks of 32: f16 scale, 4 bytes of fifth bits, 16 bytes of nibbles, value - 16 */
	TENSOR_Q5_1, /* blocks of 32: f16 scale, f16 minimum, 4 bytes of fifth bits, 16 bytes of nibbles */
	TENSOR_Q4_K, /* blocks of 256: f16 scales of 8 scales and 8 minima (6 bits each), 128 bytes of nibbles */
	TENSOR_Q5_K, /* the same with 32 bytes of fifth bits before the nibbles */
	TENSOR_Q6_K, /* blocks of 256: 128 bytes of nibbles, 64 of two more bits, 16 int8 scales, f16 scale; - 32 */
	TENSOR_TYPES,
};

enum { TENSOR_DIMS = 4 }; /* as in ggml; the models of this engine need 2 */

struct tensor {
	const char *name;
	enum tensor_type type;
	int n_dims;                /* 0 (a single number) .. TENSOR_DIMS */
	size_t shape[TENSOR_DIMS]; /* outermost first, (rows, columns) for a matrix; none is 0, unused ones are 1 */
	const uint8_t *data;       /* unaligned: a file promises nothing */
	size_t bytes;
};

const char *tensor_type_name(enum tensor_type type);
size_t tensor_columns(const struct tensor *t); /* length of the innermost dimension */
size_t tensor_rows(const struct tensor *t);    /* product of the others */
/* Bytes that one row of `columns` values takes; 0 where the type's block does not divide it. */
size_t tensor_row_bytes(enum tensor_type type, size_t columns);

/* Writes rows first .. first+n-1 as f32 to out (n, columns). Exact for every type (f32 holds all their values) except
 * those with a minimum (Q4_1, Q5_1, Q4_K, Q5_K), where scale * q and the minimum are added with one rounding. */
void tensor_read(const struct tensor *t, size_t first, size_t n, float *out);

float f16_to_f32(uint16_t half);
uint16_t f32_to_f16(float x);  /* round to nearest even; too large a value becomes infinite; NaN stays NaN */
uint16_t f32_to_bf16(float x); /* round to nearest even; NaN stays NaN */
float bf16_to_f32(uint16_t x);

/* What follows is for the readers of file formats. */

/* Number of values of the shape; 0 where a dimension is 0 or the values could not be addressed at 8 bytes each. */
size_t tensor_values(const struct tensor *t);
/* Whether n bytes of a file may be a tensor's name: 1 to 255 bytes of UTF-8 without control characters. */
bool tensor_name_valid(const char *name, size_t n);

/* A file's tensors. The index is sorted, not hashed: a hostile file can choose names that collide. */
struct tensor_list {
	struct tensor *at;
	size_t n;
	const struct tensor **by_name;
};
/* Fills by_name, in arena; two tensors of one name are an error. path is for the sentence. */
bool tensor_list_index(struct tensor_list *l, struct arena *arena, const char *path, struct error *err);
const struct tensor *tensor_list_find(const struct tensor_list *l, const char *name); /* NULL when absent */

#endif
