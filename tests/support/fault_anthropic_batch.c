/* fault_anthropic_batch.c - Anthropic's message batches: requests in the body, results at an address of their own. */
#include "base/hash.h"
#include "fault.h"
#include "fault_state.h"

enum { DAY = 86400 };

/* RFC 3339; null where it has not happened. */
static json_t *moment(long long t)
{
	char text[32];
	time_t when = (time_t)t;
	struct tm tm;

	if (!t)
		return json_null();
	gmtime_r(&when, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static bool has_ended(const struct batch *b)
{
	return b->ended != 0;
}

static json_t *batch_object(const struct batch *b)
{
	bool ended = has_ended(b);
	json_int_t none = (json_int_t)batch_count(b, OUTCOME_NONE), processing = ended ? 0 : (json_int_t)b->n;
	json_t *counts = json_pack("{s:I, s:I, s:I, s:I, s:I}", "processing", processing, "succeeded",
				   ended ? (json_int_t)batch_count(b, OUTCOME_ANSWERED) : 0, "errored",
				   ended ? (json_int_t)batch_count(b, OUTCOME_FAILED) : 0, "canceled", ended ? none : 0, "expired",
				   ended ? (json_int_t)batch_count(b, OUTCOME_EXPIRED) : 0);
	json_t *out = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:n, s:n}", "id", b->id, "type", "message_batch",
				"processing_status", ended ? "ended" : b->stage == BATCH_CANCELLING ? "canceling" : "in_progress",
					"request_counts", counts,
				"created_at", moment(b->created), "expires_at", moment(b->created + DAY), "ended_at", moment(b->ended),
				"cancel_initiated_at", moment(b->cancelled), "archived_at", "results_url");
	char url[160];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1/messages/batches/%s/results", http_port(), b->id);
	if (ended)
		json_object_set_new(out, "results_url", json_string(url));
	return out;
}

/* What is wrong with the requests; NULL: nothing. */
static const char *mistake(const json_t *requests)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	struct table seen = { 0 };
	const char *wrong = json_array_size(requests) == 0 ? "requests: Field required" : NULL;
	const json_t *one;
	size_t i;

	json_array_foreach(requests, i, one) {
		const char *custom_id = text_of(one, "custom_id");

		if (!*custom_id)
			wrong = "requests: custom_id: Field required";
		else if (strlen(custom_id) > 64 || custom_id[strspn(custom_id, allowed)])
			wrong = "requests: custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'";
		else if (++*table_at(&seen, hash64(custom_id, strlen(custom_id), 0)) > 1)
			wrong = "requests: custom_id: must be unique within a batch";
		else if (!json_is_object(json_object_get(one, "params")))
			wrong = "requests: params: Field required";
	}
	table_clear(&seen);
	return wrong;
}

void anthropic_batches_create(const struct request *q, const char *id, struct reply *r)
{
	const json_t *requests = json_object_get(q->root, "requests"), *one;
	const char *wrong = mistake(requests);
	size_t i;

	(void)id;
	if (wrong) {
		error_reply(q, r, 400, "invalid_request_error", NULL, NULL, "%s", wrong);
		return;
	}
	struct batch *b = batch_add(FORM_ANTHROPIC);

	snprintf(b->path, sizeof(b->path), "/v1/messages");
	json_array_foreach(requests, i, one)
		batch_request_add(b, text_of(one, "custom_id"), json_deep_copy(json_object_get(one, "params")));
	add_json(&r->body, batch_object(b));
}

void anthropic_batches_list(const struct request *q, const char *id, struct reply *r)
{
	json_t *all = json_array();

	(void)id;
	for (size_t i = 0; batch_at(i); i++)
		if (batch_at(i)->form == FORM_ANTHROPIC && !batch_at(i)->deleted)
			json_array_insert_new(all, 0, batch_object(batch_at(i)));
	list_reply(q, all, r);
}

/* The batch, or NULL and the reply that there is none. */
static struct batch *find(const struct request *q, const char *id, struct reply *r)
{
	struct batch *b = batch_find(FORM_ANTHROPIC, id);

	if (!b)
		not_found(q, "message batch", id, r);
	return b;
}

void anthropic_batches_get(const struct request *q, const char *id, struct reply *r)
{
	struct batch *b = find(q, id, r);

	if (!b)
		return;
	if (!has_ended(b))
		batch_poll(b);
	add_json(&r->body, batch_object(b));
}

static void add_result(const struct batch_request *request, struct buf *out)
{
	static const char *const words[] = { [OUTCOME_NONE] = "canceled", [OUTCOME_ANSWERED] = "succeeded", [OUTCOME_FAILED] = "errored",
					     [OUTCOME_EXPIRED] = "expired" };

	buf_adds(out, "{\"custom_id\":");
	add_quoted(out, request->custom_id, strlen(request->custom_id));
	buf_addf(out, ",\"result\":{\"type\":\"%s\"", words[request->outcome]);
	if (request->outcome == OUTCOME_ANSWERED || request->outcome == OUTCOME_FAILED) {
		buf_addf(out, ",\"%s\":", request->outcome == OUTCOME_ANSWERED ? "message" : "error");
		buf_add(out, request->reply.data, request->reply.n);
	}
	buf_adds(out, "}}\n");
}

void anthropic_batches_results(const struct request *q, const char *id, struct reply *r)
{
	const struct batch *b = find(q, id, r);

	if (!b)
		return;
	if (!has_ended(b)) {
		error_reply(q, r, 404, "not_found_error", NULL, NULL, "Batch %s has no available results. The batch is still processing.",
			    id);
		return;
	}
	r->type = "application/x-jsonl";
	for (size_t i = 0; i < b->n; i++)
		add_result(&b->requests[batch_order(i, b->n)], &r->body);
}

void anthropic_batches_cancel(const struct request *q, const char *id, struct reply *r)
{
	struct batch *b = find(q, id, r);

	if (!b)
		return;
	if (has_ended(b)) {
		error_reply(q, r, 400, "invalid_request_error", NULL, NULL, "Batch %s cannot be canceled because it has already ended.",
			    id);
		return;
	}
	batch_cancel(b);
	add_json(&r->body, batch_object(b));
}

void anthropic_batches_delete(const struct request *q, const char *id, struct reply *r)
{
	struct batch *b = find(q, id, r);

	if (!b)
		return;
	if (!has_ended(b)) {
		error_reply(q, r, 400, "invalid_request_error", NULL, NULL, "Batch %s is still in progress; cancel it first.", id);
		return;
	}
	b->deleted = true;
	add_json(&r->body, json_pack("{s:s, s:s}", "id", b->id, "type", "message_batch_deleted"));
}
