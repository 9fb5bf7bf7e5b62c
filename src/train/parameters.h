/* parameters.h - what training moves: named f32 matrices with their gradients and moments, and AdamW over all of them.
 *
 * The large ones that few rows of a batch touch (embeddings) keep gradients of those rows alone. AdamW moves a row without a
 * gradient too, by its moments and the decay: such steps are made up for, one by one, when the row is next needed, so that the
 * weights are to the bit those of moving everything always. */
#ifndef RUNG_TRAIN_PARAMETERS_H
#define RUNG_TRAIN_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "llm/kernels.h"

enum { PARAMETER_NAMES = 3 };

struct parameter {
	const char *names[PARAMETER_NAMES]; /* (n_names) of equal parts of its rows, as model files name them */
	size_t n_names;
	size_t rows, columns;
	bool decays;      /* weight decay applies: matrices, not biases and norms */
	bool by_rows;     /* few rows have a gradient in a step */
	float rate_scale; /* of the learning rate */
	float *value, *m, *v; /* (rows, columns) */
	float *gradient;  /* (rows, columns); by_rows: (n_touched, columns) */
	/* by_rows: */
	uint32_t *slot;    /* (rows) the row's place in gradient, from 1; 0: it has none */
	uint32_t *touched; /* (n_touched) */
	uint32_t *moved;   /* (rows) steps that the row has made */
	size_t n_touched, room;
};

/* Zero is no limit and no decay. */
struct adamw_options {
	double beta1, beta2, epsilon, weight_decay;
	double clip; /* of the gradient's length over all parameters; 0: none */
};
extern const struct adamw_options adamw_defaults; /* .9, .999, 1e-8, .01, 1 */

struct parameters {
	struct arena arena;
	const struct kernels *kernels;
	struct pool *pool;
	struct adamw_options options;
	struct parameter **at;
	size_t n, room;
	double *rates;     /* (n_steps) learning rates so far, what steps are made up with */
	size_t n_steps, rates_room;
};

void parameters_init(struct parameters *p, const struct kernels *kernels, struct pool *pool, const struct adamw_options *options);
void parameters_release(struct parameters *p);
/* A new matrix of zeros; lives as long as p. names (n_names) are copied. */
struct parameter *parameters_add(struct parameters *p, const char *const *names, size_t n_names, size_t rows, size_t columns,
				 bool by_rows);
size_t parameters_bytes(const struct parameters *p); /* that they take now */

/* The gradient of a row of a by_rows parameter, zero the first time in a step. */
float *parameter_row_gradient(struct parameter *p, size_t row);
/* Brings rows (n, each once) of a by_rows parameter to where moving everything always would have them. */
void parameter_catch_up(struct parameters *ps, struct parameter *p, const uint32_t *rows, size_t n);
void parameters_catch_up(struct parameters *p); /* all rows of all of them */

/* The length of the whole gradient. */
double parameters_norm(const struct parameters *p);
/* One step at that learning rate with the gradients times `scale`, clipped; by_rows gradients are forgotten, the others stay.
 * Returns the gradient's length, scaled, before clipping; when it is no number nothing was moved. */
double parameters_step(struct parameters *p, double rate, double scale);

#endif
