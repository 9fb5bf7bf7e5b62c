/* csv.h - rows of comma- or tab-separated text (RFC 4180), read from bytes in memory.
 *
 * Quoted fields may hold separators, newlines and doubled quotes; rows end with LF, CRLF or CR; blank lines are
 * skipped; a byte order mark is skipped. Beyond the RFC, a quote inside an unquoted field is itself (5" disk). What
 * the fields mean, and whether their number is right, is the caller's business. Pure: no files, only a status. */
#ifndef RUNG_TASK_CSV_H
#define RUNG_TASK_CSV_H

#include <stddef.h>

#include "base/buf.h"

enum { CSV_ROW_BYTES = 1 << 20, CSV_FIELDS = 256 };

enum csv_status {
	CSV_ROW,
	CSV_END,
	CSV_OPEN_QUOTE,  /* row->fault: the line where the quote was opened that nothing closes within CSV_ROW_BYTES */
	CSV_AFTER_QUOTE, /* row->fault: the line of a character between a closing quote and the separator */
	CSV_TOO_LONG,    /* the row has more than CSV_ROW_BYTES */
	CSV_TOO_WIDE,    /* the row has more than CSV_FIELDS */
};

struct csv {
	const char *data; /* borrowed */
	size_t n, at;
	size_t line; /* of data[at], from 1 */
	char separator;
};

struct csv_row {
	struct buf text;          /* the fields without quotes, each with a NUL behind it */
	size_t start[CSV_FIELDS]; /* of each field in text */
	size_t n;                 /* fields */
	size_t line, fault;       /* line where the row starts; where it went wrong */
};

struct csv csv_open(const char *data, size_t n, char separator);
/* Reads the next row into row, {0} at first and reused; the caller frees row->text. After anything but CSV_ROW the
 * reader is spent. */
enum csv_status csv_next(struct csv *c, struct csv_row *row);
/* Field i, NUL-terminated; valid until the next csv_next(). A NUL byte in the data cuts it short. */
const char *csv_field(const struct csv_row *row, size_t i);

/* Appends the text as a field, in quotes where it needs them. */
void csv_add(struct buf *out, const char *text);

#endif
