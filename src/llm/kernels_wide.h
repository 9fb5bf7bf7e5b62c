/* kernels_wide.h - what the sets of 512-bit registers share: what kernels_rows.h and kernels_blocks.h ask for.
 *
 * Private to the kernels_avx512*.c files, which first define TARGET, their own instructions. */
#ifndef RUNG_LLM_KERNELS_WIDE_H
#define RUNG_LLM_KERNELS_WIDE_H

#include <immintrin.h>

#define VECTOR_BYTES 64
#define VECTOR_FMA(a, b, c) ((vector)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define VECTOR_MAX(a, b) ((vector)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define VECTOR_MIN(a, b) ((vector)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define VECTOR_SQRT(a) ((vector)_mm512_sqrt_ps((__m512)(a)))
#define HALF_TO_FLOAT(bits) _cvtsh_ss(bits)
#define HALF_TO_VECTOR(bits) ((vector)_mm512_cvtph_ps(_mm256_set1_epi16(bits)))
#define WIDEN_OCTETS(p) ((vector_bits)_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(p))))
#define WIDEN_SIGNED(p) ((vector_bits)_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)(p))))

#include "llm/kernels_rows.h"
#include "llm/kernels_gradients.h"

INLINE __mmask16 first_lanes(size_t n)
{
	return (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1);
}

#endif
