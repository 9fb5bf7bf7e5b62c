/* mention.c - quoting and suggestions. */
#include "task/mention.h"

#include <string.h>

#include "base/text.h"

enum { SHOWN_CHARACTERS = 40, SHOWN_NAMES = 20, COMPARED_BYTES = 64 };

static void add_plain(struct buf *out, const char *text)
{
	size_t n = strlen(text);
	/* A character may carry any number of accents: bytes are bounded too, before clusters are counted. */
	size_t bounded = n > 8 * SHOWN_CHARACTERS ? 8 * SHOWN_CHARACTERS : n;

	while (bounded < n && bounded > 0 && ((unsigned char)text[bounded] & 0xC0) == 0x80)
		bounded--;
	size_t shown = text_first(text, bounded, SHOWN_CHARACTERS);

	for (size_t i = 0; i < shown; i++)
		buf_addc(out, (unsigned char)text[i] < 32 || text[i] == 127 ? ' ' : text[i]);
	if (shown < n)
		buf_adds(out, "...");
}

void mention_value(struct buf *out, const char *text)
{
	buf_addc(out, '"');
	add_plain(out, text);
	buf_addc(out, '"');
}

static size_t distance(const char *a, const char *b, size_t limit)
{
	struct buf x = { 0 }, y = { 0 };
	size_t d;

	text_lower(&x, a, strlen(a));
	text_lower(&y, b, strlen(b));
	d = text_distance(buf_text(&x), buf_text(&y), limit);
	buf_release(&x);
	buf_release(&y);
	return d;
}

const char *mention_nearest(const char *word, const char *const *names, size_t n)
{
	size_t length = strlen(word);
	size_t best = length < 4 ? 2 : 3; /* short words are near to everything: one edit for them, else two */
	const char *nearest = NULL;

	if (length == 0 || length > COMPARED_BYTES)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, names[i], best);

		if (d < best) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}

void mention_names(struct buf *out, const char *word, const char *const *names, size_t n)
{
	const char *nearest = mention_nearest(word, names, n);

	for (size_t i = 0; i < n && i < SHOWN_NAMES; i++) {
		buf_adds(out, i ? ", " : "");
		add_plain(out, names[i]);
	}
	if (n > SHOWN_NAMES)
		buf_addf(out, " and %zu more", n - SHOWN_NAMES);
	if (nearest) {
		buf_adds(out, " (did you mean ");
		mention_value(out, nearest);
		buf_adds(out, "?)");
	}
}

void mention_flatten(char *sentence)
{
	size_t n = strlen(sentence);

	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t length = text_decode(sentence + i, n - i, &c);

		if (c == 0xFFFD && length == 1)
			sentence[i] = '?';
		else if (c < 32 || c == 127)
			sentence[i] = ' ';
		i += length;
	}
}
