/* chat.c - JSON in, JSON out */
#include "serve/chat.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* As JSON; NULL is null. What a model said, or a sentence that quotes an input, need not be UTF-8. */
static json_t *text_json(const char *text)
{
	struct buf valid = { 0 };

	if (!text)
		return json_null();
	text_repair(&valid, text, strlen(text));
	json_t *value = json_string(buf_text(&valid));

	buf_release(&valid);
	return value;
}

static void add_json(struct buf *out, json_t *root)
{
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));

	buf_adds(out, text);
	free(text);
	json_decref(root);
}

void chat_write_fault(const struct chat_fault *f, struct buf *out)
{
	add_json(out, json_pack("{s:{s:o, s:s, s:s?, s:s?}}", "error", "message", text_json(f->message), "type", f->type, "param", f->param, "code",
				f->code));
}

/* ---- requests ---- */

static bool wrong(struct chat_fault *fault, const char *param, const char *message)
{
	*fault = (struct chat_fault){ 400, "invalid_request_error", NULL, param, message };
	return false;
}

/* Text, or an array of parts whose texts are joined; NULL: it is neither. */
static const char *content_text(const json_t *content, struct arena *arena)
{
	struct buf text = { 0 };
	const json_t *part;
	size_t i;
	bool good = json_is_string(content) || json_is_array(content);

	if (json_is_string(content))
		buf_add(&text, json_string_value(content), json_string_length(content));
	json_array_foreach(content, i, part) {
		const json_t *words = json_object_get(part, "text");

		good = good && json_is_string(words);
		if (good)
			buf_add(&text, json_string_value(words), json_string_length(words));
	}
	const char *copy = good ? arena_copy(arena, buf_text(&text), text.n) : NULL;

	buf_release(&text);
	return copy;
}

static bool read_messages(const json_t *messages, struct arena *arena, struct chat_request *out, struct chat_fault *fault)
{
	for (size_t i = json_array_size(messages); i-- > 0;) {
		const json_t *m = json_array_get(messages, i);
		const char *role = json_string_value(json_object_get(m, "role"));

		if (!role)
			return wrong(fault, "messages", "every message needs a role");
		if (strcmp(role, "user") != 0)
			continue;
		out->input = content_text(json_object_get(m, "content"), arena);
		return out->input || wrong(fault, "messages", "the content of a message has to be text, or parts of type text");
	}
	return wrong(fault, "messages", "messages has to be an array with a user's message in it");
}

static bool is_flag(const json_t *value)
{
	return !value || json_is_boolean(value) || json_is_null(value);
}

const char *chat_subject(const struct json_t *root, struct arena *arena)
{
	const char *subject = json_string_value(json_object_get(json_object_get(root, "metadata"), "subject"));

	if (!subject)
		subject = json_string_value(json_object_get(root, "user"));
	return subject && *subject ? arena_string(arena, subject) : NULL;
}

static bool read_root(const json_t *root, struct arena *arena, struct chat_request *out, struct chat_fault *fault)
{
	const char *model = json_string_value(json_object_get(root, "model"));
	const json_t *n = json_object_get(root, "n");

	if (!json_is_object(root))
		return wrong(fault, NULL, "the body has to be a JSON object");
	if (!model)
		return wrong(fault, "model", "model has to be a text: the name of a task, such as rung/email; GET /v1/models lists them");
	if (!is_flag(json_object_get(root, "stream")))
		return wrong(fault, "stream", "stream has to be true or false");
	if (n && !(json_is_integer(n) && json_integer_value(n) == 1) && !json_is_null(n))
		return wrong(fault, "n", "n has to be 1: a task has one answer");
	out->model = arena_string(arena, model);
	out->stream = json_is_true(json_object_get(root, "stream"));
	out->subject = chat_subject(root, arena);
	out->include_usage = json_is_true(json_object_get(json_object_get(root, "stream_options"), "include_usage"));
	return read_messages(json_object_get(root, "messages"), arena, out, fault);
}

bool chat_read(const char *body, size_t n, struct arena *arena, struct chat_request *out, struct chat_fault *fault)
{
	json_error_t at;
	json_t *root = json_loadb(body, n, JSON_REJECT_DUPLICATES, &at);

	*out = (struct chat_request){ 0 };
	bool good = root ? read_root(root, arena, out, fault) :
			   wrong(fault, NULL, arena_printf(arena, "the body is no JSON: %s (line %d, column %d)", at.text, at.line, at.column));

	json_decref(root);
	return good;
}

/* ---- replies ---- */

static json_t *usage_of(const struct chat_reply *r)
{
	return json_pack("{s:I, s:I, s:I}", "prompt_tokens", (json_int_t)r->input_tokens, "completion_tokens", (json_int_t)r->output_tokens,
			 "total_tokens", (json_int_t)r->input_tokens + (json_int_t)r->output_tokens);
}

static json_t *envelope(const struct chat_reply *r, const char *object)
{
	return json_pack("{s:s, s:s, s:I, s:s}", "id", r->id, "object", object, "created", (json_int_t)r->created, "model", r->model);
}

static void add_extras(json_t *root, const struct chat_reply *r)
{
	json_object_set_new(root, "rung::task", text_json(r->task));
	json_object_set_new(root, "rung::variant", text_json(r->variant));
	json_object_set_new(root, "rung::verdict", text_json(r->verdict));
	json_object_set_new(root, "rung::status", text_json(r->status));
	if (r->citations)
		json_object_set_new(root, "rung::citations", json_loads(r->citations, 0, NULL));
	if (!isnan(r->probability))
		json_object_set_new(root, "rung::confidence", json_real(r->probability));
}

void chat_write(const struct chat_reply *r, struct buf *out)
{
	json_t *root = envelope(r, "chat.completion");

	json_object_set_new(root, "choices",
			    json_pack("[{s:i, s:{s:s, s:o, s:n}, s:n, s:s}]", "index", 0, "message", "role", "assistant", "content", text_json(r->text),
				      "refusal", "logprobs", "finish_reason", r->finish));
	json_object_set_new(root, "usage", usage_of(r));
	add_extras(root, r);
	add_json(out, root);
}

/* Where usage was asked for every event has it, null but in the last. */
static void add_event(const struct chat_reply *r, json_t *choices, bool extras, json_t *usage, struct buf *out)
{
	json_t *root = envelope(r, "chat.completion.chunk");

	json_object_set_new(root, "choices", choices);
	if (extras)
		add_extras(root, r);
	if (usage)
		json_object_set_new(root, "usage", usage);
	buf_adds(out, "data: ");
	add_json(out, root);
	buf_adds(out, "\n\n");
}

void chat_write_events(const struct chat_reply *r, bool include_usage, struct buf *out)
{
	json_t *text = text_json(r->text ? r->text : "");

	add_event(r, json_pack("[{s:i, s:{s:s, s:o}, s:n}]", "index", 0, "delta", "role", "assistant", "content", text, "finish_reason"), false,
		  include_usage ? json_null() : NULL, out);
	add_event(r, json_pack("[{s:i, s:{}, s:s}]", "index", 0, "delta", "finish_reason", r->finish), true, include_usage ? json_null() : NULL, out);
	if (include_usage)
		add_event(r, json_array(), false, usage_of(r), out);
	buf_adds(out, "data: [DONE]\n\n");
}

void chat_write_models(const char *const *ids, size_t n, uint64_t created, struct buf *out)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "id", ids[i], "object", "model", "created", (json_int_t)created, "owned_by",
						      "rung"));
	add_json(out, json_pack("{s:s, s:o}", "object", "list", "data", list));
}
