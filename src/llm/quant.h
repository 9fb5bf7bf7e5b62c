/* quant.h - the element formats as one table: ggml's numbers and names, sizes of a block, and the way to f32.
 *
 * Sources: ggml's docs/gguf.md for the numbers, ggml-common.h for the blocks. All values are little-endian. Private to
 * tensor.c and the reader of GGUF. */
#ifndef RUNG_LLM_QUANT_H
#define RUNG_LLM_QUANT_H

#include "llm/tensor.h"

struct quant_format {
	const char *name;
	uint32_t number;     /* ggml_type in a GGUF file */
	size_t block, bytes; /* values in a block, and what they take */
	/* n is whole blocks; from is unaligned. */
	void (*read)(const uint8_t *from, size_t n, float *out);
};

const struct quant_format *quant_format_of(enum tensor_type type);
/* Finds the type that has ggml's number; false when it is not read here. */
bool quant_type_find(uint32_t number, enum tensor_type *type);
/* ggml's name for any number it knows, those that are not read here too; NULL for the others. */
const char *quant_number_name(uint32_t number);
/* "F32, F16, ..." of what is read, for messages. */
const char *quant_names(void);

#endif
