/* Opening tasks: what a good one holds, key by key and format by format; task_mistakes.c has the others. */
#include "task_input.h"

#include "task/template.h"

/* Opens or ends the test with the sentence. */
static struct task *must_open(const struct input *in, uint64_t seed)
{
	struct error err = { .text = "" };
	struct task *t = open_input(in, seed, &err);

	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static const struct example *example_find(const struct task *t, const char *id)
{
	const struct item_list *lists[] = { &t->pool.list, &t->dev.list, &t->test.list };

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (strcmp(lists[l]->items[i]->id, id) == 0)
				return lists[l]->items[i];
	fail_msg("no example %s", id);
	return NULL;
}

static void every_key_arrives(void **state)
{
	static const struct input in = GOOD(
		"name: mail\nkind: classify\ninstruction: [\"Pick {{labels}}.\", Choose.]\n"
		"input: |\n  {{text}}\nmany: false\nlabels:\n  work: the job\n  spam:\n"
		"examples: {file: e.csv, answer: label, id: id, group: thread, gold: thread, gold_ids: id}\n"
		"documents: {file: docs.tsv, text: [a, b], id: c}\n"
		"variants:\n  - {name: now, incumbent: true, model: openai:x, system: Be brief.,\n"
		"     input: \"{{text}}!\", max_tokens: 5}\n"
		"  - {name: other}\nmodels: [local, local:x]\nscorer: normalised\n"
		"target: 0.9\nmargin: 0.02\nalpha: 0.01\nplan: early\n"
		"traffic: {calls_per_day: 5e5, horizon_days: 90, cost_per_error: 0.1, latency_p95_ms: 500}\n"
		"constraints: {private: true, citations: false}\nbudget: {usd: 5.00, minutes: 20, calls: 20000}\n"
		"rewrite: {model: \"openai:w\", wordings: 3}\n");
	struct task *t = must_open(&in, 0);

	(void)state;
	assert_string_equal(t->name, "mail");
	assert_int_equal(t->kind, TASK_CLASSIFY);
	assert_int_equal(t->n_instructions, 2);
	assert_string_equal(t->instructions[1], "Choose.");
	assert_string_equal(t->input, "{{text}}\n");
	assert_int_equal(t->n_labels, 2);
	assert_string_equal(t->labels[0].name, "work");
	assert_string_equal(t->labels[0].definition, "the job");
	assert_null(t->labels[1].definition);
	assert_int_equal(t->n_variants, 2);
	assert_true(t->variants[0].incumbent && !t->variants[1].incumbent);
	assert_string_equal(t->variants[0].model, "openai:x");
	assert_string_equal(t->variants[0].input, "{{text}}!");
	assert_int_equal(t->variants[0].max_tokens, 5);
	assert_int_equal(t->variants[0].line, 13);
	assert_string_equal(t->variants[1].model, "local");
	assert_int_equal(t->n_models, 2);
	assert_string_equal(t->models[1], "local:x");
	assert_string_equal(t->scorer, "normalised");
	assert_true(t->has_target && t->target == 0.9 && t->margin == 0.02 && t->alpha == 0.01);
	assert_true(t->traffic.calls_per_day == 500000 && t->traffic.horizon_days == 90);
	assert_true(t->traffic.cost_per_error == 0.1 && t->traffic.latency_p95_ms == 500);
	assert_int_equal(t->plan, PLAN_EARLY);
	assert_true(t->constraints.private && !t->constraints.citations);
	assert_string_equal(t->rewrite.model, "openai:w");
	assert_true(t->rewrite.rounds == 1 && t->rewrite.wordings == 3);
	assert_true(t->budget.usd == 5 && t->budget.minutes == 20 && t->budget.calls == 20000);
	assert_int_equal(t->documents.n_paths, 1);
	assert_string_equal(t->documents.paths[0], "docs.tsv");
	assert_int_equal(t->documents.n_text, 2);
	assert_string_equal(t->documents.text[1], "b");
	assert_string_equal(t->documents.id, "c");
	task_free(t);
}

static void what_is_left_out_has_a_default(void **state)
{
	static const struct input in = GOOD("instruction: x\ninput: \"{{text}}\"\n" EXAMPLES);
	struct task *t = must_open(&in, 0);

	(void)state;
	assert_memory_equal(t->name, "rung-task-", 10); /* the folder's */
	assert_int_equal(t->kind, TASK_CLASSIFY);
	assert_int_equal(t->n_labels, 2); /* from the examples, sorted */
	assert_string_equal(t->labels[0].name, "spam");
	assert_string_equal(t->labels[1].name, "work");
	assert_string_equal(t->models[0], "local");
	assert_string_equal(t->scorer, "exact");
	assert_true(!t->has_target && t->margin == 0.05 && t->alpha == 0.05);
	assert_int_equal(t->plan, PLAN_AUTO);
	assert_int_equal(t->n_rows, 60);
	assert_int_equal(t->pool.list.n, 30);
	assert_int_equal(t->dev.list.n, 12);
	assert_int_equal(t->test.list.n, 18);
	assert_string_equal(example_find(t, "line-2")->answer, "spam");
	assert_int_equal(example_find(t, "line-3")->label, 1);
	task_free(t);
}

/* kind answer: no answer, several right ones, gold passages and documents. */
static void answers_and_their_places_are_read(void **state)
{
	static const char yaml[] = "kind: answer\ninstruction: Answer.\ninput: \"{{text}}\"\n"
				   "examples: {file: e.jsonl, answer: label, gold: passage, gold_ids: where}\n";
	static const struct input in = TAIL(yaml, "e.jsonl", "", 60,
		"{\"text\": \"q1\", \"label\": null, \"passage\": \"\", \"where\": null}\n"
		"{\"text\": \"q2\", \"label\": [\"2046\", \"the year 2046\"], \"passage\": \"It was 2046.\", \"where\": [\"a.md\", \"b, c.md\"]}\n"
		"{\"text\": \"q3\", \"label\": \"[sic]\", \"where\": \"d 1; e.md\"}\n");
	struct task *t = must_open(&in, 0);
	const struct example *none = example_find(t, "line-61"), *two = example_find(t, "line-62"),
			     *one = example_find(t, "line-63");

	(void)state;
	assert_true(t->has_gold);
	assert_int_equal(t->n_labels, 0);
	assert_string_equal(none->answer, "");
	assert_int_equal(none->n_gold_ids, 0);
	assert_int_equal(two->n_answers, 2);
	assert_string_equal(two->answer, "2046");
	assert_string_equal(two->answers[1], "the year 2046");
	assert_string_equal(two->gold, "It was 2046.");
	assert_int_equal(two->n_gold_ids, 2);
	assert_string_equal(two->gold_ids[1], "b, c.md");
	assert_string_equal(one->answer, "[sic]");
	assert_int_equal(one->n_answers, 0);
	assert_int_equal(one->n_gold_ids, 1);
	assert_string_equal(one->gold_ids[0], "d 1; e.md");
	task_free(t);
}

/* The same rows in every format give the same texts. */
static void formats_agree(void **state)
{
	static const struct input inputs[] = {
		ROWS(JSONL, "e.jsonl", "", 60),
		ROWS(JSONL, "e.jsonl", "\xEF\xBB\xBF\n", 60),
		TAIL(ARRAY, "e.json", " [", 60, "{\"text\": \"text 61\", \"label\": \"spam\"} ]\n"),
	};
	static const char *const ids[] = { "line-7", "line-8", "row-7" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		struct task *t = must_open(&inputs[i], 0);

		assert_int_equal(t->n_columns, 3);
		assert_string_equal(t->columns[0], "text");
		assert_string_equal(t->columns[2], "id");
		assert_int_equal(t->n_rows, i == 2 ? 61 : 60);
		assert_string_equal(example_find(t, ids[i])->values[0], "text 7");
		task_free(t);
	}
}

static void json_values_become_text(void **state)
{
	static const struct input in = LAST_LINE(
		"{\"text\": 0.1, \"label\": \"spam\", \"a\": 1e300, \"b\": -7, \"c\": true, \"d\": null, "
		"\"e\": [1, {\"x\": 2.5}], \"f\": \"\\u00e9\\n\", \"g\": 0.30000000000000004}\n");
	static const char *const want[] = { "0.1", "spam", "", "1e+300", "-7", "true", "", "[1,{\"x\":2.5}]",
					    "\xC3\xA9\n", "0.30000000000000004" };
	struct task *t = must_open(&in, 0);
	const struct example *e = example_find(t, "line-61");

	(void)state;
	assert_int_equal(t->n_columns, 10); /* text, label, id, and those of the last row */
	for (size_t i = 0; i < 10; i++)
		assert_string_equal(e->values[i], want[i]);
	assert_string_equal(example_find(t, "line-1")->values[9], "");
	task_free(t);
}

static bool warned(const struct task *t, const char *fragment)
{
	for (size_t i = 0; i < t->n_warnings; i++)
		if (strstr(t->warnings[i], fragment))
			return true;
	return false;
}

static void warnings_name_what_to_look_at(void **state)
{
	static const struct {
		const char *name;
		struct input in;
		const char *want;
	} cases[] = {
		{ "few test examples", GOOD(CSV), "18 test examples are few: 80 % right" },
		{ "a conflict", LAST_ROW("Text 2!,spam,a,b\n"),
		  "1 text stands with two or more different answers (first: lines 3 and 62" },
		{ "two conflicts", LAST_ROW("Text 2!,spam,a,b\ntext 3,work,a,b\ntext 3,spam,a,b\n"),
		  "2 texts stand with two or more different answers" },
		{ "duplicates", LAST_ROW("Text 2!,work,a,b\n"), "1 duplicate is dropped" },
		{ "unused label", GOOD(CSV "labels: [spam, work, other]\n"), "label \"other\" has no example" },
		{ "the wrong column", GOOD(HEAD "examples: {file: e.csv, answer: id}\n"),
		  "60 labels for 60 examples: is \"id\" the column" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct task *t = must_open(&cases[i].in, 0);

		if (!warned(t, cases[i].want))
			fail_msg("%s: no warning has \"%s\"", cases[i].name, cases[i].want);
		task_free(t);
	}
}

/* The first N characters are all a model sees, so they are all that tells texts apart. */
static void duplicates_are_what_the_model_sees(void **state)
{
	static const struct input in = GOOD("instruction: x\ninput: \"{{text | first 4}}\"\n" EXAMPLES);
	struct error err = { .text = "" };

	(void)state;
	assert_null(open_input(&in, 0, &err));
	assert_non_null(strstr(err.text, "all 60 examples have the same text"));
}

/* Kinds whose answers are plain text. */
static void other_kinds_open(void **state)
{
	static const struct {
		const char *kind, *scorer;
	} kinds[] = { { "answer", "f1" }, { "generate", "f1" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char yaml[256];

		snprintf(yaml, sizeof(yaml),
			 "kind: %s\ninstruction: x\ninput: \"{{text}}\"\nexamples: {file: e.csv, answer: id}\n",
			 kinds[i].kind);
		struct input in = GOOD(yaml);
		struct task *t = must_open(&in, 0);

		assert_string_equal(task_kind_name(t->kind), kinds[i].kind);
		assert_string_equal(t->scorer, kinds[i].scorer);
		assert_int_equal(t->n_labels, 0);
		task_free(t);
	}
}

static void the_fingerprint_follows_what_changes_results(void **state)
{
	static const struct {
		const char *name;
		struct input in;
		uint64_t seed;
		bool same;
	} cases[] = {
		{ "nothing", GOOD(CSV), 0, true },
		{ "name", GOOD("name: other\n" CSV), 0, true },
		{ "budget", GOOD(CSV "budget: {usd: 3}\n"), 0, true },
		{ "rewrite", GOOD(CSV "rewrite: {model: m}\n"), 0, true },
		{ "traffic", GOOD(CSV "traffic: {calls_per_day: 3}\n"), 0, true },
		{ "models", GOOD(CSV "models: [local, local:x]\n"), 0, true },
		{ "seed", GOOD(CSV), 1, false },
		{ "one more example", ROWS(CSV, "e.csv", csv_header, 61), 0, false },
		{ "alpha", GOOD(CSV "alpha: 0.1\n"), 0, false },
		{ "target", GOOD(CSV "target: 0.1\n"), 0, false },
		{ "scorer", GOOD(CSV "scorer: contains\n"), 0, false },
		{ "labels", GOOD(CSV "labels: [work, spam]\n"), 0, false },
		{ "definition", GOOD(CSV "labels: {spam: x, work: }\n"), 0, false },
		{ "variant", GOOD(CSV "variants: [{name: a}]\n"), 0, false },
		{ "groups", GOOD(WITH("group: thread")), 0, false },
		{ "documents", GOOD(CSV "documents: a.md\n"), 0, false },
	};
	struct task *base = must_open(&cases[0].in, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct task *t = must_open(&cases[i].in, cases[i].seed);

		if ((t->fingerprint == base->fingerprint) != cases[i].same)
			fail_msg("%s: the fingerprint %s", cases[i].name, cases[i].same ? "changed" : "did not change");
		task_free(t);
	}
	task_free(base);
}

/* Opens a task whose variant names s.json, which holds the text. */
static struct task *open_with_schema(const char *text, size_t n, struct error *err)
{
	static const char yaml[] = CSV "variants: [{name: a, schema: s.json}]\n";
	struct folder f = folder_make();
	struct buf rows = { 0 };

	buf_adds(&rows, csv_header);
	rows_add(&rows, "e.csv", 1, 60);
	folder_write(&f, "task.yaml", yaml, strlen(yaml));
	folder_write(&f, "e.csv", rows.data, rows.n);
	if (text)
		folder_write(&f, "s.json", text, n);
	struct task *t = task_open(f.path, NULL, err);

	folder_remove(&f);
	buf_release(&rows);
	return t;
}

static void the_text_of_a_schema_belongs_to_the_task(void **state)
{
	struct error err = { .text = "" };
	struct task *a = open_with_schema("{\"type\": \"null\"}", 16, &err), *b = open_with_schema("{\"type\":\"null\"}", 15, &err);

	(void)state;
	assert_string_equal(a->variants[0].schema, "{\"type\": \"null\"}");
	assert_non_null(strstr(a->variants[0].schema_file, "/s.json"));
	assert_true(a->fingerprint != b->fingerprint);
	task_free(a);
	task_free(b);
	assert_null(open_with_schema(NULL, 0, &err));
	assert_non_null(strstr(err.text, "task.yaml:5:30: schema: "));
	assert_non_null(strstr(err.text, "s.json: cannot open"));
	assert_null(open_with_schema("{}\0x", 4, &err));
	assert_non_null(strstr(err.text, "s.json holds a NUL byte"));
}

static void groups_arrive(void **state)
{
	static const struct input in = TAIL(WITH("group: thread, id: id"), "e.csv", csv_header, 60,
					      "no group,work,a,\nnor here,spam,b,\n");
	struct task *t = must_open(&in, 0);

	(void)state;
	assert_int_equal(example_find(t, "k3")->group, example_find(t, "k5")->group);
	assert_int_not_equal(example_find(t, "k2")->group, example_find(t, "k3")->group);
	assert_int_not_equal(example_find(t, "a")->group, example_find(t, "b")->group);
	task_free(t);
}

/* Another examples file than the task names, as `rung climb --examples` gives it. */
static void examples_may_be_named_by_the_caller(void **state)
{
	struct folder f = folder_make();
	struct buf rows = { 0 };
	struct error err = { .text = "" };
	char other[128], yaml[128];

	(void)state;
	snprintf(other, sizeof(other), "%s/other.csv", f.path);
	snprintf(yaml, sizeof(yaml), "%s/my.yaml", f.path);
	buf_adds(&rows, csv_header);
	rows_add(&rows, ".csv", 1, 40);
	folder_write(&f, "my.yaml", CSV, strlen(CSV));
	folder_write(&f, "other.csv", rows.data, rows.n);
	struct task *t = task_open(yaml, &(struct task_options){ .examples = other }, &err);

	assert_non_null(t);
	assert_string_equal(t->examples_file, other);
	assert_int_equal(t->n_rows, 40);
	assert_string_equal(t->folder, f.path);
	task_free(t);
	assert_null(task_open("/nowhere", NULL, &err));
	assert_non_null(strstr(err.text, "/nowhere: there is no such task file"));
	folder_remove(&f);
	buf_release(&rows);
}

/* The 897 real e-mails keep their own split; what stands twice leaves pool, then dev. */
static void real_emails_keep_their_split(void **state)
{
	const char *data = test_data_folder();
	char real[4096], yaml[8192];
	struct folder f;
	struct error err = { .text = "" };

	(void)state;
	if (!data || !realpath(data, real)) {
		print_message("no data at ../shared/data (RUNG_DATA)\n");
		skip();
	}
	f = folder_make();
	snprintf(yaml, sizeof(yaml),
		 "instruction: Pick one of {{labels}}.\ninput: |\n  {{subject}}\n  {{text | first 500}}\n"
		 "examples: {file: \"%s/email_five/email_five.jsonl\", answer: label, id: id, split: split}\n", real);
	folder_write(&f, "task.yaml", yaml, strlen(yaml));
	struct task *t = task_open(f.path, NULL, &err);

	if (!t)
		fail_msg("%s", err.text);
	print_message("email_five: %zu rows, %zu dropped, pool %zu, dev %zu, test %zu\n", t->n_rows, t->n_duplicates,
		      t->pool.list.n, t->dev.list.n, t->test.list.n);
	assert_int_equal(t->n_rows, 897);
	assert_int_equal(t->n_labels, 5);
	assert_int_equal(t->test.list.n, 296);
	assert_int_equal(t->n_duplicates + t->pool.list.n + t->dev.list.n, 453 + 148);
	task_free(t);
	folder_remove(&f);
}

/* The task that ships with rung. */
static void the_email_example_opens(void **state)
{
	struct error err = { .text = "" };
	struct task *t;

	(void)state;
	t = task_open("examples/email", NULL, &err);
	if (!t)
		fail_msg("%s (run from the root of the source tree)", err.text);
	assert_int_equal(t->n_rows, 448);
	assert_int_equal(t->n_duplicates, 0);
	assert_int_equal(t->pool.list.n, 224);
	assert_int_equal(t->dev.list.n, 90);
	assert_int_equal(t->test.list.n, 134);
	task_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(what_is_left_out_has_a_default),
		cmocka_unit_test(answers_and_their_places_are_read),
		cmocka_unit_test(formats_agree),
		cmocka_unit_test(json_values_become_text),
		cmocka_unit_test(warnings_name_what_to_look_at),
		cmocka_unit_test(duplicates_are_what_the_model_sees),
		cmocka_unit_test(other_kinds_open),
		cmocka_unit_test(the_fingerprint_follows_what_changes_results),
		cmocka_unit_test(the_text_of_a_schema_belongs_to_the_task),
		cmocka_unit_test(groups_arrive),
		cmocka_unit_test(examples_may_be_named_by_the_caller),
		cmocka_unit_test(real_emails_keep_their_split),
		cmocka_unit_test(the_email_example_opens),
	};

	return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
