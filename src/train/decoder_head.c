/* decoder_head.c - the rows that predict a completion token, gathered, through the final norm and the head: HEAD_ROWS of them and
 * HEAD_WORDS of the vocabulary at a time, so that neither logits nor an unpacked head ever stand in memory whole. Each block of words is
 * visited once and packed twice, for logits and derivative: softmax over the block alone, which all other words only scale (Milakov, Gimelshein 2018,
 * arXiv 1805.02867). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "train/decoder_train_inner.h"
#include "train/floats.h"

enum { WORDS_STEP = 32 }; /* whole panels of every set */
_Static_assert(HEAD_WORDS % WORDS_STEP == 0, "blocks of HEAD_WORDS are whole panels");

struct head_row {
	double sum;   /* log of the sum of exp(logit) over the words so far */
	double block; /* the same of the block of words */
	double truth; /* logit of the word that follows */
};

struct head_rows {
	struct decoder_pass *p;
	size_t first, n;      /* of the pass's losses */
	size_t word, words;   /* of the vocabulary, the block's */
	size_t words_most, ld;
	float *x;             /* (n, width) rows of the stream */
	float *normed;        /* (n, words of width) rounded */
	float *logits;        /* (n, words_most) of the block, rows ld apart; then their softmax, rounded */
	float *d, *part;      /* (n, width) softmax of the words so far, or of the block, without the one that follows, times weights */
	struct head_row *row; /* (n) */
};

static struct rows head_part(const struct head_rows *h)
{
	struct rows r = rows_of_tensors(h->p->t->d->head.source);

	r.first = h->word;
	r.n = h->words;
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
	memset(h->d + i * d->width, 0, d->width * sizeof(*h->d));
	h->row[i] = (struct head_row){ .sum = -INFINITY };
}

/* The row's logits become their softmax, rounded in place, but for the word that follows: what is owed there, a small difference from 1
 * when training has come far, would be lost in rounding. */
static void softmax_row(void *context, size_t i, int worker)
{
	const struct head_rows *h = context;
	const struct kernels *kernels = h->p->t->d->kernels;
	float *logits = h->logits + i * h->ld;
	size_t truth = (size_t)h->p->loss_id[h->first + i] - h->word; /* wraps, where another block has it */
	size_t best = 0;
	double most;

	(void)worker;
	if (truth < h->words)
		h->row[i].truth = (double)logits[truth];
	for (size_t v = 1; v < h->words; v++)
		best = logits[v] > logits[best] ? v : best;
	most = (double)logits[best];
	kernels->softmax(logits, h->words, 1);
	/* softmax() divides by the sum of exp(x - most), which its largest value gives back */
	h->row[i].block = most - log((double)logits[best]);
	if (truth < h->words)
		logits[truth] = 0;
	kernels->round(logits, h->words, logits);
}

/* Takes the block's words to those so far. */
static void merge_row(void *context, size_t i, int worker)
{
	const struct head_rows *h = context;
	size_t width = h->p->t->d->width;
	struct head_row *row = &h->row[i];
	double most = fmax(row->sum, row->block), sum = most + log(exp(row->sum - most) + exp(row->block - most));
	float old = (float)exp(row->sum - sum), new = (float)exp(row->block - sum);
	float *d = h->d + i * width;

	(void)worker;
	row->sum = sum;
	if (!h->part)
		return;
	for (size_t j = 0; j < width; j++)
		d[j] = old * d[j] + new * h->part[i * width + j];
}

static void run_block(struct head_rows *h)
{
	struct decoder_trainer *t = h->p->t;
	const struct decoder *d = t->d;
	struct rows part = head_part(h);

	pack_rows(&t->packing, d->kernels, d->pool, &part, NULL);
	product(&t->packing, d->pool, h->normed, h->n, d->width, h->logits, h->ld);
	pool_run(d->pool, h->n, softmax_row, h);
	if (h->part) {
		pack_across(&t->packing, d->kernels, d->pool, &part, NULL);
		product(&t->packing, d->pool, h->logits, h->n, h->ld, h->part, d->width);
	}
	pool_run(d->pool, h->n, merge_row, h);
}

/* The word that follows, whose weight is softmax - 1; then back through the norm. */
static void norm_backward_row(void *context, size_t i, int worker)
{
	const struct head_rows *h = context;
	struct decoder_trainer *t = h->p->t;
	const struct decoder *d = t->d;
	float *row = h->d + i * d->width, *truth = h->part + i * d->width;

	(void)worker;
	tensor_read(d->head.source.part[0], (size_t)h->p->loss_id[h->first + i], 1, truth);
	d->kernels->axpy(row, (float)expm1(h->row[i].truth - h->row[i].sum), truth, d->width);
	d->kernels->rms_norm_gradient(row, h->x + i * d->width, d->final_norm, d->width, d->epsilon);
	memcpy(t->scratch.d + h->p->loss_row[h->first + i] * d->width, row, d->width * sizeof(*row));
}

/* Words of a block: blocks alike, two where there are more than WORDS_STEP, so that small vocabularies go the way of all. */
static size_t block_words(const struct decoder *d)
{
	size_t blocks = larger((d->vocabulary + HEAD_WORDS - 1) / HEAD_WORDS, 2);

	return ((d->vocabulary + blocks - 1) / blocks + WORDS_STEP - 1) / WORDS_STEP * WORDS_STEP;
}

/* The losses of h->n rows. */
static double run_rows(struct head_rows *h)
{
	const struct decoder *d = h->p->t->d;
	double loss = 0;

	pool_run(d->pool, h->n, norm_row, h);
	for (h->word = 0; h->word < d->vocabulary; h->word += h->words) {
		h->words = d->vocabulary - h->word < h->words_most ? d->vocabulary - h->word : h->words_most;
		run_block(h);
	}
	for (size_t i = 0; i < h->n; i++)
		loss += h->row[i].sum - h->row[i].truth;
	if (h->part)
		pool_run(d->pool, h->n, norm_backward_row, h);
	return loss;
}

double decoder_head(struct decoder_pass *p, bool forward)
{
	struct decoder_trainer *t = p->t;
	const struct decoder *d = t->d;
	size_t times = (p->n_losses + HEAD_ROWS - 1) / HEAD_ROWS, most = times > 0 ? (p->n_losses + times - 1) / times : 0;
	size_t n = most * d->width, words = block_words(d), ld = words + HEAD_PAD;
	float *memory = mem_aligned((4 * n + most * ld) * sizeof(float));
	struct head_rows h = { .p = p, .words_most = words, .ld = ld, .x = memory, .normed = memory + n, .d = memory + 2 * n,
			       .part = forward ? NULL : memory + 3 * n, .logits = memory + 4 * n,
			       .row = mem_alloc(most * sizeof(*h.row)) };
	double loss = 0;

	if (!forward)
		memset(t->scratch.d, 0, p->rows * d->width * sizeof(float));
	for (; h.first < p->n_losses; h.first += h.n) {
		h.n = p->n_losses - h.first < most ? p->n_losses - h.first : most;
		loss += run_rows(&h);
	}
	free(h.row);
	free(memory);
	return loss;
}
