/* gateway.c - routes, and the loop that they live in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/board.h"
#include "serve/gateway_inner.h"
#include "serve/tls.h"

static const double drain_usual_ms = 30e3, close_ms = 10e3, look_ms = 1000;

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

static size_t add_id(const char **ids, size_t n, const char *id, const struct account *whose)
{
	ids[n] = id;
	return gateway_may_ask(whose, id) ? n + 1 : n;
}

static void models(struct gateway *g, struct exchange *x, struct account *whose)
{
	const struct gateway_settings *s = g->settings;
	struct arena *arena = exchange_arena(x);
	const char **ids = arena_array(arena, s->n_tasks + s->n_models + s->n_upstreams + 1, sizeof(*ids));
	struct buf body = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < s->n_tasks; i++)
		n = add_id(ids, n, arena_printf(arena, "rung/%s", s->tasks[i].name), whose);
	for (size_t i = 0; i < s->n_models; i++)
		n = add_id(ids, n, s->models[i].name, whose);
	for (size_t i = 0; i < s->n_upstreams; i++)
		n = add_id(ids, n, s->upstreams[i].name, whose);
	if (g->router)
		n = add_id(ids, n, "rung/auto", whose);
	chat_write_models(ids, n, g->created, &body);
	reply_json(x, 200, &body);
}

static void healthz(struct gateway *g, struct exchange *x, struct account *whose)
{
	(void)g;
	(void)whose;
	reply_text(x, 200, "ok\n");
}

static void readyz(struct gateway *g, struct exchange *x, struct account *whose)
{
	struct buf text = { 0 };

	(void)whose;
	buf_adds(&text, g->stop_by == 0 ? "ready\n" : "stopping\n");
	governor_say_fallen(g->governor, &text);
	reply_text(x, g->stop_by == 0 ? 200 : 503, buf_text(&text));
	buf_release(&text);
}

static const struct route {
	const char *method, *path;
	unsigned scope; /* that a key needs; 0: none is needed */
	void (*handle)(struct gateway *g, struct exchange *x, struct account *whose);
} routes[] = {
	{ "POST", "/v1/chat/completions", KEY_ASK, gateway_chat },
	{ "POST", "/v1/responses", KEY_ASK, gateway_responses },
	{ "POST", "/v1/embeddings", KEY_ASK, gateway_embeddings },
	{ "POST", "/v1/feedback", KEY_FEEDBACK, gateway_feedback },
	{ "GET", "/v1/models", KEY_ASK, models },
	{ "GET", "/metrics", KEY_METRICS, gateway_metrics },
	{ "GET", "/healthz", 0, healthz },
	{ "GET", "/readyz", 0, readyz },
};

static void go(struct gateway *g, struct exchange *x, const struct route *route)
{
	struct account *whose;

	if (gateway_lets_in(g, x, route->scope, &whose))
		route->handle(g, x, whose);
}

static void on_request(void *context, struct exchange *x)
{
	struct gateway *g = context;
	const char *path = exchange_path(x), *method = exchange_method(x), *allowed = NULL;

	if (board_takes(g->board, x))
		return;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		allowed = routes[i].method;
		if (strcmp(allowed, method) == 0 || (strcmp(allowed, "GET") == 0 && strcmp(method, "HEAD") == 0)) {
			go(context, x, &routes[i]);
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

/* Each failure once, until the files change again. */
static void look_at_certificate(struct gateway *g)
{
	struct error err;
	double now = clock_ms();

	if (!g->tls || now < g->look_at_certificate)
		return;
	g->look_at_certificate = now + look_ms;
	if (!tls_refresh(g->tls, &err) && g->settings->notice)
		g->settings->notice(g->settings->context, err.text);
}

static void on_turn(void *context)
{
	struct gateway *g = context;

	for (size_t i = 0; i < g->settings->n_tasks; i++)
		seat_take(&g->seats[i], gateway_take_back);
	governor_turn(g->governor);
	for (size_t i = 0; i < g->settings->n_models; i++)
		gateway_take_back_told(worker_taken(g->hosts[i].worker));
	gateway_flow(g);
	if (g->router)
		gateway_take_routed(worker_taken(g->router));
	if (g->relay)
		relay_turn(g->relay);
	gateway_look_at_keys(g);
	look_at_certificate(g);
	board_turn(g->board);
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
	if (!g->governor || !governor_start(g->governor, err))
		return false;
	for (size_t i = 0; i < s->n_models; i++) {
		g->hosts[i] = (struct host){ &s->models[i], worker_start(s->models[i].answer, s->models[i].context, on_wake, g) };
		if (!g->hosts[i].worker)
			return error_set(err, "model \"%s\": no thread can be started for it; let this process have more of them", s->models[i].name);
	}
	if (s->route && !(g->router = worker_start(s->route, s->route_context, on_wake, g)))
		return error_set(err, "rung/auto: no thread can be started for it; let this process have more of them");
	g->board = board_open(g, err);
	return g->board != NULL;
}

/* Their clients are gone by now. */
static void stop_tasks(struct gateway *g)
{
	gateway_take_routed(worker_stop(g->router));
	governor_close(g->governor);
	for (size_t i = 0; i < g->settings->n_tasks; i++)
		seat_stop(&g->seats[i], gateway_take_back);
	for (size_t i = 0; i < g->settings->n_models; i++)
		gateway_take_back_told(worker_stop(g->hosts[i].worker));
	free(g->hosts);
	free(g->seats);
}

static void say_address(const struct gateway *g)
{
	const char *address = g->settings->address ? g->settings->address : "127.0.0.1";
	char url[120];

	snprintf(url, sizeof(url), strchr(address, ':') ? "%s://[%s]:%d" : "%s://%s:%d", g->settings->certificate ? "https" : "http", address,
		 server_port(g->server));
	if (g->settings->ready)
		g->settings->ready(g->settings->context, url);
}

/* Without keys, whoever can reach the address can ask. */
static bool is_loopback(const char *address)
{
	return !address || strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static bool listen_now(struct gateway *g, struct error *err)
{
	const struct gateway_settings *s = g->settings;
	struct server_settings http = { .address = s->address, .port = s->port, .own_host = !s->keys, .head = gateway_head, .handler = on_request, .turn = on_turn,
					      .context = g };

	if (!s->keys && !is_loopback(s->address))
		return error_set(err, "\"%s\": without keys only this machine is answered; name a file of keys (--keys), or listen on 127.0.0.1 or ::1",
				 s->address);
	if (s->certificate && !(g->tls = tls_open(s->certificate, s->certificate_key, err)))
		return false;
	http.tls = g->tls;
	g->server = server_open(&http, g->client, err);
	if (g->server && g->relay)
		relay_connect(g->relay, g->client, g->server);
	return g->server != NULL;
}

/* What the loop stands on. */
static bool open_parts(struct gateway *g, struct error *err)
{
	const struct gateway_settings *s = g->settings;
	const struct journal_settings journal = { .path = s->journal, .notice = s->notice, .context = s->context };
	const struct relay_settings relay = { .upstreams = s->upstreams, .n_upstreams = s->n_upstreams, .timeouts = s->timeouts, .ended = gateway_relayed,
					      .context = g };

	g->metrics = metrics_open();
	g->cache = s->cache_bytes > 0 ? cache_open(s->cache_bytes) : NULL;
	if (s->n_upstreams > 0 && !(g->relay = relay_open(&relay, err)))
		return false;
	if (s->journal && !(g->journal = journal_open(&journal, err)))
		return false;
	g->client = client_open(err);
	return g->client && gateway_open_tellers(g, err) && gateway_open_keys(g, err) && listen_now(g, err);
}

static void close_parts(struct gateway *g)
{
	server_free(g->server);
	tls_free(g->tls);
	board_close(g->board);
	stop_tasks(g);
	relay_free(g->relay);
	client_free(g->client);
	journal_close(g->journal, close_ms);
	gateway_close_tellers(g);
	accounts_free(g->accounts);
	cache_free(g->cache);
	metrics_free(g->metrics);
}

static void release_tasks(const struct gateway_settings *s)
{
	for (size_t i = 0; i < s->n_tasks; i++)
		s->tasks[i].first.release(s->tasks[i].first.context);
}

bool gateway_run(const struct gateway_settings *settings, struct error *err)
{
	struct gateway g = { .settings = settings, .created = uuid_now_ms() / 1000, .seats = mem_zero(settings->n_tasks + 1, sizeof(*g.seats)),
			     .hosts = mem_zero(settings->n_models + 1, sizeof(*g.hosts)) };
	bool opened = open_parts(&g, err), started = opened && start_tasks(&g, err);

	if (!opened)
		release_tasks(settings);
	if (started) {
		say_address(&g);
		server_run(g.server, is_over, &g);
	}
	close_parts(&g);
	return started;
}
