/* relay_pass.c - two tables of names */
#include "serve/relay_pass.h"

#include <string.h>
#include <strings.h>

enum { HEADERS_MOST = 8 << 10 }; /* bytes of a reply's: a connection has room for so many, and more would break it */

static const char *const request_names[] = {
	"traceparent", "tracestate", "Accept", "OpenAI-Beta", "Idempotency-Key", "X-Client-Request-Id",
};
/* One that ends in '-' stands for all that begin so. */
static const char *const reply_names[] = {
	"Content-Type", "Retry-After", "Retry-After-Ms", "X-Should-Retry", "X-Request-Id", "X-RateLimit-", "OpenAI-Processing-Ms", "OpenAI-Version",
};

static bool is_kept(const char *name, const struct trace *trace)
{
	return trace && (strcmp(name, "traceparent") == 0 || (strcmp(name, "tracestate") == 0 && !trace->parent[0]));
}

size_t relay_request_lines(struct exchange *x, const struct trace *trace, struct arena *arena, const char *lines[RELAY_LINES])
{
	size_t n = 0;

	lines[n++] = "Content-Type: application/json";
	lines[n++] = "Accept-Encoding: identity"; /* a coded stream would be gathered before it is sent */
	for (size_t i = 0; i < sizeof(request_names) / sizeof(request_names[0]); i++) {
		const char *value = exchange_header(x, request_names[i]);

		if (value && *value && !is_kept(request_names[i], trace))
			lines[n++] = arena_printf(arena, "%s: %s", request_names[i], value);
	}
	return n;
}

static bool passes(const char *name)
{
	for (size_t i = 0; i < sizeof(reply_names) / sizeof(reply_names[0]); i++) {
		size_t n = strlen(reply_names[i]);

		if (strncasecmp(name, reply_names[i], n) == 0 && (reply_names[i][n - 1] == '-' || !name[n]))
			return true;
	}
	return false;
}

bool relay_is_data(const char *type)
{
	return type && (strncasecmp(type, "application/json", 16) == 0 || strncasecmp(type, "text/event-stream", 17) == 0);
}

void relay_reply_headers(const struct http_response *r, const char *id, const char *headers[RELAY_REPLY])
{
	size_t n = 0, bytes = 0;

	headers[n++] = "x-rung-id";
	headers[n++] = id;
	for (size_t i = 0; i < r->n_headers && n + 5 <= RELAY_REPLY; i++) {
		size_t more = strlen(r->headers[i].name) + strlen(r->headers[i].value);

		if (passes(r->headers[i].name) && bytes + more <= HEADERS_MOST) {
			bytes += more;
			headers[n++] = r->headers[i].name;
			headers[n++] = r->headers[i].value;
		}
	}
	if (!relay_is_data(http_header(r, "Content-Type"))) {
		headers[n++] = "Content-Security-Policy";
		headers[n++] = "sandbox; default-src 'none'";
	}
	headers[n] = NULL;
}
