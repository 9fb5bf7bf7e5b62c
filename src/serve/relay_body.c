/* relay_body.c - JSON walked over, and parsed only to be judged */
#include "serve/relay_body.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char member[] = "\"model\"";

/* Behind the string that begins at `at`; n: it does not end. */
static size_t skip_string(const char *body, size_t n, size_t at)
{
	for (at++; at < n && body[at] != '"'; at++)
		at += body[at] == '\\';
	return at < n ? at + 1 : n;
}

static size_t skip_space(const char *body, size_t n, size_t at)
{
	while (at < n && strchr(" \t\r\n", body[at]) && body[at])
		at++;
	return at;
}

/* The string behind a name and its colon: from and to. */
static bool value_behind(const char *body, size_t n, size_t at, struct relay_body *out)
{
	at = skip_space(body, n, at);
	if (at >= n || body[at] != ':')
		return false;
	out->from = skip_space(body, n, at + 1);
	if (out->from >= n || body[out->from] != '"')
		return false;
	out->to = skip_string(body, n, out->from);
	return true;
}

static bool find(const char *body, size_t n, struct relay_body *out)
{
	size_t depth = 0, n_member = sizeof(member) - 1;

	for (size_t at = 0; at < n;) {
		if (body[at] == '"') {
			size_t end = skip_string(body, n, at);

			if (depth == 1 && end - at == n_member && memcmp(body + at, member, n_member) == 0 && value_behind(body, n, end, out))
				return true;
			at = end;
			continue;
		}
		depth += body[at] == '{' || body[at] == '[';
		depth -= depth > 0 && (body[at] == '}' || body[at] == ']');
		at++;
	}
	return false;
}

bool relay_body_find(const char *body, size_t n, struct arena *arena, struct relay_body *out)
{
	*out = (struct relay_body){ .bytes = body, .n = n };
	if (!find(body, n, out))
		return false;
	json_t *text = json_loadb(body + out->from, out->to - out->from, JSON_DECODE_ANY, NULL);

	out->model = json_is_string(text) ? arena_string(arena, json_string_value(text)) : NULL;
	json_decref(text);
	return out->model != NULL;
}

/* More than any reply has: what is beyond is as much. */
static const double output_beyond = 1e9;

/* An upstream may know either name of the limit. */
static double most_output(const json_t *root)
{
	const json_t *names[] = { json_object_get(root, "max_completion_tokens"), json_object_get(root, "max_tokens"),
				  json_object_get(root, "max_output_tokens") };
	double most = NAN;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_is_number(names[i]))
			most = fmax(most, fmax(0, json_number_value(names[i]))); /* of a NAN and a number the number */
	return fmin(most, isnan(most) ? NAN : output_beyond);
}

bool relay_body_check(struct relay_body *b, struct arena *arena, struct chat_fault *fault)
{
	json_error_t at;
	json_t *root = json_loadb(b->bytes, b->n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &at), *value;
	const char *name, *said = json_string_value(json_object_get(root, "model"));
	size_t alike = 0;
	bool good = true;

	json_object_foreach(root, name, value)
		alike += strcasecmp(name, "model") == 0;
	if (!root)
		good = chat_wrong(fault, NULL, arena_printf(arena, "the body is no JSON: %s (line %d, column %d)", at.text, at.line, at.column));
	else if (!said || strcmp(said, b->model) != 0 || alike > 1)
		good = chat_wrong(fault, "model", "the body has to be an object that names its model once, under \"model\"");
	b->stream = json_is_true(json_object_get(root, "stream"));
	b->most_output = most_output(root);
	b->choices = fmin(fmax(1, json_number_value(json_object_get(root, "n"))), output_beyond);
	b->subject = chat_subject(root, arena);
	json_decref(root);
	return good;
}

void relay_body_write(const struct relay_body *b, const char *model, struct buf *out)
{
	json_t *name = json_string(model);
	char *text = name ? json_dumps(name, JSON_ENCODE_ANY) : NULL;

	buf_add(out, b->bytes, b->from);
	buf_adds(out, text ? text : "\"\"");
	buf_add(out, b->bytes + b->to, b->n - b->to);
	free(text);
	json_decref(name);
}

/* ---- what was counted ---- */

/* Where the object begins that a stream, or a body, counts in: the last "usage" of it that is one. */
static const char *last_usage(const char *reply, size_t n)
{
	const char *found = NULL;

	for (const char *at = reply; (at = memmem(at, n - (size_t)(at - reply), "\"usage\"", 7)); at += 7) {
		size_t brace = skip_space(reply, n, (size_t)(at - reply) + 7);

		brace = brace < n && reply[brace] == ':' ? skip_space(reply, n, brace + 1) : n;
		found = brace < n && reply[brace] == '{' ? reply + brace : found;
	}
	return found;
}

/* A number of tokens that there can be: what is below 0 would be given back to a key, what is beyond all bounds never be paid off. */
static bool is_count(const json_t *n)
{
	return json_is_integer(n) && json_integer_value(n) >= 0 && (double)json_integer_value(n) <= output_beyond;
}

bool relay_usage(const char *reply, size_t n, bool events, size_t *input, size_t *output)
{
	const char *at = events ? last_usage(reply, n) : reply;
	json_t *root = at ? json_loadb(at, n - (size_t)(at - reply), JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	const json_t *usage = events ? root : json_object_get(root, "usage"), *prompt = json_object_get(usage, "prompt_tokens"),
		     *completion = json_object_get(usage, "completion_tokens");

	if (!prompt) { /* as responses call them */
		prompt = json_object_get(usage, "input_tokens");
		completion = json_object_get(usage, "output_tokens");
	}
	bool known = is_count(prompt) && (!completion || is_count(completion)); /* embeddings have none */

	*input = known ? (size_t)json_integer_value(prompt) : 0;
	*output = known ? (size_t)json_integer_value(completion) : 0;
	json_decref(root);
	return known;
}
