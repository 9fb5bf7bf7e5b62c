/* gateway_tell.c - what others are told of a call: a line of the access log, spans for a collector. Neither is waited for. */
#include <stdio.h>
#include <string.h>

#include "serve/gateway_inner.h"
#include "serve/record.h"

static const double close_ms = 3e3;

bool gateway_open_tellers(struct gateway *g, struct error *err)
{
	const struct gateway_settings *s = g->settings;

	if (s->access_log && !(g->access_log = access_log_open(s->access_log, s->notice, s->context, err)))
		return false;
	return !s->otlp || (g->otlp = otlp_open(s->otlp, s->notice, s->context, err)) != NULL;
}

void gateway_close_tellers(struct gateway *g)
{
	access_log_close(g->access_log, close_ms);
	otlp_close(g->otlp, close_ms);
}

void gateway_begin_trace(struct gateway *g, struct exchange *x, struct errand *e)
{
	const char *parent = exchange_header(x, "traceparent");

	if (g->otlp)
		trace_begin(parent, &e->trace);
	else if (g->access_log)
		trace_read(parent, &e->trace);
	snprintf(e->path, sizeof(e->path), "%s", exchange_path(x));
}

/* The model's name in a whole reply, or in the first event that has one. */
static const char *response_model(const struct relay_outcome *o, struct arena *arena)
{
	const char *at = o && o->output ? memchr(o->output, '{', o->n_output) : NULL;
	struct relay_body body;

	return at && relay_body_find(at, o->n_output - (size_t)(at - o->output), arena, &body) ? body.model : NULL;
}

void gateway_tell(struct gateway *g, const struct served_call *call, const struct errand *e)
{
	const struct relay_outcome *o = e->outcome;
	struct record r = { .call = call, .trace = &e->trace, .path = e->path, .attempts = o ? o->attempts : NULL, .n_attempts = o ? o->n_attempts : 0,
			    .ended_ms = uuid_now_ms() };
	struct buf text = { 0 };
	struct arena arena;

	if (g->access_log) {
		record_write_line(&r, &text);
		access_log_add(g->access_log, buf_text(&text), text.n);
	}
	if (g->otlp && e->trace.sampled) {
		arena_init(&arena);
		r.response_model = response_model(o, &arena);
		buf_clear(&text);
		size_t n = record_write_spans(&r, &text);

		otlp_add(g->otlp, buf_text(&text), text.n, n);
		arena_release(&arena);
	}
	buf_release(&text);
}

void gateway_tell_refusal(struct gateway *g, const struct account *whose, int http, const char *code)
{
	const struct key *key = whose ? account_key(whose) : NULL;
	struct buf line = { 0 };

	if (!g->access_log)
		return;
	record_write_refusal(uuid_now_ms(), key ? key->tenant : "", key ? key->name : "", http, code, &line);
	access_log_add(g->access_log, buf_text(&line), line.n);
	buf_release(&line);
}
