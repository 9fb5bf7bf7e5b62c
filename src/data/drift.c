/* drift.c - one pass over the newest calls, then the tests. */
#include "data/drift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "base/text.h"
#include "data/inputs.h"
#include "retrieve/tfidf.h"
#include "stats/bet.h"
#include "stats/twosample.h"

struct window {
	const struct task *task;
	const struct drift_climb *climb;
	struct inputs inputs;
	struct arena *arena;
	struct drift *out;
	struct hash_map texts, names;  /* distinct inputs; categories */
	const char **input, **call;    /* (n_inputs) */
	size_t n_inputs;
	struct drift_share *shares;    /* (names.n) */
	double *ratings;               /* (n_ratings), the oldest last */
	size_t n_ratings;
};

/* ---- collecting ---- */

static void count(struct window *w, const char *answer, const char *status, bool served)
{
	bool label = w->task->kind == TASK_CLASSIFY && !w->task->many && answer && strcmp(status, "answered") == 0;
	const char *name = arena_string(w->arena, label && task_label(w->task, answer) < w->task->n_labels ? answer : status);
	size_t n = w->names.n, at = hash_map_put(&w->names, name, strlen(name), n);

	if (at == n) {
		w->shares = rows_room(w->arena, w->shares, n, sizeof(*w->shares));
		w->shares[n] = (struct drift_share){ .name = name };
	}
	if (served)
		w->shares[at].served++;
	else
		w->shares[at].examples++;
}

static void rate(struct window *w, const struct served_feedback *said, size_t n_said)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < n_said; i++)
		if (strcmp(said[i].kind, "boolean") == 0 || strcmp(said[i].kind, "float") == 0) {
			sum += said[i].value;
			n++;
		}
	if (n == 0)
		return;
	w->ratings = rows_room(w->arena, w->ratings, w->n_ratings, sizeof(*w->ratings));
	w->ratings[w->n_ratings++] = sum / (double)n;
}

static bool see(void *context, const struct served_call *c, const struct served_feedback *said, size_t n_said, struct error *err)
{
	struct window *w = context;
	const char *const *values = c->input ? inputs_values(&w->inputs, c->input, w->arena) : NULL;

	(void)err;
	w->out->to_ms = w->out->window == 0 ? c->began_ms : w->out->to_ms;
	w->out->from_ms = c->began_ms;
	w->out->window++;
	rate(w, said, n_said);
	if (w->climb->variant && strcmp(c->variant, w->climb->variant) == 0) {
		count(w, c->output, c->status, true);
		w->out->answers.served++;
	}
	if (!values)
		return true;
	const char *text = inputs_text(&w->inputs, values, w->arena), *normal = text_normal(w->arena, text, strlen(text));

	if (hash_map_put(&w->texts, normal, strlen(normal), w->n_inputs) != w->n_inputs)
		return true;
	w->input = rows_room(w->arena, w->input, w->n_inputs, sizeof(*w->input));
	w->call = rows_room(w->arena, w->call, w->n_inputs, sizeof(*w->call));
	w->input[w->n_inputs] = text;
	w->call[w->n_inputs++] = arena_string(w->arena, c->id);
	return true;
}

/* ---- inputs ---- */

/* At most n of the task's own examples, drawn; those that came out of production are no measure of it. */
static size_t examples_draw(const struct window *w, size_t most, uint64_t seed, const char **texts)
{
	const struct item_list lists[] = { w->task->pool.list, w->task->dev.list, w->task->test.list };
	size_t all = lists[0].n + lists[1].n + lists[2].n, n = 0;
	const struct example **items = arena_array(w->arena, all, sizeof(const struct example *));
	size_t *order = arena_array(w->arena, all, sizeof(*order));
	struct rng rng;

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l].n; i++)
			if (!lists[l].items[i]->collected)
				items[n++] = lists[l].items[i];
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	rng_init(&rng, seed, "drift");
	rng_shuffle(&rng, order, n);
	n = n < most ? n : most;
	for (size_t i = 0; i < n; i++)
		texts[i] = inputs_text(&w->inputs, items[order[i]]->values, w->arena);
	return n;
}

static void gram_of_words(const char *const *texts, size_t n, double *gram)
{
	static const struct tfidf_options words = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 1, .sublinear = true };
	struct tfidf *t = tfidf_fit(&words, texts, n);
	struct sparse_row *rows = mem_zero(n, sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		rows[i] = tfidf_vector(t, texts[i]);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++)
			gram[i * n + j] = gram[j * n + i] = sparse_dot(rows[i], rows[j]);
	for (size_t i = 0; i < n; i++)
		free(rows[i].entries);
	free(rows);
	tfidf_free(t);
}

static bool gram_of_embeddings(struct models *models, size_t width, const char *const *texts, size_t n, double *gram, struct error *err)
{
	float *x = mem_zero(n * width, sizeof(*x));
	bool embedded = models_embed(models, texts, n, x, err);

	for (size_t i = 0; embedded && i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			double dot = 0;

			for (size_t k = 0; k < width; k++)
				dot += (double)x[i * width + k] * (double)x[j * width + k];
			gram[i * n + j] = gram[j * n + i] = dot;
		}
	free(x);
	return embedded;
}

/* The served inputs with the highest scores. */
static void show_odd(struct window *w, const double *scores, size_t examples)
{
	struct drift *d = w->out;
	bool *shown = arena_array(w->arena, w->n_inputs, sizeof(*shown));

	for (; d->inputs.n_odd < DRIFT_SHOWN && d->inputs.n_odd < w->n_inputs; d->inputs.n_odd++) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < w->n_inputs; i++)
			if (!shown[i] && (best == SIZE_MAX || scores[examples + i] > scores[examples + best]))
				best = i;
		shown[best] = true;
		d->inputs.odd[d->inputs.n_odd].call = w->call[best];
		d->inputs.odd[d->inputs.n_odd].input = w->input[best];
	}
}

static bool test_inputs(struct window *w, struct models *models, const struct drift_options *o, struct error *err)
{
	struct error why;
	size_t width = models ? models_embedding_width(models, &why) : 0;
	const char **texts = arena_array(w->arena, o->n + w->n_inputs, sizeof(*texts));
	size_t examples = examples_draw(w, o->n, o->seed, texts), n = examples + w->n_inputs;
	double *gram = mem_zero(n * n + 1, sizeof(*gram)), *scores = mem_zero(n + 1, sizeof(*scores));
	bool *second = mem_zero(n + 1, sizeof(*second)), done = true;
	struct drift *d = w->out;

	for (size_t i = 0; i < w->n_inputs; i++) {
		texts[examples + i] = w->input[i];
		second[examples + i] = true;
	}
	d->inputs.examples = examples;
	d->inputs.served = w->n_inputs;
	d->inputs.by = width ? models_embedding_name(models) : "words";
	bool enough = examples >= TWOSAMPLE_LEAST && w->n_inputs >= TWOSAMPLE_LEAST; /* else nothing is embedded */

	if (enough && width)
		done = gram_of_embeddings(models, width, texts, n, gram, err);
	else if (enough)
		gram_of_words(texts, n, gram);
	struct twosample t = done ? twosample_kernel(gram, second, n, o->seed, scores) : (struct twosample){ NAN, NAN };

	d->inputs.auc = t.auc;
	d->inputs.p = t.p;
	d->inputs.moved = t.p <= o->alpha / 2;
	if (d->inputs.moved)
		show_odd(w, scores, examples);
	free(gram);
	free(scores);
	free(second);
	return done;
}

/* ---- answers and ratings ---- */

static void test_answers(struct window *w, const struct drift_options *o)
{
	struct drift *d = w->out;
	size_t n, *counts[2];

	for (size_t l = 0; w->climb->variant && l < 2; l++)
		for (size_t i = 0; i < w->climb->n_answers[l]; i++)
			count(w, w->climb->answers[l][i].answer, w->climb->answers[l][i].status, false);
	n = w->names.n;
	for (size_t which = 0; which < 2; which++) {
		counts[which] = arena_array(w->arena, n, sizeof(size_t));
		for (size_t k = 0; k < n; k++)
			counts[which][k] = which ? w->shares[k].served : w->shares[k].examples;
	}
	d->answers.variant = w->climb->variant;
	d->answers.why = w->climb->why;
	d->answers.examples = w->climb->n_answers[0] + w->climb->n_answers[1];
	d->answers.shares = w->shares;
	d->answers.n = n;
	d->answers.p = twosample_counts_p(counts[0], counts[1], n, o->seed);
	d->answers.moved = d->answers.p <= o->alpha / 2;
}

static void rate_all(struct window *w)
{
	struct drift *d = w->out;
	struct interval i = bet_interval(w->ratings, w->n_ratings, 0.05);
	double sum = 0;

	for (size_t k = 0; k < w->n_ratings; k++)
		sum += w->ratings[k];
	d->said.rated = w->n_ratings;
	d->said.mean = w->n_ratings ? sum / (double)w->n_ratings : NAN;
	d->said.low = i.low;
	d->said.high = i.high;
	d->said.at_climb = w->climb->variant ? w->climb->score : NAN;
}

static int commonest(const void *a, const void *b)
{
	const struct drift_share *x = a, *y = b;

	if (x->served != y->served)
		return x->served < y->served ? 1 : -1;
	return x->examples != y->examples ? (x->examples < y->examples ? 1 : -1) : strcmp(x->name, y->name);
}

bool drift_find(const struct task *task, struct served *served, struct models *models, const struct drift_climb *climb,
		const struct drift_options *options, struct arena *arena, struct drift *out, struct error *err)
{
	struct window w = { .task = task, .climb = climb, .inputs = inputs_of(task, arena), .arena = arena, .out = out };
	const struct served_query newest = { .task = task->name, .since_ms = options->since_ms, .answered = true, .newest_first = true,
					     .most = options->n };

	*out = (struct drift){ .alpha = options->alpha };
	bool done = served_each(served, &newest, see, &w, err) && test_inputs(&w, models, options, err);

	if (done) {
		test_answers(&w, options);
		rate_all(&w);
		if (w.names.n)
			qsort(w.shares, w.names.n, sizeof(*w.shares), commonest);
	}
	hash_map_release(&w.texts);
	hash_map_release(&w.names);
	return done;
}
