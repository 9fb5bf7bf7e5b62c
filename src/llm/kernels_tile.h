/* kernels_tile.h - the f32 matrix tile, written once over compiler vectors and compiled for each instruction set.
 *
 * Private to the kernels_<set>.c files, which first include kernels_rows.h and define TILE_ROWS, the rows of A that one
 * tile holds in registers. A panel is two vectors wide: its layout is [k][2 LANES], zero-padded. Every element of C is
 * one accumulator that takes its k products in order, whatever tile it fell into. */
#ifndef RUNG_LLM_KERNELS_TILE_H
#define RUNG_LLM_KERNELS_TILE_H

enum { PANEL = 2 * LANES };

static size_t tile_panel_bytes(size_t k)
{
	return k * PANEL * sizeof(float);
}

static void tile_pack(const float *rows, size_t n, size_t k, size_t ld, void *panel)
{
	float *out = panel;

	memset(out, 0, tile_panel_bytes(k));
	for (size_t j = 0; j < n; j++)
		for (size_t i = 0; i < k; i++)
			out[i * PANEL + j] = rows[j * ld + i];
}

INLINE void tile_store(float *c, size_t n, vector left, vector right)
{
	vector_put(c, n, left);
	if (n > LANES)
		vector_put(c + LANES, n - LANES, right);
}

/* m is a constant at every call, so the accumulators are registers. */
INLINE void tile_run(const int m, const float *a, size_t lda, size_t k, const float *panel, size_t n, float *c, size_t ldc)
{
	vector left[TILE_ROWS], right[TILE_ROWS];

#pragma GCC unroll 16
	for (int i = 0; i < m; i++)
		left[i] = right[i] = vector_all(0.0f);
	for (size_t p = 0; p < k; p++) {
		vector b0 = vector_load(panel + p * PANEL), b1 = vector_load(panel + p * PANEL + LANES);

#pragma GCC unroll 16
		for (int i = 0; i < m; i++) {
			vector x = vector_all(a[(size_t)i * lda + p]);

			left[i] = VECTOR_FMA(x, b0, left[i]);
			right[i] = VECTOR_FMA(x, b1, right[i]);
		}
	}
#pragma GCC unroll 16
	for (int i = 0; i < m; i++)
		tile_store(c + (size_t)i * ldc, n, left[i], right[i]);
}

static TARGET void tile_multiply(const float *a, size_t m, size_t lda, size_t k, const void *panel, size_t n, float *c,
				 size_t ldc)
{
	size_t i = 0;

	for (; i + TILE_ROWS <= m; i += TILE_ROWS)
		tile_run(TILE_ROWS, a + i * lda, lda, k, panel, n, c + i * ldc, ldc);
	for (; i + 2 <= m; i += 2)
		tile_run(2, a + i * lda, lda, k, panel, n, c + i * ldc, ldc);
	if (i < m)
		tile_run(1, a + i * lda, lda, k, panel, n, c + i * ldc, ldc);
}

#define TILE_FUNCTIONS .panel = PANEL, .pack = tile_pack, .panel_bytes = tile_panel_bytes, .multiply = tile_multiply

#endif
