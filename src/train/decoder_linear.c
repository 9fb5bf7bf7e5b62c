/* decoder_linear.c - a frozen matrix with its LoRA pairs in one product each way: the columns of h stand behind those of x, and B
 * behind the rows of W; backwards A stands below W. */
#include <string.h>

#include "train/decoder_train_inner.h"
#include "train/floats.h"

enum { ROW_TILE = 32 };

/* All B of a layer as one matrix (n, inner): each beside its own columns of h, zero elsewhere. */
static struct rows gather_b(struct decoder_trainer *t, const struct adapted *l)
{
	size_t row = 0, rank = l->b[0]->columns;
	float *block = t->scratch.b;

	memset(block, 0, l->w->n * l->inner * sizeof(*block));
	for (size_t part = 0; part < l->parts; row += l->rows[part++])
		for (size_t i = 0; i < l->rows[part]; i++)
			memcpy(block + (row + i) * l->inner + part * rank, l->b[part]->value + i * rank, rank * sizeof(*block));
	return rows_of(block, l->w->n, l->inner, l->inner);
}

size_t adapted_words(const struct decoder_trainer *t, const struct adapted *l)
{
	const struct kernels *kernels = t->d->kernels;

	return kernels->rounded_words(l->w->k) + kernels->rounded_words(l->inner);
}

struct rounding {
	const struct kernels *kernels;
	const float *x;
	float *h; /* (rows, inner) is left scaled */
	size_t rows, n, inner, ld;
	float scale;
	float *out;
};

/* x is rounded to out, and h, times the scale, behind it; either may be missing. */
static void round_tile(void *context, size_t tile, int worker)
{
	const struct rounding *r = context;
	size_t end = (tile + 1) * ROW_TILE < r->rows ? (tile + 1) * ROW_TILE : r->rows;

	(void)worker;
	for (size_t i = tile * ROW_TILE; i < end; i++) {
		float *h = r->h ? r->h + i * r->inner : NULL, *out = r->out + i * r->ld;

		if (r->x)
			r->kernels->round(r->x + i * r->n, r->n, out);
		for (size_t j = 0; h && j < r->inner; j++)
			h[j] *= r->scale;
		if (h)
			r->kernels->round(h, r->inner, out + r->kernels->rounded_words(r->n));
	}
}

static void round_rows(struct decoder_pass *p, const float *x, size_t n, float *h, size_t inner, float *out, size_t ld)
{
	const struct decoder_training *o = &p->t->options;
	struct rounding r = { .kernels = p->t->d->kernels, .x = x, .h = h, .rows = p->rows, .n = n, .inner = inner, .ld = ld,
			      .scale = (float)(o->alpha / (double)o->rank), .out = out };

	pool_run(p->t->d->pool, (p->rows + ROW_TILE - 1) / ROW_TILE, round_tile, &r);
}

void adapted_forward(struct decoder_pass *p, const struct adapted *l, float *x, float *h, float *out)
{
	struct decoder_trainer *t = p->t;
	const struct kernels *kernels = t->d->kernels;
	size_t k = l->w->k, ld = adapted_words(t, l);
	struct rows a = rows_of(l->a->value, l->inner, k, k), w = rows_of_tensors(l->w->source);
	struct rows b = gather_b(t, l);

	pack_rows(&t->packing, kernels, t->d->pool, &a, NULL);
	product(&t->packing, t->d->pool, x, p->rows, ld, h, l->inner);
	round_rows(p, NULL, k, h, l->inner, x, ld);
	pack_rows(&t->packing, kernels, t->d->pool, &w, &b);
	product(&t->packing, t->d->pool, x, p->rows, ld, out, l->w->n);
}

/* dB of a part from (rank, rows of the part) = h^T d */
static void take_b(const struct decoder_pass *p, struct parameter *b, const float *sum)
{
	size_t rank = b->columns;

	for (size_t i = 0; i < b->rows; i++)
		for (size_t r = 0; r < rank; r++) {
			float *to = &b->gradient[i * rank + r];

			*to = (p->add ? *to : 0) + sum[r * b->rows + i];
		}
}

/* dB of every part: its columns of h, transposed, times its columns of d */
static void b_gradients(struct decoder_pass *p, const struct adapted *l, const float *h, const float *d)
{
	struct decoder_trainer *t = p->t;
	const struct kernels *kernels = t->d->kernels;
	size_t ld = kernels->rounded_words(p->rows) | 1, rank = l->b[0]->columns, row = 0;

	transpose_round(kernels, t->d->pool, h, p->rows, l->inner, l->inner, t->scratch.turned, ld);
	for (size_t part = 0; part < l->parts; row += l->rows[part++]) {
		struct rows right = rows_of(d + row, p->rows, l->rows[part], l->w->n);

		product_across(&t->packing, kernels, t->d->pool, t->scratch.turned + part * rank * ld, rank, ld, &right,
			       t->scratch.inner_sum, l->rows[part]);
		take_b(p, l->b[part], t->scratch.inner_sum);
	}
}

/* dA = d_h^T x */
static void a_gradients(struct decoder_pass *p, const struct adapted *l, const float *x)
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

void adapted_backward(struct decoder_pass *p, const struct adapted *l, const float *d, const float *x, const float *h, float *out)
{
	struct decoder_trainer *t = p->t;
	const struct kernels *kernels = t->d->kernels;
	size_t n = l->w->n, k = l->w->k, ld = kernels->rounded_words(n) + kernels->rounded_words(l->inner);
	struct rows a = rows_of(l->a->value, l->inner, k, k), w = rows_of_tensors(l->w->source);
	struct rows b = gather_b(t, l);
	float *rounded = t->scratch.rounded;

	b_gradients(p, l, h, d);
	round_rows(p, d, n, NULL, l->inner, rounded, ld);
	pack_across(&t->packing, kernels, t->d->pool, &b, NULL);
	product(&t->packing, t->d->pool, rounded, p->rows, ld, t->scratch.d_h, l->inner);
	round_rows(p, NULL, n, t->scratch.d_h, l->inner, rounded, ld);
	a_gradients(p, l, x);
	if (!out)
		return;
	pack_across(&t->packing, kernels, t->d->pool, &w, &a);
	product(&t->packing, t->d->pool, rounded, p->rows, ld, out, k);
}
