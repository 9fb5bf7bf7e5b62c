/* chat.c - replies, as JSON and as events */
#include "serve/chat.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct json_t *chat_text(const char *text)
{
	struct buf valid = { 0 };

	if (!text)
		return json_null();
	text_repair(&valid, text, strlen(text));
	json_t *value = json_string(buf_text(&valid));

	buf_release(&valid);
	return value;
}

void chat_add_json(struct buf *out, struct json_t *root)
{
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));

	buf_adds(out, text);
	free(text);
	json_decref(root);
}

bool chat_wrong(struct chat_fault *fault, const char *param, const char *message)
{
	*fault = (struct chat_fault){ 400, "invalid_request_error", NULL, param, message };
	return false;
}

void chat_write_fault(const struct chat_fault *f, struct buf *out)
{
	chat_add_json(out, json_pack("{s:{s:o, s:s, s:s?, s:s?}}", "error", "message", chat_text(f->message), "type", f->type, "param", f->param, "code",
				f->code));
}

static json_t *usage_of(const struct chat_reply *r)
{
	return json_pack("{s:I, s:I, s:I}", "prompt_tokens", (json_int_t)r->input_tokens, "completion_tokens", (json_int_t)r->output_tokens,
			 "total_tokens", (json_int_t)r->input_tokens + (json_int_t)r->output_tokens);
}

static json_t *envelope(const struct chat_reply *r, const char *object)
{
	return json_pack("{s:s, s:s, s:I, s:s}", "id", r->id, "object", object, "created", (json_int_t)r->created, "model", r->model);
}

void chat_add_extras(struct json_t *root, const struct chat_reply *r)
{
	if (r->task) {
		json_object_set_new(root, "rung::task", chat_text(r->task));
		json_object_set_new(root, "rung::variant", chat_text(r->variant));
		json_object_set_new(root, "rung::verdict", chat_text(r->verdict));
	}
	json_object_set_new(root, "rung::status", chat_text(r->status));
	if (r->citations)
		json_object_set_new(root, "rung::citations", json_loads(r->citations, 0, NULL));
	if (!isnan(r->probability))
		json_object_set_new(root, "rung::confidence", json_real(r->probability));
	if (!isnan(r->usd))
		json_object_set_new(root, "rung::cost", json_real(r->usd));
	if (r->cached)
		json_object_set_new(root, "rung::cached", json_true());
}

void chat_write(const struct chat_reply *r, struct buf *out)
{
	json_t *root = envelope(r, "chat.completion");

	json_object_set_new(root, "choices",
			    json_pack("[{s:i, s:{s:s, s:o, s:n}, s:n, s:s}]", "index", 0, "message", "role", "assistant", "content", chat_text(r->text),
				      "refusal", "logprobs", "finish_reason", r->finish));
	json_object_set_new(root, "usage", usage_of(r));
	chat_add_extras(root, r);
	chat_add_json(out, root);
}

/* Where usage was asked for every event has it, null but in the last. */
static void add_event(const struct chat_reply *r, json_t *choices, bool extras, json_t *usage, struct buf *out)
{
	json_t *root = envelope(r, "chat.completion.chunk");

	json_object_set_new(root, "choices", choices);
	if (extras)
		chat_add_extras(root, r);
	if (usage)
		json_object_set_new(root, "usage", usage);
	buf_adds(out, "data: ");
	chat_add_json(out, root);
	buf_adds(out, "\n\n");
}

/* A stream that comes about: its first event has the role. */
void chat_write_piece(const struct chat_reply *r, const char *text, bool first, bool include_usage, struct buf *out)
{
	json_t *delta = json_object();

	if (first)
		json_object_set_new(delta, "role", json_string("assistant"));
	json_object_set_new(delta, "content", chat_text(text));
	add_event(r, json_pack("[{s:i, s:o, s:n}]", "index", 0, "delta", delta, "finish_reason"), false, include_usage ? json_null() : NULL, out);
}

void chat_write_end(const struct chat_reply *r, bool include_usage, struct buf *out)
{
	add_event(r, json_pack("[{s:i, s:{}, s:s}]", "index", 0, "delta", "finish_reason", r->finish), true, include_usage ? json_null() : NULL, out);
	if (include_usage)
		add_event(r, json_array(), false, usage_of(r), out);
	buf_adds(out, "data: [DONE]\n\n");
}

void chat_write_events(const struct chat_reply *r, bool include_usage, struct buf *out)
{
	chat_write_piece(r, r->text ? r->text : "", true, include_usage, out);
	chat_write_end(r, include_usage, out);
}

void chat_write_models(const char *const *ids, size_t n, uint64_t created, struct buf *out)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "id", ids[i], "object", "model", "created", (json_int_t)created, "owned_by",
						      "rung"));
	chat_add_json(out, json_pack("{s:s, s:o}", "object", "list", "data", list));
}
