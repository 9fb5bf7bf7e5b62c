/* table.c - reading a file in pieces, the checks all formats share, and the CSV adapter. */
#include "task/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "task/csv.h"
#include "task/mention.h"

bool table_fail(const struct table *t, size_t line, struct error *err, const char *format, ...)
{
	char sentence[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	mention_flatten(sentence);
	return error_set(err, t->array ? "%s: row %zu: %s" : "%s:%zu: %s", t->path, line, sentence);
}

struct table_row *table_row_add(struct table *t, size_t line, size_t n, struct error *err)
{
	if (t->n_rows == TABLE_ROWS) {
		table_fail(t, line, err, "more than 1,000,000 examples; measure on a sample of them");
		return NULL;
	}
	if ((t->n_rows + 1) * (n > t->n_columns ? n : t->n_columns) > TABLE_CELLS) {
		table_fail(t, line, err, "more than 33,554,432 values; leave out columns the task does not use");
		return NULL;
	}
	if (t->n_rows == t->capacity) {
		t->capacity = t->capacity ? t->capacity * 2 : 256;
		t->rows = mem_resize(t->rows, t->capacity, sizeof(*t->rows));
	}
	struct table_row *row = &t->rows[t->n_rows++];

	*row = (struct table_row){ .line = line, .values = arena_array(t->arena, n, sizeof(*row->values)), .n = n };
	for (size_t i = 0; i < n; i++)
		row->values[i] = "";
	return row;
}

/* The newest CR or LF in the piece, as a distance from its end; n when there is none. */
static size_t after_newline(const char *piece, size_t n)
{
	size_t i = n;

	while (i > 0 && piece[i - 1] != '\n' && piece[i - 1] != '\r')
		i--;
	return i ? n - i : n;
}

static bool first_is_bracket(const struct buf *b)
{
	size_t i = b->n >= 3 && memcmp(b->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

	while (i < b->n && (b->data[i] == ' ' || b->data[i] == '\n' || b->data[i] == '\r' || b->data[i] == '\t'))
		i++;
	return i < b->n && b->data[i] == '[';
}

static size_t count_lines(const char *data, size_t n)
{
	size_t lines = 1;

	for (size_t i = 0; i < n; i++)
		lines += data[i] == '\n' || (data[i] == '\r' && (i + 1 >= n || data[i + 1] != '\n'));
	return lines;
}

/* A JSON array may be one line, so only its size can be limited before its rows are told apart. */
static bool size_allowed(const struct table *t, size_t n, struct error *err)
{
	if (t->array && n > TABLE_ARRAY_BYTES)
		return error_set(err, "%s: more than the 64 MiB that a JSON array may have; write JSON Lines", t->path);
	if (n > TABLE_FILE_BYTES)
		return error_set(err, "%s: more than the 512 MiB that are read; measure on a sample", t->path);
	return true;
}

/* Stops at the limits as soon as a piece passes them. */
static bool pieces_read(struct table *t, int fd, bool json, struct buf *out, struct error *err)
{
	enum { PIECE = 1 << 18 };
	char *piece = mem_alloc(PIECE);
	size_t tail = 0; /* bytes since the last newline */
	ssize_t got;
	bool ok = true;

	while (ok && (got = read(fd, piece, PIECE)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			ok = error_set(err, "%s: cannot read: %s", t->path, strerror(errno));
			break;
		}
		size_t n = (size_t)got, rest = after_newline(piece, n);

		tail = rest == n && (n == 0 || (piece[0] != '\n' && piece[0] != '\r')) ? tail + n : rest;
		buf_add(out, piece, n);
		if (out->n <= PIECE) /* no later: a file of blanks must not be looked through again and again */
			t->array = json && first_is_bracket(out);
		ok = size_allowed(t, out->n, err);
		if (ok && tail > TABLE_ROW_BYTES && !t->array)
			ok = table_fail(t, count_lines(out->data, out->n), err,
					"a line of more than 1 MiB, the most one example may have");
	}
	free(piece);
	return ok;
}

static bool file_pieces(struct table *t, bool json, struct buf *out, struct error *err)
{
	int fd = open(t->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool ok;

	if (fd < 0)
		return error_set(err, "%s: cannot open the examples: %s", t->path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		ok = error_set(err, "%s: is a folder; examples: {file: ...} names a file", t->path);
	else
		ok = pieces_read(t, fd, json, out, err);
	close(fd);
	return ok;
}

static bool bytes_are_text(const struct table *t, const struct buf *b, struct error *err)
{
	const char *nul = b->n ? memchr(b->data, '\0', b->n) : NULL;
	size_t bad = nul ? (size_t)(nul - b->data) : b->n, wrong;

	if (b->n >= 2 && (memcmp(b->data, "\xFF\xFE", 2) == 0 || memcmp(b->data, "\xFE\xFF", 2) == 0))
		return error_set(err, "%s: is UTF-16 text; save it as UTF-8", t->path);
	if (b->n && !text_valid(b->data, b->n, &wrong) && wrong < bad)
		bad = wrong;
	if (bad == b->n)
		return true;
	return error_set(err, "%s:%zu: byte %zu of the file (0x%02X) is not UTF-8 text; save the file as UTF-8",
			 t->path, count_lines(b->data, bad), bad, (unsigned char)b->data[bad]);
}

/* Rows read before a later row brought a new column get empty values for it. */
static bool rows_complete(struct table *t, struct error *err)
{
	if (t->n_rows * t->n_columns > TABLE_CELLS)
		return error_set(err, "%s: %zu rows of %zu columns are more than 33,554,432 values; leave out columns",
				 t->path, t->n_rows, t->n_columns);
	for (size_t i = 0; i < t->n_rows; i++) {
		struct table_row *row = &t->rows[i];

		if (row->n == t->n_columns)
			continue;
		const char **values = arena_array(t->arena, t->n_columns, sizeof(*values));

		for (size_t c = 0; c < t->n_columns; c++)
			values[c] = c < row->n ? row->values[c] : "";
		row->values = values;
		row->n = t->n_columns;
	}
	return true;
}

/* Growing rows lived on the heap; the finished table lives in the arena. */
static void rows_settle(struct table *t)
{
	struct table_row *rows = arena_array(t->arena, t->n_rows, sizeof(*rows));

	if (t->n_rows)
		memcpy(rows, t->rows, t->n_rows * sizeof(*rows));
	free(t->rows);
	t->rows = rows;
	t->capacity = t->n_rows;
}

/* separator 0: JSON. */
static bool format_read(struct table *t, char separator, struct error *err)
{
	bool json = separator == 0;
	struct buf bytes = { 0 };
	bool ok = file_pieces(t, json, &bytes, err) && bytes_are_text(t, &bytes, err);

	if (ok && json)
		ok = table_read_json(t, buf_text(&bytes), bytes.n, err);
	else if (ok)
		ok = table_read_csv(t, buf_text(&bytes), bytes.n, separator, err);
	buf_release(&bytes);
	if (ok && t->n_rows == 0)
		ok = error_set(err, "%s: holds no examples", t->path);
	ok = ok && rows_complete(t, err);
	rows_settle(t);
	return ok;
}

bool table_read_separated(struct table *t, struct arena *arena, const char *path, char separator, struct error *err)
{
	*t = (struct table){ .arena = arena, .path = path };
	return format_read(t, separator, err);
}

bool table_read(struct table *t, struct arena *arena, const char *path, struct error *err)
{
	static const struct { const char *extension; char separator; } known[] = {
		{ ".jsonl", 0 }, { ".ndjson", 0 }, { ".json", 0 }, { ".csv", ',' }, { ".tsv", '\t' },
	};
	const char *slash = strrchr(path, '/');
	const char *extension = strrchr(slash ? slash : path, '.');

	*t = (struct table){ .arena = arena, .path = path };
	for (size_t i = 0; extension && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(extension, known[i].extension) == 0)
			return format_read(t, known[i].separator, err);
	return error_set(err, "%s: examples are .jsonl, .ndjson, .json, .csv or .tsv; rename the file to what it holds",
			 path);
}

static bool header_read(struct table *t, const struct csv_row *row, struct error *err)
{
	struct hash_map seen = { 0 };
	bool ok = true;

	t->n_columns = row->n;
	t->columns = arena_array(t->arena, row->n, sizeof(*t->columns));
	for (size_t i = 0; i < row->n; i++)
		t->columns[i] = arena_string(t->arena, csv_field(row, i));
	for (size_t i = 0; i < row->n && ok; i++) {
		const char *name = t->columns[i];

		if (!name[0] || hash_map_put(&seen, name, strlen(name), i) == i)
			continue;
		struct buf quoted = { 0 };

		mention_value(&quoted, name);
		ok = table_fail(t, row->line, err, "column %s stands twice in the header; rename one",
				buf_text(&quoted));
		buf_release(&quoted);
	}
	hash_map_release(&seen);
	return ok;
}

static bool csv_row_take(struct table *t, const struct csv_row *row, struct error *err)
{
	struct table_row *added;

	if (row->n != t->n_columns)
		return table_fail(t, row->line, err, "%zu fields where the header has %zu; a field that holds the "
				  "separator or a newline goes in quotes", row->n, t->n_columns);
	added = table_row_add(t, row->line, row->n, err);
	for (size_t i = 0; added && i < row->n; i++)
		if (csv_field(row, i)[0])
			added->values[i] = arena_string(t->arena, csv_field(row, i));
	return added != NULL;
}

static bool csv_problem(const struct table *t, const struct csv_row *row, enum csv_status status, struct error *err)
{
	switch (status) {
	case CSV_OPEN_QUOTE:
		return table_fail(t, row->fault, err, "the quote opened here is not closed (a row has at most 1 MiB); "
				  "close it, or write \"\" for a quote inside quotes");
	case CSV_AFTER_QUOTE:
		return table_fail(t, row->fault, err, "text follows a closing quote; a quote inside quotes is \"\"");
	case CSV_TOO_LONG:
		return table_fail(t, row->line, err, "a row of more than 1 MiB, the most one example may have");
	default:
		return table_fail(t, row->line, err, "more than 256 columns; leave out those the task does not use");
	}
}

bool table_read_csv(struct table *t, const char *data, size_t n, char separator, struct error *err)
{
	struct csv csv = csv_open(data, n, separator);
	struct csv_row row = { 0 };
	enum csv_status status;
	bool ok = true;

	while (ok && (status = csv_next(&csv, &row)) != CSV_END) {
		if (status != CSV_ROW)
			ok = csv_problem(t, &row, status, err);
		else if (!t->n_columns)
			ok = header_read(t, &row, err);
		else
			ok = csv_row_take(t, &row, err);
	}
	buf_release(&row.text);
	return ok;
}

bool table_read_sheet(struct table *t, const char *path, struct arena *arena, struct error *err)
{
	size_t n, bad;
	char *text = file_read(path, TABLE_FILE_BYTES, &n, err);

	*t = (struct table){ .arena = arena, .path = arena_string(arena, path) };
	if (!text)
		return false;
	bool done = (text_valid(text, n, &bad) && strlen(text) == n) || error_set(err, "%s: is not UTF-8 text; save it as CSV in UTF-8", path);

	done = done && table_read_csv(t, text, n, ',', err);
	struct table_row *rows = arena_array(arena, t->n_rows, sizeof(*rows));

	if (t->n_rows)
		memcpy(rows, t->rows, t->n_rows * sizeof(*rows));
	free(t->rows);
	t->rows = rows;
	free(text);
	return done;
}
