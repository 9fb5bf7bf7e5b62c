/* csv.c - one pass over the bytes, one field at a time. */
#include "task/csv.h"

#include <stdbool.h>
#include <string.h>

struct csv csv_open(const char *data, size_t n, char separator)
{
	bool marked = n >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0;

	return (struct csv){ .data = data, .n = n, .at = marked ? 3 : 0, .line = 1, .separator = separator };
}

const char *csv_field(const struct csv_row *row, size_t i)
{
	return row->text.data + row->start[i];
}

/* Bytes of the line end at offset i: 2 for CRLF, 1 for LF or CR, 0 for anything else. */
static size_t line_end(const struct csv *c, size_t i)
{
	if (i >= c->n || (c->data[i] != '\n' && c->data[i] != '\r'))
		return 0;
	return c->data[i] == '\r' && i + 1 < c->n && c->data[i + 1] == '\n' ? 2 : 1;
}

static bool too_far(const struct csv *c, size_t start)
{
	return c->at - start > CSV_ROW_BYTES;
}

/* Reads behind an opening quote up to and including the closing one. */
static enum csv_status quoted(struct csv *c, struct csv_row *row, size_t start)
{
	row->fault = c->line;
	c->at++;
	while (c->at < c->n && !too_far(c, start)) {
		size_t newline = line_end(c, c->at);

		if (c->data[c->at] == '"' && (c->at + 1 >= c->n || c->data[c->at + 1] != '"')) {
			c->at++;
			return CSV_ROW;
		}
		if (c->data[c->at] == '"') /* the second of a pair stands for both */
			c->at++;
		size_t length = newline ? newline : 1;

		buf_add(&row->text, c->data + c->at, length);
		c->at += length;
		c->line += newline > 0;
	}
	return CSV_OPEN_QUOTE;
}

static enum csv_status unquoted(struct csv *c, struct csv_row *row, size_t start)
{
	size_t from = c->at;

	while (c->at < c->n && !too_far(c, start) && c->data[c->at] != c->separator && !line_end(c, c->at))
		c->at++;
	buf_add(&row->text, c->data + from, c->at - from);
	return too_far(c, start) ? CSV_TOO_LONG : CSV_ROW;
}

static enum csv_status field(struct csv *c, struct csv_row *row, size_t start)
{
	enum csv_status status;

	if (row->n == CSV_FIELDS)
		return CSV_TOO_WIDE;
	row->start[row->n++] = row->text.n;
	if (c->at < c->n && c->data[c->at] == '"')
		status = quoted(c, row, start);
	else
		status = unquoted(c, row, start);
	buf_addc(&row->text, '\0');
	if (status == CSV_ROW && c->at < c->n && c->data[c->at] != c->separator && !line_end(c, c->at)) {
		row->fault = c->line;
		return CSV_AFTER_QUOTE;
	}
	return status;
}

static void skip_blank_lines(struct csv *c)
{
	for (size_t n; (n = line_end(c, c->at)) > 0; c->at += n)
		c->line++;
}

enum csv_status csv_next(struct csv *c, struct csv_row *row)
{
	enum csv_status status;

	skip_blank_lines(c);
	buf_clear(&row->text);
	row->n = 0;
	row->line = c->line;
	if (c->at >= c->n)
		return CSV_END;
	for (size_t start = c->at;;) {
		status = field(c, row, start);
		if (status != CSV_ROW)
			return status;
		size_t newline = line_end(c, c->at);

		if (newline || c->at >= c->n) {
			c->at += newline;
			c->line += newline > 0;
			return CSV_ROW;
		}
		c->at++; /* the separator; what follows is a field, be it empty */
	}
}

void csv_add(struct buf *out, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		buf_adds(out, text);
		return;
	}
	buf_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			buf_addc(out, '"');
		buf_addc(out, *text);
	}
	buf_addc(out, '"');
}
