/* chat_request.c - requests: what a task is asked, and what a model is */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "serve/chat.h"

enum { TOKENS_USUAL = 1024, STOPS_MOST = 4 };

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
			return chat_wrong(fault, "messages", "every message needs a role");
		if (strcmp(role, "user") != 0)
			continue;
		out->input = content_text(json_object_get(m, "content"), arena);
		return out->input || chat_wrong(fault, "messages", "the content of a message has to be text, or parts of type text");
	}
	return chat_wrong(fault, "messages", "messages has to be an array with a user's message in it");
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
		return chat_wrong(fault, NULL, "the body has to be a JSON object");
	if (!model)
		return chat_wrong(fault, "model", "model has to be a text: the name of a task, such as rung/email; GET /v1/models lists them");
	if (!is_flag(json_object_get(root, "stream")))
		return chat_wrong(fault, "stream", "stream has to be true or false");
	if (n && !(json_is_integer(n) && json_integer_value(n) == 1) && !json_is_null(n))
		return chat_wrong(fault, "n", "n has to be 1: a task has one answer");
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

	*out = (struct chat_request){ .body = body, .n_body = n };
	bool good = root ? read_root(root, arena, out, fault) :
			   chat_wrong(fault, NULL, arena_printf(arena, "the body is no JSON: %s (line %d, column %d)", at.text, at.line, at.column));

	json_decref(root);
	return good;
}

/* ---- what a model is asked ---- */

static bool read_role(const char *role, enum message_role *out)
{
	if (strcmp(role, "user") == 0)
		*out = MESSAGE_USER;
	else if (strcmp(role, "assistant") == 0)
		*out = MESSAGE_ASSISTANT;
	else if (strcmp(role, "system") == 0 || strcmp(role, "developer") == 0)
		*out = MESSAGE_SYSTEM;
	else
		return false;
	return true;
}

static bool read_turns(const json_t *messages, struct arena *arena, struct model_request *out, struct chat_fault *fault)
{
	size_t n = json_array_size(messages);
	struct message *list = arena_array(arena, n + 1, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		const json_t *m = json_array_get(messages, i);
		const char *role = json_string_value(json_object_get(m, "role"));

		if (!role || !read_role(role, &list[i].role))
			return chat_wrong(fault, "messages", "the role of a message has to be system, developer, user or assistant: local models use no tools");
		list[i].text = content_text(json_object_get(m, "content"), arena);
		if (!list[i].text)
			return chat_wrong(fault, "messages", "the content of a message has to be text, or parts of type text");
	}
	out->messages = list;
	out->n_messages = n;
	return true;
}

/* A number between two others, where it is given. */
static bool read_number(const json_t *root, const char *name, double low, double high, double *out, struct arena *arena, struct chat_fault *fault)
{
	const json_t *value = json_object_get(root, name);

	if (!value || json_is_null(value))
		return true;
	*out = json_number_value(value);
	return (json_is_number(value) && *out >= low && *out <= high) ||
	       chat_wrong(fault, name, arena_printf(arena, "%s has to be a number from %g to %g", name, low, high));
}

static bool read_sampling(const json_t *root, struct arena *arena, struct model_request *out, struct chat_fault *fault)
{
	double most = TOKENS_USUAL, seed = 0;

	if (!read_number(root, "temperature", 0, 2, &out->sampling.temperature, arena, fault) ||
	    !read_number(root, "top_p", 0, 1, &out->sampling.top_p, arena, fault) || !read_number(root, "seed", 0, 0x1p53, &seed, arena, fault) ||
	    !read_number(root, "max_tokens", 1, 1e6, &most, arena, fault) || !read_number(root, "max_completion_tokens", 1, 1e6, &most, arena, fault))
		return false;
	out->max_tokens = (size_t)most;
	out->sampling.seed = (uint64_t)seed;
	return true;
}

static bool read_stops(const json_t *stop, struct arena *arena, struct model_request *out, struct chat_fault *fault)
{
	size_t n = json_is_string(stop) ? 1 : json_array_size(stop);
	const char **list = arena_array(arena, n + 1, sizeof(*list));

	if ((stop && !json_is_null(stop) && !json_is_string(stop) && !json_is_array(stop)) || n > STOPS_MOST)
		return chat_wrong(fault, "stop", "stop has to be a text, or a list of up to four");
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_is_string(stop) ? stop : json_array_get(stop, i));

		if (!text || !*text)
			return chat_wrong(fault, "stop", "stop has to be a text, or a list of up to four");
		list[i] = arena_string(arena, text);
	}
	out->stop = list;
	out->n_stop = n;
	return true;
}

static bool read_format(const json_t *format, struct arena *arena, struct model_request *out, struct chat_fault *fault)
{
	const char *type = json_string_value(json_object_get(format, "type"));
	const json_t *schema = json_object_get(json_object_get(format, "json_schema"), "schema");

	if (!format || json_is_null(format) || (type && strcmp(type, "text") == 0))
		return true;
	if (!type || strcmp(type, "json_schema") != 0 || !json_is_object(schema))
		return chat_wrong(fault, "response_format", "response_format has to be of type text, or json_schema with json_schema.schema");
	char *text = json_dumps(schema, JSON_COMPACT);

	out->want = WANT_JSON;
	out->schema = arena_string(arena, text);
	free(text);
	return true;
}

static bool uses_nothing_else(const json_t *root, struct chat_fault *fault)
{
	static const char *const others[] = { "logprobs", "top_logprobs", "logit_bias", "audio", "prediction" };

	if (json_array_size(json_object_get(root, "tools")) > 0 || json_array_size(json_object_get(root, "functions")) > 0)
		return chat_wrong(fault, "tools", "local models use no tools; those of an --upstream are passed on");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const json_t *value = json_object_get(root, others[i]);

		if (value && !json_is_null(value) && !json_is_false(value))
			return chat_wrong(fault, others[i], "this is nothing that local models have; leave it out");
	}
	return true;
}

bool chat_read_prompt(const char *body, size_t n, struct arena *arena, struct model_request *out, struct chat_fault *fault)
{
	json_t *root = json_loadb(body, n, JSON_REJECT_DUPLICATES, NULL);
	bool good;

	*out = (struct model_request){ 0 };
	good = root ? uses_nothing_else(root, fault) && read_turns(json_object_get(root, "messages"), arena, out, fault) &&
			      read_sampling(root, arena, out, fault) && read_stops(json_object_get(root, "stop"), arena, out, fault) &&
			      read_format(json_object_get(root, "response_format"), arena, out, fault) :
		      chat_wrong(fault, NULL, "the body is no JSON");
	json_decref(root);
	return good;
}
