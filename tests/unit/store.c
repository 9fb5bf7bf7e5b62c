/* store.c - rows survive, transactions are whole, strangers' files are refused. */
#include "test.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"

static char folder[] = "/tmp/rung-store-XXXXXX";
static char path[128];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/deep/store.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "deep/store.db", "deep/store.db-wal", "deep/store.db-shm", "other.db", "deep", "" };
	char name[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "%s/%s", folder, names[i]);
		if (unlink(name) != 0)
			rmdir(name);
	}
	return 0;
}

static struct store *opened(void)
{
	struct error err;
	struct store *s = store_open(path, true, &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static void rows_come_back_as_they_went(void **state)
{
	struct store *s = opened();
	struct arena arena;
	struct error err;
	struct run_row run = { .key = "k", .examples = "", .seed = UINT64_MAX, .fingerprint = 1ull << 63, .settings = "{}" };
	struct run_row again = run;
	struct call_row call = { .model = "local", .request_hash = 1ull << 63, .request = "{}", .output = "spam",
				 .status = "ok", .input_tokens = 12, .output_tokens = 3, .ms = 1.5 };
	struct call_row found;
	struct answer_row *rows, answer = { .variant = "v", .item = "i", .split = "dev", .answer = "spam",
					    .status = "answered", .ms = 2 };
	size_t n, calls;
	double ms;
	struct call_row other = { .model = "local", .request_hash = 2, .request = "{}", .output = "work", .status = "ok" };
	bool there;

	(void)state;
	arena_init(&arena);
	assert_true(store_run_begin(s, &arena, &run, &err) && store_run_begin(s, &arena, &again, &err));
	assert_int_equal(run.id, again.id);
	assert_true(again.seed == UINT64_MAX && again.fingerprint == 1ull << 63);
	assert_true(store_call_put(s, &call, &err));
	assert_true(store_call_find(s, &arena, "local", 1ull << 63, &found, &there, &err) && there);
	assert_string_equal(found.output, "spam");
	assert_null(found.scores);
	assert_true(store_call_put(s, &other, &err));
	answer.call = call.id;
	assert_true(store_answer_put(s, run.id, &answer, &err));
	answer.answer = "work"; /* the first answer stays: a call is never overwritten */
	assert_true(store_answer_put(s, run.id, &answer, &err));
	answer.variant = "w";
	assert_true(store_answer_put(s, run.id, &answer, &err));
	assert_true(store_answers(s, run.id, "v", "dev", &arena, &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].answer, "spam");
	assert_int_equal(rows[0].input_tokens, 12);
	assert_true(store_spent(s, run.id, "dev", &calls, &ms, &err));
	assert_int_equal(calls, 1); /* two variants, one call */
	answer.split = "prior";
	assert_true(store_answer_put(s, run.id, &answer, &err));
	assert_true(store_spent(s, run.id, NULL, &calls, &ms, &err));
	assert_int_equal(calls, 1); /* nor do two splits make it two */
	answer.split = "test";
	answer.call = other.id;
	assert_true(store_answer_put(s, run.id, &answer, &err));
	assert_true(store_spent(s, run.id, NULL, &calls, &ms, &err));
	assert_int_equal(calls, 1);
	assert_true(store_spent(s, run.id, "test", &calls, &ms, &err));
	assert_int_equal(calls, 1);
	arena_release(&arena);
	store_close(s);
}

static void curves_come_back_in_order(void **state)
{
	struct store *s = opened();
	struct run_row run = { .key = "curves", .examples = "", .settings = "{}" };
	struct curve_row row = { .variant = "0/words", .n = 40, .seed = 2, .items = 90, .score = .5 }, *rows;
	struct arena arena;
	struct error err;
	size_t n;

	(void)state;
	arena_init(&arena);
	assert_true(store_run_begin(s, &arena, &run, &err) && store_curve_put(s, run.id, &row, &err));
	row = (struct curve_row){ .variant = "0/words", .n = 20, .seed = 1, .items = 90, .score = .25 };
	assert_true(store_curve_put(s, run.id, &row, &err));
	row.score = .375; /* the last one counts */
	assert_true(store_curve_put(s, run.id, &row, &err) && store_curves(s, run.id, &arena, &rows, &n, &err));
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].n, 20);
	assert_true(rows[0].score == .375 && rows[1].score == .5 && rows[1].seed == 2 && rows[1].items == 90);
	assert_true(store_curves(s, run.id + 1, &arena, &rows, &n, &err) && n == 0);
	arena_release(&arena);
	store_close(s);
}

/* A report is read while a climb is in the middle of a batch, and the file stays as it was. */
static void a_reader_needs_no_turn(void **state)
{
	struct store *writer = opened(), *reader;
	struct run_row run = { .key = "read", .examples = "", .settings = "{}" };
	struct arena arena;
	struct error err;
	bool found;

	(void)state;
	arena_init(&arena);
	assert_true(store_run_begin(writer, &arena, &run, &err) && store_begin(writer, &err));
	reader = store_open(path, false, &err);
	if (!reader)
		fail_msg("%s", err.text);
	assert_true(store_run_latest(reader, &arena, NULL, &run, &found, &err) && found);
	store_close(reader);
	assert_true(store_commit(writer, &err));
	arena_release(&arena);
	store_close(writer);
}

static void a_transaction_is_whole_or_nothing(void **state)
{
	struct store *s = opened();
	struct arena arena;
	struct error err;
	struct call_row call = { .model = "m", .request_hash = 7, .request = "{}", .status = "ok" };
	bool there;

	(void)state;
	arena_init(&arena);
	assert_true(store_begin(s, &err) && store_call_put(s, &call, &err));
	store_close(s); /* as a killed process would leave it */
	s = opened();
	assert_true(store_call_find(s, &arena, "m", 7, &call, &there, &err));
	assert_false(there);
	arena_release(&arena);
	store_close(s);
}

static void make_database(const char *file, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* One that was sent is replaced by what became of it; sums are of one run. */
static void attempts_are_summed_by_model(void **state)
{
	struct store *s = opened();
	struct arena arena;
	struct error err;
	struct attempt_sum *sums;
	struct attempt_row rows[] = {
		{ .run = 7, .model = "a", .request_hash = 1, .end = "sent" },
		{ .run = 7, .model = "a", .request_hash = 2, .end = "sent" },
		{ .run = 7, .model = "a", .request_hash = 2, .end = "failed", .status = 500 },
		{ .run = 7, .model = "a", .request_hash = 3, .end = "cached" },
		{ .run = 7, .model = "b", .request_hash = 1, .end = "answered", .input_tokens = 5 },
		{ .run = 8, .model = "b", .request_hash = 1, .end = "answered", .input_tokens = 9 },
	};
	size_t n;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(store_attempt_put(s, &rows[i], &err));
	rows[0].end = "answered";
	rows[0].status = 200;
	rows[0].input_tokens = 100;
	rows[0].output_tokens = 10;
	rows[0].cache_read = 60;
	rows[0].cache_written = 30;
	assert_true(store_attempt_put(s, &rows[0], &err));
	assert_true(store_attempts(s, 7, &arena, &sums, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(sums[0].model, "a");
	assert_int_equal(sums[0].answered, 1);
	assert_int_equal(sums[0].failed, 1);
	assert_int_equal(sums[0].unknown, 1);
	assert_int_equal(sums[0].cached, 1);
	assert_int_equal(sums[0].input_tokens, 100);
	assert_int_equal(sums[0].output_tokens, 10);
	assert_int_equal(sums[0].cache_read, 60);
	assert_int_equal(sums[0].cache_written, 30);
	assert_int_equal(sums[1].answered, 1);
	assert_int_equal(sums[1].input_tokens, 5);
	arena_release(&arena);
	store_close(s);
}

static void the_last_of_a_server_counts(void **state)
{
	struct store *s = opened();
	struct error err;
	struct server_row found, first = { "m", 3, 1 }, second = { "m", 1u << 31, 0 };

	(void)state;
	assert_true(store_server_find(s, "m", &found, &err));
	assert_true(found.lacks == 0 && found.known == 0);
	assert_true(store_server_put(s, &first, &err) && store_server_put(s, &second, &err));
	store_close(s);
	s = opened();
	assert_true(store_server_find(s, "m", &found, &err));
	assert_true(found.lacks == 1u << 31 && found.known == 0);
	assert_true(store_server_find(s, "n", &found, &err) && found.lacks == 0);
	store_close(s);
}

static void grades_of_one_scorer_come_back(void **state)
{
	struct store *s = opened();
	struct arena arena;
	struct error err;
	struct grade_row *rows, grades[] = {
		{ .scorer = 1, .item = "i", .answer = 1ull << 63, .score = .5, .why = "half" },
		{ .scorer = 1, .item = "j", .answer = 2, .score = NAN },
		{ .scorer = 2, .item = "i", .answer = 1ull << 63, .score = 1 },
		{ .scorer = 1, .item = "j", .answer = 2, .score = .25 },
	};
	size_t n;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < 3; i++)
		assert_true(store_grade_put(s, &grades[i], &err));
	assert_true(store_grades(s, 1, &arena, &rows, &n, &err));
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].why, "half");
	assert_true(rows[0].answer == 1ull << 63 && rows[0].score == .5);
	assert_true(isnan(rows[1].score));
	assert_true(store_grade_put(s, &grades[3], &err));
	assert_true(store_grades(s, 1, &arena, &rows, &n, &err));
	assert_true(n == 2 && rows[1].score == .25);
	arena_release(&arena);
	store_close(s);
}

/* What version 1 lacked is added; its rows stay. */
static void a_store_of_version_1_is_upgraded(void **state)
{
	struct call_row old = { .model = "m", .request_hash = 8, .request = "{}", .output = "spam", .status = "ok" };
	struct call_row new = { .model = "m", .request_hash = 9, .request = "{}", .status = "truncated", .why = "Too long." };
	struct store *s = opened();
	struct arena arena;
	struct call_row found;
	struct error err;
	bool there;

	(void)state;
	arena_init(&arena);
	assert_true(store_call_put(s, &old, &err));
	store_close(s);
	make_database(path, "DROP TABLE curve; DROP TABLE sample; DROP TABLE attempt; DROP TABLE grade; DROP TABLE batch; DROP TABLE wording; DROP TABLE server; ALTER TABLE call DROP COLUMN why; "
		      "ALTER TABLE call DROP COLUMN cache_read; ALTER TABLE call DROP COLUMN cache_written; ALTER TABLE call DROP COLUMN reasoning; "
		      "ALTER TABLE call DROP COLUMN first_ms; ALTER TABLE call DROP COLUMN usd; ALTER TABLE answer DROP COLUMN evidence; ALTER TABLE answer DROP COLUMN confidence; PRAGMA user_version = 1");
	s = opened();
	assert_true(store_call_find(s, &arena, "m", 8, &found, &there, &err) && there);
	assert_string_equal(found.output, "spam");
	assert_null(found.why);
	assert_true(store_call_put(s, &new, &err));
	assert_true(store_call_get(s, &arena, new.id, &found, &err));
	assert_string_equal(found.why, "Too long.");
	arena_release(&arena);
	store_close(s);
}

static void wordings_are_the_run_s(void **state)
{
	struct wording_row kept = { 1, 1, "openai:w", "1/zero-shot@m", "1/zero-shot-rewritten-1@m", "Say {{labels}}.", NULL };
	struct wording_row dropped = { 1, 2, "openai:w", "1/zero-shot@m", NULL, "Say it.", "it lacks {{labels}}" };
	struct wording_row nothing = { 2, 0, "openai:w", "1/zero-shot-rewritten-1@m", NULL, NULL, "nothing failed" }, *rows;
	struct run_row run = { .key = "wordings", .examples = "", .settings = "{}" };
	struct store *s = opened();
	struct arena arena;
	struct error err;
	size_t n;

	(void)state;
	arena_init(&arena);
	assert_true(store_run_begin(s, &arena, &run, &err));
	for (int again = 0; again < 2; again++)
		assert_true(store_wording_put(s, run.id, &nothing, &err) && store_wording_put(s, run.id, &dropped, &err) &&
			    store_wording_put(s, run.id, &kept, &err));
	assert_true(store_wordings(s, run.id + 1, &arena, &rows, &n, &err) && n == 0);
	assert_true(store_wordings(s, run.id, &arena, &rows, &n, &err));
	assert_int_equal(n, 3);
	assert_string_equal(rows[0].variant, kept.variant);
	assert_null(rows[0].why);
	assert_null(rows[1].variant);
	assert_string_equal(rows[1].why, dropped.why);
	assert_true(rows[2].round == 2 && rows[2].number == 0 && !rows[2].text);
	assert_string_equal(rows[2].base, nothing.base);
	arena_release(&arena);
	store_close(s);
}

static void strangers_are_refused(void **state)
{
	char other[160];
	struct error err;

	(void)state;
	snprintf(other, sizeof(other), "%s/other.db", folder);
	assert_null(store_open(other, false, &err));
	assert_non_null(strstr(err.text, "rung climb"));
	make_database(other, "PRAGMA user_version = 99");
	assert_null(store_open(other, true, &err));
	assert_non_null(strstr(err.text, "newer rung (store version 99"));
	unlink(other);
	make_database(other, "CREATE TABLE diary(day)");
	assert_null(store_open(other, true, &err));
	assert_non_null(strstr(err.text, "another program"));
	assert_null(store_open("/proc/nowhere/store.db", true, &err));
	assert_null(store_open("postgres://localhost/x", true, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_back_as_they_went),
		cmocka_unit_test(a_reader_needs_no_turn),
		cmocka_unit_test(curves_come_back_in_order),
		cmocka_unit_test(a_transaction_is_whole_or_nothing),
		cmocka_unit_test(attempts_are_summed_by_model),
		cmocka_unit_test(the_last_of_a_server_counts),
		cmocka_unit_test(grades_of_one_scorer_come_back),
		cmocka_unit_test(a_store_of_version_1_is_upgraded),
		cmocka_unit_test(wordings_are_the_run_s),
		cmocka_unit_test(strangers_are_refused),
	};

	return cmocka_run_group_tests_name("store", tests, make_folder, remove_folder);
}
