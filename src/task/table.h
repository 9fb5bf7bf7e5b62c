/* table.h - an examples file as rows of texts: JSONL, a JSON array of objects, CSV or TSV, told apart by extension.
 *
 * Knows nothing of labels and splits. Refused, with file and line: what is not UTF-8, rows above 1 MiB, files above
 * 512 MiB (JSON arrays: 64 MiB), ragged CSV rows, values nested deeper than 64, duplicate keys and columns, more than 1,000,000 rows, 256
 * columns or 33,554,432 values. A file is read in pieces: a giant line is noticed before it is in memory. */
#ifndef RUNG_TASK_TABLE_H
#define RUNG_TASK_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum {
	TABLE_ROW_BYTES = 1 << 20,
	TABLE_FILE_BYTES = 512 << 20,
	TABLE_ARRAY_BYTES = 64 << 20, /* of a JSON array, which may be one line */
	TABLE_ROWS = 1000000,
	TABLE_COLUMNS = 256,
	TABLE_CELLS = 1 << 25,
};

struct table_row {
	size_t line;         /* from 1; the row number in a JSON array */
	const char **values; /* (n_columns) UTF-8 without NUL; "" where the row has none */
	size_t n;            /* values the row had when it was read; n_columns once the table is complete */
};

struct table {
	struct arena *arena; /* borrowed; holds all below */
	const char *path;    /* as error sentences name it */
	bool array;          /* a JSON array: rows are counted, not lines */
	const char **columns;
	size_t n_columns;
	struct table_row *rows;
	size_t n_rows, capacity;
};

/* Reads the file into *t, which lives in arena. */
bool table_read(struct table *t, struct arena *arena, const char *path, struct error *err);
/* The same of separated values, whatever the file is called. */
bool table_read_separated(struct table *t, struct arena *arena, const char *path, char separator, struct error *err);

/* Sets "path:line: ..." (or "path: row N: ...") and returns false. */
bool table_fail(const struct table *t, size_t line, struct error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The readers' side. table_row_add() gives a row of n empty values; NULL and a sentence past the limits. */
struct table_row *table_row_add(struct table *t, size_t line, size_t n, struct error *err);
/* Both read all of data[0..n), valid UTF-8 without NUL. */
bool table_read_csv(struct table *t, const char *data, size_t n, char separator, struct error *err);
/* The CSV at path, one that people fill in: without rows it is one too. Lives in arena. */
bool table_read_sheet(struct table *t, const char *path, struct arena *arena, struct error *err);
bool table_read_json(struct table *t, const char *data, size_t n, struct error *err);

#endif
