/* encoder_head.c - a linear head over the pooled rows of each text: its outputs, its loss, and what that owes the rows. */
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

void encoder_head_scores(const struct encoder_trainer *t, const float *pooled, float *out)
{
	for (size_t c = 0; c < t->options.classes; c++)
		out[c] = t->head[1]->value[c] +
			 t->e->kernels->dot(t->head[0]->value + c * t->e->width, pooled, t->e->width);
}

/* The loss of one text; scores become its derivative. */
static double class_loss(const struct encoder_trainer *t, const struct training_text *text, float *scores, double *weight)
{
	size_t n = t->options.classes;
	double own = t->options.class_weights ? (double)t->class_weights[text->label] : 1, loss = 0;

	*weight += own;
	for (size_t c = 0; c < n && t->options.many; c++) {
		double x = (double)scores[c], p = 1 / (1 + exp(-x));

		/* -log p = log(1 + e^-x), without overflow; -log(1 - p) is that plus x */
		loss += fmax(-x, 0) + log1p(exp(-fabs(x))) + (text->labels[c] ? 0 : x);
		scores[c] = (float)((p - text->labels[c]) / (double)n);
	}
	if (t->options.many)
		return loss / (double)n;
	double most = (double)scores[0], sum = 0, truth = (double)scores[text->label];

	for (size_t c = 1; c < n; c++)
		most = fmax(most, (double)scores[c]);
	for (size_t c = 0; c < n; c++)
		sum += exp((double)scores[c] - most);
	for (size_t c = 0; c < n; c++)
		scores[c] = (float)(own * (exp((double)scores[c] - most) / sum - (c == text->label)));
	return own * (most + log(sum) - truth);
}

/* What a text's scores owe the head and its rows: d_scores (classes). */
static void head_backward(struct encoder_trainer *t, const struct span *s, const float *pooled, const float *d_scores, float *d_pooled)
{
	size_t w = t->e->width;
	const struct kernels *kernels = t->e->kernels;

	memset(d_pooled, 0, w * sizeof(*d_pooled));
	for (size_t c = 0; c < t->options.classes; c++) {
		t->head[1]->gradient[c] += d_scores[c];
		kernels->axpy(t->head[0]->gradient + c * w, d_scores[c], pooled, w);
		kernels->axpy(d_pooled, d_scores[c], t->head[0]->value + c * w, w);
	}
	memset(t->scratch.d + s->first * w, 0, s->n * w * sizeof(float));
	for (size_t i = 0; i < (t->e->first_row ? 1 : s->n); i++)
		kernels->axpy(t->scratch.d + (s->first + i) * w, t->e->first_row ? 1.0f : 1.0f / (float)s->n, d_pooled, w);
}

double encoder_head(struct training_pass *p, double *weight)
{
	struct encoder_trainer *t = p->t;
	float *pooled = mem_aligned(2 * t->e->width * sizeof(float));
	float *scores = mem_aligned(t->options.classes * sizeof(float));
	double loss = 0;

	*weight = 0;
	for (size_t i = 0; i < p->n_texts; i++) {
		encoder_pool_rows(t, &p->spans[i], pooled);
		encoder_head_scores(t, pooled, scores);
		loss += class_loss(t, p->texts[i], scores, weight);
		head_backward(t, &p->spans[i], pooled, scores, pooled + t->e->width);
	}
	free(pooled);
	free(scores);
	return loss;
}
