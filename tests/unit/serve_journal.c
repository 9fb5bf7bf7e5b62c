/* serve_journal.c - what is handed over to the journal is stored, counted when it is not, and never waited for. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/journal.h"
#include "test.h"

static const double close_ms = 60e3;

/* A folder with the file in it, and what the journal says of its troubles. */
struct place {
	char folder[40], path[60];
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t notices;
	char last[200];
};

static void hear(void *context, const char *sentence)
{
	struct place *p = context;

	pthread_mutex_lock(&p->mutex);
	p->notices++;
	snprintf(p->last, sizeof(p->last), "%s", sentence);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mutex);
}

static void await_notices(struct place *p, size_t n)
{
	pthread_mutex_lock(&p->mutex);
	while (p->notices < n)
		pthread_cond_wait(&p->changed, &p->mutex);
	pthread_mutex_unlock(&p->mutex);
}

static void begin(struct place *p)
{
	*p = (struct place){ .folder = "/tmp/rung-journal-XXXXXX" };
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/served.db", p->folder);
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->changed, NULL);
}

static void end(struct place *p)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		char path[80];

		snprintf(path, sizeof(path), "%s%s", p->path, suffixes[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(p->folder), 0);
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->changed);
}

static struct journal *open_journal(struct place *p, size_t most_bytes)
{
	const struct journal_settings settings = { p->path, most_bytes, hear, p };
	struct error err = { 0 };
	struct journal *j = journal_open(&settings, &err);

	if (!j)
		fail_msg("%s", err.text);
	return j;
}

/* Another program's connection. */
static void execute(const struct place *p, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 60000);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* The first column of the first row, as a text; "" when there is none. */
static const char *value_of(const struct place *p, const char *sql)
{
	static char text[400];
	sqlite3 *db;
	sqlite3_stmt *q;

	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	text[0] = 0;
	if (sqlite3_step(q) == SQLITE_ROW && sqlite3_column_text(q, 0))
		snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	sqlite3_close(db);
	return text;
}

static struct served_counts counts_of(const struct place *p)
{
	struct error err = { 0 };
	struct served *s = served_open(p->path, false, &err);
	struct served_counts counts;

	assert_non_null(s);
	assert_true(served_count(s, &counts, &err));
	served_close(s);
	return counts;
}

/* A call whose texts are overwritten as soon as it was handed over. */
static bool hand_over_call(struct journal *j, const char *name)
{
	char id[40], task[40], input[40], output[40], why[40], subject[40];
	char *const all[] = { id, task, input, output, why, subject };
	static const char *const kinds[] = { "", "task ", "input ", "output ", "why ", "subject " };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		snprintf(all[i], 40, "%s%s", kinds[i], name);
	const struct served_call c = { .id = id, .began_ms = 1234567890123, .tenant = "tenant", .task = task, .variant = "v", .verdict = "switch",
				       .stream = true, .http = 200, .status = "answered", .why = why, .input_tokens = 3, .output_tokens = 4, .ms = 5.5,
				       .first_ms = NAN, .probability = .25, .propensity = 1, .subject = subject, .input = input, .output = output };
	bool taken = journal_call(j, &c);

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		memset(all[i], 'x', 39);
	return taken;
}

static bool hand_over_feedback(struct journal *j, const char *call, const char *name, double value, const char *said)
{
	char of[40], under[40], kind[40], text[40];

	snprintf(of, sizeof(of), "%s", call);
	snprintf(under, sizeof(under), "%s", name);
	snprintf(kind, sizeof(kind), "%s", said ? "comment" : "float");
	snprintf(text, sizeof(text), "%s", said ? said : "");
	const struct served_feedback f = { of, under, 99, kind, value, said ? text : NULL };
	bool taken = journal_feedback(j, &f);

	memset(of, 'x', 39);
	memset(under, 'x', 39);
	memset(kind, 'x', 39);
	memset(text, 'x', 39);
	return taken;
}

static bool hand_over_attempt(struct journal *j, const char *call, size_t n)
{
	char of[40], upstream[40], status[40], why[40];

	snprintf(of, sizeof(of), "%s", call);
	snprintf(upstream, sizeof(upstream), "openai:m%zu", n);
	snprintf(status, sizeof(status), "refused");
	snprintf(why, sizeof(why), "why %zu", n);
	const struct served_attempt a = { of, n, upstream, 7, status, 503, why, 12, 1.5, NAN };
	bool taken = journal_attempt(j, &a);

	memset(of, 'x', 39);
	memset(upstream, 'x', 39);
	memset(status, 'x', 39);
	memset(why, 'x', 39);
	return taken;
}

static void all_that_was_handed_over_is_there_after_closing(void **state)
{
	(void)state;
	enum { N = 3000 };
	struct place p;
	char name[40];

	begin(&p);
	struct journal *j = open_journal(&p, 0);

	for (size_t i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		assert_true(hand_over_call(j, name));
		assert_true(hand_over_feedback(j, name, "good", .5, NULL));
		assert_true(hand_over_attempt(j, name, 0));
		assert_true(hand_over_attempt(j, name, 1));
	}
	struct journal_counts counts = journal_counts(j);

	assert_int_equal(counts.written + counts.waiting, 4 * N);
	assert_int_equal(counts.dropped, 0);
	journal_close(j, close_ms);
	struct served_counts there = counts_of(&p);

	assert_int_equal(there.calls, N);
	assert_int_equal(there.bodies, N);
	assert_int_equal(there.feedback, N);
	assert_int_equal(there.attempts, 2 * N);
	assert_int_equal(there.orphans, 0);
	assert_int_equal(p.notices, 0);
	end(&p);
}

static void texts_are_copied(void **state)
{
	(void)state;
	struct place p;

	begin(&p);
	struct journal *j = open_journal(&p, 0);

	assert_true(hand_over_call(j, "a"));
	assert_true(hand_over_feedback(j, "a", "said", NAN, "well done"));
	assert_true(hand_over_attempt(j, "a", 2));
	journal_close(j, close_ms);
	assert_string_equal(value_of(&p, "SELECT id||'|'||began_ms||'|'||tenant||'|'||task||'|'||variant||'|'||verdict||'|'||stream||'|'||http||'|'||status"
					 "||'|'||why||'|'||input_tokens||'|'||output_tokens||'|'||ms||'|'||(first_ms IS NULL)||'|'||probability||'|'"
					 "||subject FROM served"),
			    "a|1234567890123|tenant|task a|v|switch|1|200|answered|why a|3|4|5.5|1|0.25|subject a");
	assert_string_equal(value_of(&p, "SELECT call||'|'||input||'|'||output FROM body"), "a|input a|output a");
	assert_string_equal(value_of(&p, "SELECT call||'|'||name||'|'||at_ms||'|'||kind||'|'||(value IS NULL)||'|'||text FROM feedback"),
			    "a|said|99|comment|1|well done");
	assert_string_equal(value_of(&p, "SELECT call||'|'||n||'|'||upstream||'|'||began_ms||'|'||status||'|'||http||'|'||why||'|'||bytes||'|'||ms"
					 " FROM attempt"),
			    "a|2|openai:m2|7|refused|503|why 2|12|1.5");
	end(&p);
}

/* Another writer has the file, so that nothing leaves the queue: who hands over does not wait, and what no longer fits is dropped. */
static void a_full_queue_drops_and_counts(void **state)
{
	(void)state;
	enum { N = 200 };
	struct place p;
	struct error err = { 0 };
	size_t taken = 0;
	char name[40];

	begin(&p);
	struct journal *j = open_journal(&p, 16384);
	struct served *other = served_open(p.path, false, &err);

	assert_non_null(other);
	assert_true(served_begin(other, &err));
	for (size_t i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		bool mine = hand_over_call(j, name);

		taken += mine;
		assert_int_equal(journal_knows(j, name, NULL), mine);
	}
	assert_in_range(taken, 2, N - 1);
	assert_false(hand_over_call(j, "late"));
	struct journal_counts counts = journal_counts(j);

	assert_int_equal(counts.waiting, taken);
	assert_int_equal(counts.dropped, N + 1 - taken);
	assert_int_equal(counts.written, 0);
	served_rollback(other);
	served_close(other);
	journal_close(j, close_ms);
	assert_int_equal(counts_of(&p).calls, taken);
	end(&p);
}

static void what_alone_is_too_large_is_dropped(void **state)
{
	(void)state;
	struct place p;

	begin(&p);
	struct journal *j = open_journal(&p, 1);

	assert_false(hand_over_call(j, "a"));
	assert_false(hand_over_feedback(j, "a", "good", 1, NULL));
	assert_false(journal_knows(j, "a", NULL));
	assert_int_equal(journal_counts(j).dropped, 2);
	journal_close(j, close_ms);
	assert_int_equal(counts_of(&p).calls, 0);
	end(&p);
}

static void the_same_name_again_replaces(void **state)
{
	(void)state;
	struct place p;

	begin(&p);
	struct journal *j = open_journal(&p, 0);

	assert_true(hand_over_call(j, "a"));
	assert_true(hand_over_feedback(j, "a", "good", .25, NULL));
	assert_true(hand_over_feedback(j, "a", "good", .75, NULL));
	assert_true(hand_over_feedback(j, "a", "other", .5, NULL));
	journal_close(j, close_ms);
	assert_string_equal(value_of(&p, "SELECT group_concat(name||'='||value) FROM (SELECT * FROM feedback ORDER BY name)"), "good=0.75,other=0.5");
	end(&p);
}

static void it_knows_what_waits_and_what_is_stored(void **state)
{
	(void)state;
	struct place p;

	begin(&p);
	struct journal *j = open_journal(&p, 0);

	assert_false(journal_knows(j, "a", NULL));
	assert_true(hand_over_call(j, "a"));
	assert_true(journal_knows(j, "a", NULL));
	assert_true(hand_over_feedback(j, "b", "good", 1, NULL)); /* names a call, and is none */
	assert_true(hand_over_attempt(j, "b", 0));
	assert_false(journal_knows(j, "b", NULL));
	while (journal_counts(j).waiting > 0)
		assert_true(journal_knows(j, "a", NULL)); /* at every moment on the way */
	assert_true(journal_knows(j, "a", NULL));
	assert_false(journal_knows(j, "b", NULL));
	assert_false(journal_knows(j, "A", NULL));
	assert_false(journal_knows(j, "", NULL));
	journal_close(j, close_ms);
	j = open_journal(&p, 0); /* as after a restart */
	assert_true(journal_knows(j, "a", NULL));
	journal_close(j, close_ms);
	end(&p);
}

static const char broken_sql[] = "CREATE TRIGGER broken BEFORE INSERT ON feedback BEGIN SELECT RAISE(ABORT, 'out of order'); END";

/* The group is tried again as a whole until it can be written; it is said once that it fails, and once that it goes on. */
static void what_cannot_be_written_for_a_while_is_written_later(void **state)
{
	(void)state;
	struct place p;

	begin(&p);
	struct journal *j = open_journal(&p, 0);

	execute(&p, broken_sql);
	assert_true(hand_over_call(j, "a"));
	assert_true(hand_over_feedback(j, "a", "good", 1, NULL));
	await_notices(&p, 1);
	assert_non_null(strstr(p.last, "out of order"));
	assert_true(hand_over_call(j, "b"));
	assert_true(journal_knows(j, "a", NULL));
	assert_true(journal_knows(j, "b", NULL));
	execute(&p, "DROP TRIGGER broken");
	await_notices(&p, 2);
	assert_non_null(strstr(p.last, "written again"));
	journal_close(j, close_ms);
	assert_int_equal(p.notices, 2);
	assert_int_equal(counts_of(&p).calls, 2);
	assert_int_equal(counts_of(&p).feedback, 1);
	end(&p);
}

static void closing_gives_up_what_cannot_be_written(void **state)
{
	(void)state;
	struct place p;

	begin(&p);
	struct journal *j = open_journal(&p, 0);

	execute(&p, broken_sql);
	assert_true(hand_over_feedback(j, "a", "good", 1, NULL));
	await_notices(&p, 1);
	journal_close(j, 0);
	assert_int_equal(p.notices, 1);
	assert_int_equal(counts_of(&p).feedback, 0);
	end(&p);
}

static void a_file_that_cannot_be_made_is_refused(void **state)
{
	(void)state;
	const struct journal_settings settings = { .path = "/dev/null/served.db" };
	struct error err = { 0 };

	assert_null(journal_open(&settings, &err));
	assert_non_null(strstr(err.text, "/dev/null/served.db"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_was_handed_over_is_there_after_closing), cmocka_unit_test(texts_are_copied),
		cmocka_unit_test(a_full_queue_drops_and_counts), cmocka_unit_test(what_alone_is_too_large_is_dropped),
		cmocka_unit_test(the_same_name_again_replaces), cmocka_unit_test(it_knows_what_waits_and_what_is_stored),
		cmocka_unit_test(what_cannot_be_written_for_a_while_is_written_later), cmocka_unit_test(closing_gives_up_what_cannot_be_written),
		cmocka_unit_test(a_file_that_cannot_be_made_is_refused),
	};

	return cmocka_run_group_tests_name("serve_journal", tests, NULL, NULL);
}
