/* wire_anthropic.c - Anthropic's messages (API version 2023-06-01; structured outputs by output_config.format). */
#include <string.h>

#include "model/wire_inner.h"

static json_t *text_block(const json_t *text, bool marked)
{
	json_t *block = json_pack("{s:s, s:O}", "type", "text", "text", text);

	if (marked)
		json_object_set_new(block, "cache_control", json_pack("{s:s}", "type", "ephemeral"));
	return block;
}

/* What many requests begin with is all before the last turn: the mark goes to its last block, in a turn or in the system text. */
static void mark_turn(json_t *turn)
{
	json_t *block = text_block(json_object_get(turn, "content"), true), *content = json_array();

	json_array_append_new(content, block);
	json_object_set_new(turn, "content", content);
}

static void add_turns(json_t *root, const struct model_request *r, unsigned lacks)
{
	json_t *turns = wire_turns(r, lacks), *first = json_array_get(turns, 0);
	const char *role = json_string_value(json_object_get(first, "role"));
	bool system = role && strcmp(role, "system") == 0;
	size_t shared = json_array_size(turns) - (json_array_size(turns) > 0);

	if (system) {
		json_t *blocks = json_array();

		json_array_append_new(blocks, text_block(json_object_get(first, "content"), shared == 1));
		json_object_set_new(root, "system", blocks);
		json_array_remove(turns, 0);
		shared--;
	}
	if (shared > 0)
		mark_turn(json_array_get(turns, shared - 1));
	json_object_set_new(root, "messages", turns);
}

static void anthropic_request(const struct model_request *r, const char *model, unsigned lacks, bool stream, struct buf *body)
{
	json_t *root = json_pack("{s:s, s:I}", "model", model, "max_tokens", (json_int_t)wire_tokens(r)), *stops = wire_stops(r);
	const struct model_sampling *s = &r->sampling;
	json_t *output = json_object();

	add_turns(root, r, lacks);
	if (!(lacks & LACKS_TEMPERATURE)) {
		json_object_set_new(root, "temperature", s->temperature > 0 ? json_real(s->temperature > 1 ? 1 : s->temperature) : json_integer(0));
		if (s->temperature > 0 && s->top_k > 0)
			json_object_set_new(root, "top_k", json_integer((json_int_t)s->top_k));
	}
	if (stops && !(lacks & LACKS_STOP))
		json_object_set(root, "stop_sequences", stops);
	json_decref(stops);
	if (r->want == WANT_JSON && !(lacks & LACKS_SCHEMA)) {
		json_t *schema = json_loads(r->schema, JSON_DECODE_ANY, NULL);

		json_object_set_new(output, "format", json_pack("{s:s, s:o}", "type", "json_schema", "schema", schema ? schema : json_object()));
	}
	if (r->effort)
		json_object_set_new(output, "effort", json_string(r->effort));
	if (json_object_size(output) > 0)
		json_object_set(root, "output_config", output);
	json_decref(output);
	if (stream)
		json_object_set_new(root, "stream", json_true());
	wire_dump(root, body);
}

/* input_tokens are those that no cache read or wrote; here they are all of the prompt. What is not said anew stays. */
static void read_usage(const json_t *usage, struct wire_usage *u)
{
	if (!json_is_object(usage))
		return;
	if (json_object_get(usage, "input_tokens")) {
		u->cache_read = wire_count(usage, "cache_read_input_tokens");
		u->cache_written = wire_count(usage, "cache_creation_input_tokens");
		u->input = wire_count(usage, "input_tokens") + u->cache_read + u->cache_written;
	}
	if (json_object_get(usage, "output_tokens"))
		u->output = wire_count(usage, "output_tokens");
	u->known = true;
}

static enum wire_status stop_status(const char *reason, const char **why)
{
	if (reason && (strcmp(reason, "max_tokens") == 0 || strcmp(reason, "model_context_window_exceeded") == 0))
		return WIRE_TRUNCATED;
	if (!reason || strcmp(reason, "refusal") != 0)
		return WIRE_OK;
	*why = "the model refused";
	return WIRE_REFUSED;
}

static void anthropic_reply(const struct model_request *r, const char *body, size_t n, struct arena *arena, struct wire_reply *out)
{
	json_t *root = wire_json(body, n), *block;
	const json_t *content = json_object_get(root, "content");
	struct buf text = { 0 };
	size_t i, texts = 0;

	*out = (struct wire_reply){ .status = WIRE_BROKEN, .why = "the reply is no message" };
	read_usage(json_object_get(root, "usage"), &out->usage);
	json_array_foreach(content, i, block) {
		const char *part = json_string_value(json_object_get(block, "text")); /* thinking has another member */

		if (part)
			buf_adds(&text, part);
		texts += part != NULL;
	}
	if (json_is_array(content)) {
		out->why = NULL;
		out->status = stop_status(json_string_value(json_object_get(root, "stop_reason")), &out->why);
		if (texts > 0 || out->status != WIRE_OK)
			out->text = wire_text(r, buf_text(&text), arena);
		else
			*out = (struct wire_reply){ .status = WIRE_EMPTY, .usage = out->usage, .why = "the reply holds no text" };
	}
	buf_release(&text);
	json_decref(root);
}

static int status_of_error(const json_t *error)
{
	static const struct { const char *type; int status; } types[] = {
		{ "overloaded_error", 529 }, { "rate_limit_error", 429 }, { "api_error", 500 }, { "authentication_error", 401 },
		{ "permission_error", 403 }, { "not_found_error", 404 }, { "request_too_large", 413 }, { "invalid_request_error", 400 },
	};
	const char *type = json_string_value(json_object_get(error, "type"));

	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].type) == 0)
			return types[i].status;
	return 500;
}

static bool anthropic_event(struct wire_stream *s, const char *name, const char *data, size_t n)
{
	json_t *root = wire_json(data, n);
	const char *type = json_string_value(json_object_get(root, "type"));
	const json_t *delta = json_object_get(root, "delta"), *text = json_object_get(delta, "text");
	const char *reason = json_string_value(json_object_get(delta, "stop_reason"));

	type = type ? type : name;
	s->n_before = s->text.n;
	read_usage(json_object_get(json_object_get(root, "message"), "usage"), &s->usage);
	read_usage(json_object_get(root, "usage"), &s->usage);
	if (json_is_string(text))
		buf_add(&s->text, json_string_value(text), json_string_length(text));
	if (reason) {
		s->finished = true;
		s->status = stop_status(reason, &s->why);
	}
	s->ended = strcmp(type, "message_stop") == 0;
	if (!root || strcmp(type, "error") == 0) {
		s->status_code = status_of_error(json_object_get(root, "error"));
		buf_add(&s->error, data, n);
	}
	json_decref(root);
	return !s->ended && s->error.n == 0;
}

const struct wire wire_anthropic = {
	.name = "anthropic", .ask_path = "/v1/messages", .list_path = "/v1/models", .key_header = "x-api-key: ",
	.header = "anthropic-version: 2023-06-01", .request = anthropic_request, .reply = anthropic_reply, .event = anthropic_event,
	.error = wire_error_read, .models = wire_models,
	.batch = &wire_batch_anthropic,
};
