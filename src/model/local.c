/* local.c - the engine that runs small decoders in this process (src/llm). What the requests of a batch have in common
 * at their beginning is computed once. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "llm/chat.h"
#include "llm/generate.h"
#include "model/engine.h"
#include "model/registry.h"

struct local {
	struct decoder *decoder;
	const struct chat_format *format;
};

static bool local_serves(const char *name)
{
	return strcmp(name, "local") == 0 || strncmp(name, "local:", 6) == 0;
}

static void *local_open(const char *name, const char *folder, struct pool *pool, struct error *err)
{
	const struct kernels *kernels = kernels_choose(false, err);
	struct buf path = { 0 };
	struct local *l = NULL;

	if (!kernels)
		return NULL;
	registry_decoder_path(folder, name, &path);
	struct decoder *decoder = decoder_open(buf_text(&path), kernels, pool, err);

	buf_release(&path);
	if (decoder) {
		l = mem_zero(1, sizeof(*l));
		*l = (struct local){ decoder, chat_format_detect(decoder_tokenizer(decoder)) };
	}
	return l;
}

static void local_free(void *state)
{
	struct local *l = state;

	decoder_free(l->decoder);
	free(l);
}

static void encode_request(const struct local *l, const struct model_request *r, struct token_list *out)
{
	struct chat_message *messages = mem_zero(r->n_messages, sizeof(*messages));

	for (size_t i = 0; i < r->n_messages; i++)
		messages[i] = (struct chat_message){ (enum chat_role)r->messages[i].role, r->messages[i].text };
	chat_encode(l->format, decoder_tokenizer(l->decoder), messages, r->n_messages, out);
	free(messages);
}

/* Tokens that all prompts begin with; each keeps at least one of its own. */
static size_t common_prefix(const struct token_list *prompts, size_t n)
{
	size_t shared = prompts[0].n ? prompts[0].n - 1 : 0;

	for (size_t i = 1; i < n; i++) {
		size_t k = 0;

		while (k < shared && k + 1 < prompts[i].n && prompts[i].ids[k] == prompts[0].ids[k])
			k++;
		shared = k;
	}
	return shared;
}

static struct token_tree *choices_tree(const struct local *l, const struct model_request *r)
{
	struct token_list *choices = mem_zero(r->n_choices, sizeof(*choices));
	struct token_tree *tree;

	for (size_t i = 0; i < r->n_choices; i++)
		tokenizer_encode(decoder_tokenizer(l->decoder), r->choices[i], strlen(r->choices[i]), false, &choices[i]);
	tree = token_tree_new(choices, r->n_choices);
	for (size_t i = 0; i < r->n_choices; i++)
		token_list_release(&choices[i]);
	free(choices);
	return tree;
}

static void ask_scores(struct local *l, struct arena *arena, const struct model_request *r, struct context *shared,
		       const struct token_list *prompts, size_t n, struct model_reply *replies)
{
	struct token_tree *tree = choices_tree(l, r);
	double *scores = arena_array(arena, n * r->n_choices, sizeof(*scores));

	score_sequences(l->decoder, shared, prompts, n, tree, scores);
	for (size_t i = 0; i < n; i++)
		replies[i] = (struct model_reply){ .scores = scores + i * r->n_choices, .output_tokens = 1 };
	token_tree_free(tree);
}

static void ask_text(struct local *l, struct arena *arena, const struct model_request *r, struct context *shared,
		     const struct token_list *prompts, size_t n, struct model_reply *replies)
{
	struct token_tree *tree = r->want == WANT_CHOICE ? choices_tree(l, r) : NULL;
	struct generate_options options = {
		.max_tokens = r->max_tokens ? r->max_tokens : 64,
		.end = chat_end(l->format, decoder_tokenizer(l->decoder)),
		.grammar = tree,
	};
	struct generation *made = mem_zero(n, sizeof(*made));

	generate_greedy(l->decoder, shared, prompts, n, &options, made);
	for (size_t i = 0; i < n; i++) {
		replies[i] = (struct model_reply){
			.status = made[i].truncated ? MODEL_TRUNCATED : MODEL_OK,
			.text = arena_copy(arena, buf_text(&made[i].text), made[i].text.n),
			.output_tokens = made[i].tokens,
		};
		buf_release(&made[i].text);
	}
	free(made);
	token_tree_free(tree);
}

/* Runs requests whose prompts all fit, behind the prefix they share. */
static void ask_fitting(struct local *l, struct arena *arena, const struct model_request *r, struct token_list *prompts,
			size_t n, struct model_reply *replies)
{
	size_t prefix = n > 1 ? common_prefix(prompts, n) : 0;
	struct context *shared = prefix ? context_new(l->decoder, NULL, prompts[0].ids, prefix) : NULL;
	struct token_list *rest = mem_zero(n, sizeof(*rest));
	double start = clock_ms(), tokens = 0, ms;

	for (size_t i = 0; i < n; i++)
		rest[i] = (struct token_list){ prompts[i].ids + prefix, prompts[i].n - prefix, prompts[i].n - prefix };
	(r->want == WANT_SCORES ? ask_scores : ask_text)(l, arena, r, shared, rest, n, replies);
	ms = clock_ms() - start;
	for (size_t i = 0; i < n; i++)
		tokens += (double)(rest[i].n + replies[i].output_tokens);
	for (size_t i = 0; i < n; i++) {
		replies[i].input_tokens = prompts[i].n;
		replies[i].ms = ms * (double)(rest[i].n + replies[i].output_tokens) / tokens;
	}
	free(rest);
	context_free(shared);
}

/* Room that the reply needs behind the prompt. */
static size_t reply_room(const struct model_request *r)
{
	return r->want == WANT_TEXT ? (r->max_tokens ? r->max_tokens : 64) : 64;
}

static bool local_ask(void *state, struct arena *arena, const struct model_request *requests, size_t n,
		      struct model_reply *replies, struct error *err)
{
	struct local *l = state;
	struct token_list *prompts = mem_zero(n, sizeof(*prompts));
	struct token_list *fitting = mem_zero(n, sizeof(*fitting));
	struct model_reply *made = mem_zero(n, sizeof(*made));
	size_t *position = mem_zero(n, sizeof(*position));
	size_t fits = 0;

	(void)err;
	for (size_t i = 0; i < n; i++) {
		encode_request(l, &requests[i], &prompts[i]);
		if (prompts[i].n + reply_room(&requests[i]) <= decoder_limit(l->decoder)) {
			position[fits] = i;
			fitting[fits++] = prompts[i];
		} else {
			replies[i] = (struct model_reply){ .status = MODEL_ERROR, .input_tokens = prompts[i].n,
				.text = arena_printf(arena, "the prompt's %zu tokens do not fit the model's context of %zu",
						     prompts[i].n, decoder_limit(l->decoder)) };
		}
	}
	if (fits)
		ask_fitting(l, arena, &requests[0], fitting, fits, made);
	for (size_t i = 0; i < fits; i++)
		replies[position[i]] = made[i];
	for (size_t i = 0; i < n; i++)
		token_list_release(&prompts[i]);
	free(prompts);
	free(fitting);
	free(made);
	free(position);
	return true;
}

const struct model_engine model_engine_local = { local_serves, local_open, local_free, local_ask };
