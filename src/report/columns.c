/* columns.c - greedy line breaking over grapheme clusters. */
#include "report/columns.h"

#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "base/text.h"

size_t columns_width(const char *s, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n;) {
		uint32_t c;
		int w;

		i += text_decode(s + i, n - i, &c);
		w = utf8proc_charwidth((utf8proc_int32_t)c);
		width += w > 0 ? (size_t)w : 0;
	}
	return width;
}

size_t columns_line(const char *s, size_t width, size_t *next)
{
	size_t n = strlen(s), used = 0, i = 0, space = 0;

	while (i < n) {
		size_t cluster = text_first(s + i, n - i, 1);
		size_t w = columns_width(s + i, cluster);

		if (used + w > width && i > 0)
			break;
		if (s[i] == ' ')
			space = i;
		used += w;
		i += cluster;
	}
	if (i < n && s[i] == ' ')
		space = i;
	if (i >= n || space == 0) {
		*next = i;
		return i;
	}
	*next = space;
	while (s[*next] == ' ')
		++*next;
	return space;
}

void columns_wrap(struct buf *out, const char *text, size_t indent, size_t width)
{
	size_t room = width > indent + 8 ? width - indent : 8;

	for (const char *s = text; *s;) {
		size_t next, n = columns_line(s, room, &next);

		if (s != text)
			buf_addf(out, "%*s", (int)indent, "");
		buf_add(out, s, n);
		buf_addc(out, '\n');
		s += next;
	}
	if (!*text)
		buf_addc(out, '\n');
}
