/* kernels_tile.h - the f32 matrix tile, written once over compiler vectors and compiled for each instruction set.
 *
 * Private to the kernels_<set>.c files, which first include kernels_rows.h and define
 *     TILE_ROWS     rows of A that a tile holds in registers: 2, 6 or 14
 *     TILE_VECTORS  vectors across the tile, TILE_COLUMNS = TILE_VECTORS LANES
 * so that the accumulators, one row of B and one value of A fill the register file.
 *
 * Every element of C is one accumulator that takes its k products in order, whatever tile it fell into. k is not split:
 * a panel of 16 columns and the rows of A beside it leave a second-level cache of 512 KiB only beyond k = 2000, and
 * pauses at 256 .. 768 measured 1 to 3 % slower at k = 576 and 1536. A is read in place, its rows are contiguous. */
#ifndef RUNG_LLM_KERNELS_TILE_H
#define RUNG_LLM_KERNELS_TILE_H

enum { TILE_COLUMNS = TILE_VECTORS * LANES };

struct tile {
	const float *a; /* (rows, k), rows lda apart */
	size_t lda, k;
	const float *b; /* (k, TILE_COLUMNS or LANES), rows ldb apart */
	size_t ldb;
	float *c;
	size_t ldc;
};

/* rows and vectors are constants at every call, so the accumulators are registers. */
INLINE void tile_run(const size_t rows, const size_t vectors, const struct tile *t)
{
	vector sum[TILE_ROWS][TILE_VECTORS];
	const float *a = t->a, *b = t->b;

	UNROLL
	for (size_t i = 0; i < rows; i++)
		UNROLL
		for (size_t j = 0; j < vectors; j++)
			sum[i][j] = vector_all(0.0f);
	for (size_t p = 0; p < t->k; p++, b += t->ldb) {
		vector w[TILE_VECTORS];

		UNROLL
		for (size_t j = 0; j < vectors; j++)
			w[j] = vector_load(b + j * LANES);
		UNROLL
		for (size_t i = 0; i < rows; i++) {
			vector x = vector_all(a[i * t->lda + p]);

			UNROLL
			for (size_t j = 0; j < vectors; j++)
				sum[i][j] = VECTOR_FMA(x, w[j], sum[i][j]);
		}
	}
	UNROLL
	for (size_t i = 0; i < rows; i++)
		UNROLL
		for (size_t j = 0; j < vectors; j++)
			vector_store(t->c + i * t->ldc + j * LANES, sum[i][j]);
}

/* 1 .. TILE_ROWS rows by `vectors` vectors. */
INLINE void tile_rows(size_t rows, const size_t vectors, const struct tile *t)
{
#define RUN(count)                           \
	case count:                          \
		tile_run(count, vectors, t); \
		break
	switch (rows) {
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

/* All m rows of t by TILE_COLUMNS columns. Rows are dealt out evenly, 4 and 4 rather than 6 and 2: a tile of few rows
 * waits for its own additions. */
static TARGET void tile_wide(struct tile t, size_t m)
{
	for (size_t tiles = (m + TILE_ROWS - 1) / TILE_ROWS; tiles > 0; tiles--) {
		size_t rows = m / tiles;

		tile_rows(rows, TILE_VECTORS, &t);
		t.a += rows * t.lda;
		t.c += rows * t.ldc;
		m -= rows;
	}
}

#endif
