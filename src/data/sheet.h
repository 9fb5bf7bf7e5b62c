/* sheet.h - CSV that people fill in: read with the names of its columns, whose order is theirs. */
#ifndef RUNG_DATA_SHEET_H
#define RUNG_DATA_SHEET_H

#include "base/hash.h"
#include "task/table.h"

enum { SHEET_COLUMNS = 16 };
struct sheet {
	struct table table;
	size_t at[SHEET_COLUMNS]; /* where each of the columns asked for stands */
};
/* columns (n) have to be there; remedy ends the sentence where one is not. Lives in arena. No file: no rows. */
bool sheet_read(struct sheet *s, const char *path, const char *const *columns, size_t n, const char *remedy, struct arena *arena, struct error *err);
/* A cell without the white space around it; lives in arena. */
const char *sheet_cell(const struct sheet *s, size_t row, size_t column);

/* Takes out the rows whose column "call" is one of the keys; all else stays as it is. No file: nothing to do. */
bool sheet_drop(const char *path, const struct hash_map *calls, struct error *err);
/* Writes the file, its folder made. */
bool sheet_write(const char *path, const struct buf *text, struct error *err);

#endif
