/* linear.h - multinomial logistic regression with an L2 penalty, on dense or sparse rows.
 *
 * The same optimum as scikit-learn's LogisticRegression(C): the sum of log losses plus |W|^2 / (2 C), intercepts free.
 * With two classes scikit-learn fits one weight vector; the softmax form here has two opposite ones of half the
 * length, and its penalty is doubled so that the probabilities agree.
 * Knows rows, class numbers and C. Texts, labels and the choice of C live elsewhere. No randomness; the same weights on any threads. */
#ifndef RUNG_TUNE_LINEAR_H
#define RUNG_TUNE_LINEAR_H

#include <stddef.h>

#include "base/pool.h"
#include "retrieve/tfidf.h"

/* n rows of `width` features: exactly one of the two is set. Borrowed. */
struct linear_rows {
	size_t n, width;
	const float *dense;              /* (n, width) */
	const struct sparse_row *sparse; /* (n) */
};

struct linear_problem {
	struct linear_rows rows;
	const size_t *classes; /* (rows.n), each below n_classes */
	const size_t *order;   /* (n) the rows that count; NULL: all */
	size_t n;              /* of order; ignored without it */
	size_t n_classes;      /* at least 2 */
	double c;              /* > 0; larger: less penalty */
	struct pool *threads;  /* that share what many classes take; NULL: one thread */
};

struct linear {
	size_t width, n_classes;
	size_t stride;   /* n_classes rounded up to 4; the padding stays 0 */
	double *weights; /* (width + 1, stride), the last row the intercepts */
};

void linear_init(struct linear *m, size_t width, size_t n_classes); /* all weights 0 */
void linear_release(struct linear *m);

/* The objective at m, and its gradient (width + 1, stride) unless NULL. */
double linear_loss(const struct linear *m, const struct linear_problem *p, double *gradient);

/* Moves m to the optimum, from where it stands (a good start saves time). Stops once the gradient's length is below
 * tolerance times its length at zero weights, or after 100 steps; returns the steps taken. */
size_t linear_fit(struct linear *m, const struct linear_problem *p, double tolerance);

/* Probabilities of row i, out (n_classes); they sum to 1. */
void linear_probabilities(const struct linear *m, const struct linear_rows *rows, size_t i, double *out);

#endif
