/* variant_extract.c - kind extract: answers without a model, what a model is asked, and how its reply is read. */
#include "extract_task.h"

#include <jansson.h>

#include "base/arena.h"
#include "schema/validator.h"
#include "task/scorer.h"
#include "variant/lookup.h"
#include "variant/workshop.h"

struct orders {
	struct folder folder;
	struct task *task;
	struct models *models; /* there are none */
	struct workshop *workshop;
	struct arena arena;
	struct error err;
};

static struct orders o;

static void open_orders(const char *yaml, const char *schema, const char *rows)
{
	o = (struct orders){ .folder = folder_make() };
	arena_init(&o.arena);
	o.task = extract_open(&o.folder, yaml, schema, rows, &o.err);
	if (!o.task)
		fail_msg("%s", o.err.text);
	o.models = models_open("/nonexistent", &(struct model_settings){ .threads = 1 });
	o.workshop = workshop_open(o.task, o.task->dev, o.models, NULL, NULL, 0, 1);
}

static void close_orders(void)
{
	workshop_free(o.workshop);
	models_free(o.models);
	task_free(o.task);
	arena_release(&o.arena);
	folder_remove(&o.folder);
}

static const struct variant *find(const char *id)
{
	size_t n;
	const struct variant *all = variants_list(o.task, &o.arena, NULL, 0, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].id, id) == 0)
			return &all[i];
	fail_msg("no variant %s", id);
	return NULL;
}

static struct example saying(const char *text)
{
	struct example item = *o.task->dev.list.items[0];
	const char **values = arena_array(&o.arena, o.task->n_columns, sizeof(*values));

	for (size_t i = 0; i < o.task->n_columns; i++)
		values[i] = "";
	values[task_column(o.task, "text", 4)] = text;
	item.values = values;
	item.answer = "";
	return item;
}

static const char *answered(const char *variant, const char *text)
{
	const struct example item = saying(text), *items = &item;
	struct answer a;

	if (!variant_answer(o.workshop, find(variant), &items, 1, &o.arena, &a, &o.err))
		fail_msg("%s", o.err.text);
	assert_true(a.call == 0 && !a.evidence && !a.scores);
	assert_string_equal(a.status, "answered");
	return a.text;
}

#define POOL(text, order) "{\"id\": \"" text "\", \"text\": \"" text "\", \"order\": " order ", \"split\": \"train\"}\n"

/* What stands in the input is copied, longest first, every place once; enums and what is required and not found are the nearest
 * example's; what no example with these enums has is not looked for. */
static void the_gazetteer_copies_what_stands_in_the_input(void **state)
{
	static const struct {
		const char *text, *answer;
	} cases[] = {
		{ "Order 16: a small GREEN tea", "{\"size\": \"small\", \"drink\": \"green tea\"}" },
		{ "Order 45: a large Tea for the garden", "{\"size\": \"large\", \"drink\": \"tea\", \"place\": \"garden\"}" },
		{ "Order 29: a large steak and some apple-juice", "{\"size\": \"large\", \"drink\": \"apple juice\"}" },
		{ "Order 13: a large cr\xC3\xA8me de menthe with milk", "{\"size\": \"large\", \"drink\": \"Cr\xC3\xA8me de Menthe\", \"extras\": [\"milk\"]}" },
		{ "Order 33: large milkshake, kitchen", "{\"size\": \"large\", \"drink\": \"Cr\xC3\xA8me de Menthe\", \"place\": \"kitchen\"}" },
		{ "gin with ice, then lemon, in the kitchen", "{\"size\": \"small\", \"drink\": \"gin\", \"place\": \"kitchen\", \"extras\": [\"ice\", \"lemon\"]}" },
		{ "gin with ice, ice and lemon, in the kitchen", "{\"size\": \"small\", \"drink\": \"gin\", \"place\": \"kitchen\", "
		  "\"extras\": [\"lemon\", \"ice\"]}" }, /* three are too many: the nearest example's */
		{ "zyzzyva", "{\"size\": \"" },
		{ "gin tonic for two", "{\"size\": \"small\", \"drink\": \"gin\"" },
	};

	(void)state;
	open_orders("", ORDER_SCHEMA, POOL("gin with lemon, ice, in the kitchen",
		    "{\"size\": \"small\", \"drink\": \"gin\", \"place\": \"kitchen\", \"extras\": [\"lemon\", \"ice\"]}"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = answered("0/gazetteer", cases[i].text);
		json_t *value = json_loads(got, 0, NULL);

		assert_true(validator_accepts(o.task->validator, value, NULL));
		json_decref(value);
		if (strncmp(got, cases[i].answer, strlen(cases[i].answer)) != 0)
			fail_msg("%s: %s", cases[i].text, got);
	}
	close_orders();
}

/* Two kinds of orders: a drink's words are no book's. */
static void enums_say_which_fields_to_look_for(void **state)
{
	static const char schema[] = "{\"type\": \"object\", \"required\": [\"size\"], \"properties\": {\"size\": {\"enum\": [\"small\", \"large\", \"book\"]}, "
				     "\"drink\": {\"type\": \"string\"}, \"place\": {\"type\": \"string\"}, \"title\": {\"type\": \"string\"}, "
				     "\"extras\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}}";

	(void)state;
	open_orders("", schema, POOL("lend me the novel Green Tea", "{\"size\": \"book\", \"title\": \"Green Tea\"}")
		    POOL("lend me the novel Coffee", "{\"size\": \"book\", \"title\": \"Coffee\"}"));
	assert_string_equal(answered("0/gazetteer", "lend me the novel green tea"), "{\"size\": \"book\", \"title\": \"Green Tea\"}");
	assert_string_equal(answered("0/gazetteer", "lend me the novel apple juice"), "{\"size\": \"book\"}");
	assert_string_equal(answered("0/gazetteer", "Order 16: a small green tea"), "{\"size\": \"small\", \"drink\": \"green tea\"}");
	close_orders();
}

/* A field that may be null is null when nothing is found; objects inside objects; numbers are the nearest example's. */
static void every_field_has_its_rule(void **state)
{
	static const char schema[] =
		"{\"type\": \"object\", \"required\": [\"drink\", \"place\", \"note\", \"n\"], \"properties\": {\"size\": {\"type\": \"string\"}, \"drink\": "
		"{\"$ref\": \"#/$defs/name\"}, \"place\": {\"type\": [\"string\", \"null\"]}, \"extras\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}, "
		"\"note\": {\"type\": \"object\", \"properties\": {\"by\": {\"type\": \"string\"}, \"far\": {\"type\": \"string\"}}}, \"n\": {\"type\": \"integer\"}}, "
		"\"$defs\": {\"name\": {\"type\": \"string\"}}}";
	static const char yaml[] = "kind: extract\ninstruction: x\ninput: \"{{text}}\"\nschema: s.json\nexamples: {file: p.jsonl, answer: order, split: split}\n";
	struct buf rows = { 0 };

	(void)state;
	for (size_t i = 0; i < 40; i++)
		buf_addf(&rows, "{\"text\": \"number %zu by Kim%s\", \"order\": {\"n\": %zu, \"drink\": \"d%zu\", \"place\": %s, \"note\": {\"by\": \"Kim\"}}, "
			 "\"split\": \"%s\"}\n", i + 100, i % 2 ? " at home" : "", i, i, i % 2 ? "\"home\"" : "null", i < 30 ? "train" : i < 35 ? "dev" : "test");
	o = (struct orders){ .folder = folder_make() };
	arena_init(&o.arena);
	folder_write(&o.folder, "task.yaml", yaml, strlen(yaml));
	folder_write(&o.folder, "s.json", schema, strlen(schema));
	folder_write(&o.folder, "p.jsonl", rows.data, rows.n);
	buf_release(&rows);
	o.task = task_open(o.folder.path, NULL, &o.err);
	if (!o.task)
		fail_msg("%s", o.err.text);
	o.models = models_open("/nonexistent", &(struct model_settings){ .threads = 1 });
	o.workshop = workshop_open(o.task, o.task->dev, o.models, NULL, NULL, 0, 1);
	assert_string_equal(answered("0/gazetteer", "number 107, d9"), "{\"drink\": \"d9\", \"place\": null, \"note\": {}, \"n\": 7}");
	assert_string_equal(answered("0/gazetteer", "number 107 by kim, HOME"),
			    "{\"drink\": \"d7\", \"place\": \"home\", \"note\": {\"by\": \"Kim\"}, \"n\": 7}");
	assert_string_equal(answered("0/nearest-answer", "number 109"), "{\"drink\": \"d9\", \"place\": \"home\", \"note\": {\"by\": \"Kim\"}, \"n\": 9}");
	close_orders();
}

/* Learnt from the pool alone: of a dev answer it knows what other examples say. */
static void it_knows_the_pool_alone(void **state)
{
	(void)state;
	open_orders("", ORDER_SCHEMA, "{\"id\": \"d\", \"text\": \"a small kvass please\", \"order\": {\"size\": \"small\", \"drink\": \"kvass\"}, \"split\": \"dev\"}\n"
		    "{\"id\": \"t\", \"text\": \"one small horchata\", \"order\": {\"size\": \"small\", \"drink\": \"horchata\"}, \"split\": \"test\"}\n");
	assert_null(strstr(answered("0/gazetteer", "a small kvass please"), "kvass"));
	assert_null(strstr(answered("0/gazetteer", "one small horchata"), "horchata"));
	close_orders();
}

static json_t *requested(const char *variant, const char *text)
{
	const struct example item = saying(text);
	struct buf json = { 0 };

	if (!variant_request(o.workshop, find(variant), &item, &json, &o.err))
		fail_msg("%s: %s", variant, o.err.text);
	json_t *root = json_loads(buf_text(&json), 0, NULL);

	buf_release(&json);
	assert_non_null(root);
	return root;
}

static const char *message(const json_t *request, size_t i)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(request, "messages"), i), "content"));
}

static void requests_ask_under_the_schema(void **state)
{
	static const char *const variants[] = { "1/zero-shot@local", "1/few-shot@local", "1/knn-tfidf@local", "1/reasoning@local" };
	static const size_t messages[] = { 1, 9, 9, 1 };
	size_t longest = 0;

	(void)state;
	open_orders("", ORDER_SCHEMA, "");
	for (size_t i = 0; i < o.task->pool.list.n; i++)
		longest = strlen(o.task->pool.list.items[i]->answer) > longest ? strlen(o.task->pool.list.items[i]->answer) : longest;
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		json_t *r = requested(variants[i], "Order 4: a small green tea");
		const char *schema = json_string_value(json_object_get(r, "schema"));
		bool reasons = strstr(variants[i], "reasoning") != NULL;
		size_t tokens = (size_t)json_integer_value(json_object_get(r, "max_tokens"));

		assert_string_equal(json_string_value(json_object_get(r, "want")), "json");
		assert_int_equal(json_array_size(json_object_get(r, "messages")), messages[i]);
		assert_non_null(strstr(message(r, 0), "What is ordered?"));
		assert_non_null(strstr(message(r, 0), "\"enum\":[\"small\",\"large\"]"));
		assert_non_null(strstr(message(r, messages[i] - 1), "Order 4: a small green tea"));
		if (reasons)
			assert_non_null(strstr(schema, "\"reason\""));
		else
			assert_string_equal(schema, ORDER_SCHEMA);
		assert_int_equal(tokens, longest + EXTRACT_ROOM + (reasons ? REASONING_TOKENS : 0));
		struct error err = { .text = "" };
		struct validator *v = validator_new(schema, strlen(schema), &err);

		assert_non_null(v);
		validator_free(v);
		json_decref(r);
	}
	close_orders();
}

/* Whole inputs with their answers in the order of the schema, the most similar last. */
static void shots_are_the_pools_answers(void **state)
{
	(void)state;
	open_orders("", ORDER_SCHEMA, POOL("Order 999: a large coffee, brought to the far end of the long table behind the third door on the left side of the "
		    "second corridor of the north wing, which people reach by the stairs that nobody has swept since the flood of that one "
		    "winter, and one milk", "{\"extras\": [\"milk\"], \"drink\": \"coffee\", \"size\": \"large\"}"));
	json_t *r = requested("1/knn-tfidf@local", "Order 999: behind the third door of the north wing");

	assert_non_null(strstr(message(r, 6), "and one milk"));
	assert_string_equal(message(r, 7), "{\"size\": \"large\", \"drink\": \"coffee\", \"extras\": [\"milk\"]}");
	json_decref(r);
	close_orders();
}

static void replies_become_answers(void **state)
{
	static const struct technique plain = { .answer = ANSWER_JSON }, reasoned = { .answer = ANSWER_JSON, .reasoning = true };
	static const struct {
		const struct technique *technique;
		const char *reply, *answer;
	} cases[] = {
		{ &plain, "{\"size\": \"small\", \"drink\": \"tea\"}", "{\"size\": \"small\", \"drink\": \"tea\"}" },
		{ &plain, "{\"drink\": \"tea\", \"size\": \"small\"}", "{\"size\": \"small\", \"drink\": \"tea\"}" },
		{ &plain, "{\"size\": \"huge\", \"drink\": \"tea\"}", NULL },
		{ &plain, "{\"size\": \"small\", \"dri", NULL },
		{ &reasoned, "{\"reason\": \"so\", \"answer\": {\"size\": \"small\", \"drink\": \"tea\"}}", "{\"size\": \"small\", \"drink\": \"tea\"}" },
		{ &reasoned, "{\"size\": \"small\", \"drink\": \"tea\"}", NULL },
		{ NULL, "Sure!\n```json\n{\"size\": \"small\",\n \"drink\": \"t\\u00e9\"}\n```", "{\"size\": \"small\", \"drink\": \"t\xC3\xA9\"}" },
		{ NULL, "A small tea.", NULL },
	};

	(void)state;
	open_orders("", ORDER_SCHEMA, "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = extract_read(o.task, cases[i].technique, cases[i].reply, &o.arena);

		if ((got != NULL) != (cases[i].answer != NULL) || (got && strcmp(got, cases[i].answer) != 0))
			fail_msg("%s: %s", cases[i].reply, got ? got : "none");
	}
	close_orders();
}

static void documents_add_retrieval(void **state)
{
	size_t n, searching = 0;

	(void)state;
	open_orders("documents: \"*.md\"\n", ORDER_SCHEMA, "");
	const struct variant *all = variants_list(o.task, &o.arena, NULL, 0, &n);

	for (size_t i = 0; i < n; i++) {
		assert_true(!all[i].classifier && !all[i].skipped);
		searching += all[i].rung == 2 && all[i].technique && all[i].technique->search;
		if (all[i].technique)
			assert_int_equal(all[i].technique->answer, ANSWER_JSON);
	}
	assert_int_equal(searching, 2);
	close_orders();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_gazetteer_copies_what_stands_in_the_input),
		cmocka_unit_test(enums_say_which_fields_to_look_for),
		cmocka_unit_test(every_field_has_its_rule),
		cmocka_unit_test(it_knows_the_pool_alone),
		cmocka_unit_test(requests_ask_under_the_schema),
		cmocka_unit_test(shots_are_the_pools_answers),
		cmocka_unit_test(replies_become_answers),
		cmocka_unit_test(documents_add_retrieval),
	};

	return cmocka_run_group_tests_name("variant_extract", tests, NULL, NULL);
}
