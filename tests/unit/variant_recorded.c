/* variant_recorded.c - recorded outcomes as variants: which there are, what they answer, what is kept of a row, and who is passed over. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "task/outcomes.h"
#include "variant/variant.h"

static char folder[] = "/tmp/rung-outcomes-XXXXXX";
static const char yaml[] = "name: t\nkind: classify\ninstruction: Pick.\ninput: \"{{text}}\"\nlabels: [animal, tool]\n"
			   "examples: {file: e.jsonl, answer: label, id: id, split: split}\nmodels: [local]\n";
static const char limited[] = "name: t\nkind: classify\ninstruction: Pick.\ninput: \"{{text}}\"\nlabels: [animal, tool]\n"
			      "examples: {file: e.jsonl, answer: label, id: id, split: split}\nmodels: [\"recorded:o.jsonl\"]\n"
			      "traffic: {latency_p95_ms: 500}\n";

static void put(const char *name, const char *text)
{
	char path[64];
	struct error err;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_true(file_replace(path, text, strlen(text), &err));
}

static int make_folder(void **state)
{
	struct buf lines = { 0 };

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	for (int i = 0; i < 30; i++)
		buf_addf(&lines, "{\"id\": \"i%d\", \"label\": \"%s\", \"text\": \"number %d of many\", \"split\": \"%s\"}\n", i, i % 2 ? "tool" : "animal",
			 i, i < 10 ? "train" : i < 20 ? "dev" : "test");
	put("task.yaml", yaml);
	put("e.jsonl", buf_text(&lines));
	buf_release(&lines);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	file_remove_folder(folder);
	return 0;
}

static struct task *opened(void)
{
	const struct task_options options = { .seed = 1 };
	struct error err = { .text = "" };
	struct task *task = task_open(folder, &options, &err);

	if (!task)
		fail_msg("%s", err.text);
	return task;
}

/* Rows of the dev and test items from `first` on, each with "rest" behind; rest NULL: an output that is right. */
static void add_rows(struct buf *out, const char *model, const char *config, const char *place, int first, const char *rest)
{
	for (int i = first; i < 30; i++)
		buf_addf(out, "{\"item\":\"i%d\",\"model\":\"%s\",\"config\":\"%s\",\"rung\":\"%s\",\"correct\":1,%s%s%s}\n", i, model, config, place,
			 rest ? rest : "\"output\":\"", rest ? "" : i % 2 ? "tool" : "animal", rest ? "" : "\"");
}

static void put_rows(const char *name, struct buf *rows)
{
	put(name, buf_text(rows));
	buf_release(rows);
}

static const struct variant *listed(const struct task *task, struct arena *arena, const char *model, const char *id)
{
	size_t n;
	const struct variant *all = variants_list(task, arena, &model, 1, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].id, id) == 0)
			return &all[i];
	return NULL;
}

static void names_of_files_are_told_from_names_of_calls(void **state)
{
	static const char *const models[] = { "recorded:a.jsonl", "local" };

	(void)state;
	assert_string_equal(outcomes_path("recorded:x/a.jsonl"), "x/a.jsonl");
	assert_null(outcomes_path("recorded:a.jsonl#openai:m"));
	assert_null(outcomes_path("local:recorded"));
	assert_string_equal(outcomes_first_other(models, 2), "local");
	assert_null(outcomes_first_other(models, 1));
}

/* Every rung of the ladder gets what its rows name; a probe is nobody's answer; models are told apart only where there are several. */
static void configurations_become_variants_on_their_rungs(void **state)
{
	static const char *const one = "recorded:one.jsonl", *const two = "recorded:two.jsonl";
	static const char *const names[] = { "recorded:one.jsonl", "recorded:two.jsonl", "recorded:one.jsonl" };
	struct buf a = { 0 }, b = { 0 };
	struct task *task = opened();
	struct arena arena;
	struct error err;
	size_t n;

	(void)state;
	arena_init(&arena);
	add_rows(&a, "m", "base", "baseline", 10, NULL);
	add_rows(&a, "m", "p", "prompt", 10, NULL);
	add_rows(&a, "m", "r", "rag", 10, NULL);
	add_rows(&a, "m", "f", "finetune", 10, NULL);
	add_rows(&a, "stronger", "o", "stronger-model", 10, NULL);
	put_rows("one.jsonl", &a);
	add_rows(&b, "m", "p", "prompt", 10, NULL);
	add_rows(&b, "none", "p", "prompt", 10, NULL);
	put_rows("two.jsonl", &b);
	assert_null(listed(task, &arena, one, "1/p@recorded:one.jsonl")); /* not read yet */
	assert_true(outcomes_open(task, names, 3, &err));
	outcomes_configs(task, one, &n);
	assert_int_equal(n, 4);
	const struct { const char *id; int rung; } expected[] = {
		{ "0/base@recorded:one.jsonl", 0 }, { "1/p@recorded:one.jsonl", 1 }, { "2/r@recorded:one.jsonl", 2 }, { "3/f@recorded:one.jsonl", 3 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct variant *v = listed(task, &arena, one, expected[i].id);

		assert_non_null(v);
		assert_int_equal(v->rung, expected[i].rung);
		assert_string_equal(v->model, "recorded:one.jsonl#m");
		assert_int_equal(variant_calls(v), 0);
		assert_null(v->skipped);
	}
	assert_non_null(listed(task, &arena, two, "1/p@recorded:two.jsonl#m"));
	assert_null(listed(task, &arena, two, "1/p@recorded:two.jsonl#none")->model);
	assert_null(listed(task, &arena, "local", "1/p@recorded:one.jsonl"));
	/* The name of a file is no model to be prompted or tuned. */
	const struct variant *all = variants_list(task, &arena, &one, 1, &n);

	for (size_t i = 0; i < n; i++)
		assert_false(all[i].technique || (all[i].tuning && all[i].model));
	arena_release(&arena);
	task_free(task);
}

static const struct example *item_of(const struct task *task, const char *id)
{
	const struct item_list lists[] = { task->dev.list, task->test.list, task->pool.list };

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l].n; i++)
			if (strcmp(lists[l].items[i]->id, id) == 0)
				return lists[l].items[i];
	fail_msg("no item %s", id);
	return NULL;
}

/* A reply is read as every other is, and the row's tokens, dollars and time stay with it in the store. */
static void a_row_answers_its_item(void **state)
{
	static const struct {
		const char *row, *text, *status;
		size_t in, out;
		double ms, usd;
	} rows[] = {
		{ "\"output\":\"It is a tool.\",\"input_tokens\":90,\"output_tokens\":4,\"ms\":120.5,\"usd\":0.002", "tool", "answered", 90, 4, 120.5, .002 },
		{ "\"output\":\"animal\",\"usd\":0", "animal", "answered", 0, 0, 0, 0 },
		{ "\"output\":\"I am not sure.\"", NULL, "unparsed", 0, 0, 0, NAN },
		{ "\"output\":null,\"input_tokens\":7", NULL, "unparsed", 7, 0, 0, NAN },
		{ "\"output\":\"\"", NULL, "unparsed", 0, 0, 0, NAN },
	};
	enum { N = ARRAY_SIZE(rows) };
	static const char *const model = "recorded:o.jsonl";
	struct task *task = opened();
	struct buf text = { 0 };
	struct arena arena;
	struct error err = { .text = "" };
	const struct example *items[N];
	struct answer answers[N];
	char path[64];

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < N; i++) {
		buf_addf(&text, "{\"item\":\"i%zu\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":0,%s}\n", 10 + i, rows[i].row);
		items[i] = item_of(task, arena_printf(&arena, "i%zu", 10 + i));
	}
	add_rows(&text, "m", "c", "prompt", 10 + N, NULL);
	put_rows("o.jsonl", &text);
	assert_true(outcomes_open(task, &model, 1, &err));
	const struct variant *v = listed(task, &arena, model, "1/c@recorded:o.jsonl");

	snprintf(path, sizeof(path), "%s/s.db", folder);
	struct store *store = store_open(path, true, &err);
	struct models *models = models_open("/nonexistent", &(struct model_settings){ .threads = 1 });
	struct workshop *w = workshop_open(task, task->dev, models, NULL, store, 0, 1);
	const char *unfit;

	assert_true(variant_ready(w, v, &unfit, &err) && !unfit);
	assert_true(variant_answer(w, v, items, N, &arena, answers, &err));
	for (size_t i = 0; i < N; i++) {
		struct call_row call;

		assert_string_equal(answers[i].status, rows[i].status);
		assert_true(rows[i].text ? answers[i].text && strcmp(answers[i].text, rows[i].text) == 0 : !answers[i].text);
		assert_int_equal(answers[i].input_tokens, rows[i].in);
		assert_int_equal(answers[i].output_tokens, rows[i].out);
		assert_true(answers[i].call > 0 && fabs(answers[i].ms - rows[i].ms) < 1e-12);
		assert_true(store_call_get(store, &arena, answers[i].call, &call, &err));
		assert_string_equal(call.model, "recorded:o.jsonl#m");
		assert_int_equal(call.has_usd, !isnan(rows[i].usd));
		assert_true(!call.has_usd || fabs(call.usd - rows[i].usd) < 1e-15);
	}
	/* Nothing is made up for an item that was not recorded. */
	items[0] = item_of(task, "i3");
	assert_false(variant_answer(w, v, items, 1, &arena, answers, &err));
	assert_non_null(strstr(err.text, "nothing of item \"i3\""));
	workshop_free(w);
	models_free(models);
	store_close(store);
	arena_release(&arena);
	task_free(task);
}

static void another_content_is_another_recipe(void **state)
{
	static const char *const model = "recorded:o.jsonl";
	uint64_t recipes[3], fingerprints[3];
	struct arena arena;
	struct error err;

	(void)state;
	arena_init(&arena);
	for (int i = 0; i < 3; i++) {
		struct buf text = { 0 };
		struct task *task = opened();

		add_rows(&text, "m", "c", "prompt", 10, i == 2 ? "\"output\":\"tool\"" : NULL);
		put_rows("o.jsonl", &text);
		assert_true(outcomes_open(task, &model, 1, &err));
		recipes[i] = listed(task, &arena, model, "1/c@recorded:o.jsonl")->recipe;
		fingerprints[i] = outcomes_fingerprint(task, &model, 1);
		task_free(task);
	}
	assert_true(recipes[0] == recipes[1] && recipes[0] != recipes[2]);
	assert_true(fingerprints[0] == fingerprints[1] && fingerprints[0] != fingerprints[2] && fingerprints[0] != 0);
	arena_release(&arena);
}

/* What a configuration lacks is said of that one; the other goes on. */
static void what_cannot_answer_is_passed_over(void **state)
{
	static const struct { const char *task; int first; const char *rest, *sentence; } cases[] = {
		{ yaml, 13, NULL, "has no row of 3 of the 20 dev and test items under \"m/c\", \"i1" },
		{ yaml, 10, "\"usd\":1", "has 20 rows without \"output\" under \"m/c\", that of item \"i" },
		{ yaml, 10, "\"usd\":1", "so that scorer exact has nothing to grade; add them, or decide on \"correct\" and \"score\" alone: `rung decide " },
		{ limited, 10, NULL, "has no \"ms\" under \"m/c\", and the task has a latency_p95_ms to keep to" },
	};
	static const char *const model = "recorded:o.jsonl";
	struct arena arena;
	struct error err;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf text = { 0 };

		put("task.yaml", cases[i].task);
		struct task *task = opened();

		add_rows(&text, "m", "c", "prompt", cases[i].first, cases[i].rest);
		add_rows(&text, "m", "whole", "prompt", 10, "\"output\":\"tool\",\"ms\":3");
		put_rows("o.jsonl", &text);
		assert_true(outcomes_open(task, &model, 1, &err));
		const struct variant *v = listed(task, &arena, model, "1/c@recorded:o.jsonl");

		assert_non_null(v->skipped);
		if (!strstr(v->skipped, cases[i].sentence))
			fail_msg("case %zu: \"%s\"", i, v->skipped);
		assert_null(listed(task, &arena, model, "1/whole@recorded:o.jsonl")->skipped);
		task_free(task);
	}
	put("task.yaml", yaml);
	arena_release(&arena);
}

static void files_that_cannot_be_read_are_sentences(void **state)
{
	static const struct { const char *model, *text, *sentence; } cases[] = {
		{ "recorded:absent.jsonl", NULL, "absent.jsonl" },
		{ "recorded:bad.jsonl", "{\"item\":\"i10\"}\n", "bad.jsonl:1: this row has no \"model\"" },
		{ "recorded:bad.jsonl", "{\"item\":\"i10\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"no-gold\",\"correct\":1,\"output\":\"tool\"}\n",
		  "has probes alone" },
		{ "recorded:bad.jsonl", "", "no outcomes in it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct task *task = opened();
		struct error err = { .text = "" };

		if (cases[i].text)
			put("bad.jsonl", cases[i].text);
		assert_false(outcomes_open(task, &cases[i].model, 1, &err));
		if (!strstr(err.text, cases[i].sentence) || !strstr(err.text, cases[i].model))
			fail_msg("case %zu: \"%s\"", i, err.text);
		task_free(task);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_files_are_told_from_names_of_calls),
		cmocka_unit_test(configurations_become_variants_on_their_rungs),
		cmocka_unit_test(a_row_answers_its_item),
		cmocka_unit_test(another_content_is_another_recipe),
		cmocka_unit_test(what_cannot_answer_is_passed_over),
		cmocka_unit_test(files_that_cannot_be_read_are_sentences),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
