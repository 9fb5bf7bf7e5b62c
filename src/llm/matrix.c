/* matrix.c - packed weight matrices and their product with a batch of rows.
 *
 * C is cut into tiles of (a block of rows) x (a few panels) that the pool's threads claim one by one. The blocks only
 * decide what stays in cache: the kernels give each element the same value in whatever tile it is computed. */
#include "base/arena.h"
#include "llm/kernels.h"

#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_BYTES = 128 * 1024, /* of A: a quarter of a second-level cache of 512 KiB; panels pass through the rest */
	BLOCK_STEP = 42,          /* rows: full tiles of 2, 4, 6, 12 and 14 */
	BLOCK_STEPS = 8,          /* rows in a block at most, in steps */
	PANEL_MOST = 32,          /* columns of a panel that the memory for gates has room for */
	TILE_WORK = 1 << 18,      /* multiply-adds worth one claim: about 5 microseconds */
	ALONE_WORK = 1 << 17,     /* below this many, waking a thread costs more than it brings */
};

/* Calls fn for the runs of rows first .. first+count-1 that lie in one part each. */
static void for_parts(const struct tensor_stack *s, size_t first, size_t count,
		      void (*fn)(void *context, const struct tensor *part, size_t first, size_t count), void *context)
{
	for (size_t i = 0; i < s->n && count > 0; i++) {
		size_t rows = tensor_rows(s->part[i]);

		if (first >= rows) {
			first -= rows;
			continue;
		}
		size_t here = rows - first < count ? rows - first : count;

		fn(context, s->part[i], first, here);
		count -= here;
		first = 0;
	}
}

static void read_part(void *context, const struct tensor *part, size_t first, size_t count)
{
	float **rows = context;

	tensor_read(part, first, count, *rows);
	*rows += count * tensor_columns(part);
}

void matrix_describe(struct matrix *w, const struct kernels *kernels, struct tensor_stack source)
{
	*w = (struct matrix){ .kernels = kernels, .k = tensor_columns(source.part[0]), .source = source, .quantised = true };
	for (size_t i = 0; i < source.n; i++) {
		w->n += tensor_rows(source.part[i]);
		w->quantised = w->quantised && kernels_few(kernels)->decode(source.part[i]->type, NULL, 0, NULL);
	}
}

void matrix_pack(struct matrix *w, const struct kernels *kernels, struct tensor_stack source)
{
	matrix_describe(w, kernels, source);
	size_t k = w->k, n = w->n, width = (size_t)kernels->panel, bytes = kernels->panel_bytes(k);
	float *rows = mem_aligned(width * k * sizeof(*rows));

	w->panels = mem_aligned((n + width - 1) / width * bytes);
	memset(w->panels + n / width * bytes, 0, n % width ? bytes : 0);
	for (size_t first = 0; first < n; first += width) {
		size_t count = n - first < width ? n - first : width;
		float *next = rows;

		for_parts(&source, first, count, read_part, &next);
		kernels->pack(rows, count, k, k, w->panels + first / width * bytes);
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
	size_t m, lda;
	float *c;
	size_t ldc;
	size_t block;  /* rows of A in a tile */
	size_t panels; /* panels of W in a tile */
	size_t groups; /* tiles side by side */
};

static void multiply_tile(void *context, size_t tile, int worker)
{
	const struct product *p = context;
	const struct kernels *kernels = p->w->kernels;
	size_t width = (size_t)kernels->panel;
	size_t bytes = kernels->panel_bytes(p->w->k);
	size_t row = tile / p->groups * p->block;
	size_t rows = p->m - row < p->block ? p->m - row : p->block;
	size_t first = tile % p->groups * p->panels * width;
	size_t last = first + p->panels * width < p->w->n ? first + p->panels * width : p->w->n;

	(void)worker;
	for (size_t j = first; j < last; j += width)
		kernels->multiply(p->a + row * p->lda, rows, p->lda, p->w->k, p->w->panels + j / width * bytes,
				  last - j < width ? last - j : width, p->c + row * p->ldc + j, p->ldc);
}

/* Rows whose share of A is about BLOCK_BYTES, in full tiles. */
static size_t block_rows(const struct matrix *w)
{
	size_t row = w->kernels->rounded_words(w->k) * sizeof(float), steps = BLOCK_BYTES / BLOCK_STEP / (row ? row : 1);

	return BLOCK_STEP * (steps < 1 ? 1 : steps < BLOCK_STEPS ? steps : BLOCK_STEPS);
}

/* Panels of about TILE_WORK together, but no more than leaves each thread a few tiles to claim. */
static size_t tile_panels(const struct product *p, size_t panels, size_t blocks, size_t threads)
{
	size_t rows = p->m < p->block ? p->m : p->block;
	size_t work = rows * p->w->k * (size_t)p->w->kernels->panel;
	size_t enough = work ? (TILE_WORK + work - 1) / work : panels;
	size_t most = panels * blocks / (4 * threads);

	if (enough > most)
		enough = most;
	return enough > 0 ? enough : 1;
}

void matrix_multiply(const struct matrix *w, struct pool *pool, const float *a, size_t m, size_t lda, float *c,
		     size_t ldc)
{
	struct product p = { .w = w, .a = a, .m = m, .lda = lda, .c = c, .ldc = ldc, .block = block_rows(w) };
	size_t width = (size_t)w->kernels->panel;
	size_t panels = (w->n + width - 1) / width;
	size_t blocks = (m + p.block - 1) / p.block;

	if (panels == 0 || blocks == 0)
		return;
	p.panels = tile_panels(&p, panels, blocks, (size_t)pool_threads(pool));
	p.groups = (panels + p.panels - 1) / p.panels;
	if (m * w->n * w->k > ALONE_WORK)
		pool_run(pool, blocks * p.groups, multiply_tile, &p);
	else
		for (size_t tile = 0; tile < blocks * p.groups; tile++)
			multiply_tile(&p, tile, 0);
}

struct gated {
	struct product p; /* its c and ldc are the result; n counts the gates alone */
	void (*activate)(float *gate, const float *up, size_t n);
};

/* A panel of gates and the panel of their ups for up to BLOCK_STEP rows, through activate() into the result. */
static void gate_panel(const struct gated *g, size_t row, size_t rows, size_t panel)
{
	const struct product *p = &g->p;
	const struct kernels *kernels = p->w->kernels;
	size_t width = (size_t)kernels->panel, bytes = kernels->panel_bytes(p->w->k), ups = p->w->n / 2 / width;
	float gate[BLOCK_STEP * PANEL_MOST], up[BLOCK_STEP * PANEL_MOST];
	const float *a = p->a + row * p->lda;

	kernels->multiply(a, rows, p->lda, p->w->k, p->w->panels + panel * bytes, width, gate, width);
	kernels->multiply(a, rows, p->lda, p->w->k, p->w->panels + (ups + panel) * bytes, width, up, width);
	g->activate(gate, up, rows * width);
	for (size_t i = 0; i < rows; i++)
		kernels->round(gate + i * width, width, p->c + (row + i) * p->ldc + kernels->rounded_words(panel * width));
}

static void gated_tile(void *context, size_t tile, int worker)
{
	const struct gated *g = context;
	const struct product *p = &g->p;
	size_t row = tile / p->groups * p->block, end = row + p->block < p->m ? row + p->block : p->m;
	size_t first = tile % p->groups * p->panels, panels = p->w->n / 2 / (size_t)p->w->kernels->panel;
	size_t last = first + p->panels < panels ? first + p->panels : panels;

	(void)worker;
	for (size_t panel = first; panel < last; panel++)
		for (size_t r = row; r < end; r += BLOCK_STEP)
			gate_panel(g, r, end - r < BLOCK_STEP ? end - r : BLOCK_STEP, panel);
}

bool matrix_can_gate(const struct matrix *w)
{
	return w->n % (2 * (size_t)w->kernels->panel) == 0 && w->kernels->panel <= PANEL_MOST;
}

void matrix_multiply_gated(const struct matrix *w, struct pool *pool, const float *a, size_t m, size_t lda,
			   void (*activate)(float *gate, const float *up, size_t n), float *out, size_t ldo)
{
	struct gated g = { .p = { .w = w, .a = a, .m = m, .lda = lda, .c = out, .ldc = ldo, .block = block_rows(w) },
			   .activate = activate };
	size_t panels = w->n / 2 / (size_t)w->kernels->panel, blocks = (m + g.p.block - 1) / g.p.block;

	g.p.panels = tile_panels(&g.p, panels, blocks, (size_t)pool_threads(pool));
	g.p.groups = (panels + g.p.panels - 1) / g.p.panels;
	pool_run(pool, blocks * g.p.groups, gated_tile, &g);
}

enum {
	FEW_BYTES = 64 * 1024, /* of quantised weights worth one claim: about 4 microseconds of memory */
	FEW_VALUES = 1024,     /* decoded at a time, whole blocks of every type */
	FEW_ROWS = 4,          /* of W, decoded together: 16 KiB, half of a first-level cache */
};

struct few {
	const struct matrix *w;
	const float *a;
	size_t m, lda;
	float *c;
	size_t ldc;
	size_t rows; /* of W in a tile */
	size_t next; /* column of C, while a tile runs */
};

/* The next rows come from memory while these are multiplied: with 16 rows of A a fifth of the time. */
static void fetch(const uint8_t *row, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 64)
		__builtin_prefetch(row + i);
}

/* `count` (FEW_ROWS at most) rows of W, FEW_VALUES of each at a time, against every row of A; to C from column f->next. */
static void multiply_rows(const struct few *f, const struct tensor *part, const uint8_t *row, size_t count)
{
	const struct kernels *kernels = kernels_few(f->w->kernels);
	size_t bytes = tensor_row_bytes(part->type, f->w->k);
	float values[FEW_ROWS * FEW_VALUES] __attribute__((aligned(64))), *c = f->c + f->next;

	fetch(row + count * bytes, count * bytes);
	for (size_t i = 0; i < f->m; i++)
		memset(c + i * f->ldc, 0, count * sizeof(*c));
	for (size_t from = 0; from < f->w->k; from += FEW_VALUES) {
		size_t n = f->w->k - from < FEW_VALUES ? f->w->k - from : FEW_VALUES;
		const uint8_t *blocks = row + tensor_row_bytes(part->type, from);
		size_t words = kernels->rounded_words(n); /* not FEW_VALUES: rows would compete for one place in cache */
		const float *a = f->a + kernels->rounded_words(from);
		struct dots d = { .values = values, .w_rows = count, .ldw = words, .n = n, .x = a, .m = f->m,
				  .ldx = f->lda, .out = c, .ldo = f->ldc };

		if (f->m == 1) {
			kernels->decode_dot(part->type, blocks, bytes, count, n, a, c);
			continue;
		}
		for (size_t j = 0; j < count; j++)
			kernels->decode(part->type, blocks + j * bytes, n, values + j * words);
		kernels->dots(&d);
	}
}

static void multiply_part(void *context, const struct tensor *part, size_t first, size_t count)
{
	struct few *f = context;
	size_t bytes = tensor_row_bytes(part->type, f->w->k);

	for (size_t done = 0; done < count; done += FEW_ROWS) {
		size_t here = count - done < FEW_ROWS ? count - done : FEW_ROWS;

		multiply_rows(f, part, part->data + (first + done) * bytes, here);
		f->next += here;
	}
}

static void few_tile(void *context, size_t tile, int worker)
{
	struct few f = *(const struct few *)context;
	size_t first = tile * f.rows;

	(void)worker;
	f.next = first;
	for_parts(&f.w->source, first, f.w->n - first < f.rows ? f.w->n - first : f.rows, multiply_part, &f);
}

void matrix_multiply_few(const struct matrix *w, struct pool *pool, const float *a, size_t m, size_t lda, float *c,
			 size_t ldc)
{
	struct few f = { .w = w, .a = a, .m = m, .lda = lda, .c = c, .ldc = ldc };

	f.rows = (1 + FEW_BYTES / FEW_ROWS / tensor_row_bytes(w->source.part[0]->type, w->k)) * FEW_ROWS;
	pool_run(pool, (w->n + f.rows - 1) / f.rows, few_tile, &f);
}
