/* eval_probe.c - the knowledge probe asks dev items closed book, with their gold passages, with what is found, with others
 * around the gold and with others alone; and the climb leaves rung 2 out when the answer in the prompt would not help. */
#define TOWN_SPLIT(i) ((i) % 12 == 0 ? 0 : (i) % 12 == 1 ? 2 : 1) /* eighty towns for dev */
#include "answer_task.h"

#include "eval/measure.h"
#include "eval/probe.h"
#include "task/scorer.h"

static struct towns t;
static struct climb climb;
static struct climb_options options;

static int set_up(void **state)
{
	(void)state;
	options = (struct climb_options){ .seed = 1, .first_rung = 1, .last_rung = 2, .models = tiny, .n_models = 1 };
	return towns_begin(&t, "");
}

static void end_climb(void)
{
	workshop_free(climb.workshop);
	arena_release(&climb.arena);
	climb = (struct climb){ 0 };
}

static int tear_down(void **state)
{
	(void)state;
	end_climb();
	return towns_finish(&t);
}

/* A climb of a run of that name, in which nothing has been answered yet when the name is new. */
static void begin_climb(const char *key)
{
	struct run_row run = { .key = key, .examples = "", .seed = 1, .settings = "{}" };

	end_climb();
	MUST(&t, store_run_begin(t.store, &t.arena, &run, &t.err));
	climb = (struct climb){ .task = t.task, .options = &options, .store = t.store, .run = run.id };
	climb.dev = dev_order(t.task, 1, &climb.arena);
	climb.test = test_order(t.task, 1, &climb.arena);
	climb.workshop = workshop_open(t.task, climb.dev, t.models, t.library, t.store, run.id, 1);
}

static const char *probed(bool after)
{
	const char *why = "not set";

	MUST(&t, probe_before(&climb, &why, &t.err));
	if (after)
		MUST(&t, probe_after(&climb, &t.err));
	return why;
}

/* Asks once for the calls, gives them the replies, and probes a new run with those. */
static const char *probed_with(const char *(*reply)(struct arena *arena, const char *prompt))
{
	begin_climb("to have calls");
	probed(true);
	towns_script(&t, reply);
	begin_climb("scripted");
	return probed(true);
}

static struct knowledge loaded(void)
{
	struct knowledge k = { .n = 99 };

	MUST(&t, probe_load(t.task, t.store, climb.run, climb.dev, tiny[0], &t.arena, &k, &t.err));
	return k;
}

static double mean(const struct knowledge *k, enum knowledge_row row)
{
	double sum = 0;

	assert_non_null(k->score[row]);
	for (size_t i = 0; i < k->n; i++)
		sum += k->score[row][i];
	return sum / (double)k->n;
}

static size_t count_rows(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *q;

	assert_int_equal(sqlite3_open(t.store_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	size_t n = (size_t)sqlite3_column_int64(q, 0);

	sqlite3_finalize(q);
	sqlite3_close(db);
	return n;
}

/* --- who answers --- */

static const char *knows_all(struct arena *arena, const char *prompt)
{
	return arena_printf(arena, "%u", town_year(town_asked(arena, prompt)));
}

static const char *knows_nothing(struct arena *arena, const char *prompt)
{
	(void)arena, (void)prompt;
	return "a long time ago";
}

/* Reads only what stands first. */
static const char *reads_the_first(struct arena *arena, const char *prompt)
{
	const char *end = strstr(prompt, "[end of passage 1");
	size_t i = town_asked(arena, prompt);

	if (!end)
		return "I do not know.";
	const char *first = arena_copy(arena, prompt, (size_t)(end - prompt));

	return strstr(first, town_gold(arena, i)) ? arena_printf(arena, "%u", town_year(i)) : "I do not know.";
}

/* --- tests --- */

static void a_reader_without_knowledge_is_given_it(void **state)
{
	const char *why = probed_with(careful_reader);
	struct knowledge k = loaded();
	struct probe_finding found[PROBE_FINDINGS];
	size_t n_techniques;
	const struct technique *r = &technique_probes(TASK_ANSWER, &n_techniques)[2];
	double right = 0;

	(void)state;
	assert_null(why);
	assert_int_equal(k.n, PROBE_ITEMS);
	assert_true(mean(&k, KNOWLEDGE_CLOSED) == 0 && mean(&k, KNOWLEDGE_ORACLE) == 1);
	assert_true(mean(&k, KNOWLEDGE_DISTRACTED) == 1 && mean(&k, KNOWLEDGE_WITHOUT) == 1);
	/* R is right exactly where the search found the passage. */
	assert_string_equal(r->id, "retrieved");
	for (size_t i = 0, asked = 0; i < climb.dev.list.n && asked < k.n; i++) {
		const struct example *item = climb.dev.list.items[i];
		struct evidence e;
		bool holds = false;

		if (!item->answer[0])
			continue;
		MUST(&t, workshop_shown(climb.workshop, r, item, workshop_text(climb.workshop, &t.arena, item), &t.arena, &e, &t.err));
		for (size_t p = 0; p < e.n_passages; p++)
			holds |= strstr(e.passages[p].text, item->gold) != NULL;
		if (k.score[KNOWLEDGE_RETRIEVED][asked] != holds)
			fail_msg("%s: %g, found %d", item->id, k.score[KNOWLEDGE_RETRIEVED][asked], holds);
		right += holds;
		asked++;
	}
	size_t n = knowledge_findings(&k, t.task->margin, found);

	assert_int_equal(n, PROBE_FINDINGS);
	assert_string_equal(found[0].points_to, "retrieval");
	assert_close("retrieval gain", found[1].difference.delta, right / PROBE_ITEMS, 1e-12);
	assert_close("retrieval loss", found[2].difference.delta, 1 - right / PROBE_ITEMS, 1e-12);
}

/* Sixty without any difference hide at most 1 - .05^(1/60), 4.9 points. */
static void who_knows_already_needs_no_documents(void **state)
{
	const char *why = probed_with(knows_all);
	struct knowledge k = loaded();

	(void)state;
	assert_non_null(why);
	assert_true(strlen(why) > 20);
	assert_true(mean(&k, KNOWLEDGE_CLOSED) == 1 && mean(&k, KNOWLEDGE_ORACLE) == 1);
	assert_true(mean(&k, KNOWLEDGE_WITHOUT) == 0); /* it never abstains */
	/* A margin below what could hide: nothing can be excluded. */
	double margin = t.task->margin;

	t.task->margin = 0.04;
	begin_climb("another margin");
	assert_null(probed(false));
	t.task->margin = margin;
	begin_climb("the same margin");
	assert_non_null(probed(false));
}

static void who_cannot_read_is_not_helped_either(void **state)
{
	const char *why = probed_with(knows_nothing);
	struct knowledge k = loaded();

	(void)state;
	assert_non_null(why);
	assert_true(mean(&k, KNOWLEDGE_ORACLE) == 0 && mean(&k, KNOWLEDGE_WITHOUT) == 0);
}

static void distractors_come_before_the_gold(void **state)
{
	struct knowledge k;

	(void)state;
	assert_null(probed_with(reads_the_first));
	k = loaded();
	assert_true(mean(&k, KNOWLEDGE_ORACLE) == 1 && mean(&k, KNOWLEDGE_DISTRACTED) == 0);
}

/* Fewer items cannot exclude a gain of five points, whatever they say. */
static void few_items_exclude_nothing(void **state)
{
	struct knowledge k;

	(void)state;
	probed_with(knows_all);
	begin_climb("few");
	climb.dev.list.n = 20;
	assert_null(probed(true));
	k = loaded();
	assert_true(k.n > 0 && k.n <= 20);
	assert_true(mean(&k, KNOWLEDGE_ORACLE) == 1);
}

static void only_items_with_gold_are_asked(void **state)
{
	(void)state;
	begin_climb("asked");
	probed(false);
	assert_int_equal(count_rows("SELECT count(*) FROM answer WHERE item LIKE 'anthem%'"), 0);
	assert_int_equal(count_rows("SELECT count(DISTINCT item) FROM answer"), PROBE_ITEMS);
	assert_int_equal(count_rows("SELECT count(*) FROM call"), 2 * PROBE_ITEMS); /* C and O, before anything is built */
	probed(true);
	/* R abstains as it would in service, below a threshold that questions without an answer taught. */
	assert_int_equal(count_rows("SELECT count(*) FROM answer WHERE item LIKE 'anthem%' AND split <> 'prior'"), 0);
	assert_int_equal(count_rows("SELECT count(DISTINCT variant) FROM answer WHERE split = 'prior'"), 1);
	assert_int_equal(count_rows("SELECT count(DISTINCT item) FROM answer WHERE split = 'probe'"), PROBE_ITEMS);
	assert_int_equal(count_rows("SELECT count(*) FROM answer WHERE split = 'probe'"), KNOWLEDGE_ROWS * PROBE_ITEMS);
	/* Asked again, nothing is. */
	size_t calls = count_rows("SELECT count(*) FROM call"), rows = count_rows("SELECT count(*) FROM answer");

	probed(true);
	assert_int_equal(count_rows("SELECT count(*) FROM call"), calls);
	assert_int_equal(count_rows("SELECT count(*) FROM answer"), rows);
}

/* A climb that was killed in between: a row that lacks items is not there yet. */
static void half_a_row_is_none(void **state)
{
	struct knowledge k;

	(void)state;
	begin_climb("nothing");
	k = loaded();
	for (int row = 0; row < KNOWLEDGE_ROWS; row++)
		assert_null(k.score[row]);
	probed_with(careful_reader);
	towns_execute(&t, "DELETE FROM answer WHERE variant LIKE '%oracle%' AND item = (SELECT min(item) FROM answer WHERE variant LIKE "
			  "'%oracle%')");
	k = loaded();
	assert_null(k.score[KNOWLEDGE_ORACLE]);
	assert_true(mean(&k, KNOWLEDGE_DISTRACTED) == 1);
	assert_null(probed(true)); /* and goes on */
	k = loaded();
	assert_true(mean(&k, KNOWLEDGE_ORACLE) == 1);
}

static void without_gold_nothing_is_asked(void **state)
{
	(void)state;
	t.task->has_gold = false;
	begin_climb("no gold");
	assert_null(probed(true));
	assert_int_equal(count_rows("SELECT count(*) FROM call"), 0);
}

/* --- the climb --- */

static void climbed(const char *rung_2, bool why)
{
	struct variant_row *rows;
	struct error err;
	int64_t run;
	size_t n, searching = 0, other = 0;

	if (climb_run(t.task, t.models, t.library, t.store, &options, &run, &err) != CLIMB_DONE)
		fail_msg("%s", err.text);
	MUST(&t, store_variants(t.store, run, &t.arena, &rows, &n, &err));
	for (size_t i = 0; i < n; i++) {
		if (rows[i].rung != 2)
			continue;
		searching++;
		other += strcmp(rows[i].status, rung_2) != 0;
		assert_true(!why || (rows[i].why && strlen(rows[i].why) > 20));
	}
	assert_true(searching > 5);
	if (rung_2[0] == 's' ? other != 0 : other == searching)
		fail_msg("of %zu variants of rung 2, %zu are not %s", searching, other, rung_2);
}

static void the_climb_leaves_out_a_rung_that_cannot_pay(void **state)
{
	(void)state;
	t.task->dev.list.n = 80;
	climbed("skipped", true); /* noise: an answer in the prompt does not help the tiny model */
	assert_int_equal(count_rows("SELECT count(*) FROM answer WHERE variant LIKE '2/%'"), 0);
	towns_script(&t, careful_reader);
	towns_execute(&t, "DELETE FROM answer; DELETE FROM variant; DELETE FROM run;");
	climbed("measured", false);
	assert_true(count_rows("SELECT count(*) FROM answer WHERE variant LIKE '2/%'") > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reader_without_knowledge_is_given_it),
		TEST(who_knows_already_needs_no_documents),
		TEST(who_cannot_read_is_not_helped_either),
		TEST(distractors_come_before_the_gold),
		TEST(few_items_exclude_nothing),
		TEST(only_items_with_gold_are_asked),
		TEST(half_a_row_is_none),
		TEST(without_gold_nothing_is_asked),
		TEST(the_climb_leaves_out_a_rung_that_cannot_pay),
	};

	return cmocka_run_group_tests_name("eval_probe", tests, NULL, NULL);
}
