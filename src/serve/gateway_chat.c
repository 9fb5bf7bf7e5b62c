/* gateway_chat.c - questions on their way to a task's worker and back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/gateway_inner.h"
#include "serve/responses.h"

/* A question on its way. */
struct pending {
	struct gateway *gateway;
	struct seat *seat;
	struct arm *arm;           /* that was asked */
	double propensity;         /* with which it was chosen */
	bool shadow;               /* the answer is compared with the one that went out, and shown to nobody */
	struct errand errand;
	struct exchange *exchange; /* NULL: the client went away */
	struct chat_request request;
	char id[ID_PREFIX + UUID_TEXT];
	uint64_t began_unix_ms;
	bool cached;
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
static void note(struct pending *p, int http)
{
	const struct question *q = &p->question;
	bool answered = http == 200, ours = !q->wanted && p->exchange && http >= 500;
	const struct served_call call = {
		.id = p->id + ID_PREFIX, .began_ms = p->began_unix_ms, .task = p->seat->task,
		.variant = answered ? q->variant : "", .verdict = answered ? q->verdict : ours ? p->arm->verdict.id : "", .stream = p->request.stream, .http = http,
		.status = answered ? q->status : "failed", .why = q->why ? q->why : q->failed, .input_tokens = q->input_tokens,
		.output_tokens = q->output_tokens, .usd = q->usd, .cached = p->cached, .ms = clock_ms() - p->errand.began_ms, .first_ms = NAN,
		.probability = answered ? q->probability : NAN, .propensity = p->propensity, .subject = p->request.subject, .input = q->input, .output = q->text,
		.citations = q->citations,
	};

	gateway_keep(p->gateway, &call, &p->errand, NAN);
}

/* What the next questions of the task will reserve. */
static void learn(struct pending *p)
{
	const struct question *q = &p->question;

	if (!q->wanted) { /* another variant says nothing of those that chance draws */
		p->seat->most_tokens = fmax(p->seat->most_tokens, (double)(q->input_tokens + q->output_tokens));
		p->seat->most_usd = isnan(q->usd) ? NAN : fmax(p->seat->most_usd, q->usd);
	}
	if (strcmp(q->status, "answered") == 0 || strcmp(q->status, "abstained") == 0)
		gateway_keep_answer(p->gateway, q, &p->errand);
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

static void reply_as_response(const struct pending *p, const struct chat_reply *r)
{
	struct buf body = { 0 };
	size_t number = 0;

	if (p->request.stream) {
		responses_write_begin(r, &number, &body);
		responses_write_piece(r, r->text ? r->text : "", &number, &body);
		responses_write_end(r, &number, &body);
		reply_events(p->exchange, &body);
	} else {
		responses_write(r, &body);
		reply_json(p->exchange, 200, &body);
	}
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
	if (!p->cached)
		learn(p);
	note(p, 200);
	if (!p->cached && !q->wanted)
		ask_shadow(p);
	if (!p->exchange)
		return;
	const struct chat_reply r = {
		.id = p->id, .model = p->request.model, .created = uuid_now_ms() / 1000, .text = q->text, .finish = finish_of(q->status),
		.input_tokens = q->input_tokens, .output_tokens = q->output_tokens, .task = p->seat->task, .variant = q->variant,
		.verdict = q->verdict, .status = q->status, .citations = q->citations, .probability = q->probability, .usd = q->usd,
		.cached = p->cached,
	};

	if (p->request.responses) {
		reply_as_response(p, &r);
	} else if (p->request.stream) {
		chat_write_events(&r, p->request.include_usage, &body);
		reply_events(p->exchange, &body);
	} else {
		chat_write(&r, &body);
		reply_json(p->exchange, 200, &body);
	}
}

/* As clients have it, with or without "rung/", and "/VARIANT" behind it where one is wanted that did not win; keys name a task as GET /v1/models does. */
static struct seat *seat_named(struct gateway *g, const char *model, const struct account *whose, const char **variant)
{
	static const char before[] = "rung/";
	size_t n = sizeof(before) - 1;
	const char *name = strncmp(model, before, n) == 0 ? model + n : model;
	char full[256];

	for (size_t i = 0; i < g->settings->n_tasks; i++) {
		const char *task = g->seats[i].task;
		size_t length = strlen(task);

		if (strncmp(task, name, length) != 0 || (name[length] && name[length] != '/'))
			continue;
		*variant = name[length] ? name + length + 1 : NULL;
		snprintf(full, sizeof(full), "%s%s", before, task);
		return gateway_may_ask(whose, full) ? &g->seats[i] : NULL;
	}
	return NULL;
}

static struct pending *pending_new(struct gateway *g, struct exchange *x, struct seat *seat, const struct chat_request *request)
{
	struct pending *p = mem_zero(1, sizeof(*p));
	char uuid[UUID_TEXT];

	*p = (struct pending){ .gateway = g, .seat = seat, .exchange = x, .request = *request };
	p->began_unix_ms = uuid_now_ms();
	uuid_make(p->began_unix_ms, uuid);
	snprintf(p->id, sizeof(p->id), "chatcmpl-%s", uuid);
	arena_init(&p->question.arena);
	p->question.context = p;
	p->question.usd = NAN;
	p->question.input = arena_string(&p->question.arena, request->input); /* the client may go away before it is answered */
	p->request.model = arena_string(&p->question.arena, request->model);
	p->request.subject = request->subject ? arena_string(&p->question.arena, request->subject) : NULL;
	return p;
}

static void ask(struct pending *p)
{
	static const struct chat_fault busy = { 503, "server_error", "overloaded", NULL,
						"too many questions wait for this task; try again in a moment" };

	exchange_watch(p->exchange, went_away, p);
	if (give(p, p->arm))
		return;
	p->propensity = 1; /* that its queue is full is no choice of chance's */
	p->errand.keeps = p->errand.keeps && p->arm == p->seat->serving; /* it is known as the other one's */
	if (p->arm != p->seat->serving && give(p, p->seat->serving))
		return;
	claim_settle(&p->errand.claim, 0, 0, clock_ms());
	metrics_refused(p->gateway->metrics, busy.code);
	reply_fault(p->exchange, &busy);
	forget(p);
}

/* Of whoever may be drawn. */
static double most_tokens(const struct seat *s)
{
	return fmax(s->most_tokens, fmax(s->serving->verdict.tokens, s->challenger ? s->challenger->verdict.tokens : 0));
}

static double most_usd(const struct seat *s)
{
	double serving = s->serving->verdict.usd, challenger = s->challenger ? s->challenger->verdict.usd : 0;

	return isnan(s->most_usd) || isnan(serving) || isnan(challenger) ? NAN : fmax(s->most_usd, fmax(serving, challenger));
}

/* Chance has no say where a variant is wanted. */
static void draw(struct pending *p, const char *variant)
{
	p->question.wanted = variant ? arena_string(&p->question.arena, variant) : NULL;
	p->propensity = 1;
	p->arm = variant ? p->seat->serving : seat_draw(p->seat, p->request.subject ? p->request.subject : p->id, &p->propensity);
}

static const char *by_whom(struct pending *p)
{
	const char *verdict = p->arm->verdict.id, *wanted = p->question.wanted;

	return wanted ? arena_printf(&p->question.arena, "%s/%s", verdict, wanted) : verdict;
}

/* What another variant costs is known once it has answered. A token is a byte or more, and around its input a task asks no more than it did for the largest of its answers. */
static void take(struct gateway *g, struct exchange *x, struct seat *seat, const char *variant, const struct chat_request *request,
		 struct account *whose)
{
	struct errand e;

	if (!gateway_admit(g, x, whose, most_tokens(seat) + (double)strlen(request->input), variant ? NAN : most_usd(seat), &e))
		return;
	struct pending *p = pending_new(g, x, seat, request);

	p->errand = e;
	draw(p, variant);
	p->cached = gateway_knows_answer(g, x, seat->task, by_whom(p), &p->question, &p->errand);
	if (!p->cached) {
		ask(p);
		return;
	}
	p->question.usd = 0;
	p->propensity = 1; /* what was said of an answer before says nothing new of who gave it */
	answer(p);
	forget(p);
}

bool gateway_ask_task(struct gateway *g, struct exchange *x, const char *task, const struct chat_request *request, struct account *whose)
{
	const char *variant = NULL;
	struct seat *seat = seat_named(g, task, whose, &variant);
	struct host *host = seat ? NULL : gateway_host(g, task, whose);

	if (seat)
		take(g, x, seat, variant, request, whose);
	else if (host)
		gateway_ask_model(g, x, host, request, whose);
	return seat || host;
}

/* body: as chat completions have it. */
static void ask_here(struct gateway *g, struct exchange *x, const char *body, size_t n, bool responses, struct account *whose)
{
	struct chat_request request;
	struct chat_fault fault;

	if (!chat_read(body, n, exchange_arena(x), &request, &fault)) {
		reply_fault(x, &fault);
		return;
	}
	request.responses = responses;
	if (gateway_is_auto(g, request.model) && gateway_may_ask(whose, "rung/auto")) {
		gateway_route(g, x, &request, whose);
		return;
	}
	if (gateway_ask_task(g, x, request.model, &request, whose))
		return;
	fault = (struct chat_fault){ 404, "invalid_request_error", "model_not_found", "model",
				     arena_printf(exchange_arena(x), "there is no model \"%.200s\" here; GET /v1/models lists them", request.model) };
	reply_fault(x, &fault);
}

void gateway_chat(struct gateway *g, struct exchange *x, struct account *whose)
{
	size_t n;
	const char *body = exchange_body(x, &n);

	if (!gateway_passes(g, x, RELAY_CHAT, NULL, whose))
		ask_here(g, x, body, n, false, whose);
}

void gateway_responses(struct gateway *g, struct exchange *x, struct account *whose)
{
	struct chat_fault fault;
	size_t n;
	const char *body = exchange_body(x, &n);

	if (gateway_passes(g, x, RELAY_RESPONSES, NULL, whose))
		return;
	const char *chat = responses_as_chat(body, n, exchange_arena(x), &fault);

	if (chat)
		ask_here(g, x, chat, strlen(chat), true, whose);
	else
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
