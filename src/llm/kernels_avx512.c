/* kernels_avx512.c - AVX-512F: a 14 x 32 tile takes 28 accumulators of the 32 registers. */
#if defined(__x86_64__)

#include <immintrin.h>

#define VECTOR_BYTES 64
#define TARGET __attribute__((target("avx512f,avx2,fma,f16c")))
#define VECTOR_FMA(a, b, c) ((vector)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define VECTOR_MAX(a, b) ((vector)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define VECTOR_MIN(a, b) ((vector)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define HALF_TO_FLOAT(bits) _cvtsh_ss(bits)
#define WIDEN_OCTETS(p) ((vector_bits)_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(p))))
#define WIDEN_SIGNED(p) ((vector_bits)_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)(p))))
#define TILE_ROWS 14
#define TILE_VECTORS 2

#include "llm/kernels_sets.h"

#include "llm/kernels_rows.h"
#include "llm/kernels_blocks.h"
#include "llm/kernels_tile.h"
#include "llm/kernels_transpose.h"
#include "llm/kernels_panel.h"

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

const struct kernels kernels_avx512 = {
	.name = "avx512", .available = has_avx512, .decode = blocks_decode, .decode_dot = blocks_dot, .dots = blocks_dots,
	PANEL_FUNCTIONS, ROW_FUNCTIONS,
};

#endif
