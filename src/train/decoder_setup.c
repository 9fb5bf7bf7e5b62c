/* decoder_setup.c - the pairs of a decoder's linear layers, and their way into an adapter file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "llm/gguf_write.h"
#include "train/decoder_train_inner.h"

/* The name that the file gives the tensor, which encoders of adapters add to. */
static const char *part_name(const struct matrix *w, size_t part)
{
	return w->source.part[part]->name;
}

/* A uniform as torch's kaiming_uniform_(a = sqrt(5)), which PEFT begins with. */
static void draw_a(const struct decoder_trainer *t, struct parameter *a)
{
	size_t rank = t->options.rank;

	for (size_t part = 0; part < a->n_names; part++) {
		struct rng rng;

		rng_init(&rng, t->options.seed, a->names[part]);
		for (size_t i = part * rank * a->columns; i < (part + 1) * rank * a->columns; i++)
			a->value[i] = (float)((2 * rng_double(&rng) - 1) / sqrt((double)a->columns));
	}
}

static void adapt_matrix(struct decoder_trainer *t, struct adapted *l, const struct matrix *w)
{
	char names[PARTS_MOST][2][96];
	const char *list[PARTS_MOST];

	*l = (struct adapted){ .w = w, .parts = w->source.n, .inner = w->source.n * t->options.rank };
	for (size_t i = 0; i < l->parts; i++) {
		snprintf(names[i][0], sizeof(names[i][0]), "%s.lora_a", part_name(w, i));
		snprintf(names[i][1], sizeof(names[i][1]), "%s.lora_b", part_name(w, i));
		list[i] = names[i][0];
	}
	l->a = parameters_add(&t->parameters, list, l->parts, l->inner, w->k, false);
	l->a->decays = false;
	draw_a(t, l->a);
	for (size_t i = 0; i < l->parts; i++) {
		list[0] = names[i][1];
		l->rows[i] = tensor_rows(w->source.part[i]);
		l->b[i] = parameters_add(&t->parameters, list, 1, l->rows[i], t->options.rank, false);
		l->b[i]->decays = false;
	}
}

struct decoder_trainer *decoder_trainer_new(const struct decoder *d, const struct decoder_training *options)
{
	struct decoder_trainer *t = mem_zero(1, sizeof(*t));

	t->d = d;
	t->options = *options;
	parameters_init(&t->parameters, d->kernels, d->pool, &options->adamw);
	t->linear = mem_zero(d->layers, sizeof(*t->linear));
	t->state = mem_zero(d->layers, sizeof(*t->state));
	for (size_t i = 0; i < d->layers; i++) {
		const struct decoder_layer *l = &d->layer[i];

		adapt_matrix(t, &t->linear[i][LINEAR_QKV], &l->qkv);
		adapt_matrix(t, &t->linear[i][LINEAR_OUTPUT], &l->output);
		adapt_matrix(t, &t->linear[i][LINEAR_GATE_UP], &l->gate_up);
		adapt_matrix(t, &t->linear[i][LINEAR_DOWN], &l->down);
	}
	return t;
}

void decoder_trainer_free(struct decoder_trainer *t)
{
	if (!t)
		return;
	free(t->linear);
	free(t->state);
	free(t->memory);
	free(t->attend_memory);
	packing_release(&t->packing);
	for (size_t i = 0; i < PARTS_MOST; i++)
		packing_release(&t->narrow[i]);
	parameters_release(&t->parameters);
	free(t);
}

struct parameters *decoder_trainer_parameters(struct decoder_trainer *t)
{
	return &t->parameters;
}

bool decoder_trainer_save(struct decoder_trainer *t, const char *path, struct error *err)
{
	const struct gguf_pair pairs[] = {
		{ "general.type", "adapter", 0 },
		{ "general.architecture", t->d->architecture->name, 0 },
		{ "adapter.type", "lora", 0 },
		{ "adapter.lora.alpha", NULL, (float)t->options.alpha },
	};
	struct gguf_out *out = mem_zero(t->d->layers * LINEARS * 2 * PARTS_MOST, sizeof(*out));
	size_t n = 0;

	for (size_t i = 0; i < t->parameters.n; i++) {
		const struct parameter *p = t->parameters.at[i];
		size_t rows = p->rows / p->n_names;

		for (size_t part = 0; part < p->n_names; part++)
			out[n++] = (struct gguf_out){ p->names[part], rows, p->columns, p->value + part * rows * p->columns };
	}
	bool saved = gguf_write(path, pairs, sizeof(pairs) / sizeof(pairs[0]), out, n, err);

	free(out);
	return saved;
}
