/* local.c - the engine that runs small decoders in this process (src/llm). What the requests of a batch have in common
 * at their beginning is computed once, and what one batch after another begins with is kept between them. A decoder is
 * loaded once, whatever adapters it is read through. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "llm/adapter.h"
#include "llm/generate.h"
#include "llm/prefix_cache.h"
#include "model/engine.h"
#include "model/reader.h"
#include "model/registry.h"
#include "model/tuned.h"
#include "schema/schema.h"

enum {
	CONTEXT_TOKENS = 8192, /* of a request that asks for no other limit: longer prompts are seldom meant */
	TEXT_TOKENS = 64,
};

/* What a name stands for: a decoder as it is, or read through an adapter. */
struct voice {
	struct local *local;
	struct adapter *adapter; /* NULL: as it is */
	struct context *root;    /* no tokens; whatever is read descends from it */
	struct voice *next;
};

/* A decoder, and what all its voices share. */
struct local {
	char *path;
	struct decoder *decoder;
	const struct chat_format *format;
	struct prefix_cache *prefixes; /* holds a quarter of the memory, batches the rest */
	size_t budget;                 /* tokens of a batch in flight */
	struct token_bytes *token_bytes; /* for schemas; NULL until one is asked for */
	struct compiled *compiled;     /* (n_compiled) schemas of the last call, which the next may have again */
	size_t n_compiled;
	struct voice *voices;
	struct local *next;
};

struct local_engine {
	const char *folder;
	const struct model_settings *settings;
	struct pool *pool;
	struct local *loaded;
};

struct compiled {
	char *schema;
	struct grammar *grammar;
};

/* Requests that run together: those of a call whose prompts fit. */
struct batch {
	struct local *local;
	struct context *root;
	struct arena *arena;
	const struct model_request **requests; /* (n) alike but for messages, schema, seed and listener */
	struct token_list *prompts;            /* (n) */
	struct model_reply **replies;          /* (n) */
	size_t n, limit;
	struct token_tree *choices;            /* WANT_SCORES */
	const struct grammar **grammars;       /* (n) WANT_JSON; else NULL */
	struct context *shared;                /* what all prompts begin with: root, or a context behind it */
	struct token_list *rest;               /* (n) the prompts behind it, borrowed */
};

static void *local_start(const char *folder, const struct model_settings *settings, struct pool *pool)
{
	struct local_engine *e = mem_zero(1, sizeof(*e));

	*e = (struct local_engine){ folder, settings, pool, NULL };
	return e;
}

static void compiled_free(struct compiled *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		grammar_free(c[i].grammar);
		free(c[i].schema);
	}
	free(c);
}

static void local_free(struct local *l)
{
	prefix_cache_free(l->prefixes);
	while (l->voices) {
		struct voice *next = l->voices->next;

		context_free(l->voices->root);
		adapter_free(l->voices->adapter);
		free(l->voices);
		l->voices = next;
	}
	token_bytes_free(l->token_bytes);
	compiled_free(l->compiled, l->n_compiled);
	decoder_free(l->decoder);
	free(l->path);
	free(l);
}

static void local_stop(void *engine)
{
	struct local_engine *e = engine;

	while (e->loaded) {
		struct local *next = e->loaded->next;

		local_free(e->loaded);
		e->loaded = next;
	}
	free(e);
}

static void set_memory(struct local *l, size_t memory_mb)
{
	size_t tokens = (memory_mb ? memory_mb : MODEL_MEMORY_MB) * 1000000 / context_token_bytes(l->decoder);

	l->prefixes = prefix_cache_new(l->decoder, tokens / 4);
	l->budget = tokens - tokens / 4 > 0 ? tokens - tokens / 4 : 1;
}

/* The decoder of that file, loaded if it is not yet. */
static struct local *local_of(struct local_engine *e, const char *path, struct error *err)
{
	const struct kernels *kernels = kernels_choose(false, err);

	for (struct local *l = e->loaded; l; l = l->next)
		if (strcmp(l->path, path) == 0)
			return l;
	struct decoder *decoder = kernels ? decoder_open(path, kernels, e->pool, err) : NULL;

	if (!decoder)
		return NULL;
	struct local *l = mem_zero(1, sizeof(*l));

	*l = (struct local){ .path = mem_string(path), .decoder = decoder, .next = e->loaded };
	l->format = chat_format_detect(decoder_tokenizer(decoder));
	set_memory(l, e->settings->memory_mb);
	e->loaded = l;
	return l;
}

/* adapter: a file, or "" */
static struct voice *add_voice(struct local *l, const char *adapter, struct error *err)
{
	struct voice *v = mem_zero(1, sizeof(*v));

	*v = (struct voice){ .local = l, .next = l->voices };
	if (*adapter && !(v->adapter = adapter_open(adapter, l->decoder, err))) {
		free(v);
		return NULL;
	}
	v->root = context_new(l->decoder, NULL, NULL, 0);
	context_adapt(v->root, v->adapter);
	l->voices = v;
	return v;
}

/* The base and the adapter of a fine-tuned model; the base must still be what it was trained on. */
static bool find_tuned(const struct local_engine *e, const char *name, struct registry_files *files, struct error *err)
{
	struct tuned t;

	if (!tuned_find(e->settings->tuned, name, &t, err))
		return false;
	bool found = t.kind == TUNED_ADAPTER || error_set(err, "model \"%s\": an encoder, which writes no text", name);

	found = found && registry_find(e->folder, t.base, files, err) && tuned_base_same(&t, buf_text(&files->base), err);
	if (found)
		buf_addf(&files->adapter, "%s/adapter.gguf", t.folder);
	tuned_release(&t);
	return found;
}

static bool local_serves(const char *name)
{
	return registry_is_local(name) || tuned_is(name);
}

static void *local_open(void *engine, const char *name, struct error *err)
{
	struct local_engine *e = engine;
	struct registry_files files = { 0 };
	bool found = tuned_is(name) ? find_tuned(e, name, &files, err) : registry_find(e->folder, name, &files, err);
	struct local *l = found ? local_of(e, buf_text(&files.base), err) : NULL;
	struct voice *v = l ? add_voice(l, buf_text(&files.adapter), err) : NULL;

	registry_files_release(&files);
	return v;
}

static void encode_request(const struct local *l, const struct model_request *r, struct token_list *out)
{
	messages_encode(l->format, decoder_tokenizer(l->decoder), r->messages, r->n_messages, out);
}

/* The choices as a tree, and how many tokens the longest has. */
static struct token_tree *choices_tree(const struct local *l, const struct model_request *r, size_t *longest)
{
	struct token_list *choices = mem_zero(r->n_choices, sizeof(*choices));
	struct token_tree *tree;

	*longest = 0;
	for (size_t i = 0; i < r->n_choices; i++) {
		tokenizer_encode(decoder_tokenizer(l->decoder), r->choices[i], strlen(r->choices[i]), false, &choices[i]);
		*longest = choices[i].n > *longest ? choices[i].n : *longest;
	}
	tree = token_tree_new(choices, r->n_choices);
	for (size_t i = 0; i < r->n_choices; i++)
		token_list_release(&choices[i]);
	free(choices);
	return tree;
}

static const struct compiled *find_compiled(const struct compiled *c, size_t n, const char *schema)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].schema && strcmp(c[i].schema, schema) == 0)
			return &c[i];
	return NULL;
}

/* Makes *c the schema's: what the call before has is moved. */
static bool compile_schema(struct local *l, const char *schema, struct compiled *c, struct error *err)
{
	struct compiled *before = (struct compiled *)find_compiled(l->compiled, l->n_compiled, schema);

	if (before) {
		*c = *before;
		*before = (struct compiled){ 0 };
		return true;
	}
	if (!l->token_bytes)
		l->token_bytes = token_bytes_of(decoder_tokenizer(l->decoder));
	c->grammar = schema_compile(schema, strlen(schema), &l->token_bytes->alphabet, err);
	if (c->grammar)
		c->schema = mem_string(schema);
	return c->grammar != NULL;
}

/* Compiles each of the requests' schemas once. */
static bool compile_schemas(struct local *l, const struct model_request *requests, size_t n, struct error *err)
{
	struct compiled *compiled = mem_zero(n, sizeof(*compiled));
	size_t n_compiled = 0;
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++)
		if (!find_compiled(compiled, n_compiled, requests[i].schema)) {
			ok = compile_schema(l, requests[i].schema, &compiled[n_compiled], err);
			n_compiled += ok;
		}
	compiled_free(l->compiled, l->n_compiled);
	l->compiled = compiled;
	l->n_compiled = n_compiled;
	return ok;
}

static void ask_scores(struct batch *b)
{
	size_t n_choices = b->requests[0]->n_choices;
	double *scores = arena_array(b->arena, b->n * n_choices, sizeof(*scores));

	score_sequences(b->local->decoder, b->shared, b->rest, b->n, b->choices, b->local->budget, scores);
	for (size_t i = 0; i < b->n; i++)
		*b->replies[i] = (struct model_reply){ .scores = scores + i * n_choices, .output_tokens = 1 };
}

static struct model_reply too_short(struct arena *arena, size_t max_tokens)
{
	return (struct model_reply){ .status = MODEL_TRUNCATED,
		.why = arena_printf(arena, "the %zu tokens of the reply are fewer than the bytes of the shortest JSON that "
				    "satisfies the schema; allow more (max_tokens)", max_tokens) };
}

static bool pass_piece(void *context, size_t i, const char *text, size_t n)
{
	const struct batch *b = context;
	const struct model_request *r = b->requests[i];

	return !r->piece || r->piece(r->context, text, n);
}

static struct model_reply text_reply(struct arena *arena, const struct generation *g)
{
	struct model_reply reply = {
		.status = g->truncated ? MODEL_TRUNCATED : MODEL_OK,
		.text = arena_copy(arena, buf_text(&g->text), g->text.n),
		.output_tokens = g->tokens,
	};

	if (g->log_p) {
		double *log_p = arena_array(arena, g->tokens, sizeof(*log_p));

		memcpy(log_p, g->log_p, g->tokens * sizeof(*log_p));
		reply.log_p = log_p;
	}
	return reply;
}

static void ask_text(struct batch *b, size_t max_tokens)
{
	const struct model_request *r = b->requests[0];
	const struct model_sampling *s = &r->sampling;
	struct decoder *d = b->local->decoder;
	uint64_t *seeds = mem_zero(b->n, sizeof(*seeds));
	struct generation *made = mem_zero(b->n, sizeof(*made));
	struct generate_options options = {
		.max_tokens = max_tokens, .stop = r->stop, .n_stop = r->n_stop,
		.end = chat_end(b->local->format, decoder_tokenizer(d)),
		.grammars = b->grammars, .token_bytes = b->local->token_bytes,
		.sampling = { .temperature = s->temperature, .top_k = s->top_k, .top_p = s->top_p, .min_p = s->min_p },
		.seeds = seeds, .limit = b->limit, .budget = b->local->budget, .log_p = r->want_log_p,
		.piece = pass_piece, .context = b,
	};

	for (size_t i = 0; i < b->n; i++)
		seeds[i] = b->requests[i]->sampling.seed;
	generate(d, b->shared, b->rest, b->n, &options, made);
	for (size_t i = 0; i < b->n; i++) {
		*b->replies[i] = text_reply(b->arena, &made[i]);
		if (b->grammars && made[i].truncated)
			*b->replies[i] = too_short(b->arena, max_tokens);
		generation_release(&made[i]);
	}
	free(seeds);
	free(made);
}

/* Runs the batch behind what its prompts share. Its time is shared out by the tokens that are a request's own. */
static void ask_batch(struct batch *b, size_t reply_tokens)
{
	size_t prefix;
	double start = clock_ms(), tokens = 0, ms;

	b->shared = prefix_cache_find(b->local->prefixes, b->root, b->prompts, b->n, &prefix);
	b->rest = mem_zero(b->n, sizeof(*b->rest));
	for (size_t i = 0; i < b->n; i++) {
		size_t n = b->prompts[i].n - prefix;

		b->rest[i] = (struct token_list){ b->prompts[i].ids + prefix, n, n };
	}
	if (b->requests[0]->want == WANT_SCORES)
		ask_scores(b);
	else
		ask_text(b, reply_tokens);
	ms = clock_ms() - start;
	for (size_t i = 0; i < b->n; i++)
		tokens += (double)(b->rest[i].n + b->replies[i]->output_tokens + 1);
	for (size_t i = 0; i < b->n; i++) {
		b->replies[i]->input_tokens = b->prompts[i].n;
		b->replies[i]->ms = ms * (double)(b->rest[i].n + b->replies[i]->output_tokens + 1) / tokens;
	}
	free(b->rest);
}

static struct model_reply too_long(struct arena *arena, size_t tokens, size_t reply, size_t limit)
{
	return (struct model_reply){ .status = MODEL_TRUNCATED, .input_tokens = tokens,
		.why = arena_printf(arena, "the prompt's %zu tokens and up to %zu for the reply do not fit the context "
				    "of %zu; shorten the input in the task's template, or allow more with --context when the "
				    "model was trained for it", tokens, reply, limit) };
}

static bool local_ask(void *model, struct arena *arena, const struct model_request *requests, size_t n,
		      struct model_reply *replies, const struct model_watch *watch, struct error *err)
{
	const struct voice *v = model;
	struct local *l = v->local;
	const struct model_request *r = &requests[0];
	size_t wanted = r->max_context ? r->max_context : CONTEXT_TOKENS;
	size_t reply = r->max_tokens ? r->max_tokens : TEXT_TOKENS;
	struct batch b = { .local = l, .root = v->root, .arena = arena };

	if (r->want == WANT_JSON && !compile_schemas(l, requests, n, err))
		return false;
	b.limit = wanted < decoder_limit(l->decoder) ? wanted : decoder_limit(l->decoder);
	b.requests = mem_zero(n, sizeof(const struct model_request *));
	b.prompts = mem_zero(n, sizeof(*b.prompts));
	b.replies = mem_zero(n, sizeof(struct model_reply *));
	if (r->want == WANT_JSON)
		b.grammars = mem_zero(n, sizeof(*b.grammars));
	if (r->want == WANT_SCORES)
		b.choices = choices_tree(l, r, &reply);
	for (size_t i = 0; i < n; i++) {
		struct token_list *prompt = &b.prompts[b.n];

		encode_request(l, &requests[i], prompt);
		if (prompt->n + reply > b.limit) {
			replies[i] = too_long(arena, prompt->n, reply, b.limit);
			token_list_release(prompt);
			continue;
		}
		if (b.grammars)
			b.grammars[b.n] = find_compiled(l->compiled, l->n_compiled, requests[i].schema)->grammar;
		b.requests[b.n] = &requests[i];
		b.replies[b.n++] = &replies[i];
	}
	if (b.n)
		ask_batch(&b, reply);
	for (size_t i = 0; i < b.n; i++)
		token_list_release(&b.prompts[i]);
	token_tree_free(b.choices);
	free(b.grammars);
	free(b.requests);
	free(b.prompts);
	free(b.replies);
	for (size_t i = 0; i < n; i++)
		if (!watch_replied(watch, i, &replies[i], err))
			return false;
	return true;
}

const struct model_engine model_engine_local = { local_serves, local_start, local_stop, local_open, local_ask };
