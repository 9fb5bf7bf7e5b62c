/* encoder_head.c - linear heads over the pooled rows of each text, and over each row: their outputs, their loss, and what that owes
 * the rows. */
#include <math.h>
#include <string.h>

#include "train/encoder_train_inner.h"

void encoder_pool_rows(const struct encoder_trainer *t, const struct span *s, float *out)
{
	const float *y = t->scratch.y + s->first * t->e->width;

	memcpy(out, y, t->e->width * sizeof(*out));
	for (size_t i = 1; i < s->n && !t->e->first_row; i++)
		t->e->kernels->axpy(out, 1.0f, y + i * t->e->width, t->e->width);
	for (size_t j = 0; j < t->e->width && !t->e->first_row; j++)
		out[j] /= (float)s->n;
}

void encoder_head_scores(const struct encoder_trainer *t, struct parameter *const head[2], const float *row, float *out)
{
	for (size_t c = 0; c < head[0]->rows; c++)
		out[c] = head[1]->value[c] + t->e->kernels->dot(head[0]->value + c * t->e->width, row, t->e->width);
}

/* `own` times the cross-entropy of class `truth`; scores (n) become its derivative. */
static double softmax_loss(float *scores, size_t n, size_t truth, double own)
{
	double most = (double)scores[0], sum = 0, right = (double)scores[truth];

	for (size_t c = 1; c < n; c++)
		most = fmax(most, (double)scores[c]);
	for (size_t c = 0; c < n; c++)
		sum += exp((double)scores[c] - most);
	for (size_t c = 0; c < n; c++)
		scores[c] = (float)(own * (exp((double)scores[c] - most) / sum - (c == truth)));
	return own * (most + log(sum) - right);
}

/* The mean over the classes of the binary cross-entropy. */
static double sets_loss(float *scores, size_t n, const uint8_t *labels)
{
	double loss = 0;

	for (size_t c = 0; c < n; c++) {
		double x = (double)scores[c], p = 1 / (1 + exp(-x));

		/* -log p = log(1 + e^-x), without overflow; -log(1 - p) is that plus x */
		loss += fmax(-x, 0) + log1p(exp(-fabs(x))) + (labels[c] ? 0 : x);
		scores[c] = (float)((p - labels[c]) / (double)n);
	}
	return loss / (double)n;
}

/* The loss of one text's pooled row, times *own; scores become its derivative. */
static double class_loss(const struct encoder_trainer *t, const struct training_text *text, float *scores, double own)
{
	double loss = 0;

	if (t->options.many)
		return sets_loss(scores, t->options.classes, text->labels);
	if (!t->heads)
		return softmax_loss(scores, t->options.classes, text->label, own);
	for (size_t h = 0; h < t->options.n_heads; scores += t->heads[h++])
		loss += softmax_loss(scores, t->heads[h], text->choices[h], own);
	return loss;
}

/* What the derivative by a head's outputs owes the head and the row: adds to d_row. */
static void head_backward(struct encoder_trainer *t, struct parameter *const head[2], const float *row, const float *d, float *d_row)
{
	size_t w = t->e->width;

	for (size_t c = 0; c < head[0]->rows; c++) {
		head[1]->gradient[c] += d[c];
		t->e->kernels->axpy(head[0]->gradient + c * w, d[c], row, w);
		t->e->kernels->axpy(d_row, d[c], head[0]->value + c * w, w);
	}
}

/* Of one text; pooled and scores are room. */
static double classes_of_text(struct training_pass *p, size_t i, double own, float *pooled, float *scores)
{
	struct encoder_trainer *t = p->t;
	const struct span *s = &p->spans[i];
	size_t w = t->e->width;
	float *d_pooled = pooled + w;

	encoder_pool_rows(t, s, pooled);
	encoder_head_scores(t, t->head, pooled, scores);
	double loss = class_loss(t, p->texts[i], scores, own);

	memset(d_pooled, 0, w * sizeof(*d_pooled));
	head_backward(t, t->head, pooled, scores, d_pooled);
	for (size_t r = 0; r < (t->e->first_row ? 1 : s->n); r++)
		t->e->kernels->axpy(t->scratch.d + (s->first + r) * w, t->e->first_row ? 1.0f : 1.0f / (float)s->n, d_pooled, w);
	return loss;
}

/* tag_weight times the mean over the tokens that have a tag. */
static double tags_of_text(struct training_pass *p, size_t i, float *scores)
{
	struct encoder_trainer *t = p->t;
	const int32_t *tags = p->texts[i]->tags;
	size_t w = t->e->width, taught = 0;
	double loss = 0;

	for (size_t r = 0; r < p->spans[i].n; r++)
		taught += tags[r] >= 0;
	for (size_t r = 0; r < p->spans[i].n; r++) {
		size_t at = (p->spans[i].first + r) * w;

		if (tags[r] < 0)
			continue;
		encoder_head_scores(t, t->tagger, t->scratch.y + at, scores);
		loss += softmax_loss(scores, t->options.tags, (size_t)tags[r], t->options.tag_weight / (double)taught);
		head_backward(t, t->tagger, t->scratch.y + at, scores, t->scratch.d + at);
	}
	return loss;
}

double encoder_head(struct training_pass *p, double *weight)
{
	struct encoder_trainer *t = p->t;
	size_t most = t->options.classes > t->options.tags ? t->options.classes : t->options.tags;
	float *pooled = mem_aligned(2 * t->e->width * sizeof(float)), *scores = mem_aligned(most * sizeof(float));
	double loss = 0;

	*weight = 0;
	memset(t->scratch.d, 0, p->rows * t->e->width * sizeof(float));
	for (size_t i = 0; i < p->n_texts; i++) {
		double own = t->options.class_weights ? (double)t->class_weights[p->texts[i]->label] : 1;

		*weight += own;
		if (t->head[0])
			loss += classes_of_text(p, i, own, pooled, scores);
		if (t->tagger[0])
			loss += tags_of_text(p, i, scores);
	}
	free(pooled);
	free(scores);
	return loss;
}
