/* kernels_panel.h - weights packed as f32 panels of TILE_COLUMNS columns, (k, TILE_COLUMNS) each, and their
 * product by the tile of kernels_tile.h: what every set without a narrower number format multiplies with. */
#ifndef RUNG_LLM_KERNELS_PANEL_H
#define RUNG_LLM_KERNELS_PANEL_H

static size_t panel_bytes(size_t k)
{
	return k * TILE_COLUMNS * sizeof(float);
}

static TARGET void panel_pack(const float *rows, size_t n, size_t k, size_t ld, void *panel)
{
	for (size_t j = 0; j < n; j += 4) {
		const float *row[4];

		for (size_t i = 0; i < 4; i++)
			row[i] = rows + (j + i < n ? j + i : n - 1) * ld;
		transpose_rows(row, k, (float *)panel + j, TILE_COLUMNS);
	}
}

static TARGET void panel_pack_across(const float *rows, size_t count, size_t ld, size_t n, size_t p, void *panel)
{
	float *out = (float *)panel + p * TILE_COLUMNS;

	for (; count > 0; count--, rows += ld, out += TILE_COLUMNS)
		if (n == TILE_COLUMNS) /* a few registers */
			memcpy(out, rows, TILE_COLUMNS * sizeof(*rows));
		else
			memcpy(out, rows, n * sizeof(*rows));
}

static void panel_round(const float *x, size_t n, float *out)
{
	if (out != x)
		memcpy(out, x, n * sizeof(*x));
}

static size_t panel_rounded_words(size_t n)
{
	return n;
}

/* The last panel of W may have n < TILE_COLUMNS columns; its tiles are computed whole and copied in part. */
static TARGET void panel_multiply_part(struct tile t, size_t m, size_t n, float *c, size_t ldc)
{
	float whole[TILE_ROWS * TILE_COLUMNS];

	t.c = whole;
	t.ldc = TILE_COLUMNS;
	for (size_t done = 0; done < m; done += TILE_ROWS, t.a += TILE_ROWS * t.lda) {
		size_t rows = m - done < TILE_ROWS ? m - done : TILE_ROWS;

		tile_wide(t, rows);
		for (size_t i = 0; i < rows; i++)
			memcpy(c + (done + i) * ldc, whole + i * TILE_COLUMNS, n * sizeof(*c));
	}
}

static TARGET void panel_multiply(const float *a, size_t m, size_t lda, size_t k, const void *panel, size_t n, float *c,
				  size_t ldc)
{
	struct tile t = { .a = a, .lda = lda, .k = k, .b = panel, .ldb = TILE_COLUMNS, .c = c, .ldc = ldc };

	if (n == TILE_COLUMNS)
		tile_wide(t, m);
	else
		panel_multiply_part(t, m, n, c, ldc);
}

#define PANEL_FUNCTIONS                                                                                         \
	.products = PRODUCTS_F32, .panel = TILE_COLUMNS, .block = 1, .pack = panel_pack, .pack_across = panel_pack_across, \
	.pack_rounded = panel_pack, .pack_across_rounded = panel_pack_across,                                         \
	.panel_bytes = panel_bytes, .round = panel_round, .rounded_words = panel_rounded_words, .multiply = panel_multiply

#endif
