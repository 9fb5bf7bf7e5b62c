/* plain.c - text and code: what stands between blank lines. Lines end with LF, CR LF or CR. */
#include "retrieve/document_inner.h"

#include <string.h>

void plain_blocks(struct parts *p, enum block_kind kind, const char *text, size_t from, size_t n)
{
	size_t start = 0, end = 0; /* of the block being read; none when equal */

	for (size_t line = from, next; line < n; line = next) {
		size_t first = line, last;

		for (last = line; last < n && text[last] != '\n' && text[last] != '\r';)
			last++;
		next = last + 1;
		if (next < n && text[last] == '\r' && text[next] == '\n')
			next++;
		while (first < last && is_blank(text[first]))
			first++;
		while (last > first && is_blank(text[last - 1]))
			last--;
		if (first == last) {
			if (end > start)
				parts_block(p, kind, 0, start, end);
			start = end = 0;
			continue;
		}
		if (end == start)
			start = kind == BLOCK_CODE ? line : first;
		end = last;
	}
	if (end > start)
		parts_block(p, kind, 0, start, end);
}

static size_t mark_bytes(const struct document_file *f)
{
	return f->n >= 3 && memcmp(f->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

bool plain_parse(const struct document_file *f, struct parts *p, struct error *err)
{
	(void)err;
	plain_blocks(p, BLOCK_PARAGRAPH, f->bytes, mark_bytes(f), f->n);
	return true;
}

bool code_parse(const struct document_file *f, struct parts *p, struct error *err)
{
	(void)err;
	plain_blocks(p, BLOCK_CODE, f->bytes, mark_bytes(f), f->n);
	return true;
}
