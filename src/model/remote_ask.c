/* remote_ask.c - many requests to one model at once: sent as pace.h allows, tried again as it says, each reply handed on as it comes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/events.h"
#include "model/remote_inner.h"

enum { BYTES_A_TOKEN = 4 }; /* of English, about: what limits a minute are held by until the server has counted */
static const size_t probes = 3; /* of what a server may not have */
static const double timeout_usual = 120e3, connect_ms = 10e3, poll_ms = 100, grace_ms = 15e3;

enum stage { WAITING, SENT, DONE };

struct job {
	struct ask *ask;
	size_t i;
	enum stage stage;
	size_t tries;
	unsigned lacks;       /* as it was last sent */
	double due, sent_ms, estimated;
	struct buf body;
	struct model_attempt attempt;
	struct event_stream events; /* where somebody listens to pieces */
	struct wire_stream stream;
	bool heard, ended_by_listener;
	bool written; /* its label is, since the first token told nothing apart */
	struct echo echo;
};

struct ask {
	struct remote_model *m;
	struct arena *arena;
	const struct model_request *requests;
	struct model_reply *replies;
	const struct model_watch *watch;
	struct job *jobs; /* (n) */
	size_t n, fresh, done, in_flight; /* fresh: the first that was never sent */
	struct job **again;               /* (n_again) that wait for another try */
	size_t n_again;
	const char *stop;                 /* nothing more is sent; why, a clause. NULL: it goes on */
	double stopped_ms;
	bool failed, unknown_model;
	struct wire_error fault;          /* where unknown_model */
	struct error *err;
};

static const struct model_request *request_of(const struct job *j)
{
	return &j->ask->requests[j->i];
}

/* The first failure is the one that is told. */
static bool fail(struct ask *a)
{
	a->failed = true;
	if (a->stopped_ms == 0)
		a->stopped_ms = clock_ms();
	return false;
}

/* Tokens that are looked up are no question to the model. */
static bool tell_attempt(struct job *j)
{
	const struct model_watch *w = j->ask->watch;
	struct error ignored;

	if (!w || !w->attempted || j->echo.step == ECHO_LABEL || j->echo.step == ECHO_PROMPT)
		return true;
	return w->attempted(w->context, j->i, &j->attempt, j->ask->failed ? &ignored : j->ask->err) || fail(j->ask);
}

static void finish(struct job *j, const struct model_reply *reply)
{
	struct ask *a = j->ask;
	struct error ignored;

	a->replies[j->i] = *reply;
	j->stage = DONE;
	a->done++;
	if (!watch_replied(a->watch, j->i, reply, a->failed ? &ignored : a->err))
		fail(a);
}

static void put_off(struct job *j, double due)
{
	j->stage = WAITING;
	j->due = due;
	j->ask->again[j->ask->n_again++] = j;
}

/* Once more at once, in the other way that the lacks ask for: it is no failure. */
static void say_otherwise(struct job *j)
{
	put_off(j, 0);
}

static void try_again(struct job *j, double retry_after_ms, const char *why)
{
	struct ask *a = j->ask;
	double wait, now = clock_ms();

	if (pace_retry(&a->m->pace, j->tries, retry_after_ms, &a->m->remote->rng, now, &wait)) {
		put_off(j, now + wait);
		return;
	}
	if (!a->failed && retry_after_ms > 0 && j->tries < a->m->pace.settings.attempts)
		error_set(a->err, "model \"%s\": %s; it asks to wait %.0f s; run the same command again then", a->m->name, why,
			  retry_after_ms / 1000);
	else if (!a->failed && j->tries < a->m->pace.settings.attempts)
		error_set(a->err, "model \"%s\": too many of its requests fail to go on, this one with: %s; run the same command again", a->m->name, why);
	else if (!a->failed)
		error_set(a->err, "model \"%s\": a request failed %zu times, at last: %s; run the same command again", a->m->name, j->tries, why);
	if (!a->failed)
		error_again(a->err);
	fail(a);
}

/* What no further try will mend. */
static void give_up(struct job *j, const struct wire_error *e, int status)
{
	struct ask *a = j->ask;
	const char *name = a->m->name;

	if (a->failed)
		return;
	if (e->fault == FAULT_KEY) {
		remote_refused_key(a->m, status, a->err);
	} else if (e->fault == FAULT_QUOTA) {
		error_set(a->err, "model \"%s\": the account behind %s has nothing left to spend (%s); add to it and run the same command again",
			  name, a->m->endpoint.key_variable, e->message);
	} else if (e->fault == FAULT_MODEL) {
		a->unknown_model = true;
		a->fault = *e;
	} else {
		error_set(a->err, "model \"%s\": the server refuses the request (HTTP %d: %s); correct what it names", name, status, e->message);
	}
	if (e->fault != FAULT_MODEL)
		error_again(a->err);
	fail(a);
}

static void count(struct job *j, const struct wire_usage *u)
{
	struct model_attempt *t = &j->attempt;

	t->input_tokens = u->input;
	t->output_tokens = u->output;
	t->cache_read = u->cache_read;
	t->cache_written = u->cache_written;
}

struct model_reply remote_reply(const struct wire_reply *w, struct arena *arena)
{
	static const enum model_status statuses[] = { [WIRE_OK] = MODEL_OK, [WIRE_TRUNCATED] = MODEL_TRUNCATED,
						      [WIRE_REFUSED] = MODEL_REFUSED };

	return (struct model_reply){
		.status = statuses[w->status], .text = w->scores ? NULL : w->text, .scores = w->scores, .input_tokens = w->usage.input,
		.output_tokens = w->usage.output, .cache_read = w->usage.cache_read, .cache_written = w->usage.cache_written,
		.reasoning = w->usage.reasoning, .why = w->status == WIRE_REFUSED && w->why ? arena_string(arena, w->why) : NULL,
	};
}

/* What the server made of the request, for good: a reply, whatever it says. */
static void take_reply(struct job *j, const struct wire_reply *w, const struct http_response *r)
{
	struct model_reply reply = remote_reply(w, j->ask->arena);

	reply.ms = j->echo.scores ? j->echo.ms : r->ms;
	reply.first_ms = r->first_ms;
	j->ask->m->known |= 1u << request_of(j)->want;
	finish(j, &reply);
}

static bool wants_scores(const struct job *j)
{
	return request_of(j)->want == WANT_SCORES && !(j->lacks & LACKS_SCORES);
}

/* A first token that tells nothing apart here and there is that reply's; where none ever did it is the labels'. */
static void do_without_first_token(struct job *j, bool alike)
{
	struct remote_model *m = j->ask->m;

	j->echo.whole = echo_offered(m);
	j->written = !j->echo.whole && alike && (m->told_apart || ++m->told_nothing < probes);
	if (!j->echo.whole && !j->written)
		remote_learn(m, alike ? LACKS_APART : LACKS_LOG_P);
	say_otherwise(j);
}

/* A whole 2xx response, or a stream that came to its end. */
static void judge_reply(struct job *j, const struct wire_reply *w, const struct http_response *r)
{
	bool good = w->status == WIRE_OK || w->status == WIRE_TRUNCATED || w->status == WIRE_REFUSED;

	count(j, &w->usage);
	j->attempt.end = good ? "answered" : "failed";
	j->attempt.why = w->why;
	if (!tell_attempt(j))
		return;
	if (!good) {
		try_again(j, 0, w->why);
	} else if (wants_scores(j) && !w->scores && w->status != WIRE_REFUSED) {
		do_without_first_token(j, w->alike);
	} else {
		j->ask->m->told_apart |= w->scores != NULL;
		take_reply(j, w, r);
	}
}

/* A prompt that is too long, or that a filter stops before the model, is answered by that. */
static void answer_without_model(struct job *j, const struct wire_error *e, const struct http_response *r)
{
	struct model_reply reply = { .status = e->fault == FAULT_LONG ? MODEL_TRUNCATED : MODEL_REFUSED, .ms = r->ms,
				     .why = e->message };

	finish(j, &reply);
}

static void judge_error(struct job *j, const struct http_response *r)
{
	struct ask *a = j->ask;
	struct wire_error e;

	a->m->endpoint.wire->error(r->status, r->body, r->n_body, a->arena, &e);
	j->attempt.end = "failed";
	j->attempt.why = e.message;
	if (!tell_attempt(j))
		return;
	switch (e.fault) {
	case FAULT_AGAIN:
		try_again(j, pace_retry_after(http_header(r, "Retry-After"), http_header(r, "Date")),
			  arena_printf(a->arena, "HTTP %d%s%s", r->status, *e.message ? ": " : "", e.message));
		break;
	case FAULT_LACK:
		if (e.lack == LACKS_SCHEMA && j->lacks & LACKS_SCHEMA)
			e.lack = LACKS_JSON;
		if (j->lacks & e.lack) { /* that was left out already */
			give_up(j, &e, r->status);
			break;
		}
		remote_learn(a->m, e.lack);
		say_otherwise(j);
		break;
	case FAULT_LONG:
	case FAULT_REFUSED:
		answer_without_model(j, &e, r);
		break;
	default:
		give_up(j, &e, r->status);
	}
}

static void judge_stream(struct job *j, const struct http_response *r)
{
	struct wire_reply w;

	if (j->stream.error.n > 0 && !j->heard) { /* an error in place of a reply is that response's */
		struct http_response as_error = *r;

		as_error.status = j->stream.status_code ? j->stream.status_code : 500;
		as_error.body = buf_text(&j->stream.error);
		as_error.n_body = j->stream.error.n;
		judge_error(j, &as_error);
		return;
	}
	wire_stream_end(&j->stream, request_of(j), j->ask->arena, &w);
	if (j->ended_by_listener)
		w = (struct wire_reply){ .status = WIRE_OK, .usage = j->stream.usage,
					 .text = arena_copy(j->ask->arena, buf_text(&j->stream.text), j->stream.text.n) };
	judge_reply(j, &w, r);
}

/* No whole response came. */
static void judge_break(struct job *j, const struct http_response *r)
{
	j->attempt.end = r->end == HTTP_TIMEOUT ? "timeout" : r->end == HTTP_UNREACHED ? "failed" : "cut";
	j->attempt.why = r->why;
	if (!tell_attempt(j) || r->end == HTTP_STOPPED)
		return;
	if (j->heard) { /* what a listener has heard cannot be said again */
		struct model_reply reply = { .status = r->end == HTTP_TIMEOUT ? MODEL_TIMEOUT : MODEL_ERROR, .ms = r->ms,
					     .why = arena_string(j->ask->arena, r->why) };

		finish(j, &reply);
		return;
	}
	try_again(j, 0, arena_string(j->ask->arena, r->why));
}

/* The labels are asked for as if there had never been an echo. */
static void do_without_echo(struct job *j)
{
	remote_learn(j->ask->m, LACKS_ECHO);
	j->echo = (struct echo){ .step = ECHO_NO };
	say_otherwise(j);
}

/* A step that did not end well. Until an echo has come, most of what a server may say means that it has none. */
static void judge_failed_step(struct job *j, const struct http_response *r)
{
	struct ask *a = j->ask;
	struct wire_error e = { .fault = FAULT_AGAIN, .message = r->why };
	bool answered = r->end == HTTP_ANSWERED;

	if (answered)
		a->m->endpoint.wire->error(r->status, r->body, r->n_body, a->arena, &e);
	if (a->m->echoes || r->end == HTTP_STOPPED || e.fault == FAULT_LONG || (e.fault == FAULT_AGAIN && j->tries < probes)) {
		(answered ? judge_error : judge_break)(j, r);
		return;
	}
	j->attempt.end = "failed";
	j->attempt.why = e.message;
	if (tell_attempt(j))
		do_without_echo(j);
}

static void judge_step(struct job *j, const struct http_response *r)
{
	struct wire_reply w = { .status = WIRE_OK };

	if (r->end != HTTP_ANSWERED || r->status < 200 || r->status >= 300) {
		judge_failed_step(j, r);
		return;
	}
	bool good = echo_read(j->ask->m, &j->echo, request_of(j), r, j->ask->arena, &w.usage);

	count(j, &w.usage);
	j->attempt.end = good ? "answered" : "failed";
	j->attempt.why = good ? NULL : "the reply is no echo of the tokens";
	if (!tell_attempt(j))
		return;
	if (!good && j->ask->m->echoes) { /* what is measured does not change in between */
		try_again(j, 0, j->attempt.why);
		return;
	}
	j->tries = 0;
	if (!good) {
		do_without_echo(j);
	} else if (j->echo.scored < request_of(j)->n_choices) {
		say_otherwise(j);
	} else {
		remote_learn(j->ask->m, LACKS_FIRST);
		w.scores = j->echo.scores;
		w.usage = j->echo.usage;
		take_reply(j, &w, r);
	}
}

static enum pace_end pace_end_of(const struct http_response *r)
{
	if (r->end != HTTP_ANSWERED)
		return PACE_FAILED;
	return r->status == 429 || r->status == 529 || r->status == 503 ? PACE_CROWDED : r->status < 300 ? PACE_WELL : PACE_FAILED;
}

static void ended(void *context, const struct http_response *r)
{
	struct job *j = context;
	struct ask *a = j->ask;
	struct wire_reply w = { 0 };
	bool listens = request_of(j)->piece != NULL, whole = r->end == HTTP_ANSWERED && r->status >= 200 && r->status < 300;

	a->in_flight--;
	j->attempt.status = r->status;
	j->attempt.ms = r->ms;
	j->attempt.first_ms = r->first_ms;
	if (whole && !listens && !j->echo.step)
		a->m->endpoint.wire->reply(request_of(j), r->body, r->n_body, a->arena, &w);
	const struct wire_usage *u = listens ? &j->stream.usage : &w.usage;

	pace_ended(&a->m->pace, pace_end_of(r), j->sent_ms, j->estimated, u->known ? (double)(u->input + u->output) : NAN, clock_ms());
	buf_release(&j->body);
	if (j->echo.step)
		judge_step(j, r);
	else if (listens && (whole || j->ended_by_listener))
		judge_stream(j, r);
	else if (whole)
		judge_reply(j, &w, r);
	else if (r->end == HTTP_ANSWERED)
		judge_error(j, r);
	else
		judge_break(j, r);
	event_stream_release(&j->events);
	wire_stream_release(&j->stream);
}

static bool take_event(void *context, const struct event *e)
{
	struct job *j = context;
	const struct model_request *r = request_of(j);
	bool more = j->ask->m->endpoint.wire->event(&j->stream, e->name, e->data, e->n);

	if (j->stream.text.n > j->stream.n_before) {
		j->heard = true;
		if (!r->piece(r->context, j->stream.text.data + j->stream.n_before, j->stream.text.n - j->stream.n_before)) {
			j->ended_by_listener = true;
			return false;
		}
	}
	return more;
}

static bool take_piece(void *context, const char *bytes, size_t n)
{
	struct job *j = context;

	event_stream_feed(&j->events, bytes, n, take_event, j);
	return !j->ended_by_listener;
}

/* A reply that is not streamed sends its headers once it is whole. */
static struct http_timeouts timeouts_of(const struct remote_model *m, bool listens)
{
	double total = m->remote->settings->timeout_ms > 0 ? m->remote->settings->timeout_ms : timeout_usual;
	struct http_timeouts t = { .connect_ms = fmin(connect_ms, total), .headers_ms = total, .first_ms = total, .between_ms = total,
				   .total_ms = total };

	if (listens) { /* a long text may take its time, as long as it goes on */
		t.between_ms = total / 4;
		t.total_ms = 10 * total;
	}
	return t;
}

/* Tokens of prompt and reply, before the server has counted. */
static double estimate(const struct model_request *r)
{
	size_t bytes = 0;

	for (size_t i = 0; i < r->n_messages; i++)
		bytes += strlen(r->messages[i].text);
	return (double)bytes / BYTES_A_TOKEN + (double)r->max_tokens;
}

static bool send(struct job *j)
{
	struct ask *a = j->ask;
	struct remote_model *m = a->m;
	const struct model_request *r = request_of(j);
	const struct wire *wire = m->endpoint.wire;
	struct remote_headers headers;
	struct buf url = { 0 };

	j->lacks = m->lacks | (j->written ? LACKS_APART : 0);
	if (!echo_write(m, &j->echo, r, a->arena, &url, &j->body)) {
		wire->request(r, m->endpoint.model, j->lacks, r->piece != NULL, &j->body);
		remote_url(m, wire_path(wire, r->want), &url);
	}
	j->estimated = estimate(r);
	j->attempt = (struct model_attempt){ .end = "sent" };
	bool sent = remote_headers(m, "application/json", &headers, a->err) && tell_attempt(j);

	if (sent) {
		struct http_request post = {
			.method = "POST", .url = buf_text(&url), .headers = headers.lines, .n_headers = headers.n, .body = buf_text(&j->body),
			.n_body = j->body.n, .timeouts = timeouts_of(m, r->piece != NULL), .piece = r->piece ? take_piece : NULL,
			.done = ended, .context = j,
		};

		j->sent_ms = clock_ms();
		j->stage = SENT;
		j->tries++;
		sent = client_send(m->remote->client, &post, a->err);
	}
	remote_headers_forget(&headers);
	buf_release(&url);
	if (!sent)
		return fail(a);
	pace_sent(&m->pace, j->estimated, j->sent_ms);
	a->in_flight++;
	return true;
}

/* Whether a request of its kind was answered. Until then one goes alone: what a server lacks, or that it is down, is found by asking once. */
static bool is_known(const struct job *j)
{
	const struct model_request *r = request_of(j);

	const struct remote_model *m = j->ask->m;
	bool undecided = r->want == WANT_SCORES && m->told_nothing > 0 && !m->told_apart && !(m->lacks & LACKS_SCORES);

	return m->known >> r->want & 1 && !undecided && !echo_undecided(m, r);
}

/* The next that may be sent: of those that wait for another try the one that is due, else a new one. NULL: none is; *wait: until then. */
static struct job *next_due(struct ask *a, double now, double *wait)
{
	*wait = INFINITY;
	for (size_t k = 0; k < a->n_again; k++) {
		struct job *j = a->again[k];

		if (j->due <= now)
			return j;
		*wait = fmin(*wait, j->due - now);
	}
	return a->fresh < a->n && (a->n_again == 0 || is_known(&a->jobs[a->fresh])) ? &a->jobs[a->fresh] : NULL;
}

static void take_off(struct ask *a, const struct job *j)
{
	size_t k = 0;

	if (a->fresh < a->n && j == &a->jobs[a->fresh]) {
		a->fresh++;
		return;
	}
	while (a->again[k] != j)
		k++;
	a->again[k] = a->again[--a->n_again];
}

/* Sends what may go now; returns after how many milliseconds to look again. */
static double send_due(struct ask *a)
{
	double wait = INFINITY;

	while (!a->failed && !a->stop) {
		double now = clock_ms(), held;
		struct job *j = next_due(a, now, &wait);

		if (!j || (!is_known(j) && a->in_flight > 0))
			return wait;
		held = pace_wait(&a->m->pace, estimate(request_of(j)), now);
		if (held > 0)
			return fmin(wait, held);
		take_off(a, j);
		if (!send(j))
			return 0;
	}
	return wait;
}

static void look_up(struct ask *a)
{
	const struct model_watch *w = a->watch;

	if (a->stop || a->failed || !w || !w->stopped || !(a->stop = w->stopped(w->context)))
		return;
	a->stopped_ms = clock_ms();
}

static void settle(struct ask *a)
{
	const struct model_watch *w = a->watch;
	struct error ignored;

	if (w && w->settle && !w->settle(w->context, a->failed ? &ignored : a->err))
		fail(a);
}

/* Until all are done, or nothing more is sent and what was in flight has come: it is paid for. */
static void run(struct ask *a)
{
	struct client *client = a->m->remote->client;

	while (a->done < a->n) {
		look_up(a);
		double wait = send_due(a);

		settle(a);
		if ((a->failed || a->stop) && a->in_flight == 0)
			return;
		if ((a->failed || a->stop) && clock_ms() > a->stopped_ms + grace_ms)
			client_stop(client);
		else if (a->in_flight > 0)
			client_run(client, fmin(wait, poll_ms));
		else
			clock_wait(fmin(wait, poll_ms));
	}
	settle(a);
}

bool remote_ask(void *model, struct arena *arena, const struct model_request *requests, size_t n, struct model_reply *replies,
		const struct model_watch *watch, struct error *err)
{
	struct remote_model *m = model;
	struct ask a = { .m = m, .arena = arena, .requests = requests, .replies = replies, .watch = watch, .n = n, .err = err };

	a.jobs = mem_zero(n, sizeof(*a.jobs));
	a.again = mem_zero(n, sizeof(struct job *));
	for (size_t i = 0; i < n; i++)
		a.jobs[i] = (struct job){ .ask = &a, .i = i };
	run(&a);
	for (size_t i = 0; i < n; i++)
		buf_release(&a.jobs[i].body);
	free(a.jobs);
	free((void *)a.again);
	if (a.unknown_model) {
		remote_unknown_model(m, a.fault.message, err);
		return error_again(err);
	}
	if (a.done < n && !a.failed)
		error_set(err, "%s", a.stop);
	return a.done == n && !a.failed;
}
