/* rows.h - every answer of a run beside what was expected and what it scored, for other programs: CSV, JUnit's XML, and the rows
 * that `rung decide` reads. Read variant by variant, so that no more than one variant's answers are in memory. */
#ifndef RUNG_REPORT_ROWS_H
#define RUNG_REPORT_ROWS_H

#include "base/buf.h"
#include "store/store.h"
#include "task/task.h"

struct rows_from {
	const struct task *task;
	struct store *store;
	int64_t run;
};

struct report_row {
	const struct variant_row *variant;
	const struct example *item;
	const struct answer_row *answer;
	double score; /* 0 .. 1 by the task's scorer */
};

/* Takes rows; bytes and context as the caller likes. */
struct row_sink {
	void (*variant)(void *context, const struct variant_row *v, size_t n); /* before the n rows of a variant; NULL: not told */
	void (*row)(void *context, const struct report_row *row);
	void *context;
};

/* Of all variants of the run that have answers under the split ("dev", "test"), in their order, items in the order of the file. */
bool rows_each(const struct rows_from *from, const char *split, const struct row_sink *sink, struct error *err);

/* Where the text goes, piece by piece. */
struct rows_out {
	void (*put)(void *context, const char *bytes, size_t n);
	void *context;
};

struct rows_format {
	const char *name, *extension;
	bool (*write)(const struct rows_from *from, const struct rows_out *out, struct error *err);
};
const struct rows_format *rows_format_find(const char *name); /* "csv", "junit"; NULL when there is none */

/* A row a variant and item of dev and of test, in RFC 4180. */
bool rows_write_csv(const struct rows_from *from, const struct rows_out *out, struct error *err);
/* A testsuite a variant that was measured on test, a testcase an item. */
bool rows_write_junit(const struct rows_from *from, const struct rows_out *out, struct error *err);
/* The test items in the format of docs/decision.md. */
bool rows_write_outcomes(const struct rows_from *from, const struct rows_out *out, struct error *err);
/* Every call of the store, all of its columns, as JSON Lines. */
bool rows_write_calls(const struct rows_from *from, const struct rows_out *out, struct error *err);

/* For the writers: hands over what is in the buffer, and clears it. */
void rows_flush(const struct rows_out *out, struct buf *b);

#endif
