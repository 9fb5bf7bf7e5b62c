/* gateway_chat.c - questions on their way to a task's worker and back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/gateway_inner.h"

/* A question on its way. */
struct pending {
	struct gateway *gateway;
	const struct seat *seat;
	struct arm *arm;           /* that was asked */
	double propensity;         /* with which it was chosen */
	bool shadow;               /* the answer is compared with the one that went out, and shown to nobody */
	struct exchange *exchange; /* NULL: the client went away */
	struct chat_request request;
	char id[ID_PREFIX + UUID_TEXT];
	uint64_t began_unix_ms;
	double began_ms;
	struct question question;
};

/* ---- questions ---- */

static void went_away(void *context)
{
	struct pending *p = context;

	p->exchange = NULL;
}

static void forget(struct pending *p)
{
	arena_release(&p->question.arena);
	free(p);
}

static bool give(struct pending *p, struct arm *arm)
{
	if (!worker_ask(arm->worker, &p->question))
		return false;
	p->arm = arm;
	arm->asked++;
	return true;
}

static const char *finish_of(const char *status)
{
	return strcmp(status, "truncated") == 0 ? "length" : strcmp(status, "refused") == 0 ? "content_filter" : "stop";
}

/* What no answer is: the task as a whole, or what it asks, failed; or the input is none of the task's. */
static bool has_failed(const struct question *q, struct chat_fault *fault)
{
	if (q->why)
		*fault = (struct chat_fault){ 400, "invalid_request_error", NULL, "messages", q->why };
	else if (q->failed)
		*fault = (struct chat_fault){ 503, "server_error", "task_failed", NULL, q->failed };
	else if (strcmp(q->status, "timeout") == 0 || strcmp(q->status, "error") == 0)
		*fault = (struct chat_fault){ 502, "server_error", "upstream_failed", NULL, "the model that this task asks did not answer" };
	else
		return false;
	return true;
}

/* What came of it, whether or not anybody is there any more to hear it. */
static void note(const struct pending *p, int http)
{
	const struct gateway *g = p->gateway;
	const struct question *q = &p->question;
	bool answered = http == 200, ours = answered || (p->exchange && http >= 500);
	const struct served_call call = {
		.id = p->id + ID_PREFIX, .began_ms = p->began_unix_ms, .tenant = "", .task = p->seat->task, .subject = p->request.subject,
		.variant = answered ? q->variant : "", .verdict = answered ? q->verdict : ours ? p->arm->verdict.id : "", .stream = p->request.stream, .http = http,
		.status = answered ? q->status : "failed", .why = q->why ? q->why : q->failed, .input_tokens = q->input_tokens,
		.output_tokens = q->output_tokens, .ms = clock_ms() - p->began_ms, .first_ms = NAN,
		.probability = answered ? q->probability : NAN, .propensity = p->propensity, .input = g->settings->keep_texts ? q->input : NULL,
		.output = g->settings->keep_texts ? q->text : NULL,
	};

	if (g->journal)
		journal_call(g->journal, &call);
}

static void note_shadow(const struct pending *p)
{
	const struct question *q = &p->question;
	bool said = !q->why && !q->failed;
	const struct served_shadow row = { p->id + ID_PREFIX, p->arm->verdict.id, p->arm->verdict.variant, said ? q->status : "failed",
					   said && p->gateway->settings->keep_texts ? q->text : NULL, q->ms };

	journal_shadow(p->gateway->journal, &row);
}

/* What was answered is asked of the one in the shadow, too, where its queue has room; nobody waits for it. */
static void ask_shadow(const struct pending *of)
{
	struct arm *arm = of->seat->challenger;
	struct pending *p;

	if (!arm || of->seat->share > 0 || !of->gateway->journal)
		return;
	p = mem_zero(1, sizeof(*p));
	*p = (struct pending){ .gateway = of->gateway, .seat = of->seat, .arm = arm, .shadow = true };
	memcpy(p->id, of->id, sizeof(p->id));
	arena_init(&p->question.arena);
	p->question.context = p;
	p->question.input = arena_string(&p->question.arena, of->question.input);
	if (!give(p, arm))
		forget(p);
}

static void answer(struct pending *p)
{
	const struct question *q = &p->question;
	struct chat_fault fault;
	struct buf body = { 0 };

	if (has_failed(q, &fault)) {
		note(p, fault.status);
		if (p->exchange)
			reply_fault(p->exchange, &fault);
		return;
	}
	note(p, 200);
	ask_shadow(p);
	if (!p->exchange)
		return;
	const struct chat_reply r = {
		.id = p->id, .model = p->request.model, .created = uuid_now_ms() / 1000, .text = q->text, .finish = finish_of(q->status),
		.input_tokens = q->input_tokens, .output_tokens = q->output_tokens, .task = p->seat->task, .variant = q->variant,
		.verdict = q->verdict, .status = q->status, .citations = q->citations, .probability = q->probability,
	};

	if (p->request.stream) {
		chat_write_events(&r, p->request.include_usage, &body);
		reply_events(p->exchange, &body);
	} else {
		chat_write(&r, &body);
		reply_json(p->exchange, 200, &body);
	}
}

static struct seat *seat_named(struct gateway *g, const char *model)
{
	const char *name = strncmp(model, "rung/", 5) == 0 ? model + 5 : model;

	for (size_t i = 0; i < g->settings->n_tasks; i++)
		if (strcmp(g->settings->tasks[i].name, name) == 0)
			return &g->seats[i];
	return NULL;
}

static void ask(struct gateway *g, struct exchange *x, const struct seat *seat, const struct chat_request *request)
{
	struct pending *p = mem_zero(1, sizeof(*p));
	char uuid[UUID_TEXT];

	*p = (struct pending){ .gateway = g, .seat = seat, .exchange = x, .request = *request };
	p->began_unix_ms = uuid_now_ms();
	p->began_ms = exchange_began_ms(x);
	uuid_make(p->began_unix_ms, uuid);
	snprintf(p->id, sizeof(p->id), "chatcmpl-%s", uuid);
	arena_init(&p->question.arena);
	p->question.context = p;
	p->question.input = arena_string(&p->question.arena, request->input); /* the client may go away before it is answered */
	p->request.model = arena_string(&p->question.arena, request->model);
	p->request.subject = request->subject ? arena_string(&p->question.arena, request->subject) : NULL;
	exchange_watch(x, went_away, p);
	struct arm *arm = seat_draw(seat, request->subject ? request->subject : p->id, &p->propensity);

	if (give(p, arm))
		return;
	p->propensity = 1; /* that its queue is full is no choice of chance's */
	if (arm != seat->serving && give(p, seat->serving))
		return;
	const struct chat_fault busy = { 503, "server_error", "overloaded", NULL, "too many questions wait for this task; try again in a moment" };

	reply_fault(x, &busy);
	forget(p);
}

void gateway_chat(struct gateway *g, struct exchange *x)
{
	struct chat_request request;
	struct chat_fault fault;
	size_t n;
	const char *body = exchange_body(x, &n);

	if (relay_take(g->relay, x, RELAY_CHAT))
		return;
	if (!chat_read(body, n, exchange_arena(x), &request, &fault)) {
		reply_fault(x, &fault);
		return;
	}
	const struct seat *seat = seat_named(g, request.model);

	if (seat) {
		ask(g, x, seat, &request);
		return;
	}
	fault = (struct chat_fault){ 404, "invalid_request_error", "model_not_found", "model",
				     arena_printf(exchange_arena(x), "there is no model \"%.200s\" here; GET /v1/models lists them", request.model) };
	reply_fault(x, &fault);
}

void gateway_take_back(struct question *q)
{
	for (struct question *next; q; q = next) {
		struct pending *p = q->context;

		next = q->next;
		if (p->shadow)
			note_shadow(p);
		else
			answer(p);
		p->arm->asked--;
		forget(p);
	}
}
