/* wire_batch.c - batches in both forms: their lines, their states, their results. */
#include <stdlib.h>
#include <string.h>

#include "model/wire_inner.h"

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* The id is one of ours: nothing in it needs an escape. */
static void openai_line(const char *id, const char *body, struct buf *lines)
{
	buf_addf(lines, "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":", id);
	buf_adds(lines, body);
	buf_adds(lines, "}\n");
}

static void openai_make(const char *of, struct buf *body)
{
	wire_dump(json_pack("{s:s, s:s, s:s}", "input_file_id", of, "endpoint", "/v1/chat/completions", "completion_window", "24h"), body);
}

static const char *file_path(const json_t *batch, const char *key, struct arena *arena)
{
	const char *file = text_at(batch, key);

	return wire_is_name(file) ? arena_printf(arena, "/files/%s/content", file) : NULL;
}

static bool openai_state(const char *body, size_t n, struct arena *arena, struct wire_batch_state *out)
{
	static const char *const ends[] = { "completed", "expired", "cancelled", "failed" };
	json_t *root = wire_json(body, n);
	const json_t *counts = json_object_get(root, "request_counts");
	const json_t *first = json_array_get(json_object_get(json_object_get(root, "errors"), "data"), 0);
	const char *status = text_at(root, "status"), *message = text_at(first, "message");

	*out = (struct wire_batch_state){ .done = wire_count(counts, "completed"), .failed = wire_count(counts, "failed") };
	for (size_t i = 0; status && i < sizeof(ends) / sizeof(ends[0]); i++)
		out->ended |= strcmp(status, ends[i]) == 0;
	if (out->ended) {
		out->results[0] = file_path(root, "output_file_id", arena);
		out->results[1] = file_path(root, "error_file_id", arena);
	}
	if (out->ended && !out->results[0] && !out->results[1])
		out->why = arena_printf(arena, "%s%s%s", status, message ? ": " : "", message ? message : "");
	json_decref(root);
	return status != NULL;
}

static bool take(json_t *root, const char *id, int status, const json_t *body, struct arena *arena, struct wire_batch_result *out)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	*out = (struct wire_batch_result){ .id = id ? arena_string(arena, id) : NULL, .status = status,
					   .body = text ? arena_string(arena, text) : "", .n = text ? strlen(text) : 0 };
	free(text);
	json_decref(root);
	return out->id != NULL;
}

static bool openai_result(const char *line, size_t n, struct arena *arena, struct wire_batch_result *out)
{
	json_t *root = wire_json(line, n);
	const json_t *response = json_object_get(root, "response");

	return take(root, text_at(root, "custom_id"), (int)wire_count(response, "status_code"), json_object_get(response, "body"), arena, out);
}

const struct wire_batch wire_batch_openai = {
	.path = "/batches", .upload_path = "/files", .most = 50000, .line = openai_line, .make = openai_make, .state = openai_state,
	.result = openai_result,
};

static void anthropic_line(const char *id, const char *body, struct buf *lines)
{
	buf_addf(lines, "%s{\"custom_id\":\"%s\",\"params\":", lines->n > 0 ? "," : "", id);
	buf_adds(lines, body);
	buf_adds(lines, "}");
}

static void anthropic_make(const char *of, struct buf *body)
{
	buf_adds(body, "{\"requests\":[");
	buf_adds(body, of);
	buf_adds(body, "]}");
}

/* Its results_url is not followed: a key goes to no address that a reply names. */
static bool anthropic_state(const char *body, size_t n, struct arena *arena, struct wire_batch_state *out)
{
	json_t *root = wire_json(body, n);
	const json_t *counts = json_object_get(root, "request_counts");
	const char *status = text_at(root, "processing_status"), *id = text_at(root, "id");

	*out = (struct wire_batch_state){ .ended = status && strcmp(status, "ended") == 0, .done = wire_count(counts, "succeeded"),
					  .failed = wire_count(counts, "errored") + wire_count(counts, "expired") };
	if (out->ended && wire_is_name(id))
		out->results[0] = arena_printf(arena, "/v1/messages/batches/%s/results", id);
	json_decref(root);
	return status && id;
}

static bool anthropic_result(const char *line, size_t n, struct arena *arena, struct wire_batch_result *out)
{
	json_t *root = wire_json(line, n);
	const json_t *result = json_object_get(root, "result");
	const char *type = text_at(result, "type");
	bool good = type && strcmp(type, "succeeded") == 0, wrong = type && strcmp(type, "errored") == 0;

	return take(root, text_at(root, "custom_id"), good ? 200 : wrong ? 400 : 0, json_object_get(result, good ? "message" : "error"), arena,
		    out);
}

const struct wire_batch wire_batch_anthropic = {
	.path = "/v1/messages/batches", .most = 10000, .line = anthropic_line, .make = anthropic_make, .state = anthropic_state,
	.result = anthropic_result,
};
