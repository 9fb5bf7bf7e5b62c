/* fault_openai_batch.c - OpenAI's batches: a file of requests in, a file of answers and one of errors out. */
#include "base/hash.h"
#include "fault.h"
#include "fault_state.h"

enum { DAY = 86400 };

/* The first mistake is the batch's. */
static void set_broken(struct batch *b, size_t line, const char *code)
{
	if (*b->broken)
		return;
	snprintf(b->broken, sizeof(b->broken), "%s", code);
	b->broken_line = line;
}

static void read_line(struct batch *b, const char *line, size_t n, size_t number, struct table *seen)
{
	json_t *root = json_loadb(line, n, 0, NULL), *body = json_object_get(root, "body");
	const char *custom_id = text_of(root, "custom_id");

	if (!root || !json_is_object(body))
		set_broken(b, number, "invalid_json_line");
	else if (!*custom_id)
		set_broken(b, number, "missing_required_parameter");
	else if (++*table_at(seen, hash64(custom_id, strlen(custom_id), 0)) > 1)
		set_broken(b, number, "duplicate_custom_id");
	else if (strcmp(text_of(root, "method"), "POST") != 0)
		set_broken(b, number, "invalid_method");
	else if (strcmp(text_of(root, "url"), b->path) != 0)
		set_broken(b, number, "mismatched_endpoint");
	else
		batch_request_add(b, custom_id, json_incref(body));
	json_decref(root);
}

static void read_input(struct batch *b)
{
	const char *text = buf_text(&b->input->bytes), *end = text + b->input->bytes.n;
	struct table seen = { 0 };
	size_t number = 1;

	for (const char *line = text, *stop; line < end; line = stop + 1, number++) {
		stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		if (stop > line)
			read_line(b, line, (size_t)(stop - line), number, &seen);
	}
	if (b->n == 0)
		set_broken(b, 0, "empty_file");
	table_clear(&seen);
}

static void add_line(const struct batch_request *request, struct buf *out)
{
	buf_addf(out, "{\"id\":\"batch_req_%012zx\",\"custom_id\":", next_id());
	add_quoted(out, request->custom_id, strlen(request->custom_id));
	if (request->outcome == OUTCOME_ANSWERED || request->outcome == OUTCOME_FAILED) {
		buf_addf(out, ",\"response\":{\"status_code\":%d,\"request_id\":\"req_%012zx\",\"body\":", request->status, next_id());
		buf_add(out, request->reply.data, request->reply.n);
		buf_adds(out, "},\"error\":null}\n");
	} else {
		buf_adds(out, ",\"response\":null,\"error\":{\"code\":\"batch_expired\",\"message\":\"This request could not be executed "
			 "before the completion window expired.\"}}\n");
	}
}

static void write_files(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct batch_request *request = &b->requests[batch_order(i, b->n)];
		struct file **file = request->outcome == OUTCOME_ANSWERED ? &b->output : &b->errors;

		if (request->outcome == OUTCOME_NONE)
			continue;
		if (!*file)
			*file = file_add(file == &b->output ? "output.jsonl" : "error.jsonl", "batch_output");
		add_line(request, &(*file)->bytes);
	}
}

static const char *status_of(const struct batch *b)
{
	static const char *const names[] = { [BATCH_VALIDATING] = "validating", [BATCH_RUNNING] = "in_progress",
					     [BATCH_CANCELLING] = "cancelling", [BATCH_CANCELLED] = "cancelled",
						     [BATCH_ENDED] = "completed", [BATCH_BROKEN] = "failed" };

	return b->stage == BATCH_ENDED && batch_count(b, OUTCOME_EXPIRED) > 0 ? "expired" : names[b->stage];
}

static json_t *time_or_null(long long t, bool is)
{
	return is && t ? json_integer((json_int_t)t) : json_null();
}

static json_t *errors_of(const struct batch *b)
{
	if (b->stage != BATCH_BROKEN)
		return json_null();
	return json_pack("{s:s, s:[{s:s, s:s, s:n, s:o}]}", "object", "list", "data", "code", b->broken, "message",
			 "This line is not a valid request of a batch.", "param", "line",
			 b->broken_line ? json_integer((json_int_t)b->broken_line) : json_null());
}

static json_t *batch_object(const struct batch *b)
{
	const char *status = status_of(b);
	json_int_t done = (json_int_t)batch_count(b, OUTCOME_ANSWERED);
	json_int_t failed = (json_int_t)batch_count(b, OUTCOME_FAILED) + (json_int_t)batch_count(b, OUTCOME_EXPIRED);
	json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s?, s:s?, s:o, s:O}", "id", b->id, "object", "batch",
				"endpoint", b->path, "input_file_id", b->input->id, "completion_window", "24h", "status", status,
				"created_at", (json_int_t)b->created, "expires_at", (json_int_t)(b->created + DAY), "output_file_id",
				b->output ? b->output->id : NULL, "error_file_id", b->errors ? b->errors->id : NULL, "errors", errors_of(b),
					"metadata", b->metadata);

	json_object_set_new(out, "request_counts",
			    json_pack("{s:I, s:I, s:I}", "total", (json_int_t)b->n, "completed", done, "failed", failed));
	json_object_set_new(out, "in_progress_at", time_or_null(b->created, b->stage != BATCH_VALIDATING && b->stage != BATCH_BROKEN));
	json_object_set_new(out, "finalizing_at", time_or_null(b->ended, b->stage == BATCH_ENDED));
	json_object_set_new(out, "completed_at", time_or_null(b->ended, strcmp(status, "completed") == 0));
	json_object_set_new(out, "expired_at", time_or_null(b->ended, strcmp(status, "expired") == 0));
	json_object_set_new(out, "failed_at", time_or_null(b->ended, b->stage == BATCH_BROKEN));
	json_object_set_new(out, "cancelling_at", time_or_null(b->cancelled, true));
	json_object_set_new(out, "cancelled_at", time_or_null(b->ended, b->stage == BATCH_CANCELLED));
	return out;
}

void openai_batches_create(const struct request *q, const char *id, struct reply *r)
{
	const char *file_id = text_of(q->root, "input_file_id"), *endpoint = text_of(q->root, "endpoint");
	struct file *input = file_find(file_id);
	const json_t *metadata = json_object_get(q->root, "metadata");

	(void)id;
	if (!input) {
		error_reply(q, r, 400, "invalid_request_error", "input_file_id", NULL, "Invalid 'input_file_id': file '%s' not found.",
			    file_id);
		return;
	}
	if (strcmp(text_of(q->root, "completion_window"), "24h") != 0 ||
	    (strcmp(endpoint, "/v1/chat/completions") != 0 && strcmp(endpoint, "/v1/embeddings") != 0)) {
		error_reply(q, r, 400, "invalid_request_error", "endpoint", "invalid_value",
			    "Invalid value: '%s'. Supported values are: '/v1/chat/completions' and '/v1/embeddings', in a "
			    "completion_window of '24h'.", endpoint);
		return;
	}
	struct batch *b = batch_add(FORM_OPENAI);

	snprintf(b->path, sizeof(b->path), "%s", endpoint);
	b->input = input;
	b->metadata = metadata ? json_deep_copy(metadata) : json_null();
	read_input(b);
	add_json(&r->body, batch_object(b));
}

void openai_batches_list(const struct request *q, const char *id, struct reply *r)
{
	json_t *all = json_array();

	(void)id;
	for (size_t i = 0; batch_at(i); i++)
		if (batch_at(i)->form == FORM_OPENAI)
			json_array_insert_new(all, 0, batch_object(batch_at(i)));
	list_reply(q, all, r);
}

void openai_batches_get(const struct request *q, const char *id, struct reply *r)
{
	struct batch *b = batch_find(FORM_OPENAI, id);

	if (!b) {
		not_found(q, "batch", id, r);
		return;
	}
	bool open = b->ended == 0;

	batch_poll(b);
	if (open && b->ended)
		write_files(b);
	add_json(&r->body, batch_object(b));
}

void openai_batches_cancel(const struct request *q, const char *id, struct reply *r)
{
	struct batch *b = batch_find(FORM_OPENAI, id);

	if (!b) {
		not_found(q, "batch", id, r);
	} else if (b->ended) {
		error_reply(q, r, 409, "invalid_request_error", NULL, NULL, "Cannot cancel a batch with status '%s'.", status_of(b));
	} else {
		batch_cancel(b);
		add_json(&r->body, batch_object(b));
	}
}
