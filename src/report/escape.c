/* escape.c - one walk over code points; each form adds its own substitutions. */
#include "report/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "base/text.h"

enum { FIRST_STRONG_ISOLATE = 0x2068, POP_ISOLATE = 0x2069, WORD_JOINER = 0x2060 };

/* What stands for the code point in clean text; 0 where nothing does. */
static uint32_t clean(uint32_t c, int *open_isolates)
{
	if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029)
		return ' ';
	if ((c >= 0x202A && c <= 0x202E) || c == 0x2066 || c == 0x2067)
		return 0;
	if ((c & 0xFFFE) == 0xFFFE)
		return 0xFFFD; /* noncharacters: not allowed in XML */
	if (c == FIRST_STRONG_ISOLATE)
		++*open_isolates;
	if (c == POP_ISOLATE && --*open_isolates < 0) {
		*open_isolates = 0;
		return 0;
	}
	return c;
}

static void add_code_point(struct buf *out, uint32_t c)
{
	char bytes[4];

	buf_add(out, bytes, text_encode(c, bytes));
}

static void walk(struct buf *out, const char *s, void (*add)(struct buf *out, uint32_t c))
{
	size_t n = strlen(s);
	int open_isolates = 0;

	for (size_t i = 0; i < n;) {
		uint32_t c;

		i += text_decode(s + i, n - i, &c);
		c = clean(c, &open_isolates);
		if (c)
			add(out, c);
	}
	while (open_isolates-- > 0)
		add_code_point(out, POP_ISOLATE);
}

static void add_markup(struct buf *out, uint32_t c)
{
	switch (c) {
	case '&':
		buf_adds(out, "&amp;");
		break;
	case '<':
		buf_adds(out, "&lt;");
		break;
	case '>':
		buf_adds(out, "&gt;");
		break;
	case '"':
		buf_adds(out, "&quot;");
		break;
	case '\'':
		buf_adds(out, "&#39;");
		break;
	default:
		add_code_point(out, c);
	}
}

static void add_markdown(struct buf *out, uint32_t c)
{
	if (c == '&' || c == '<' || c == '>') {
		add_markup(out, c);
		return;
	}
	if (c < 0x80 && strchr("\\`*_{}[]#|~$", (int)c))
		buf_addc(out, '\\');
	add_code_point(out, c);
	if (c == '@')
		add_code_point(out, WORD_JOINER); /* or a label named @team would call that team */
}

void escape_plain(struct buf *out, const char *s)
{
	walk(out, s, add_code_point);
}

void escape_markup(struct buf *out, const char *s)
{
	walk(out, s, add_markup);
}

void escape_markdown(struct buf *out, const char *s)
{
	walk(out, s, add_markdown);
}

static bool is_right_to_left(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n;) {
		uint32_t c;

		i += text_decode(s + i, n - i, &c);
		switch (utf8proc_get_property((utf8proc_int32_t)c)->bidi_class) {
		case UTF8PROC_BIDI_CLASS_R:
		case UTF8PROC_BIDI_CLASS_AL:
			return true;
		default:
			break;
		}
	}
	return false;
}

void escape_name(struct buf *out, const char *s)
{
	bool isolate = is_right_to_left(s);

	if (isolate)
		add_code_point(out, FIRST_STRONG_ISOLATE);
	escape_plain(out, s);
	if (isolate)
		add_code_point(out, POP_ISOLATE);
}
