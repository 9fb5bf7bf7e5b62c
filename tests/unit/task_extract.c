/* task_extract.c - tasks of kind extract: the schema and the answers under it, what is refused and how that is said. */
#include "extract_task.h"

#include "schema/validator.h"
#include "task/scorer.h"

#define ROW(order) "{\"id\": \"x\", \"text\": \"x\", \"order\": " order ", \"split\": \"test\"}\n"

static const struct {
	const char *name, *yaml, *schema, *rows;
	const char *want[3];
} refused[] = {
	{ "labels", "labels: [a, b]\n", ORDER_SCHEMA, "", { "task.yaml:6:9: labels belong to kind: classify" } },
	{ "a schema that is not JSON", "", "{\"type\": ", "", { "order.json: the schema is not JSON: line 1" } },
	{ "an unsupported keyword", "", "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\", \"format\": \"date\"}}}", "",
	  { "order.json: #/properties/a/format: the keyword is not supported" } },
	{ "a schema of something else", "", "{\"type\": \"string\"}", "", { "order.json: #: a task's schema needs \"type\": \"object\"" } },
	{ "alternatives at the root", "", "{\"anyOf\": [{\"type\": \"object\"}]}", "", { "order.json: #: a task's schema needs" } },
	{ "an answer that is text", "", ORDER_SCHEMA, ROW("\"tea\""), { "e.jsonl:81: the answer (column \"order\") is not a JSON object" } },
	{ "a list", "", ORDER_SCHEMA, ROW("[1]"), { "e.jsonl:81: the answer", "is not a JSON object" } },
	{ "JSON cut off in a text", "", ORDER_SCHEMA, ROW("\"{\\\"size\\\": \""), { "e.jsonl:81: the answer", "is not a JSON object" } },
	{ "a key twice in a text", "", ORDER_SCHEMA,
	  ROW("\"{\\\"size\\\": \\\"small\\\", \\\"drink\\\": \\\"a\\\", \\\"drink\\\": \\\"b\\\"}\""), { "e.jsonl:81:", "is not a JSON object" } },
	{ "no answer", "", ORDER_SCHEMA, ROW("null"), { "e.jsonl:81: the answer (column \"order\") is empty" } },
	{ "not in the enum", "", ORDER_SCHEMA, ROW("{\"size\": \"huge\", \"drink\": \"tea\"}"),
	  { "e.jsonl:81: the answer (column \"order\") does not satisfy ", "order.json: #/size: \"huge\" is not in the schema's enum" } },
	{ "required", "", ORDER_SCHEMA, ROW("{\"size\": \"small\"}"), { "e.jsonl:81:", "#: lacks \"drink\", which is required" } },
	{ "not among the properties", "", ORDER_SCHEMA, ROW("{\"size\": \"small\", \"drink\": \"tea\", \"sugar\": 1}"),
	  { "e.jsonl:81:", "#/sugar: is not among the schema's properties" } },
	{ "of another type", "", ORDER_SCHEMA, ROW("{\"size\": \"small\", \"drink\": 5}"), { "#/drink: 5 is not of the schema's type" } },
	{ "inside a list", "", ORDER_SCHEMA, ROW("{\"size\": \"small\", \"drink\": \"tea\", \"extras\": [\"ice\", null]}"),
	  { "#/extras/1: null is not of the schema's type" } },
	{ "too many", "", ORDER_SCHEMA, ROW("{\"size\": \"small\", \"drink\": \"tea\", \"extras\": [\"a\", \"b\", \"c\"]}"),
	  { "#/extras: has more elements than maxItems" } },
	{ "too long", "", ORDER_SCHEMA, ROW("{\"size\": \"small\", \"drink\": \"tea\", \"place\": \"on the other side of the river\"}"),
	  { "#/place: \"on the other side of the river\" is longer than maxLength" } },
};

static void mistakes_are_sentences(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct folder f = folder_make();
		struct error err = { .text = "" };
		struct task *t = extract_open(&f, refused[i].yaml, refused[i].schema, refused[i].rows, &err);
		bool good = !t && !strchr(err.text, '\n');

		for (size_t w = 0; w < 3 && refused[i].want[w]; w++)
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

static void answers_are_kept_in_the_order_of_the_schema(void **state)
{
	static const char text[] = ROW("\"{\\\"drink\\\": \\\"iced tea\\\", \\\"size\\\": \\\"large\\\"}\"");
	struct folder f = folder_make();
	struct error err = { .text = "" };
	struct task *t = extract_open(&f, "", ORDER_SCHEMA, text, &err);
	size_t found = 0;

	(void)state;
	if (!t)
		fail_msg("%s", err.text);
	assert_string_equal(t->scorer, "json");
	assert_int_equal(t->n_labels, 0);
	for (size_t i = 0; i < t->test.list.n; i++) {
		const struct example *e = t->test.list.items[i];

		if (strcmp(e->id, "o3") == 0) {
			found++;
			assert_string_equal(e->answer, "{\"size\": \"large\", \"drink\": \"Cr\u00e8me de Menthe\", \"place\": \"garden\", "
					    "\"extras\": [\"milk\"]}");
		}
		if (strcmp(e->id, "x") == 0) { /* JSON in a text, as CSV has it */
			found++;
			assert_string_equal(e->answer, "{\"size\": \"large\", \"drink\": \"iced tea\"}");
		}
	}
	assert_int_equal(found, 2);
	task_free(t);
	folder_remove(&f);
}

static void another_schema_is_another_task(void **state)
{
	static const char other[] = "{\"type\": \"object\", \"properties\": {\"size\": {\"type\": \"string\"}, \"drink\": {\"type\": \"string\"}, "
				    "\"place\": {\"type\": \"string\"}, \"extras\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}}";
	struct folder f = folder_make();
	struct error err = { .text = "" };
	struct task *a = extract_open(&f, "", ORDER_SCHEMA, "", &err), *b = extract_open(&f, "", other, "", &err);
	struct task *c = extract_open(&f, "", ORDER_SCHEMA, "", &err);

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
		cmocka_unit_test(answers_are_kept_in_the_order_of_the_schema),
		cmocka_unit_test(another_schema_is_another_task),
	};

	return cmocka_run_group_tests_name("task_extract", tests, NULL, NULL);
}
