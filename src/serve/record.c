/* record.c - members written one after another; what is not known is left out */
#include "serve/record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

/* ---- JSON ---- */

/* C0 and C1, what ends a line in JavaScript, and what turns the direction of writing. */
static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == '<' || c == '>' || c == '&';
}

/* Copied as they are. */
static const char usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./:#+*()=,;!?@$%|~^[]{}'`";

void record_add_text(struct buf *out, const char *text)
{
	size_t n = strlen(text);

	buf_addc(out, '"');
	for (size_t i = 0, length; i < n; i += length) {
		uint32_t c;

		length = strspn(text + i, usual);
		if (length > 0) {
			buf_add(out, text + i, length);
			continue;
		}
		length = text_decode(text + i, n - i, &c);
		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", (char)c);
		else if (is_unsafe(c) || c == 0xfffd)
			buf_addf(out, "\\u%04x", (unsigned)c);
		else
			buf_add(out, text + i, length);
	}
	buf_addc(out, '"');
}

/* ---- a line ---- */

static void add_name(struct buf *out, const char *name)
{
	buf_adds(out, out->data[out->n - 1] == '{' ? "\"" : ",\"");
	buf_adds(out, name);
	buf_adds(out, "\":");
}

/* "" as well as NULL: it says nothing. */
static void add_member(struct buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	add_name(out, name);
	record_add_text(out, text);
}

static void add_number(struct buf *out, const char *name, double number, const char *format)
{
	if (!isfinite(number))
		return;
	add_name(out, name);
	buf_addf(out, strcmp(format, "ms") == 0 ? "%.3f" : strcmp(format, "usd") == 0 ? "%.9g" : "%.0f", number);
}

static void add_true(struct buf *out, const char *name, bool is)
{
	if (!is)
		return;
	add_name(out, name);
	buf_adds(out, "true");
}

/* RFC 3339, in UTC, to the millisecond. */
static void begin_line(struct buf *out, uint64_t at_ms)
{
	time_t seconds = (time_t)(at_ms / 1000);
	char text[32];
	struct tm t;

	gmtime_r(&seconds, &t);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &t);
	buf_addf(out, "{\"time\":\"%s.%03uZ\"", text, (unsigned)(at_ms % 1000));
}

static void add_attempt(struct buf *out, const struct relay_attempt *a)
{
	buf_addc(out, '{');
	add_member(out, "upstream", a->upstream);
	add_member(out, "status", a->status);
	add_number(out, "http", a->http, "");
	add_number(out, "ms", a->ms, "ms");
	buf_addc(out, '}');
}

void record_write_line(const struct record *r, struct buf *out)
{
	const struct served_call *c = r->call;

	begin_line(out, r->ended_ms);
	add_member(out, "id", c->id);
	add_member(out, "trace_id", r->trace->id);
	add_member(out, "tenant", c->tenant);
	add_member(out, "key", c->key);
	add_member(out, "path", r->path);
	add_member(out, "model", c->task);
	add_member(out, "variant", c->variant);
	add_member(out, "verdict", c->verdict);
	add_number(out, "http", c->http, "");
	add_member(out, "status", c->status);
	add_true(out, "stream", c->stream);
	add_true(out, "cached", c->cached);
	add_number(out, "input_tokens", (double)c->input_tokens, "");
	add_number(out, "output_tokens", (double)c->output_tokens, "");
	add_number(out, "usd", c->usd, "usd");
	add_number(out, "ms", c->ms, "ms");
	add_number(out, "first_ms", c->first_ms, "ms");
	if (r->n_attempts > 0) {
		add_name(out, "attempts");
		for (size_t i = 0; i < r->n_attempts; i++) {
			buf_addc(out, i > 0 ? ',' : '[');
			add_attempt(out, &r->attempts[i]);
		}
		buf_addc(out, ']');
	}
	buf_adds(out, "}\n");
}

void record_write_refusal(uint64_t at_ms, const char *tenant, const char *key, int http, const char *code, struct buf *out)
{
	begin_line(out, at_ms);
	add_member(out, "tenant", tenant);
	add_member(out, "key", key);
	add_number(out, "http", http, "");
	add_member(out, "refused", code);
	buf_adds(out, "}\n");
}

/* ---- spans ---- */

enum span_kind { SPAN_SERVER = 2, SPAN_CLIENT = 3 };

static void begin_span(struct buf *out, const struct trace *t, const char *span, const char *parent, enum span_kind kind)
{
	buf_addf(out, "{\"traceId\":\"%s\",\"spanId\":\"%s\"", t->id, span);
	add_member(out, "parentSpanId", parent);
	buf_addf(out, ",\"kind\":%d", kind);
}

/* {operation} {model}; from - to in milliseconds since 1970; then the attributes begin. */
static void name_span(struct buf *out, const char *operation, const char *model, double from_ms, double to_ms)
{
	char name[300];

	snprintf(name, sizeof(name), "%s %s", operation, model);
	add_member(out, "name", name);
	buf_addf(out, ",\"startTimeUnixNano\":\"%.0f000\",\"endTimeUnixNano\":\"%.0f000\",\"attributes\":[", from_ms * 1000, fmax(from_ms, to_ms) * 1000);
}

static void add_key(struct buf *out, const char *key)
{
	buf_adds(out, out->data[out->n - 1] == '[' ? "{\"key\":\"" : ",{\"key\":\"");
	buf_adds(out, key);
	buf_adds(out, "\",\"value\":{");
}

static void add_text(struct buf *out, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	add_key(out, key);
	buf_adds(out, "\"stringValue\":");
	record_add_text(out, text);
	buf_adds(out, "}}");
}

static void add_count(struct buf *out, const char *key, size_t n)
{
	add_key(out, key);
	buf_addf(out, "\"intValue\":\"%zu\"}}", n);
}

static void add_double(struct buf *out, const char *key, double value)
{
	if (!isfinite(value))
		return;
	add_key(out, key);
	buf_addf(out, "\"doubleValue\":%.9g}}", value);
}

static void add_flag(struct buf *out, const char *key, bool is)
{
	add_key(out, key);
	buf_adds(out, is ? "\"boolValue\":true}}" : "\"boolValue\":false}}");
}

/* error: what kind; NULL: none. why: a clause; NULL. */
static void end_span(struct buf *out, const char *error, const char *why)
{
	add_text(out, "error.type", error);
	buf_adds(out, "]");
	if (error) {
		buf_adds(out, ",\"status\":{\"code\":2");
		add_member(out, "message", why);
		buf_addc(out, '}');
	}
	buf_adds(out, "},");
}

static const char *operation_of(const struct record *r)
{
	return strcmp(r->path, "/v1/embeddings") == 0 ? "embeddings" : "chat";
}

/* Of a server a client's mistake is no error (HTTP conventions, "Status"). */
static const char *error_of(const struct served_call *c, char number[12])
{
	if (c->http >= 500)
		snprintf(number, 12, "%d", c->http);
	else
		snprintf(number, 12, "%s", strcmp(c->status, "truncated") == 0 && strcmp(c->variant, "relay") == 0 ? "truncated" : "");
	return *number ? number : NULL;
}

static void add_call(const struct record *r, struct buf *out)
{
	const struct served_call *c = r->call;
	char number[12];

	begin_span(out, r->trace, r->trace->span, r->trace->parent, SPAN_SERVER);
	name_span(out, operation_of(r), c->task, (double)r->ended_ms - c->ms, (double)r->ended_ms);
	add_text(out, "gen_ai.operation.name", operation_of(r));
	add_text(out, "gen_ai.provider.name", "rung");
	add_text(out, "gen_ai.request.model", c->task);
	add_text(out, "gen_ai.response.model", r->response_model);
	add_text(out, "gen_ai.response.id", c->id);
	add_count(out, "gen_ai.usage.input_tokens", c->input_tokens);
	add_count(out, "gen_ai.usage.output_tokens", c->output_tokens);
	add_text(out, "http.request.method", "POST");
	add_text(out, "http.route", r->path);
	add_count(out, "http.response.status_code", (size_t)c->http);
	if (strcmp(c->variant, "relay") != 0)
		add_text(out, "rung.task", c->task);
	add_text(out, "rung.variant", c->variant);
	add_text(out, "rung.verdict", c->verdict);
	add_text(out, "rung.status", c->status);
	add_text(out, "rung.tenant", c->tenant);
	add_flag(out, "rung.stream", c->stream);
	add_flag(out, "rung.cached", c->cached);
	add_double(out, "rung.cost_usd", c->usd);
	add_double(out, "rung.first_byte_ms", c->first_ms);
	end_span(out, error_of(c, number), NULL);
}

/* "http://127.0.0.1:8081/v1": where it is asked */
static void add_server(struct buf *out, const char *base)
{
	const char *host = strstr(base, "://"), *end, *colon;
	char name[256];
	size_t n;

	if (!host)
		return;
	host += 3;
	end = host + strcspn(host, "/");
	colon = memrchr(host, ':', (size_t)(end - host));
	if (colon && memchr(colon, ']', (size_t)(end - colon)))
		colon = NULL; /* within [::1] */
	n = (size_t)((colon ? colon : end) - host);
	snprintf(name, sizeof(name), "%.*s", (int)n, host);
	add_text(out, "server.address", name);
	add_count(out, "server.port", colon ? strtoul(colon + 1, NULL, 10) : strncmp(base, "https", 5) == 0 ? 443 : 80);
}

static void add_attempt_span(const struct record *r, const struct relay_attempt *a, bool last, struct buf *out)
{
	bool good = strcmp(a->status, "answered") == 0;
	char number[12];

	begin_span(out, r->trace, a->span, r->trace->span, SPAN_CLIENT);
	name_span(out, operation_of(r), a->model, (double)a->began_ms, (double)a->began_ms + a->ms);
	add_text(out, "gen_ai.operation.name", operation_of(r));
	add_text(out, "gen_ai.provider.name", "openai"); /* whose form it is asked in */
	add_text(out, "gen_ai.request.model", a->model);
	if (last && good) {
		add_text(out, "gen_ai.response.model", r->response_model);
		add_count(out, "gen_ai.usage.input_tokens", r->call->input_tokens);
		add_count(out, "gen_ai.usage.output_tokens", r->call->output_tokens);
	}
	add_server(out, a->base);
	if (a->http > 0)
		add_count(out, "http.response.status_code", (size_t)a->http);
	add_text(out, "rung.upstream", a->upstream);
	add_text(out, "rung.status", a->status);
	add_double(out, "rung.first_byte_ms", a->first_ms);
	snprintf(number, sizeof(number), "%d", a->http);
	end_span(out, good ? NULL : strcmp(a->status, "refused") == 0 ? number : a->status, a->why);
}

size_t record_write_spans(const struct record *r, struct buf *out)
{
	add_call(r, out);
	for (size_t i = 0; i < r->n_attempts; i++)
		add_attempt_span(r, &r->attempts[i], i + 1 == r->n_attempts, out);
	return 1 + r->n_attempts;
}
