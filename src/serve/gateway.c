/* gateway.c - routes, and questions on their way to a task's worker and back. */
#include "serve/gateway.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "serve/chat.h"

static const double drain_usual_ms = 30e3;

struct served {
	const struct gateway_task *task;
	struct worker *worker;
};

struct gateway {
	const struct gateway_settings *settings;
	struct client *client;
	struct server *server;
	struct served *tasks; /* (n_tasks) */
	uint64_t created;
	double stop_by;       /* 0: nobody has asked for it */
};

/* A question on its way. */
struct pending {
	struct gateway *gateway;
	const struct served *task;
	struct exchange *exchange; /* NULL: the client went away */
	struct chat_request request;
	char id[9 + UUID_TEXT];
	struct question question;
};

static const char *const json_headers[] = { "Content-Type", "application/json", "Cache-Control", "no-store", NULL };
static const char *const event_headers[] = { "Content-Type", "text/event-stream; charset=utf-8", "Cache-Control", "no-cache", NULL };
static const char *const text_headers[] = { "Content-Type", "text/plain; charset=utf-8", "Cache-Control", "no-store", NULL };

static void reply(struct exchange *x, int status, reply_headers headers, struct buf *body)
{
	exchange_reply(x, status, headers, buf_text(body), body->n);
	buf_release(body);
}

static void reply_fault(struct exchange *x, const struct chat_fault *fault)
{
	struct buf body = { 0 };

	chat_write_fault(fault, &body);
	reply(x, fault->status, json_headers, &body);
}

static void reply_text(struct exchange *x, int status, const char *text)
{
	exchange_reply(x, status, text_headers, text, strlen(text));
}

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

static void answer(struct pending *p)
{
	const struct question *q = &p->question;
	struct chat_fault fault;
	struct buf body = { 0 };

	if (has_failed(q, &fault)) {
		reply_fault(p->exchange, &fault);
		return;
	}
	const struct chat_reply r = {
		.id = p->id, .model = p->request.model, .created = uuid_now_ms() / 1000, .text = q->text, .finish = finish_of(q->status),
		.input_tokens = q->input_tokens, .output_tokens = q->output_tokens, .task = p->task->task->name, .variant = q->variant,
		.verdict = q->verdict, .status = q->status, .citations = q->citations, .probability = q->probability,
	};

	if (p->request.stream)
		chat_write_events(&r, p->request.include_usage, &body);
	else
		chat_write(&r, &body);
	reply(p->exchange, 200, p->request.stream ? event_headers : json_headers, &body);
}

static struct served *task_named(struct gateway *g, const char *model)
{
	const char *name = strncmp(model, "rung/", 5) == 0 ? model + 5 : model;

	for (size_t i = 0; i < g->settings->n_tasks; i++)
		if (strcmp(g->settings->tasks[i].name, name) == 0)
			return &g->tasks[i];
	return NULL;
}

static void ask(struct gateway *g, struct exchange *x, const struct served *task, const struct chat_request *request)
{
	struct pending *p = mem_zero(1, sizeof(*p));
	char uuid[UUID_TEXT];

	*p = (struct pending){ .gateway = g, .task = task, .exchange = x, .request = *request };
	uuid_make(uuid_now_ms(), uuid);
	snprintf(p->id, sizeof(p->id), "chatcmpl-%s", uuid);
	arena_init(&p->question.arena);
	p->question.context = p;
	p->question.input = arena_string(&p->question.arena, request->input); /* the client may go away before it is answered */
	p->request.model = arena_string(&p->question.arena, request->model);
	exchange_watch(x, went_away, p);
	if (worker_ask(task->worker, &p->question))
		return;
	const struct chat_fault busy = { 503, "server_error", "overloaded", NULL, "too many questions wait for this task; try again in a moment" };

	reply_fault(x, &busy);
	forget(p);
}

static void chat(struct gateway *g, struct exchange *x)
{
	struct chat_request request;
	struct chat_fault fault;
	size_t n;
	const char *body = exchange_body(x, &n);

	if (!chat_read(body, n, exchange_arena(x), &request, &fault)) {
		reply_fault(x, &fault);
		return;
	}
	const struct served *task = task_named(g, request.model);

	if (task) {
		ask(g, x, task, &request);
		return;
	}
	fault = (struct chat_fault){ 404, "invalid_request_error", "model_not_found", "model",
				     arena_printf(exchange_arena(x), "there is no model \"%.200s\" here; GET /v1/models lists them", request.model) };
	reply_fault(x, &fault);
}

/* ---- the other routes ---- */

static void models(struct gateway *g, struct exchange *x)
{
	struct arena *arena = exchange_arena(x);
	size_t n = g->settings->n_tasks;
	const char **ids = arena_array(arena, n + 1, sizeof(*ids));
	struct buf body = { 0 };

	for (size_t i = 0; i < n; i++)
		ids[i] = arena_printf(arena, "rung/%s", g->settings->tasks[i].name);
	chat_write_models(ids, n, g->created, &body);
	reply(x, 200, json_headers, &body);
}

static void healthz(struct gateway *g, struct exchange *x)
{
	(void)g;
	reply_text(x, 200, "ok\n");
}

static void readyz(struct gateway *g, struct exchange *x)
{
	reply_text(x, g->stop_by == 0 ? 200 : 503, g->stop_by == 0 ? "ready\n" : "stopping\n");
}

static const struct route {
	const char *method, *path;
	void (*handle)(struct gateway *g, struct exchange *x);
} routes[] = {
	{ "POST", "/v1/chat/completions", chat },
	{ "GET", "/v1/models", models },
	{ "GET", "/healthz", healthz },
	{ "GET", "/readyz", readyz },
};

static void on_request(void *context, struct exchange *x)
{
	const char *path = exchange_path(x), *method = exchange_method(x), *allowed = NULL;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		allowed = routes[i].method;
		if (strcmp(allowed, method) == 0 || (strcmp(allowed, "GET") == 0 && strcmp(method, "HEAD") == 0)) {
			routes[i].handle(context, x);
			return;
		}
	}
	const struct chat_fault fault = { allowed ? 405 : 404, "invalid_request_error", allowed ? "method_not_allowed" : "not_found", NULL,
					  allowed ? arena_printf(exchange_arena(x), "this path takes %s", allowed) : "there is nothing at this path" };

	reply_fault(x, &fault);
}

/* ---- the loop ---- */

static void take_back(struct question *q)
{
	for (struct question *next; q; q = next) {
		struct pending *p = q->context;

		next = q->next;
		if (p->exchange)
			answer(p);
		forget(p);
	}
}

static void on_turn(void *context)
{
	struct gateway *g = context;

	for (size_t i = 0; i < g->settings->n_tasks; i++)
		take_back(worker_taken(g->tasks[i].worker));
}

static void on_wake(void *context)
{
	struct gateway *g = context;

	client_wake(g->client);
}

/* Told to stop, it takes no new connection and goes on until what is there has been answered. */
static bool is_over(void *context)
{
	struct gateway *g = context;
	double drain = g->settings->drain_ms > 0 ? g->settings->drain_ms : drain_usual_ms;

	if (g->stop_by == 0 && g->settings->stopped && g->settings->stopped(g->settings->context)) {
		g->stop_by = clock_ms() + drain;
		server_quiesce(g->server);
	}
	return g->stop_by > 0 && (server_exchanges(g->server) == 0 || clock_ms() > g->stop_by);
}

static void start_tasks(struct gateway *g)
{
	g->tasks = mem_zero(g->settings->n_tasks + 1, sizeof(*g->tasks));
	for (size_t i = 0; i < g->settings->n_tasks; i++) {
		const struct gateway_task *task = &g->settings->tasks[i];

		g->tasks[i] = (struct served){ task, worker_start(task->answer, task->context, on_wake, g) };
	}
}

/* Their clients are gone by now. */
static void stop_tasks(struct gateway *g)
{
	for (size_t i = 0; i < g->settings->n_tasks; i++)
		take_back(worker_stop(g->tasks[i].worker));
	free(g->tasks);
}

static void say_address(const struct gateway *g)
{
	const char *address = g->settings->address ? g->settings->address : "127.0.0.1";
	char url[120];

	snprintf(url, sizeof(url), strchr(address, ':') ? "http://[%s]:%d" : "http://%s:%d", address, server_port(g->server));
	if (g->settings->ready)
		g->settings->ready(g->settings->context, url);
}

bool gateway_run(const struct gateway_settings *settings, struct error *err)
{
	struct gateway g = { .settings = settings, .created = uuid_now_ms() / 1000 };
	const struct server_settings http = { .address = settings->address, .port = settings->port, .handler = on_request, .turn = on_turn,
					      .context = &g };

	g.client = client_open(err);
	g.server = g.client ? server_open(&http, g.client, err) : NULL;
	if (g.server) {
		start_tasks(&g);
		say_address(&g);
		server_run(g.server, is_over, &g);
		server_free(g.server);
		stop_tasks(&g);
	}
	client_free(g.client);
	return g.server != NULL;
}
