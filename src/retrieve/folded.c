/* folded.c - cluster by cluster, so that every folded code point knows its bytes. */
#include "retrieve/folded.h"

#include <utf8proc.h>

#include "base/arena.h"
#include "base/text.h"

enum { CLUSTER_POINTS = 64 }; /* of one cluster, folded; more (a name with a hundred accents) are left out */

size_t cluster_length(const char *text, size_t n)
{
	utf8proc_int32_t state = 0;
	uint32_t before, c;
	size_t at = text_decode(text, n, &before);

	while (at < n) {
		size_t length = text_decode(text + at, n - at, &c);

		if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)c, &state))
			break;
		before = c;
		at += length;
	}
	return at;
}

/* One form for each kind of mark; 0 for marks that nobody sees. */
static uint32_t plain_mark(uint32_t c)
{
	switch (c) {
	case '\'': case '`': case 0xB4: case 0xAB: case 0xBB: case 0x2018: case 0x2019: case 0x201A: case 0x201B: case 0x201C:
	case 0x201D: case 0x201E: case 0x201F: case 0x2032: case 0x2033: case 0x2039: case 0x203A: case 0x300C: case 0x300D:
		return c == '`' ? 0 : '"';
	case 0x2010: case 0x2011: case 0x2012: case 0x2013: case 0x2014: case 0x2015: case 0x2212:
		return '-';
	case '*': case 0xAD: case 0x200B: case 0x200C: case 0x200D: case 0x2060: case 0xFEFF:
		return 0;
	default:
		return c;
	}
}

static void push(struct folded *f, uint32_t point, size_t start, size_t end)
{
	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 256;
		f->points = mem_resize(f->points, f->room, sizeof(*f->points));
		f->start = mem_resize(f->start, f->room, sizeof(*f->start));
		f->end = mem_resize(f->end, f->room, sizeof(*f->end));
	}
	f->points[f->n] = point;
	f->start[f->n] = (uint32_t)start;
	f->end[f->n++] = (uint32_t)end;
}

static void push_space(struct folded *f, size_t start, size_t end)
{
	if (f->n > 0 && f->points[f->n - 1] != ' ')
		push(f, ' ', start, end);
}

static void push_cluster(struct folded *f, const char *text, size_t start, size_t end)
{
	utf8proc_int32_t points[CLUSTER_POINTS];
	utf8proc_option_t form = UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STABLE;
	utf8proc_ssize_t n = utf8proc_decompose((const utf8proc_uint8_t *)text + start, (utf8proc_ssize_t)(end - start), points,
						CLUSTER_POINTS, form);

	if (n < 0 || n > CLUSTER_POINTS)
		return;
	n = utf8proc_normalize_utf32(points, n, form);
	for (utf8proc_ssize_t i = 0; i < n; i++) {
		uint32_t c = plain_mark((uint32_t)points[i]);

		if (c && text_is_space(c))
			push_space(f, start, end);
		else if (c)
			push(f, c, start, end);
	}
}

/* Bytes of a hyphen, the line's end and the next line's indentation at `at`, between two letters; 0: it is none. */
static size_t broken_word(const struct folded *f, const char *text, size_t n, size_t at)
{
	uint32_t c, next;
	size_t end = at + text_decode(text + at, n - at, &c);
	bool broken = false;

	if ((c != '-' && c != 0xAD && c != 0x2010) || f->n == 0 || !text_is_letter(f->points[f->n - 1]))
		return 0;
	for (; end < n && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r' || text[end] == '\n'); end++)
		broken |= text[end] == '\n';
	if (!broken || end == n)
		return 0;
	text_decode(text + end, n - end, &next);
	return text_is_letter(next) ? end - at : 0;
}

void folded_make(struct folded *f, const char *text, size_t n)
{
	*f = (struct folded){ 0 };
	for (size_t at = 0; at < n;) {
		size_t skip = broken_word(f, text, n, at);

		if (skip == 0) {
			skip = cluster_length(text + at, n - at);
			push_cluster(f, text, at, at + skip);
		}
		at += skip;
	}
	if (f->n > 0 && f->points[f->n - 1] == ' ')
		f->n--;
}

void folded_release(struct folded *f)
{
	free(f->points);
	free(f->start);
	free(f->end);
	*f = (struct folded){ 0 };
}
