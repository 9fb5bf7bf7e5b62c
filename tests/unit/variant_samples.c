/* Self-consistency: five stored calls an answer, one vote; prompts that do not fit; and when it may join the race. On
 * the tiny model of tests/reference/tiny_models.py, whose replies mean nothing: a test that needs others puts them into the
 * store, where answers read them. */
#include "test.h"

#include <jansson.h>
#include <sqlite3.h>
#include <string.h>

#include "eval/samples.h"
#include "task_folder.h"
#include "variant/show.h"
#include "variant/variant.h"

enum { SAMPLES = 5 };

static const char *const tiny[] = { "local:tiny-llama" };
static struct folder folder;
static struct task *task;
static struct models *models;
static struct store *store;
static struct arena arena;
static char store_path[128];

static void write_task(void)
{
	static const char yaml[] = "name: t\nkind: classify\ninstruction: \"Pick {{labels}}.\"\ninput: \"{{text}}\"\n"
				   "labels: [cat, dog, emu]\nexamples: {file: e.jsonl, answer: label, id: id, split: split}\n";
	static const char *const labels[] = { "cat", "dog", "emu" }, *const splits[] = { "train", "dev", "test" };
	struct buf lines = { 0 };

	for (int i = 0; i < 90; i++)
		buf_addf(&lines, "{\"id\": \"i%d\", \"label\": \"%s\", \"split\": \"%s\", \"text\": \"w%d\"}\n", i, labels[i / 3 % 3],
			 splits[i % 3], i);
	folder_write(&folder, "task.yaml", yaml, strlen(yaml));
	folder_write(&folder, "e.jsonl", lines.data, lines.n);
	buf_release(&lines);
}

static int set_up(void **state)
{
	struct task_options options = { .seed = 1 };
	struct error err = { .text = "" };

	(void)state;
	folder = folder_make();
	write_task();
	snprintf(store_path, sizeof(store_path), "%s/store.db", folder.path);
	arena_init(&arena);
	models = models_open("tests/reference/golden", &(struct model_settings){ .threads = 2 });
	task = task_open(folder.path, &options, &err);
	store = task ? store_open(store_path, true, &err) : NULL;
	if (!store)
		fprintf(stderr, "%s\n", err.text);
	return store ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(store);
	models_free(models);
	task_free(task);
	arena_release(&arena);
	folder_remove(&folder);
	return 0;
}

static const struct variant *named(const char *id)
{
	size_t n;
	const struct variant *variants = variants_list(task, &arena, tiny, 1, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(variants[i].id, id) == 0)
			return &variants[i];
	fail_msg("no variant %s", id);
	return NULL;
}

static struct workshop *workshop_of(uint64_t seed, struct models *of)
{
	return workshop_open(task, task->dev, of, NULL, store, 0, seed);
}

static void execute(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static struct answer answer_of(struct workshop *w, const char *variant, const struct example *item)
{
	struct answer answer;
	struct error err;

	if (!variant_answer(w, named(variant), &item, 1, &arena, &answer, &err))
		fail_msg("%s", err.text);
	return answer;
}

static void every_sample_is_a_call_with_a_seed_of_its_own(void **state)
{
	struct workshop *w = workshop_of(1, models), *other = workshop_of(2, models);
	const struct example *item = task->dev.list.items[0];
	struct answer a = answer_of(w, "1/self-consistency@local:tiny-llama", item);
	struct answer again = answer_of(w, "1/self-consistency@local:tiny-llama", item);
	struct answer reseeded = answer_of(other, "1/self-consistency@local:tiny-llama", item);
	json_int_t seeds[SAMPLES];
	size_t tokens = 0;

	(void)state;
	assert_int_equal(variant_calls(named("1/self-consistency@local:tiny-llama")), SAMPLES);
	assert_int_equal(a.n_samples, SAMPLES);
	assert_true(a.call == a.samples[0]);
	for (size_t i = 0; i < SAMPLES; i++) {
		struct call_row call;
		struct error err;

		assert_true(store_call_get(store, &arena, a.samples[i], &call, &err));
		json_t *request = json_loads(call.request, 0, NULL), *sampling = json_object_get(request, "sampling");

		assert_close("temperature", json_real_value(json_object_get(sampling, "temperature")), 0.7, 0);
		seeds[i] = json_integer_value(json_object_get(sampling, "seed"));
		for (size_t j = 0; j < i; j++)
			assert_true(seeds[j] != seeds[i] && a.samples[j] != a.samples[i]);
		assert_true(again.samples[i] == a.samples[i]);
		assert_true(reseeded.samples[i] != a.samples[i]);
		tokens += call.output_tokens;
		json_decref(request);
	}
	assert_int_equal(a.output_tokens, tokens);
	workshop_free(w);
	workshop_free(other);
}

static const struct {
	const char *name, *replies[SAMPLES], *label, *status;
} votes[] = {
	{ "all agree", { "Answer: dog", "Answer: dog", "dog", "So: dog", "Answer: dog" }, "dog", "answered" },
	{ "most win", { "Answer: cat", "Answer: dog", "Answer: dog", "Answer: emu", "Answer: dog" }, "dog", "answered" },
	{ "of equally many the first", { "?", "Answer: emu", "Answer: cat", "Answer: cat", "Answer: emu" }, "emu", "answered" },
	{ "the unparsed do not vote", { "?", "?", "?", "Answer: cat", "?" }, "cat", "answered" },
	{ "none has an answer", { "?", "", "well", "hm", "?" }, NULL, "unparsed" },
	{ "all refuse", { "I'm sorry", "I cannot", "Sorry", "I can't", "I won't" }, NULL, "refused" },
	{ "some refuse, none answers", { "I'm sorry", "?", "Sorry", "I can't", "I won't" }, NULL, "unparsed" },
};

static void the_answer_is_what_most_samples_say(void **state)
{
	struct workshop *w = workshop_of(1, models);
	const struct example *item = task->dev.list.items[1];
	struct answer a = answer_of(w, "1/self-consistency@local:tiny-llama", item);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(votes); i++) {
		for (size_t k = 0; k < SAMPLES; k++) {
			char *sql = sqlite3_mprintf("UPDATE call SET output = %Q, status = 'ok' WHERE id = %lld", votes[i].replies[k],
						    (long long)a.samples[k]);

			execute(sql);
			sqlite3_free(sql);
		}
		struct answer got = answer_of(w, "1/self-consistency@local:tiny-llama", item);

		if (strcmp(got.status, votes[i].status) != 0 || strcmp(got.text ? got.text : "", votes[i].label ?
									votes[i].label : "") != 0)
			fail_msg("%s: %s (%s)", votes[i].name, got.text ? got.text : "nothing", got.status);
	}
	workshop_free(w);
}

static void show_has_every_sample(void **state)
{
	struct workshop *w = workshop_of(1, models);
	const struct example *item = task->dev.list.items[2];
	struct answer a = answer_of(w, "1/self-consistency@local:tiny-llama", item);
	struct run_row run = { .key = "shown", .examples = "", .settings = "{}" };
	struct answer_row row = { .variant = "1/self-consistency@local:tiny-llama", .item = item->id, .split = "dev",
				  .call = a.call, .status = a.status, .samples = a.samples, .n_samples = a.n_samples }, *rows;
	struct buf text = { 0 }, json = { 0 };
	struct error err;
	size_t n;
	double ms;

	(void)state;
	assert_true(store_run_begin(store, &arena, &run, &err) && store_answer_put(store, run.id, &row, &err));
	struct show_place place = { store, run.id, row.variant, "no-such-folder", 0 };

	assert_true(show_answer(task, &place, item->id, false, &text, &err));
	assert_true(show_answer(task, &place, item->id, true, &json, &err));
	assert_non_null(strstr(buf_text(&text), "call 1 of 5"));
	assert_non_null(strstr(buf_text(&text), "call 5 of 5"));
	json_t *root = json_loads(buf_text(&json), 0, NULL);

	assert_int_equal(json_array_size(json_object_get(root, "samples")), SAMPLES);
	assert_true(store_answers(store, run.id, row.variant, "dev", &arena, &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].calls, SAMPLES);
	assert_int_equal(rows[0].output_tokens, a.output_tokens);
	assert_true(store_spent(store, run.id, "dev", &n, &ms, &err));
	assert_int_equal(n, SAMPLES);
	json_decref(root);
	buf_release(&text);
	buf_release(&json);
	workshop_free(w);
}

/* The sentence is no reply: a label that stands in it ("context") is not read out of it. */
static void a_prompt_that_does_not_fit_is_truncated_and_says_so(void **state)
{
	static const char *const ids[] = { "1/zero-shot@local:tiny-llama", "1/structured@local:tiny-llama",
					   "1/scoring@local:tiny-llama", "1/self-consistency@local:tiny-llama" };
	struct models *narrow = models_open("tests/reference/golden",
					    &(struct model_settings){ .threads = 1, .max_context = 24 });
	struct workshop *w = workshop_of(1, narrow);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct answer a = answer_of(w, ids[i], task->dev.list.items[0]);
		struct call_row call;
		struct error err;

		assert_string_equal(a.status, "truncated");
		assert_null(a.text);
		assert_true(store_call_get(store, &arena, a.call, &call, &err));
		assert_null(call.output);
		assert_non_null(strstr(call.why, "do not fit the context of 24"));
		assert_non_null(strstr(call.request, "\"max_context\":24"));
	}
	workshop_free(w);
	models_free(narrow);
}

/* Even noise answers with a label when it answers under a schema, and `show` has the schema. */
static void structured_output_always_has_a_label(void **state)
{
	static const char id[] = "1/structured@local:tiny-llama";
	struct workshop *w = workshop_of(1, models);
	struct run_row run = { .key = id, .examples = "", .settings = "{}" };
	struct show_place place = { .store = store, .variant = id, .models = "no-such-folder" };
	struct buf text = { 0 };
	struct error err;

	(void)state;
	assert_true(store_run_begin(store, &arena, &run, &err));
	place.run = run.id;
	for (size_t i = 0; i < 8; i++) {
		struct answer a = answer_of(w, id, task->dev.list.items[i]);
		struct answer_row row = { .variant = id, .item = task->dev.list.items[i]->id, .split = "dev", .call = a.call,
					  .answer = a.text, .status = a.status };
		struct call_row call;

		assert_string_equal(a.status, "answered");
		assert_true(store_call_get(store, &arena, a.call, &call, &err) &&
			    store_answer_put(store, run.id, &row, &err));
		json_t *said = json_loads(call.output, JSON_REJECT_DUPLICATES, NULL);

		assert_string_equal(json_string_value(json_object_get(said, "label")), a.text);
		assert_int_equal(json_object_size(said), 1);
		json_decref(said);
	}
	assert_true(show_answer(task, &place, task->dev.list.items[0]->id, false, &text, &err));
	assert_non_null(strstr(buf_text(&text), "--- schema of the answer\n{\"type\": \"object\""));
	buf_release(&text);
	workshop_free(w);
}

/* Whatever labels the reason mentions, "Answer:" too. (The prompt is longer than the tiny model's context.) */
static void a_reason_inside_json_is_not_the_answer(void **state)
{
	static const char id[] = "1/structured-reasoning@local:tiny-llama";
	struct workshop *w = workshop_of(1, models);
	struct answer a = answer_of(w, id, task->dev.list.items[0]);
	char *sql = sqlite3_mprintf("UPDATE call SET output = %Q, status = 'ok' WHERE id = %lld",
				    "{\"reason\": \"No cat. Answer: dog\", \"label\": \"emu\"}", (long long)a.call);

	(void)state;
	execute(sql);
	sqlite3_free(sql);
	a = answer_of(w, id, task->dev.list.items[0]);
	assert_string_equal(a.status, "answered");
	assert_string_equal(a.text, "emu");
	workshop_free(w);
}

/* --- the sampling probe --- */

static size_t count_rows(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *q;

	assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	size_t n = (size_t)sqlite3_column_int64(q, 0);

	sqlite3_finalize(q);
	sqlite3_close(db);
	return n;
}

/* Eight of thirty dev items are wrong: those and the first eight others are asked five times, once. */
static void failures_and_as_many_passes_are_sampled(void **state)
{
	static const char id[] = "probe/samples-zero-shot@local:tiny-llama";
	struct climb_options options = { .seed = 1 };
	struct run_row run = { .key = "sampling", .examples = "", .seed = 1, .settings = "{}" };
	struct error err;
	double score[30];
	struct record record = { .score = score, .n = 30 };
	size_t calls, before;
	double ms;

	(void)state;
	assert_true(store_run_begin(store, &arena, &run, &err));
	struct climb climb = { .task = task, .options = &options, .store = store, .run = run.id, .dev = dev_order(task, 1, &arena) };

	climb.workshop = workshop_open(task, climb.dev, models, NULL, store, run.id, 1);
	for (size_t i = 0; i < 30; i++)
		score[i] = i % 4 != 1;
	for (int again = 0; again < 2; again++) {
		assert_true(samples_measure(&climb, named("1/zero-shot@local:tiny-llama"), climb.dev.list, &record, &err));
		assert_int_equal(count_rows("SELECT count(*) FROM answer WHERE split = 'probe'"), 16);
		assert_int_equal(count_rows("SELECT count(*) FROM sample WHERE split = 'probe'"), 16 * SAMPLES);
		assert_true(store_spent(store, run.id, "probe", &calls, &ms, &err));
		assert_int_equal(calls, 16 * SAMPLES);
	}
	before = count_rows("SELECT count(*) FROM call");
	for (size_t i = 0, passes = 0; i < 30; i++) {
		char *sql = sqlite3_mprintf("SELECT count(*) FROM answer WHERE variant = %Q AND item = %Q", id, climb.dev.list.items[i]->id);

		assert_int_equal(count_rows(sql), score[i] == 0 || passes < 8);
		passes += score[i] > 0;
		sqlite3_free(sql);
	}
	struct show_place place = { store, run.id, id, "tests/reference/golden", 0 };
	struct buf text = { 0 };

	assert_true(show_answer(task, &place, climb.dev.list.items[1]->id, false, &text, &err));
	assert_non_null(strstr(buf_text(&text), "call 5 of 5"));
	buf_release(&text);
	/* Nothing to learn: four failures, and labels that are scored. */
	for (size_t i = 0; i < 30; i++)
		score[i] = i >= 4;
	assert_true(samples_measure(&climb, named("1/definitions@local:tiny-llama"), climb.dev.list, &record, &err));
	assert_true(samples_measure(&climb, named("1/self-consistency@local:tiny-llama"), climb.dev.list, &record, &err));
	for (size_t i = 0; i < 30; i++)
		score[i] = 0;
	assert_true(samples_measure(&climb, named("1/scoring@local:tiny-llama"), climb.dev.list, &record, &err));
	record.n = 29; /* raced out */
	assert_true(samples_measure(&climb, named("1/definitions@local:tiny-llama"), climb.dev.list, &record, &err));
	assert_int_equal(count_rows("SELECT count(*) FROM call"), before);
	workshop_free(climb.workshop);
	arena_release(&climb.arena);
}

/* --- the race --- */

static const struct variant_row *climbed(uint64_t seed, const char *id)
{
	struct climb_options options = { .seed = seed, .first_rung = 1, .last_rung = 1, .models = tiny, .n_models = 1 };
	struct variant_row *rows;
	struct error err;
	int64_t run;
	size_t n;

	if (climb_run(task, models, NULL, store, &options, &run, &err) != CLIMB_DONE)
		fail_msg("%s", err.text);
	assert_true(store_variants(store, run, &arena, &rows, &n, &err));
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].id, id) == 0)
			return &rows[i];
	fail_msg("no %s", id);
	return NULL;
}

static void it_is_raced_only_when_one_chain_of_thought_shows_promise(void **state)
{
	const struct variant_row *row = climbed(1, "1/self-consistency@local:tiny-llama");

	(void)state;
	assert_string_equal(row->status, "skipped"); /* noise: chain of thought answers nothing */
	assert_non_null(strstr(row->why, "1/chain-of-thought@local:tiny-llama"));
	/* Now one chain of thought is always right; another seed asks it the same and samples anew. */
	struct workshop *w = workshop_of(1, models);

	for (size_t i = 0; i < task->dev.list.n; i++)
		answer_of(w, "1/chain-of-thought@local:tiny-llama", task->dev.list.items[i]);
	workshop_free(w);
	execute("UPDATE call SET status = 'ok', output = 'Answer: ' || (SELECT CASE"
		" (substr(request, instr(request, 'category.\\n\\nw') + 14, instr(request, '\"}],') - instr(request, "
		"'category.\\n\\nw') - 14) / 3) % 3 WHEN 0 THEN 'cat' WHEN 1 THEN 'dog' ELSE 'emu' END)"
		" WHERE request LIKE '%First say%' AND request NOT LIKE '%sampling%' AND request NOT LIKE '%max_context%'");
	row = climbed(2, "1/self-consistency@local:tiny-llama");
	assert_true(strcmp(row->status, "skipped") != 0);
	row = climbed(2, "1/chain-of-thought@local:tiny-llama");
	if (strcmp(row->status, "measured") != 0)
		fail_msg("%s: %s", row->status, row->why);
}

/* Thirty dev items, and the candidate on thirty test items: five calls count as five. */
static void the_bound_counts_every_sample(void **state)
{
	struct climb_options options = { .first_rung = 1, .last_rung = 1, .models = tiny, .n_models = 1 };
	struct climb_bound bound = climb_bound(task, &options);
	size_t n, tried = 0;
	const struct variant *variants = variants_list(task, &arena, tiny, 1, &n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		tried += variants[i].rung == 1 && !variants[i].skipped;
	assert_int_equal(bound.dev_calls, (tried - 1 + SAMPLES) * 30);
	assert_int_equal(bound.test_calls, SAMPLES * 30);
	assert_int_equal(bound.probe_calls, SAMPLES * 30); /* a pool of thirty has no parts to draw shots from */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_is_a_call_with_a_seed_of_its_own),
		cmocka_unit_test(the_answer_is_what_most_samples_say),
		cmocka_unit_test(show_has_every_sample),
		cmocka_unit_test(a_prompt_that_does_not_fit_is_truncated_and_says_so),
		cmocka_unit_test(structured_output_always_has_a_label),
		cmocka_unit_test(a_reason_inside_json_is_not_the_answer),
		cmocka_unit_test(failures_and_as_many_passes_are_sampled),
		cmocka_unit_test(it_is_raced_only_when_one_chain_of_thought_shows_promise),
		cmocka_unit_test(the_bound_counts_every_sample),
	};

	return cmocka_run_group_tests_name("variant_samples", tests, set_up, tear_down);
}
