/* record.h - a call as it is told to others: a line of the access log, and spans for a collector of traces. Pure.
 *
 * Neither has a text that was asked or answered, nor whom a call is about: what `rung data forget` removes is nowhere else. Every text in them is
 * written as JSON with all control characters escaped, so that no name can end a line, or move a terminal's cursor.
 * Sources: OTLP 1.x, JSON encoding (ids in hexadecimal, enums as numbers, 64-bit numbers as texts); OpenTelemetry's semantic conventions for
 * generative AI (spans, 1.37) and for HTTP. */
#ifndef RUNG_SERVE_RECORD_H
#define RUNG_SERVE_RECORD_H

#include "base/buf.h"
#include "serve/relay.h"
#include "serve/trace.h"
#include "store/served.h"

struct record {
	const struct served_call *call;
	const struct trace *trace;
	const char *path;             /* "/v1/chat/completions" */
	const char *response_model;   /* as the upstream says; NULL: it does not, or none was asked */
	const struct relay_attempt *attempts; /* (n_attempts) */
	size_t n_attempts;
	uint64_t ended_ms;            /* since 1970 */
};

/* One JSON object and a line feed. */
void record_write_line(const struct record *r, struct buf *out);
/* The same of what was refused before anybody was asked. */
void record_write_refusal(uint64_t at_ms, const char *tenant, const char *key, int http, const char *code, struct buf *out);
/* OTLP spans, a comma behind each: the call's own (server), and a child (client) for each attempt. Their number. */
size_t record_write_spans(const struct record *r, struct buf *out);

/* A JSON text with its quotes; what is no UTF-8 becomes U+FFFD. */
void record_add_text(struct buf *out, const char *text);

#endif
