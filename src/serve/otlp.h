/* otlp.h - spans for a collector of traces: OTLP over HTTP, in JSON, POST URL/v1/traces (record.h, outbox.h).
 *
 * A collector that hangs, refuses or is not there holds up the sender's thread alone. As OTLP says, 429, 502, 503, 504 and no connection are tried
 * again, with Retry-After; what it answers otherwise is final. Headers that a collector wants, such as a key of its own, are in the variable
 * OTEL_EXPORTER_OTLP_HEADERS, as OpenTelemetry's exporters have it: "name=value,name=value", percent-encoded. */
#ifndef RUNG_SERVE_OTLP_H
#define RUNG_SERVE_OTLP_H

#include "serve/outbox.h"

struct otlp;

/* url: the collector's, as OTEL_EXPORTER_OTLP_ENDPOINT has it: "http://127.0.0.1:4318". NULL and a sentence where it is none,
 * or the headers are none. */
struct otlp *otlp_open(const char *url, void (*notice)(void *context, const char *sentence), void *context, struct error *err);
/* Spans (n_spans) as record_write_spans() writes them. */
void otlp_add(struct otlp *o, const char *spans, size_t n, size_t n_spans);
struct outbox_counts otlp_counts(struct otlp *o);
void otlp_close(struct otlp *o, double most_ms);

#endif
