/* task_generate.c - tasks of kind generate: pattern, schema and scorer, what is refused and how that is said. */
#include "generate_task.h"

#include "task/scorer.h"

#define ROW(line) "{\"id\": \"x\", \"part\": \"ui\", \"note\": \"x\", \"line\": " line ", \"split\": \"test\"}\n"

static const struct {
	const char *name, *yaml, *rows;
	const char *want[2];
} refused[] = {
	{ "a pattern that is none", "pattern: '(a'\n", "", { "task.yaml:5:10: pattern: the pattern has a ( without ) at byte 2; docs/schema.md" } },
	{ "look-ahead", "pattern: '(?=a).*'\n", "", { "task.yaml:5:10: pattern: the pattern has a (? that is not (?:" } },
	{ "too many states", "pattern: '(?:a|b)*a(?:a|b){20}'\n", "", { "task.yaml:5:10: pattern: the pattern is too large" } },
	{ "an answer that breaks it", PATTERN, ROW("\"- web: Add x. (#1)\""),
	  { "e.jsonl:81: the answer (column \"line\") does not match pattern of ", "task.yaml from byte 2 on: \"web: Add x. (#1)\"" } },
	{ "more behind the match", PATTERN, ROW("\"- ui: Add x. (#1)? No\""), { "task.yaml: it ends too early" } }, /* "." goes on */
	{ "cut off", PATTERN, ROW("\" - ui: Ad \""), { "e.jsonl:81: the answer", "it ends too early" } },
	{ "an empty answer", PATTERN, ROW("\"\""), { "e.jsonl:81: the answer (column \"line\") is empty" } },
	{ "pattern and schema", PATTERN "schema: s.json\n", "", { "task.yaml:5:10: pattern is for text and schema for JSON" } },
	{ "labels", "labels: [a, b]\n", "", { "task.yaml:5:9: labels belong to kind: classify, not generate" } },
	{ "an answer that is no object", "schema: s.json\n", "", { "e.jsonl:", "is not a JSON object" } },
	{ "fields of nothing", "scorer: fields\n", "", { "task.yaml:5:9: scorer fields compares the groups ( ) of a pattern, and there is none" } },
	{ "fields without groups", "scorer: {fields: '- .*'}\n", "", { "task.yaml:5:9: scorer fields compares the groups" } },
	{ "fields that are no pattern", "scorer: {fields: '(a|'}\n", "", { "task.yaml:5:18: fields: the pattern has a ( without )" } },
	{ "an answer without the fields", "scorer: {fields: '- (ui): .*'}\n", "", { "does not match scorer of ", "from byte 2 on: \"" } },
	{ "fields under a schema", "schema: s.json\nscorer: fields\n", "", { "task.yaml:6:9: scorer fields belongs to kind: generate without a schema" } },
	{ "json without a schema", "scorer: json\n", "", { "task.yaml:5:9: scorer json compares objects under a schema" } },
};

static void mistakes_are_sentences(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct folder f = folder_make();
		struct error err = { .text = "" };
		struct task *t = generate_open(&f, refused[i].yaml, refused[i].rows, &err);
		bool good = !t && !strchr(err.text, '\n');

		for (size_t w = 0; w < 2 && refused[i].want[w]; w++)
			good = good && strstr(err.text, refused[i].want[w]);
		if (!good) {
			print_error("%s: %s\n", refused[i].name, t ? "opened" : err.text);
			wrong++;
		}
		task_free(t);
		folder_remove(&f);
	}
	assert_int_equal(wrong, 0);
}

/* A pattern or fields in a task of another kind. */
static void only_generate_has_patterns(void **state)
{
	static const struct {
		const char *yaml, *want;
	} others[] = {
		{ "kind: answer\n" PATTERN, "task.yaml:2:10: pattern belongs to kind: generate, not answer" },
		{ "kind: classify\nscorer: {fields: '(a)'}\n", "task.yaml:2:9: scorer fields belongs to kind: generate" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct folder f = folder_make();
		struct error err = { .text = "" };
		struct buf yaml = { 0 };

		buf_addf(&yaml, "%sinstruction: x\ninput: \"{{note}}\"\nexamples: {file: e.jsonl, answer: line}\n", others[i].yaml);
		folder_write(&f, "task.yaml", yaml.data, yaml.n);
		assert_null(task_open(f.path, NULL, &err));
		if (!strstr(err.text, others[i].want))
			fail_msg("%s: %s", others[i].yaml, err.text);
		buf_release(&yaml);
		folder_remove(&f);
	}
}

static void the_scorer_follows_from_what_answers_are(void **state)
{
	static const struct {
		const char *yaml, *scorer, *setting;
	} defaults[] = {
		{ "", "f1", NULL },
		{ PATTERN, "fields", PATTERN_TEXT },
		{ "pattern: '- .*'\n", "f1", NULL }, /* no groups to compare */
		{ PATTERN "scorer: exact\n", "exact", NULL },
		{ PATTERN "scorer: fields\n", "fields", PATTERN_TEXT },
		{ PATTERN "scorer: {fields: '- (api|ui).*'}\n", "fields", "- (api|ui).*" },
		{ "scorer: {fields: '- (api|ui).*'}\n", "fields", "- (api|ui).*" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		struct folder f = folder_make();
		struct error err = { .text = "" };
		struct task *t = generate_open(&f, defaults[i].yaml, "", &err);

		if (!t)
			fail_msg("%s: %s", defaults[i].yaml, err.text);
		assert_string_equal(t->scorer, defaults[i].scorer);
		assert_true(!t->scorer_setting == !defaults[i].setting);
		if (t->scorer_setting)
			assert_string_equal(t->scorer_setting, defaults[i].setting);
		assert_non_null(scorer_find(t->scorer));
		task_free(t);
		folder_remove(&f);
	}
}

static void answers_may_be_objects(void **state)
{
	static const char yaml[] = "kind: generate\ninstruction: x\ninput: \"{{note}}\"\nschema: s.json\n"
				   "examples: {file: e.jsonl, answer: verb, id: id, split: split}\n";
	struct folder f = folder_make();
	struct error err = { .text = "" };

	(void)state;
	task_free(generate_open(&f, "", "", &err));
	folder_write(&f, "task.yaml", yaml, strlen(yaml));
	struct task *t = task_open(f.path, NULL, &err);

	if (!t)
		fail_msg("%s", err.text);
	assert_string_equal(t->scorer, "json");
	assert_non_null(t->validator);
	assert_true(strncmp(t->dev.list.items[0]->answer, "{\"verb\": \"", 10) == 0);
	task_free(t);
	folder_remove(&f);
}

static void another_pattern_is_another_task(void **state)
{
	struct folder f = folder_make();
	struct error err = { .text = "" };
	struct task *a = generate_open(&f, PATTERN "scorer: exact\n", "", &err);
	struct task *b = generate_open(&f, "pattern: '- (api|ui): .*'\nscorer: exact\n", "", &err);
	struct task *c = generate_open(&f, PATTERN "scorer: exact\n", "", &err);

	(void)state;
	assert_true(a && b && c);
	assert_true(a->fingerprint != b->fingerprint);
	assert_true(a->fingerprint == c->fingerprint);
	task_free(a);
	task_free(b);
	task_free(c);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_sentences),
		cmocka_unit_test(only_generate_has_patterns),
		cmocka_unit_test(the_scorer_follows_from_what_answers_are),
		cmocka_unit_test(answers_may_be_objects),
		cmocka_unit_test(another_pattern_is_another_task),
	};

	return cmocka_run_group_tests_name("task_generate", tests, NULL, NULL);
}
