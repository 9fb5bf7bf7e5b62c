/* trace.h - which trace a call belongs to, as its client says in the header traceparent, and what goes on from here.
 * Source: W3C Trace Context, 3.2. A header that is none is as if there were none: the call begins a trace. */
#ifndef RUNG_SERVE_TRACE_H
#define RUNG_SERVE_TRACE_H

#include <stdbool.h>

enum { TRACE_ID = 33, TRACE_SPAN = 17, TRACE_PARENT = 56 }; /* hexadecimal digits, or all of the header, with their NUL */

struct trace {
	char id[TRACE_ID];       /* "": it belongs to none */
	char parent[TRACE_SPAN]; /* the client's span; "": the trace begins here */
	char span[TRACE_SPAN];   /* the call's own */
	bool sampled;            /* the client wants it recorded; one that begins here is */
};

/* What the header says: id, parent and sampled. False, and none of it: it is NULL, or no traceparent. Pure. */
bool trace_read(const char *header, struct trace *out);
/* The same, or a new trace; and the call's own span. */
void trace_begin(const char *header, struct trace *out);
void trace_new_span(char out[TRACE_SPAN]);
/* The header for whoever is asked in that span. Pure. */
void trace_write(const struct trace *t, const char *span, char out[TRACE_PARENT]);

#endif
