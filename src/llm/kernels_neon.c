/* kernels_neon.c - AArch64: a 6 x 16 tile takes 24 accumulators of the 32 registers of NEON. */
#if defined(__aarch64__)

#include <arm_neon.h>

static inline float half_to_float(uint16_t bits)
{
	return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(bits))), 0);
}

#define VECTOR_BYTES 16
#define TARGET
#define VECTOR_FMA(a, b, c) ((vector)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#define VECTOR_MAX(a, b) ((vector)vmaxq_f32((float32x4_t)(a), (float32x4_t)(b)))
#define VECTOR_MIN(a, b) ((vector)vminq_f32((float32x4_t)(a), (float32x4_t)(b)))
#define VECTOR_SQRT(a) ((vector)vsqrtq_f32((float32x4_t)(a)))
#define HALF_TO_FLOAT(bits) half_to_float(bits)
#define TILE_ROWS 6
#define TILE_VECTORS 4

#include "llm/kernels_sets.h"

#include "llm/kernels_rows.h"
#include "llm/kernels_gradients.h"
#include "llm/kernels_blocks.h"
#include "llm/kernels_tile.h"
#include "llm/kernels_panel.h"

static bool has_neon(void)
{
	return true; /* every AArch64 has it */
}

const struct kernels kernels_neon = {
	.name = "neon", .available = has_neon, .decode = blocks_decode, .decode_dot = blocks_dot, .dots = blocks_dots,
	PANEL_FUNCTIONS, ROW_FUNCTIONS, GRADIENT_FUNCTIONS,
};

#endif
