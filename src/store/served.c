/* served.c - the SQLite file behind served.h */
#include "store/served.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "store/served_inner.h"

static const char first_sql[] =
	"CREATE TABLE served(id TEXT PRIMARY KEY, began_ms INTEGER NOT NULL, tenant TEXT NOT NULL, task TEXT NOT NULL, variant TEXT NOT NULL,"
	" verdict TEXT NOT NULL, stream INTEGER NOT NULL, http INTEGER NOT NULL, status TEXT NOT NULL, why TEXT, input_tokens INTEGER NOT NULL,"
	" output_tokens INTEGER NOT NULL, ms REAL, first_ms REAL, probability REAL, propensity REAL NOT NULL, subject TEXT) WITHOUT ROWID;"
	"CREATE INDEX served_task ON served(task, id);"
	"CREATE INDEX served_subject ON served(subject) WHERE subject IS NOT NULL;"
	"CREATE TABLE body(call TEXT PRIMARY KEY, input TEXT, output TEXT);"
	"CREATE TABLE feedback(call TEXT NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, value REAL, text TEXT,"
	" PRIMARY KEY(call, name)) WITHOUT ROWID;"
	"PRAGMA user_version = 1;";

static const char attempt_sql[] =
	"CREATE TABLE attempt(call TEXT NOT NULL, n INTEGER NOT NULL, upstream TEXT NOT NULL, began_ms INTEGER NOT NULL, status TEXT NOT NULL,"
	" http INTEGER NOT NULL, why TEXT, bytes INTEGER NOT NULL, ms REAL, first_ms REAL, PRIMARY KEY(call, n)) WITHOUT ROWID;"
	"PRAGMA user_version = 2;";

static const char paid_sql[] =
	"ALTER TABLE served ADD COLUMN key TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE served ADD COLUMN usd REAL;"
	"ALTER TABLE served ADD COLUMN cached INTEGER NOT NULL DEFAULT 0;"
	"PRAGMA user_version = 3;";

/* When what answered, and why; and what was answered beside the one that serves, and not shown. */
static const char history_sql[] =
	"CREATE TABLE history(n INTEGER PRIMARY KEY, task TEXT NOT NULL, at_ms INTEGER NOT NULL, event TEXT NOT NULL, verdict TEXT NOT NULL,"
	" variant TEXT NOT NULL, run TEXT NOT NULL, share REAL NOT NULL, floor REAL, why TEXT NOT NULL, evidence TEXT);"
	"CREATE INDEX history_task ON history(task, n);"
	"CREATE TABLE shadow(call TEXT PRIMARY KEY, verdict TEXT NOT NULL, variant TEXT NOT NULL, status TEXT NOT NULL, output TEXT, ms REAL)"
	" WITHOUT ROWID;"
	"CREATE INDEX feedback_at ON feedback(at_ms);"
	"CREATE INDEX served_failed ON served(task, began_ms) WHERE http >= 500;"
	"PRAGMA user_version = 4;";

/* What an answer stands on. */
static const char cited_sql[] =
	"ALTER TABLE body ADD COLUMN citations TEXT;"
	"PRAGMA user_version = 5;";

enum statement { TURN_PUT, TURNS, SHADOW_PUT, SCORED, VOLUME, CALL_PUT, BODY_PUT, CALL_EXISTS, FEEDBACK_PUT, ATTEMPT_PUT, PAID, COUNTS, N_STATEMENTS };

static const char *const statement_sql[N_STATEMENTS] = {
	[TURN_PUT] = "INSERT INTO history(task, at_ms, event, verdict, variant, run, share, floor, why, evidence)"
		     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[TURNS] = "SELECT at_ms, event, verdict, variant, run, share, floor, why, evidence FROM history WHERE task = ?1 ORDER BY n",
	[SHADOW_PUT] = "INSERT OR IGNORE INTO shadow(call, verdict, variant, status, output, ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[SCORED] = "SELECT s.id, s.began_ms, s.verdict, s.propensity, s.subject, f.at_ms, f.kind, f.value, f.text, b.output, h.verdict, h.output,"
		   " s.variant, s.tenant"
		   " FROM feedback f JOIN served s ON s.id = f.call LEFT JOIN body b ON b.call = s.id AND f.kind = 'demonstration'"
		   " LEFT JOIN shadow h ON h.call = s.id AND f.kind = 'demonstration'"
		   " WHERE s.task = ?1 AND f.at_ms >= ?2 AND s.began_ms >= ?2 AND f.kind <> 'comment'"
		   " UNION ALL SELECT id, began_ms, verdict, propensity, subject, began_ms, 'failed', NULL, NULL, NULL, NULL, NULL, variant,"
		   " tenant FROM served"
		   " WHERE task = ?1 AND began_ms >= ?2 AND http >= 500 AND verdict <> '' ORDER BY 1, 6, 7",
	[VOLUME] = "SELECT count(*) FROM served WHERE task = ?1 AND verdict = ?2 AND http = 200",
	[CALL_PUT] = "INSERT OR IGNORE INTO served(id, began_ms, tenant, task, variant, verdict, stream, http, status, why, input_tokens,"
		     " output_tokens, ms, first_ms, probability, propensity, subject, key, usd, cached)"
		     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
	[BODY_PUT] = "INSERT OR IGNORE INTO body(call, input, output, citations) VALUES(?1, ?2, ?3, ?4)",
	[CALL_EXISTS] = "SELECT count(*) FROM served WHERE id = ?1 AND (?2 IS NULL OR tenant = ?2)",
	[FEEDBACK_PUT] = "INSERT OR REPLACE INTO feedback(call, name, at_ms, kind, value, text) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[ATTEMPT_PUT] = "INSERT OR IGNORE INTO attempt(call, n, upstream, began_ms, status, http, why, bytes, ms, first_ms)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[PAID] = "SELECT key, usd, began_ms FROM served WHERE id >= ?1 AND key <> '' AND usd > 0", /* ids sort by time (base/uuid.h) */
	[COUNTS] = "SELECT (SELECT count(*) FROM served), (SELECT count(*) FROM body), (SELECT count(*) FROM feedback),"
		   " (SELECT count(*) FROM feedback WHERE call NOT IN (SELECT id FROM served))"
		   " + (SELECT count(*) FROM body WHERE call NOT IN (SELECT id FROM served))"
		   " + (SELECT count(*) FROM attempt WHERE call NOT IN (SELECT id FROM served)), (SELECT count(*) FROM attempt)",
};

static const char *const versions[] = { first_sql, attempt_sql, paid_sql, history_sql, cited_sql };

static const struct schema schema = {
	.versions = versions, .n_versions = 5, .table = "served", .absent = "nothing was served here; run `rung serve` first",
	.wait_ms = 10000, .statements = statement_sql, .n_statements = N_STATEMENTS,
};

struct served *served_open(const char *path, bool create, struct error *err)
{
	struct served *s = mem_zero(1, sizeof(*s));

	s->by_ms = NAN;
	if (database_open(&s->base, &schema, path, create, err))
		return s;
	free(s);
	return NULL;
}

void served_close(struct served *s)
{
	if (!s)
		return;
	database_close(&s->base);
	free(s);
}

bool served_begin(struct served *s, struct error *err)
{
	return database_execute(&s->base, "BEGIN IMMEDIATE", err);
}

bool served_commit(struct served *s, struct error *err)
{
	return database_execute(&s->base, "COMMIT", err);
}

bool served_prime(struct served *s, struct error *err)
{
	char same[40]; /* the page is written whether or not it changes */

	snprintf(same, sizeof(same), "PRAGMA user_version = %zu", (size_t)schema.n_versions);
	return served_begin(s, err) && database_execute(&s->base, same, err) && served_commit(s, err);
}

void served_rollback(struct served *s)
{
	database_rollback(&s->base);
}

static void bind_real(sqlite3_stmt *q, int at, double x)
{
	if (!isnan(x))
		sqlite3_bind_double(q, at, x);
}

static bool put_body(struct served *s, const struct served_call *c, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, BODY_PUT, err);

	if (!q)
		return false;
	bind_text(q, 1, c->id);
	bind_text(q, 2, c->input);
	bind_text(q, 3, c->output);
	bind_text(q, 4, c->citations);
	return database_done(&s->base, q, err);
}

bool served_call_put(struct served *s, const struct served_call *c, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, CALL_PUT, err);

	if (!q)
		return false;
	bind_text(q, 1, c->id);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)c->began_ms);
	bind_text(q, 3, c->tenant);
	bind_text(q, 4, c->task);
	bind_text(q, 5, c->variant);
	bind_text(q, 6, c->verdict);
	sqlite3_bind_int(q, 7, c->stream);
	sqlite3_bind_int(q, 8, c->http);
	bind_text(q, 9, c->status);
	bind_text(q, 10, c->why);
	sqlite3_bind_int64(q, 11, (sqlite3_int64)c->input_tokens);
	sqlite3_bind_int64(q, 12, (sqlite3_int64)c->output_tokens);
	bind_real(q, 13, c->ms);
	bind_real(q, 14, c->first_ms);
	bind_real(q, 15, c->probability);
	sqlite3_bind_double(q, 16, c->propensity);
	bind_text(q, 17, c->subject);
	bind_text(q, 18, c->key ? c->key : "");
	bind_real(q, 19, c->usd);
	sqlite3_bind_int(q, 20, c->cached);
	return database_done(&s->base, q, err) && ((!c->input && !c->output) || put_body(s, c, err));
}

bool served_call_exists(struct served *s, const char *id, const char *tenant, bool *exists, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, CALL_EXISTS, err);
	int code;

	if (!q)
		return false;
	bind_text(q, 1, id);
	bind_text(q, 2, tenant);
	code = sqlite3_step(q);
	*exists = code == SQLITE_ROW && sqlite3_column_int(q, 0) > 0;
	return database_ended(&s->base, q, code == SQLITE_ROW ? SQLITE_DONE : code, err);
}

bool served_paid(struct served *s, uint64_t since_ms, void (*each)(void *context, const char *key, double usd, uint64_t began_ms), void *context,
		 struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, PAID, err);
	char since[UUID_TEXT];
	int code;

	if (!q)
		return false;
	uuid_first(since_ms, since);
	bind_text(q, 1, since);
	while ((code = sqlite3_step(q)) == SQLITE_ROW)
		each(context, (const char *)sqlite3_column_text(q, 0), sqlite3_column_double(q, 1), (uint64_t)sqlite3_column_int64(q, 2));
	return database_ended(&s->base, q, code, err);
}

bool served_feedback_put(struct served *s, const struct served_feedback *f, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, FEEDBACK_PUT, err);

	if (!q)
		return false;
	bind_text(q, 1, f->call);
	bind_text(q, 2, f->name);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)f->at_ms);
	bind_text(q, 4, f->kind);
	bind_real(q, 5, f->value);
	bind_text(q, 6, f->text);
	return database_done(&s->base, q, err);
}

bool served_attempt_put(struct served *s, const struct served_attempt *a, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, ATTEMPT_PUT, err);

	if (!q)
		return false;
	bind_text(q, 1, a->call);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)a->n);
	bind_text(q, 3, a->upstream);
	sqlite3_bind_int64(q, 4, (sqlite3_int64)a->began_ms);
	bind_text(q, 5, a->status);
	sqlite3_bind_int(q, 6, a->http);
	bind_text(q, 7, a->why);
	sqlite3_bind_int64(q, 8, (sqlite3_int64)a->bytes);
	bind_real(q, 9, a->ms);
	bind_real(q, 10, a->first_ms);
	return database_done(&s->base, q, err);
}

bool served_count(struct served *s, struct served_counts *out, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, COUNTS, err);
	int code;

	if (!q)
		return false;
	code = sqlite3_step(q);
	if (code == SQLITE_ROW)
		*out = (struct served_counts){ (size_t)sqlite3_column_int64(q, 0), (size_t)sqlite3_column_int64(q, 1),
					       (size_t)sqlite3_column_int64(q, 2), (size_t)sqlite3_column_int64(q, 3),
					       (size_t)sqlite3_column_int64(q, 4) };
	return database_ended(&s->base, q, code == SQLITE_ROW ? SQLITE_DONE : code, err);
}

/* ---- history ---- */

bool served_turn_put(struct served *s, const struct served_turn *t, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, TURN_PUT, err);

	if (!q)
		return false;
	bind_text(q, 1, t->task);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)t->at_ms);
	bind_text(q, 3, t->event);
	bind_text(q, 4, t->verdict);
	bind_text(q, 5, t->variant);
	bind_text(q, 6, t->run);
	sqlite3_bind_double(q, 7, t->share);
	bind_real(q, 8, t->floor);
	bind_text(q, 9, t->why);
	bind_text(q, 10, t->evidence);
	return database_done(&s->base, q, err);
}

static double column_real(sqlite3_stmt *q, int at)
{
	return sqlite3_column_type(q, at) == SQLITE_NULL ? NAN : sqlite3_column_double(q, at);
}

bool served_turns(struct served *s, const char *task, struct arena *arena, struct served_turn **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, TURNS, err);
	int code;

	*rows = NULL;
	*n = 0;
	if (!q)
		return false;
	bind_text(q, 1, task);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct served_turn){
			.task = task, .at_ms = (uint64_t)sqlite3_column_int64(q, 0), .event = column_text(arena, q, 1),
			.verdict = column_text(arena, q, 2), .variant = column_text(arena, q, 3), .run = column_text(arena, q, 4), .share = sqlite3_column_double(q, 5),
			.floor = column_real(q, 6), .why = column_text(arena, q, 7), .evidence = column_text(arena, q, 8),
		};
	}
	return database_ended(&s->base, q, code, err);
}

bool served_shadow_put(struct served *s, const struct served_shadow *h, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, SHADOW_PUT, err);

	if (!q)
		return false;
	bind_text(q, 1, h->call);
	bind_text(q, 2, h->verdict);
	bind_text(q, 3, h->variant);
	bind_text(q, 4, h->status);
	bind_text(q, 5, h->output);
	bind_real(q, 6, h->ms);
	return database_done(&s->base, q, err);
}

bool served_scored(struct served *s, const char *task, uint64_t since_ms, struct arena *arena, struct served_score **rows, size_t *n,
		   struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, SCORED, err);
	int code;

	*rows = NULL;
	*n = 0;
	if (!q)
		return false;
	bind_text(q, 1, task);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)since_ms);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct served_score){
			.task = task, .call = column_text(arena, q, 0), .began_ms = (uint64_t)sqlite3_column_int64(q, 1), .verdict = column_text(arena, q, 2),
			.propensity = sqlite3_column_double(q, 3), .subject = column_text(arena, q, 4), .at_ms = (uint64_t)sqlite3_column_int64(q, 5),
			.kind = column_text(arena, q, 6), .value = column_real(q, 7), .text = column_text(arena, q, 8),
			.output = column_text(arena, q, 9), .shadow_verdict = column_text(arena, q, 10), .shadow = column_text(arena, q, 11),
			.variant = column_text(arena, q, 12), .tenant = column_text(arena, q, 13),
		};
	}
	return database_ended(&s->base, q, code, err);
}

bool served_volume(struct served *s, const char *task, const char *verdict, size_t *calls, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, VOLUME, err);

	if (!q)
		return false;
	bind_text(q, 1, task);
	bind_text(q, 2, verdict);
	int code = sqlite3_step(q);

	*calls = code == SQLITE_ROW ? (size_t)sqlite3_column_int64(q, 0) : 0;
	return database_ended(&s->base, q, code == SQLITE_ROW ? SQLITE_DONE : code, err);
}

bool served_version(struct served *s, int *version, struct error *err)
{
	return database_number(&s->base, "PRAGMA data_version", version, err);
}
