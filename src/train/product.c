/* product.c - panels are packed in parallel, a few at a time; the product itself is matrix_multiply()'s. */
#include "train/product.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum {
	PIECE = 64,      /* columns that one tile transposes */
	STRIP = 512,     /* values of a column that are gathered before they are rounded, */
	ROW = STRIP + 16, /* a line apart: columns would compete for one place in cache */
};

void packing_release(struct packing *p)
{
	free(p->w.panels);
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

/* A tensor's row as f32: by vectors where the set has them for its type. */
static void read_row(const struct kernels *kernels, const struct tensor *t, size_t row, float *out)
{
	const struct kernels *plain = kernels->exact ? kernels->exact : kernels;
	size_t k = tensor_columns(t), bytes = tensor_row_bytes(t->type, k);

	if (plain->products != PRODUCTS_F32 || k % 32 != 0 || !plain->decode(t->type, t->data + row * bytes, k, out))
		tensor_read(t, row, 1, out);
}

/* Rows first .. first+n-1, as f32 to out, rows ldo apart. */
static void read_rows(const struct kernels *kernels, const struct rows *r, size_t first, size_t n, float *out, size_t ldo)
{
	for (size_t i = 0; r->values && i < n; i++)
		memcpy(out + i * ldo, r->values + (first + i) * r->ld, r->k * sizeof(*out));
	first += r->first;
	for (size_t part = 0; !r->values && n > 0; part++) {
		size_t rows = tensor_rows(r->tensors.part[part]);

		for (; first < rows && n > 0; first++, n--, out += ldo)
			read_row(kernels, r->tensors.part[part], first, out);
		first -= first < rows ? first : rows;
	}
}

struct job {
	struct packing *p;
	const struct kernels *kernels;
	const struct rows *r, *more;
};

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

/* One panel: up to kernels->panel rows of R, each with its second part behind it. */
static void pack_rows_tile(void *context, size_t tile, int worker)
{
	const struct job *j = context;
	const struct kernels *kernels = j->kernels;
	size_t width = (size_t)kernels->panel, k = j->p->w.k, first = tile * width;
	size_t n = j->r->n - first < width ? j->r->n - first : width;
	uint8_t *panel = j->p->w.panels + tile * kernels->panel_bytes(k);

	(void)worker;
	if (j->r->values && !j->more) {
		kernels->pack(j->r->values + first * j->r->ld, n, k, j->r->ld, panel);
		return;
	}
	float *rows = mem_aligned(n * k * sizeof(*rows));

	read_rows(kernels, j->r, first, n, rows, k);
	if (j->more)
		read_rows(kernels, j->more, first, n, rows + j->r->k, k);
	kernels->pack(rows, n, k, k, panel);
	free(rows);
}

void pack_rows(struct packing *p, const struct kernels *kernels, struct pool *pool, const struct rows *r,
	       const struct rows *more)
{
	struct job j = { p, kernels, r, more };
	size_t width = (size_t)kernels->panel;

	reserve(p, kernels, r->n, r->k + (more ? more->k : 0));
	pool_run(pool, (r->n + width - 1) / width, pack_rows_tile, &j);
}

/* The panels of columns from .. to - 1 take rows p .. p+n-1 of R, ld apart. */
static void add_rows(const struct job *j, const float *rows, size_t n, size_t ld, size_t p, size_t from, size_t to)
{
	const struct kernels *kernels = j->kernels;
	size_t width = (size_t)kernels->panel, bytes = kernels->panel_bytes(j->p->w.k);

	for (size_t c = from; c < to; c += width)
		kernels->pack_across(rows + c - from, n, ld, to - c < width ? to - c : width, p, j->p->w.panels + c / width * bytes);
}

enum {
	ACROSS = 8,   /* panels of one tile */
	DECODED = 32, /* rows at a time; even: sets that pack pairs of rows write whole words of them in one tile */
};

/* All rows of R from row p of the panels on. */
static void add_values(const struct job *j, const struct rows *r, size_t p, size_t from, size_t to)
{
	for (size_t i = 0; i < r->n; i += DECODED)
		add_rows(j, r->values + i * r->ld + from, r->n - i < DECODED ? r->n - i : DECODED, r->ld, p + i, from, to);
}

static void pack_across_tile(void *context, size_t tile, int worker)
{
	const struct job *j = context;
	size_t step = ACROSS * (size_t)j->kernels->panel, from = tile * step, to = from + step < j->r->k ? from + step : j->r->k;

	(void)worker;
	add_values(j, j->r, 0, from, to);
	if (j->more)
		add_values(j, j->more, j->r->n, from, to);
}

/* Rows tile * DECODED ... of tensors, to all panels. */
static void decode_tile(void *context, size_t tile, int worker)
{
	const struct job *j = context;
	size_t first = tile * DECODED, n = j->r->n - first < DECODED ? j->r->n - first : DECODED, k = j->r->k;
	float *rows = mem_aligned(n * k * sizeof(*rows));

	(void)worker;
	read_rows(j->kernels, j->r, first, n, rows, k);
	add_rows(j, rows, n, k, first, 0, k);
	free(rows);
}

void pack_across(struct packing *p, const struct kernels *kernels, struct pool *pool, const struct rows *r,
		 const struct rows *more)
{
	struct job j = { p, kernels, r, more };
	size_t step = ACROSS * (size_t)kernels->panel;

	reserve(p, kernels, r->k, r->n + (more ? more->n : 0));
	if (r->values) {
		pool_run(pool, (r->k + step - 1) / step, pack_across_tile, &j);
		return;
	}
	pool_run(pool, (r->n + DECODED - 1) / DECODED, decode_tile, &j);
	if (more)
		add_values(&j, more, r->n, 0, r->k);
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
