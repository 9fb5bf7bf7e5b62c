/* drift.c [DATA [MODELS [RUNS]]] - how often `rung data drift` alarms where nothing moved, and how much it sees, on banking77's questions by their
 * embeddings and by their words: two samples of 300, of the second a share with one intent of 77 that the first does not have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "model/model.h"
#include "retrieve/tfidf.h"
#include "stats/twosample.h"
#include "task/table.h"

enum { TEXTS = 2400, OTHERS = 2200, EACH = 300 };

struct data {
	const char *text[TEXTS];
	bool novel[TEXTS];
	size_t n;
	double *words, *embeddings; /* (n, n) kernels */
};

static void read_texts(struct data *d, struct arena *arena, const char *path)
{
	struct table t;
	struct error err;
	struct rng rng;

	if (!table_read(&t, arena, path, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	size_t *order = mem_alloc(t.n_rows * sizeof(*order)), others = 0;

	for (size_t i = 0; i < t.n_rows; i++)
		order[i] = i;
	rng_init(&rng, 1, "bench");
	rng_shuffle(&rng, order, t.n_rows);
	const char *fresh = t.rows[order[0]].values[1];

	for (size_t i = 0; i < t.n_rows && d->n < TEXTS; i++) {
		const char *const *values = (const char *const *)t.rows[order[i]].values;
		bool novel = strcmp(values[1], fresh) == 0;

		if (!novel && others == OTHERS)
			continue;
		others += !novel;
		d->text[d->n] = values[0];
		d->novel[d->n++] = novel;
	}
	free(order);
}

static void kernels(struct data *d, const char *folder)
{
	static const struct tfidf_options options = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 1, .sublinear = true };
	struct model_settings settings = { 0 };
	struct models *models = models_open(folder, &settings);
	struct error err;
	size_t width = models_embedding_width(models, &err);
	float *x = mem_zero(d->n * width, sizeof(*x));
	struct tfidf *t = tfidf_fit(&options, d->text, d->n);
	struct sparse_row *rows = mem_zero(d->n, sizeof(*rows));

	if (width == 0 || !models_embed(models, d->text, d->n, x, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	d->words = mem_alloc(d->n * d->n * sizeof(double));
	d->embeddings = mem_alloc(d->n * d->n * sizeof(double));
	for (size_t i = 0; i < d->n; i++)
		rows[i] = tfidf_vector(t, d->text[i]);
	for (size_t i = 0; i < d->n; i++)
		for (size_t j = 0; j < d->n; j++) {
			double dot = 0;

			for (size_t k = 0; k < width; k++)
				dot += (double)x[i * width + k] * (double)x[j * width + k];
			d->embeddings[i * d->n + j] = dot;
			d->words[i * d->n + j] = sparse_dot(rows[i], rows[j]);
		}
	for (size_t i = 0; i < d->n; i++)
		free(rows[i].entries);
	free(rows);
	free(x);
	tfidf_free(t);
	models_free(models);
}

/* The share of runs with p at most .05, and the mean AUC. */
static void simulate(const struct data *d, const double *kernel, const char *by, double share, size_t runs)
{
	size_t *order = mem_alloc(d->n * sizeof(*order)), alarms = 0;
	double *gram = mem_alloc((size_t)4 * EACH * EACH * sizeof(*gram)), auc = 0;
	struct rng rng;

	rng_init(&rng, 2, by);
	for (size_t r = 0; r < runs; r++) {
		size_t at[2 * EACH], n[2] = { 0, 0 }, novel = (size_t)(share * EACH + 0.5), taken = 0;
		bool second[2 * EACH];

		for (size_t i = 0; i < d->n; i++)
			order[i] = i;
		rng_shuffle(&rng, order, d->n);
		for (size_t i = 0; i < d->n; i++) {
			size_t o = order[i];

			if (d->novel[o] && taken < novel) {
				at[EACH + n[1]++] = o;
				taken++;
			} else if (!d->novel[o] && n[0] < EACH) {
				at[n[0]++] = o;
			} else if (!d->novel[o] && n[1] < EACH - novel + taken) {
				at[EACH + n[1]++] = o;
			}
		}
		for (size_t i = 0; i < 2 * EACH; i++) {
			second[i] = i >= EACH;
			for (size_t j = 0; j < 2 * EACH; j++)
				gram[i * 2 * EACH + j] = kernel[at[i] * d->n + at[j]];
		}
		struct twosample t = twosample_kernel(gram, second, 2 * EACH, r, NULL);

		alarms += t.p <= .05;
		auc += t.auc / (double)runs;
	}
	printf("drift_alarms_%s_novel_%.0f_percent\t%.3f\t-\t-\t-\tok\tmean AUC %.3f, %zu runs\n", by, 100 * share, (double)alarms / (double)runs, auc, runs);
	fflush(stdout);
	free(order);
	free(gram);
}

int main(int argc, char **argv)
{
	static const double shares[] = { 0, .05, .1, .2 };
	struct data d = { 0 };
	struct arena arena;
	char path[4096];

	snprintf(path, sizeof(path), "%s/banking77/train.csv", argc > 1 ? argv[1] : "../shared/data");
	if (!file_exists(path)) {
		printf("drift_alarms\t-\t-\t-\t-\tabsent\tno %s\n", path);
		return 0;
	}
	arena_init(&arena);
	read_texts(&d, &arena, path);
	kernels(&d, argc > 2 ? argv[2] : "models");
	for (size_t k = 0; k < sizeof(shares) / sizeof(shares[0]); k++) {
		size_t runs = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 100;

		simulate(&d, d.embeddings, "embeddings", shares[k], runs);
		simulate(&d, d.words, "words", shares[k], runs);
	}
	free(d.words);
	free(d.embeddings);
	arena_release(&arena);
	return 0;
}
