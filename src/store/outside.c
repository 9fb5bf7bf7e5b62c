/* outside.c - what went to providers, the grades of those outside, curves and wordings: rows of store.c's file */
#include <math.h>

#include "base/hash.h"
#include "store/store_inner.h"

bool store_attempt_put(struct store *s, struct attempt_row *a, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, ATTEMPT_PUT, err);

	if (!q)
		return false;
	if (a->id)
		sqlite3_bind_int64(q, 1, a->id);
	sqlite3_bind_int64(q, 2, a->run);
	bind_text(q, 3, a->model);
	sqlite3_bind_int64(q, 4, (sqlite3_int64)a->request_hash);
	bind_text(q, 5, a->end);
	sqlite3_bind_int(q, 6, a->status);
	sqlite3_bind_int64(q, 7, (sqlite3_int64)a->input_tokens);
	sqlite3_bind_int64(q, 8, (sqlite3_int64)a->output_tokens);
	sqlite3_bind_int64(q, 9, (sqlite3_int64)a->cache_read);
	sqlite3_bind_int64(q, 10, (sqlite3_int64)a->cache_written);
	sqlite3_bind_double(q, 11, a->ms);
	sqlite3_bind_double(q, 12, a->first_ms);
	bind_text(q, 13, a->why);
	sqlite3_bind_int(q, 14, a->batch);
	if (!database_done(&s->base, q, err))
		return false;
	a->id = sqlite3_last_insert_rowid(s->base.db);
	return true;
}

bool store_attempts(struct store *s, int64_t run, struct arena *arena, struct attempt_sum **sums, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, ATTEMPTS, err);
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	*sums = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		size_t counts[8];

		for (int i = 0; i < 8; i++)
			counts[i] = (size_t)sqlite3_column_int64(q, i + 2);
		*sums = rows_grown(arena, *sums, *n, sizeof(**sums));
		(*sums)[(*n)++] = (struct attempt_sum){ column_text(arena, q, 0), sqlite3_column_int(q, 1) != 0, counts[0], counts[1], counts[2], counts[3],
							counts[4], counts[5], counts[6], counts[7] };
	}
	return database_ended(&s->base, q, code, err);
}

bool store_attempts_move(struct store *s, int64_t from, int64_t to, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, ATTEMPTS_MOVE, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, from);
	sqlite3_bind_int64(q, 2, to);
	return database_done(&s->base, q, err);
}

bool store_texts_taken(struct store *s, const char *model, bool single, size_t *calls, size_t *tokens, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, TEXTS_TAKEN, err);
	int code;

	if (!q)
		return false;
	bind_text(q, 1, model);
	sqlite3_bind_int(q, 2, single);
	code = sqlite3_step(q);
	if (code == SQLITE_ROW) {
		*calls = (size_t)sqlite3_column_int64(q, 0);
		*tokens = (size_t)sqlite3_column_int64(q, 1);
		code = sqlite3_step(q);
	}
	return database_ended(&s->base, q, code, err);
}

bool store_batch_put(struct store *s, struct batch_row *b, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, BATCH_PUT, err);

	if (!q)
		return false;
	if (b->id)
		sqlite3_bind_int64(q, 1, b->id);
	bind_text(q, 2, b->model);
	bind_text(q, 3, b->name);
	sqlite3_bind_int64(q, 4, (sqlite3_int64)b->requests);
	bind_text(q, 5, b->state);
	sqlite3_bind_int64(q, 6, b->lacks);
	sqlite3_bind_int64(q, 7, b->begun);
	if (!database_done(&s->base, q, err))
		return false;
	b->id = sqlite3_last_insert_rowid(s->base.db);
	return true;
}

bool store_batches(struct store *s, const char *model, struct arena *arena, struct batch_row **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, BATCHES, err);
	int code;

	if (!q)
		return false;
	bind_text(q, 1, model);
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct batch_row){ .id = sqlite3_column_int64(q, 0), .model = model, .name = column_text(arena, q, 1),
						      .requests = (size_t)sqlite3_column_int64(q, 2), .state = column_text(arena, q, 3),
						      .lacks = (unsigned)sqlite3_column_int64(q, 4), .begun = sqlite3_column_int64(q, 5) };
	}
	return database_ended(&s->base, q, code, err);
}

bool store_server_put(struct store *s, const struct server_row *r, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, SERVER_PUT, err);

	if (!q)
		return false;
	bind_text(q, 1, r->model);
	sqlite3_bind_int64(q, 2, r->lacks);
	sqlite3_bind_int64(q, 3, r->known);
	return database_done(&s->base, q, err);
}

bool store_server_find(struct store *s, const char *model, struct server_row *r, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, SERVER_FIND, err);

	*r = (struct server_row){ .model = model };
	if (!q)
		return false;
	bind_text(q, 1, model);
	int code = sqlite3_step(q);

	if (code == SQLITE_ROW) {
		r->lacks = (unsigned)sqlite3_column_int64(q, 0);
		r->known = (unsigned)sqlite3_column_int64(q, 1);
		code = SQLITE_DONE;
	}
	return database_ended(&s->base, q, code, err);
}

bool store_grade_put(struct store *s, const struct grade_row *g, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, GRADE_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, (sqlite3_int64)g->scorer);
	bind_text(q, 2, g->item);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)g->answer);
	sqlite3_bind_double(q, 4, g->score); /* SQLite keeps NAN as NULL */
	if (g->call)
		sqlite3_bind_int64(q, 5, g->call);
	bind_text(q, 6, g->why);
	return database_done(&s->base, q, err);
}

bool store_grades(struct store *s, uint64_t scorer, struct arena *arena, struct grade_row **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, GRADES, err);
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, (sqlite3_int64)scorer);
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct grade_row){
			.scorer = scorer, .item = column_text(arena, q, 0), .answer = (uint64_t)sqlite3_column_int64(q, 1),
			.score = sqlite3_column_type(q, 2) == SQLITE_NULL ? NAN : sqlite3_column_double(q, 2),
			.call = sqlite3_column_int64(q, 3), .why = column_text(arena, q, 4),
		};
	}
	return database_ended(&s->base, q, code, err);
}

bool store_grades_spent(struct store *s, const uint64_t *scorers, size_t n, size_t *calls, size_t *input_tokens, size_t *output_tokens,
			double *ms, struct error *err)
{
	struct hash_map seen = { 0 };
	struct arena arena;
	bool read = true;

	*calls = *input_tokens = *output_tokens = 0;
	*ms = 0;
	arena_init(&arena);
	for (size_t i = 0; i < n && read; i++) {
		sqlite3_stmt *q = database_statement(&s->base, GRADE_CALLS, err);
		int code = SQLITE_DONE;

		if (q)
			sqlite3_bind_int64(q, 1, (sqlite3_int64)scorers[i]);
		while (q && (code = sqlite3_step(q)) == SQLITE_ROW) {
			int64_t id = sqlite3_column_int64(q, 0);
			const char *key = arena_copy(&arena, (const char *)&id, sizeof(id));

			if (hash_map_put(&seen, key, sizeof(id), *calls) != *calls)
				continue;
			++*calls;
			*input_tokens += (size_t)sqlite3_column_int64(q, 1);
			*output_tokens += (size_t)sqlite3_column_int64(q, 2);
			*ms += sqlite3_column_double(q, 3);
		}
		read = q && database_ended(&s->base, q, code, err);
	}
	hash_map_release(&seen);
	arena_release(&arena);
	return read;
}

bool store_curve_put(struct store *s, int64_t run, const struct curve_row *c, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, CURVE_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	bind_text(q, 2, c->variant);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)c->n);
	sqlite3_bind_int64(q, 4, (sqlite3_int64)c->seed);
	sqlite3_bind_int64(q, 5, (sqlite3_int64)c->items);
	sqlite3_bind_double(q, 6, c->score);
	return database_done(&s->base, q, err);
}

bool store_curves(struct store *s, int64_t run, struct arena *arena, struct curve_row **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, CURVES, err);
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct curve_row){
			.variant = column_text(arena, q, 0), .n = (size_t)sqlite3_column_int64(q, 1),
			.seed = (uint64_t)sqlite3_column_int64(q, 2), .items = (size_t)sqlite3_column_int64(q, 3),
			.score = sqlite3_column_double(q, 4),
		};
	}
	return database_ended(&s->base, q, code, err);
}

bool store_wording_put(struct store *s, int64_t run, const struct wording_row *w, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, WORDING_PUT, err);

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)w->round);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)w->number);
	bind_text(q, 4, w->author);
	bind_text(q, 5, w->base);
	bind_text(q, 6, w->variant);
	bind_text(q, 7, w->text);
	bind_text(q, 8, w->why);
	return database_done(&s->base, q, err);
}

bool store_wordings(struct store *s, int64_t run, struct arena *arena, struct wording_row **rows, size_t *n, struct error *err)
{
	sqlite3_stmt *q = database_statement(&s->base, WORDINGS, err);
	int code;

	if (!q)
		return false;
	sqlite3_bind_int64(q, 1, run);
	*rows = NULL;
	*n = 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		*rows = rows_grown(arena, *rows, *n, sizeof(**rows));
		(*rows)[(*n)++] = (struct wording_row){
			.round = (size_t)sqlite3_column_int64(q, 0), .number = (size_t)sqlite3_column_int64(q, 1),
			.author = column_text(arena, q, 2), .base = column_text(arena, q, 3), .variant = column_text(arena, q, 4),
			.text = column_text(arena, q, 5), .why = column_text(arena, q, 6),
		};
	}
	return database_ended(&s->base, q, code, err);
}
