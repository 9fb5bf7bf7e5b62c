/* wire_openai.c - OpenAI's chat completions, as its API reference has them and as llama.cpp's server, Ollama, vLLM and LiteLLM speak it. */
#include <string.h>

#include "model/wire_inner.h"

/* What the strict mode asks of a schema: every object closed, and all of its members required. */
static bool is_strict(const json_t *schema)
{
	const json_t *members = json_object_get(schema, "properties"), *required = json_object_get(schema, "required");
	const char *key;
	json_t *value;
	size_t i;

	if (members && (!json_is_false(json_object_get(schema, "additionalProperties")) ||
			json_array_size(required) != json_object_size(members)))
		return false;
	json_object_foreach((json_t *)schema, key, value)
		if (!is_strict(value))
			return false;
	json_array_foreach(schema, i, value)
		if (!is_strict(value))
			return false;
	return true;
}

static void add_schema(json_t *root, const char *text, unsigned lacks)
{
	json_t *schema = json_loads(text, JSON_DECODE_ANY, NULL);

	if (lacks & LACKS_SCHEMA) {
		json_object_set_new(root, "response_format", json_pack("{s:s, s:o}", "type", "json_object", "schema",
								       schema ? schema : json_object()));
		return;
	}
	json_object_set_new(root, "response_format",
			    json_pack("{s:s, s:{s:s, s:b, s:o}}", "type", "json_schema", "json_schema", "name", "answer", "strict",
				      is_strict(schema), "schema", schema ? schema : json_object()));
}

/* Local servers take more than OpenAI's own, which the request then asks for by name. */
static void add_sampling(json_t *root, const struct model_sampling *s, unsigned lacks)
{
	if (lacks & LACKS_TEMPERATURE)
		return;
	json_object_set_new(root, "temperature", s->temperature > 0 ? json_real(s->temperature) : json_integer(0));
	if (!(s->temperature > 0))
		return;
	if (s->top_p > 0)
		json_object_set_new(root, "top_p", json_real(s->top_p));
	if (s->min_p > 0)
		json_object_set_new(root, "min_p", json_real(s->min_p));
	if (s->top_k > 0)
		json_object_set_new(root, "top_k", json_integer((json_int_t)s->top_k));
	if (!(lacks & LACKS_SEED))
		json_object_set_new(root, "seed", json_integer((json_int_t)(s->seed >> 1)));
}

static void chat_request(const struct model_request *r, const char *model, unsigned lacks, bool stream, struct buf *body)
{
	bool scored = r->want == WANT_SCORES && !(lacks & LACKS_SCORES);
	json_t *root = json_pack("{s:s, s:o}", "model", model, "messages", wire_turns(r, lacks)), *stops = wire_stops(r);

	json_object_set_new(root, lacks & LACKS_MAX_TOKENS ? "max_completion_tokens" : "max_tokens",
			    json_integer(scored ? 1 : (json_int_t)wire_tokens(r)));
	add_sampling(root, &r->sampling, lacks);
	if (stops && !(lacks & LACKS_STOP))
		json_object_set(root, "stop", stops);
	json_decref(stops);
	if (scored) {
		json_object_set_new(root, "logprobs", json_true());
		json_object_set_new(root, "top_logprobs", json_integer(WIRE_CANDIDATES));
	}
	if (r->want == WANT_JSON && !(lacks & LACKS_JSON))
		add_schema(root, r->schema, lacks);
	if (r->effort)
		json_object_set_new(root, "reasoning_effort", json_string(r->effort));
	if (stream)
		json_object_set_new(root, "stream", json_true());
	if (stream && !(lacks & LACKS_USAGE))
		json_object_set_new(root, "stream_options", json_pack("{s:b}", "include_usage", 1));
	wire_dump(root, body);
}

static void openai_request(const struct model_request *r, const char *model, unsigned lacks, bool stream, struct buf *body)
{
	if (request_is_of_texts(r))
		wire_texts_request(r, model, body);
	else
		chat_request(r, model, lacks, stream, body);
}

/* prompt_tokens hold the cached ones, completion_tokens those of reasoning. */
void wire_usage_openai(const json_t *root, struct wire_usage *u)
{
	const json_t *usage = json_object_get(root, "usage");

	if (!json_is_object(usage))
		return;
	*u = (struct wire_usage){
		.input = wire_count(usage, "prompt_tokens"), .output = wire_count(usage, "completion_tokens"), .known = true,
		.cache_read = wire_count(json_object_get(usage, "prompt_tokens_details"), "cached_tokens"),
		.reasoning = wire_count(json_object_get(usage, "completion_tokens_details"), "reasoning_tokens"),
	};
}

static enum wire_status finish_status(const char *reason, const char **why)
{
	if (reason && strcmp(reason, "length") == 0)
		return WIRE_TRUNCATED;
	if (!reason || strcmp(reason, "content_filter") != 0)
		return WIRE_OK;
	*why = "a content filter ended the reply";
	return WIRE_REFUSED;
}

static void add_content(const json_t *content, struct buf *out)
{
	const json_t *part;
	size_t i;

	if (json_is_string(content))
		buf_add(out, json_string_value(content), json_string_length(content));
	json_array_foreach(content, i, part)
		if (json_is_string(json_object_get(part, "text")))
			buf_adds(out, json_string_value(json_object_get(part, "text")));
}

static void read_choice(const struct model_request *r, const json_t *choice, struct arena *arena, struct wire_reply *out)
{
	const json_t *message = json_object_get(choice, "message"), *content = json_object_get(message, "content");
	const json_t *first = json_array_get(json_object_get(json_object_get(choice, "logprobs"), "content"), 0);
	struct buf text = { 0 };

	out->status = finish_status(json_string_value(json_object_get(choice, "finish_reason")), &out->why);
	if (json_is_string(json_object_get(message, "refusal"))) {
		out->status = WIRE_REFUSED;
		out->why = "the model refused";
	}
	if (r->want == WANT_SCORES) {
		out->scores = wire_scores(r, json_object_get(first, "top_logprobs"), arena);
		out->alike = !out->scores && json_array_size(json_object_get(first, "top_logprobs")) > 0;
		if (out->scores && out->status == WIRE_TRUNCATED) /* one token was asked for */
			out->status = WIRE_OK;
	}
	add_content(content, &text);
	if (!content || (json_is_null(content) && out->status == WIRE_OK)) {
		out->status = WIRE_EMPTY;
		out->why = "the reply holds no text";
	} else {
		out->text = wire_text(r, buf_text(&text), arena);
	}
	buf_release(&text);
}

static void chat_reply(const struct model_request *r, const char *body, size_t n, struct arena *arena, struct wire_reply *out)
{
	json_t *root = wire_json(body, n);
	const json_t *choices = json_object_get(root, "choices");

	*out = (struct wire_reply){ .status = WIRE_BROKEN, .why = "the reply is no chat completion" };
	wire_usage_openai(root, &out->usage);
	if (json_is_array(choices) && json_array_size(choices) == 0)
		*out = (struct wire_reply){ .status = WIRE_EMPTY, .usage = out->usage, .why = "the reply holds no choice" };
	else if (json_is_object(json_array_get(choices, 0))) {
		out->why = NULL;
		read_choice(r, json_array_get(choices, 0), arena, out);
	}
	json_decref(root);
}

static void openai_reply(const struct model_request *r, const char *body, size_t n, struct arena *arena, struct wire_reply *out)
{
	if (request_is_of_texts(r))
		wire_texts_reply(r, body, n, arena, out);
	else
		chat_reply(r, body, n, arena, out);
}

static bool openai_event(struct wire_stream *s, const char *name, const char *data, size_t n)
{
	json_t *root = strcmp(data, "[DONE]") == 0 ? NULL : wire_json(data, n);
	const json_t *choice = json_array_get(json_object_get(root, "choices"), 0), *delta = json_object_get(choice, "delta");
	const char *reason = json_string_value(json_object_get(choice, "finish_reason"));

	(void)name;
	s->n_before = s->text.n;
	s->ended = strcmp(data, "[DONE]") == 0;
	if (!s->ended && (!root || json_object_get(root, "error"))) {
		s->status_code = (int)wire_count(json_object_get(root, "error"), "code");
		buf_add(&s->error, data, n);
	}
	wire_usage_openai(root, &s->usage);
	add_content(json_object_get(delta, "content"), &s->text);
	if (json_is_string(json_object_get(delta, "refusal"))) {
		s->status = WIRE_REFUSED;
		s->why = "the model refused";
	}
	if (reason) {
		s->finished = true;
		s->status = s->status == WIRE_REFUSED ? s->status : finish_status(reason, &s->why);
	}
	json_decref(root);
	return !s->ended && s->error.n == 0;
}

const struct wire wire_openai = {
	.name = "openai", .ask_path = "/chat/completions", .embed_path = "/embeddings", .rerank_path = "/rerank",
	.list_path = "/models", .key_header = "Authorization: Bearer ",
	.request = openai_request, .reply = openai_reply, .event = openai_event, .error = wire_error_read, .models = wire_models,
	.batch = &wire_batch_openai,
};
