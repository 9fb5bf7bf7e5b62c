/* gateway.c - routes, and the loop that they live in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/gateway_inner.h"

static const double drain_usual_ms = 30e3, close_ms = 10e3;

static void reply(struct exchange *x, int status, reply_headers headers, struct buf *body)
{
	exchange_reply(x, status, headers, buf_text(body), body->n);
	buf_release(body);
}

void reply_json(struct exchange *x, int status, struct buf *body)
{
	static const char *const headers[] = { "Content-Type", "application/json", "Cache-Control", "no-store", NULL };

	reply(x, status, headers, body);
}

void reply_events(struct exchange *x, struct buf *body)
{
	static const char *const headers[] = { "Content-Type", "text/event-stream; charset=utf-8", "Cache-Control", "no-cache", NULL };

	reply(x, 200, headers, body);
}

void reply_text(struct exchange *x, int status, const char *text)
{
	static const char *const headers[] = { "Content-Type", "text/plain; charset=utf-8", "Cache-Control", "no-store", NULL };

	exchange_reply(x, status, headers, text, strlen(text));
}

void reply_fault(struct exchange *x, const struct chat_fault *fault)
{
	struct buf body = { 0 };

	chat_write_fault(fault, &body);
	reply_json(x, fault->status, &body);
}

static void models(struct gateway *g, struct exchange *x)
{
	struct arena *arena = exchange_arena(x);
	size_t n = g->settings->n_tasks, n_all = n + g->settings->n_upstreams;
	const char **ids = arena_array(arena, n_all + 1, sizeof(*ids));
	struct buf body = { 0 };

	for (size_t i = 0; i < n; i++)
		ids[i] = arena_printf(arena, "rung/%s", g->settings->tasks[i].name);
	for (size_t i = n; i < n_all; i++)
		ids[i] = g->settings->upstreams[i - n].name;
	chat_write_models(ids, n_all, g->created, &body);
	reply_json(x, 200, &body);
}

static void healthz(struct gateway *g, struct exchange *x)
{
	(void)g;
	reply_text(x, 200, "ok\n");
}

static void readyz(struct gateway *g, struct exchange *x)
{
	struct buf text = { 0 };

	buf_adds(&text, g->stop_by == 0 ? "ready\n" : "stopping\n");
	governor_say_fallen(g->governor, &text);
	reply_text(x, g->stop_by == 0 ? 200 : 503, buf_text(&text));
	buf_release(&text);
}

static const struct route {
	const char *method, *path;
	void (*handle)(struct gateway *g, struct exchange *x);
} routes[] = {
	{ "POST", "/v1/chat/completions", gateway_chat },
	{ "POST", "/v1/embeddings", gateway_embeddings },
	{ "POST", "/v1/feedback", gateway_feedback },
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
	const char *const headers[] = { "Content-Type", "application/json", "Allow", allowed, NULL };
	struct buf body = { 0 };

	chat_write_fault(&fault, &body);
	reply(x, fault.status, headers, &body);
}

/* ---- the loop ---- */

static void on_turn(void *context)
{
	struct gateway *g = context;

	for (size_t i = 0; i < g->settings->n_tasks; i++)
		seat_take(&g->seats[i], gateway_take_back);
	governor_turn(g->governor);
	if (g->relay)
		relay_turn(g->relay);
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

static bool start_tasks(struct gateway *g, struct error *err)
{
	const struct gateway_settings *s = g->settings;
	const struct governor_settings governor = { .journal = s->journal, .share = s->share, .shadow = s->shadow, .notice = s->notice, .again = s->again,
						    .context = s->context, .wake = on_wake, .wake_context = g };

	g->governor = governor_open(&governor, s->tasks, s->n_tasks, g->seats, err);
	return g->governor && governor_start(g->governor, err);
}

/* Their clients are gone by now. */
static void stop_tasks(struct gateway *g)
{
	governor_close(g->governor);
	for (size_t i = 0; i < g->settings->n_tasks; i++)
		seat_stop(&g->seats[i], gateway_take_back);
	free(g->seats);
}

static void say_address(const struct gateway *g)
{
	const char *address = g->settings->address ? g->settings->address : "127.0.0.1";
	char url[120];

	snprintf(url, sizeof(url), strchr(address, ':') ? "http://[%s]:%d" : "http://%s:%d", address, server_port(g->server));
	if (g->settings->ready)
		g->settings->ready(g->settings->context, url);
}

/* Without keys, whoever can reach the address can ask. */
static bool is_loopback(const char *address)
{
	return !address || strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* What the loop stands on. */
static bool open_parts(struct gateway *g, struct error *err)
{
	const struct gateway_settings *s = g->settings;
	const struct server_settings http = { .address = s->address, .port = s->port, .own_host = true, .handler = on_request, .turn = on_turn,
					      .context = g };
	const struct journal_settings journal = { .path = s->journal, .notice = s->notice, .context = s->context };
	const struct relay_settings relay = { .upstreams = s->upstreams, .n_upstreams = s->n_upstreams, .timeouts = s->timeouts,
					      .ended = gateway_relayed, .context = g };

	if (!is_loopback(s->address))
		return error_set(err, "\"%s\": without keys only this machine is answered; listen on 127.0.0.1 or ::1, behind a proxy that asks for keys",
				 s->address);
	if ((s->n_upstreams > 0 && !(g->relay = relay_open(&relay, err))) || (s->journal && !(g->journal = journal_open(&journal, err))))
		return false;
	g->client = client_open(err);
	return g->client && (g->server = server_open(&http, g->client, err));
}

static void release_tasks(const struct gateway_settings *s)
{
	for (size_t i = 0; i < s->n_tasks; i++)
		s->tasks[i].first.release(s->tasks[i].first.context);
}

bool gateway_run(const struct gateway_settings *settings, struct error *err)
{
	struct gateway g = { .settings = settings, .created = uuid_now_ms() / 1000, .seats = mem_zero(settings->n_tasks + 1, sizeof(*g.seats)) };
	bool opened = open_parts(&g, err), started = opened && start_tasks(&g, err);

	if (!opened)
		release_tasks(settings);
	if (g.relay && started)
		relay_connect(g.relay, g.client, g.server);
	if (started) {
		say_address(&g);
		server_run(g.server, is_over, &g);
	}
	server_free(g.server);
	stop_tasks(&g);
	relay_free(g.relay);
	client_free(g.client);
	journal_close(g.journal, close_ms);
	return started;
}
