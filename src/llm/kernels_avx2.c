/* kernels_avx2.c - AVX2 with FMA: a 6 x 16 tile takes twelve accumulators, two panel vectors and one broadcast. */
#if defined(__x86_64__)

#include <immintrin.h>

#define VECTOR_BYTES 32
#define TARGET __attribute__((target("avx2,fma,f16c")))
#define VECTOR_FMA(a, b, c) ((vector)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define VECTOR_MAX(a, b) ((vector)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define VECTOR_MIN(a, b) ((vector)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define VECTOR_SQRT(a) ((vector)_mm256_sqrt_ps((__m256)(a)))
#define HALF_TO_FLOAT(bits) _cvtsh_ss(bits)
#define HALF_TO_VECTOR(bits) ((vector)_mm256_cvtph_ps(_mm_set1_epi16(bits)))
#define WIDEN_OCTETS(p) ((vector_bits)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(p))))
#define WIDEN_SIGNED(p) ((vector_bits)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)(p))))
#define TILE_ROWS 6
#define TILE_VECTORS 2

#include "llm/kernels_sets.h"

#include "llm/kernels_rows.h"
#include "llm/kernels_gradients.h"
#include "llm/kernels_blocks.h"
#include "llm/kernels_tile.h"
#include "llm/kernels_panel.h"

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct kernels kernels_avx2 = {
	.name = "avx2", .available = has_avx2, .decode = blocks_decode, .decode_dot = blocks_dot, .dots = blocks_dots,
	PANEL_FUNCTIONS, ROW_FUNCTIONS, GRADIENT_FUNCTIONS,
};

#endif
