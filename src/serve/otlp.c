/* otlp.c - a batch is a request; the next one waits for its answer */
#include "serve/otlp.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/client.h"
#include "model/pace.h"

enum { HEADERS_MOST = 9 };
static const double gather_ms = 1000, look_ms = 100, longest_wait_ms = 60e3;
static const struct http_timeouts timeouts = { .connect_ms = 5e3, .total_ms = 10e3 }; /* total: as OTLP's exporters have it */

struct otlp {
	struct outbox *outbox;
	struct client *client; /* of the outbox's thread */
	char *url;
	char *headers[HEADERS_MOST]; /* (n_headers) */
	size_t n_headers;
	struct outbox_batch *batch; /* on its way */
	enum outbox_end end;
	bool ended;
};

/* Of a batch that was taken, as far as somebody says so: {"partialSuccess": {"rejectedSpans": "3"}}; 64-bit numbers are texts. */
static size_t rejected(const struct http_response *r)
{
	json_t *root = json_loadb(r->body, r->n_body, 0, NULL);
	const json_t *n = json_object_get(json_object_get(root, "partialSuccess"), "rejectedSpans");
	unsigned long long spans = json_is_string(n) ? strtoull(json_string_value(n), NULL, 10) : (unsigned long long)json_integer_value(n);

	json_decref(root);
	return (size_t)spans;
}

static void done(void *context, const struct http_response *r)
{
	struct otlp *o = context;
	struct outbox_batch *b = o->batch;
	bool answered = r->end == HTTP_ANSWERED, good = answered && r->status >= 200 && r->status <= 299;
	bool again = !answered || r->status == 429 || r->status == 502 || r->status == 503 || r->status == 504;

	o->ended = true;
	o->end = good ? OUTBOX_TAKEN : again ? OUTBOX_AGAIN : OUTBOX_REFUSED;
	if (good) {
		b->rejected = rejected(r);
		b->rejected = b->rejected < b->items ? b->rejected : b->items;
		return;
	}
	b->wait_ms = pace_retry_after(http_header(r, "Retry-After"), http_header(r, "Date"));
	b->wait_ms = b->wait_ms < longest_wait_ms ? b->wait_ms : longest_wait_ms;
	if (answered)
		error_set(&b->why, "%s: spans are not taken (HTTP %d); answers go on without them", o->url, r->status);
	else
		error_set(&b->why, "%s: spans are not taken: %s; answers go on, and spans that there is no room for are left out", o->url, r->why);
}

/* The comma behind the last span is none of the list's. */
static void write_body(const struct outbox_batch *b, struct buf *out)
{
	buf_adds(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"rung\"}}]},\"scopeSpans\":["
		      "{\"scope\":{\"name\":\"rung\"},\"spans\":[");
	buf_add(out, b->bytes, b->n - 1);
	buf_adds(out, "]}]}]}");
}

static enum outbox_end put(void *context, struct outbox_batch *b)
{
	struct otlp *o = context;
	struct buf body = { 0 };

	write_body(b, &body);
	const struct http_request q = { .method = "POST", .url = o->url, .headers = (const char *const *)o->headers, .n_headers = o->n_headers, .body = buf_text(&body), .n_body = body.n,
					.timeouts = timeouts, .most_bytes = 1 << 20, .done = done, .context = o };

	o->batch = b;
	o->ended = false;
	if (!client_send(o->client, &q, &b->why)) {
		buf_release(&body);
		return OUTBOX_REFUSED;
	}
	while (!o->ended && !outbox_is_late(o->outbox))
		client_run(o->client, look_ms);
	client_stop(o->client); /* `done` is told, unless it was */
	buf_release(&body);
	return o->end;
}

/* ---- what it is asked with ---- */

static void add_decoded(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char digits[] = { i + 2 < n ? text[i + 1] : '\0', i + 2 < n ? text[i + 2] : '\0', '\0' };

		if (text[i] == '%' && strspn(digits, "0123456789abcdefABCDEF") == 2) {
			buf_addc(out, (char)strtoul(digits, NULL, 16));
			i += 2;
		} else {
			buf_addc(out, text[i]);
		}
	}
}

/* A token and a value of one line (RFC 9110, 5.6.2 and 5.5). */
static bool is_header(const char *line)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
	size_t n = strspn(line, token);

	for (const char *at = line; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return false;
	return n > 0 && strncmp(line + n, ": ", 2) == 0;
}

/* "name=value" to "name: value"; never quoted, as it may be a key. */
static bool add_header(struct otlp *o, const char *text, size_t n, struct error *err)
{
	const char *is = memchr(text, '=', n);
	struct buf line = { 0 };

	if (is) {
		add_decoded(&line, text, (size_t)(is - text));
		buf_adds(&line, ": ");
		add_decoded(&line, is + 1, n - (size_t)(is + 1 - text));
	}
	if (o->n_headers == HEADERS_MOST || !is_header(buf_text(&line)) || strlen(buf_text(&line)) != line.n) {
		buf_release(&line);
		return error_set(err, "OTEL_EXPORTER_OTLP_HEADERS: has to be at most %d of \"name=value\", with commas between them", HEADERS_MOST - 1);
	}
	o->headers[o->n_headers++] = line.data;
	return true;
}

static bool add_headers(struct otlp *o, struct error *err)
{
	const char *at = getenv("OTEL_EXPORTER_OTLP_HEADERS");

	o->headers[o->n_headers++] = mem_string("Content-Type: application/json");
	for (size_t n; at && *at; at += n + (at[n] == ',')) {
		n = strcspn(at, ",");
		size_t blanks = strspn(at, " ");

		if (blanks < n && !add_header(o, at + blanks, n - blanks, err))
			return false;
	}
	return true;
}

static char *url_of(const char *url)
{
	static const char path[] = "/v1/traces";
	size_t n = strlen(url);
	struct buf out = { 0 };

	while (n > 0 && url[n - 1] == '/')
		n--;
	buf_add(&out, url, n);
	if (n < sizeof(path) - 1 || memcmp(url + n - (sizeof(path) - 1), path, sizeof(path) - 1) != 0)
		buf_adds(&out, path);
	return out.data;
}

static bool is_url(const char *url)
{
	const char *host = strncmp(url, "http://", 7) == 0 ? url + 7 : strncmp(url, "https://", 8) == 0 ? url + 8 : NULL;

	if (!host || strcspn(host, "/") == 0 || strpbrk(host, "@?#"))
		return false;
	for (; *host; host++)
		if (*host <= ' ' || *host == 0x7f)
			return false;
	return true;
}

static void release(struct otlp *o)
{
	client_free(o->client);
	for (size_t i = 0; i < o->n_headers; i++) {
		explicit_bzero(o->headers[i], strlen(o->headers[i]));
		free(o->headers[i]);
	}
	free(o->url);
	free(o);
}

struct otlp *otlp_open(const char *url, void (*notice)(void *context, const char *sentence), void *context, struct error *err)
{
	struct otlp *o;

	if (!is_url(url)) {
		error_set(err, "\"%s\" is no address of a collector of traces; give one such as http://127.0.0.1:4318, without a user", url);
		return NULL;
	}
	o = mem_zero(1, sizeof(*o));
	const struct outbox_settings outbox = { .gather_ms = gather_ms, .put = put, .put_context = o, .notice = notice, .context = context };

	o->url = url_of(url);
	if (add_headers(o, err) && (o->client = client_open(err)) && (o->outbox = outbox_open(&outbox, err)))
		return o;
	release(o);
	return NULL;
}

void otlp_add(struct otlp *o, const char *spans, size_t n, size_t n_spans)
{
	outbox_add(o->outbox, spans, n, n_spans);
}

struct outbox_counts otlp_counts(struct otlp *o)
{
	return outbox_counts(o->outbox);
}

void otlp_close(struct otlp *o, double most_ms)
{
	if (o && outbox_close(o->outbox, most_ms))
		release(o);
}
