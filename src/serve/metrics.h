/* metrics.h - what has been counted since the start, as Prometheus reads it (text format 0.0.4). Pure.
 *
 * Labels are names that this server was started with, statuses and reasons, never a text of a client's: their number stays small. */
#ifndef RUNG_SERVE_METRICS_H
#define RUNG_SERVE_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct metrics;

struct metrics *metrics_open(void);
void metrics_free(struct metrics *m);

/* A call that was answered, or failed. */
struct metrics_call {
	const char *model; /* a task, or an upstream */
	int http;
	bool cached;
	size_t input_tokens, output_tokens;
	double usd;                      /* NAN: not known, and counted as such */
	double ms, first_ms, elsewhere_ms; /* from accept() to the end, to the first byte (NAN), and what of it an upstream took (NAN: none was asked) */
};
void metrics_call(struct metrics *m, const struct metrics_call *c);
/* What was refused before anybody was asked; reason is a static word. */
void metrics_refused(struct metrics *m, const char *reason);

void metrics_write(const struct metrics *m, struct buf *out);
/* One number that somebody else keeps. type: "gauge" or "counter"; label NULL: it has none. Its head is written where help is given. */
void metrics_write_one(struct buf *out, const char *name, const char *type, const char *help, const char *label, const char *value, double number);

#endif
