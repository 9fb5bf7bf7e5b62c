/* matrix.c - packed weights and the tiling of one product over the pool's threads. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "llm/kernels.h"

/* A tile of C: 48 rows of A (110 KB at k = 576) against 8 panels, so both stay in the second-level cache; a product of
 * 150 x 1152 gives 36 tiles, enough for threads to share evenly. */
enum { TILE_M = 48, TILE_PANELS = 8 };

void matrix_pack(struct matrix *w, const struct kernels *kernels, size_t n, size_t k,
		 void (*read)(void *context, size_t first, size_t count, float *rows), void *context)
{
	size_t panel = (size_t)kernels->panel, bytes = kernels->panel_bytes(k);
	size_t panels = (n + panel - 1) / panel;
	float *rows = mem_aligned(panel * k * sizeof(*rows));

	*w = (struct matrix){ kernels, n, k, mem_aligned(panels * bytes) };
	for (size_t i = 0; i < panels; i++) {
		size_t count = n - i * panel < panel ? n - i * panel : panel;

		read(context, i * panel, count, rows);
		kernels->pack(rows, count, k, k, w->panels + i * bytes);
	}
	free(rows);
}

void matrix_release(struct matrix *w)
{
	free(w->panels);
	*w = (struct matrix){ 0 };
}

struct product {
	const struct matrix *w;
	const float *a;
	float *c;
	size_t m, lda, ldc, row_tiles;
};

static void multiply_tile(void *context, size_t tile, int worker)
{
	const struct product *p = context;
	const struct kernels *kernels = p->w->kernels;
	size_t panel = (size_t)kernels->panel, bytes = kernels->panel_bytes(p->w->k);
	size_t row = tile % p->row_tiles * TILE_M, first = tile / p->row_tiles * TILE_PANELS;
	size_t rows = p->m - row < TILE_M ? p->m - row : TILE_M;

	(void)worker;
	for (size_t i = first; i < first + TILE_PANELS && i * panel < p->w->n; i++) {
		size_t n = p->w->n - i * panel < panel ? p->w->n - i * panel : panel;

		kernels->multiply(p->a + row * p->lda, rows, p->lda, p->w->k, p->w->panels + i * bytes, n,
				  p->c + row * p->ldc + i * panel, p->ldc);
	}
}

void matrix_multiply(const struct matrix *w, struct pool *pool, const float *a, size_t m, size_t lda, float *c, size_t ldc)
{
	size_t panels = (w->n + (size_t)w->kernels->panel - 1) / (size_t)w->kernels->panel;
	struct product p = { w, a, c, m, lda, ldc, (m + TILE_M - 1) / TILE_M };

	pool_run(pool, p.row_tiles * ((panels + TILE_PANELS - 1) / TILE_PANELS), multiply_tile, &p);
}
