/* product.c - panels are packed in parallel, a few at a time; large products are matrix_multiply()'s. */
#include "train/product.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "train/floats.h"

enum {
	PIECE = 64,      /* columns that one tile transposes */
	STRIP = 512,     /* values of a column that are gathered before they are rounded, */
	ROW = STRIP + 16, /* a line apart: columns would compete for one place in cache */
};

void packing_release(struct packing *p)
{
	free(p->w.panels);
	free(p->rows);
	*p = (struct packing){ 0 };
}

struct rows rows_of(const float *values, size_t n, size_t k, size_t ld)
{
	return (struct rows){ .values = values, .ld = ld, .n = n, .k = k };
}

struct rows rows_of_tensors(struct tensor_stack tensors)
{
	struct rows r = { .tensors = tensors, .k = tensor_columns(tensors.part[0]) };

	for (size_t i = 0; i < tensors.n; i++)
		r.n += tensor_rows(tensors.part[i]);
	return r;
}

struct job {
	struct packing *p;
	const struct kernels *kernels;
	const struct rows *r, *more;
	size_t own; /* floats of p->rows that are one thread's */
};

/* Room for `floats` of each thread: its first use costs more than what is done with it, were it a tile's. */
static void reserve_rows(struct job *j, struct pool *pool, size_t floats)
{
	size_t all = (size_t)pool_threads(pool) * (j->own = floats_padded(floats));

	if (all > j->p->floats) {
		free(j->p->rows);
		j->p->rows = mem_aligned(all * sizeof(float));
		j->p->floats = all;
		memset(j->p->rows, 0, all * sizeof(float)); /* columns of panels that nobody writes are multiplied, too */
	}
}

static float *own_rows(const struct job *j, int worker)
{
	return j->p->rows + (size_t)worker * j->own;
}

static void reserve(struct packing *p, const struct kernels *kernels, size_t n, size_t k)
{
	size_t width = (size_t)kernels->panel, bytes = (n + width - 1) / width * kernels->panel_bytes(k);

	if (bytes > p->bytes) {
		free(p->w.panels);
		p->w.panels = mem_aligned(bytes);
		p->bytes = bytes;
		memset(p->w.panels, 0, bytes); /* columns beyond n are multiplied too: they must be numbers */
	}
	p->w.kernels = kernels;
	p->w.n = n;
	p->w.k = k;
}

/* The tensor that has row *row of all, and its row there. */
static const struct tensor *tensor_of(const struct rows *r, size_t *row)
{
	size_t part = 0;

	for (*row += r->first; *row >= tensor_rows(r->tensors.part[part]); part++)
		*row -= tensor_rows(r->tensors.part[part]);
	return r->tensors.part[part];
}

/* Is `row` of tensors there, rounded? By vectors, where the set has them for its type. */
static bool decoded(const struct kernels *kernels, const struct rows *r, size_t row, float *out)
{
	const struct tensor *t = r->values ? NULL : tensor_of(r, &row);

	return t && r->k % 32 == 0 && kernels->decode(t->type, t->data + row * tensor_row_bytes(t->type, r->k), r->k, out);
}

/* `row`, as f32. */
static void read_row(const struct rows *r, size_t row, float *out)
{
	if (r->values) {
		memcpy(out, r->values + row * r->ld, r->k * sizeof(*out));
		return;
	}
	const struct tensor *t = tensor_of(r, &row);

	tensor_read(t, row, 1, out);
}

/* `row` and that of the second part behind it, rounded. */
static void rounded_row(const struct job *j, const struct rows *more, size_t row, float *out)
{
	const struct rows *r = j->r;

	if (decoded(j->kernels, r, row, out)) {
		if (more)
			j->kernels->round(more->values + row * more->ld, more->k, out + j->kernels->rounded_words(r->k));
		return;
	}
	read_row(r, row, out);
	if (more)
		read_row(more, row, out + r->k);
	j->kernels->round(out, r->k + (more ? more->k : 0), out);
}

/* One panel: up to kernels->panel rows of R, each with its second part behind it. */
static void pack_rows_tile(void *context, size_t tile, int worker)
{
	const struct job *j = context;
	const struct kernels *kernels = j->kernels;
	size_t width = (size_t)kernels->panel, k = j->p->w.k, first = tile * width;
	size_t n = j->r->n - first < width ? j->r->n - first : width;
	uint8_t *panel = j->p->w.panels + tile * kernels->panel_bytes(k);

	if (j->r->values && !j->more) {
		kernels->pack(j->r->values + first * j->r->ld, n, k, j->r->ld, panel);
		return;
	}
	float *rows = own_rows(j, worker);

	for (size_t i = 0; i < n; i++)
		rounded_row(j, j->more, first + i, rows + i * k);
	kernels->pack_rounded(rows, n, k, k, panel);
}

void pack_rows(struct packing *p, const struct kernels *kernels, struct pool *pool, const struct rows *r,
	       const struct rows *more)
{
	struct job j = { .p = p, .kernels = kernels, .r = r, .more = more };
	size_t width = (size_t)kernels->panel, k = r->k + (more ? more->k : 0);

	assert(kernels->pack_rounded);
	reserve(p, kernels, r->n, k);
	if (!r->values || more)
		reserve_rows(&j, pool, width * k);
	pool_run(pool, (r->n + width - 1) / width, pack_rows_tile, &j);
}

/* Panels side by side. */
struct panels {
	const struct kernels *kernels;
	uint8_t *at;
	size_t bytes;   /* of a panel */
	size_t columns; /* of all */
};

/* Those of the columns from .. to - 1. */
static struct panels panels_of(const struct job *j, size_t from, size_t to)
{
	size_t bytes = j->kernels->panel_bytes(j->p->w.k);

	return (struct panels){ j->kernels, j->p->w.panels + from / (size_t)j->kernels->panel * bytes, bytes, to - from };
}

/* Their rows p .. p+n-1 = rows, ld apart. */
static void add_rows(const struct panels *to, const float *rows, size_t n, size_t ld, size_t p)
{
	size_t width = (size_t)to->kernels->panel;

	for (size_t c = 0; c < to->columns; c += width)
		to->kernels->pack_across(rows + c, n, ld, to->columns - c < width ? to->columns - c : width, p, to->at + c / width * to->bytes);
}

/* The same for rows that are rounded. */
static void add_rounded(const struct panels *to, const float *rows, size_t n, size_t ld, size_t p)
{
	const struct kernels *kernels = to->kernels;
	size_t width = (size_t)kernels->panel;

	for (size_t c = 0; c < to->columns; c += width)
		kernels->pack_across_rounded(rows + kernels->rounded_words(c), n, ld, to->columns - c < width ? to->columns - c : width, p,
					     to->at + c / width * to->bytes);
}

enum {
	ACROSS = 8,   /* panels of one tile */
	DECODED = 32, /* rows at a time; even: sets that pack pairs of rows write whole words of them in one tile */
};

/* All rows of R, from its column `from` on, to rows p ... */
static void add_values(const struct panels *to, const struct rows *r, size_t from, size_t p)
{
	for (size_t i = 0; i < r->n; i += DECODED)
		add_rows(to, r->values + i * r->ld + from, r->n - i < DECODED ? r->n - i : DECODED, r->ld, p + i);
}

static void pack_across_tile(void *context, size_t tile, int worker)
{
	const struct job *j = context;
	size_t step = ACROSS * (size_t)j->kernels->panel, from = tile * step, to = from + step < j->r->k ? from + step : j->r->k;
	struct panels panels = panels_of(j, from, to);

	(void)worker;
	add_values(&panels, j->r, from, 0);
	if (j->more)
		add_values(&panels, j->more, from, j->r->n);
}

/* Rows tile * DECODED ... of tensors, to all panels. */
static void decode_tile(void *context, size_t tile, int worker)
{
	const struct job *j = context;
	size_t first = tile * DECODED, n = j->r->n - first < DECODED ? j->r->n - first : DECODED, k = j->r->k;
	struct panels panels = panels_of(j, 0, k);
	float *rows = own_rows(j, worker);

	for (size_t i = 0; i < n; i++)
		rounded_row(j, NULL, first + i, rows + i * k);
	add_rounded(&panels, rows, n, k, first);
}

void pack_across(struct packing *p, const struct kernels *kernels, struct pool *pool, const struct rows *r,
		 const struct rows *more)
{
	struct job j = { .p = p, .kernels = kernels, .r = r, .more = more };
	size_t step = ACROSS * (size_t)kernels->panel;

	assert(kernels->pack_across_rounded);
	reserve(p, kernels, r->k, r->n + (more ? more->n : 0));
	if (r->values) {
		pool_run(pool, (r->k + step - 1) / step, pack_across_tile, &j);
		return;
	}
	struct panels all = panels_of(&j, 0, r->k);

	reserve_rows(&j, pool, DECODED * r->k);
	pool_run(pool, (r->n + DECODED - 1) / DECODED, decode_tile, &j);
	if (more)
		add_values(&all, more, 0, r->n);
}

/* C (m, columns) = A (m, k) times the panels. */
static void multiply_panels(const struct panels *w, const float *a, size_t m, size_t lda, size_t k, float *c, size_t ldc)
{
	size_t width = (size_t)w->kernels->panel;

	for (size_t j = 0; j < w->columns; j += width)
		w->kernels->multiply(a, m, lda, k, w->at + j / width * w->bytes, w->columns - j < width ? w->columns - j : width, c + j, ldc);
}

struct across {
	struct job job;
	const float *a;
	size_t m, lda;
	float *c;
	size_t ldc, columns; /* of R, in a tile: whole panels */
};

/* Rows from .. to - 1, which are packed next, come from memory meanwhile: the processor does not guess pieces of rows. */
static void fetch(const float *rows, size_t from, size_t to, size_t ld, size_t words)
{
	for (size_t i = from; i < to; i++)
		for (size_t w = 0; w < words; w += FLOATS_LINE)
			__builtin_prefetch(rows + i * ld + w, 0, 2);
}

static void across_tile(void *context, size_t tile, int worker)
{
	const struct across *x = context;
	const struct rows *r = x->job.r;
	const struct kernels *kernels = x->job.kernels;
	size_t from = tile * x->columns, columns = r->k - from < x->columns ? r->k - from : x->columns;
	struct panels panels = { kernels, (uint8_t *)own_rows(&x->job, worker), kernels->panel_bytes(r->n), columns };

	for (size_t i = 0; i < r->n; i += DECODED) {
		const float *rows = r->values + i * r->ld + kernels->rounded_words(from);
		size_t n = r->n - i < DECODED ? r->n - i : DECODED, next = r->n - i - n < DECODED ? r->n - i - n : DECODED;

		fetch(rows, n, n + next, r->ld, kernels->rounded_words(columns));
		add_rounded(&panels, rows, n, r->ld, i);
	}
	multiply_panels(&panels, x->a, x->m, x->lda, r->n, x->c + from, x->ldc);
}

/* A few tiles for each thread: the last ones end together. */
void product_across(struct packing *p, const struct kernels *kernels, struct pool *pool, const float *a, size_t m, size_t lda,
		    const struct rows *r, float *c, size_t ldc)
{
	size_t width = (size_t)kernels->panel, panels = (r->k + width - 1) / width, step = panels / (4 * (size_t)pool_threads(pool));
	struct across x = { .job = { .p = p, .kernels = kernels, .r = r }, .a = a, .m = m, .lda = lda, .c = c, .ldc = ldc };

	assert(kernels->pack_across_rounded);
	step = step < 1 ? 1 : step < ACROSS ? step : ACROSS;
	x.columns = step * width;
	reserve_rows(&x.job, pool, step * kernels->panel_bytes(r->n) / sizeof(float));
	pool_run(pool, (panels + step - 1) / step, across_tile, &x);
}

size_t packing_rows_most(const struct kernels *kernels, int threads, size_t k, size_t n)
{
	size_t decoded = larger((size_t)kernels->panel, DECODED) * k, across = ACROSS * kernels->panel_bytes(n) / sizeof(float);

	return (size_t)threads * floats_padded(larger(decoded, across));
}

struct transposition {
	const struct kernels *kernels;
	const float *x;
	size_t n, columns, ld;
	float *out;
	size_t ldo;
};

static void transpose_tile(void *context, size_t tile, int worker)
{
	const struct transposition *t = context;
	const struct kernels *kernels = t->kernels;
	size_t first = tile * PIECE, columns = t->columns - first < PIECE ? t->columns - first : PIECE;
	float strip[PIECE * ROW];

	(void)worker;
	for (size_t from = 0; from < t->n; from += STRIP) {
		size_t n = t->n - from < STRIP ? t->n - from : STRIP;

		kernels->turn(t->x + from * t->ld + first, n, columns, t->ld, strip, ROW);
		for (size_t c = 0; c < columns; c++)
			kernels->round(strip + c * ROW, n, t->out + (first + c) * t->ldo + kernels->rounded_words(from));
	}
}

void transpose_round(const struct kernels *kernels, struct pool *pool, const float *x, size_t n, size_t columns, size_t ld,
		     float *out, size_t ldo)
{
	struct transposition t = { kernels, x, n, columns, ld, out, ldo };

	pool_run(pool, (columns + PIECE - 1) / PIECE, transpose_tile, &t);
}

void product(const struct packing *p, struct pool *pool, const float *a, size_t m, size_t lda, float *c, size_t ldc)
{
	matrix_multiply(&p->w, pool, a, m, lda, c, ldc);
}

void product_here(const struct packing *p, const float *a, size_t m, size_t lda, float *c, size_t ldc)
{
	struct panels w = { p->w.kernels, p->w.panels, p->w.kernels->panel_bytes(p->w.k), p->w.n };

	multiply_panels(&w, a, m, lda, p->w.k, c, ldc);
}
