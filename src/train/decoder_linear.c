/* decoder_linear.c - a frozen matrix with its LoRA pairs in one product each way: the columns of h stand behind those of x, and B
 * behind the rows of W; backwards A stands below W. */
#include <string.h>

#include "train/decoder_train_inner.h"
#include "train/floats.h"

enum { ROW_TILE = 42 }; /* full tiles of every kernel set, as in matrix.c */

struct gathering {
	const struct decoder_trainer *t;
	const struct adapted *l;
};

/* Rows tile * ROW_TILE ... of all B as one matrix (n, inner): each beside its own columns of h, zero elsewhere. */
static void gather_tile(void *context, size_t tile, int worker)
{
	const struct gathering *g = context;
	const struct adapted *l = g->l;
	size_t first = tile * ROW_TILE, end = first + ROW_TILE < l->w->n ? first + ROW_TILE : l->w->n, rank = l->b[0]->columns;
	float *block = g->t->scratch.b;

	(void)worker;
	memset(block + first * l->inner, 0, (end - first) * l->inner * sizeof(*block));
	for (size_t i = first, part = 0, above = 0; i < end; i++) {
		for (; i - above >= l->rows[part]; part++)
			above += l->rows[part];
		memcpy(block + i * l->inner + part * rank, l->b[part]->value + (i - above) * rank, rank * sizeof(*block));
	}
}

static struct rows gather_b(const struct decoder_trainer *t, const struct adapted *l)
{
	struct gathering g = { t, l };

	pool_run(t->d->pool, (l->w->n + ROW_TILE - 1) / ROW_TILE, gather_tile, &g);
	return rows_of(t->scratch.b, l->w->n, l->inner, l->inner);
}

size_t adapted_words(const struct decoder_trainer *t, const struct adapted *l)
{
	const struct kernels *kernels = t->d->kernels;

	return kernels->rounded_words(l->w->k) + kernels->rounded_words(l->inner);
}

size_t adapted_words_back(const struct decoder_trainer *t, const struct adapted *l)
{
	const struct kernels *kernels = t->d->kernels;

	return kernels->rounded_words(l->w->n) + kernels->rounded_words(l->inner);
}

/* Rows that a pair narrows: h = scale x A^T, or backwards d_h = scale d B, where each part has columns of its own in both. */
struct narrowing {
	const struct decoder_pass *p;
	const struct packing *packed; /* (parts) */
	size_t parts, first[PARTS_MOST]; /* words of x before the part's */
	float *x; /* (rows, ld) rounded; behind the first `words` of a row goes h, rounded */
	size_t ld, words;
	float *h; /* (rows, inner) */
	size_t inner;
};

static void narrow_tile(void *context, size_t tile, int worker)
{
	const struct narrowing *n = context;
	const struct decoder_training *o = &n->p->t->options;
	const struct kernels *kernels = n->p->t->d->kernels;
	size_t first = tile * ROW_TILE, rows = n->p->rows - first < ROW_TILE ? n->p->rows - first : ROW_TILE, column = 0;
	float *x = n->x + first * n->ld, *h = n->h + first * n->inner, scale = (float)(o->alpha / (double)o->rank);

	(void)worker;
	for (size_t i = 0; i < n->parts; column += n->packed[i++].w.n)
		product_here(&n->packed[i], x + n->first[i], rows, n->ld, h + column, n->inner);
	for (size_t i = 0; i < rows * n->inner; i++)
		h[i] *= scale;
	for (size_t i = 0; i < rows; i++)
		kernels->round(h + i * n->inner, n->inner, x + i * n->ld + n->words);
}

static void narrow(struct narrowing *n)
{
	pool_run(n->p->t->d->pool, (n->p->rows + ROW_TILE - 1) / ROW_TILE, narrow_tile, n);
}

void adapted_forward(struct decoder_pass *p, const struct adapted *l, float *x, float *h, float *out)
{
	struct decoder_trainer *t = p->t;
	const struct kernels *kernels = t->d->kernels;
	size_t k = l->w->k, ld = adapted_words(t, l);
	struct rows a = rows_of(l->a->value, l->inner, k, k), w = rows_of_tensors(l->w->source);
	struct rows b = gather_b(t, l);
	struct narrowing n = { .p = p, .packed = t->narrow, .parts = 1, .x = x, .ld = ld, .words = kernels->rounded_words(k),
			       .h = h, .inner = l->inner };

	pack_rows(&t->narrow[0], kernels, t->d->pool, &a, NULL);
	narrow(&n);
	pack_rows(&t->packing, kernels, t->d->pool, &w, &b);
	product(&t->packing, t->d->pool, x, p->rows, ld, out, l->w->n);
}

/* A part of the columns of d, rounded: it may begin within a block, `before` columns after the block does. */
struct piece {
	size_t first, before, columns; /* columns: with those before */
};

static struct piece piece_of(const struct kernels *kernels, size_t row, size_t rows)
{
	size_t before = row % (size_t)kernels->block;

	return (struct piece){ row - before, before, before + rows };
}

/* dB of a part from h^T d, (rank, rows of the part), rows ld apart */
static void take_b(const struct decoder_pass *p, struct parameter *b, const float *sum, size_t ld)
{
	size_t rank = b->columns;

	for (size_t i = 0; i < b->rows; i++)
		for (size_t r = 0; r < rank; r++) {
			float *to = &b->gradient[i * rank + r];

			*to = (p->add ? *to : 0) + sum[r * ld + i];
		}
}

/* dB of every part: its columns of h, transposed, times its columns of the rounded d */
static void b_gradients(struct decoder_pass *p, const struct adapted *l, const float *h, const float *d)
{
	struct decoder_trainer *t = p->t;
	const struct kernels *kernels = t->d->kernels;
	size_t ld = kernels->rounded_words(p->rows) | 1, rank = l->b[0]->columns, row = 0;

	transpose_round(kernels, t->d->pool, h, p->rows, l->inner, l->inner, t->scratch.turned, ld);
	for (size_t part = 0; part < l->parts; row += l->rows[part++]) {
		struct piece piece = piece_of(kernels, row, l->rows[part]);
		struct rows right = rows_of(d + kernels->rounded_words(piece.first), p->rows, piece.columns, adapted_words_back(t, l));

		product_across(&t->packing, kernels, t->d->pool, t->scratch.turned + part * rank * ld, rank, ld, &right,
			       t->scratch.inner_sum, piece.columns);
		take_b(p, l->b[part], t->scratch.inner_sum + piece.before, piece.columns);
	}
}

void adapted_gradient_a(struct decoder_pass *p, const struct adapted *l, const float *x)
{
	struct decoder_trainer *t = p->t;
	const struct kernels *kernels = t->d->kernels;
	size_t ld = kernels->rounded_words(p->rows) | 1, k = l->w->k;
	struct rows right = rows_of(x, p->rows, k, k);
	float *to = p->add ? t->scratch.inner_sum : l->a->gradient;

	transpose_round(kernels, t->d->pool, t->scratch.d_h, p->rows, l->inner, l->inner, t->scratch.turned, ld);
	product_across(&t->packing, kernels, t->d->pool, t->scratch.turned, l->inner, ld, &right, to, k);
	if (p->add)
		floats_add(l->a->gradient, to, l->inner * k);
}

/* scratch.d_h, from the rounded d. What B has in the rows before a piece's own is zero. */
static void narrow_back(struct decoder_pass *p, const struct adapted *l, float *d)
{
	struct decoder_trainer *t = p->t;
	const struct kernels *kernels = t->d->kernels;
	struct narrowing n = { .p = p, .packed = t->narrow, .parts = l->parts, .x = d, .ld = adapted_words_back(t, l),
			       .words = kernels->rounded_words(l->w->n), .h = t->scratch.d_h, .inner = l->inner };
	struct rows b = gather_b(t, l);
	size_t rank = l->b[0]->columns, row = 0;

	for (size_t part = 0; part < l->parts; row += l->rows[part++]) {
		struct piece piece = piece_of(kernels, row, l->rows[part]);
		struct rows own = rows_of(b.values + piece.first * b.ld + part * rank, piece.columns, rank, b.ld);

		n.first[part] = kernels->rounded_words(piece.first);
		pack_across(&t->narrow[part], kernels, t->d->pool, &own, NULL);
	}
	narrow(&n);
}

void adapted_backward(struct decoder_pass *p, const struct adapted *l, const float *h, float *out)
{
	struct decoder_trainer *t = p->t;
	size_t k = l->w->k;
	struct rows a = rows_of(l->a->value, l->inner, k, k), w = rows_of_tensors(l->w->source);
	float *rounded = t->scratch.rounded;

	b_gradients(p, l, h, rounded);
	narrow_back(p, l, rounded);
	if (!out)
		return;
	pack_across(&t->packing, t->d->kernels, t->d->pool, &w, &a);
	product(&t->packing, t->d->pool, rounded, p->rows, adapted_words_back(t, l), out, k);
}
