/* remote_fetch.c - requests that are no question to the model: lists, files, batches, jobs. One at a time, tried again where that is safe. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "model/remote_inner.h"

#define BOUNDARY "rung-7f0d2c9b5e61"
static const size_t results_most = (size_t)1 << 30;
static const double fetch_ms = 300e3;

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
	struct buf url = { 0 };
	struct remote_headers headers;
	bool sent = remote_headers(m, type, &headers, err);

	remote_url(m, path, &url);
	if (sent) {
		struct http_request request = {
			.method = method, .url = buf_text(&url), .headers = headers.lines, .n_headers = headers.n,
			.body = type ? buf_text(body) : NULL, .n_body = type ? body->n : 0,
			.timeouts = { .connect_ms = 10e3, .total_ms = fetch_ms }, .most_bytes = results_most, .done = take, .context = f,
		};

		sent = client_send(client, &request, err);
		while (sent && client_in_flight(client) > 0)
			client_run(client, fetch_ms);
	}
	remote_headers_forget(&headers);
	buf_release(&url);
	return sent;
}

/* No answer of the provider's: none came, or one of a proxy that waited for it. */
static bool may_be_heard(const struct fetched *f)
{
	return f->end == HTTP_ANSWERED ? f->status == 502 || f->status == 504 : f->end != HTTP_UNREACHED;
}

/* A request that was not answered may have been heard: what makes something is not sent again then, or it might be paid twice. */
static bool may_repeat(const struct fetched *f, const char *method)
{
	if (f->end == HTTP_UNREACHED)
		return true;
	if (may_be_heard(f))
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
		return remote_refused_key(m, f->status, err);
	if (f->status == 404) /* it will not be there the next time either */
		return error_set(err, "model \"%s\": %s%s is not there (HTTP 404)%s%s", m->name, e->base, path, *said.message ? ": " : "",
				 said.message);
	error_set(err, "model \"%s\": %s%s was answered with HTTP %d%s%s", m->name, e->base, path, f->status, *said.message ? ": " : "",
		  said.message);
	return error_again(err);
}

bool remote_fetch(struct remote_model *m, const char *method, const char *path, const char *type, const struct buf *body, struct buf *out,
		  struct error *err)
{
	struct arena arena;
	struct fetched f = { .out = out, .arena = &arena, .end = HTTP_UNREACHED };
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
	m->unanswered = may_be_heard(&f);
	arena_release(&arena);
	return good;
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
