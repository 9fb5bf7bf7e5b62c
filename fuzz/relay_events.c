/* Any bytes as a stream of events, in pieces cut anywhere: its events are the same as in one piece, and where it is broken off the last event is
 * the one that says so, whole, whatever stood before it. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/events.h"
#include "serve/relay_events.h"

struct seen {
	struct buf all;  /* the events, one after another */
	struct buf last;
};

static bool see(void *context, const struct event *e)
{
	struct seen *s = context;

	buf_adds(&s->all, e->name);
	buf_addc(&s->all, '\0');
	buf_add(&s->all, e->data, e->n + 1);
	buf_clear(&s->last);
	buf_add(&s->last, e->data, e->n);
	return true;
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->data, b->data, a->n) == 0);
}

static void release(struct seen *s, struct event_stream *stream)
{
	buf_release(&s->all);
	buf_release(&s->last);
	event_stream_release(stream);
}

/* The first byte of `data` is how long pieces are. */
static void feed_pieces(struct event_stream *stream, struct seen *s, const char *bytes, size_t n, size_t piece)
{
	for (size_t i = 0, taken; i < n; i += taken) {
		taken = 1 + (piece + i) % 7;
		taken = taken < n - i ? taken : n - i;
		event_stream_feed(stream, bytes + i, taken, see, s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chat_fault fault = { 502, "server_error", "upstream_cut", NULL, "the reply of \"x\" broke off" };
	struct event_stream whole = { 0 }, cut = { 0 };
	struct seen one = { { 0 }, { 0 } }, many = { { 0 }, { 0 } };
	struct buf said = { 0 }, event = { 0 }, want = { 0 };
	size_t piece = size > 0 ? data[0] : 0;

	buf_add(&said, size > 0 ? data + 1 : data, size > 0 ? size - 1 : 0);
	event_stream_feed(&whole, buf_text(&said), said.n, see, &one);
	feed_pieces(&cut, &many, buf_text(&said), said.n, piece);
	assert(is_same(&one.all, &many.all));
	chat_write_fault(&fault, &want);
	relay_events_break(&said, &fault, &event);
	feed_pieces(&cut, &many, event.data, event.n, piece);
	assert(is_same(&many.last, &want));
	bool done = relay_events_done(&said);

	buf_adds(&said, "\r\n");
	assert(relay_events_done(&said) == done); /* line ends behind it change nothing */
	buf_adds(&said, "data: {}\n\n");
	assert(!relay_events_done(&said));
	buf_adds(&said, "data: [DONE]\n\n");
	assert(relay_events_done(&said));
	release(&one, &whole);
	release(&many, &cut);
	buf_release(&said);
	buf_release(&event);
	buf_release(&want);
	return 0;
}
