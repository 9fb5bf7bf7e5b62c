/* generate.c - generate(): prompts decode together, one row each a step; who finishes leaves, and the next enters. */
#include "llm/generate.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/text.h"
#include "llm/constrain.h"
#include "llm/prompt_tree.h"

enum { ACTIVE = 64 }; /* prompts in one step: 13 MB of logits at 49,152 words */

/* One prompt's answer while it grows. */
struct answer {
	size_t prompt;
	struct context *context; /* the answer's own tokens, behind the prompt's */
	struct generation *out;
	struct buf raw; /* bytes of the tokens; what is final of them is in out->text, repaired */
	size_t final;   /* bytes of raw that are */
	struct rng rng;
	struct constraint *constraint; /* under a grammar; several answers may have one */
	struct grammar_state state;    /* what was written */
	int32_t next;   /* token chosen in this step; -1: none, the text ends */
	double next_log_p;
	bool done;
};

/* Memory of one thread for choosing a token. */
struct chooser {
	struct sample_choice *room; /* (vocabulary), when tokens are drawn */
	int32_t *ids;               /* (vocabulary), under a grammar: the tokens of a mask */
	float *logits;              /* (vocabulary), theirs */
};

struct decoding {
	struct decoder *d;
	const struct generate_options *options;
	struct prompt_tree *prompts;
	size_t limit, budget;
	size_t reserved; /* tokens an answer may take */
	float *logits;   /* (ACTIVE, vocabulary) */
	struct chooser *choosers; /* one a thread */
	struct answer answers[ACTIVE];
	size_t n;
	struct constraint *constraints; /* (n_constraints) one a grammar */
	size_t n_constraints;
	size_t *constrained;      /* (n) which of them is a prompt's */
	uint64_t *masks;          /* (ACTIVE, constraint_words()) of answers whose choice was not allowed */
	size_t rejected[ACTIVE];  /* which answers these are */
};

static bool is_end(const struct decoding *g, int32_t id)
{
	return id == g->options->end || id == tokenizer_end(decoder_tokenizer(g->d));
}

/* --- text --- */

/* The offset of the first stop string in what is not final yet; n when there is none. */
static size_t find_stop(const struct decoding *g, const struct answer *a)
{
	const struct buf *raw = &a->raw;
	size_t first = raw->n;

	for (size_t i = 0; i < g->options->n_stop && raw->n > a->final; i++) {
		const char *stop = g->options->stop[i];
		const char *at = *stop ? memmem(raw->data + a->final, raw->n - a->final, stop, strlen(stop)) : NULL;

		if (at && (size_t)(at - raw->data) < first)
			first = (size_t)(at - raw->data);
	}
	return first;
}

/* Bytes before a last part that a stop string may begin with. */
static size_t before_stop(const struct decoding *g, const struct answer *a)
{
	for (size_t at = a->final; at < a->raw.n; at++)
		for (size_t i = 0; i < g->options->n_stop; i++)
			if (strncmp(g->options->stop[i], a->raw.data + at, a->raw.n - at) == 0)
				return at;
	return a->raw.n;
}

/* Bytes of the first n that end with a whole character, leaving out a last one that is cut. */
static size_t whole_characters(const char *text, size_t n)
{
	for (size_t back = 1; back <= 3 && back <= n; back++) {
		unsigned char c = (unsigned char)text[n - back];
		size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;

		if ((c & 0xC0) != 0x80)
			return need > back ? n - back : n;
	}
	return n;
}

/* What is final up to byte `to` leaves as UTF-8; a model may write any bytes. */
static void finish_text(const struct decoding *g, struct answer *a, size_t to)
{
	struct buf *text = &a->out->text;
	size_t before = text->n;

	if (to <= a->final)
		return;
	text_repair(text, a->raw.data + a->final, to - a->final);
	a->final = to;
	if (g->options->piece && !a->out->stopped &&
	    !g->options->piece(g->options->context, a->prompt, text->data + before, text->n - before))
		a->done = a->out->stopped = true;
}

/* Adds the token's bytes; ends the answer at a stop string. */
static void add_text(const struct decoding *g, struct answer *a, int32_t id)
{
	size_t stop;

	tokenizer_decode(decoder_tokenizer(g->d), &id, 1, &a->raw);
	stop = find_stop(g, a);
	if (stop < a->raw.n) {
		a->done = true;
		a->raw.n = stop;
		return;
	}
	finish_text(g, a, whole_characters(a->raw.data, before_stop(g, a)));
}

/* --- tokens --- */

static void add_log_p(struct answer *a)
{
	struct generation *out = a->out;

	if ((out->tokens & (out->tokens - 1)) == 0) /* full at every power of two */
		out->log_p = mem_resize(out->log_p, out->tokens ? 2 * out->tokens : 1, sizeof(*out->log_p));
	out->log_p[out->tokens] = a->next_log_p;
}

static void take_free(const struct decoding *g, struct answer *a)
{
	if (is_end(g, a->next)) {
		a->done = true;
		return;
	}
	if (g->options->log_p)
		add_log_p(a);
	a->out->tokens++;
	add_text(g, a, a->next);
	if (a->done)
		return;
	a->out->truncated = a->out->tokens >= g->options->max_tokens || context_length(a->context) >= g->limit;
	a->done = a->out->truncated;
	if (!a->done)
		context_append(a->context, a->next);
}

/* --- under a grammar --- */

/* Tokens that may still be written; the last one needs no place in the context. */
static size_t tokens_left(const struct decoding *g, const struct answer *a)
{
	size_t length = context_length(a->context), room = length <= g->limit ? g->limit - length + 1 : 0;
	size_t left = g->options->max_tokens - a->out->tokens;

	return left < room ? left : room;
}

/* The text is what the grammar read, to the byte. */
static void write_token(struct decoding *g, struct answer *a, int32_t id)
{
	size_t n;
	const char *bytes = token_bytes_get(a->constraint->tokens, id, &n);

	grammar_advance(a->constraint->matcher, &a->state, bytes, n);
	buf_add(&a->raw, bytes, n);
	a->out->tokens++;
	context_append(a->context, id);
	finish_text(g, a, whole_characters(a->raw.data, a->raw.n));
}

/* Writes on while there is no choice. Where nothing may follow the answer is done, without a model call. */
static void write_forced(struct decoding *g, struct answer *a)
{
	struct token_list forced = { 0 };

	constraint_force(a->constraint, a->state, &forced);
	for (size_t i = 0; i < forced.n && !a->done; i++)
		write_token(g, a, forced.ids[i]);
	token_list_release(&forced);
	a->done |= grammar_at_end(a->constraint->matcher, a->state) || tokens_left(g, a) == 0;
}

static void take_allowed(struct decoding *g, struct answer *a)
{
	if (a->next < 0 || is_end(g, a->next)) {
		a->done = true;
		return;
	}
	write_token(g, a, a->next);
	if (!a->done)
		write_forced(g, a);
}

static void start_grammar(struct decoding *g, struct answer *a)
{
	a->constraint = &g->constraints[g->constrained[a->prompt]];
	a->state = grammar_begin(a->constraint->matcher);
	a->out->truncated = grammar_shortest(a->constraint->matcher, a->state) > tokens_left(g, a);
	a->done = a->out->truncated;
	if (!a->done)
		write_forced(g, a);
}

/* --- choosing --- */

static double draw(const struct decoding *g, struct answer *a)
{
	return g->options->sampling.temperature > 0 ? rng_double(&a->rng) : 0;
}

static void choose(void *context, size_t tile, int worker)
{
	struct decoding *g = context;
	struct answer *a = &g->answers[tile];
	size_t vocabulary = decoder_vocabulary(g->d);
	const float *logits = g->logits + tile * vocabulary;

	a->next = sample_token(&g->options->sampling, logits, vocabulary, draw(g, a), g->choosers[worker].room);
	if (g->options->log_p && !g->options->grammars)
		a->next_log_p = (double)logits[a->next] - sample_log_sum(logits, vocabulary);
}

/* Chooses again, for an answer whose choice was not allowed, among the tokens of its mask. */
static void choose_masked(void *context, size_t tile, int worker)
{
	struct decoding *g = context;
	struct answer *a = &g->answers[g->rejected[tile]];
	const struct chooser *c = &g->choosers[worker];
	const float *logits = g->logits + g->rejected[tile] * decoder_vocabulary(g->d);
	size_t words = constraint_words(a->constraint), n = 0;
	const uint64_t *mask = g->masks + tile * words;

	for (size_t w = 0; w < words; w++)
		for (uint64_t bits = mask[w]; bits; bits &= bits - 1) {
			c->ids[n] = (int32_t)(64 * w + (size_t)__builtin_ctzll(bits));
			c->logits[n] = logits[c->ids[n]];
			n++;
		}
	a->next = n ? c->ids[sample_token(&g->options->sampling, c->logits, n, draw(g, a), c->room)] : -1;
}

/* A matcher is one thread's, so what was chosen is judged in turn; only what fails is chosen anew. */
static void enforce_grammar(struct decoding *g)
{
	size_t n = 0, words = constraint_words(&g->constraints[0]);

	for (size_t i = 0; i < g->n; i++) {
		struct answer *a = &g->answers[i];
		size_t left = tokens_left(g, a);

		if (constraint_allows(a->constraint, a->state, a->next, left))
			continue;
		constraint_mask(a->constraint, a->state, left, g->masks + n * words);
		g->rejected[n++] = i;
	}
	pool_run(decoder_pool(g->d), n, choose_masked, g);
}

static void open_choosers(struct decoding *g)
{
	size_t threads = (size_t)pool_threads(decoder_pool(g->d)), vocabulary = decoder_vocabulary(g->d);

	g->choosers = mem_zero(threads, sizeof(*g->choosers));
	for (size_t i = 0; i < threads; i++) {
		struct chooser *c = &g->choosers[i];

		if (g->options->sampling.temperature > 0)
			c->room = mem_resize(NULL, vocabulary, sizeof(*c->room));
		if (g->options->grammars) {
			c->ids = mem_resize(NULL, vocabulary, sizeof(*c->ids));
			c->logits = mem_resize(NULL, vocabulary, sizeof(*c->logits));
		}
	}
}

static void close_choosers(struct decoding *g)
{
	for (size_t i = 0; i < (size_t)pool_threads(decoder_pool(g->d)); i++) {
		free(g->choosers[i].room);
		free(g->choosers[i].ids);
		free(g->choosers[i].logits);
	}
	free(g->choosers);
}

/* --- steps --- */

static void finish(const struct decoding *g, struct answer *a)
{
	const struct buf *raw = &a->raw;

	if (!a->out->stopped)
		finish_text(g, a, a->out->truncated ? whole_characters(raw->data, raw->n) : raw->n);
	buf_release(&a->raw);
	context_free(a->context);
	prompt_tree_close(g->prompts, a->prompt);
}

/* Finishes what is done and closes the gaps. */
static void keep_active(struct decoding *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->n; i++) {
		if (g->answers[i].done)
			finish(g, &g->answers[i]);
		else
			g->answers[kept++] = g->answers[i];
	}
	g->n = kept;
}

static void start(struct decoding *g, size_t prompt, struct generation *out)
{
	struct answer *a = &g->answers[g->n++];
	const uint64_t *seeds = g->options->seeds;

	*a = (struct answer){ .prompt = prompt, .out = out };
	a->context = context_new(g->d, prompt_tree_open(g->prompts, prompt), NULL, 0);
	rng_init(&a->rng, seeds ? seeds[prompt] : 0, "tokens");
	if (g->options->grammars)
		start_grammar(g, a);
}

static bool has_room(const struct decoding *g, size_t prompt)
{
	size_t tokens = prompt_tree_tokens(g->prompts) + prompt_tree_cost(g->prompts, prompt);

	return g->n == 0 || (g->n < ACTIVE && tokens + (g->n + 1) * g->reserved <= g->budget);
}

static void step(struct decoding *g)
{
	struct context *contexts[ACTIVE];

	for (size_t i = 0; i < g->n; i++)
		contexts[i] = g->answers[i].context;
	decoder_step(g->d, contexts, g->n, g->logits);
	pool_run(decoder_pool(g->d), g->n, choose, g);
	if (g->options->grammars)
		enforce_grammar(g);
	for (size_t i = 0; i < g->n; i++) {
		if (g->options->grammars)
			take_allowed(g, &g->answers[i]);
		else
			take_free(g, &g->answers[i]);
	}
}

static void run(struct decoding *g, size_t n, struct generation *out)
{
	const size_t *order = prompt_tree_order(g->prompts);

	for (size_t next = 0; next < n || g->n > 0;) {
		while (next < n && has_room(g, order[next])) {
			start(g, order[next], &out[order[next]]);
			next++;
		}
		keep_active(g); /* a grammar may leave no choice, or no room: done before the first step */
		if (g->n > 0)
			step(g);
		keep_active(g);
	}
}

/* The constraint of a prompt: an earlier prompt's, when they have the same grammar. */
static size_t constraint_at(struct decoding *g, size_t prompt)
{
	const struct generate_options *o = g->options;

	for (size_t i = 0; i < prompt; i++)
		if (o->grammars[i] == o->grammars[prompt])
			return g->constrained[i];
	constraint_init(&g->constraints[g->n_constraints], o->grammars[prompt], o->token_bytes, decoder_tokenizer(g->d), o->end);
	return g->n_constraints++;
}

static void open_grammars(struct decoding *g, size_t n)
{
	g->constraints = mem_zero(n, sizeof(*g->constraints));
	g->constrained = mem_zero(n, sizeof(*g->constrained));
	for (size_t i = 0; i < n; i++)
		g->constrained[i] = constraint_at(g, i);
	g->masks = mem_resize(NULL, (n < ACTIVE ? n : ACTIVE) * constraint_words(&g->constraints[0]), sizeof(*g->masks));
}

static void close_grammars(struct decoding *g)
{
	for (size_t i = 0; i < g->n_constraints; i++)
		constraint_release(&g->constraints[i]);
	free(g->constraints);
	free(g->constrained);
	free(g->masks);
}

void generate(struct decoder *d, struct context *shared, const struct token_list *prompts, size_t n,
	      const struct generate_options *options, struct generation *out)
{
	struct decoding *g = mem_zero(1, sizeof(*g));
	size_t model_limit = decoder_limit(d);

	g->d = d;
	g->options = options;
	g->limit = options->limit > 0 && options->limit < model_limit ? options->limit : model_limit;
	g->budget = options->budget ? options->budget : GENERATE_BUDGET;
	g->reserved = options->max_tokens < g->limit ? options->max_tokens : g->limit;
	g->prompts = prompt_tree_new(d, shared, prompts, n);
	g->logits = mem_resize(NULL, (n < ACTIVE ? n : ACTIVE) * decoder_vocabulary(d), sizeof(*g->logits));
	open_choosers(g);
	if (options->grammars && n > 0)
		open_grammars(g, n);
	for (size_t i = 0; i < n; i++)
		out[i] = (struct generation){ 0 };
	run(g, n, out);
	close_choosers(g);
	close_grammars(g);
	free(g->logits);
	prompt_tree_free(g->prompts);
	free(g);
}

void generation_release(struct generation *g)
{
	buf_release(&g->text);
	free(g->log_p);
	g->log_p = NULL;
}
