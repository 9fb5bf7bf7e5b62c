/* kernels_avx512.c - AVX-512F: a 14 x 32 tile takes 28 accumulators of the 32 registers. */
#if defined(__x86_64__)

#define TARGET __attribute__((target("avx512f,avx2,fma,f16c")))
#define TILE_ROWS 14
#define TILE_VECTORS 2

#include "llm/kernels_sets.h"

#include "llm/kernels_wide.h"
#include "llm/kernels_blocks.h"
#include "llm/kernels_tile.h"
#include "llm/kernels_panel.h"

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512f");
}

const struct kernels kernels_avx512 = {
	.name = "avx512", .available = has_avx512, .decode = blocks_decode, .decode_dot = blocks_dot, .dots = blocks_dots,
	PANEL_FUNCTIONS, ROW_FUNCTIONS, GRADIENT_FUNCTIONS,
};

#endif
