/* relay.c - one struct passing a request, from upstream to upstream until there is a reply. */
#include "serve/relay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/rng.h"
#include "model/endpoint.h"
#include "model/pace.h"
#include "model/wire.h"
#include "serve/breaker.h"
#include "serve/relay_body.h"
#include "serve/relay_events.h"
#include "serve/relay_pass.h"

enum { TRIES = 3, TAIL = 256 << 10, KEPT_MOST = 1 << 20, UNREAD_MOST = 16 << 20 };
static const struct http_timeouts usual = { 10e3, 60e3, 60e3, 60e3, 900e3 };
static const double first_wait_ms = 250, longest_wait_ms = 2e3; /* ten of which are the longest Retry-After that is waited for */

struct upstream {
	const char *name;
	struct endpoint endpoint;
	struct upstream *fallback;
	struct pace pace; /* its retries alone: when to send is the clients' business */
	struct breaker breaker;
};

struct passing {
	struct relay *relay;
	struct exchange *exchange; /* NULL: the client went away */
	struct upstream *upstream; /* that is asked */
	struct relay_body body;
	struct relay_outcome outcome;
	struct arena arena;
	const char *lines[RELAY_LINES];
	size_t n_lines;
	struct buf sent, said; /* said: to the client, in pieces; cut at its front where it is long */
	bool said_whole;
	bool begun, events;    /* the first byte went to the client; of a stream of events */
	size_t tries;          /* of this upstream */
	double sent_ms, began_ms;
	uint64_t sent_unix_ms;
	double due;            /* to be tried again then; INFINITY: it is in flight */
	struct passing *next, *before; /* those that wait */
	struct relay_attempt *attempts;
	struct trace trace; /* its id "": what the client says was passed on */
	char span[TRACE_SPAN]; /* of the attempt that is under way */
};

struct relay {
	struct relay_settings settings;
	struct upstream *upstreams;
	struct client *client;
	struct server *server;
	struct rng rng;
	struct passing waiting; /* a ring */
};

/* ---- upstreams ---- */

static struct upstream *upstream_named(const struct relay *r, const char *name)
{
	for (size_t i = 0; i < r->settings.n_upstreams; i++)
		if (strcmp(r->settings.upstreams[i].name, name) == 0)
			return &r->upstreams[i];
	return NULL;
}

static bool open_upstream(struct upstream *u, const struct relay_upstream *from, struct error *err)
{
	const struct pace_settings pace = { .attempts = TRIES, .first_wait_ms = first_wait_ms, .longest_wait_ms = longest_wait_ms };
	struct buf key = { 0 };

	u->name = from->name;
	if (!endpoint_parse(from->name, &u->endpoint, err))
		return false;
	if (u->endpoint.wire != &wire_openai)
		return error_set(err, "upstream \"%s\": is asked in another form than OpenAI's, which is not relayed yet; name one such as openai:NAME "
				      "or URL#NAME", from->name);
	pace_init(&u->pace, &pace, clock_ms());
	bool good = endpoint_add_key(&u->endpoint, from->name, &key, err);

	endpoint_forget_key(&key);
	return good;
}

static bool link_fallback(struct relay *r, size_t i, struct error *err)
{
	const struct relay_upstream *from = &r->settings.upstreams[i];
	size_t steps = 0;

	if (!from->fallback)
		return true;
	r->upstreams[i].fallback = upstream_named(r, from->fallback);
	if (!r->upstreams[i].fallback)
		return error_set(err, "fallback \"%s=%s\": the second is no upstream here; name it with --upstream, too", from->name, from->fallback);
	for (const struct upstream *u = &r->upstreams[i]; u; u = u->fallback)
		if (steps++ > r->settings.n_upstreams)
			return error_set(err, "fallback \"%s=%s\": the fallbacks go round in a ring; let one of them have none", from->name,
					 from->fallback);
	return true;
}

static double or_usual(double value, double otherwise)
{
	return value > 0 ? value : otherwise;
}

struct relay *relay_open(const struct relay_settings *settings, struct error *err)
{
	struct relay *r = mem_zero(1, sizeof(*r));
	struct http_timeouts *t = &r->settings.timeouts;
	bool good = true;

	r->settings = *settings;
	*t = (struct http_timeouts){ or_usual(t->connect_ms, usual.connect_ms), or_usual(t->headers_ms, usual.headers_ms),
				     or_usual(t->first_ms, usual.first_ms), or_usual(t->between_ms, usual.between_ms),
				     or_usual(t->total_ms, usual.total_ms) };
	r->upstreams = mem_zero(settings->n_upstreams + 1, sizeof(*r->upstreams));
	r->waiting.next = r->waiting.before = &r->waiting;
	rng_init(&r->rng, (uint64_t)(clock_ms() * 1e3), "jitter");
	for (size_t i = 0; good && i < settings->n_upstreams; i++)
		good = open_upstream(&r->upstreams[i], &settings->upstreams[i], err);
	for (size_t i = 0; good && i < settings->n_upstreams; i++)
		good = link_fallback(r, i, err);
	if (good)
		return r;
	relay_free(r);
	return NULL;
}

void relay_connect(struct relay *r, struct client *client, struct server *server)
{
	r->client = client;
	r->server = server;
}

void relay_free(struct relay *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->settings.n_upstreams; i++)
		endpoint_release(&r->upstreams[i].endpoint);
	free(r->upstreams);
	free(r);
}

/* ---- the end of a request ---- */

static void passing_free(struct passing *p)
{
	buf_release(&p->sent);
	buf_release(&p->said);
	arena_release(&p->arena);
	free(p->attempts);
	free(p);
}

/* Told before the reply goes: what it borrows is the exchange's. */
static void tell(struct passing *p, int http, const char *status, const char *why, const char *reply, size_t n)
{
	struct relay_outcome *o = &p->outcome;

	o->http = http;
	o->status = status;
	o->why = why;
	o->ms = clock_ms() - p->began_ms;
	o->input = p->body.bytes;
	o->subject = p->body.subject;
	o->output = p->begun ? (p->said_whole ? buf_text(&p->said) : NULL) : reply;
	o->n_output = p->begun ? p->said.n : n;
	o->attempts = p->attempts;
	o->whole = strcmp(status, "answered") == 0 && http == 200 && o->output;
	if (p->begun)
		relay_usage(buf_text(&p->said), p->said.n, p->events, &o->input_tokens, &o->output_tokens);
	else if (reply)
		relay_usage(reply, n, false, &o->input_tokens, &o->output_tokens);
	if (p->relay->settings.ended)
		p->relay->settings.ended(p->relay->settings.context, o);
}

/* Our own words in place of a reply. */
static void fail(struct passing *p, int http, const char *code, const char *why)
{
	const char *sentence = arena_printf(&p->arena, "the upstream \"%s\" did not answer: %s", p->upstream->name, why);
	const char *headers[] = { "x-rung-id", p->outcome.id, "Content-Type", "application/json", NULL };
	const struct chat_fault fault = { http, "server_error", code, NULL, sentence };
	struct buf body = { 0 };

	chat_write_fault(&fault, &body);
	tell(p, http, "failed", why, NULL, 0);
	exchange_reply(p->exchange, http, headers, buf_text(&body), body.n);
	buf_release(&body);
	passing_free(p);
}

static void deliver(struct passing *p, const struct http_response *r)
{
	const char *headers[RELAY_REPLY];
	bool good = r->status >= 200 && r->status <= 299;

	relay_reply_headers(r, p->outcome.id, headers);
	p->outcome.type = http_header(r, "Content-Type");
	tell(p, r->status, good ? "answered" : "refused", NULL, r->body, r->n_body);
	exchange_reply(p->exchange, r->status, headers, r->body, r->n_body);
	passing_free(p);
}

/* An error in a place where the client's parser sees an event of its own. */
static void break_off(struct passing *p, const char *why)
{
	const char *sentence = arena_printf(&p->arena, "the reply of \"%s\" broke off: %s", p->upstream->name, why);
	const struct chat_fault fault = { 502, "server_error", "upstream_cut", NULL, sentence };
	struct buf event = { 0 };

	tell(p, p->outcome.http, "truncated", why, NULL, 0);
	if (p->events) {
		relay_events_break(&p->said, &fault, &event);
		exchange_write(p->exchange, buf_text(&event), event.n);
	}
	exchange_cut(p->exchange);
	buf_release(&event);
	passing_free(p);
}

/* ---- pieces ---- */

static void take_head(void *context, const struct http_response *r)
{
	struct passing *p = context;
	const char *headers[RELAY_REPLY], *type = http_header(r, "Content-Type");

	p->begun = p->said_whole = true;
	p->outcome.type = type ? arena_string(&p->arena, type) : NULL;
	p->events = type && strncasecmp(type, "text/event-stream", 17) == 0;
	p->outcome.http = r->status;
	p->outcome.first_ms = clock_ms() - p->began_ms;
	relay_reply_headers(r, p->outcome.id, headers);
	exchange_begin(p->exchange, r->status, headers);
}

static bool take_piece(void *context, const char *bytes, size_t n)
{
	struct passing *p = context;

	exchange_write(p->exchange, bytes, n);
	buf_add(&p->said, bytes, n);
	if (p->said.n > KEPT_MOST) { /* its end still has what was counted, and [DONE] */
		memmove(p->said.data, p->said.data + p->said.n - TAIL, TAIL);
		p->said.n = TAIL;
		p->said_whole = false;
	}
	return exchange_waiting(p->exchange) <= UNREAD_MOST;
}

/* ---- attempts ---- */

enum verdict { GOOD, REPLY, AGAIN, ELSEWHERE };

/* A broken reply that has begun is not tried in another way: it is looked at before. */
static enum verdict judge(const struct http_response *r, struct arena *arena)
{
	struct wire_error said = { .fault = FAULT_REQUEST };

	if (r->end == HTTP_UNREACHED)
		return AGAIN;
	if (r->end != HTTP_ANSWERED)
		return ELSEWHERE;
	if (r->status >= 200 && r->status <= 299)
		return GOOD;
	wire_openai.error(r->status, r->body, r->n_body, arena, &said);
	if (said.fault == FAULT_QUOTA)
		return ELSEWHERE;
	return r->status == 408 || r->status == 409 || r->status == 429 || r->status >= 500 ? AGAIN : REPLY;
}

static const char *status_of(const struct passing *p, const struct http_response *r)
{
	static const char *const ends[] = { [HTTP_UNREACHED] = "unreached", [HTTP_TIMEOUT] = "timeout", [HTTP_CUT] = "truncated",
					    [HTTP_TOO_LARGE] = "truncated", [HTTP_STOPPED] = "aborted" };

	if (r->end != HTTP_ANSWERED)
		return ends[r->end];
	if (p->events && p->begun && !(p->outcome.path == RELAY_RESPONSES ? relay_events_responded(&p->said) : relay_events_done(&p->said)))
		return "truncated";
	return r->status >= 200 && r->status <= 299 ? "answered" : "refused";
}

static void note_attempt(struct passing *p, const struct http_response *r, const char *status)
{
	size_t n = p->outcome.n_attempts++;

	p->attempts = mem_resize(p->attempts, n + 1, sizeof(*p->attempts));
	p->attempts[n] = (struct relay_attempt){
		.upstream = p->upstream->name, .began_ms = p->sent_unix_ms, .status = status, .http = r->status,
		.why = r->why ? arena_string(&p->arena, r->why) : NULL, .bytes = p->begun ? p->said.n : r->n_body, .ms = r->ms,
		.first_ms = r->first_ms > 0 ? r->first_ms : NAN, .model = p->upstream->endpoint.model, .base = p->upstream->endpoint.base,
	};
	memcpy(p->attempts[n].span, p->span, sizeof(p->span));
}

static void note_health(struct passing *p, const struct http_response *r, const char *status)
{
	struct upstream *u = p->upstream;
	double now = clock_ms();
	bool crowded = r->end == HTTP_ANSWERED && (r->status == 429 || r->status == 529), aborted = r->end == HTTP_STOPPED;
	bool failed = !aborted && (strcmp(status, "refused") == 0 ? r->status >= 500 : strcmp(status, "answered") != 0);

	pace_ended(&u->pace, crowded ? PACE_CROWDED : failed ? PACE_FAILED : PACE_WELL, p->sent_ms, 0, NAN, now);
	if (failed)
		breaker_failed(&u->breaker, now);
	else if (!aborted)
		breaker_went_well(&u->breaker);
}

static void attempt(struct passing *p);

static void wait_for(struct passing *p, double ms)
{
	struct passing *ring = &p->relay->waiting;

	p->due = clock_ms() + ms;
	p->before = ring->before;
	p->next = ring;
	p->before->next = ring->before = p;
	server_due(p->relay->server, p->due);
}

static void wait_no_more(struct passing *p)
{
	p->before->next = p->next;
	p->next->before = p->before;
	p->due = INFINITY;
}

static bool falls_back(struct passing *p)
{
	if (!p->upstream->fallback)
		return false;
	p->upstream = p->upstream->fallback;
	p->tries = 0;
	attempt(p);
	return true;
}

static bool tries_again(struct passing *p, const struct http_response *r)
{
	double wait, asked = pace_retry_after(http_header(r, "Retry-After"), http_header(r, "Date"));

	if (!pace_retry(&p->upstream->pace, p->tries, asked, &p->relay->rng, clock_ms(), &wait))
		return false;
	wait_for(p, wait);
	return true;
}

/* What the client gets when nobody else can be asked. A refused key is ours, not the client's, and the words may quote it. */
static void give_up(struct passing *p, const struct http_response *r)
{
	if (r->end == HTTP_ANSWERED && r->status == 401)
		fail(p, 502, "upstream_key", "it refuses this server's key (HTTP 401)");
	else if (r->end == HTTP_ANSWERED)
		deliver(p, r);
	else if (r->end == HTTP_TIMEOUT)
		fail(p, 504, "upstream_timeout", arena_string(&p->arena, r->why));
	else
		fail(p, 502, "upstream_failed", arena_string(&p->arena, r->why));
}

/* The client has gone, or the first byte is with it: there is one way to end. */
static bool is_over(struct passing *p, const struct http_response *r, const char *status)
{
	if (!p->exchange) {
		tell(p, p->outcome.http ? p->outcome.http : 499, "aborted", "the client went away", NULL, 0); /* 499: as nginx has it */
		passing_free(p);
		return true;
	}
	if (!p->begun)
		return false;
	if (strcmp(status, "answered") != 0) {
		break_off(p, r->end == HTTP_STOPPED ? "the client reads too slowly" : r->why ? arena_string(&p->arena, r->why) : "it ended without [DONE]");
		return true;
	}
	tell(p, p->outcome.http, "answered", NULL, NULL, 0);
	exchange_end(p->exchange);
	passing_free(p);
	return true;
}

static void done(void *context, const struct http_response *r)
{
	struct passing *p = context;
	const char *status = status_of(p, r);

	note_attempt(p, r, status);
	note_health(p, r, status);
	if (is_over(p, r, status))
		return;
	enum verdict v = judge(r, &p->arena);

	if (v == GOOD)
		deliver(p, r);
	else if (v == REPLY || !((v == AGAIN && tries_again(p, r)) || falls_back(p)))
		give_up(p, r);
}

static struct http_timeouts timeouts_of(const struct passing *p)
{
	struct http_timeouts t = p->relay->settings.timeouts;

	if (!p->body.stream)
		t.headers_ms = t.first_ms = t.between_ms = 0; /* all of its time goes before the headers */
	return t;
}

static const char *path_of(const struct endpoint *e, enum relay_path path)
{
	return path == RELAY_CHAT ? e->wire->ask_path : path == RELAY_EMBEDDINGS ? e->wire->embed_path : "/responses";
}

static bool send_off(struct passing *p, struct error *err)
{
	const struct endpoint *e = &p->upstream->endpoint;
	const char *lines[RELAY_LINES + 2]; /* the key, and the trace */
	char parent[TRACE_PARENT];
	struct buf key = { 0 }, url = { 0 };
	size_t n = p->n_lines;
	bool sent;

	memcpy(lines, p->lines, n * sizeof(lines[0]));
	buf_adds(&url, e->base);
	buf_adds(&url, path_of(e, p->outcome.path));
	buf_clear(&p->sent);
	relay_body_write(&p->body, e->model, &p->sent);
	sent = endpoint_add_key(e, p->upstream->name, &key, err);
	if (key.n > 0)
		lines[n++] = buf_text(&key);
	if (p->trace.id[0]) {
		trace_new_span(p->span);
		trace_write(&p->trace, p->span, parent);
		lines[n++] = arena_printf(&p->arena, "traceparent: %s", parent);
	}
	if (sent) {
		const struct http_request q = {
			.method = "POST", .url = buf_text(&url), .headers = lines, .n_headers = n, .body = buf_text(&p->sent), .n_body = p->sent.n,
			.timeouts = timeouts_of(p), .head = p->body.stream ? take_head : NULL, .piece = p->body.stream ? take_piece : NULL,
			.done = done, .context = p,
		};

		sent = client_send(p->relay->client, &q, err);
	}
	endpoint_forget_key(&key);
	buf_release(&url);
	return sent;
}

static void attempt(struct passing *p)
{
	struct upstream *u = p->upstream;
	struct error err;

	p->sent_ms = clock_ms();
	p->sent_unix_ms = uuid_now_ms();
	if (!breaker_lets(&u->breaker, p->sent_ms)) {
		if (!falls_back(p))
			fail(p, 503, "upstream_resting", "it failed too often in a row and is left alone for a moment");
		return;
	}
	p->tries++;
	if (!send_off(p, &err)) {
		fail(p, 502, "upstream_failed", arena_string(&p->arena, err.text));
		return;
	}
	pace_sent(&u->pace, 0, p->sent_ms);
}

/* ---- requests ---- */

static void went_away(void *context)
{
	struct passing *p = context;

	p->exchange = NULL;
	if (isinf(p->due)) {
		client_cancel(p->relay->client, p);
		return;
	}
	wait_no_more(p);
	tell(p, 499, "aborted", "the client went away", NULL, 0);
	passing_free(p);
}

bool relay_reads(const struct relay *r, struct exchange *x, const char *as, struct relay_question *out, struct chat_fault *fault)
{
	size_t n;
	const char *bytes = exchange_body(x, &n);
	struct upstream *u = r && relay_body_find(bytes, n, exchange_arena(x), &out->body) ? upstream_named(r, as ? as : out->body.model) : NULL;

	if (!u)
		return false;
	fault->status = 0;
	out->upstream = u->name;
	out->trace = NULL;
	relay_body_check(&out->body, exchange_arena(x), fault);
	return true;
}

void relay_pass(struct relay *r, struct exchange *x, enum relay_path path, const struct relay_question *q, void *asker)
{
	struct passing *p = mem_zero(1, sizeof(*p));

	*p = (struct passing){ .relay = r, .exchange = x, .upstream = upstream_named(r, q->upstream), .body = q->body, .due = INFINITY,
			       .began_ms = exchange_began_ms(x) };
	arena_init(&p->arena);
	p->outcome = (struct relay_outcome){ .began_ms = uuid_now_ms(), .model = q->upstream, .path = path, .stream = q->body.stream, .first_ms = NAN,
					     .asker = asker };
	uuid_make(p->outcome.began_ms, p->outcome.id);
	p->trace = q->trace ? *q->trace : (struct trace){ .sampled = false };
	p->n_lines = relay_request_lines(x, q->trace, &p->arena, p->lines);
	exchange_watch(x, went_away, p);
	attempt(p);
}

void relay_turn(struct relay *r)
{
	double now = clock_ms(), due = INFINITY;

	for (struct passing *p = r->waiting.next, *next; p != &r->waiting; p = next) {
		next = p->next;
		if (p->due > now) {
			due = fmin(due, p->due);
			continue;
		}
		wait_no_more(p);
		attempt(p);
	}
	server_due(r->server, due);
}
