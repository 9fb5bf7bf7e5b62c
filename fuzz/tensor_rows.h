/* tensor_rows.h - reads every row of a tensor, so that a range the reader should have refused shows as a bad access. */
#ifndef RUNG_FUZZ_TENSOR_ROWS_H
#define RUNG_FUZZ_TENSOR_ROWS_H

#include <stdlib.h>

#include "llm/tensor.h"

/* The inputs are small, and a tensor is not larger than its file by more than its block's ratio. */
static inline void tensor_rows_read(const struct tensor *t)
{
	float *out = malloc(tensor_columns(t) * sizeof(*out));

	if (!out || tensor_columns(t) * tensor_rows(t) > t->bytes * 2)
		abort();
	for (size_t i = 0; i < tensor_rows(t); i++)
		tensor_read(t, i, 1, out);
	free(out);
}

#endif
