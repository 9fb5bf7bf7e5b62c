/* kernels_portable.c - the set for every processor: vectors of four that the compiler lowers to what there is. A 2 x 16
 * tile takes 8 accumulators of the 16 registers of plain x86-64. Products are rounded before they are added: a fused
 * multiply-add that the processor lacks would be a call. */
#define VECTOR_BYTES 16
#define TARGET
#define VECTOR_FMA(a, b, c) ((a) * (b) + (c))
#define VECTOR_MAX(a, b) vector_select((a) > (b), a, b)
#define VECTOR_MIN(a, b) vector_select((a) < (b), a, b)
#define VECTOR_SQRT(a) vector_sqrt(a)
#define HALF_TO_FLOAT(bits) f16_to_f32(bits)
#define TILE_ROWS 2
#define TILE_VECTORS 4

#include "llm/kernels_sets.h"

#include "llm/kernels_rows.h"

INLINE vector vector_sqrt(vector v)
{
	for (int i = 0; i < LANES; i++)
		v[i] = sqrtf(v[i]);
	return v;
}

#include "llm/kernels_gradients.h"
#include "llm/kernels_blocks.h"
#include "llm/kernels_tile.h"
#include "llm/kernels_panel.h"

static bool always(void)
{
	return true;
}

const struct kernels kernels_portable = {
	.name = "portable", .available = always, .decode = blocks_decode, .decode_dot = blocks_dot, .dots = blocks_dots,
	PANEL_FUNCTIONS, ROW_FUNCTIONS, GRADIENT_FUNCTIONS,
};
