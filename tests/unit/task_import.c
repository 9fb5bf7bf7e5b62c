/* task_import.c - what is guessed of a table, row by row of cases; and what is written reads back as the same task. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "task/import.h"
#include "task/yaml.h"

static char folder[64];

static const char *put(struct arena *a, const char *name, const char *bytes)
{
	const char *path = arena_printf(a, "%s/%s", folder, name);
	struct error err;

	if (!file_replace(path, bytes, strlen(bytes), &err))
		fail_msg("%s", err.text);
	return path;
}

/* `head`, then n rows of `row`, in which %zu is the row's number and the answers take turns. */
static const char *table_of(struct arena *a, const char *head, const char *row, const char *const *answers, size_t n_answers, size_t n)
{
	struct buf text = { 0 };
	const char *kept;

	buf_adds(&text, head);
	for (size_t i = 0; i < n; i++) {
		const char *number = arena_printf(a, "%zu", i);

		for (const char *c = row; *c; c++)
			if (*c == '#')
				buf_adds(&text, number);
			else if (*c == '@')
				buf_adds(&text, answers[i % n_answers]);
			else
				buf_addc(&text, *c);
	}
	kept = arena_string(a, buf_text(&text));
	buf_release(&text);
	return kept;
}

static const struct {
	const char *name, *file, *head, *row, *answers[3];
	size_t n_answers;
	enum task_kind kind;
	bool many, copied;
	const char *answer, *id;
} cases[] = {
	{ "labels by name", "a.csv", "id,text,label\n", "#,a text of # words,@\n", { "x", "y" }, 2, TASK_CLASSIFY, false, true, "label", "id" },
	{ "labels by values", "b.csv", "words,what\n", "a text of # words,@\n", { "x", "y", "z" }, 3, TASK_CLASSIFY, false, true, "what", NULL },
	{ "semicolons", "c.csv", "text;label\n", "one, two, # and more;@\n", { "x", "y" }, 2, TASK_CLASSIFY, false, false, "label", NULL },
	{ "bars", "d.tsv", "text|label\n", "one # two|@\n", { "x", "y" }, 2, TASK_CLASSIFY, false, false, "label", NULL },
	{ "lists", "e.jsonl", "", "{\"note\": \"a note #\", \"tags\": @}\n", { "[\"x\"]", "[\"x\", \"y\"]", "[]" }, 3, TASK_CLASSIFY, true, true, "tags", NULL },
	{ "objects", "f.jsonl", "", "{\"note\": \"a note #\", \"fields\": @}\n", { "{\"a\": 1}", "{\"a\": 2.5, \"b\": null}" }, 2, TASK_EXTRACT, false, true,
	  "fields", NULL },
	{ "questions", "g.csv", "question,answer\n", "what is #?,it is #\n", { "" }, 1, TASK_ANSWER, false, true, "answer", NULL },
	{ "texts", "h.csv", "note,summary\n", "we did # things,a summary of # which is as long as sentences in summaries of things use to be when written\n",
	  { "" }, 1, TASK_GENERATE, false, true, "summary", NULL },
	{ "an id that repeats is none", "i.csv", "id,text,label\n", "1,a text of # words,@\n", { "x", "y" }, 2, TASK_CLASSIFY, false, true, "label", NULL },
	{ "conversations", "j.jsonl", "", "{\"messages\": [{\"role\": \"user\", \"content\": \"mail # two\"}, {\"role\": \"assistant\", \"content\": \"@\"}]}\n",
	  { "x", "y" }, 2, TASK_CLASSIFY, false, false, "answer", NULL },
};

static void guesses(void **state)
{
	static const struct import_options none = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct import *x = mem_zero(1, sizeof(*x));
		struct arena a;
		struct error err;

		arena_init(&a);
		const char *path = put(&a, cases[i].file, table_of(&a, cases[i].head, cases[i].row, cases[i].answers, cases[i].n_answers, 40));

		if (!import_read(x, &a, path, &none, &err))
			fail_msg("%s: %s", cases[i].name, err.text);
		const char *id = x->id < x->table.n_columns ? x->table.columns[x->id] : NULL;

		if (x->kind != cases[i].kind || x->many != cases[i].many || x->copied != cases[i].copied ||
		    strcmp(x->table.columns[x->answer], cases[i].answer) != 0 || (id != cases[i].id && (!id || !cases[i].id || strcmp(id, cases[i].id) != 0)))
			fail_msg("%s: %s, many %d, copied %d, answer %s, id %s", cases[i].name, task_kind_name(x->kind), x->many, x->copied,
				 x->table.columns[x->answer], id ? id : "none");
		arena_release(&a);
		free(x);
	}
}

static void a_schema_of_all_answers(void **state)
{
	static const struct import_options none = { 0 };
	const char *const answers[] = { "{\"a\": 1, \"s\": \"u\"}", "{\"a\": 2.5, \"s\": \"v\", \"b\": null}" };
	struct import *x = mem_zero(1, sizeof(*x));
	struct arena a;
	struct error err;

	(void)state;
	arena_init(&a);
	const char *path = put(&a, "s.jsonl", table_of(&a, "", "{\"note\": \"a note #\", \"out\": @}\n", answers, 2, 40));

	if (!import_read(x, &a, path, &none, &err))
		fail_msg("%s", err.text);
	assert_non_null(strstr(x->schema, "\"type\": \"number\""));
	assert_non_null(strstr(x->schema, "\"type\": \"null\""));
	assert_non_null(strstr(x->schema, "\"required\": [\n    \"a\",\n    \"s\"\n  ]"));
	assert_non_null(strstr(x->schema, "\"enum\""));
	arena_release(&a);
	free(x);
}

/* Any text comes back from the YAML as it was. */
static void yaml_keeps_texts(void **state)
{
	static const char *const texts[] = {
		"plain", "yes", "null", "1", "a: b", "# no comment", "{{text}}", "two\nlines", "two\n\nblank", "ends\n", " leads\nlines", "tab\there",
		"quote \" and \\ back", "bell \x07", "trail \nlines", "\xE2\x80\xA8 separator", "-", "", "'", "a\r\nb", "\xC3\xA9t\xC3\xA9", "@x", "a #b",
	};
	struct import *x = mem_zero(1, sizeof(*x));
	const char *columns[] = { "answer" };
	struct arena a;
	struct error err;

	(void)state;
	arena_init(&a);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct buf out = { 0 };

		*x = (struct import){ .arena = &a, .name = texts[i], .instruction = texts[i], .input = "{{a}}", .examples = "e.jsonl", .kind = TASK_GENERATE };
		x->table = (struct table){ .columns = columns, .n_columns = 1 };
		x->id = x->split = x->group = 1;
		import_yaml(x, &out);
		const struct yaml *root = yaml_parse(&a, buf_text(&out), out.n, "task.yaml", &err);

		if (!root)
			fail_msg("\"%s\": %s\n%s", texts[i], err.text, buf_text(&out));
		assert_string_equal(yaml_get(root, "name")->text, texts[i]);
		assert_string_equal(yaml_get(root, "instruction")->text, texts[i]);
		assert_false(yaml_get(root, "name")->plain && strcmp(texts[i], "plain") != 0);
		buf_release(&out);
	}
	arena_release(&a);
	free(x);
}

static const struct {
	const char *file;
	size_t rows, variants, models, left_out;
	enum task_kind kind;
	const char *scorer;
} configurations[] = {
	{ "tests/promptfoo/inline.yaml", 33, 6, 3, 9, TASK_CLASSIFY, "exact" },
	{ "tests/promptfoo/files.yaml", 36, 9, 3, 4, TASK_ANSWER, "contains" },
	{ "tests/promptfoo/json.json", 36, 1, 1, 2, TASK_EXTRACT, NULL },
};

static void promptfoo_configurations(void **state)
{
	static const struct import_options none = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(configurations); i++) {
		struct import *x = mem_zero(1, sizeof(*x));
		struct arena a;
		struct error err;

		arena_init(&a);
		if (!import_read(x, &a, configurations[i].file, &none, &err))
			fail_msg("%s: %s", configurations[i].file, err.text);
		assert_int_equal(x->table.n_rows, configurations[i].rows);
		assert_int_equal(x->n_variants, configurations[i].variants);
		assert_int_equal(x->n_models, configurations[i].models);
		assert_int_equal(x->n_left_out, configurations[i].left_out);
		assert_int_equal(x->kind, configurations[i].kind);
		assert_true(x->scorer == configurations[i].scorer || strcmp(x->scorer, configurations[i].scorer) == 0);
		arena_release(&a);
		free(x);
	}
}

/* Configurations that no one meant: a sentence, or something left out, and no more than that. */
static void odd_configurations(void **state)
{
	static const char *const texts[] = {
		"prompts: [[]]\nproviders: [[a], {openai:x: {config: [1]}}, {}]\ntests: [{vars: {a: b}, assert: [x, {type: [1]}, {type: equals, value: c}]}]\n",
		"prompts: {}\nproviders: {id: {}}\ntests: {vars: 1}\n",
		"prompts: ['{{a', '{{}}', '{{ | }}', '{{a | }}', '[{role: user}]', '[]']\ntests: [[], {vars: [1], assert: 2}, {vars: {a: '{{'}, assert: [{type: equals, value: '{{}}'}]}]\n",
		"prompts: x\ntests: file://odd.yaml\n",
		"- file://odd.yaml\n", "prompts:\n", "{}",
	};
	static const struct import_options none = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct import *x = mem_zero(1, sizeof(*x));
		struct error err = { .text = "" };
		struct arena a;

		arena_init(&a);
		if (import_read(x, &a, put(&a, "odd.yaml", texts[i]), &none, &err))
			assert_true(x->table.n_rows > 0);
		else
			assert_non_null(strstr(err.text, "odd.yaml"));
		arena_release(&a);
		free(x);
	}
}

static int begin(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/rung-import-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	file_remove_folder(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guesses),
		cmocka_unit_test(a_schema_of_all_answers),
		cmocka_unit_test(yaml_keeps_texts),
		cmocka_unit_test(promptfoo_configurations),
		cmocka_unit_test(odd_configurations),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
