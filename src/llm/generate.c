/* generate.c - generate_greedy(): a group of prompts decodes together, one row each a step; finished ones leave. */
#include "llm/generate.h"

#include "base/arena.h"
#include "base/text.h"
#include "llm/token_tree.h"

enum {
	TOKENS = 3072, /* of one group, prompts and answers: 142 MB of keys and values for SmolLM2-135M */
	PROMPTS = 64,  /* of one group: 13 MB of logits at 49,152 words */
};

/* One prompt's answer while it grows. */
struct answer {
	struct context *context;
	struct generation *out;
	struct token_list ids; /* under a grammar: the path so far */
	uint32_t node;         /* under a grammar: where the path ends */
	bool done;
};

struct decoding {
	struct decoder *d;
	const struct generate_options *options;
	size_t longest_stop; /* bytes */
	float *logits;       /* (PROMPTS, vocabulary) */
};

static bool is_end(const struct decoding *g, int32_t id)
{
	return id == g->options->end || id == tokenizer_end(decoder_tokenizer(g->d));
}

/* The offset of the first stop string that begins at `from` or later; n when there is none. */
static size_t find_stop(const struct decoding *g, const struct buf *text, size_t from)
{
	size_t first = text->n;

	for (size_t i = 0; i < g->options->n_stop; i++) {
		const char *stop = g->options->stop[i];
		const char *at = *stop ? memmem(text->data + from, text->n - from, stop, strlen(stop)) : NULL;

		if (at && (size_t)(at - text->data) < first)
			first = (size_t)(at - text->data);
	}
	return first;
}

static void cut_text(struct buf *text, size_t n)
{
	if (n < text->n) {
		text->n = n;
		text->data[n] = 0;
	}
}

/* Adds the token's text; a stop string may have begun in the tokens before. */
static void add_text(const struct decoding *g, struct answer *a, int32_t id)
{
	struct buf *text = &a->out->text;
	size_t before = text->n, stop;

	tokenizer_decode(decoder_tokenizer(g->d), &id, 1, text);
	if (text->n == before)
		return;
	stop = find_stop(g, text, before >= g->longest_stop ? before - g->longest_stop + 1 : 0);
	a->done = stop < text->n;
	cut_text(text, stop);
}

static int32_t best_token(const float *logits, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	return (int32_t)best;
}

static void step_free(const struct decoding *g, struct answer *a, const float *logits)
{
	int32_t id = best_token(logits, decoder_vocabulary(g->d));

	if (is_end(g, id)) {
		a->done = true;
		return;
	}
	a->out->tokens++;
	add_text(g, a, id);
	if (a->done)
		return;
	a->out->truncated = a->out->tokens >= g->options->max_tokens ||
			    context_length(a->context) >= decoder_limit(g->d);
	a->done = a->out->truncated;
	if (!a->done)
		context_append(a->context, id);
}

static void enter_node(struct answer *a, const struct token_tree *tree, uint32_t node)
{
	a->node = node;
	a->out->tokens++;
	token_list_add(&a->ids, tree->nodes[node].id);
	context_append(a->context, tree->nodes[node].id);
}

/* Walks on while there is no choice; a path that ends costs no model call for its last tokens. */
static void follow_forced(const struct decoding *g, struct answer *a)
{
	const struct token_tree *tree = g->options->grammar;
	uint32_t child;

	while ((child = token_tree_child(tree, a->node)) != 0) {
		if (tree->nodes[a->node].ends || tree->nodes[child].sibling != 0)
			return;
		enter_node(a, tree, child);
	}
	a->done = true;
}

/* Whether an end token is likelier than child token `id`; ties go to the lower id. */
static bool end_wins(const struct decoding *g, const float *logits, int32_t id)
{
	int32_t ends[] = { g->options->end, tokenizer_end(decoder_tokenizer(g->d)) };

	for (size_t i = 0; i < 2; i++)
		if (ends[i] >= 0 && (logits[ends[i]] > logits[id] || (logits[ends[i]] == logits[id] && ends[i] < id)))
			return true;
	return false;
}

static void step_grammar(const struct decoding *g, struct answer *a, const float *logits)
{
	const struct token_tree *tree = g->options->grammar;
	uint32_t best = token_tree_child(tree, a->node);

	for (uint32_t c = tree->nodes[best].sibling; c != 0; c = tree->nodes[c].sibling)
		if (logits[tree->nodes[c].id] > logits[tree->nodes[best].id])
			best = c;
	if (tree->nodes[a->node].ends && end_wins(g, logits, tree->nodes[best].id)) {
		a->done = true;
		return;
	}
	enter_node(a, tree, best);
	follow_forced(g, a);
}

/* Bytes that end with a whole character, leaving out a last one that is cut. */
static size_t whole_characters(const struct buf *text)
{
	for (size_t back = 1; back <= 3 && back <= text->n; back++) {
		unsigned char c = (unsigned char)text->data[text->n - back];
		size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;

		if ((c & 0xC0) != 0x80)
			return need > back ? text->n - back : text->n;
	}
	return text->n;
}

/* A model may write any bytes; what leaves here is UTF-8. */
static void repair_text(struct buf *text)
{
	struct buf whole = { 0 };
	size_t bad;

	if (text->n == 0 || text_valid(text->data, text->n, &bad))
		return;
	for (size_t at = 0; at < text->n;) {
		uint32_t code_point;
		char bytes[4];

		at += text_decode(text->data + at, text->n - at, &code_point);
		buf_add(&whole, bytes, text_encode(code_point, bytes));
	}
	buf_release(text);
	*text = whole;
}

static void finish(const struct decoding *g, struct answer *a)
{
	struct generation *out = a->out;

	if (g->options->grammar)
		tokenizer_decode(decoder_tokenizer(g->d), a->ids.ids, a->ids.n, &out->text);
	if (out->truncated)
		cut_text(&out->text, whole_characters(&out->text));
	repair_text(&out->text);
	token_list_release(&a->ids);
	context_free(a->context);
}

/* Finishes what is done and closes the gaps; returns how many go on. */
static size_t keep_active(const struct decoding *g, struct answer *answers, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (answers[i].done)
			finish(g, &answers[i]);
		else
			answers[kept++] = answers[i];
	}
	return kept;
}

static void step(const struct decoding *g, struct answer *answers, size_t n)
{
	struct context *contexts[PROMPTS];

	for (size_t i = 0; i < n; i++)
		contexts[i] = answers[i].context;
	decoder_compute(g->d, contexts, n);
	decoder_logits(g->d, contexts, n, g->logits);
	for (size_t i = 0; i < n; i++) {
		const float *row = g->logits + i * decoder_vocabulary(g->d);

		if (g->options->grammar)
			step_grammar(g, &answers[i], row);
		else
			step_free(g, &answers[i], row);
	}
}

static void generate_group(const struct decoding *g, struct context *shared, const struct token_list *prompts, size_t n,
			   struct generation *out)
{
	struct answer answers[PROMPTS];

	for (size_t i = 0; i < n; i++) {
		out[i] = (struct generation){ 0 };
		answers[i] = (struct answer){ .out = &out[i] };
		answers[i].context = context_new(g->d, shared, prompts[i].ids, prompts[i].n);
		if (g->options->grammar)
			follow_forced(g, &answers[i]);
	}
	n = keep_active(g, answers, n);
	while (n > 0) {
		step(g, answers, n);
		n = keep_active(g, answers, n);
	}
}

/* How many of the n prompts decode together; at least one. */
static size_t group_size(const struct token_list *prompts, size_t n, size_t max_tokens)
{
	size_t tokens = 0;

	for (size_t i = 0; i < n && i < PROMPTS; i++) {
		tokens += prompts[i].n + (max_tokens < TOKENS ? max_tokens : TOKENS);
		if (tokens > TOKENS)
			return i > 0 ? i : 1;
	}
	return n < PROMPTS ? n : PROMPTS;
}

void generate_greedy(struct decoder *d, struct context *shared, const struct token_list *prompts, size_t n,
		     const struct generate_options *options, struct generation *out)
{
	struct decoding g = { .d = d, .options = options };

	for (size_t i = 0; i < options->n_stop; i++)
		if (strlen(options->stop[i]) > g.longest_stop)
			g.longest_stop = strlen(options->stop[i]);
	g.logits = mem_resize(NULL, PROMPTS * decoder_vocabulary(d), sizeof(*g.logits));
	for (size_t at = 0; at < n;) {
		size_t group = group_size(prompts + at, n - at, options->max_tokens);

		generate_group(&g, shared, prompts + at, group, out + at);
		at += group;
	}
	free(g.logits);
}
