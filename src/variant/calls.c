/* calls.c - model calls through the store: what it has is read, the rest is asked in batches and stored before anybody
 * looks at it; and the priors of calibration, which are calls too. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "variant/asking.h"

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

/* What comes in together is written together. */
static bool begin_writing(struct asking *a, struct error *err)
{
	if (!a->w->store || a->writing)
		return true;
	a->writing = store_begin(a->w->store, err);
	return a->writing;
}

/* What the store has of the model's server; NULL: nothing was read. */
static struct known_server *server_of(const struct workshop *w, const struct model *model)
{
	struct known_server *s = w->servers;

	while (s && s->model != model)
		s = s->next;
	return s;
}

/* What an earlier climb found of it, once a workshop; nothing where all is asked anew. */
static bool recall(struct workshop *w, struct model *model, struct error *err)
{
	struct server_row row = { .model = model_name(model) };

	if (!w->store || !model_is_elsewhere(row.model) || server_of(w, model))
		return true;
	if (w->repeat == 0 && !store_server_find(w->store, row.model, &row, err))
		return false;
	struct known_server *s = arena_alloc(&w->arena, sizeof(*s));

	*s = (struct known_server){ model, row.lacks, row.known, w->servers };
	w->servers = s;
	model_remember(model, row.lacks, row.known);
	return true;
}

/* What was learnt of it since. */
static bool keep(struct asking *a, struct error *err)
{
	struct known_server *s = server_of(a->w, a->model);
	struct server_row row = { .model = model_name(a->model) };

	if (!s || !model_learnt(a->model, &row.lacks, &row.known) || (row.lacks == s->lacks && row.known == s->known))
		return true;
	s->lacks = row.lacks;
	s->known = row.known;
	return store_server_put(a->w->store, &row, err);
}

bool asking_settle(void *context, struct error *err)
{
	struct asking *a = context;

	if (!a->writing)
		return true;
	a->writing = false;
	if (!keep(a, err)) {
		store_rollback(a->w->store);
		return false;
	}
	if (store_commit(a->w->store, err))
		return true;
	store_rollback(a->w->store);
	return false;
}

bool asking_replied(void *context, size_t i, const struct model_reply *reply, struct error *err)
{
	struct asking *a = context;
	struct call_row *c = a->calls[i];

	calls_seen(a->w, c->request_hash);
	c->output = reply->text;
	c->why = reply->why;
	c->scores = reply->scores ? scores_json(a->arena, reply->scores, a->requests[i].n_choices) : NULL;
	c->status = model_status_names[reply->status];
	c->input_tokens = reply->input_tokens;
	c->output_tokens = reply->output_tokens;
	c->cache_read = reply->cache_read;
	c->cache_written = reply->cache_written;
	c->reasoning = reply->reasoning;
	c->ms = reply->ms;
	c->first_ms = reply->first_ms;
	return !a->w->store || (begin_writing(a, err) && store_call_put(a->w->store, c, err));
}

bool asking_attempted(void *context, size_t i, struct model_attempt *t, struct error *err)
{
	struct asking *a = context;
	struct workshop *w = a->w;
	struct attempt_row row = {
		.id = t->id, .run = w->run, .model = a->calls[i]->model, .request_hash = a->calls[i]->request_hash, .end = t->end,
		.status = t->status, .input_tokens = t->input_tokens, .output_tokens = t->output_tokens, .cache_read = t->cache_read,
		.cache_written = t->cache_written, .ms = t->ms, .first_ms = t->first_ms, .why = t->why, .batch = a->batch,
	};

	if (w->store && !(begin_writing(a, err) && store_attempt_put(w->store, &row, err)))
		return false;
	t->id = row.id;
	if (w->spending && w->spending->attempted)
		w->spending->attempted(w->spending->context, &row);
	return true;
}

const char *asking_stopped(void *context)
{
	const struct asking *a = context;
	const struct spending_watch *s = a->w->spending;

	return s && s->stopped ? s->stopped(s->context) : NULL;
}

/* Where only a part is asked, model_ask() counts from its beginning. */
struct part {
	struct asking *all;
	const size_t *which;
};

static bool part_replied(void *context, size_t i, const struct model_reply *reply, struct error *err)
{
	const struct part *p = context;

	return asking_replied(p->all, p->which[i], reply, err);
}

static bool part_attempted(void *context, size_t i, struct model_attempt *t, struct error *err)
{
	const struct part *p = context;

	return asking_attempted(p->all, p->which[i], t, err);
}

static bool part_settle(void *context, struct error *err)
{
	const struct part *p = context;

	return asking_settle(p->all, err);
}

static const char *part_stopped(void *context)
{
	const struct part *p = context;

	return asking_stopped(p->all);
}

bool asking_ask(struct asking *a, struct model *model, const size_t *which, size_t n, struct arena *arena, struct error *err)
{
	struct model_request *asked = arena_array(arena, n, sizeof(*asked));
	struct model_reply *replies = arena_array(arena, n, sizeof(*replies));
	struct part part = { a, which };
	const struct model_watch watch = { .replied = part_replied, .attempted = part_attempted, .settle = part_settle,
					   .stopped = part_stopped, .context = &part };

	for (size_t i = 0; i < n; i++)
		asked[i] = a->requests[which[i]];
	bool all = model_ask(model, arena, asked, n, replies, &watch, err);
	struct error ignored;

	return asking_settle(a, all ? err : &ignored) && all; /* also what came before it failed */
}

/* Asks the requests that the store lacks (positions `missing`). */
static bool ask_missing(struct workshop *w, struct model *model, struct arena *arena, const struct model_request *requests,
			const size_t *missing, size_t n, struct call_row *calls, struct error *err)
{
	struct model_request *asked = arena_array(arena, n, sizeof(*asked));
	size_t *all = arena_array(arena, n, sizeof(*all));
	struct asking asking = { .w = w, .arena = arena, .model = model, .requests = asked, .calls = arena_array(arena, n, sizeof(struct call_row *)), .n = n };

	for (size_t i = 0; i < n; i++) {
		all[i] = i;
		asked[i] = requests[missing[i]];
		asking.calls[i] = &calls[missing[i]];
	}
	if (n > 0 && w->batching && w->store && model_takes_batches(model) &&
	    !request_is_of_texts(requests)) /* those are waited for by what is asked next */
		return asking_in_batches(&asking, model, arena, err);
	return asking_ask(&asking, model, all, n, arena, err);
}

/* What the store had of a model that would be paid for it, each call once. */
static bool note_cached(struct workshop *w, const struct call_row *call, struct error *err)
{
	struct attempt_row row = { .run = w->run, .model = call->model, .request_hash = call->request_hash, .end = "cached" };

	return !w->store || calls_seen(w, call->request_hash) || store_attempt_put(w->store, &row, err);
}

bool calls_seen(struct workshop *w, uint64_t request_hash)
{
	uint64_t *key = arena_alloc(&w->arena, sizeof(*key));

	*key = request_hash;
	size_t before = w->seen.n;

	hash_map_put(&w->seen, (const char *)key, sizeof(*key), 1);
	return w->seen.n == before;
}

/* Finds the requests (n) in the store; missing (n) receives the positions of the others, same (n) for each the first that is like it. */
static bool find_all(struct workshop *w, const char *model, const struct model_request *requests, size_t n, struct arena *arena,
		     struct call_row *calls, size_t *missing, size_t *n_missing, size_t *same, struct error *err)
{
	struct hash_map texts = { 0 };
	bool paid = model_leaves(model), went_well = true;

	*n_missing = 0;
	for (size_t i = 0; i < n && went_well; i++) {
		bool found = false;
		const char *json = model_request_json(arena, &requests[i]);
		uint64_t hash = hash64(json, strlen(json), 0);

		same[i] = hash_map_put(&texts, json, strlen(json), i);
		calls[i] = (struct call_row){ .model = model, .request_hash = hash, .request = json };
		if (w->store && same[i] == i)
			went_well = store_call_find(w->store, arena, model, hash, &calls[i], &found, err);
		if (found && paid)
			went_well = note_cached(w, &calls[i], err);
		if (!found && same[i] == i)
			missing[(*n_missing)++] = i;
	}
	hash_map_release(&texts);
	return went_well;
}

bool calls_ask(struct workshop *w, const char *name, const struct model_request *requests, size_t n, struct arena *arena,
	       struct call_row *calls, struct error *err)
{
	struct model *model = model_open(w->models, name, err);
	size_t *missing = arena_array(arena, n, sizeof(*missing)), *same = arena_array(arena, n, sizeof(*same)), n_missing = 0;

	if (!model || !recall(w, model, err) || !find_all(w, name, requests, n, arena, calls, missing, &n_missing, same, err) ||
	    !ask_missing(w, model, arena, requests, missing, n_missing, calls, err))
		return false;
	for (size_t i = 0; i < n; i++)
		calls[i] = calls[same[i]];
	return true;
}

bool calls_ask_texts(void *context, const char *model, const struct model_request *requests, size_t n, struct arena *arena, const char **texts,
		     struct error *err)
{
	struct call_row *calls = arena_array(arena, n, sizeof(*calls));

	if (!calls_ask(context, model, requests, n, arena, calls, err))
		return false;
	for (size_t i = 0; i < n; i++)
		texts[i] = calls[i].output;
	return true;
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
	if (!calls_ask(w, v->model, requests, n, arena, guesses, err))
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

	if (variant_embeds(v) && !models_embed_ahead(w->models, queries, n, err))
		return false;
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
	    !calls_ask(w, model, requests, n * samples, arena, replies, err))
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

bool variant_prefetch(struct workshop *w, const struct variant *const *variants, size_t n_variants, const struct example *const *items,
		      size_t n, struct error *err)
{
	struct arena arena;
	size_t most = 0, n_requests = 0;
	const char *model = NULL;
	bool asked = true;

	arena_init(&arena);
	for (size_t k = 0; k < n_variants; k++)
		most += n * variant_replies(variants[k]);
	struct model_request *requests = arena_array(&arena, most, sizeof(*requests));
	struct evidence *shown = arena_array(&arena, n, sizeof(*shown));
	const char **queries = arena_array(&arena, n, sizeof(*queries));

	for (size_t i = 0; i < n; i++)
		queries[i] = workshop_text(w, &arena, items[i]);
	for (size_t k = 0; k < n_variants && asked; k++) {
		const struct variant *v = variants[k];

		if (v->technique && v->technique->rewrites) /* what it searches for has to be asked first */
			continue;
		model = v->model;
		asked = list_requests(w, v, items, n, queries, &arena, requests + n_requests, shown, err);
		n_requests += n * variant_replies(v);
	}
	if (asked && n_requests > 0)
		asked = calls_ask(w, model, requests, n_requests, &arena, arena_array(&arena, n_requests, sizeof(struct call_row)), err);
	arena_release(&arena);
	return asked;
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
