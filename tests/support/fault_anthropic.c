/* fault_anthropic.c - Anthropic's messages, whole and as a stream. */
#include "fault.h"
#include "fault_state.h"

static const char *stop_reason(const struct answer *a)
{
	if (a->refused || strcmp(a->finish, "content_filter") == 0)
		return "refusal";
	if (strcmp(a->finish, "length") == 0)
		return "max_tokens";
	return a->stopped ? "stop_sequence" : "end_turn";
}

static void add_stop(const struct answer *a, struct buf *out)
{
	buf_addf(out, "\"stop_reason\":\"%s\",\"stop_sequence\":", stop_reason(a));
	if (a->stopped)
		add_quoted(out, a->stopped, strlen(a->stopped));
	else
		buf_adds(out, "null");
}

/* input_tokens are those that no cache read or wrote. */
static void add_usage(const struct request *q, const struct answer *a, size_t output, struct buf *out)
{
	if (is_faulty(q, FAULT_NO_USAGE))
		return;
	buf_addf(out, ",\"usage\":{\"input_tokens\":%zu,\"cache_creation_input_tokens\":%zu,\"cache_read_input_tokens\":%zu,"
		 "\"output_tokens\":%zu,\"service_tier\":\"standard\"}",
		 a->input - a->cache_read - a->cache_written, a->cache_written, a->cache_read, output);
}

static void add_start(const struct request *q, struct buf *out)
{
	buf_addf(out, "{\"id\":\"msg_%016zx\",\"type\":\"message\",\"role\":\"assistant\",\"model\":", next_id());
	add_quoted(out, q->model, strlen(q->model));
	buf_adds(out, ",\"content\":[");
}

static bool has_block(const struct request *q, const struct answer *a)
{
	return !a->refused && !is_faulty(q, FAULT_NULL_CONTENT) && !is_faulty(q, FAULT_EMPTY_CHOICES);
}

static void whole(const struct request *q, const struct answer *a, struct buf *out)
{
	add_start(q, out);
	if (has_block(q, a)) {
		buf_adds(out, "{\"type\":\"text\",\"text\":");
		add_quoted(out, buf_text(&a->text), a->text.n);
		buf_addc(out, '}');
	}
	buf_adds(out, "],");
	add_stop(a, out);
	add_usage(q, a, a->output, out);
	buf_addc(out, '}');
}

static void add_text_events(const struct answer *a, struct buf *out)
{
	buf_adds(out, "event: content_block_start\ndata: "
		 "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
	for (size_t at = 0, n; at < a->text.n; at += n) {
		n = piece_of(&a->text, at);
		buf_adds(out, "event: content_block_delta\ndata: "
			 "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":");
		add_quoted(out, a->text.data + at, n);
		buf_adds(out, "}}\n\n");
	}
	buf_adds(out, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n");
}

static void stream(const struct request *q, const struct answer *a, struct buf *out)
{
	buf_adds(out, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
	add_start(q, out);
	buf_adds(out, "],\"stop_reason\":null,\"stop_sequence\":null");
	add_usage(q, a, 1, out);
	buf_adds(out, "}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n");
	if (has_block(q, a))
		add_text_events(a, out);
	buf_adds(out, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{");
	add_stop(a, out);
	buf_adds(out, "}");
	if (!is_faulty(q, FAULT_NO_USAGE))
		buf_addf(out, ",\"usage\":{\"output_tokens\":%zu}", a->output);
	buf_adds(out, "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

/* What is missing or wrong, as the vendor says it; NULL: nothing. */
static const char *mistake(const struct request *q)
{
	const json_t *turns = json_object_get(q->root, "messages");
	const char *first = text_of(json_array_get(turns, 0), "role");

	if (!json_object_get(q->root, "max_tokens"))
		return "max_tokens: Field required";
	if (json_array_size(turns) == 0)
		return "messages: at least one message is required";
	if (strcmp(first, "user") != 0)
		return "messages.0.role: Input should be 'user' or 'assistant'";
	if (json_number_value(json_object_get(q->root, "temperature")) > 1)
		return "temperature: Input should be less than or equal to 1";
	return NULL;
}

void anthropic_messages(const struct request *q, const char *id, struct reply *r)
{
	const char *wrong = mistake(q);
	struct prompt p;
	struct answer a;

	(void)id;
	if (wrong) {
		error_reply(q, r, 400, "invalid_request_error", NULL, NULL, "%s", wrong);
		return;
	}
	prompt_read(q, &p);
	answer_make(q, &p, &a);
	r->events = p.stream;
	(p.stream ? stream : whole)(q, &a, &r->body);
	make_bill(q, r, a.input, a.output);
	buf_release(&p.last);
	buf_release(&a.text);
}
