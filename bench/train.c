/* train.c - training speed and losses of the engine, as bench/train.py asks for them; JSON lines, like its peer's.
 *
 *   train encoder FOLDER DATA [DEV] [--batch N] [--rate X] [--epochs N] [--seed N] [--equal N] [--steps N] [--rank N] [--exact]
 *                 [--head-rate X] [--order FILE] [--head FILE]
 *
 *   train lora GGUF [--rank N] [--tokens N] [--batch N] [--steps N]     random tokens, the loss on the last half
 *
 * DATA: JSONL of {"text", "label"}. --order and --head write the batches of the first epoch and the head's first values, for the
 * peer to take. --equal N makes every text N tokens, its own over and over. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "llm/encoder_inner.h"
#include "train/decoder_train.h"
#include "train/encoder_train.h"
#include "train/fit.h"

struct data {
	char **texts, **labels;
	size_t n;
};

struct settings {
	const char *positional[4];
	size_t n_positional;
	size_t batch, epochs, equal, steps, rank, seed, pass, tokens;
	double rate, head_rate;
	bool exact;
	const char *order, *head;
};

struct lesson {
	struct encoder *encoder;
	struct encoder_trainer *trainer;
	struct training_text *texts, *dev;
	size_t n, n_dev, classes;
};

static struct data read_data(const char *path)
{
	struct data d = { 0 };
	FILE *f = fopen(path, "rb");
	size_t capacity = 0, room = 0;
	char *line = NULL;

	if (!f) {
		perror(path);
		exit(1);
	}
	while (getline(&line, &capacity, f) > 0) {
		json_t *row = json_loads(line, 0, NULL);

		if (d.n == room) {
			room = 2 * room + 64;
			d.texts = mem_resize(d.texts, room, sizeof(*d.texts));
			d.labels = mem_resize(d.labels, room, sizeof(*d.labels));
		}
		d.texts[d.n] = mem_string(json_string_value(json_object_get(row, "text")));
		d.labels[d.n++] = mem_string(json_string_value(json_object_get(row, "label")));
		json_decref(row);
	}
	free(line);
	fclose(f);
	return d;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **sorted_labels(const struct data *d, size_t *n)
{
	char **names = mem_alloc((d->n + 1) * sizeof(*names));

	memcpy(names, d->labels, d->n * sizeof(*names));
	qsort(names, d->n, sizeof(*names), by_name);
	*n = 0;
	for (size_t i = 0; i < d->n; i++)
		if (*n == 0 || strcmp(names[*n - 1], names[i]) != 0)
			names[(*n)++] = names[i];
	return names;
}

static struct training_text *encode(const struct encoder *e, const struct data *d, char **names, size_t classes, size_t equal)
{
	struct training_text *texts = mem_zero(d->n + 1, sizeof(*texts));

	for (size_t i = 0; i < d->n; i++) {
		struct token_list list = { 0 };
		char **at = bsearch(&d->labels[i], names, classes, sizeof(*names), by_name);

		encoder_encode(e, d->texts[i], &list);
		for (size_t j = 0; list.n < equal; j++)
			token_list_add(&list, list.ids[j]);
		texts[i] = (struct training_text){ .ids = list.ids, .n = equal ? equal : list.n, .label = (size_t)(at - names) };
	}
	return texts;
}

static size_t tokens_of(void *self, size_t item)
{
	return ((struct lesson *)self)->texts[item].n;
}

static double pass(void *self, const size_t *items, size_t n, bool first, double *weight)
{
	struct lesson *l = self;
	const struct training_text **list = mem_alloc(n * sizeof(*list));

	for (size_t i = 0; i < n; i++)
		list[i] = &l->texts[items[i]];
	double loss = encoder_trainer_pass(l->trainer, list, n, first, weight);

	free(list);
	return loss;
}

static double accuracy(void *self)
{
	struct lesson *l = self;
	float *scores = mem_alloc(64 * l->classes * sizeof(*scores));
	size_t right = 0;

	for (size_t from = 0; from < l->n_dev; from += 64) {
		const struct training_text *list[64];
		size_t n = l->n_dev - from < 64 ? l->n_dev - from : 64;

		for (size_t i = 0; i < n; i++)
			list[i] = &l->dev[from + i];
		encoder_trainer_scores(l->trainer, list, n, scores, NULL);
		for (size_t i = 0; i < n; i++) {
			size_t best = 0;

			for (size_t c = 1; c < l->classes; c++)
				if (scores[i * l->classes + c] > scores[i * l->classes + best])
					best = c;
			right += best == list[i]->label;
		}
	}
	free(scores);
	return (double)right / (double)l->n_dev;
}

/* Losses of the first steps, and the time of all but the first three. */
struct watch {
	double losses[50], last_ms, ms;
	size_t tokens, seen, steps, limit;
	const struct fit_result *result;
	double previous;
};

static void watch_step(void *context, const struct fit_step *s)
{
	struct watch *w = context;
	double now = clock_ms();

	/* `loss` is averaged: mean = .9 before + .1 loss */
	if (s->step <= 50)
		w->losses[s->step - 1] = s->step == 1 ? s->loss : (s->loss - 0.9 * w->previous) / 0.1;
	w->previous = s->loss;
	if (s->step > 3) {
		w->ms += now - w->last_ms;
		w->tokens += w->result->tokens - w->seen;
	}
	w->seen = w->result->tokens;
	w->steps = s->step;
	w->last_ms = clock_ms();
	if (getenv("RUNG_BENCH_VERBOSE") && s->step % 20 == 0)
		fprintf(stderr, "step %zu/%zu loss %.4f %.0f tokens/s score %.4f\n", s->step, s->steps, s->loss, s->tokens_per_second,
			s->score);
}

static bool enough(void *context)
{
	const struct watch *w = context;

	return w->limit && w->steps >= w->limit;
}

static void write_order(struct fit_model *m, const struct fit_options *o, const char *path)
{
	size_t *order = mem_alloc(o->items * sizeof(*order));
	FILE *f = fopen(path, "wb");

	fit_order(m, o, 0, order);
	fprintf(f, "[");
	for (size_t i = 0; i < o->items; i++)
		fprintf(f, "%s%zu", i == 0 ? "[" : i % o->batch == 0 ? "],[" : ",", order[i]);
	fprintf(f, "]]\n");
	fclose(f);
	free(order);
}

static void write_head(struct parameters *ps, const char *path)
{
	static const char *const names[] = { "classifier.weight", "classifier.bias" };
	FILE *f = fopen(path, "wb");

	for (int h = 0; h < 2; h++)
		for (size_t i = 0; i < ps->n; i++)
			if (strcmp(ps->at[i]->names[0], names[h]) == 0)
				fwrite(ps->at[i]->value, sizeof(float), ps->at[i]->rows * ps->at[i]->columns, f);
	fclose(f);
}

static void report(const struct watch *w, const struct fit_result *r)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("{\"event\": \"losses\", \"losses\": [");
	for (size_t i = 0; i < w->steps && i < 50; i++)
		printf("%s%.9g", i ? ", " : "", w->losses[i]);
	printf("]}\n{\"event\": \"accuracy\", \"accuracy\": [");
	for (size_t i = 0; i < r->n; i++)
		printf("%s%.5f", i ? ", " : "", isnan(r->curve[i].score) ? 0 : r->curve[i].score);
	printf("]}\n{\"event\": \"end\", \"steps\": %zu, \"tokens\": %zu, \"seconds\": %.3f, \"tokens_per_second\": %.1f, "
	       "\"peak_rss_mb\": %ld}\n", w->steps, w->tokens, w->ms / 1e3, (double)w->tokens / (w->ms / 1e3),
	       usage.ru_maxrss / 1024);
}

static int train_encoder(const struct settings *s)
{
	struct error err = { .text = "" };
	const struct kernels *kernels = kernels_choose(s->exact, &err);
	struct pool *pool = pool_open(2);
	struct lesson l = { .encoder = kernels ? encoder_open(s->positional[1], kernels, pool, &err) : NULL };
	struct watch watch = { .limit = s->steps };
	struct fit_result result;

	if (!l.encoder) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	struct data data = read_data(s->positional[2]), dev = { 0 };
	char **names = sorted_labels(&data, &l.classes);

	l.texts = encode(l.encoder, &data, names, l.classes, s->equal);
	if (s->n_positional > 3) {
		dev = read_data(s->positional[3]);
		l.dev = encode(l.encoder, &dev, names, l.classes, s->equal);
		l.n_dev = dev.n;
	}
	struct encoder_training training = { .classes = l.classes, .rank = s->rank, .alpha = 2 * (double)s->rank,
					     .head_rate = s->head_rate, .adamw = adamw_defaults, .seed = s->seed };

	l.trainer = encoder_trainer_new(l.encoder, &training);
	struct fit_model model = { &l, encoder_trainer_parameters(l.trainer), tokens_of, NULL, pass, l.n_dev ? accuracy : NULL, l.n_dev };
	struct fit_options options = { .items = data.n, .epochs = s->epochs, .batch = s->batch, .pass_tokens = s->pass,
				       .rate = s->rate, .warm_up = 0.1, .seed = s->seed,
				       .progress = { watch_step, enough, &watch } };

	if (s->steps && s->steps < data.n / s->batch)
		options.items = s->steps * s->batch; /* so that the rate falls within them, as the peer's does */
	if (s->order)
		write_order(&model, &options, s->order);
	if (s->head)
		write_head(model.parameters, s->head);
	watch.result = &result;
	printf("{\"event\": \"start\", \"kernels\": \"%s\", \"classes\": %zu, \"items\": %zu}\n", kernels->name, l.classes, options.items);
	if (fit(&model, &options, &result, &err) == FIT_FAILED) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	report(&watch, &result);
	encoder_trainer_free(l.trainer);
	encoder_free(l.encoder);
	pool_free(pool);
	return 0;
}

enum { UNTIMED = 3 };

/* Steps on sequences of random tokens; the first ones are not timed. */
static void run_lora(struct decoder_trainer *t, const struct settings *s, size_t vocabulary)
{
	struct training_sequence *sequences = mem_zero(s->batch, sizeof(*sequences));
	const struct training_sequence **list = mem_zero(s->batch, sizeof(*list));
	int32_t *ids = mem_alloc(s->batch * s->tokens * sizeof(*ids));
	struct rusage usage;
	double began = 0, loss = 0, weight;
	struct rng rng;

	rng_init(&rng, s->seed, "tokens");
	for (size_t step = 0; step < s->steps + UNTIMED; step++) {
		if (step == UNTIMED)
			began = clock_ms();
		for (size_t i = 0; i < s->batch * s->tokens; i++)
			ids[i] = (int32_t)rng_below(&rng, vocabulary);
		for (size_t i = 0; i < s->batch; i++) {
			sequences[i] = (struct training_sequence){ ids + i * s->tokens, s->tokens, s->tokens / 2 };
			list[i] = &sequences[i];
		}
		loss = decoder_trainer_pass(t, list, s->batch, true, &weight) / weight;
		parameters_step(decoder_trainer_parameters(t), s->rate, 1 / weight);
	}
	double seconds = (clock_ms() - began) / 1e3;

	getrusage(RUSAGE_SELF, &usage);
	printf("{\"event\": \"end\", \"steps\": %zu, \"loss\": %.4f, \"seconds\": %.3f, \"tokens_per_second\": %.1f, "
	       "\"peak_rss_mb\": %ld}\n", s->steps, loss, seconds, (double)(s->steps * s->batch * s->tokens) / seconds,
	       usage.ru_maxrss / 1024);
	free(sequences);
	free(list);
	free(ids);
}

static int train_lora(const struct settings *s)
{
	struct error err = { .text = "" };
	const struct kernels *kernels = kernels_choose(s->exact, &err);
	struct pool *pool = pool_open(2);
	struct decoder *d = kernels ? decoder_open_unpacked(s->positional[1], kernels, pool, &err) : NULL;
	struct decoder_training training = { .rank = s->rank ? s->rank : 16, .alpha = 32, .adamw = adamw_defaults, .seed = s->seed };

	if (!d) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	struct decoder_trainer *t = decoder_trainer_new(d, &training);

	printf("{\"event\": \"start\", \"kernels\": \"%s\", \"bytes\": %zu}\n", kernels->name,
	       decoder_trainer_bytes(t, s->batch * s->tokens, s->tokens, s->batch));
	run_lora(t, s, decoder_vocabulary(d));
	decoder_trainer_free(t);
	decoder_free(d);
	pool_free(pool);
	return 0;
}

static void read_settings(struct settings *s, int argc, char **argv)
{
	*s = (struct settings){ .batch = 32, .epochs = 1, .rate = 1e-4, .seed = 1, .pass = 4096, .head_rate = 1, .tokens = 128 };
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
		const struct { const char *name; size_t *to; } sizes[] = {
			{ "--batch", &s->batch }, { "--epochs", &s->epochs }, { "--seed", &s->seed }, { "--equal", &s->equal },
			{ "--steps", &s->steps }, { "--rank", &s->rank }, { "--pass", &s->pass }, { "--tokens", &s->tokens },
		};
		bool taken = false;

		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
			if (strcmp(name, sizes[k].name) == 0) {
				*sizes[k].to = strtoul(value, NULL, 10);
				taken = true;
			}
		if (strcmp(name, "--rate") == 0)
			s->rate = strtod(value, NULL), taken = true;
		else if (strcmp(name, "--head-rate") == 0)
			s->head_rate = strtod(value, NULL), taken = true;
		else if (strcmp(name, "--order") == 0)
			s->order = value, taken = true;
		else if (strcmp(name, "--head") == 0)
			s->head = value, taken = true;
		else if (strcmp(name, "--exact") == 0)
			s->exact = true;
		else if (!taken && s->n_positional < 4)
			s->positional[s->n_positional++] = name;
		i += taken;
	}
}

int main(int argc, char **argv)
{
	struct settings s;

	read_settings(&s, argc, argv);
	if (s.n_positional >= 3 && strcmp(s.positional[0], "encoder") == 0)
		return train_encoder(&s);
	if (s.n_positional == 2 && strcmp(s.positional[0], "lora") == 0)
		return train_lora(&s);
	fprintf(stderr, "usage: train encoder FOLDER DATA [DEV] [options] | train lora GGUF [options]\n");
	return 1;
}
