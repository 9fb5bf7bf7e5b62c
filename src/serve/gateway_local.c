/* gateway_local.c - models of this machine asked as they are: prompts, streamed or not, and texts to embed */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/gateway_inner.h"
#include "serve/responses.h"
#include "serve/texts.h"

/* A request to a model on its way. */
struct told {
	struct gateway *gateway;
	const struct host *host;
	struct exchange *exchange; /* NULL: the client went away */
	struct errand errand;
	struct chat_request request;
	struct model_request asked;
	struct texts_request texts;
	char id[ID_PREFIX + UUID_TEXT];
	uint64_t began_unix_ms;
	double first_ms;
	size_t n_events; /* of responses, so far */
	struct question question;
	/* Of a stream: what the model has said and the client has not been sent, from the worker's thread to the loop's. */
	struct told *next, *before;
	pthread_mutex_t mutex;
	struct buf said;
	bool gone, begun;
};

/* ---- streams ---- */

static bool take_piece(void *context, const char *text, size_t n)
{
	struct told *t = context;

	pthread_mutex_lock(&t->mutex);
	buf_add(&t->said, text, n);
	bool goes_on = !t->gone;

	pthread_mutex_unlock(&t->mutex);
	client_wake(t->gateway->client);
	return goes_on;
}

/* What of a reply is known while the worker still has the question. */
static struct chat_reply reply_begun(const struct told *t)
{
	return (struct chat_reply){ .id = t->id, .model = t->request.model, .created = t->began_unix_ms / 1000, .probability = NAN, .usd = NAN };
}

static struct chat_reply reply_of(const struct told *t)
{
	const struct question *q = &t->question;
	struct chat_reply r = reply_begun(t);

	r.text = q->text;
	r.status = q->status;
	r.finish = strcmp(q->status, "truncated") == 0 ? "length" : "stop";
	r.input_tokens = q->input_tokens;
	r.output_tokens = q->output_tokens;
	return r;
}

static void write_piece(struct told *t, const struct chat_reply *r, const char *text, struct buf *out)
{
	if (!t->request.responses) {
		chat_write_piece(r, text, !t->begun, t->request.include_usage, out);
		return;
	}
	if (!t->begun)
		responses_write_begin(r, &t->n_events, out);
	responses_write_piece(r, text, &t->n_events, out);
}

static void write_end(struct told *t, const struct chat_reply *r, struct buf *out)
{
	if (t->request.responses)
		responses_write_end(r, &t->n_events, out);
	else
		chat_write_end(r, t->request.include_usage, out);
}

/* What has been said since goes out; the first byte of it is the reply's. */
static void pass_on(struct told *t)
{
	static const char *const headers[] = { "Content-Type", "text/event-stream; charset=utf-8", "Cache-Control", "no-cache", NULL };
	const struct chat_reply r = reply_begun(t);
	struct buf events = { 0 };

	pthread_mutex_lock(&t->mutex);
	struct buf said = t->said;

	t->said = (struct buf){ 0 };
	pthread_mutex_unlock(&t->mutex);
	if (said.n > 0 && t->exchange) {
		write_piece(t, &r, buf_text(&said), &events);
		if (!t->begun)
			exchange_begin(t->exchange, 200, headers);
		t->first_ms = t->begun ? t->first_ms : clock_ms() - t->errand.began_ms;
		t->begun = true;
		exchange_write(t->exchange, buf_text(&events), events.n);
	}
	buf_release(&events);
	buf_release(&said);
}

void gateway_flow(struct gateway *g)
{
	for (struct told *t = g->flowing; t; t = t->next)
		pass_on(t);
}

static void end_stream(struct told *t)
{
	const struct chat_reply r = reply_of(t);
	struct buf events = { 0 };

	pass_on(t);
	if (!t->begun) { /* it said nothing */
		write_piece(t, &r, "", &events);
		write_end(t, &r, &events);
		reply_events(t->exchange, &events);
		return;
	}
	write_end(t, &r, &events);
	exchange_write(t->exchange, buf_text(&events), events.n);
	exchange_end(t->exchange);
	buf_release(&events);
}

/* ---- back from the worker ---- */

static void went_away(void *context)
{
	struct told *t = context;

	pthread_mutex_lock(&t->mutex);
	t->gone = true;
	pthread_mutex_unlock(&t->mutex);
	t->exchange = NULL;
}

static void forget(struct told *t)
{
	if (t->next)
		t->next->before = t->before;
	if (t->before)
		t->before->next = t->next;
	else if (t->gateway->flowing == t)
		t->gateway->flowing = t->next;
	pthread_mutex_destroy(&t->mutex);
	buf_release(&t->said);
	arena_release(&t->question.arena);
	free(t);
}

static void note(struct told *t, int http)
{
	const struct question *q = &t->question;
	const struct served_call call = {
		.id = t->id + ID_PREFIX, .began_ms = t->began_unix_ms, .task = t->host->model->name, .variant = http == 200 ? "model" : "", .verdict = "",
		.stream = t->request.stream, .http = http, .status = http == 200 ? q->status : "failed", .why = q->why ? q->why : q->failed,
		.input_tokens = q->input_tokens, .output_tokens = q->output_tokens, .usd = 0, .ms = clock_ms() - t->errand.began_ms,
		.first_ms = t->first_ms, .probability = NAN, .propensity = 1, .subject = t->request.subject, .input = q->input, .output = q->text,
	};

	gateway_keep(t->gateway, &call, &t->errand, NAN);
}

static void reply_vectors(struct told *t)
{
	const struct question *q = &t->question;
	struct buf body = { 0 };

	texts_write(&t->texts, q->vectors, q->width, q->input_tokens, &body);
	reply_json(t->exchange, 200, &body);
}

static void reply_text_of(struct told *t)
{
	const struct chat_reply r = reply_of(t);
	struct buf body = { 0 };

	if (t->request.stream) {
		end_stream(t);
		return;
	}
	if (t->request.responses)
		responses_write(&r, &body);
	else
		chat_write(&r, &body);
	reply_json(t->exchange, 200, &body);
}

/* A stream that has begun can only break. */
static void fail(struct told *t, int http, const char *why)
{
	const struct chat_fault fault = { http, http == 400 ? "invalid_request_error" : "server_error", http == 400 ? NULL : "model_failed", NULL, why };

	note(t, http);
	if (t->exchange && t->begun)
		exchange_cut(t->exchange);
	else if (t->exchange)
		reply_fault(t->exchange, &fault);
}

static void answer(struct told *t)
{
	const struct question *q = &t->question;

	if (q->why || q->failed) {
		fail(t, q->why ? 400 : 503, q->why ? q->why : q->failed);
		return;
	}
	note(t, 200);
	if (t->exchange && t->question.texts)
		reply_vectors(t);
	else if (t->exchange)
		reply_text_of(t);
}

void gateway_take_back_told(struct question *q)
{
	for (struct question *next; q; q = next) {
		struct told *t = q->context;

		next = q->next;
		answer(t);
		forget(t);
	}
}

/* ---- on the way ---- */

static struct told *told_new(struct gateway *g, struct exchange *x, const struct host *host, const char *model)
{
	struct told *t = mem_zero(1, sizeof(*t));
	char uuid[UUID_TEXT];
	size_t n;

	*t = (struct told){ .gateway = g, .host = host, .exchange = x, .began_unix_ms = uuid_now_ms(), .first_ms = NAN };
	pthread_mutex_init(&t->mutex, NULL);
	arena_init(&t->question.arena);
	uuid_make(t->began_unix_ms, uuid);
	snprintf(t->id, sizeof(t->id), "chatcmpl-%s", uuid);
	t->question.context = t;
	t->question.input = arena_string(&t->question.arena, exchange_body(x, &n)); /* for the log */
	t->request.model = arena_string(&t->question.arena, model);
	return t;
}

static void ask(struct told *t)
{
	static const struct chat_fault busy = { 503, "server_error", "overloaded", NULL, "too many wait for this model; try again in a moment" };

	exchange_watch(t->exchange, went_away, t);
	if (worker_ask(t->host->worker, &t->question))
		return;
	claim_settle(&t->errand.claim, 0, 0, clock_ms());
	metrics_refused(t->gateway->metrics, busy.code);
	reply_fault(t->exchange, &busy);
	forget(t);
}

/* In the question's arena: the client may go away before it is answered. */
static bool read_prompt(struct told *t, const struct chat_request *request, struct chat_fault *fault)
{
	t->request.stream = request->stream;
	t->request.responses = request->responses;
	t->request.include_usage = request->include_usage;
	t->request.subject = request->subject ? arena_string(&t->question.arena, request->subject) : NULL;
	if (t->host->model->embeds) {
		*fault = (struct chat_fault){ 400, "invalid_request_error", NULL, "model", "this model embeds texts; ask it at /v1/embeddings" };
		return false;
	}
	if (!chat_read_prompt(request->body, request->n_body, &t->question.arena, &t->asked, fault))
		return false;
	if (t->request.stream) {
		t->asked.piece = take_piece;
		t->asked.context = t;
	}
	t->question.request = &t->asked;
	return true;
}

static bool read_texts(struct told *t, struct chat_fault *fault)
{
	size_t n;
	const char *body = exchange_body(t->exchange, &n);

	if (!texts_read(body, n, &t->question.arena, &t->texts, fault))
		return false;
	t->question.texts = &t->texts;
	return true;
}

/* Tokens that it may take at most: what it is sent, a byte or more each, and what it may write. */
static void go(struct told *t, struct account *whose, bool good, const struct chat_fault *fault)
{
	double tokens = (double)strlen(t->question.input) + (t->question.request ? (double)t->asked.max_tokens : 0);

	if (!good)
		reply_fault(t->exchange, fault);
	else if (gateway_admit(t->gateway, t->exchange, whose, tokens, 0, &t->errand)) {
		if (t->request.stream) {
			t->next = t->gateway->flowing;
			if (t->next)
				t->next->before = t;
			t->gateway->flowing = t;
		}
		ask(t);
		return;
	}
	forget(t);
}

struct host *gateway_host(struct gateway *g, const char *model, const struct account *whose)
{
	for (size_t i = 0; i < g->settings->n_models; i++)
		if (strcmp(g->hosts[i].model->name, model) == 0)
			return gateway_may_ask(whose, model) ? &g->hosts[i] : NULL;
	return NULL;
}

void gateway_ask_model(struct gateway *g, struct exchange *x, struct host *host, const struct chat_request *request, struct account *whose)
{
	struct told *t = told_new(g, x, host, request->model);
	struct chat_fault fault;
	bool good = read_prompt(t, request, &fault);

	go(t, whose, good, &fault);
}

void gateway_embed(struct gateway *g, struct exchange *x, struct host *host, struct account *whose)
{
	struct told *t = told_new(g, x, host, host->model->name);
	struct chat_fault fault;
	bool good = read_texts(t, &fault);

	go(t, whose, good, &fault);
}
