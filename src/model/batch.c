/* batch.c - requests handed over together, looked after, and their results taken. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/remote_inner.h"

static const size_t results_most = (size_t)1 << 30;
static const double fetch_ms = 300e3;
#define BOUNDARY "rung-7f0d2c9b5e61"

struct fetched {
	struct buf *out;
	struct arena *arena;
	enum http_end end;
	int status;
	double retry_after;
	const char *why;
};

static void take(void *context, const struct http_response *r)
{
	struct fetched *f = context;

	f->end = r->end;
	f->status = r->status;
	f->why = r->why ? arena_string(f->arena, r->why) : NULL;
	f->retry_after = pace_retry_after(http_header(r, "Retry-After"), http_header(r, "Date"));
	buf_clear(f->out);
	buf_add(f->out, r->body, r->n_body);
}

static bool send_once(struct remote_model *m, const char *method, const char *path, const char *type, const struct buf *body,
		      struct fetched *f, struct error *err)
{
	struct client *client = m->remote->client;
	struct buf url = { 0 }, key = { 0 }, kind = { 0 };
	const char *headers[3];
	size_t n = 0;

	remote_url(m, path, &url);
	bool sent = remote_key(m, &key, err);

	if (sent) {
		buf_addf(&kind, "Content-Type: %s", type ? type : "");
		if (key.n > 0)
			headers[n++] = buf_text(&key);
		if (type)
			headers[n++] = buf_text(&kind);
		if (m->endpoint.wire->header)
			headers[n++] = m->endpoint.wire->header;
		struct http_request request = {
			.method = method, .url = buf_text(&url), .headers = headers, .n_headers = n, .body = type ? buf_text(body) : NULL,
			.n_body = type ? body->n : 0, .timeouts = { .connect_ms = 10e3, .total_ms = fetch_ms }, .most_bytes = results_most,
			.done = take, .context = f,
		};

		sent = client_send(client, &request, err);
		while (sent && client_in_flight(client) > 0)
			client_run(client, fetch_ms);
	}
	remote_forget(&key);
	buf_release(&url);
	buf_release(&kind);
	return sent;
}

/* A request that was not answered may have been heard: what makes something is not sent again then, or it might be paid twice. */
static bool may_repeat(const struct fetched *f, const char *method)
{
	if (f->end == HTTP_UNREACHED)
		return true;
	if (f->end != HTTP_ANSWERED)
		return strcmp(method, "GET") == 0;
	return f->status == 429 || f->status >= 500 || f->status == 408 || f->status == 409;
}

static bool fail(const struct remote_model *m, const struct fetched *f, const char *path, struct error *err)
{
	const struct endpoint *e = &m->endpoint;
	struct wire_error said = { .message = "" };

	if (f->end != HTTP_ANSWERED) {
		error_set(err, "model \"%s\": %s was not answered: %s; run the same command again", m->name, path, f->why);
		return error_again(err);
	}
	e->wire->error(f->status, buf_text(f->out), f->out->n, f->arena, &said);
	if (said.fault == FAULT_KEY)
		remote_refused_key(m, f->status, err);
	else
		error_set(err, "model \"%s\": %s%s was answered with HTTP %d%s%s", m->name, e->base, path, f->status, *said.message ? ": " : "",
			  said.message);
	return error_again(err);
}

bool remote_fetch(struct remote_model *m, const char *method, const char *path, const char *type, const struct buf *body, struct buf *out,
		  struct error *err)
{
	struct arena arena;
	struct fetched f = { .out = out, .arena = &arena };
	struct pace pace; /* of its own: it is no question, and none waits for it */
	double wait;
	bool good = false;

	arena_init(&arena);
	pace_init(&pace, &m->pace.settings, clock_ms());
	for (size_t tries = 1;; tries++) {
		if (!send_once(m, method, path, type, body, &f, err))
			break;
		good = f.end == HTTP_ANSWERED && f.status >= 200 && f.status < 300;
		if (good)
			break;
		if (!may_repeat(&f, method) || !pace_retry(&pace, tries, f.retry_after, &m->remote->rng, clock_ms(), &wait)) {
			fail(m, &f, path, err);
			break;
		}
		clock_wait(wait);
	}
	arena_release(&arena);
	return good;
}

static bool no_batch(const struct remote_model *m, const char *path, struct error *err)
{
	return error_set(err, "model \"%s\": what %s%s said is no batch; this server may have none", m->name, m->endpoint.base, path);
}

bool remote_id(const struct remote_model *m, const struct buf *body, const char *path, struct buf *id, struct error *err)
{
	struct arena arena;
	const char *name;

	arena_init(&arena);
	name = wire_id(buf_text(body), body->n, &arena);
	if (name)
		buf_adds(id, name);
	arena_release(&arena);
	return name || error_set(err, "model \"%s\": what %s%s said has no id; this server may not have what was asked for", m->name,
				 m->endpoint.base, path);
}

/* A form of one file, as browsers send it (RFC 7578). */
static void form_of(const char *purpose, const struct buf *lines, struct buf *form)
{
	buf_addf(form, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n%s\r\n", purpose);
	buf_adds(form, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"rung.jsonl\"\r\n"
		       "Content-Type: application/jsonl\r\n\r\n");
	buf_add(form, lines->data, lines->n);
	buf_adds(form, "\r\n--" BOUNDARY "--\r\n");
}

bool remote_upload(struct remote_model *m, const char *path, const char *purpose, const struct buf *lines, struct buf *file,
		   struct error *err)
{
	struct buf form = { 0 }, said = { 0 };

	form_of(purpose, lines, &form);
	bool good = remote_fetch(m, "POST", path, "multipart/form-data; boundary=" BOUNDARY, &form, &said, err) &&
		    remote_id(m, &said, path, file, err);

	buf_release(&form);
	buf_release(&said);
	return good;
}

bool remote_batch_send(struct remote_model *m, const struct model_request *requests, const char *const *ids, size_t n, struct buf *name,
		       struct error *err)
{
	const struct wire *wire = m->endpoint.wire;
	struct buf lines = { 0 }, file = { 0 }, made = { 0 }, said = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct buf body = { 0 };

		wire->request(&requests[i], m->endpoint.model, m->lacks, false, &body);
		wire->batch->line(ids[i], buf_text(&body), &lines);
		buf_release(&body);
	}
	bool good = !wire->batch->upload_path || remote_upload(m, wire->batch->upload_path, "batch", &lines, &file, err);

	if (good) {
		wire->batch->make(wire->batch->upload_path ? buf_text(&file) : buf_text(&lines), &made);
		good = remote_fetch(m, "POST", wire->batch->path, "application/json", &made, &said, err) &&
		       remote_id(m, &said, wire->batch->path, name, err);
	}
	buf_release(&lines);
	buf_release(&file);
	buf_release(&made);
	buf_release(&said);
	return good;
}

static bool look(struct remote_model *m, const char *name, struct arena *arena, struct wire_batch_state *state, struct error *err)
{
	const struct wire_batch *batch = m->endpoint.wire->batch;
	const char *path = arena_printf(arena, "%s/%s", batch->path, name);
	struct buf said = { 0 };
	bool good = remote_fetch(m, "GET", path, NULL, NULL, &said, err) &&
		    (batch->state(buf_text(&said), said.n, arena, state) || no_batch(m, path, err));

	buf_release(&said);
	return good;
}

bool remote_batch_look(struct remote_model *m, const char *name, struct arena *arena, struct model_batch *out, struct error *err)
{
	struct wire_batch_state state;
	bool good = look(m, name, arena, &state, err);

	if (good)
		*out = (struct model_batch){ state.ended, state.done, state.failed, state.why };
	return good;
}

/* A result that is no good reply failed, whatever it was: it is asked again by itself. */
static bool take_result(struct remote_model *m, const struct wire_batch_result *r, struct arena *arena, const struct model_results *to,
			struct error *err)
{
	const struct model_request *request = to->request(to->context, r->id);
	struct model_attempt attempt = { .end = "failed", .status = r->status };
	struct wire_reply w = { .status = WIRE_BROKEN };

	if (!request)
		return true;
	if (r->status >= 200 && r->status < 300)
		m->endpoint.wire->reply(request, r->body, r->n, arena, &w);
	bool good = w.status == WIRE_OK || w.status == WIRE_TRUNCATED || w.status == WIRE_REFUSED;

	good = good && (w.status == WIRE_REFUSED || request->want != WANT_SCORES || m->lacks & LACKS_LOG_P || w.scores);
	attempt.end = good ? "answered" : "failed";
	attempt.input_tokens = w.usage.input;
	attempt.output_tokens = w.usage.output;
	attempt.cache_read = w.usage.cache_read;
	attempt.cache_written = w.usage.cache_written;
	struct model_reply reply = good ? remote_reply(&w, arena) : (struct model_reply){ .status = MODEL_ERROR };

	return to->result(to->context, r->id, good ? &reply : NULL, &attempt, err);
}

static bool take_results(struct remote_model *m, const struct buf *lines, struct arena *arena, const struct model_results *to, struct error *err)
{
	for (const char *at = buf_text(lines), *end = at + lines->n; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		struct wire_batch_result result;

		stop = stop ? stop : end;
		if (m->endpoint.wire->batch->result(at, (size_t)(stop - at), arena, &result) && !take_result(m, &result, arena, to, err))
			return false;
		at = stop + 1;
	}
	return true;
}

bool remote_batch_results(struct remote_model *m, const char *name, struct arena *arena, const struct model_results *to, struct error *err)
{
	struct wire_batch_state state;
	bool good = look(m, name, arena, &state, err);

	for (size_t i = 0; i < 2 && good; i++) {
		struct buf lines = { 0 };

		if (!state.results[i])
			continue;
		good = remote_fetch(m, "GET", state.results[i], NULL, NULL, &lines, err) && take_results(m, &lines, arena, to, err);
		buf_release(&lines);
	}
	return good;
}
