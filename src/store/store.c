/* store.c - the SQLite file behind store.h; every statement stands in the table below. */
#include "store/store.h"

#include <math.h>
#include <string.h>

#include "store/store_inner.h"

static const char first_sql[] =
	"CREATE TABLE run(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, examples TEXT NOT NULL, seed INTEGER NOT NULL,"
	" fingerprint INTEGER NOT NULL, settings TEXT NOT NULL, state TEXT NOT NULL, begun INTEGER NOT NULL);"
	"CREATE TABLE variant(run INTEGER NOT NULL REFERENCES run(id), id TEXT NOT NULL, name TEXT NOT NULL, model TEXT,"
	" rung INTEGER NOT NULL, position INTEGER NOT NULL, incumbent INTEGER NOT NULL, candidate INTEGER NOT NULL,"
	" calls_model INTEGER NOT NULL, status TEXT NOT NULL, why TEXT, recipe INTEGER NOT NULL,"
	" PRIMARY KEY(run, id)) WITHOUT ROWID;"
	"CREATE TABLE call(id INTEGER PRIMARY KEY, model TEXT NOT NULL, request_hash INTEGER NOT NULL,"
	" request TEXT NOT NULL, output TEXT, scores TEXT, status TEXT NOT NULL, input_tokens INTEGER NOT NULL,"
	" output_tokens INTEGER NOT NULL, ms REAL NOT NULL, UNIQUE(model, request_hash));"
	"CREATE TABLE answer(run INTEGER NOT NULL REFERENCES run(id), variant TEXT NOT NULL, item TEXT NOT NULL,"
	" split TEXT NOT NULL, call INTEGER REFERENCES call(id), answer TEXT,"
	" status TEXT NOT NULL, ms REAL NOT NULL, PRIMARY KEY(run, variant, item, split)) WITHOUT ROWID;"
	"PRAGMA user_version = 1;";

/* Version 2: answers out of several calls, and why a call brought nothing. */
static const char second_sql[] =
	"ALTER TABLE call ADD COLUMN why TEXT;"
	"CREATE TABLE sample(run INTEGER NOT NULL REFERENCES run(id), variant TEXT NOT NULL, item TEXT NOT NULL,"
	" split TEXT NOT NULL, number INTEGER NOT NULL, call INTEGER NOT NULL REFERENCES call(id),"
	" PRIMARY KEY(run, variant, item, split, number)) WITHOUT ROWID;"
	"PRAGMA user_version = 2;";

/* Version 3: what an answer stands on. */
static const char third_sql[] = "ALTER TABLE answer ADD COLUMN evidence TEXT; PRAGMA user_version = 3;";

/* Version 4: learning curves. */
static const char fourth_sql[] =
	"CREATE TABLE curve(run INTEGER NOT NULL REFERENCES run(id), variant TEXT NOT NULL, n INTEGER NOT NULL,"
	" seed INTEGER NOT NULL, items INTEGER NOT NULL, score REAL NOT NULL, PRIMARY KEY(run, variant, n, seed)) WITHOUT ROWID;"
	"PRAGMA user_version = 4;";

/* Version 5: providers, and those who grade outside. */
static const char fifth_sql[] =
	"ALTER TABLE call ADD COLUMN cache_read INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE call ADD COLUMN cache_written INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE call ADD COLUMN reasoning INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE call ADD COLUMN first_ms REAL NOT NULL DEFAULT 0;"
	"CREATE TABLE attempt(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, model TEXT NOT NULL, request_hash INTEGER NOT NULL,"
	" end TEXT NOT NULL, status INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,"
	" cache_read INTEGER NOT NULL, cache_written INTEGER NOT NULL, ms REAL NOT NULL, first_ms REAL NOT NULL, why TEXT);"
	"CREATE INDEX attempt_run ON attempt(run, model);"
	"CREATE TABLE grade(scorer INTEGER NOT NULL, item TEXT NOT NULL, answer INTEGER NOT NULL, score REAL,"
	" call INTEGER REFERENCES call(id), why TEXT, PRIMARY KEY(scorer, item, answer)) WITHOUT ROWID;"
	"PRAGMA user_version = 5;";

/* Version 6: batches that providers work off in their own time. */
static const char sixth_sql[] =
	"ALTER TABLE attempt ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE batch(id INTEGER PRIMARY KEY, model TEXT NOT NULL, name TEXT NOT NULL, requests INTEGER NOT NULL,"
	" state TEXT NOT NULL, lacks INTEGER NOT NULL);"
	"PRAGMA user_version = 6;";

/* Version 7: wordings of the instruction that a model proposed. */
static const char seventh_sql[] =
	"CREATE TABLE wording(run INTEGER NOT NULL REFERENCES run(id), round INTEGER NOT NULL, number INTEGER NOT NULL, author TEXT NOT NULL,"
	" base TEXT NOT NULL, variant TEXT, text TEXT, why TEXT, PRIMARY KEY(run, round, number)) WITHOUT ROWID;"
	"PRAGMA user_version = 7;";

/* Version 8: recorded outcomes that say what they cost. */
static const char eighth_sql[] = "ALTER TABLE call ADD COLUMN usd REAL; PRAGMA user_version = 8;";

/* Version 9: when batches were handed over; what servers were found to lack. */
static const char ninth_sql[] =
	"ALTER TABLE batch ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE server(model TEXT PRIMARY KEY, lacks INTEGER NOT NULL, known INTEGER NOT NULL) WITHOUT ROWID;"
	"PRAGMA user_version = 9;";

/* Version 10: how sure an answer is. */
static const char tenth_sql[] = "ALTER TABLE answer ADD COLUMN confidence REAL; PRAGMA user_version = 10;";

#define RUN_COLUMNS "id, key, examples, seed, fingerprint, settings, state"
#define CALL_VALUES "model, request_hash, request, output, scores, status, input_tokens, output_tokens, ms, why, cache_read," \
		    " cache_written, reasoning, first_ms, usd"
#define CALL_COLUMNS "id, " CALL_VALUES

static const char *const statement_sql[N_STATEMENTS] = {
	[RUN_INSERT] = "INSERT OR IGNORE INTO run(key, examples, seed, fingerprint, settings, state, begun)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, 'running', 0)",
	[RUN_FIND] = "SELECT " RUN_COLUMNS " FROM run WHERE key = ?1",
	[RUN_TOUCH] = "UPDATE run SET begun = (SELECT max(begun) + 1 FROM run) WHERE id = ?1",
	[RUN_FINISH] = "UPDATE run SET state = 'done' WHERE id = ?1",
	[RUN_LATEST] = "SELECT " RUN_COLUMNS " FROM run ORDER BY begun DESC LIMIT 1",
	[RUN_DONE] = "SELECT " RUN_COLUMNS " FROM run WHERE CASE WHEN ?1 IS NULL THEN state = 'done' ELSE key = ?1 END ORDER BY begun DESC LIMIT 1",
	[RUN_LATEST_SEED] = "SELECT " RUN_COLUMNS " FROM run WHERE seed = ?1 ORDER BY begun DESC LIMIT 1",
	[VARIANT_PUT] = "INSERT OR REPLACE INTO variant(run, id, name, model, rung, position, incumbent, candidate,"
			" calls_model, status, why, recipe) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	[VARIANTS] = "SELECT id, name, model, rung, position, incumbent, candidate, calls_model, status, why, recipe"
		     " FROM variant WHERE run = ?1 ORDER BY position",
	[CALL_FIND] = "SELECT " CALL_COLUMNS " FROM call WHERE model = ?1 AND request_hash = ?2",
	[CALL_GET] = "SELECT " CALL_COLUMNS " FROM call WHERE id = ?1",
	[CALLS] = "SELECT " CALL_COLUMNS " FROM call ORDER BY id",
	[CALL_PUT] = "INSERT OR IGNORE INTO call(" CALL_VALUES ")"
		     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	[ANSWER_PUT] = "INSERT OR IGNORE INTO answer(run, variant, item, split, call, answer, status, ms, evidence, confidence)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[SAMPLE_PUT] = "INSERT OR IGNORE INTO sample(run, variant, item, split, number, call)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[SAMPLES] = "SELECT c.id, " CALL_VALUES " FROM sample s JOIN call c ON c.id = s.call"
		    " WHERE s.run = ?1 AND s.variant = ?2 AND s.item = ?3 AND s.split = ?4 ORDER BY s.number",
	[ANSWERS] = "SELECT a.item, a.call, a.answer, a.status, a.ms, coalesce(s.input, c.input_tokens),"
		    " coalesce(s.output, c.output_tokens), coalesce(s.n, a.call IS NOT NULL), a.evidence,"
		    " c.scores IS NOT NULL, c.scores IS NULL AND instr(c.request, '\"want\":\"scores\"') > 0,"
		    " c.usd, a.confidence FROM answer a LEFT JOIN call c ON c.id = a.call LEFT JOIN"
		    " (SELECT item, count(*) n, sum(input_tokens) input, sum(output_tokens) output FROM sample"
		    " JOIN call ON call.id = sample.call WHERE run = ?1 AND variant = ?2 AND split = ?3"
		    " GROUP BY item) s ON s.item = a.item WHERE a.run = ?1 AND a.variant = ?2 AND a.split = ?3",
	[CURVE_PUT] = "INSERT OR REPLACE INTO curve(run, variant, n, seed, items, score) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[CURVES] = "SELECT variant, n, seed, items, score FROM curve WHERE run = ?1 ORDER BY variant, n, seed",
	[WORDING_PUT] = "INSERT OR REPLACE INTO wording(run, round, number, author, base, variant, text, why)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[WORDINGS] = "SELECT round, number, author, base, variant, text, why FROM wording WHERE run = ?1 ORDER BY round, number",
	[ATTEMPT_PUT] = "INSERT OR REPLACE INTO attempt(id, run, model, request_hash, end, status, input_tokens, output_tokens, cache_read,"
			" cache_written, ms, first_ms, why, batch)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
	[ATTEMPTS] = "SELECT model, batch, total(end = 'answered'), total(end NOT IN ('answered', 'sent', 'cached')), total(end = 'sent'),"
		     " total(end = 'cached'), sum(input_tokens), sum(output_tokens), sum(cache_read), sum(cache_written)"
		     " FROM attempt WHERE run = ?1 GROUP BY model, batch ORDER BY model, batch",
	[ATTEMPTS_MOVE] = "UPDATE attempt SET run = ?2 WHERE run = ?1",
	[BATCH_PUT] = "INSERT OR REPLACE INTO batch(id, model, name, requests, state, lacks, begun)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[BATCHES] = "SELECT id, name, requests, state, lacks, begun FROM batch WHERE model = ?1 AND state <> 'done' ORDER BY id",
	[SERVER_PUT] = "INSERT OR REPLACE INTO server(model, lacks, known) VALUES(?1, ?2, ?3)",
	[SERVER_FIND] = "SELECT lacks, known FROM server WHERE model = ?1",
	[GRADE_PUT] = "INSERT OR REPLACE INTO grade(scorer, item, answer, score, call, why) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[GRADE_CALLS] = "SELECT DISTINCT call.id, input_tokens, output_tokens, ms FROM grade JOIN call ON call.id = grade.call WHERE scorer = ?1",
	[TEXTS_TAKEN] = "SELECT count(*), total(input_tokens) FROM call WHERE model = ?1 AND (?2 = 0 OR json_array_length(request, '$.messages') = 1)",
	[GRADES] = "SELECT item, answer, score, call, why FROM grade WHERE scorer = ?1",
	[SPENT] = "SELECT count(*), total(ms) FROM call WHERE id IN"
		  " (SELECT call FROM answer WHERE run = ?1 AND (split = ?2 OR (?2 IS NULL AND split <> 'test'))"
		  " UNION SELECT call FROM sample WHERE run = ?1 AND (split = ?2 OR (?2 IS NULL AND split <> 'test')))",
	[REPLAYED] = "SELECT count(*), total(ms) FROM call WHERE id IN (SELECT call FROM answer WHERE run = ?1 UNION SELECT call FROM sample WHERE run = ?1)"
		     " AND model LIKE 'recorded:%'",
	[SPENT_HERE] = "SELECT count(*), total(ms) FROM call WHERE id IN (SELECT call FROM answer WHERE run = ?1 UNION SELECT call FROM sample"
		       " WHERE run = ?1) AND model NOT IN (SELECT model FROM attempt WHERE run = ?1)"
		       " AND model NOT LIKE 'recorded:%'",
};

static const char *const versions[] = { first_sql, second_sql, third_sql, fourth_sql, fifth_sql, sixth_sql, seventh_sql, eighth_sql,
					ninth_sql, tenth_sql };

static const struct schema schema = {
	.versions = versions, .n_versions = sizeof(versions) / sizeof(versions[0]), .table = "run", .absent = "no store here; run `rung climb` first",
	.wait_ms = 10000, .statements = statement_sql, .n_statements = N_STATEMENTS,
};

struct store *store_open(const char *path, bool create, struct error *err)
{
	struct store *s;

	if (strncmp(path, "postgres://", 11) == 0 || strncmp(path, "postgresql://", 13) == 0) {
		error_set(err, "%.20s...: PostgreSQL stores are planned but not there yet; name a file with --store", path);
		return NULL;
	}
	s = mem_zero(1, sizeof(*s));
	if (database_open(&s->base, &schema, path, create, err))
		return s;
	free(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	database_close(&s->base);
	free(s);
}

bool store_begin(struct store *s, struct error *err)
{
	return database_execute(&s->base, "BEGIN IMMEDIATE", err);
}

bool store_begin_read(struct store *s, struct error *err)
{
	return database_execute(&s->base, "BEGIN", err);
}

bool store_commit(struct store *s, struct error *err)
{
	return database_execute(&s->base, "COMMIT", err);
}

void store_rollback(struct store *s)
{
	database_rollback(&s->base);
}

static void read_run(struct arena *arena, sqlite3_stmt *q, struct run_row *run)
{
	*run = (struct run_row){
		.id = sqlite3_column_int64(q, 0),
		.key = column_text(arena, q, 1),
		.examples = column_text(arena, q, 2),
		.seed = (uint64_t)sqlite3_column_int64(q, 3),
		.fingerprint = (uint64_t)sqlite3_column_int64(q, 4),
		.settings = column_text(arena, q, 5),
		.state = column_text(arena, q, 6),
	};
}

bool store_run_begin(struct store *s, struct arena *arena, struct run_row *run, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, RUN_INSERT, err);

	if (!q)
		return false;
	bind_text(q, 1, run->key);
	bind_text(q, 2, run->examples);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)run->seed);
	sqlite3_bind_int64(q, 4, (sqlite3_int64)run->fingerprint);
	bind_text(q, 5, run->settings);
	if (!database_done(&s->base, q, err) || !(q = database_statement(&s->base, RUN_FIND, err)))
		return false;
	bind_text(q, 1, run->key);
	if (sqlite3_step(q) != SQLITE_ROW)
		return database_fail(&s->base, err);
	read_run(arena, q, run);
	sqlite3_reset(q);
	if (!(q = database_statement(&s->base, RUN_TOUCH, err)))
		return false;
	sqlite3_bind_int64(q, 1, run->id);
	return database_done(&s->base, q, err);
}

bool store_run_finish(struct store *s, int64_t run, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, RUN_FINISH, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	return database_done(&s->base, q, err);
}

static bool read_found(struct store *s, sqlite3_stmt *q, struct arena *arena, struct run_row *run, bool *found, struct error *err)
{
	int code = sqlite3_step(q);

	*found = code == SQLITE_ROW;
	if (*found)
		read_run(arena, q, run);
	sqlite3_reset(q);
	return code == SQLITE_ROW || code == SQLITE_DONE || database_fail(&s->base, err);
}

bool store_run_latest(struct store *s, struct arena *arena, const uint64_t *seed, struct run_row *run, bool *found,
		      struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, seed ? RUN_LATEST_SEED : RUN_LATEST, err);

	if (q && seed)
		sqlite3_bind_int64(q, 1, (sqlite3_int64)*seed);
	return q && read_found(s, q, arena, run, found, err);
}

bool store_run_done(struct store *s, struct arena *arena, const char *key, struct run_row *run, bool *found, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, RUN_DONE, err);

	if (q)
		bind_text(q, 1, key);
	return q && read_found(s, q, arena, run, found, err);
}

bool store_variant_put(struct store *s, int64_t run, const struct variant_row *v, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, VARIANT_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	bind_text(q, 2, v->id);
	bind_text(q, 3, v->name);
	bind_text(q, 4, v->model);
	sqlite3_bind_int(q, 5, v->rung);
	sqlite3_bind_int64(q, 6, (sqlite3_int64)v->position);
	sqlite3_bind_int(q, 7, v->incumbent);
	sqlite3_bind_int(q, 8, v->candidate);
	sqlite3_bind_int(q, 9, v->calls_model);
	bind_text(q, 10, v->status);
	bind_text(q, 11, v->why);
	sqlite3_bind_int64(q, 12, (sqlite3_int64)v->recipe);
	return database_done(&s->base, q, err);
}

static void read_variant(struct arena *arena, sqlite3_stmt *q, struct variant_row *v)
{
	*v = (struct variant_row){
		.id = column_text(arena, q, 0),
		.name = column_text(arena, q, 1),
		.model = column_text(arena, q, 2),
		.rung = sqlite3_column_int(q, 3),
		.position = (size_t)sqlite3_column_int64(q, 4),
		.incumbent = sqlite3_column_int(q, 5) != 0,
		.candidate = sqlite3_column_int(q, 6) != 0,
		.calls_model = sqlite3_column_int(q, 7) != 0,
		.status = column_text(arena, q, 8),
		.why = column_text(arena, q, 9),
		.recipe = (uint64_t)sqlite3_column_int64(q, 10),
	};
}

bool store_variants(struct store *s, int64_t run, struct arena *arena, struct variant_row **rows, size_t *n,
		    struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, VARIANTS, err);
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		read_variant(arena, q, &(*rows)[(*n)++]);
	}
	return database_ended(&s->base, q, code, err);
}

static void read_call(struct arena *arena, sqlite3_stmt *q, struct call_row *c)
{
	*c = (struct call_row){
		.id = sqlite3_column_int64(q, 0),
		.model = column_text(arena, q, 1),
		.request_hash = (uint64_t)sqlite3_column_int64(q, 2),
		.request = column_text(arena, q, 3),
		.output = column_text(arena, q, 4),
		.scores = column_text(arena, q, 5),
		.status = column_text(arena, q, 6),
		.input_tokens = (size_t)sqlite3_column_int64(q, 7),
		.output_tokens = (size_t)sqlite3_column_int64(q, 8),
		.ms = sqlite3_column_double(q, 9),
		.why = column_text(arena, q, 10),
		.cache_read = (size_t)sqlite3_column_int64(q, 11),
		.cache_written = (size_t)sqlite3_column_int64(q, 12),
		.reasoning = (size_t)sqlite3_column_int64(q, 13),
		.first_ms = sqlite3_column_double(q, 14),
		.has_usd = sqlite3_column_type(q, 15) != SQLITE_NULL,
		.usd = sqlite3_column_double(q, 15),
	};
}

bool store_call_find(struct store *s, struct arena *arena, const char *model, uint64_t request_hash,
		     struct call_row *call, bool *found, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, CALL_FIND, err);

	if (!q)
		return false;
	bind_text(q, 1, model);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)request_hash);
	int code = sqlite3_step(q);

	*found = code == SQLITE_ROW;
	if (*found)
		read_call(arena, q, call);
	sqlite3_reset(q);
	return code == SQLITE_ROW || code == SQLITE_DONE || database_fail(&s->base, err);
}

bool store_call_get(struct store *s, struct arena *arena, int64_t id, struct call_row *call, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, CALL_GET, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, id);
	int code = sqlite3_step(q);

	if (code == SQLITE_ROW)
		read_call(arena, q, call);
	sqlite3_reset(q);
	if (code == SQLITE_DONE)
		return error_set(err, "%s: call %lld is missing; the store was edited by another program", s->base.path,
				 (long long)id);
	return code == SQLITE_ROW || database_fail(&s->base, err);
}

bool store_calls(struct store *s, void (*visit)(void *context, const struct call_row *call), void *context, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, CALLS, err);
	int code = SQLITE_DONE;

	while (q && (code = sqlite3_step(q)) == SQLITE_ROW) {
		struct call_row call;
		struct arena arena;

		arena_init(&arena);
		read_call(&arena, q, &call);
		visit(context, &call);
		arena_release(&arena);
	}
	return q && database_ended(&s->base, q, code, err);
}

bool store_call_put(struct store *s, struct call_row *call, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, CALL_PUT, err);

	if (!q)
		return false;
	bind_text(q, 1, call->model);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)call->request_hash);
	bind_text(q, 3, call->request);
	bind_text(q, 4, call->output);
	bind_text(q, 5, call->scores);
	bind_text(q, 6, call->status);
	sqlite3_bind_int64(q, 7, (sqlite3_int64)call->input_tokens);
	sqlite3_bind_int64(q, 8, (sqlite3_int64)call->output_tokens);
	sqlite3_bind_double(q, 9, call->ms);
	bind_text(q, 10, call->why);
	sqlite3_bind_int64(q, 11, (sqlite3_int64)call->cache_read);
	sqlite3_bind_int64(q, 12, (sqlite3_int64)call->cache_written);
	sqlite3_bind_int64(q, 13, (sqlite3_int64)call->reasoning);
	sqlite3_bind_double(q, 14, call->first_ms);
	if (call->has_usd)
		sqlite3_bind_double(q, 15, call->usd);
	if (!database_done(&s->base, q, err))
		return false;
	if (sqlite3_changes(s->base.db) == 1) {
		call->id = sqlite3_last_insert_rowid(s->base.db);
		return true;
	}
	/* Somebody else stored the same request first: theirs counts. */
	if (!(q = database_statement(&s->base, CALL_FIND, err)))
		return false;
	bind_text(q, 1, call->model);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)call->request_hash);
	if (sqlite3_step(q) != SQLITE_ROW)
		return database_fail(&s->base, err);
	call->id = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return true;
}

static bool put_sample(struct store *s, int64_t run, const struct answer_row *a, size_t number, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, SAMPLE_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	bind_text(q, 2, a->variant);
	bind_text(q, 3, a->item);
	bind_text(q, 4, a->split);
	sqlite3_bind_int64(q, 5, (sqlite3_int64)number);
	sqlite3_bind_int64(q, 6, a->samples[number]);
	return database_done(&s->base, q, err);
}

bool store_answer_put(struct store *s, int64_t run, const struct answer_row *a, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, ANSWER_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	bind_text(q, 2, a->variant);
	bind_text(q, 3, a->item);
	bind_text(q, 4, a->split);
	if (a->call)
		sqlite3_bind_int64(q, 5, a->call);
	bind_text(q, 6, a->answer);
	bind_text(q, 7, a->status);
	sqlite3_bind_double(q, 8, a->ms);
	bind_text(q, 9, a->evidence);
	if (a->confidence > 0)
		sqlite3_bind_double(q, 10, a->confidence);
	if (!database_done(&s->base, q, err))
		return false;
	for (size_t i = 0; i < a->n_samples; i++)
		if (!put_sample(s, run, a, i, err))
			return false;
	return true;
}

static void read_answer(struct arena *arena, sqlite3_stmt *q, struct answer_row *a)
{
	a->item = column_text(arena, q, 0);
	a->call = sqlite3_column_int64(q, 1);
	a->answer = column_text(arena, q, 2);
	a->status = column_text(arena, q, 3);
	a->ms = sqlite3_column_double(q, 4);
	a->input_tokens = (size_t)sqlite3_column_int64(q, 5);
	a->output_tokens = (size_t)sqlite3_column_int64(q, 6);
	a->calls = (size_t)sqlite3_column_int64(q, 7);
	a->evidence = column_text(arena, q, 8);
	a->scored = sqlite3_column_int(q, 9) != 0;
	a->written = sqlite3_column_int(q, 10) != 0;
	a->usd = sqlite3_column_type(q, 11) == SQLITE_NULL ? NAN : sqlite3_column_double(q, 11);
	a->confidence = sqlite3_column_double(q, 12); /* of NULL: 0 */
}

bool store_answers(struct store *s, int64_t run, const char *variant, const char *split, struct arena *arena,
		   struct answer_row **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, ANSWERS, err);
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	bind_text(q, 2, variant);
	bind_text(q, 3, split);
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		struct answer_row *a = &(*rows)[(*n)++];

		a->variant = variant;
		a->split = split;
		read_answer(arena, q, a);
	}
	return database_ended(&s->base, q, code, err);
}

bool store_answer_calls(struct store *s, int64_t run, const struct answer_row *a, struct arena *arena,
			struct call_row **calls, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, SAMPLES, err);
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	bind_text(q, 2, a->variant);
	bind_text(q, 3, a->item);
	bind_text(q, 4, a->split);
	*calls = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*calls = rows_grown(arena, *calls, *n, sizeof(**calls));
		read_call(arena, q, &(*calls)[(*n)++]);
	}
	sqlite3_reset(q);
	if (code != SQLITE_DONE)
		return database_fail(&s->base, err);
	if (*n > 0 || !a->call)
		return true;
	*calls = arena_alloc(arena, sizeof(**calls));
	*n = 1;
	return store_call_get(s, arena, a->call, *calls, err);
}

/* A count of calls and their time. */
static bool read_spent(struct store *s, enum statement which, int64_t run, const char *split, size_t *calls, double *ms, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, which, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	if (split)
		bind_text(q, 2, split);
	if (sqlite3_step(q) != SQLITE_ROW)
		return database_fail(&s->base, err);
	*calls = (size_t)sqlite3_column_int64(q, 0);
	*ms = sqlite3_column_double(q, 1);
	sqlite3_reset(q);
	return true;
}

bool store_spent(struct store *s, int64_t run, const char *split, size_t *calls, double *ms, struct error *err)
{
	return read_spent(s, SPENT, run, split, calls, ms, err);
}

bool store_spent_here(struct store *s, int64_t run, size_t *calls, double *ms, struct error *err)
{
	return read_spent(s, SPENT_HERE, run, NULL, calls, ms, err);
}

bool store_replayed(struct store *s, int64_t run, size_t *calls, struct error *err)
{
	double ms;

	return read_spent(s, REPLAYED, run, NULL, calls, &ms, err);
}
