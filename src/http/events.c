/* events.c - lines are collected until they end; what a line means is decided once, when it is whole. */
#include "http/events.h"

#include <string.h>

static const char mark[] = "\xEF\xBB\xBF";

void event_stream_release(struct event_stream *s)
{
	buf_release(&s->line);
	buf_release(&s->name);
	buf_release(&s->data);
	*s = (struct event_stream){ 0 };
}

static bool is_field(const char *line, size_t n, const char *field)
{
	return n == strlen(field) && memcmp(line, field, n) == 0;
}

static void take_field(struct event_stream *s, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	size_t n_field = colon ? (size_t)(colon - line) : n;
	const char *value = colon ? colon + 1 : line + n;
	if (value < line + n && *value == ' ')
		value++;
	size_t n_value = (size_t)(line + n - value);

	if (is_field(line, n_field, "event")) {
		buf_clear(&s->name);
		buf_add(&s->name, value, n_value);
	} else if (is_field(line, n_field, "data")) {
		if (s->has_data)
			buf_addc(&s->data, '\n');
		buf_add(&s->data, value, n_value);
		s->has_data = true;
	}
}

/* An empty line ends an event; one without data is none, but its name is forgotten all the same. */
static bool dispatch(struct event_stream *s, bool (*fn)(void *context, const struct event *e), void *context)
{
	struct event e = { .name = s->name.n ? buf_text(&s->name) : "message", .data = buf_text(&s->data), .n = s->data.n };
	bool go_on = !s->has_data || fn(context, &e);

	buf_clear(&s->name);
	buf_clear(&s->data);
	s->has_data = false;
	return go_on;
}

static bool end_line(struct event_stream *s, bool (*fn)(void *context, const struct event *e), void *context)
{
	const char *line = buf_text(&s->line);
	size_t n = s->line.n, n_mark = sizeof mark - 1;
	if (!s->began && n >= n_mark && memcmp(line, mark, n_mark) == 0) {
		line += n_mark;
		n -= n_mark;
	}
	s->began = true;

	bool go_on = true;
	if (n == 0)
		go_on = dispatch(s, fn, context);
	else
		take_field(s, line, n); /* a comment is a field without a name */
	buf_clear(&s->line);
	return go_on;
}

static size_t until_end(const char *bytes, size_t n)
{
	const char *feed = memchr(bytes, '\n', n);
	size_t end = feed ? (size_t)(feed - bytes) : n;
	const char *carriage = memchr(bytes, '\r', end);
	return carriage ? (size_t)(carriage - bytes) : end;
}

bool event_stream_feed(struct event_stream *s, const char *bytes, size_t n, bool (*fn)(void *context, const struct event *e),
		       void *context)
{
	for (size_t i = 0; i < n; i++) {
		bool second = s->return_before && bytes[i] == '\n'; /* the LF of a CRLF whose CR ended the line */
		s->return_before = false;
		if (second)
			continue;
		size_t length = until_end(bytes + i, n - i);
		buf_add(&s->line, bytes + i, length);
		i += length;
		if (i == n)
			break;
		s->return_before = bytes[i] == '\r';
		if (!end_line(s, fn, context))
			return false;
	}
	return true;
}
