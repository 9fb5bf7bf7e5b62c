/* calls.c - model calls through the store: what it has is read, the rest is asked in batches and stored before anybody
 * looks at it; and the priors of calibration, which are calls too. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "variant/workshop.h"

static const char *scores_json(struct arena *arena, const double *scores, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_real(scores[i]));
	char *text = json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(17));
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(array);
	return copy;
}

/* Probabilities over the labels from stored log-probabilities; uniform when the call brought none. */
static void decode_scores(const struct call_row *call, size_t n, double *out)
{
	json_t *array = call->scores ? json_loads(call->scores, 0, NULL) : NULL;
	double most = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++) {
		out[i] = json_array_size(array) == n ? json_number_value(json_array_get(array, i)) : 0;
		most = fmax(most, out[i]);
	}
	for (size_t i = 0; i < n; i++)
		sum += out[i] = exp(out[i] - most);
	for (size_t i = 0; i < n; i++)
		out[i] /= sum;
	json_decref(array);
}

/* Asks the requests that the store lacks (positions `missing`) and stores the calls. */
static bool ask_missing(struct workshop *w, struct model *model, struct arena *arena, const struct model_request *requests,
			const size_t *missing, size_t n, struct call_row *calls, struct error *err)
{
	struct model_request *asked = arena_array(arena, n, sizeof(*asked));
	struct model_reply *replies = arena_array(arena, n, sizeof(*replies));

	for (size_t i = 0; i < n; i++)
		asked[i] = requests[missing[i]];
	if (!model_ask(model, arena, asked, n, replies, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct call_row *c = &calls[missing[i]];

		c->output = replies[i].text;
		c->why = replies[i].why;
		c->scores = replies[i].scores ? scores_json(arena, replies[i].scores, asked[i].n_choices) : NULL;
		c->status = model_status_names[replies[i].status];
		c->input_tokens = replies[i].input_tokens;
		c->output_tokens = replies[i].output_tokens;
		c->ms = replies[i].ms;
		if (w->store && !store_call_put(w->store, c, err))
			return false;
	}
	return true;
}

/* Finds the requests (n) in the store, and asks the others. */
static bool ask_all(struct workshop *w, const char *model_name, const struct model_request *requests, size_t n, struct arena *arena,
		    struct call_row *calls, struct error *err)
{
	struct model *model = model_open(w->models, model_name, err);
	size_t *missing = arena_array(arena, n, sizeof(*missing)), n_missing = 0;

	if (!model)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool found = false;
		const char *json = request_json(arena, &requests[i]);
		uint64_t hash = hash64(json, strlen(json), 0);

		if (w->store && !store_call_find(w->store, arena, model_name, hash, &calls[i], &found, err))
			return false;
		if (!found) {
			calls[i] = (struct call_row){ .model = model_name, .request_hash = hash, .request = json };
			missing[n_missing++] = i;
		}
	}
	return ask_missing(w, model, arena, requests, missing, n_missing, calls, err);
}

/* What is searched for: the inputs, and what the model guesses beside them (guesses (n)). */
static bool list_queries(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
			 struct arena *arena, struct call_row *guesses, const char **queries, struct error *err)
{
	bool rewrites = v->technique && v->technique->rewrites;
	struct model_request *requests = arena_array(arena, n, sizeof(*requests));

	for (size_t i = 0; i < n; i++) {
		queries[i] = workshop_text(w, arena, items[i]);
		if (rewrites)
			requests[i] = request_guess(w, items[i], arena);
	}
	if (!rewrites)
		return true;
	if (!ask_all(w, v->model, requests, n, arena, guesses, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (guesses[i].output)
			queries[i] = arena_printf(arena, "%s\n%s", queries[i], guesses[i].output);
	return true;
}

/* One request for every sample of every input: (n, samples). */
static bool list_requests(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
			  const char *const *queries, struct arena *arena, struct model_request *requests,
			  struct evidence *shown, struct error *err)
{
	size_t samples = variant_replies(v);

	for (size_t i = 0; i < n; i++) {
		struct model_request *first = &requests[i * samples];

		if (!request_build(w, v, items[i], queries[i], arena, first, &shown[i], err))
			return false;
		for (size_t k = 1; k < samples; k++) {
			first[k] = *first;
			first[k].sampling.seed = request_seed(w, items[i], k);
		}
	}
	return true;
}

bool calls_make(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
		struct arena *arena, struct call_row *calls, double *scores, struct evidence *shown, struct error *err)
{
	size_t each = variant_calls(v), samples = variant_replies(v);
	struct model_request *requests = arena_array(arena, n * samples, sizeof(*requests));
	struct call_row *replies = arena_array(arena, n * samples, sizeof(*replies));
	struct call_row *guesses = arena_array(arena, n, sizeof(*guesses));
	const char **queries = arena_array(arena, n, sizeof(*queries)), *model = workshop_model(w, v, err);

	if (!model || !list_queries(w, v, items, n, arena, guesses, queries, err) ||
	    !list_requests(w, v, items, n, queries, arena, requests, shown, err) ||
	    !ask_all(w, model, requests, n * samples, arena, replies, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (each > samples)
			calls[i * each] = guesses[i];
		memcpy(&calls[(i + 1) * each - samples], &replies[i * samples], samples * sizeof(*calls));
		if (scores)
			decode_scores(&replies[i * samples], w->task->n_labels, scores + i * w->task->n_labels);
	}
	return true;
}

/* Mean label probabilities over inputs whose labels are not looked at; the calls count as the run's. */
static bool mean_probability(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
			     struct arena *arena, double *mean, struct error *err)
{
	size_t labels = w->task->n_labels;
	size_t each = variant_calls(v);
	struct call_row *calls = arena_array(arena, n * each, sizeof(*calls));
	double *scores = arena_array(arena, n * labels, sizeof(*scores));
	struct evidence *shown = arena_array(arena, n, sizeof(*shown));

	if (!calls_make(w, v, items, n, arena, calls, scores, shown, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct answer_row row = { .variant = v->id, .item = items[i]->id, .split = "prior", .call = calls[i * each].id,
					  .status = "answered" };

		for (size_t j = 0; j < labels; j++)
			mean[j] += scores[i * labels + j] / (double)n;
		if (w->run && !store_answer_put(w->store, w->run, &row, err))
			return false;
	}
	return true;
}

/* Inputs without content: "N/A", "[MASK]" and nothing, in every column (Zhao et al. 2021, arXiv 2102.09690). */
static bool contextual_prior(struct workshop *w, const struct variant *v, struct arena *arena, double *prior,
			     struct error *err)
{
	static const char *const contents[] = { "N/A", "[MASK]", "" };
	static const char *const names[] = { "content-free-1", "content-free-2", "content-free-3" };
	struct example free_items[3];
	const struct example *items[3];

	for (size_t i = 0; i < 3; i++) {
		const char **values = arena_array(arena, w->task->n_columns, sizeof(*values));

		for (size_t c = 0; c < w->task->n_columns; c++)
			values[c] = contents[i];
		free_items[i] = (struct example){ .id = names[i], .values = values };
		items[i] = &free_items[i];
	}
	return mean_probability(w, v, items, 3, arena, prior, err);
}

const double *calibration_prior(struct workshop *w, const struct variant *v, struct error *err)
{
	struct item_list dev = w->dev.list;
	struct arena arena;
	double *prior;
	bool made;

	for (struct prior *p = w->priors; p; p = p->next)
		if (strcmp(p->variant, v->id) == 0)
			return p->probability;
	arena_init(&arena);
	prior = arena_array(&w->arena, w->task->n_labels, sizeof(*prior));
	if (v->technique->calibration == CALIBRATE_CONTEXTUAL)
		made = contextual_prior(w, v, &arena, prior, err);
	else /* the mean over a batch of inputs (Zhou et al. 2023, arXiv 2309.17249) */
		made = mean_probability(w, v, dev.items, dev.n < PRIOR_ITEMS ? dev.n : PRIOR_ITEMS, &arena, prior, err);
	arena_release(&arena);
	if (!made)
		return NULL;
	struct prior *p = arena_alloc(&w->arena, sizeof(*p));

	*p = (struct prior){ v->id, prior, w->priors };
	w->priors = p;
	return prior;
}
