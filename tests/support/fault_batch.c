/* fault_batch.c - batches of either vendor. They go on whenever somebody looks at them, not with time, so that tests need none. */
#include "base/arena.h"
#include "fault.h"
#include "fault_state.h"

static struct batch **batches;
static size_t n_batches;

struct batch *batch_add(enum form form)
{
	struct batch *b = mem_zero(1, sizeof(*b));

	batches = mem_resize(batches, n_batches + 1, sizeof(struct batch *));
	batches[n_batches++] = b;
	snprintf(b->id, sizeof(b->id), "%s_%016zx", form == FORM_OPENAI ? "batch" : "msgbatch", next_id());
	b->form = form;
	b->created = time(NULL);
	return b;
}

struct batch *batch_at(size_t i)
{
	return i < n_batches ? batches[i] : NULL;
}

struct batch *batch_find(enum form form, const char *id)
{
	for (size_t i = 0; i < n_batches; i++)
		if (batches[i]->form == form && !batches[i]->deleted && strcmp(batches[i]->id, id) == 0)
			return batches[i];
	return NULL;
}

void batch_request_add(struct batch *b, const char *custom_id, json_t *body)
{
	b->requests = mem_resize(b->requests, b->n + 1, sizeof(*b->requests));
	b->requests[b->n++] = (struct batch_request){ .custom_id = mem_string(custom_id), .body = body };
}

static void answer(struct batch *b, struct batch_request *request)
{
	/* What breaks a connection leaves a request of a batch unanswered. */
	const uint64_t never = (uint64_t)1 << FAULT_EXPIRED | 1u << FAULT_HANG_BEFORE_HEADERS | 1u << FAULT_HANG_BEFORE_FIRST |
			       1u << FAULT_STALL | 1u << FAULT_CUT | 1u << FAULT_BAD_CHUNK;
	struct request as_asked = { .form = b->form, .model = "" };
	struct reply r = { 0 };
	uint64_t faults = 0;

	if (json_is_true(json_object_get(request->body, "stream")))
		error_reply(&as_asked, &r, 400, "invalid_request_error", "stream", NULL, "stream: must be false in a batch");
	else
		serve_inner(b->form, b->path, request->body, &r, &faults);
	if (faults & never) {
		request->outcome = OUTCOME_EXPIRED;
	} else {
		request->status = r.status ? r.status : 200;
		request->outcome = request->status == 200 ? OUTCOME_ANSWERED : OUTCOME_FAILED;
		request->reply = r.body;
		r.body = (struct buf){ 0 };
		if (r.bill.due)
			bill_write(&r.bill);
	}
	buf_release(&r.body);
}

static void run_until(struct batch *b, size_t n)
{
	for (; b->done < n; b->done++)
		answer(b, &b->requests[b->done]);
}

void batch_poll(struct batch *b)
{
	if (b->stage == BATCH_VALIDATING && *b->broken) {
		b->stage = BATCH_BROKEN;
		b->ended = time(NULL);
	} else if (b->stage == BATCH_VALIDATING) {
		b->stage = BATCH_RUNNING;
	}
	if (b->stage == BATCH_CANCELLING) {
		b->stage = BATCH_CANCELLED;
		b->ended = time(NULL);
	}
	if (b->stage != BATCH_RUNNING)
		return;
	b->polls++;
	run_until(b, b->polls < options.polls ? b->n * b->polls / options.polls : b->n);
	if (b->done == b->n && b->polls >= options.polls) {
		b->stage = BATCH_ENDED;
		b->ended = time(NULL);
	}
}

void batch_cancel(struct batch *b)
{
	if (b->stage != BATCH_VALIDATING && b->stage != BATCH_RUNNING)
		return;
	b->stage = BATCH_CANCELLING;
	b->cancelled = time(NULL);
}

size_t batch_count(const struct batch *b, enum outcome outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->requests[i].outcome == outcome;
	return n;
}

/* Odd ones backwards, then even ones. */
size_t batch_order(size_t i, size_t n)
{
	size_t odd = n / 2;

	return i < odd ? 2 * (odd - i) - 1 : 2 * (i - odd);
}
