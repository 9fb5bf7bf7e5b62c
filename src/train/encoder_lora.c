/* encoder_lora.c - LoRA on an encoder as another way to write its matrices: W + (alpha / rank) B A is multiplied with as one matrix,
 * and the derivative by it goes on to B and A. An encoder is small enough that this costs a few percent of a step, and the forward
 * and backward passes know nothing of it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "train/encoder_train_inner.h"

static float scale_of(const struct encoder_trainer *t)
{
	return (float)(t->options.alpha / (double)t->options.rank);
}

/* The pair of one part of a matrix: A uniform as torch's kaiming_uniform_(a = sqrt(5)), B zero. */
static void add_pair(struct encoder_trainer *t, struct linear *l, size_t part)
{
	size_t n = l->weight->rows / l->weight->n_names, k = l->weight->columns, rank = t->options.rank;
	const char *name = l->weight->names[part];
	int stem = (int)(strlen(name) - strlen(".weight"));
	char a[192], b[192];
	const char *names[2] = { a, b };
	struct pair *p = &l->pairs[part];
	struct rng rng;

	snprintf(a, sizeof(a), "%.*s.lora_A", stem, name);
	snprintf(b, sizeof(b), "%.*s.lora_B", stem, name);
	*p = (struct pair){ .first = part * n, .n = n };
	p->a = parameters_add(&t->parameters, &names[0], 1, rank, k, false);
	p->b = parameters_add(&t->parameters, &names[1], 1, n, rank, false);
	p->a->decays = p->b->decays = false;
	rng_init(&rng, t->options.seed, a);
	for (size_t i = 0; i < rank * k; i++)
		p->a->value[i] = (float)((2 * rng_double(&rng) - 1) / sqrt((double)k));
}

void lora_add_pairs(struct encoder_trainer *t, struct linear *l)
{
	l->n_pairs = l->weight->n_names;
	l->merged = mem_aligned(l->weight->rows * l->weight->columns * sizeof(float));
	for (size_t i = 0; i < l->n_pairs; i++)
		add_pair(t, l, i);
}

struct lora_job {
	struct encoder_trainer *t;
	const struct linear *l;
	const struct pair *pair;
	const float *d;
	bool add;
};

enum { ROWS = 32 }; /* of a matrix in a tile */

static void merge_tile(void *context, size_t tile, int worker)
{
	const struct lora_job *j = context;
	const struct kernels *kernels = j->t->e->kernels;
	size_t k = j->l->weight->columns, rank = j->t->options.rank;
	size_t end = (tile + 1) * ROWS < j->pair->n ? (tile + 1) * ROWS : j->pair->n;

	(void)worker;
	for (size_t i = tile * ROWS; i < end; i++) {
		float *out = j->l->merged + (j->pair->first + i) * k;

		memcpy(out, j->l->weight->value + (j->pair->first + i) * k, k * sizeof(*out));
		for (size_t r = 0; r < rank; r++)
			kernels->axpy(out, scale_of(j->t) * j->pair->b->value[i * rank + r], j->pair->a->value + r * k, k);
	}
}

static void for_linears(struct encoder_trainer *t, void (*fn)(struct encoder_trainer *t, const struct linear *l))
{
	for (size_t i = 0; i < t->e->layers; i++) {
		fn(t, &t->layer[i].qkv);
		fn(t, &t->layer[i].output);
		fn(t, &t->layer[i].up);
		fn(t, &t->layer[i].down);
	}
}

static void merge_linear(struct encoder_trainer *t, const struct linear *l)
{
	for (size_t p = 0; p < l->n_pairs; p++) {
		struct lora_job j = { .t = t, .l = l, .pair = &l->pairs[p] };

		pool_run(t->e->pool, (l->pairs[p].n + ROWS - 1) / ROWS, merge_tile, &j);
	}
}

void lora_merge(struct encoder_trainer *t)
{
	for_linears(t, merge_linear);
}

/* dB = scale dW A^T, a tile of rows */
static void b_tile(void *context, size_t tile, int worker)
{
	const struct lora_job *j = context;
	size_t k = j->l->weight->columns, rank = j->t->options.rank;
	size_t end = (tile + 1) * ROWS < j->pair->n ? (tile + 1) * ROWS : j->pair->n;

	(void)worker;
	for (size_t i = tile * ROWS; i < end; i++)
		for (size_t r = 0; r < rank; r++) {
			float *to = &j->pair->b->gradient[i * rank + r];

			*to = (j->add ? *to : 0) + scale_of(j->t) * j->t->e->kernels->dot(j->d + (j->pair->first + i) * k,
											     j->pair->a->value + r * k, k);
		}
}

/* dA = scale B^T dW, one row of the pair's */
static void a_tile(void *context, size_t r, int worker)
{
	const struct lora_job *j = context;
	size_t k = j->l->weight->columns, rank = j->t->options.rank;
	float *to = j->pair->a->gradient + r * k;

	(void)worker;
	if (!j->add)
		memset(to, 0, k * sizeof(*to));
	for (size_t i = 0; i < j->pair->n; i++)
		j->t->e->kernels->axpy(to, scale_of(j->t) * j->pair->b->value[i * rank + r], j->d + (j->pair->first + i) * k, k);
}

void lora_gradient(struct encoder_trainer *t, const struct linear *l, const float *d, bool add)
{
	for (size_t p = 0; p < l->n_pairs; p++) {
		struct lora_job j = { .t = t, .l = l, .pair = &l->pairs[p], .d = d, .add = add };

		pool_run(t->e->pool, (l->pairs[p].n + ROWS - 1) / ROWS, b_tile, &j);
		pool_run(t->e->pool, t->options.rank, a_tile, &j);
	}
}
