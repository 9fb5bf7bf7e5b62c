/* collections.c - collections, and the chunks in them: the tables chunk_N and words_N. */
#include "store/documents_inner.h"

#include <string.h>

/* codes stand last: what is asked for without them does not pass over them. words_N keeps its own copy of the words. With
 * an external table FTS5 must be told the very words it was given when a chunk is deleted, and whatever differs by a byte
 * stays in its index for good; a copy costs disk, and cannot drift. (A table without content, which could delete by itself,
 * came with SQLite 3.43.) */
static const char tables_sql[] =
	"CREATE TABLE chunk_#(id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL, revision INTEGER NOT NULL,"
	" key INTEGER NOT NULL, ordinal INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,"
	" parent_start INTEGER NOT NULL, parent_end INTEGER NOT NULL, heading TEXT NOT NULL, scale REAL NOT NULL, codes BLOB);";
static const char stems_sql[] =
	"CREATE VIRTUAL TABLE words_# USING fts5(words, tokenize = 'porter unicode61 remove_diacritics 2')";
static const char trigrams_sql[] = "CREATE VIRTUAL TABLE words_# USING fts5(words, tokenize = 'trigram')";
static const char drop_sql[] = "DROP TABLE words_#; DROP TABLE chunk_#; DROP TABLE IF EXISTS temp.vocabulary_#";

#define CHUNK_COLUMNS \
	"id, document, revision, key, ordinal, start, end, parent_start, parent_end, heading, scale, codes"

static const char *const own_statement_sql[N_OWN_STATEMENTS] = {
	[CHUNK_PUT] = "INSERT INTO chunk_#(document, revision, key, ordinal, start, end, parent_start, parent_end, heading,"
		      " scale, codes) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[WORDS_PUT] = "INSERT INTO words_#(rowid, words) VALUES(?1, ?2)",
	[CHUNKS_REMOVE] = "DELETE FROM chunk_# WHERE id BETWEEN ?1 AND ?2",
	[WORDS_REMOVE] = "DELETE FROM words_# WHERE rowid BETWEEN ?1 AND ?2",
	[CHUNKS_OF] = "SELECT " CHUNK_COLUMNS " FROM chunk_# WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
	[CHUNK_GET] = "SELECT " CHUNK_COLUMNS " FROM chunk_# WHERE id = ?1",
	[CHUNKS_EACH] = "SELECT id, document, scale, codes FROM chunk_# WHERE id > ?1 ORDER BY id",
	[TERM_COUNT] = "SELECT doc FROM temp.vocabulary_# WHERE term = ?1",
	[WORDS_SEARCH] = "SELECT rowid, rank FROM words_# WHERE words_# MATCH ?1 ORDER BY rank, rowid LIMIT ?2",
	/* ?3: a JSON array of documents. */
	[WORDS_SEARCH_WITHIN] = "SELECT rowid, rank FROM words_# WHERE words_# MATCH ?1 AND EXISTS (SELECT 1 FROM chunk_# c"
				" WHERE c.id = words_#.rowid AND c.document IN (SELECT value FROM json_each(?3)))"
				" ORDER BY rank, rowid LIMIT ?2",
	[SPANS] = "SELECT c.id, c.start, c.end, c.parent_start, c.parent_end, w.c0 FROM chunk_# c"
		  " LEFT JOIN words_#_content w ON w.id = c.id WHERE c.id BETWEEN ?1 AND ?2",
};

void own_sql(struct buf *out, const char *sql, int64_t collection)
{
	for (const char *p = sql; *p; p++)
		if (*p == '#')
			buf_addf(out, "%lld", (long long)collection);
		else
			buf_addc(out, *p);
}

static bool own_execute(struct documents *d, const char *sql, int64_t collection, struct error *err)
{
	struct buf text = { 0 };

	own_sql(&text, sql, collection);
	bool ok = database_execute(&d->base, buf_text(&text), err);

	buf_release(&text);
	return ok;
}

static struct own_tables *own_add(struct documents *d, const struct collection_row *row)
{
	struct own_tables *t = mem_zero(1, sizeof(*t));

	*t = (struct own_tables){ .collection = row->id, .trigram = row->trigram, .width = row->width };
	d->own = mem_resize((void *)d->own, d->n_own + 1, sizeof(struct own_tables *));
	d->own[d->n_own++] = t;
	return t;
}

struct own_tables *own_tables(struct documents *d, int64_t collection, struct error *err)
{
	struct arena arena;
	struct collection_row *rows;
	struct own_tables *t = NULL;
	size_t n;

	for (size_t i = 0; i < d->n_own; i++)
		if (d->own[i]->collection == collection)
			return d->own[i];
	arena_init(&arena);
	if (collections_list(d, &arena, &rows, &n, err)) {
		for (size_t i = 0; i < n && !t; i++)
			if (rows[i].id == collection)
				t = own_add(d, &rows[i]);
		if (!t)
			error_set(err, "%s: collection %lld is not there any more; run the same command again", d->base.path,
				  (long long)collection);
	}
	arena_release(&arena);
	return t;
}

void own_tables_forget(struct documents *d, int64_t collection)
{
	for (size_t i = 0; i < d->n_own; i++) {
		if (d->own[i]->collection != collection)
			continue;
		for (int s = 0; s < N_OWN_STATEMENTS; s++)
			sqlite3_finalize(d->own[i]->statements[s]);
		free(d->own[i]);
		d->own[i] = d->own[--d->n_own];
		return;
	}
}

sqlite3_stmt *own_statement(struct documents *d, struct own_tables *t, enum own_statement which, struct error *err)
{
	struct buf sql = { 0 };

	if (!t->statements[which])
		own_sql(&sql, own_statement_sql[which], t->collection);
	sqlite3_stmt *q = database_prepare(&d->base, buf_text(&sql), &t->statements[which], err);

	buf_release(&sql);
	return q;
}

bool collections_list(struct documents *d, struct arena *arena, struct collection_row **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, COLLECTION_LIST, err);
	int code;

	if (!q)
		return false;
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct collection_row){
			.id = sqlite3_column_int64(q, 0),
			.size = (size_t)sqlite3_column_int64(q, 1),
			.overlap = (size_t)sqlite3_column_int64(q, 2),
			.headers = sqlite3_column_int(q, 3) != 0,
			.trigram = sqlite3_column_int(q, 4) != 0,
			.model = column_text(arena, q, 5),
			.model_hash = (uint64_t)sqlite3_column_int64(q, 6),
			.width = (size_t)sqlite3_column_int64(q, 7),
			.ready = sqlite3_column_int(q, 8) != 0,
		};
	}
	return database_ended(&d->base, q, code, err);
}

bool collection_put(struct documents *d, struct collection_row *row, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, COLLECTION_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, (sqlite3_int64)row->size);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)row->overlap);
	sqlite3_bind_int(q, 3, row->headers);
	sqlite3_bind_int(q, 4, row->trigram);
	bind_text(q, 5, row->model);
	sqlite3_bind_int64(q, 6, (sqlite3_int64)row->model_hash);
	sqlite3_bind_int64(q, 7, (sqlite3_int64)row->width);
	sqlite3_bind_int(q, 8, row->ready);
	if (!database_done(&d->base, q, err))
		return false;
	row->id = sqlite3_last_insert_rowid(d->base.db);
	return own_execute(d, tables_sql, row->id, err) && own_execute(d, row->trigram ? trigrams_sql : stems_sql, row->id, err);
}

static bool run_on(struct documents *d, enum statement which, int64_t collection, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, which, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, collection);
	return database_done(&d->base, q, err);
}

bool collection_ready(struct documents *d, int64_t id, struct error *err)
{
	return run_on(d, COLLECTION_READY, id, err);
}

bool collection_remove(struct documents *d, int64_t id, struct error *err)
{
	own_tables_forget(d, id); /* a table in use cannot be dropped */
	return run_on(d, COLLECTION_REMOVE, id, err) && run_on(d, COLLECTION_CUTS_REMOVE, id, err) &&
	       own_execute(d, drop_sql, id, err);
}

static bool count_missing(struct documents *d, int64_t collection, size_t *total, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, COLLECTION_MISSING_COUNT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, collection);
	int code = sqlite3_step(q);

	*total = code == SQLITE_ROW ? (size_t)sqlite3_column_int64(q, 0) : 0;
	return database_ended(&d->base, q, code == SQLITE_ROW ? SQLITE_DONE : code, err);
}

bool collection_missing(struct documents *d, int64_t collection, int64_t after, size_t most, struct arena *arena,
			int64_t **ids, size_t *n, size_t *total, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, COLLECTION_MISSING, err);
	int code;

	if (!q || (total && !count_missing(d, collection, total, err)))
		return false;
	sqlite3_bind_int64(q, 1, collection);
	sqlite3_bind_int64(q, 2, after);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)most);
	*ids = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*ids = rows_grown(arena, *ids, *n, sizeof(**ids));
		(*ids)[(*n)++] = sqlite3_column_int64(q, 0);
	}
	return database_ended(&d->base, q, code, err);
}

static bool put_chunk(struct documents *d, struct own_tables *t, struct chunk_row *c, struct error *err)
{
	sqlite3_stmt *q = own_statement(d, t, CHUNK_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, c->document);
	sqlite3_bind_int64(q, 2, c->revision);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)c->key);
	sqlite3_bind_int64(q, 4, (sqlite3_int64)c->ordinal);
	sqlite3_bind_int64(q, 5, (sqlite3_int64)c->start);
	sqlite3_bind_int64(q, 6, (sqlite3_int64)c->end);
	sqlite3_bind_int64(q, 7, (sqlite3_int64)c->parent_start);
	sqlite3_bind_int64(q, 8, (sqlite3_int64)c->parent_end);
	bind_text(q, 9, c->heading);
	sqlite3_bind_double(q, 10, (double)c->scale);
	if (c->codes)
		sqlite3_bind_blob64(q, 11, c->codes, t->width, SQLITE_STATIC);
	if (!database_done(&d->base, q, err))
		return false;
	c->id = sqlite3_last_insert_rowid(d->base.db);
	q = own_statement(d, t, WORDS_PUT, err);
	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, c->id);
	bind_text(q, 2, c->words);
	return database_done(&d->base, q, err);
}

static bool put_cut(struct documents *d, int64_t collection, int64_t document, int64_t first, size_t n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, CUT_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, document);
	sqlite3_bind_int64(q, 2, collection);
	sqlite3_bind_int64(q, 3, first);
	sqlite3_bind_int64(q, 4, (sqlite3_int64)n);
	return database_done(&d->base, q, err);
}

bool chunks_put(struct documents *d, int64_t collection, const struct document_row *document, struct chunk_row *rows,
		size_t n, struct error *err)
{
	struct own_tables *t = own_tables(d, collection, err);

	if (!t || !documents_touch(d, document->id, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		rows[i].document = document->id;
		rows[i].revision = document->revision;
		rows[i].ordinal = i;
		if (!put_chunk(d, t, &rows[i], err))
			return false;
	}
	return put_cut(d, collection, document->id, n ? rows[0].id : 0, n, err);
}

static bool remove_range(struct documents *d, int64_t collection, int64_t first, int64_t last, struct error *err)
{
	static const enum own_statement removals[] = { CHUNKS_REMOVE, WORDS_REMOVE };
	struct own_tables *t = own_tables(d, collection, err);

	for (size_t i = 0; t && i < 2; i++) {
		sqlite3_stmt *q = own_statement(d, t, removals[i], err);

		if (!q)
			return false;
		sqlite3_bind_int64(q, 1, first);
		sqlite3_bind_int64(q, 2, last);
		if (!database_done(&d->base, q, err))
			return false;
	}
	return t != NULL;
}

bool chunks_remove(struct documents *d, int64_t document, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, CUTS_OF, err);
	bool ok = true;
	int code = SQLITE_DONE;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, document);
	while (ok && (code = sqlite3_step(q)) == SQLITE_ROW) {
		int64_t first = sqlite3_column_int64(q, 1), n = sqlite3_column_int64(q, 2);

		ok = n == 0 || remove_range(d, sqlite3_column_int64(q, 0), first, first + n - 1, err);
	}
	if (!ok) {
		sqlite3_reset(q);
		return false;
	}
	return database_ended(&d->base, q, code, err) && run_on(d, CUTS_REMOVE, document, err);
}

static void read_chunk(struct arena *arena, sqlite3_stmt *q, struct chunk_row *c)
{
	const void *codes = sqlite3_column_blob(q, 11);

	*c = (struct chunk_row){
		.id = sqlite3_column_int64(q, 0),
		.document = sqlite3_column_int64(q, 1),
		.revision = sqlite3_column_int64(q, 2),
		.key = (uint64_t)sqlite3_column_int64(q, 3),
		.ordinal = (size_t)sqlite3_column_int64(q, 4),
		.start = (size_t)sqlite3_column_int64(q, 5),
		.end = (size_t)sqlite3_column_int64(q, 6),
		.parent_start = (size_t)sqlite3_column_int64(q, 7),
		.parent_end = (size_t)sqlite3_column_int64(q, 8),
		.heading = column_text(arena, q, 9),
		.scale = (float)sqlite3_column_double(q, 10),
		.codes = codes ? (void *)arena_copy(arena, codes, (size_t)sqlite3_column_bytes(q, 11)) : NULL,
	};
}

/* Whether the document is in the collection, and under which ids. */
static bool find_cut(struct documents *d, int64_t collection, int64_t document, int64_t *first, int64_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, CUT_GET, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, document);
	sqlite3_bind_int64(q, 2, collection);
	int code = sqlite3_step(q);

	*first = code == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
	*n = code == SQLITE_ROW ? sqlite3_column_int64(q, 1) : 0;
	return database_ended(&d->base, q, code == SQLITE_ROW ? SQLITE_DONE : code, err);
}

bool chunks_of(struct documents *d, int64_t collection, int64_t document, struct arena *arena, struct chunk_row **rows,
	       size_t *n, struct error *err)
{
	struct own_tables *t = own_tables(d, collection, err);
	int64_t first, count;
	sqlite3_stmt *q;
	int code;

	*rows = NULL;
	*n = 0;
	if (!t || !find_cut(d, collection, document, &first, &count, err))
		return false;
	q = own_statement(d, t, CHUNKS_OF, err);
	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, first);
	sqlite3_bind_int64(q, 2, first + count - 1);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		read_chunk(arena, q, &(*rows)[(*n)++]);
	}
	return database_ended(&d->base, q, code, err);
}

bool chunk_get(struct documents *d, int64_t collection, int64_t id, struct arena *arena, struct chunk_row *row, bool *found,
	       struct error *err)
{
	struct own_tables *t = own_tables(d, collection, err);
	sqlite3_stmt *q = t ? own_statement(d, t, CHUNK_GET, err) : NULL;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, id);
	int code = sqlite3_step(q);

	*found = code == SQLITE_ROW;
	if (*found)
		read_chunk(arena, q, row);
	return database_ended(&d->base, q, *found ? SQLITE_DONE : code, err);
}

bool chunks_each(struct documents *d, int64_t collection, int64_t after,
		 void (*each)(void *context, int64_t id, int64_t document, const int8_t *codes, float scale), void *context,
		 struct error *err)
{
	struct own_tables *t = own_tables(d, collection, err);
	sqlite3_stmt *q = t ? own_statement(d, t, CHUNKS_EACH, err) : NULL;
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, after);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		const int8_t *codes = sqlite3_column_blob(q, 3);

		if (codes && (size_t)sqlite3_column_bytes(q, 3) != t->width) {
			sqlite3_reset(q);
			return error_set(err, "%s: the vector of chunk %lld has %d numbers, its collection's have %zu; `rung docs "
					 "verify` says what else is wrong", d->base.path, (long long)sqlite3_column_int64(q, 0),
					 sqlite3_column_bytes(q, 3), t->width);
		}
		each(context, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), codes, (float)sqlite3_column_double(q, 2));
	}
	return database_ended(&d->base, q, code, err);
}
