/* kernels_tile.h - the f32 matrix tile, written once over compiler vectors and compiled for each instruction set.
 *
 * Private to the kernels_<set>.c files, which first include kernels_rows.h and define
 *     TILE_ROWS     rows of A that a tile holds in registers: 2, 6 or 14
 *     TILE_VECTORS  vectors across the tile; a panel (k, PANEL) is PANEL = TILE_VECTORS LANES columns, zero-padded
 * so that the accumulators, one row of the panel and one value of A fill the register file.
 *
 * Every element of C is one accumulator that takes its k products in order, whatever tile it fell into. k is not split:
 * a panel of 16 columns and the rows of A beside it leave a second-level cache of 512 KiB only beyond k = 2000, and
 * pauses at 256 .. 768 measured 1 to 3 % slower at k = 576 and 1536. A is read in place, its rows are contiguous. */
#ifndef RUNG_LLM_KERNELS_TILE_H
#define RUNG_LLM_KERNELS_TILE_H

enum { PANEL = TILE_VECTORS * LANES };

static size_t tile_panel_bytes(size_t k)
{
	return k * PANEL * sizeof(float);
}

static void tile_pack(const float *rows, size_t n, size_t k, size_t ld, void *panel)
{
	float *out = panel;

	for (size_t p = 0; p < k; p++)
		for (size_t j = 0; j < PANEL; j++)
			*out++ = j < n ? rows[j * ld + p] : 0.0f;
}

/* m is a constant at every call, so the accumulators are registers. */
INLINE void tile_run(const size_t m, const float *a, size_t lda, size_t k, const float *panel, float *c, size_t ldc)
{
	vector sum[TILE_ROWS][TILE_VECTORS];

	UNROLL
	for (size_t i = 0; i < m; i++)
		UNROLL
		for (size_t j = 0; j < TILE_VECTORS; j++)
			sum[i][j] = vector_all(0.0f);
	for (size_t p = 0; p < k; p++) {
		vector w[TILE_VECTORS];

		UNROLL
		for (size_t j = 0; j < TILE_VECTORS; j++)
			w[j] = vector_load(panel + p * PANEL + j * LANES);
		UNROLL
		for (size_t i = 0; i < m; i++) {
			vector x = vector_all(a[i * lda + p]);

			UNROLL
			for (size_t j = 0; j < TILE_VECTORS; j++)
				sum[i][j] = VECTOR_FMA(x, w[j], sum[i][j]);
		}
	}
	UNROLL
	for (size_t i = 0; i < m; i++)
		UNROLL
		for (size_t j = 0; j < TILE_VECTORS; j++)
			vector_store(c + i * ldc + j * LANES, sum[i][j]);
}

/* One tile of m rows, 1 .. TILE_ROWS. */
static TARGET void tile_rows(size_t m, const float *a, size_t lda, size_t k, const float *panel, float *c, size_t ldc)
{
#define RUN(count)                                        \
	case count:                                       \
		tile_run(count, a, lda, k, panel, c, ldc); \
		break
	switch (m) {
		RUN(1);
		RUN(2);
#if TILE_ROWS >= 6
		RUN(3);
		RUN(4);
		RUN(5);
		RUN(6);
#endif
#if TILE_ROWS >= 14
		RUN(7);
		RUN(8);
		RUN(9);
		RUN(10);
		RUN(11);
		RUN(12);
		RUN(13);
		RUN(14);
#endif
	default:
		break;
	}
#undef RUN
}

/* The last panel of W may have n < PANEL columns; its tiles are computed whole and copied in part. */
static TARGET void tile_rows_part(size_t m, const float *a, size_t lda, size_t k, const float *panel, size_t n,
				  float *c, size_t ldc)
{
	float whole[TILE_ROWS * PANEL];

	tile_rows(m, a, lda, k, panel, whole, PANEL);
	for (size_t i = 0; i < m; i++)
		memcpy(c + i * ldc, whole + i * PANEL, n * sizeof(*c));
}

/* Rows are dealt out evenly, 4 and 4 rather than 6 and 2: a tile of few rows waits for its own additions. */
static TARGET void tile_multiply(const float *a, size_t m, size_t lda, size_t k, const void *panel, size_t n, float *c,
				 size_t ldc)
{
	for (size_t tiles = (m + TILE_ROWS - 1) / TILE_ROWS; tiles > 0; tiles--) {
		size_t rows = m / tiles;

		if (n == PANEL)
			tile_rows(rows, a, lda, k, panel, c, ldc);
		else
			tile_rows_part(rows, a, lda, k, panel, n, c, ldc);
		a += rows * lda;
		c += rows * ldc;
		m -= rows;
	}
}

#define TILE_FUNCTIONS .panel = PANEL, .pack = tile_pack, .panel_bytes = tile_panel_bytes, .multiply = tile_multiply

#endif
