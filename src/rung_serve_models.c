/* rung_serve_models.c - local models served as they are: each in a thread, with what it has loaded */
#include <stdlib.h>
#include <string.h>

#include "model/registry.h"
#include "rung_inner.h"
#include "rung_serve_inner.h"
#include "serve/texts.h"

struct served_model {
	struct models *models;
	struct model *model; /* NULL: it embeds */
	char *name;
};

/* ---- prompts ---- */

static bool same_texts(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
	for (size_t i = 0; n_a == n_b && i < n_a; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return n_a == n_b;
}

/* Whether both may be asked together: they differ in messages, schema, seed and listener alone (model.h). */
static bool is_alike(const struct model_request *a, const struct model_request *b)
{
	return a->want == b->want && a->max_tokens == b->max_tokens && a->sampling.temperature == b->sampling.temperature &&
	       a->sampling.top_p == b->sampling.top_p && same_texts(a->stop, a->n_stop, b->stop, b->n_stop);
}

static void fill(const struct model_reply *reply, struct question *q)
{
	q->why = reply->why ? arena_string(&q->arena, reply->why) : NULL;
	if (!reply->why && !reply->text)
		q->why = "the prompt does not fit the model's context, or the shortest JSON of its schema not max_tokens";
	q->text = reply->text ? arena_string(&q->arena, reply->text) : NULL;
	q->status = reply->status == MODEL_TRUNCATED ? "truncated" : "answered";
	q->input_tokens = reply->input_tokens;
	q->output_tokens = reply->output_tokens;
	q->usd = 0;
}

/* A schema that is not supported is the first request's own fault: it is asked alone, and the others without it. */
static void ask_together(const struct served_model *m, struct question *const *questions, size_t n)
{
	struct model_request *requests = mem_zero(n, sizeof(*requests));
	struct model_reply *replies = mem_zero(n, sizeof(*replies));
	struct arena arena;
	struct error err;

	arena_init(&arena);
	for (size_t i = 0; i < n; i++) {
		requests[i] = *questions[i]->request;
		requests[i].max_context = models_max_context(m->models);
	}
	if (model_ask(m->model, &arena, requests, n, replies, NULL, &err)) {
		for (size_t i = 0; i < n; i++)
			fill(&replies[i], questions[i]);
	} else if (n == 1) {
		questions[0]->why = arena_string(&questions[0]->arena, err.text);
	} else {
		for (size_t i = 0; i < n; i++)
			ask_together(m, &questions[i], 1);
	}
	arena_release(&arena);
	free(requests);
	free(replies);
}

static void answer_prompts(void *context, struct question *const *questions, size_t n)
{
	const struct served_model *m = context;
	struct question *together[WORKER_TOGETHER];
	bool asked[WORKER_TOGETHER] = { false };

	for (size_t i = 0; i < n; i++) {
		size_t n_together = 0;

		for (size_t k = i; k < n && !asked[i]; k++) {
			if (asked[k] || !is_alike(questions[i]->request, questions[k]->request))
				continue;
			together[n_together++] = questions[k];
			asked[k] = k != i;
		}
		if (n_together > 0)
			ask_together(m, together, n_together);
	}
}

/* ---- texts ---- */

static void embed_one(struct models *models, struct question *q)
{
	const struct texts_request *t = q->texts;
	struct error err;
	size_t width = models_embedding_width(models, &err);
	float *vectors = width > 0 ? arena_array(&q->arena, t->n, width * sizeof(*vectors)) : NULL;

	if (width > 0 && t->dimensions != 0 && t->dimensions != width)
		q->why = arena_printf(&q->arena, "this model has %zu dimensions, no others", width);
	else if (!vectors || !models_embed(models, t->texts, t->n, vectors, &err))
		q->failed = arena_string(&q->arena, err.text);
	for (size_t i = 0; i < t->n && vectors; i++)
		q->input_tokens += models_embedding_tokens(models, t->texts[i], strlen(t->texts[i]));
	q->vectors = vectors;
	q->width = width;
	q->status = "answered";
	q->usd = 0;
}

static void answer_texts(void *context, struct question *const *questions, size_t n)
{
	const struct served_model *m = context;

	for (size_t i = 0; i < n; i++)
		embed_one(m->models, questions[i]);
}

/* ---- opened ---- */

struct served_model *served_model_open(const struct rung_options *options, const char *name, const char *tuned, struct error *err)
{
	const struct model_settings settings = { .threads = options->threads, .memory_mb = options->memory_mb, .max_context = options->max_context,
						 .tuned = tuned };
	struct served_model *m = mem_zero(1, sizeof(*m));
	struct buf folder = { 0 };
	bool good;

	registry_folder(options->models, &folder);
	m->name = mem_string(name);
	m->models = models_open(buf_text(&folder), &settings);
	buf_release(&folder);
	if (strcmp(name, models_embedding_name(m->models)) == 0)
		good = models_embedding_width(m->models, err) > 0;
	else if (model_is_elsewhere(name) || strncmp(name, "recorded:", 9) == 0)
		good = error_set(err, "model \"%s\": is not one of this machine; name models that are asked elsewhere with --upstream", name);
	else
		good = (m->model = model_open(m->models, name, err)) != NULL;
	if (good)
		return m;
	served_model_close(m);
	return NULL;
}

struct gateway_model served_model_asked(struct served_model *m)
{
	return (struct gateway_model){ m->name, !m->model, m->model ? answer_prompts : answer_texts, m };
}

void served_model_close(struct served_model *m)
{
	if (!m)
		return;
	models_free(m->models);
	free(m->name);
	free(m);
}
