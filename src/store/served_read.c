/* served_read.c - calls read back with what was said of them; calls removed, by subject and by age. */
#include <math.h>
#include <string.h>

#include "base/uuid.h"
#include "store/served_inner.h"

/* ---- reading ---- */

/* Without a task, in the order of ids; with one, in that of its index. */
#define CALLS(of_task) \
	"SELECT s.id, s.began_ms, s.tenant, s.variant, s.verdict, s.stream, s.http, s.status, s.why, s.input_tokens, s.output_tokens, s.ms," \
	" s.first_ms, s.probability, s.propensity, s.subject, substr(b.input, 1, ?9), substr(b.output, 1, ?9), s.task, s.key, s.usd, s.cached," \
	" b.citations FROM served s LEFT JOIN body b ON b.call = s.id" \
	" WHERE " of_task " AND s.id > ?2 AND s.id >= ?3 AND s.id < ?4" \
	" AND (?5 IS NULL OR EXISTS (SELECT 1 FROM feedback f WHERE f.call = s.id AND (f.kind = ?5 OR ?5 = 'any')))" \
	" AND (?6 = 0 OR b.input IS NOT NULL) AND (?7 = 0 OR s.http = 200) AND (?10 IS NULL OR s.variant = ?10)" \
	" AND (?11 IS NULL OR s.tenant = ?11) AND (?12 IS NULL OR s.verdict = ?12) ORDER BY s.id"

static const char *const calls_sql[2][2] = { /* of a task; the newest first */
	{ CALLS("?1 IS NULL") " LIMIT ?8", CALLS("?1 IS NULL") " DESC LIMIT ?8" },
	{ CALLS("s.task = ?1") " LIMIT ?8", CALLS("s.task = ?1") " DESC LIMIT ?8" },
};
static const char said_of[] = "SELECT name, at_ms, kind, value, text FROM feedback WHERE call = ?1 ORDER BY name";

struct reading {
	struct served *served;
	sqlite3_stmt *calls, *said;
	struct arena arena; /* of one call */
	struct served_feedback *list;
	size_t n;
};

static double real_at(sqlite3_stmt *q, int at)
{
	return sqlite3_column_type(q, at) == SQLITE_NULL ? NAN : sqlite3_column_double(q, at);
}

static struct served_call call_at(struct reading *r)
{
	sqlite3_stmt *q = r->calls;
	struct arena *a = &r->arena;

	return (struct served_call){
		.id = column_text(a, q, 0), .began_ms = (uint64_t)sqlite3_column_int64(q, 1), .tenant = column_text(a, q, 2), .task = column_text(a, q, 18),
		.variant = column_text(a, q, 3), .verdict = column_text(a, q, 4), .stream = sqlite3_column_int(q, 5) != 0,
		.http = sqlite3_column_int(q, 6), .status = column_text(a, q, 7), .why = column_text(a, q, 8),
		.input_tokens = (size_t)sqlite3_column_int64(q, 9), .output_tokens = (size_t)sqlite3_column_int64(q, 10), .ms = real_at(q, 11),
		.first_ms = real_at(q, 12), .probability = real_at(q, 13), .propensity = sqlite3_column_double(q, 14),
		.subject = column_text(a, q, 15), .input = column_text(a, q, 16), .output = column_text(a, q, 17),
		.key = column_text(a, q, 19), .usd = real_at(q, 20), .cached = sqlite3_column_int(q, 21) != 0, .citations = column_text(a, q, 22),
	};
}

static bool read_said(struct reading *r, const char *call, struct error *err)
{
	sqlite3_stmt *q = r->said;
	int code;

	r->list = NULL;
	r->n = 0;
	sqlite3_reset(q);
	bind_text(q, 1, call);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		r->list = rows_grown(&r->arena, r->list, r->n, sizeof(*r->list));
		r->list[r->n++] = (struct served_feedback){ .call = call, .name = column_text(&r->arena, q, 0),
							    .at_ms = (uint64_t)sqlite3_column_int64(q, 1), .kind = column_text(&r->arena, q, 2),
							    .value = real_at(q, 3), .text = column_text(&r->arena, q, 4) };
	}
	return code == SQLITE_DONE || database_fail(&r->served->base, err);
}

static bool visit_all(struct reading *r, served_visit *visit, void *context, struct error *err)
{
	int code;

	while ((code = sqlite3_step(r->calls)) == SQLITE_ROW) {
		struct served_call call = call_at(r);

		if (!read_said(r, call.id, err) || !visit(context, &call, r->list, r->n, err))
			return false;
		arena_release(&r->arena);
	}
	return code == SQLITE_DONE || database_fail(&r->served->base, err);
}

/* Ids between which a call lies: those of the query's time, or around its one id. */
static void bind_bounds(sqlite3_stmt *q, const struct served_query *query, struct arena *arena)
{
	char since[UUID_TEXT], until[UUID_TEXT];

	uuid_first(query->since_ms, since);
	uuid_first(query->until_ms, until);
	bind_text(q, 3, query->only ? query->only : arena_string(arena, since));
	if (query->only)
		bind_text(q, 4, arena_printf(arena, "%s\x01", query->only)); /* the next text after it */
	else
		bind_text(q, 4, query->before ? query->before : query->until_ms ? arena_string(arena, until) : "~");
}

bool served_each(struct served *s, const struct served_query *query, served_visit *visit, void *context, struct error *err)
{
	struct reading r = { .served = s };
	struct arena bounds;
	bool read = database_prepare(&s->base, calls_sql[query->task != NULL][query->newest_first], &r.calls, err) &&
		    database_prepare(&s->base, said_of, &r.said, err);

	arena_init(&r.arena);
	arena_init(&bounds);
	if (read) {
		bind_text(r.calls, 1, query->task);
		bind_text(r.calls, 2, query->after ? query->after : "");
		bind_bounds(r.calls, query, &bounds);
		bind_text(r.calls, 5, query->feedback);
		sqlite3_bind_int(r.calls, 6, query->kept);
		sqlite3_bind_int(r.calls, 7, query->answered);
		sqlite3_bind_int64(r.calls, 8, query->most ? (sqlite3_int64)query->most : -1);
		sqlite3_bind_int64(r.calls, 9, query->brief ? (sqlite3_int64)query->brief : INT32_MAX);
		bind_text(r.calls, 10, query->variant);
		bind_text(r.calls, 11, query->tenant);
		bind_text(r.calls, 12, query->verdict);
		read = visit_all(&r, visit, context, err);
	}
	sqlite3_finalize(r.calls);
	sqlite3_finalize(r.said);
	arena_release(&r.arena);
	arena_release(&bounds);
	return read;
}

/* ---- removing ---- */

/* Runs one statement with the text bound; *n grows by the rows that changed. */
static bool change(struct served *s, const char *sql, const char *text, size_t *n, struct error *err)
{
	sqlite3_stmt *q = NULL;

	if (!database_prepare(&s->base, sql, &q, err))
		return false;
	bind_text(q, 1, text);
	bool done = database_done(&s->base, q, err);

	*n += done ? (size_t)sqlite3_changes(s->base.db) : 0;
	sqlite3_finalize(q);
	return done;
}

static bool remove_subject(struct served *s, const char *subject, struct served_removed *out, struct error *err)
{
#define ITS_CALLS "(SELECT id FROM served WHERE subject = :text)"
	return change(s, "DELETE FROM body WHERE call IN " ITS_CALLS, subject, &out->bodies, err) &&
	       change(s, "DELETE FROM shadow WHERE call IN " ITS_CALLS, subject, &out->shadows, err) &&
	       change(s, "DELETE FROM feedback WHERE call IN " ITS_CALLS, subject, &out->feedback, err) &&
	       change(s, "DELETE FROM attempt WHERE call IN " ITS_CALLS, subject, &out->attempts, err) &&
	       change(s, "DELETE FROM served WHERE subject = :text", subject, &out->calls, err);
}

bool served_calls_about(struct served *s, const char *subject, void (*visit)(void *context, const char *call), void *context, struct error *err)
{
	sqlite3_stmt *q = NULL;
	int code;

	if (!database_prepare(&s->base, "SELECT id FROM served WHERE subject = ?1 ORDER BY id", &q, err))
		return false;
	bind_text(q, 1, subject);
	while ((code = sqlite3_step(q)) == SQLITE_ROW)
		visit(context, (const char *)sqlite3_column_text(q, 0));
	bool told = code == SQLITE_DONE || database_fail(&s->base, err);

	sqlite3_finalize(q);
	return told;
}

/* The WAL still has the pages as they were. A reader that is not done keeps it from being emptied, which the pragma says in a row and not by
 * failing. */
static bool empty_wal(struct served *s, struct error *err)
{
	int busy = 0;

	if (!database_number(&s->base, "PRAGMA wal_checkpoint(TRUNCATE)", &busy, err))
		return false;
	if (!busy)
		return true;
	error_set(err, "%s: another program reads it, so that what was removed still stands in its WAL; run the same command again when it is done",
		  s->base.path);
	return error_again(err);
}

bool served_forget(struct served *s, const char *subject, struct served_removed *out, struct error *err)
{
	*out = (struct served_removed){ 0 };
	if (!database_execute(&s->base, "PRAGMA secure_delete = ON", err) || !served_begin(s, err))
		return false;
	if (!remove_subject(s, subject, out, err) || !served_commit(s, err)) {
		served_rollback(s);
		return false;
	}
	return database_execute(&s->base, "VACUUM", err) && empty_wal(s, err);
}

#define SOME " LIMIT 2000)" /* of a transaction: some ten milliseconds, in which a gateway cannot write */

/* What belongs to calls older than one id, each so many rows at most; what was said by a number is no text. */
static const char *const old_calls[] = {
	"DELETE FROM body WHERE rowid IN (SELECT rowid FROM body WHERE call < :text" SOME,
	"DELETE FROM feedback WHERE (call, name) IN (SELECT call, name FROM feedback WHERE call < :text" SOME,
	"DELETE FROM shadow WHERE call IN (SELECT call FROM shadow WHERE call < :text" SOME,
	"DELETE FROM attempt WHERE (call, n) IN (SELECT call, n FROM attempt WHERE call < :text" SOME,
	"DELETE FROM served WHERE id IN (SELECT id FROM served WHERE id < :text" SOME,
};
static const char *const old_texts[] = {
	"DELETE FROM body WHERE rowid IN (SELECT rowid FROM body WHERE call < :text" SOME,
	"DELETE FROM feedback WHERE (call, name) IN (SELECT call, name FROM feedback WHERE call < :text AND text IS NOT NULL" SOME,
	"DELETE FROM shadow WHERE call IN (SELECT call FROM shadow WHERE call < :text" SOME,
};

static bool remove_old(struct served *s, const char *const *sql, size_t n, uint64_t before_ms, struct served_removed *out, struct error *err)
{
	size_t *const counts[] = { &out->bodies, &out->feedback, &out->shadows, &out->attempts, &out->calls };
	char first[UUID_TEXT];

	uuid_first(before_ms, first);
	for (size_t i = 0; i < n; i++)
		for (size_t was = SIZE_MAX; was != *counts[i];) {
			was = *counts[i];
			if (!change(s, sql[i], first, counts[i], err))
				return false;
		}
	return true;
}

/* Free pages go back a few at a time, as each takes the writer's lock; a file that was made without them keeps them. */
static bool give_back(struct served *s, struct error *err)
{
	int left = 0, before;

	do {
		before = left;
		if (!database_execute(&s->base, "PRAGMA incremental_vacuum(500)", err) ||
		    !database_number(&s->base, "PRAGMA freelist_count", &left, err))
			return false;
	} while (left > 0 && left != before);
	return true;
}

bool served_retain(struct served *s, uint64_t calls_before_ms, uint64_t texts_before_ms, struct served_removed *out, struct error *err)
{
	*out = (struct served_removed){ 0 };
	return database_execute(&s->base, "PRAGMA secure_delete = ON", err) &&
	       remove_old(s, old_calls, sizeof(old_calls) / sizeof(old_calls[0]), calls_before_ms, out, err) &&
	       remove_old(s, old_texts, sizeof(old_texts) / sizeof(old_texts[0]), texts_before_ms, out, err) && give_back(s, err) && empty_wal(s, err);
}
