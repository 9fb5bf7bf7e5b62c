/* database.h - one SQLite file (WAL): opened or made, brought to its schema, asked through a table of statements. What
 * store.c and documents.c share; private to src/store. */
#ifndef RUNG_STORE_DATABASE_H
#define RUNG_STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

/* What a kind of file holds; all of it constant. */
struct schema {
	const char *const *versions; /* (n_versions) SQL that makes version i + 1 out of version i; sets user_version itself */
	int n_versions;
	const char *table;           /* one that every file of this kind has */
	const char *absent;          /* the remedy when there is no file: "no store here; run `rung climb` first" */
	int wait_ms;                 /* for another writer */
	const char *const *statements; /* (n_statements) SQL */
	size_t n_statements;
};

struct database {
	const struct schema *schema;
	sqlite3 *db;
	char *path;
	sqlite3_stmt **statements; /* (n_statements), prepared on first use */
};

/* Opens or (create) makes the file and its folder. A newer version or another program's file is an error; what a failed
 * creation had begun is removed. database_close() in any case. */
bool database_open(struct database *d, const struct schema *schema, const char *path, bool create, struct error *err);
void database_close(struct database *d);

/* Sets the sentence for SQLite's last error and returns false. */
bool database_fail(struct database *d, struct error *err);
bool database_execute(struct database *d, const char *sql, struct error *err);
/* One whole number that the SQL asks for. */
bool database_number(struct database *d, const char *sql, int *number, struct error *err);
/* The prepared statement, reset; NULL and the sentence when it cannot be prepared. */
sqlite3_stmt *database_statement(struct database *d, size_t which, struct error *err);
/* The same for a statement that is not in the table: prepares sql into *q unless it is there. */
sqlite3_stmt *database_prepare(struct database *d, const char *sql, sqlite3_stmt **q, struct error *err);
/* Runs a statement that returns no rows, and resets it. */
bool database_done(struct database *d, sqlite3_stmt *q, struct error *err);
/* Behind the last row: resets q and tells whether `code` was the end rather than an error. */
bool database_ended(struct database *d, sqlite3_stmt *q, int code, struct error *err);
void database_rollback(struct database *d); /* harmless outside a transaction */

void bind_text(sqlite3_stmt *q, int at, const char *text); /* NULL: leaves NULL there */
const char *column_text(struct arena *arena, sqlite3_stmt *q, int at); /* NULL for NULL */
/* Room for one more row of `size` bytes in an array that lives in the arena; old arrays are left to it. */
void *rows_grown(struct arena *arena, void *rows, size_t n, size_t size);

#endif
