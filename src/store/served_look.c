/* served_look.c - what was served, as somebody looks at it: figures without texts, in bounded time. */
#include <math.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "store/served_inner.h"

enum { STEPS = 20000, USUAL_WAIT_MS = 10000 }; /* of SQLite's machine between two looks at the clock: about a millisecond */

static int is_late(void *context)
{
	const struct served *s = context;

	return clock_ms() > s->by_ms;
}

void served_hurry(struct served *s, double by_ms)
{
	s->by_ms = by_ms;
	sqlite3_busy_timeout(s->base.db, isnan(by_ms) ? USUAL_WAIT_MS : 0);
	sqlite3_progress_handler(s->base.db, isnan(by_ms) ? 0 : STEPS, is_late, s);
}

/* The newest come first, so that `most` of them are the newest of everybody's; a tenant sees its own among these. */
static const char figures_sql[] =
	"SELECT began_ms, task, variant, status, http, input_tokens, output_tokens, usd, ms, first_ms, cached, ?2 IS NULL OR tenant = ?2, verdict"
	" FROM served WHERE id >= ?1 ORDER BY id DESC LIMIT ?3";
static const char upstreams_sql[] =
	"SELECT upstream, count(*), sum(failed) FROM (SELECT a.upstream AS upstream, a.status <> 'answered' AS failed FROM attempt a"
	" JOIN served s ON s.id = a.call WHERE a.call >= ?1 AND (?2 IS NULL OR s.tenant = ?2) ORDER BY a.call DESC LIMIT ?3)"
	" GROUP BY upstream ORDER BY upstream";
static const char said_sql[] =
	"SELECT s.task, s.id, s.began_ms, s.verdict, s.propensity, s.subject, f.at_ms, f.kind, f.value, f.text, b.output, s.variant, s.tenant"
	" FROM feedback f JOIN served s ON s.id = f.call LEFT JOIN body b ON b.call = s.id AND f.kind = 'demonstration'"
	" WHERE f.call >= ?1 AND f.kind <> 'comment' AND (?2 IS NULL OR s.tenant = ?2) ORDER BY f.call DESC LIMIT ?3";
static const char attempts_sql[] =
	"SELECT n, upstream, began_ms, status, http, why, bytes, ms, first_ms FROM attempt WHERE call = ?1 ORDER BY n";

static double real_at(sqlite3_stmt *q, int at)
{
	return sqlite3_column_type(q, at) == SQLITE_NULL ? NAN : sqlite3_column_double(q, at);
}

static const char *text_at(sqlite3_stmt *q, int at)
{
	return (const char *)sqlite3_column_text(q, at);
}

static size_t count_at(sqlite3_stmt *q, int at)
{
	return (size_t)sqlite3_column_int64(q, at);
}

bool served_figures(struct served *s, uint64_t since_ms, const char *tenant, size_t most, void (*visit)(void *context, const struct served_figures *f),
		    void *context, size_t *looked_at, struct error *err)
{
	sqlite3_stmt *q = NULL;
	char since[UUID_TEXT];
	int code = SQLITE_DONE;

	*looked_at = 0;
	uuid_first(since_ms, since);
	if (!database_prepare(&s->base, figures_sql, &q, err))
		return false;
	bind_text(q, 1, since);
	bind_text(q, 2, tenant);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)most);
	for (; (code = sqlite3_step(q)) == SQLITE_ROW; ++*looked_at) {
		const struct served_figures f = {
			.began_ms = (uint64_t)sqlite3_column_int64(q, 0), .task = text_at(q, 1), .variant = text_at(q, 2), .status = text_at(q, 3),
			.http = sqlite3_column_int(q, 4), .input_tokens = count_at(q, 5), .output_tokens = count_at(q, 6), .usd = real_at(q, 7),
			.ms = real_at(q, 8), .first_ms = real_at(q, 9), .cached = sqlite3_column_int(q, 10) != 0, .verdict = text_at(q, 12),
		};

		if (sqlite3_column_int(q, 11))
			visit(context, &f);
	}
	bool good = database_ended(&s->base, q, code, err);

	sqlite3_finalize(q);
	return good;
}

bool served_upstreams(struct served *s, uint64_t since_ms, const char *tenant, size_t most, struct arena *arena, struct served_upstream **rows,
		      size_t *n, struct error *err)
{
	sqlite3_stmt *q = NULL;
	char since[UUID_TEXT];
	int code;

	*rows = NULL;
	*n = 0;
	uuid_first(since_ms, since);
	if (!database_prepare(&s->base, upstreams_sql, &q, err))
		return false;
	bind_text(q, 1, since);
	bind_text(q, 2, tenant);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)most);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct served_upstream){ column_text(arena, q, 0), count_at(q, 1), count_at(q, 2) };
	}
	bool good = database_ended(&s->base, q, code, err);

	sqlite3_finalize(q);
	return good;
}

bool served_said(struct served *s, uint64_t since_ms, const char *tenant, size_t most, struct arena *arena, struct served_score **rows, size_t *n,
		 struct error *err)
{
	sqlite3_stmt *q = NULL;
	char since[UUID_TEXT];
	int code;

	*rows = NULL;
	*n = 0;
	uuid_first(since_ms, since);
	if (!database_prepare(&s->base, said_sql, &q, err))
		return false;
	bind_text(q, 1, since);
	bind_text(q, 2, tenant);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)most);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct served_score){
			.task = column_text(arena, q, 0), .call = column_text(arena, q, 1), .began_ms = (uint64_t)sqlite3_column_int64(q, 2),
			.verdict = column_text(arena, q, 3), .propensity = sqlite3_column_double(q, 4), .subject = column_text(arena, q, 5),
			.at_ms = (uint64_t)sqlite3_column_int64(q, 6), .kind = column_text(arena, q, 7), .value = real_at(q, 8),
			.text = column_text(arena, q, 9), .output = column_text(arena, q, 10), .variant = column_text(arena, q, 11),
			.tenant = column_text(arena, q, 12),
		};
	}
	bool good = database_ended(&s->base, q, code, err);

	sqlite3_finalize(q);
	return good;
}

bool served_attempts(struct served *s, const char *call, struct arena *arena, struct served_attempt **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = NULL;
	int code;

	*rows = NULL;
	*n = 0;
	if (!database_prepare(&s->base, attempts_sql, &q, err))
		return false;
	bind_text(q, 1, call);
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct served_attempt){
			.call = call, .n = count_at(q, 0), .upstream = column_text(arena, q, 1), .began_ms = (uint64_t)sqlite3_column_int64(q, 2),
			.status = column_text(arena, q, 3), .http = sqlite3_column_int(q, 4), .why = column_text(arena, q, 5), .bytes = count_at(q, 6),
			.ms = real_at(q, 7), .first_ms = real_at(q, 8),
		};
	}
	bool good = database_ended(&s->base, q, code, err);

	sqlite3_finalize(q);
	return good;
}
