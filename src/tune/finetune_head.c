/* finetune_head.c - where an encoder's heads of several labels or choices begin: at the logistic regression on what it says as it is.
 *
 * Linear probing, then fine-tuning (Kumar et al. 2022, arXiv 2202.10054): a head that begins at random pulls the encoder's rows
 * about before it knows what it wants, and one of many labels takes hundreds of steps to learn merely how rare each is. */
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "tune/finetune_inner.h"
#include "tune/linear.h"

static const double penalty_c = 10;     /* of rows at unit length; cross-validation seldom chooses another (head.c) */
static const double tolerance = 1e-3; /* it is a beginning */

/* Rows (n, width) at a mean length of 1; returns what they were divided by. */
static double scale_rows(float *rows, size_t n, size_t width)
{
	double lengths = 0;

	for (size_t i = 0; i < n; i++) {
		double squares = 0;

		for (size_t j = 0; j < width; j++)
			squares += (double)rows[i * width + j] * (double)rows[i * width + j];
		lengths += sqrt(squares);
	}
	double scale = lengths > 0 ? lengths / (double)n : 1;

	for (size_t i = 0; i < n * width; i++)
		rows[i] = (float)((double)rows[i] / scale);
	return scale;
}

/* Column `class` of m, less column `less` unless that is SIZE_MAX, to one row of the head. */
static void keep(const struct linear *m, size_t class, size_t less, double scale, float *head)
{
	for (size_t j = 0; j <= m->width; j++) {
		const double *w = m->weights + j * m->stride;
		double value = less == SIZE_MAX ? w[class] : w[class] - w[less];

		head[j] = (float)(j < m->width ? value / scale : value);
	}
}

static void fit_classes(const struct finetune_texts *t, const size_t *items, struct linear_problem *p, double scale, float *head)
{
	size_t *classes = mem_alloc(p->rows.n * sizeof(*classes));
	struct linear m;

	for (size_t i = 0; i < p->rows.n; i++)
		classes[i] = t->classes_of[items[i]];
	p->classes = classes;
	p->n_classes = t->classes;
	linear_init(&m, p->rows.width, t->classes);
	linear_fit(&m, p, tolerance);
	for (size_t c = 0; c < t->classes; c++)
		keep(&m, c, SIZE_MAX, scale, head + c * (p->rows.width + 1));
	linear_release(&m);
	free(classes);
}

/* One label against the rest; one that no text has begins as rare as one of twice as many texts. */
static void fit_sets(const struct finetune_texts *t, const size_t *items, struct linear_problem *p, double scale, float *head)
{
	size_t *classes = mem_alloc(p->rows.n * sizeof(*classes));

	p->classes = classes;
	p->n_classes = 2;
	for (size_t c = 0; c < t->classes; c++, head += p->rows.width + 1) {
		size_t with = 0;
		struct linear m;

		for (size_t i = 0; i < p->rows.n; i++)
			with += classes[i] = t->sets[items[i] * t->classes + c];
		linear_init(&m, p->rows.width, 2);
		if (with > 0 && with < p->rows.n)
			linear_fit(&m, p, tolerance);
		else
			m.weights[p->rows.width * m.stride + 1] = (with ? 1 : -1) * log(2 * (double)p->rows.n);
		keep(&m, 1, 0, scale, head);
		linear_release(&m);
	}
	free(classes);
}

float *finetune_first_head(struct encoder *e, const struct finetune_texts *t, const size_t *items, size_t n)
{
	size_t width = encoder_width(e);
	float *head = mem_zero(t->classes * (width + 1), sizeof(*head)), *rows = mem_alloc((n * width + 1) * sizeof(*rows));
	const char **texts = mem_alloc((n + 1) * sizeof(*texts));
	struct linear_problem p = { .rows = { .n = n, .width = width, .dense = rows }, .c = penalty_c };

	for (size_t i = 0; i < n; i++)
		texts[i] = t->texts[items[i]];
	encoder_means(e, texts, n, rows);
	double scale = scale_rows(rows, n, width);

	if (t->sets)
		fit_sets(t, items, &p, scale, head);
	else
		fit_classes(t, items, &p, scale, head);
	free(texts);
	free(rows);
	return head;
}
