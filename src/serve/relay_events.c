/* relay_events.c - looked at from the end */
#include "serve/relay_events.h"

#include <string.h>

bool relay_events_done(const struct buf *said)
{
	size_t n = said->n;
	static const char done[] = "[DONE]", data[] = "data:";

	while (n > 0 && (said->data[n - 1] == '\n' || said->data[n - 1] == '\r' || said->data[n - 1] == ' '))
		n--;
	if (n < sizeof(done) - 1 || memcmp(said->data + n - (sizeof(done) - 1), done, sizeof(done) - 1) != 0)
		return false;
	n -= sizeof(done) - 1;
	while (n > 0 && said->data[n - 1] == ' ')
		n--;
	return n >= sizeof(data) - 1 && memcmp(said->data + n - (sizeof(data) - 1), data, sizeof(data) - 1) == 0 &&
	       (n == sizeof(data) - 1 || said->data[n - sizeof(data)] == '\n' || said->data[n - sizeof(data)] == '\r');
}

static bool ends_with(const struct buf *b, const char *end)
{
	size_t n = strlen(end);

	return b->n >= n && memcmp(b->data + b->n - n, end, n) == 0;
}

/* The last line that begins so: what a model writes stands within lines. NULL: none. */
static const char *last_line(const struct buf *said, const char *beginning)
{
	const char *text = buf_text(said), *found = NULL;
	size_t n = strlen(beginning);

	for (const char *at = text; at && at + n <= text + said->n; at = memchr(at, '\n', (size_t)(text + said->n - at)), at = at ? at + 1 : NULL)
		if (memcmp(at, beginning, n) == 0)
			found = at;
	return found;
}

bool relay_events_responded(const struct buf *said)
{
	static const char *const ends[] = { "event: response.completed", "event: response.incomplete", "event: response.failed" };
	const char *last = last_line(said, "event: ");

	for (size_t i = 0; last && i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strncmp(last, ends[i], strlen(ends[i])) == 0) /* a NUL stands behind them */
			return ends_with(said, "\n\n") || ends_with(said, "\r\n\r\n");
	return false;
}

void relay_events_break(const struct buf *said, const struct chat_fault *fault, struct buf *out)
{
	buf_adds(out, ends_with(said, "\n\n") || ends_with(said, "\r\n\r\n") ? "" : ends_with(said, "\n") ? "\n" : "\n\n");
	buf_adds(out, "data: ");
	chat_write_fault(fault, out);
	buf_adds(out, "\n\n");
}
