/* wire_echo.c - labels scored by all of their tokens, as vLLM lets them be: POST /tokenize gives the tokens of a conversation as the server's own
 * template writes it, and of a label, POST /completions the log-probabilities of tokens that were sent, with "echo". Sources:
 * vllm/entrypoints/serve/tokenize/protocol.py and vllm/entrypoints/openai/completion (protocol.py, serving.py) of vLLM. */
#include <stdlib.h>
#include <string.h>

#include "model/wire_inner.h"

void wire_echo_conversation(const struct model_request *r, const char *model, unsigned lacks, struct buf *body)
{
	wire_dump(json_pack("{s:s, s:o, s:b}", "model", model, "messages", wire_turns(r, lacks), "add_generation_prompt", 1), body);
}

void wire_echo_label(const char *label, const char *model, struct buf *body)
{
	wire_dump(json_pack("{s:s, s:s, s:b}", "model", model, "prompt", label, "add_special_tokens", 0), body);
}

bool wire_echo_tokens(const char *body, size_t n, struct arena *arena, struct wire_ids *out)
{
	json_t *root = wire_json(body, n);
	const json_t *tokens = json_object_get(root, "tokens"), *token;
	size_t i;

	*out = (struct wire_ids){ .n = json_array_size(tokens) };
	int64_t *ids = arena_array(arena, out->n, sizeof(*ids));

	json_array_foreach(tokens, i, token) {
		if (!json_is_integer(token)) {
			out->n = 0;
			break;
		}
		ids[i] = json_integer_value(token);
	}
	out->ids = ids;
	json_decref(root);
	return out->n > 0;
}

static void add_tokens(json_t *array, const struct wire_ids *t)
{
	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(array, json_integer(t->ids[i]));
}

/* One token more is asked for than anybody wants: not all take none. */
void wire_echo_request(const struct wire_ids *prompt, const struct wire_ids *const *labels, size_t n, const char *model,
		       struct buf *body)
{
	json_t *prompts = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *ids = json_array();

		add_tokens(ids, prompt);
		add_tokens(ids, labels[i]);
		json_array_append_new(prompts, ids);
	}
	wire_dump(json_pack("{s:s, s:o, s:b, s:i, s:i, s:i}", "model", model, "prompt", prompts, "echo", 1, "logprobs", 1, "max_tokens", 1,
			    "temperature", 0), body);
}

/* A server that adds tokens of its own, or echoes none, has other numbers of them. */
static bool read_choice(const json_t *choice, size_t n_prompt, size_t n_label, double *score)
{
	const json_t *log_p = json_object_get(json_object_get(choice, "logprobs"), "token_logprobs");
	size_t n = json_array_size(log_p), all = n_prompt + n_label;

	if (n != all && n != all + 1)
		return false;
	*score = 0;
	for (size_t i = n_prompt; i < all; i++) {
		if (!json_is_number(json_array_get(log_p, i)))
			return false;
		*score += json_number_value(json_array_get(log_p, i));
	}
	return true;
}

bool wire_echo_scores(const struct wire_ids *prompt, const struct wire_ids *const *labels, size_t n, const char *body, size_t n_body,
		      double *scores, struct wire_usage *usage)
{
	json_t *root = wire_json(body, n_body);
	const json_t *choices = json_object_get(root, "choices"), *choice;
	bool good = json_array_size(choices) == n;
	size_t i;

	wire_usage_openai(root, usage);
	json_array_foreach(choices, i, choice) {
		size_t which = wire_count(choice, "index");

		good = good && which < n && read_choice(choice, prompt->n, labels[which]->n, &scores[which]);
	}
	json_decref(root);
	return good;
}
