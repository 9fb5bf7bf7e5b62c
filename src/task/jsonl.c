/* jsonl.c - rows from JSON Lines or from an array of objects. jansson reads each object; finding where a value ends is
 * ours, so that lines, rows and limits are known before anything is built in memory. */
#include <jansson.h>
#include <math.h>

#include "base/hash.h"
#include "task/mention.h"
#include "task/table.h"

enum { DEPTH = 64 };

struct reader {
	struct table *t;
	struct hash_map columns; /* name -> index in t->columns */
	struct buf text;
	struct error *err;
};

/* Why a value has no length. */
enum { OPEN = 0, TOO_DEEP = -1 };

/* Bytes of the string that starts at text[0] == '"', its quotes included; n when it does not end. */
static size_t string_length(const char *text, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (text[i] == '"')
			return i + 1;
		i += text[i] == '\\';
	}
	return n;
}

/* Bytes up to the bracket that closes the one at text[0], within n; OPEN when none does, or TOO_DEEP. */
static ptrdiff_t value_length(const char *text, size_t n)
{
	size_t depth = 0;

	for (size_t i = 0; i < n;) {
		char c = text[i];

		i += c == '"' ? string_length(text + i, n - i) : 1;
		if (c == '{' || c == '[')
			depth++;
		if (depth > DEPTH)
			return TOO_DEEP;
		if ((c == '}' || c == ']') && --depth == 0)
			return (ptrdiff_t)i;
	}
	return OPEN;
}

/* Shortest of 15 or 17 digits that reads back as the same number: 0.1 stays "0.1". */
static const char *real_text(struct reader *r, double x)
{
	char digits[40];

	snprintf(digits, sizeof(digits), "%.15g", x);
	if (strtod(digits, NULL) != x)
		snprintf(digits, sizeof(digits), "%.17g", x);
	return arena_string(r->t->arena, digits);
}

static int dump_piece(const char *bytes, size_t n, void *out)
{
	buf_add(out, bytes, n);
	return 0;
}

static const char *value_text(struct reader *r, const json_t *value)
{
	struct arena *arena = r->t->arena;

	switch (json_typeof(value)) {
	case JSON_STRING:
		return json_string_length(value) ? arena_string(arena, json_string_value(value)) : "";
	case JSON_INTEGER:
		return arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	case JSON_REAL:
		return real_text(r, json_real_value(value));
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
		return "";
	default:
		buf_clear(&r->text);
		json_dump_callback(value, dump_piece, &r->text, JSON_COMPACT | JSON_REAL_PRECISION(15));
		return arena_copy(arena, buf_text(&r->text), r->text.n);
	}
}

/* Index of the column, added when new; SIZE_MAX past the limit. */
static size_t column_index(struct reader *r, const char *name)
{
	struct table *t = r->t;
	size_t i = hash_map_get(&r->columns, name, strlen(name), SIZE_MAX);

	if (i != SIZE_MAX || t->n_columns == TABLE_COLUMNS)
		return i;
	if (!t->columns)
		t->columns = arena_array(t->arena, TABLE_COLUMNS, sizeof(*t->columns));
	i = t->n_columns++;
	t->columns[i] = arena_string(t->arena, name);
	return hash_map_put(&r->columns, t->columns[i], strlen(name), i);
}

static bool object_take(struct reader *r, json_t *object, size_t line)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
		if (column_index(r, key) == SIZE_MAX)
			return table_fail(r->t, line, r->err,
					  "more than 256 different keys; leave out those the task does not use");
	struct table_row *row = table_row_add(r->t, line, r->t->n_columns, r->err);

	if (!row)
		return false;
	json_object_foreach(object, key, value)
		row->values[column_index(r, key)] = value_text(r, value);
	return true;
}

static bool row_parse(struct reader *r, const char *text, size_t n, size_t line)
{
	json_error_t why;
	json_t *object = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
	bool ok;

	if (!object)
		return table_fail(r->t, line, r->err, "column %d: not valid JSON: %s", why.column, why.text);
	ok = object_take(r, object, line);
	json_decref(object);
	return ok;
}

static bool not_an_object(struct reader *r, const char *text, size_t n, size_t line)
{
	struct buf value = { 0 };
	size_t shown = 1;

	while (shown < n && shown < 30 && text[shown] != ',' && text[shown] != '\n')
		shown++;
	mention_value(&value, arena_copy(r->t->arena, text, shown));
	table_fail(r->t, line, r->err, "an example is an object {\"column\": value, ...}, not %s", buf_text(&value));
	buf_release(&value);
	return false;
}

/* The object at text[0] within the n bytes it may use: reads it, and says in *length how far it goes. */
static bool row_read(struct reader *r, const char *text, size_t n, size_t line, size_t *length)
{
	bool cut = n > TABLE_ROW_BYTES;
	ptrdiff_t size;

	if (text[0] != '{')
		return not_an_object(r, text, n, line);
	size = value_length(text, cut ? TABLE_ROW_BYTES : n);
	if (size == TOO_DEEP)
		return table_fail(r->t, line, r->err, "nested deeper than %d levels; examples are flat", DEPTH);
	if (size == OPEN && cut)
		return table_fail(r->t, line, r->err, "an example of more than 1 MiB, the most one may have");
	*length = size == OPEN ? n : (size_t)size; /* left open: jansson says what is missing */
	return row_parse(r, text, *length, line);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t spaces(const char *data, size_t at, size_t n)
{
	while (at < n && is_space(data[at]))
		at++;
	return at;
}

static bool lines_read(struct reader *r, const char *data, size_t n)
{
	size_t line = 1;

	for (size_t at = 0; at < n; line++) {
		const char *newline = memchr(data + at, '\n', n - at);
		size_t end = newline ? (size_t)(newline - data) : n;
		size_t begin = at, start = spaces(data, at, end), length = 0;

		at = end + 1;
		if (start == end)
			continue;
		if (!row_read(r, data + start, end - start, line, &length))
			return false;
		size_t behind = spaces(data, start + length, end);

		if (behind != end)
			return table_fail(r->t, line, r->err, "column %zu: something follows the object; write one "
					  "example a line", behind - begin + 1);
	}
	return true;
}

/* '[' stands at data[at]. */
static bool array_read(struct reader *r, const char *data, size_t at, size_t n)
{
	size_t row = 1, length = 0;

	at = spaces(data, at + 1, n);
	if (at < n && data[at] == ']')
		return true;
	for (;; row++) {
		if (at >= n)
			return table_fail(r->t, row, r->err, "the file ends inside the array; it lacks the closing ]");
		if (!row_read(r, data + at, n - at, row, &length))
			return false;
		at = spaces(data, at + length, n);
		if (at < n && data[at] == ',')
			at = spaces(data, at + 1, n);
		else
			break;
	}
	if (at >= n || data[at] != ']')
		return table_fail(r->t, row, r->err, "a comma or the closing ] is missing behind this example");
	if (spaces(data, at + 1, n) != n)
		return table_fail(r->t, row, r->err, "something follows the closing ] of the array");
	return true;
}

bool table_read_json(struct table *t, const char *data, size_t n, struct error *err)
{
	struct reader r = { .t = t, .err = err };
	size_t mark = n >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
	size_t start = spaces(data, mark, n);
	bool ok;

	t->array = start < n && data[start] == '[';
	ok = t->array ? array_read(&r, data, start, n) : lines_read(&r, data + mark, n - mark);
	hash_map_release(&r.columns);
	buf_release(&r.text);
	return ok;
}
