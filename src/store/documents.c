/* documents.c - the file behind documents.h: transactions, documents and their revisions, metadata filters. */
#include "store/documents_inner.h"

#include <jansson.h>
#include <string.h>

static const char first_sql[] =
	"CREATE TABLE state(version INTEGER NOT NULL);"
	"INSERT INTO state VALUES(0);"
	"CREATE TABLE change(version INTEGER NOT NULL, document INTEGER NOT NULL, PRIMARY KEY(version, document)) WITHOUT ROWID;"
	"CREATE TABLE document(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,"
	" media TEXT NOT NULL, title TEXT NOT NULL, meta TEXT NOT NULL, hash INTEGER NOT NULL);"
	"CREATE TABLE revision(id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL, structure TEXT NOT NULL,"
	" text TEXT NOT NULL);"
	"CREATE TABLE collection(id INTEGER PRIMARY KEY AUTOINCREMENT, size INTEGER NOT NULL, overlap INTEGER NOT NULL,"
	" headers INTEGER NOT NULL, trigram INTEGER NOT NULL, model TEXT NOT NULL, model_hash INTEGER NOT NULL,"
	" width INTEGER NOT NULL, ready INTEGER NOT NULL);"
	/* That a document is in a collection: its chunks have the ids first .. first + n - 1. */
	"CREATE TABLE cut(document INTEGER NOT NULL, collection INTEGER NOT NULL, first INTEGER NOT NULL, n INTEGER NOT NULL,"
	" PRIMARY KEY(document, collection)) WITHOUT ROWID;"
	"PRAGMA user_version = 1;";

#define DOCUMENT_COLUMNS \
	"id, revision, name, media, title, meta, hash, (SELECT total(n) FROM cut WHERE document = document.id)"

static const char *const statement_sql[N_STATEMENTS] = {
	[VERSION_GET] = "SELECT version FROM state",
	[VERSION_RAISE] = "UPDATE state SET version = version + 1",
	[CHANGE_PUT] = "INSERT OR IGNORE INTO change(version, document) VALUES(?1, ?2)",
	[CHANGES_TRIM] = "DELETE FROM change WHERE version <= ?1",
	[CHANGED] = "SELECT DISTINCT document FROM change WHERE version > ?1 ORDER BY document",
	[DOCUMENT_FIND] = "SELECT " DOCUMENT_COLUMNS " FROM document WHERE name = ?1",
	[DOCUMENT_GET] = "SELECT " DOCUMENT_COLUMNS " FROM document WHERE id = ?1",
	[DOCUMENT_LIST] = "SELECT " DOCUMENT_COLUMNS " FROM document ORDER BY name",
	[DOCUMENT_PUT] = "INSERT INTO document(name, revision, media, title, meta, hash) VALUES(?1, 0, ?2, ?3, ?4, ?5)"
			 " ON CONFLICT(name) DO UPDATE SET media = ?2, title = ?3, meta = ?4, hash = ?5 RETURNING id, revision",
	[DOCUMENT_REVISION] = "UPDATE document SET revision = ?2 WHERE id = ?1",
	[DOCUMENT_REMOVE] = "DELETE FROM document WHERE id = ?1",
	[REVISION_PUT] = "INSERT INTO revision(document, structure, text) VALUES(?1, ?2, ?3)",
	[REVISION_GET] = "SELECT structure, text FROM revision WHERE id = ?1",
	[REVISION_REMOVE] = "DELETE FROM revision WHERE id = ?1",
	/* ?1: [[key, value], ...]. Values of other types are compared as JSON writes them. */
	[DOCUMENT_FILTER] = "SELECT id FROM document d WHERE NOT EXISTS (SELECT 1 FROM json_each(?1) f WHERE NOT EXISTS"
			    " (SELECT 1 FROM json_each(d.meta) m WHERE m.key = json_extract(f.value, '$[0]')"
			    " AND CASE WHEN m.type IN ('true', 'false', 'null') THEN m.type ELSE CAST(m.value AS TEXT) END"
			    " = json_extract(f.value, '$[1]'))) ORDER BY id",
	[COLLECTION_LIST] = "SELECT id, size, overlap, headers, trigram, model, model_hash, width, ready FROM collection ORDER BY id",
	[COLLECTION_PUT] = "INSERT INTO collection(size, overlap, headers, trigram, model, model_hash, width, ready)"
			   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[COLLECTION_READY] = "UPDATE collection SET ready = 1 WHERE id = ?1",
	[COLLECTION_REMOVE] = "DELETE FROM collection WHERE id = ?1",
	[COLLECTION_CUTS_REMOVE] = "DELETE FROM cut WHERE collection = ?1",
	[COLLECTION_MISSING] = "SELECT id FROM document WHERE id > ?2 AND NOT EXISTS (SELECT 1 FROM cut"
			       " WHERE document = document.id AND collection = ?1) ORDER BY id LIMIT ?3",
	[COLLECTION_MISSING_COUNT] = "SELECT (SELECT count(*) FROM document) - (SELECT count(*) FROM cut WHERE collection = ?1)",
	[CUT_PUT] = "INSERT INTO cut(document, collection, first, n) VALUES(?1, ?2, ?3, ?4)",
	[CUT_GET] = "SELECT first, n FROM cut WHERE document = ?1 AND collection = ?2",
	[CUTS_OF] = "SELECT collection, first, n FROM cut WHERE document = ?1",
	[CUTS_REMOVE] = "DELETE FROM cut WHERE document = ?1",
};

static const char *const versions[] = { first_sql };

static const struct schema schema = {
	.versions = versions, .n_versions = 1, .table = "revision",
	.absent = "no documents here; run `rung docs add` first", .wait_ms = 60000,
	.statements = statement_sql, .n_statements = N_STATEMENTS,
};

struct documents *documents_open(const char *path, bool create, struct error *err)
{
	struct documents *d = mem_zero(1, sizeof(*d));

	if (database_open(&d->base, &schema, path, create, err))
		return d;
	free(d);
	return NULL;
}

void documents_close(struct documents *d)
{
	if (!d)
		return;
	documents_end(d);
	while (d->n_own)
		own_tables_forget(d, d->own[0]->collection);
	free((void *)d->own);
	tokenizers_close(d);
	database_close(&d->base);
	free(d);
}

bool documents_begin_write(struct documents *d, struct error *err)
{
	d->writing = true;
	d->version = 0;
	return database_execute(&d->base, "BEGIN IMMEDIATE", err);
}

/* BEGIN alone takes no snapshot; the first read does. */
bool documents_begin_read(struct documents *d, struct error *err)
{
	int64_t version;

	d->writing = false;
	if (database_execute(&d->base, "BEGIN", err) && documents_version(d, &version, err))
		return true;
	documents_end(d);
	return false;
}

bool documents_commit(struct documents *d, struct error *err)
{
	return database_execute(&d->base, "COMMIT", err);
}

void documents_end(struct documents *d)
{
	if (d->writing || sqlite3_get_autocommit(d->base.db))
		database_rollback(&d->base);
	else /* temporary tables made meanwhile stay */
		sqlite3_exec(d->base.db, "COMMIT", NULL, NULL, NULL);
	database_rollback(&d->base);
}

bool documents_shrink(struct documents *d, struct error *err)
{
	enum { LEAST = 256 }; /* pages */
	int pages = 0, unused = 0, before;

	if (!database_number(&d->base, "PRAGMA page_count", &pages, err) ||
	    !database_number(&d->base, "PRAGMA freelist_count", &unused, err))
		return false;
	if (unused < LEAST || unused < pages / 4)
		return true;
	if (!words_compact(d, err))
		return false;
	do {
		before = unused;
		if (!database_execute(&d->base, "PRAGMA incremental_vacuum(2000)", err) ||
		    !database_number(&d->base, "PRAGMA freelist_count", &unused, err))
			return false;
	} while (unused > 0 && unused < before);
	return true;
}

bool documents_version(struct documents *d, int64_t *version, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, VERSION_GET, err);

	if (!q)
		return false;
	if (sqlite3_step(q) != SQLITE_ROW)
		return database_ended(&d->base, q, sqlite3_errcode(d->base.db), err) &&
		       error_set(err, "%s: its version is missing; the file was edited by another program", d->base.path);
	*version = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return true;
}

static bool run_with(struct documents *d, enum statement which, int64_t a, int64_t b, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, which, err);

	if (!q)
		return false;
	if (sqlite3_bind_parameter_count(q) > 0)
		sqlite3_bind_int64(q, 1, a);
	if (sqlite3_bind_parameter_count(q) > 1)
		sqlite3_bind_int64(q, 2, b);
	return database_done(&d->base, q, err);
}

bool documents_touch(struct documents *d, int64_t document, struct error *err)
{
	if (d->version == 0 && (!run_with(d, VERSION_RAISE, 0, 0, err) || !documents_version(d, &d->version, err) ||
				!run_with(d, CHANGES_TRIM, d->version - CHANGES_KEPT, 0, err)))
		return false;
	return run_with(d, CHANGE_PUT, d->version, document, err);
}

/* The ids that a statement returns. */
static bool read_ids(struct documents *d, sqlite3_stmt *q, struct arena *arena, int64_t **ids, size_t *n, struct error *err)
{
	int code;

	*ids = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*ids = rows_grown(arena, *ids, *n, sizeof(**ids));
		(*ids)[(*n)++] = sqlite3_column_int64(q, 0);
	}
	return database_ended(&d->base, q, code, err);
}

bool documents_changed(struct documents *d, int64_t since, struct arena *arena, int64_t **ids, size_t *n, bool *known,
		       struct error *err)
{
	sqlite3_stmt *q;
	int64_t now = 0;

	*ids = NULL;
	*n = 0;
	if (!documents_version(d, &now, err))
		return false;
	*known = since <= now && now - since <= CHANGES_KEPT;
	if (!*known || since == now)
		return true;
	q = database_statement(&d->base, CHANGED, err);
	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, since);
	return read_ids(d, q, arena, ids, n, err);
}

static void read_document(struct arena *arena, sqlite3_stmt *q, struct document_row *row)
{
	*row = (struct document_row){
		.id = sqlite3_column_int64(q, 0),
		.revision = sqlite3_column_int64(q, 1),
		.name = column_text(arena, q, 2),
		.media = column_text(arena, q, 3),
		.title = column_text(arena, q, 4),
		.meta = column_text(arena, q, 5),
		.hash = (uint64_t)sqlite3_column_int64(q, 6),
		.chunks = (size_t)sqlite3_column_int64(q, 7),
	};
}

static bool read_one(struct documents *d, sqlite3_stmt *q, struct arena *arena, struct document_row *row, bool *found,
		     struct error *err)
{
	int code = sqlite3_step(q);

	*found = code == SQLITE_ROW;
	if (*found)
		read_document(arena, q, row);
	return database_ended(&d->base, q, *found ? SQLITE_DONE : code, err);
}

bool documents_find(struct documents *d, const char *name, struct arena *arena, struct document_row *row, bool *found,
		    struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, DOCUMENT_FIND, err);

	if (!q)
		return false;
	bind_text(q, 1, name);
	return read_one(d, q, arena, row, found, err);
}

bool documents_get(struct documents *d, int64_t id, struct arena *arena, struct document_row *row, bool *found,
		   struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, DOCUMENT_GET, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, id);
	return read_one(d, q, arena, row, found, err);
}

static bool lost(struct documents *d, int64_t revision, struct error *err)
{
	return error_set(err, "%s: revision %lld is missing; `rung docs verify` says what else is", d->base.path,
			 (long long)revision);
}

bool documents_text(struct documents *d, struct arena *arena, struct document_row *row, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, REVISION_GET, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, row->revision);
	int code = sqlite3_step(q);

	if (code == SQLITE_ROW) {
		row->structure = column_text(arena, q, 0);
		row->text = column_text(arena, q, 1);
		row->n = (size_t)sqlite3_column_bytes(q, 1);
		sqlite3_reset(q);
		return true;
	}
	return database_ended(&d->base, q, code, err) && lost(d, row->revision, err);
}

bool documents_span(struct documents *d, int64_t revision, size_t start, size_t end, struct arena *arena, const char **text,
		    struct error *err)
{
	sqlite3_blob *blob = NULL;
	char *bytes;

	if (sqlite3_blob_open(d->base.db, "main", "revision", "text", revision, 0, &blob) != SQLITE_OK) {
		sqlite3_blob_close(blob);
		return lost(d, revision, err);
	}
	if (start > end || end > (size_t)sqlite3_blob_bytes(blob)) {
		sqlite3_blob_close(blob);
		return error_set(err, "%s: bytes %zu to %zu are outside of revision %lld; `rung docs verify` says what else is "
				 "wrong", d->base.path, start, end, (long long)revision);
	}
	bytes = arena_alloc(arena, end - start + 1);
	bool ok = sqlite3_blob_read(blob, bytes, (int)(end - start), (int)start) == SQLITE_OK || database_fail(&d->base, err);

	sqlite3_blob_close(blob);
	*text = bytes;
	return ok;
}

bool documents_list(struct documents *d, struct arena *arena, struct document_row **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, DOCUMENT_LIST, err);
	int code;

	if (!q)
		return false;
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		read_document(arena, q, &(*rows)[(*n)++]);
	}
	return database_ended(&d->base, q, code, err);
}

/* Inserts or updates the row; fills id, and in revision the one that it had until now (0: none). */
static bool put_document(struct documents *d, struct document_row *row, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, DOCUMENT_PUT, err);

	if (!q)
		return false;
	bind_text(q, 1, row->name);
	bind_text(q, 2, row->media);
	bind_text(q, 3, row->title);
	bind_text(q, 4, row->meta);
	sqlite3_bind_int64(q, 5, (sqlite3_int64)row->hash);
	int code = sqlite3_step(q);

	if (code == SQLITE_ROW) {
		row->id = sqlite3_column_int64(q, 0);
		row->revision = sqlite3_column_int64(q, 1);
		code = sqlite3_step(q);
	}
	return database_ended(&d->base, q, code, err);
}

static bool put_revision(struct documents *d, struct document_row *row, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, REVISION_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, row->id);
	bind_text(q, 2, row->structure);
	sqlite3_bind_text64(q, 3, row->text, row->n, SQLITE_STATIC, SQLITE_UTF8);
	if (!database_done(&d->base, q, err))
		return false;
	row->revision = sqlite3_last_insert_rowid(d->base.db);
	return run_with(d, DOCUMENT_REVISION, row->id, row->revision, err);
}

bool documents_put(struct documents *d, struct document_row *row, struct error *err)
{
	if (!put_document(d, row, err) || !documents_touch(d, row->id, err))
		return false;
	if (row->revision != 0 && (!chunks_remove(d, row->id, err) || !run_with(d, REVISION_REMOVE, row->revision, 0, err)))
		return false;
	return put_revision(d, row, err);
}

bool documents_remove(struct documents *d, int64_t id, struct error *err)
{
	struct arena arena;
	struct document_row row;
	bool found = false;

	arena_init(&arena);
	bool ok = documents_get(d, id, &arena, &row, &found, err);

	arena_release(&arena);
	if (!ok || !found)
		return ok;
	return documents_touch(d, id, err) && chunks_remove(d, id, err) && run_with(d, REVISION_REMOVE, row.revision, 0, err) &&
	       run_with(d, DOCUMENT_REMOVE, id, 0, err);
}

bool documents_filter(struct documents *d, const struct meta_filter *filters, size_t n, struct arena *arena,
		      int64_t **ids, size_t *n_ids, struct error *err)
{
	sqlite3_stmt *q = database_statement(&d->base, DOCUMENT_FILTER, err);
	json_t *pairs = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(pairs, json_pack("[s, s]", filters[i].key, filters[i].value));
	char *text = json_dumps(pairs, JSON_COMPACT);

	json_decref(pairs);
	if (q)
		bind_text(q, 1, text);
	bool ok = q && read_ids(d, q, arena, ids, n_ids, err);

	free(text);
	return ok;
}
