/* task_collected.c - examples out of production beside those of a task: where each goes, what is refused, and that no split knows another's. */
#include <jansson.h>
#include <unistd.h>

#include "base/file.h"
#include "eval/eval.h"
#include "task/collected.h"
#include "task_folder.h"

static const char yaml_split[] = "name: t\nkind: classify\ninstruction: Choose.\ninput: \"{{text}}\"\nlabels: [spam, work]\n"
				 "examples: {file: e.csv, answer: label, id: id, split: split, group: thread}\n";
static const char yaml_seed[] = "name: t\nkind: classify\ninstruction: Choose.\ninput: \"{{text}}\"\nlabels: [spam, work]\n"
				"examples: {file: e.csv, answer: label}\n";

static struct folder write_task(const char *yaml, const char *collected)
{
	struct folder f = folder_make();
	struct buf rows = { 0 };

	buf_adds(&rows, "id,text,label,split,thread\n");
	for (int i = 0; i < 60; i++)
		buf_addf(&rows, "e%d,the %s number %d,%s,%s,%s\n", i, i % 2 ? "report" : "prize", i, i % 2 ? "work" : "spam",
			 i % 10 == 8 ? "dev" : i % 10 == 9 ? "test" : "train", i == 9 ? "tested" : i == 8 ? "chosen" : i == 7 ? "learnt" : "");
	folder_write(&f, "task.yaml", yaml, strlen(yaml));
	folder_write(&f, "e.csv", rows.data, rows.n);
	if (collected)
		folder_write(&f, COLLECTED_FILE, collected, strlen(collected));
	buf_release(&rows);
	return f;
}

static struct task *must_open(const struct folder *f, const struct task_options *options)
{
	struct error err;
	struct task *t = task_open(f->path, options, &err);

	if (!t)
		fail_msg("%s", err.text);
	return t;
}

/* "pool", "dev", "test" or "" of the example whose text it is. */
static const char *where(const struct task *t, const char *text)
{
	const struct item_list lists[] = { t->pool.list, t->dev.list, t->test.list };
	static const char *const names[] = { "pool", "dev", "test" };
	const char *found = "";

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l].n; i++)
			if (strcmp(lists[l].items[i]->values[task_column(t, "text", 4)], text) == 0) {
				assert_string_equal(found, ""); /* in one place alone */
				found = names[l];
			}
	return found;
}

static const struct {
	const char *name, *line, *text, *where; /* where the text is then */
	size_t dropped;
} rows[] = {
	{ "a new one learns", "{\"text\": \"a new prize\", \"label\": \"spam\"}", "a new prize", "pool", 0 },
	{ "said to be for the pool", "{\"text\": \"a new prize\", \"label\": \"spam\", \"rung::split\": \"pool\"}", "a new prize", "pool", 0 },
	{ "one that was drawn tests", "{\"text\": \"a new prize\", \"label\": \"spam\", \"rung::split\": \"test\"}", "a new prize", "test", 0 },
	{ "one that is tested does not learn", "{\"text\": \"the report number 9\", \"label\": \"work\"}", "the report number 9", "test", 1 },
	{ "in any writing", "{\"text\": \"The REPORT: number 9!\", \"label\": \"work\"}", "The REPORT: number 9!", "", 1 },
	{ "nor one that chooses", "{\"text\": \"the prize number 8\", \"label\": \"spam\"}", "the prize number 8", "dev", 1 },
	{ "what is in the pool stays once", "{\"text\": \"the prize number 0\", \"label\": \"work\"}", "the prize number 0", "pool", 1 },
	{ "what was drawn leaves the pool", "{\"text\": \"the prize number 0\", \"label\": \"spam\", \"rung::split\": \"test\"}", "the prize number 0", "test", 0 },
	{ "and dev", "{\"text\": \"the prize number 8\", \"label\": \"spam\", \"rung::split\": \"test\"}", "the prize number 8", "test", 0 },
	{ "drawn after it was learnt", "{\"text\": \"a new prize\", \"label\": \"spam\"}\n{\"text\": \"A new prize.\", \"label\": \"spam\", \"rung::split\": \"test\"}",
	  "a new prize", "", 1 },
	{ "twice is once", "{\"text\": \"a new prize\", \"label\": \"spam\"}\n{\"text\": \"a new prize\", \"label\": \"work\"}", "a new prize", "pool", 1 },
	{ "a tested group", "{\"text\": \"a new prize\", \"label\": \"spam\", \"thread\": \"tested\"}", "a new prize", "", 1 },
	{ "a choosing group", "{\"text\": \"a new prize\", \"label\": \"spam\", \"thread\": \"chosen\"}", "a new prize", "", 1 },
	{ "a learnt group", "{\"text\": \"a new prize\", \"label\": \"spam\", \"thread\": \"learnt\"}", "a new prize", "pool", 0 },
	{ "drawn of a tested group", "{\"text\": \"a new prize\", \"label\": \"spam\", \"thread\": \"tested\", \"rung::split\": \"test\"}", "a new prize", "", 1 },
	{ "of a group that was drawn", "{\"text\": \"a new prize\", \"label\": \"spam\", \"thread\": \"x\"}\n"
	  "{\"text\": \"old news\", \"label\": \"spam\", \"thread\": \"x\", \"rung::split\": \"test\"}", "a new prize", "", 1 },
	{ "drawn of a learnt group", "{\"text\": \"a new prize\", \"label\": \"spam\", \"thread\": \"learnt\", \"rung::split\": \"test\"}", "a new prize", "", 1 },
};

static void each_row_goes_where_it_may(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct folder f = write_task(yaml_split, rows[i].line);
		struct task *t = must_open(&f, NULL);

		if (strcmp(where(t, rows[i].text), rows[i].where) != 0)
			fail_msg("%s: it is in \"%s\"", rows[i].name, where(t, rows[i].text));
		if (t->n_uncollected != rows[i].dropped)
			fail_msg("%s: %zu dropped", rows[i].name, t->n_uncollected);
		assert_int_equal(t->n_rows, t->n_duplicates + t->n_straddling + t->n_uncollected + t->pool.list.n + t->dev.list.n + t->test.list.n);
		task_free(t);
		folder_remove(&f);
	}
}

/* Whatever is collected, the others stay where the seed put them; a climb finds the task as it saw it by the number of rows. */
static void the_split_of_the_others_stays(void **state)
{
	static const char lines[] = "{\"text\": \"first of all\", \"label\": \"spam\"}\n{\"text\": \"second to none\", \"label\": \"work\"}\n";
	static const char drawn[] = "{\"text\": \"a\", \"label\": \"spam\", \"rung::split\": \"test\"}\n{\"text\": \"b\", \"label\": \"work\", "
				    "\"rung::split\": \"test\"}\n{\"text\": \"c\", \"label\": \"work\", \"rung::split\": \"test\"}\n";
	struct folder f = write_task(yaml_seed, NULL);
	struct task_options options = { .seed = 7 };
	struct task *bare = must_open(&f, &options);

	(void)state;
	folder_write(&f, COLLECTED_FILE, lines, strlen(lines));
	struct task *more = must_open(&f, &options);

	assert_int_equal(more->n_collected, 2);
	assert_int_equal(more->pool.list.n, bare->pool.list.n + 2);
	for (size_t i = 0; i < bare->test.list.n; i++)
		assert_string_equal(bare->test.list.items[i]->id, more->test.list.items[i]->id);
	for (size_t i = 0; i < bare->dev.list.n; i++)
		assert_string_equal(bare->dev.list.items[i]->id, more->dev.list.items[i]->id);
	assert_true(bare->fingerprint != more->fingerprint);
	struct arena arena;

	arena_init(&arena);
	folder_write(&f, COLLECTED_FILE, drawn, strlen(drawn));
	struct task *tested = must_open(&f, &options);
	struct test_items before = test_order(bare, 7, &arena), after = test_order(tested, 7, &arena);

	assert_int_equal(after.list.n, before.list.n + 3);
	for (size_t i = 0; i < after.list.n; i++)
		if (i < before.list.n)
			assert_string_equal(after.list.items[i]->id, before.list.items[i]->id);
		else
			assert_true(after.list.items[i]->collected);
	task_free(tested);
	arena_release(&arena);
	folder_write(&f, COLLECTED_FILE, lines, strlen(lines));
	for (size_t seen = 0; seen < 3; seen++) {
		options.collected = &seen;
		struct task *then = must_open(&f, &options);

		assert_int_equal(then->n_collected, seen);
		assert_int_equal(then->fingerprint == bare->fingerprint, seen == 0);
		assert_int_equal(then->fingerprint == more->fingerprint, seen == 2);
		task_free(then);
	}
	for (size_t i = 0; i < more->pool.list.n; i++)
		if (more->pool.list.items[i]->collected)
			assert_memory_equal(more->pool.list.items[i]->id, "collected-", 10);
	task_free(bare);
	task_free(more);
	folder_remove(&f);
}

static const struct {
	const char *line, *fragment;
} mistakes[] = {
	{ "{\"text\": \"x\", \"label\": \"spma\"}", "collected.jsonl:2: label \"spma\" is not one of spam, work (did you mean \"spam\"?)" },
	{ "{\"text\": \"x\"}", "collected.jsonl:2: the answer (column \"label\") is empty" },
	{ "{\"label\": \"spam\"}", "collected.jsonl:2: the input is empty" },
	{ "{\"text\": \"x\", \"label\": \"spam\", \"rung::split\": \"dev\"}", "collected.jsonl:2: rung::split \"dev\" is not one of pool, test" },
	{ "{\"text\": \"x\", \"label\": \"spam\", \"id\": \"e3\"}", "collected.jsonl:2: id \"e3\" stands in" },
	{ "{\"text\": ", "collected.jsonl:2: " },
};

static void mistakes_are_said_with_their_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		struct buf lines = { 0 };
		struct error err = { .text = "" };

		buf_addf(&lines, "{\"text\": \"fine\", \"label\": \"spam\"}\n%s\n", mistakes[i].line);
		struct folder f = write_task(yaml_split, lines.data);

		assert_null(task_open(f.path, NULL, &err));
		if (!strstr(err.text, mistakes[i].fragment))
			fail_msg("%s: %s", mistakes[i].fragment, err.text);
		buf_release(&lines);
		folder_remove(&f);
	}
}

static void lines_are_added_and_taken_out(void **state)
{
	struct folder f = write_task(yaml_split, "{\"text\": \"by hand\", \"label\": \"spam\"}"); /* no line end */
	struct task *t = must_open(&f, NULL);
	const char *values[] = { "", "out of \"production\"", "", "", "" };
	const char *written;
	struct buf why = { 0 };
	struct error err = { 0 };
	struct arena arena;
	struct hash_map calls = { 0 };
	size_t n;

	(void)state;
	arena_init(&arena);
	assert_true(collected_answer(t, "work", &arena, &written, &why));
	const struct collected_row r = { .values = values, .written = written, .log = "served.db", .call = "c-1", .served_ms = 1700000000000,
					 .taken_ms = 1700000060000, .said = "demonstration", .name = "right", .decision = "accept" };
	struct collected_row other = r;

	other.call = "c-2";
	values[1] = "out of \"production\"";
	assert_true(collected_add(t, (struct collected_row[]){ r, other }, 2, &err));
	task_free(t);
	t = must_open(&f, NULL);
	assert_int_equal(t->n_collected, 3);
	assert_int_equal(t->n_uncollected, 1); /* the same text again */
	assert_string_equal(where(t, "by hand"), "pool");
	assert_string_equal(where(t, "out of \"production\""), "pool");
	assert_true(collected_calls(t, &arena, &calls, &err));
	assert_int_equal(calls.n, 2);
	assert_int_equal(hash_map_get(&calls, "c-2", 3, 0), 3);
	hash_map_release(&calls);
	hash_map_put(&calls, "c-1", 3, 1);
	assert_true(collected_remove(t, &calls, &n, &err));
	assert_int_equal(n, 1);
	task_free(t);
	t = must_open(&f, NULL);
	assert_int_equal(t->n_collected, 2);
	for (size_t i = 0; i < t->pool.list.n; i++)
		if (t->pool.list.items[i]->collected && strcmp(t->pool.list.items[i]->values[1], "by hand") != 0)
			assert_string_equal(t->pool.list.items[i]->id, "served-c-2");
	assert_false(collected_answer(t, "wrok", &arena, &written, &why));
	assert_string_equal(buf_text(&why), "label \"wrok\" is not one of spam, work (did you mean \"work\"?)");
	buf_release(&why);
	hash_map_release(&calls);
	arena_release(&arena);
	task_free(t);
	folder_remove(&f);
}

static const char schema[] = "{\"type\": \"object\", \"properties\": {\"size\": {\"enum\": [\"small\", \"large\"]}, \"n\": {\"type\": \"integer\"}},"
			     " \"required\": [\"size\"], \"additionalProperties\": false}";
#define KIND(keys) "instruction: x\ninput: \"{{text}}\"\nexamples: {file: e.jsonl, answer: a}\n" keys

/* What people say is right, by the kind of task: as it goes into the file, or why it does not. */
static const struct {
	const char *yaml, *own, *said, *written, *why;
} answers[] = {
	{ KIND("kind: classify\nmany: true\nlabels: [x, y, z]\n"), "[\"x\"]", "[\"y\", \"x\"]", "[\"y\",\"x\"]", NULL },
	{ KIND("kind: classify\nmany: true\nlabels: [x, y, z]\n"), "[\"x\"]", " y, z ", "[\"y\",\"z\"]", NULL },
	{ KIND("kind: classify\nmany: true\nlabels: [x, y, z]\n"), "[\"x\"]", "", "[]", NULL },
	{ KIND("kind: classify\nmany: true\nlabels: [x, y, z]\n"), "[\"x\"]", "y; w", NULL, "label \"w\" is not one of x, y, z" },
	{ KIND("kind: extract\nschema: s.json\n"), "{\"size\": \"small\"}", "{\"n\": 3, \"size\": \"large\"}", "{\"n\":3,\"size\":\"large\"}", NULL },
	{ KIND("kind: extract\nschema: s.json\n"), "{\"size\": \"small\"}", "{\"size\": \"huge\"}", NULL, "it does not satisfy" },
	{ KIND("kind: extract\nschema: s.json\n"), "{\"size\": \"small\"}", "large", NULL, "it is not a JSON object" },
	{ KIND("kind: answer\n"), "\"2046\"", "in 2046", "\"in 2046\"", NULL },
	{ KIND("kind: answer\n"), "\"2046\"", "[1] of three", "[\"[1] of three\"]", NULL },
	{ KIND("kind: answer\n"), "\"2046\"", "", "\"\"", NULL }, /* the documents do not say */
	{ KIND("kind: generate\npattern: \"fix: .*\"\n"), "\"fix: it\"", "fix: that", "\"fix: that\"", NULL },
	{ KIND("kind: generate\npattern: \"fix: .*\"\n"), "\"fix: it\"", "that", NULL, "it does not match the pattern of" },
	{ KIND("kind: generate\n"), "\"it\"", " ", NULL, "it is empty" },
};

static void answers_of_every_kind_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct folder f = folder_make();
		struct buf rows_text = { 0 }, why = { 0 };
		struct arena arena;
		const char *written = NULL;

		for (int k = 0; k < 60; k++)
			buf_addf(&rows_text, "{\"text\": \"text %d\", \"a\": %s}\n", k, k == 0 && strstr(answers[i].yaml, "many") ? "[\"y\"]" : answers[i].own);
		folder_write(&f, "task.yaml", answers[i].yaml, strlen(answers[i].yaml));
		folder_write(&f, "s.json", schema, strlen(schema));
		folder_write(&f, "e.jsonl", rows_text.data, rows_text.n);
		arena_init(&arena);
		struct task *t = must_open(&f, NULL);
		bool good = collected_answer(t, answers[i].said, &arena, &written, &why);

		if (good != (answers[i].written != NULL) || (good && strcmp(written, answers[i].written) != 0) ||
		    (!good && !strstr(buf_text(&why), answers[i].why)))
			fail_msg("\"%s\": %s%s", answers[i].said, good ? written : "", buf_text(&why));
		if (good) { /* and is read back as it was written */
			const char *values[] = { "a new text", "" };
			const struct collected_row row = { .values = values, .written = written, .log = "l", .call = "c", .said = "right", .decision = "accept" };
			struct error err;

			assert_true(collected_add(t, &row, 1, &err));
			task_free(t);
			t = must_open(&f, NULL);
			assert_string_equal(where(t, "a new text"), "pool");
		}
		buf_release(&why);
		buf_release(&rows_text);
		arena_release(&arena);
		task_free(t);
		folder_remove(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_goes_where_it_may), cmocka_unit_test(the_split_of_the_others_stays),
		cmocka_unit_test(answers_of_every_kind_are_checked), cmocka_unit_test(mistakes_are_said_with_their_line), cmocka_unit_test(lines_are_added_and_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
