/* decoder_head.c - the rows that predict a completion token, gathered, through the final norm and the head: HEAD_ROWS of them and
 * HEAD_WORDS of the vocabulary at a time, so that neither logits nor an unpacked head ever stand in memory whole. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "train/decoder_train_inner.h"

struct head_rows {
	struct decoder_pass *p;
	size_t first, n;   /* of the pass's losses */
	float *x;          /* (n, width) rows of the stream */
	float *normed;     /* (n, words of width) rounded */
	float *logits;     /* (n, vocabulary); then their derivative, rounded */
	float *d, *part;   /* (n, width) */
	double *loss;      /* (n) */
};

static struct rows head_part(const struct decoder *d, size_t first)
{
	struct rows r = rows_of_tensors(d->head.source);

	r.first = first;
	r.n = r.n - first < HEAD_WORDS ? r.n - first : HEAD_WORDS;
	return r;
}

static void norm_row(void *context, size_t i, int worker)
{
	const struct head_rows *h = context;
	struct decoder_trainer *t = h->p->t;
	const struct decoder *d = t->d;
	float *x = h->x + i * d->width, *normed = h->normed + i * d->width;

	(void)worker;
	memcpy(x, t->scratch.end + h->p->loss_row[h->first + i] * d->width, d->width * sizeof(*x));
	d->kernels->rms_norm(normed, x, d->final_norm, d->width, d->epsilon);
	d->kernels->round(normed, d->width, normed);
}

/* The row's loss; its logits become the derivative, rounded in place. */
static void loss_row(void *context, size_t i, int worker)
{
	const struct head_rows *h = context;
	const struct decoder *d = h->p->t->d;
	float *row = h->logits + i * d->vocabulary;
	size_t truth = (size_t)h->p->loss_id[h->first + i];
	size_t best = 0;
	double most, score = (double)row[truth];

	(void)worker;
	for (size_t v = 1; v < d->vocabulary; v++)
		best = row[v] > row[best] ? v : best;
	most = (double)row[best];
	d->kernels->softmax(row, d->vocabulary, 1);
	/* softmax() divides by the sum of exp(x - most), which its largest value gives back */
	h->loss[i] = most - log((double)row[best]) - score;
	row[truth] -= 1;
	d->kernels->round(row, d->vocabulary, row);
}

static void norm_backward_row(void *context, size_t i, int worker)
{
	const struct head_rows *h = context;
	struct decoder_trainer *t = h->p->t;
	const struct decoder *d = t->d;
	float *row = h->d + i * d->width, *to = t->scratch.d + h->p->loss_row[h->first + i] * d->width;

	(void)worker;
	d->kernels->rms_norm_gradient(row, h->x + i * d->width, d->final_norm, d->width, d->epsilon);
	memcpy(to, row, d->width * sizeof(*to));
}

static void head_backward(struct head_rows *h)
{
	struct decoder_trainer *t = h->p->t;
	const struct decoder *d = t->d;
	size_t n = h->n * d->width;

	memset(h->d, 0, n * sizeof(*h->d));
	for (size_t first = 0; first < d->vocabulary; first += HEAD_WORDS) {
		struct rows part = head_part(d, first);

		pack_across(&t->packing, d->kernels, d->pool, &part, NULL);
		product(&t->packing, d->pool, h->logits + d->kernels->rounded_words(first), h->n, d->vocabulary, h->part, d->width);
		for (size_t i = 0; i < n; i++)
			h->d[i] += h->part[i];
	}
	pool_run(d->pool, h->n, norm_backward_row, h);
}

double decoder_head(struct decoder_pass *p, bool forward)
{
	struct decoder_trainer *t = p->t;
	const struct decoder *d = t->d;
	size_t times = (p->n_losses + HEAD_ROWS - 1) / HEAD_ROWS, most = times > 0 ? (p->n_losses + times - 1) / times : 0;
	float *memory = mem_aligned(most * (4 * d->width + d->vocabulary) * sizeof(float));
	double loss[HEAD_ROWS], sum = 0;
	struct head_rows h = { .p = p, .x = memory, .normed = memory + most * d->width, .d = memory + 2 * most * d->width,
			       .part = memory + 3 * most * d->width, .logits = memory + 4 * most * d->width, .loss = loss };

	if (!forward)
		memset(t->scratch.d, 0, p->rows * d->width * sizeof(float));
	for (h.first = 0; h.first < p->n_losses; h.first += h.n) {
		h.n = p->n_losses - h.first < most ? p->n_losses - h.first : most;
		pool_run(d->pool, h.n, norm_row, &h);
		for (size_t first = 0; first < d->vocabulary; first += HEAD_WORDS) {
			struct rows part = head_part(d, first);

			pack_rows(&t->packing, d->kernels, d->pool, &part, NULL);
			product(&t->packing, d->pool, h.normed, h.n, d->width, h.logits + first, d->vocabulary);
		}
		pool_run(d->pool, h.n, loss_row, &h);
		for (size_t i = 0; i < h.n; i++)
			sum += loss[i];
		if (!forward)
			head_backward(&h);
	}
	free(memory);
	return sum;
}
