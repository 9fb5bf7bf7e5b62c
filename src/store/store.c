/* store.c - the SQLite file behind store.h. Every statement of the project stands in the table below. */
#include "store/store.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/file.h"

enum { SCHEMA_VERSION = 3 };

static const char schema_sql[] =
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
static const char version_2_sql[] =
	"ALTER TABLE call ADD COLUMN why TEXT;"
	"CREATE TABLE sample(run INTEGER NOT NULL REFERENCES run(id), variant TEXT NOT NULL, item TEXT NOT NULL,"
	" split TEXT NOT NULL, number INTEGER NOT NULL, call INTEGER NOT NULL REFERENCES call(id),"
	" PRIMARY KEY(run, variant, item, split, number)) WITHOUT ROWID;"
	"PRAGMA user_version = 2;";

/* Version 3: what an answer stands on. */
static const char version_3_sql[] = "ALTER TABLE answer ADD COLUMN evidence TEXT; PRAGMA user_version = 3;";

/* upgrades[v] leads from version v to v + 1. */
static const char *const upgrades[SCHEMA_VERSION] = { schema_sql, version_2_sql, version_3_sql };

enum statement {
	RUN_INSERT, RUN_FIND, RUN_TOUCH, RUN_FINISH, RUN_LATEST, RUN_LATEST_SEED, VARIANT_PUT, VARIANTS, CALL_FIND, CALL_GET,
	CALL_PUT, ANSWER_PUT, SAMPLE_PUT, SAMPLES, ANSWERS, SPENT, N_STATEMENTS
};

#define RUN_COLUMNS "id, key, examples, seed, fingerprint, settings, state"
#define CALL_COLUMNS "id, model, request_hash, request, output, scores, status, input_tokens, output_tokens, ms, why"

static const char *const statement_sql[N_STATEMENTS] = {
	[RUN_INSERT] = "INSERT OR IGNORE INTO run(key, examples, seed, fingerprint, settings, state, begun)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, 'running', 0)",
	[RUN_FIND] = "SELECT " RUN_COLUMNS " FROM run WHERE key = ?1",
	[RUN_TOUCH] = "UPDATE run SET begun = (SELECT max(begun) + 1 FROM run) WHERE id = ?1",
	[RUN_FINISH] = "UPDATE run SET state = 'done' WHERE id = ?1",
	[RUN_LATEST] = "SELECT " RUN_COLUMNS " FROM run ORDER BY begun DESC LIMIT 1",
	[RUN_LATEST_SEED] = "SELECT " RUN_COLUMNS " FROM run WHERE seed = ?1 ORDER BY begun DESC LIMIT 1",
	[VARIANT_PUT] = "INSERT OR REPLACE INTO variant(run, id, name, model, rung, position, incumbent, candidate,"
			" calls_model, status, why, recipe) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
	[VARIANTS] = "SELECT id, name, model, rung, position, incumbent, candidate, calls_model, status, why, recipe"
		     " FROM variant WHERE run = ?1 ORDER BY position",
	[CALL_FIND] = "SELECT " CALL_COLUMNS " FROM call WHERE model = ?1 AND request_hash = ?2",
	[CALL_GET] = "SELECT " CALL_COLUMNS " FROM call WHERE id = ?1",
	[CALL_PUT] = "INSERT OR IGNORE INTO call(model, request_hash, request, output, scores, status, input_tokens,"
		     " output_tokens, ms, why) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[ANSWER_PUT] = "INSERT OR IGNORE INTO answer(run, variant, item, split, call, answer, status, ms, evidence)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SAMPLE_PUT] = "INSERT OR IGNORE INTO sample(run, variant, item, split, number, call)"
		       " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[SAMPLES] = "SELECT c.id, model, request_hash, request, output, scores, status, input_tokens, output_tokens,"
		    " ms, why FROM sample s JOIN call c ON c.id = s.call"
		    " WHERE s.run = ?1 AND s.variant = ?2 AND s.item = ?3 AND s.split = ?4 ORDER BY s.number",
	[ANSWERS] = "SELECT a.item, a.call, a.answer, a.status, a.ms, coalesce(s.input, c.input_tokens),"
		    " coalesce(s.output, c.output_tokens), coalesce(s.n, a.call IS NOT NULL), a.evidence"
		    " FROM answer a LEFT JOIN call c ON c.id = a.call LEFT JOIN"
		    " (SELECT item, count(*) n, sum(input_tokens) input, sum(output_tokens) output FROM sample"
		    " JOIN call ON call.id = sample.call WHERE run = ?1 AND variant = ?2 AND split = ?3"
		    " GROUP BY item) s ON s.item = a.item WHERE a.run = ?1 AND a.variant = ?2 AND a.split = ?3",
	[SPENT] = "SELECT count(*), total(ms) FROM call WHERE id IN"
		  " (SELECT call FROM answer WHERE run = ?1 AND split = ?2 UNION SELECT call FROM sample WHERE run = ?1 AND split = ?2)",
};

struct store {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *statements[N_STATEMENTS]; /* prepared on first use */
};

static bool fail(struct store *s, struct error *err)
{
	int code = sqlite3_errcode(s->db);

	if (code == SQLITE_FULL || code == SQLITE_IOERR)
		return error_set(err, "%s: cannot write (%s): the disk or the file size limit is full; make room and run the "
				 "same command again to resume", s->path, sqlite3_errmsg(s->db));
	return error_set(err, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

static bool execute(struct store *s, const char *sql, struct error *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(s, err);
}

static bool user_version(struct store *s, int *version, struct error *err)
{
	sqlite3_stmt *q = NULL;

	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL) != SQLITE_OK || sqlite3_step(q) != SQLITE_ROW) {
		sqlite3_finalize(q);
		return fail(s, err);
	}
	*version = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return true;
}

static bool table_exists(struct store *s, const char *name)
{
	return sqlite3_table_column_metadata(s->db, NULL, name, NULL, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

/* Brings a fresh file to the schema, refuses what this program cannot read. */
static bool prepare_schema(struct store *s, bool fresh, struct error *err)
{
	int version = 0;

	if (!user_version(s, &version, err))
		return false;
	if (version > SCHEMA_VERSION)
		return error_set(err, "%s: written by a newer rung (store version %d, this program knows %d); upgrade rung or "
				 "name another file with --store", s->path, version, (int)SCHEMA_VERSION);
	if (version == 0 && !fresh && sqlite3_table_column_metadata(s->db, NULL, "sqlite_schema", NULL, NULL, NULL, NULL,
								    NULL, NULL) == SQLITE_OK && !table_exists(s, "run")) {
		sqlite3_stmt *q = NULL;
		bool empty = sqlite3_prepare_v2(s->db, "SELECT 1 FROM sqlite_schema", -1, &q, NULL) == SQLITE_OK &&
			     sqlite3_step(q) == SQLITE_DONE;

		sqlite3_finalize(q);
		if (!empty)
			return error_set(err, "%s: an SQLite file of another program; name another file with --store", s->path);
	}
	if (!execute(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", err))
		return false;
	if (version == SCHEMA_VERSION)
		return true;
	if (!execute(s, "BEGIN IMMEDIATE", err))
		return false;
	for (; version < SCHEMA_VERSION; version++)
		if (!execute(s, upgrades[version], err))
			return false;
	return execute(s, "COMMIT", err);
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

struct store *store_open(const char *path, bool create, struct error *err)
{
	bool fresh = !file_exists(path);
	struct store *s;

	if (strncmp(path, "postgres://", 11) == 0 || strncmp(path, "postgresql://", 13) == 0) {
		error_set(err, "%.20s...: PostgreSQL stores are planned but not there yet; name a file with --store", path);
		return NULL;
	}
	if (fresh && !create) {
		error_set(err, "%s: no store here; run `rung climb` first", path);
		return NULL;
	}
	if (fresh && !make_parent(path, err))
		return NULL;
	s = mem_zero(1, sizeof(*s));
	s->path = mem_string(path);
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), NULL) != SQLITE_OK) {
		fail(s, err);
		goto failed;
	}
	sqlite3_busy_timeout(s->db, 10000);
	if (prepare_schema(s, fresh, err))
		return s;
failed:
	store_close(s);
	if (fresh)
		remove_files(path);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < N_STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}

bool store_begin(struct store *s, struct error *err)
{
	return execute(s, "BEGIN IMMEDIATE", err);
}

bool store_commit(struct store *s, struct error *err)
{
	return execute(s, "COMMIT", err);
}

void store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* The prepared statement, reset; NULL and the sentence when it cannot be prepared. */
static sqlite3_stmt *statement(struct store *s, enum statement which, struct error *err)
{
	sqlite3_stmt **q = &s->statements[which];

	if (!*q && sqlite3_prepare_v2(s->db, statement_sql[which], -1, q, NULL) != SQLITE_OK) {
		fail(s, err);
		return NULL;
	}
	sqlite3_reset(*q);
	sqlite3_clear_bindings(*q);
	return *q;
}

static void bind_text(sqlite3_stmt *q, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC);
}

static bool step_done(struct store *s, sqlite3_stmt *q, struct error *err)
{
	bool done = sqlite3_step(q) == SQLITE_DONE || fail(s, err);

	sqlite3_reset(q);
	return done;
}

static const char *column_text(struct arena *arena, sqlite3_stmt *q, int at)
{
	const unsigned char *text = sqlite3_column_text(q, at);

	return text ? arena_copy(arena, (const char *)text, (size_t)sqlite3_column_bytes(q, at)) : NULL;
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
	sqlite3_stmt *q = statement(s, RUN_INSERT, err);

	if (!q)
		return false;
	bind_text(q, 1, run->key);
	bind_text(q, 2, run->examples);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)run->seed);
	sqlite3_bind_int64(q, 4, (sqlite3_int64)run->fingerprint);
	bind_text(q, 5, run->settings);
	if (!step_done(s, q, err) || !(q = statement(s, RUN_FIND, err)))
		return false;
	bind_text(q, 1, run->key);
	if (sqlite3_step(q) != SQLITE_ROW)
		return fail(s, err);
	read_run(arena, q, run);
	sqlite3_reset(q);
	if (!(q = statement(s, RUN_TOUCH, err)))
		return false;
	sqlite3_bind_int64(q, 1, run->id);
	return step_done(s, q, err);
}

bool store_run_finish(struct store *s, int64_t run, struct error *err)
{
	sqlite3_stmt *q = statement(s, RUN_FINISH, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	return step_done(s, q, err);
}

bool store_run_latest(struct store *s, struct arena *arena, const uint64_t *seed, struct run_row *run, bool *found,
		      struct error *err)
{
	sqlite3_stmt *q = statement(s, seed ? RUN_LATEST_SEED : RUN_LATEST, err);

	if (!q)
		return false;
	if (seed)
		sqlite3_bind_int64(q, 1, (sqlite3_int64)*seed);
	int code = sqlite3_step(q);

	*found = code == SQLITE_ROW;
	if (*found)
		read_run(arena, q, run);
	sqlite3_reset(q);
	return code == SQLITE_ROW || code == SQLITE_DONE || fail(s, err);
}

bool store_variant_put(struct store *s, int64_t run, const struct variant_row *v, struct error *err)
{
	sqlite3_stmt *q = statement(s, VARIANT_PUT, err);

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
	return step_done(s, q, err);
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

/* Room for one more row of `size` bytes in an array that lives in the arena; old arrays are left to it. */
static void *grown(struct arena *arena, void *rows, size_t n, size_t size)
{
	if (n < 16 ? n != 0 : (n & (n - 1)) != 0)
		return rows;
	size_t capacity = n < 16 ? 16 : n * 2;
	void *bigger = arena_array(arena, capacity, size);

	if (n)
		memcpy(bigger, rows, n * size);
	return bigger;
}

bool store_variants(struct store *s, int64_t run, struct arena *arena, struct variant_row **rows, size_t *n,
		    struct error *err)
{
	sqlite3_stmt *q = statement(s, VARIANTS, err);
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = grown(arena, *rows, *n, sizeof(**rows));
		read_variant(arena, q, &(*rows)[(*n)++]);
	}
	sqlite3_reset(q);
	return code == SQLITE_DONE || fail(s, err);
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
	};
}

bool store_call_find(struct store *s, struct arena *arena, const char *model, uint64_t request_hash,
		     struct call_row *call, bool *found, struct error *err)
{
	sqlite3_stmt *q = statement(s, CALL_FIND, err);

	if (!q)
		return false;
	bind_text(q, 1, model);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)request_hash);
	int code = sqlite3_step(q);

	*found = code == SQLITE_ROW;
	if (*found)
		read_call(arena, q, call);
	sqlite3_reset(q);
	return code == SQLITE_ROW || code == SQLITE_DONE || fail(s, err);
}

bool store_call_get(struct store *s, struct arena *arena, int64_t id, struct call_row *call, struct error *err)
{
	sqlite3_stmt *q = statement(s, CALL_GET, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, id);
	int code = sqlite3_step(q);

	if (code == SQLITE_ROW)
		read_call(arena, q, call);
	sqlite3_reset(q);
	if (code == SQLITE_DONE)
		return error_set(err, "%s: call %lld is missing; the store was edited by another program", s->path,
				 (long long)id);
	return code == SQLITE_ROW || fail(s, err);
}

bool store_call_put(struct store *s, struct call_row *call, struct error *err)
{
	sqlite3_stmt *q = statement(s, CALL_PUT, err);

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
	if (!step_done(s, q, err))
		return false;
	if (sqlite3_changes(s->db) == 1) {
		call->id = sqlite3_last_insert_rowid(s->db);
		return true;
	}
	/* Somebody else stored the same request first: theirs counts. */
	if (!(q = statement(s, CALL_FIND, err)))
		return false;
	bind_text(q, 1, call->model);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)call->request_hash);
	if (sqlite3_step(q) != SQLITE_ROW)
		return fail(s, err);
	call->id = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return true;
}

static bool put_sample(struct store *s, int64_t run, const struct answer_row *a, size_t number, struct error *err)
{
	sqlite3_stmt *q = statement(s, SAMPLE_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	bind_text(q, 2, a->variant);
	bind_text(q, 3, a->item);
	bind_text(q, 4, a->split);
	sqlite3_bind_int64(q, 5, (sqlite3_int64)number);
	sqlite3_bind_int64(q, 6, a->samples[number]);
	return step_done(s, q, err);
}

bool store_answer_put(struct store *s, int64_t run, const struct answer_row *a, struct error *err)
{
	sqlite3_stmt *q = statement(s, ANSWER_PUT, err);

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
	if (!step_done(s, q, err))
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
}

bool store_answers(struct store *s, int64_t run, const char *variant, const char *split, struct arena *arena,
		   struct answer_row **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = statement(s, ANSWERS, err);
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	bind_text(q, 2, variant);
	bind_text(q, 3, split);
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = grown(arena, *rows, *n, sizeof(**rows));
		struct answer_row *a = &(*rows)[(*n)++];

		a->variant = variant;
		a->split = split;
		read_answer(arena, q, a);
	}
	sqlite3_reset(q);
	return code == SQLITE_DONE || fail(s, err);
}

bool store_answer_calls(struct store *s, int64_t run, const struct answer_row *a, struct arena *arena,
			struct call_row **calls, size_t *n, struct error *err)
{
	sqlite3_stmt *q = statement(s, SAMPLES, err);
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
		*calls = grown(arena, *calls, *n, sizeof(**calls));
		read_call(arena, q, &(*calls)[(*n)++]);
	}
	sqlite3_reset(q);
	if (code != SQLITE_DONE)
		return fail(s, err);
	if (*n > 0 || !a->call)
		return true;
	*calls = arena_alloc(arena, sizeof(**calls));
	*n = 1;
	return store_call_get(s, arena, a->call, *calls, err);
}

bool store_spent(struct store *s, int64_t run, const char *split, size_t *calls, double *ms, struct error *err)
{
	sqlite3_stmt *q = statement(s, SPENT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	bind_text(q, 2, split);
	if (sqlite3_step(q) != SQLITE_ROW)
		return fail(s, err);
	*calls = (size_t)sqlite3_column_int64(q, 0);
	*ms = sqlite3_column_double(q, 1);
	sqlite3_reset(q);
	return true;
}
