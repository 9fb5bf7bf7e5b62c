/* adapter_inner.h - what forward.c asks of an adapter. */
#ifndef RUNG_LLM_ADAPTER_INNER_H
#define RUNG_LLM_ADAPTER_INNER_H

#include "llm/adapter.h"

enum adapter_part { ADAPT_Q, ADAPT_K, ADAPT_V, ADAPT_OUTPUT, ADAPT_GATE, ADAPT_UP, ADAPT_DOWN, ADAPTER_PARTS };

/* c (n, out) += scale B (A x) for n <= PASS_ROWS rows x, rounded, lda apart; nothing where the part is not adapted. */
void adapter_add(const struct adapter *a, size_t layer, enum adapter_part part, const float *x, size_t n, size_t lda,
		 float *c, size_t ldc);
/* The same for n <= MATRIX_FEW rows that are plain f32, as another set takes them: where kernels->few names one. */
void adapter_add_few(const struct adapter *a, size_t layer, enum adapter_part part, const float *x, size_t n,
		     size_t lda, float *c, size_t ldc);

#endif
