/* relay_pass.h - which headers a relay passes on. Private to src/serve.
 *
 * By name, both ways: what is not in the tables stays here. So no hop-by-hop header (RFC 9110, 7.6.1) goes further, no length or coding of a
 * body, no cookie, and above all no Authorization. */
#ifndef RUNG_SERVE_RELAY_PASS_H
#define RUNG_SERVE_RELAY_PASS_H

#include "http/client.h"
#include "serve/server.h"
#include "serve/trace.h"

enum { RELAY_LINES = 12, RELAY_REPLY = 64 };

/* "Name: value" lines for the upstream, in arena; their number. trace: each attempt has its own traceparent, and tracestate goes on with a client's
 * alone (W3C Trace Context, 3.4); NULL: both are passed as they came. */
size_t relay_request_lines(struct exchange *x, const struct trace *trace, struct arena *arena, const char *lines[RELAY_LINES]);
/* Whether no browser would run what has that Content-Type (NULL: none): a page that an upstream makes, of what it was asked perhaps, is none of
 * ours. */
bool relay_is_data(const char *type);
/* Pairs for the client, the id first and NULL last; as long-lived as the response. */
void relay_reply_headers(const struct http_response *r, const char *id, const char *headers[RELAY_REPLY]);

#endif
