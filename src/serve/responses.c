/* responses.c - one form into another, and replies in the newer one */
#include "serve/responses.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- requests ---- */

/* Text, or parts of type input_text and output_text. */
static json_t *content_of(const json_t *content)
{
	json_t *parts = json_array();
	const json_t *part;
	size_t i;

	if (!json_is_array(content)) { /* what is no text is refused as in chat completions */
		json_decref(parts);
		return content ? json_copy((json_t *)content) : json_null();
	}
	json_array_foreach(content, i, part) {
		const json_t *text = json_object_get(part, "text");

		json_array_append_new(parts, json_pack("{s:s, s:O?}", "type", "text", "text", text));
	}
	return parts;
}

/* A text is a user's turn; a list has messages alone: what tools said belongs to who has tools. */
static bool add_input(const json_t *input, json_t *messages, struct chat_fault *fault)
{
	const json_t *item;
	size_t i;

	if (json_is_string(input))
		return json_array_append_new(messages, json_pack("{s:s, s:O}", "role", "user", "content", input)) == 0;
	if (!json_is_array(input))
		return chat_wrong(fault, "input", "input has to be a text, or a list of messages");
	json_array_foreach(input, i, item) {
		const char *type = json_string_value(json_object_get(item, "type"));
		const json_t *role = json_object_get(item, "role");

		if ((type && strcmp(type, "message") != 0) || !json_is_string(role))
			return chat_wrong(fault, "input", "input has to be a text, or a list of messages");
		json_array_append_new(messages, json_pack("{s:O, s:o}", "role", role, "content", content_of(json_object_get(item, "content"))));
	}
	return true;
}

/* text.format has what response_format has under json_schema. */
static void add_format(const json_t *root, json_t *out)
{
	const json_t *format = json_object_get(json_object_get(root, "text"), "format");
	const char *type = json_string_value(json_object_get(format, "type"));

	if (type && strcmp(type, "json_schema") == 0)
		json_object_set_new(out, "response_format", json_pack("{s:s, s:O}", "type", type, "json_schema", format));
	else if (format)
		json_object_set(out, "response_format", (json_t *)format);
}

static void add_same(const json_t *root, json_t *out)
{
	static const struct {
		const char *name, *in_chat;
	} rows[] = { { "model", "model" }, { "stream", "stream" }, { "temperature", "temperature" }, { "top_p", "top_p" }, { "user", "user" },
		     { "metadata", "metadata" }, { "tools", "tools" }, { "max_output_tokens", "max_completion_tokens" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *value = json_object_get(root, rows[i].name);

		if (value && !json_is_null(value))
			json_object_set(out, rows[i].in_chat, value);
	}
}

static bool convert(const json_t *root, json_t *out, struct chat_fault *fault)
{
	json_t *messages = json_array();
	const json_t *instructions = json_object_get(root, "instructions"), *before = json_object_get(root, "previous_response_id");

	json_object_set_new(out, "messages", messages);
	if (!json_is_object(root))
		return chat_wrong(fault, NULL, "the body has to be a JSON object");
	if (before && !json_is_null(before))
		return chat_wrong(fault, "previous_response_id", "nothing is kept from one response to the next; send the messages before as input");
	if (json_is_string(instructions))
		json_array_append_new(messages, json_pack("{s:s, s:O}", "role", "system", "content", instructions));
	add_same(root, out);
	add_format(root, out);
	return add_input(json_object_get(root, "input"), messages, fault);
}

const char *responses_as_chat(const char *body, size_t n, struct arena *arena, struct chat_fault *fault)
{
	json_error_t at;
	json_t *root = json_loadb(body, n, JSON_REJECT_DUPLICATES, &at), *out = json_object();
	bool good = root ? convert(root, out, fault) :
			   chat_wrong(fault, NULL, arena_printf(arena, "the body is no JSON: %s (line %d, column %d)", at.text, at.line, at.column));
	char *text = good ? json_dumps(out, JSON_COMPACT) : NULL;
	const char *chat = text ? arena_string(arena, text) : NULL;

	free(text);
	json_decref(root);
	json_decref(out);
	return chat;
}

/* ---- replies ---- */

static json_t *id_of(const struct chat_reply *r, const char *prefix)
{
	const char *dash = strchr(r->id, '-');

	return json_sprintf("%s%s", prefix, dash ? dash + 1 : r->id);
}

static json_t *part_of(const char *text)
{
	return json_pack("{s:s, s:o, s:[]}", "type", "output_text", "text", chat_text(text ? text : ""), "annotations");
}

/* The message; text NULL: it has not begun. */
static json_t *message_of(const struct chat_reply *r, const char *status, bool whole)
{
	json_t *content = json_array();

	if (whole && strcmp(r->finish, "content_filter") == 0)
		json_array_append_new(content, json_pack("{s:s, s:o}", "type", "refusal", "refusal", chat_text(r->text ? r->text : "")));
	else if (whole)
		json_array_append_new(content, part_of(r->text));
	return json_pack("{s:o, s:s, s:s, s:s, s:o}", "id", id_of(r, "msg_"), "type", "message", "status", status, "role", "assistant", "content",
			 content);
}

static json_t *response_of(const struct chat_reply *r, bool whole)
{
	bool cut = whole && strcmp(r->finish, "length") == 0;
	const char *status = !whole ? "in_progress" : cut ? "incomplete" : "completed";
	json_t *root = json_pack("{s:o, s:s, s:I, s:s, s:s, s:n, s:o, s:s, s:[], s:s, s:b}", "id", id_of(r, "resp_"), "object", "response", "created_at",
				 (json_int_t)r->created, "status", status, "model", r->model, "error", "incomplete_details",
				 cut ? json_pack("{s:s}", "reason", "max_output_tokens") : json_null(), "tool_choice", "none", "tools", "truncation",
				 "disabled", "parallel_tool_calls", 0);
	json_t *output = json_array();

	json_object_set_new(root, "output", output);
	if (!whole)
		return root;
	json_array_append_new(output, message_of(r, status, true));
	json_object_set_new(root, "usage",
			    json_pack("{s:I, s:{s:i}, s:I, s:{s:i}, s:I}", "input_tokens", (json_int_t)r->input_tokens, "input_tokens_details", "cached_tokens", 0,
				      "output_tokens", (json_int_t)r->output_tokens, "output_tokens_details", "reasoning_tokens", 0, "total_tokens",
				      (json_int_t)r->input_tokens + (json_int_t)r->output_tokens));
	chat_add_extras(root, r);
	return root;
}

void responses_write(const struct chat_reply *r, struct buf *out)
{
	chat_add_json(out, response_of(r, true));
}

/* ---- events ---- */

static void add_event(const char *type, json_t *event, size_t *number, struct buf *out)
{
	json_object_set_new(event, "type", json_string(type));
	json_object_set_new(event, "sequence_number", json_integer((json_int_t)(*number)++));
	buf_addf(out, "event: %s\ndata: ", type);
	chat_add_json(out, event);
	buf_adds(out, "\n\n");
}

static json_t *at_part(const struct chat_reply *r)
{
	return json_pack("{s:o, s:i, s:i}", "item_id", id_of(r, "msg_"), "output_index", 0, "content_index", 0);
}

void responses_write_begin(const struct chat_reply *r, size_t *number, struct buf *out)
{
	json_t *part = at_part(r);

	json_object_set_new(part, "part", part_of(""));
	add_event("response.created", json_pack("{s:o}", "response", response_of(r, false)), number, out);
	add_event("response.in_progress", json_pack("{s:o}", "response", response_of(r, false)), number, out);
	add_event("response.output_item.added", json_pack("{s:i, s:o}", "output_index", 0, "item", message_of(r, "in_progress", false)), number, out);
	add_event("response.content_part.added", part, number, out);
}

void responses_write_piece(const struct chat_reply *r, const char *text, size_t *number, struct buf *out)
{
	json_t *event = at_part(r);

	json_object_set_new(event, "delta", chat_text(text ? text : ""));
	json_object_set_new(event, "logprobs", json_array());
	add_event("response.output_text.delta", event, number, out);
}

void responses_write_end(const struct chat_reply *r, size_t *number, struct buf *out)
{
	bool cut = strcmp(r->finish, "length") == 0;
	json_t *text = at_part(r), *part = at_part(r);

	json_object_set_new(text, "text", chat_text(r->text ? r->text : ""));
	json_object_set_new(text, "logprobs", json_array());
	json_object_set_new(part, "part", part_of(r->text));
	add_event("response.output_text.done", text, number, out);
	add_event("response.content_part.done", part, number, out);
	add_event("response.output_item.done",
		  json_pack("{s:i, s:o}", "output_index", 0, "item", message_of(r, cut ? "incomplete" : "completed", true)), number, out);
	add_event(cut ? "response.incomplete" : "response.completed", json_pack("{s:o}", "response", response_of(r, true)), number, out);
}
