/* database.c - opening, versions, statements and errors of an SQLite file. */
#include "store/database.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"

bool database_fail(struct database *d, struct error *err)
{
	switch (sqlite3_errcode(d->db)) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
		error_set(err, "%s: cannot write (%s): the disk or the file size limit is full; make room and run the same command "
			  "again to resume", d->path, sqlite3_errmsg(d->db));
		return error_again(err);
	case SQLITE_BUSY:
		error_set(err, "%s: another program has been writing to it for %d seconds; run the same command again when it is "
			  "done", d->path, d->schema->wait_ms / 1000);
		return error_again(err);
	case SQLITE_INTERRUPT:
		error_set(err, "%s: this took longer than it may", d->path);
		return error_again(err);
	default:
		return error_set(err, "%s: %s", d->path, sqlite3_errmsg(d->db));
	}
}

bool database_execute(struct database *d, const char *sql, struct error *err)
{
	return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK || database_fail(d, err);
}

bool database_number(struct database *d, const char *sql, int *number, struct error *err)
{
	sqlite3_stmt *q = NULL;

	if (sqlite3_prepare_v2(d->db, sql, -1, &q, NULL) != SQLITE_OK || sqlite3_step(q) != SQLITE_ROW) {
		sqlite3_finalize(q);
		return database_fail(d, err);
	}
	*number = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return true;
}

static bool table_exists(struct database *d, const char *name)
{
	return sqlite3_table_column_metadata(d->db, NULL, name, NULL, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

static bool refuse_strangers(struct database *d, int version, struct error *err)
{
	int tables = 0;

	if (version > d->schema->n_versions)
		return error_set(err, "%s: written by a newer rung (store version %d, this program knows %d); upgrade rung or "
				 "name another file with --store", d->path, version, d->schema->n_versions);
	if (!database_number(d, "SELECT count(*) FROM sqlite_schema", &tables, err))
		return false;
	if (tables > 0 && !table_exists(d, d->schema->table))
		return error_set(err, "%s: an SQLite file of another program; name another file with --store", d->path);
	return true;
}

/* Brings a fresh or older file to the schema. Looked at again under the lock: another process may have done it. */
static bool upgrade(struct database *d, struct error *err)
{
	int version = 0;
	bool ok = database_execute(d, "BEGIN IMMEDIATE", err) && database_number(d, "PRAGMA user_version", &version, err);

	for (; ok && version < d->schema->n_versions; version++)
		ok = database_execute(d, d->schema->versions[version], err);
	if (ok && database_execute(d, "COMMIT", err))
		return true;
	database_rollback(d);
	return false;
}

static bool prepare_schema(struct database *d, struct error *err)
{
	int version = 0;

	if (!database_number(d, "PRAGMA user_version", &version, err) || !refuse_strangers(d, version, err))
		return false;
	/* Pages that are freed can be given back; only of a file without tables, since it takes the writer's lock in any other to change
	 * nothing. */
	if (version == 0 && !database_execute(d, "PRAGMA auto_vacuum = INCREMENTAL", err))
		return false;
	if (!database_execute(d, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", err))
		return false;
	return version == d->schema->n_versions || upgrade(d, err);
}

static bool make_parent(const char *path, struct error *err)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n == 0)
		return true;
	if (n >= sizeof(folder))
		return error_set(err, "%s: path too long", path);
	memcpy(folder, path, n);
	folder[n] = '\0';
	return file_make_folder(folder, err);
}

static void remove_files(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	char name[4096];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if ((size_t)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]) < sizeof(name))
			unlink(name);
}

bool database_open(struct database *d, const struct schema *schema, const char *path, bool create, struct error *err)
{
	bool fresh = !file_exists(path);
	int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);

	*d = (struct database){ .schema = schema };
	if (fresh && !create)
		return error_set(err, "%s: %s", path, schema->absent);
	if (fresh && !make_parent(path, err))
		return false;
	d->path = mem_string(path);
	d->statements = mem_zero(schema->n_statements, sizeof(sqlite3_stmt *));
	if (sqlite3_open_v2(path, &d->db, flags, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(d->db, schema->wait_ms);
		if (prepare_schema(d, err))
			return true;
	} else {
		database_fail(d, err);
	}
	database_close(d);
	if (fresh)
		remove_files(path);
	return false;
}

void database_close(struct database *d)
{
	for (size_t i = 0; d->statements && i < d->schema->n_statements; i++)
		sqlite3_finalize(d->statements[i]);
	sqlite3_close(d->db);
	free((void *)d->statements);
	free(d->path);
	*d = (struct database){ 0 };
}

void database_rollback(struct database *d)
{
	if (!sqlite3_get_autocommit(d->db))
		sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
}

sqlite3_stmt *database_prepare(struct database *d, const char *sql, sqlite3_stmt **q, struct error *err)
{
	if (!*q && sqlite3_prepare_v3(d->db, sql, -1, SQLITE_PREPARE_PERSISTENT, q, NULL) != SQLITE_OK) {
		database_fail(d, err);
		return NULL;
	}
	sqlite3_reset(*q);
	sqlite3_clear_bindings(*q);
	return *q;
}

sqlite3_stmt *database_statement(struct database *d, size_t which, struct error *err)
{
	return database_prepare(d, d->schema->statements[which], &d->statements[which], err);
}

bool database_done(struct database *d, sqlite3_stmt *q, struct error *err)
{
	return database_ended(d, q, sqlite3_step(q), err);
}

bool database_ended(struct database *d, sqlite3_stmt *q, int code, struct error *err)
{
	bool ended = code == SQLITE_DONE || database_fail(d, err);

	sqlite3_reset(q);
	return ended;
}

void bind_text(sqlite3_stmt *q, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC);
}

const char *column_text(struct arena *arena, sqlite3_stmt *q, int at)
{
	const unsigned char *text = sqlite3_column_text(q, at);

	return text ? arena_copy(arena, (const char *)text, (size_t)sqlite3_column_bytes(q, at)) : NULL;
}

void *rows_grown(struct arena *arena, void *rows, size_t n, size_t size)
{
	if (n < 16 ? n != 0 : (n & (n - 1)) != 0)
		return rows;
	size_t capacity = n < 16 ? 16 : n * 2;
	void *bigger = arena_array(arena, capacity, size);

	if (n)
		memcpy(bigger, rows, n * size);
	return bigger;
}
