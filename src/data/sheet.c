/* sheet.c - the reader and writer of review.csv and sample.csv */
#include "data/sheet.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "task/csv.h"

bool sheet_read(struct sheet *s, const char *path, const char *const *columns, size_t n, const char *remedy, struct arena *arena, struct error *err)
{
	*s = (struct sheet){ 0 };
	if (!file_exists(path))
		return true;
	if (!table_read_sheet(&s->table, path, arena, err))
		return false;
	for (size_t c = 0; c < n; c++) {
		while (s->at[c] < s->table.n_columns && strcmp(s->table.columns[s->at[c]], columns[c]) != 0)
			s->at[c]++;
		if (s->at[c] == s->table.n_columns)
			return error_set(err, "%s: there is no column \"%s\"; put it back, or %s", path, columns[c], remedy);
	}
	return true;
}

const char *sheet_cell(const struct sheet *s, size_t row, size_t column)
{
	const char *text = s->table.rows[row].values[s->at[column]];
	size_t n = strlen(text += strspn(text, " \t\r\n"));

	while (n > 0 && strchr(" \t\r\n", text[n - 1]))
		n--;
	return arena_copy(s->table.arena, text, n);
}

static void add_cells(const char *const *cells, size_t n, struct buf *out)
{
	for (size_t c = 0; c < n; c++) {
		if (c)
			buf_addc(out, ',');
		csv_add(out, cells[c]);
	}
	buf_addc(out, '\n');
}

bool sheet_drop(const char *path, const struct hash_map *calls, struct error *err)
{
	static const char *const column[] = { "call" };
	struct sheet s;
	struct arena arena;
	struct buf out = { 0 };
	bool any = false;

	arena_init(&arena);
	bool done = sheet_read(&s, path, column, 1, "remove the file", &arena, err);

	if (done)
		add_cells(s.table.columns, s.table.n_columns, &out);
	for (size_t i = 0; done && i < s.table.n_rows; i++) {
		const char *call = sheet_cell(&s, i, 0);
		bool drop = hash_map_get(calls, call, strlen(call), SIZE_MAX) != SIZE_MAX;

		any |= drop;
		if (!drop)
			add_cells(s.table.rows[i].values, s.table.n_columns, &out);
	}
	done = done && (!any || sheet_write(path, &out, err));
	buf_release(&out);
	arena_release(&arena);
	return done;
}

bool sheet_write(const char *path, const struct buf *text, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_string(path) : NULL;

	if (folder)
		folder[slash - path] = '\0';
	bool written = (!folder || file_make_folder(folder, err)) && file_replace(path, buf_text(text), text->n, err);

	free(folder);
	return written;
}
