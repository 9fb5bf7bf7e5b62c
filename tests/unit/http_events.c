/* Each stream is fed in every split into three pieces, and byte by byte: the events must be the same. */
#include "test.h"

#include "http/events.h"

static const struct {
	const char *name, *stream, *events; /* events as name=data| */
} cases[] = {
	{ "LF", "data: a\n\ndata: b\n\n", "message=a|message=b|" },
	{ "CR", "data: a\r\rdata: b\r\r", "message=a|message=b|" },
	{ "CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", "message=a|message=b|" },
	{ "mixed ends", "data: a\r\ndata: b\r\n\ndata: c\n\r", "message=a\nb|message=c|" },
	{ "a mark is skipped once", "\xEF\xBB\xBF" "data: a\n\n\xEF\xBB\xBF" "data: b\n\n", "message=a|" },
	{ "comments", ": hello\n\ndata: a\n:\n\n", "message=a|" },
	{ "several lines", "data: a\ndata:\ndata: b\n\n", "message=a\n\nb|" },
	{ "one space goes", "data:  a\n\ndata:b\n\n", "message= a|message=b|" },
	{ "names", "event: x\ndata: a\n\ndata: b\n\n", "x=a|message=b|" },
	{ "a name without data is forgotten", "event: x\n\ndata: a\n\n", "message=a|" },
	{ "empty data", "data\n\ndata:\n\n", "message=|message=|" },
	{ "other fields", "id: 1\nretry: 5\ndatum: x\ndata: a\n\n", "message=a|" },
	{ "broken off", "data: a\n\ndata: b\n", "message=a|" },
	{ "broken off in a line", "data: a\n\ndata: b", "message=a|" },
	{ "nothing", "", "" },
};

static bool note(void *context, const struct event *e)
{
	struct buf *seen = context;
	buf_addf(seen, "%s=", e->name);
	buf_add(seen, e->data, e->n);
	buf_addc(seen, '|');
	return true;
}

static void check_pieces(size_t number, size_t first, size_t second)
{
	const char *stream = cases[number].stream;
	struct event_stream s = { 0 };
	struct buf seen = { 0 };
	assert_true(event_stream_feed(&s, stream, first, note, &seen));
	assert_true(event_stream_feed(&s, stream + first, second - first, note, &seen));
	assert_true(event_stream_feed(&s, stream + second, strlen(stream) - second, note, &seen));
	assert_string_equal(buf_text(&seen), cases[number].events);
	buf_release(&seen);
	event_stream_release(&s);
}

static void every_split_gives_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t second = 0; second <= strlen(cases[i].stream); second++)
			for (size_t first = 0; first <= second; first++)
				check_pieces(i, first, second);
}

static void byte_by_byte_gives_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct event_stream s = { 0 };
		struct buf seen = { 0 };
		for (const char *at = cases[i].stream; *at; at++)
			assert_true(event_stream_feed(&s, at, 1, note, &seen));
		assert_string_equal(buf_text(&seen), cases[i].events);
		buf_release(&seen);
		event_stream_release(&s);
	}
}

static bool refuse(void *context, const struct event *e)
{
	(void)e;
	++*(int *)context;
	return false;
}

static void false_ends_it(void **state)
{
	(void)state;
	struct event_stream s = { 0 };
	int calls = 0;
	assert_false(event_stream_feed(&s, "data: a\n\ndata: b\n\n", 18, refuse, &calls));
	assert_int_equal(calls, 1);
	event_stream_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split_gives_the_same),
		cmocka_unit_test(byte_by_byte_gives_the_same),
		cmocka_unit_test(false_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
