/* events.h - server-sent events out of a body that comes in pieces. Pure.
 * Source: the HTML standard, 9.2.6 "Interpreting an event stream": lines end in CR, LF or both, a byte order mark is skipped, fields
 * other than event and data are passed over, an event that the body breaks off is none. */
#ifndef RUNG_HTTP_EVENTS_H
#define RUNG_HTTP_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct event {
	const char *name; /* "message" when the stream names none */
	const char *data; /* (n) lines joined by LF; a NUL stands behind it */
	size_t n;
};

/* {0} is the beginning of a stream. */
struct event_stream {
	struct buf line, name, data;
	bool began, return_before, has_data; /* inner: the mark was looked for; the last byte was CR */
};
void event_stream_release(struct event_stream *s);
/* Takes n bytes and calls fn for each event they complete; false as soon as fn is. */
bool event_stream_feed(struct event_stream *s, const char *bytes, size_t n, bool (*fn)(void *context, const struct event *e),
		       void *context);

#endif
