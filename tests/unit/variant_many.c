/* variant_many.c - several labels an item: what is tried, what a model is asked, how its reply is read, and the table of labels. */
#include "many_task.h"

#include <jansson.h>

#include "base/arena.h"
#include "variant/lookup.h"
#include "variant/sets.h"

struct pizzas {
	struct folder folder;
	struct task *task;
	struct models *models; /* there are none */
	struct workshop *workshop;
	struct arena arena;
	struct error err;
};

static struct pizzas p;

static void open_pizzas(const char *yaml, const char *table)
{
	p = (struct pizzas){ .folder = folder_make() };
	arena_init(&p.arena);
	p.task = many_open(&p.folder, yaml, table, "", &p.err);
	if (!p.task)
		fail_msg("%s", p.err.text);
	p.models = models_open("/nonexistent", &(struct model_settings){ .threads = 1 });
	p.workshop = workshop_open(p.task, p.task->dev, p.models, NULL, NULL, 0, 1);
}

static void close_pizzas(void)
{
	workshop_free(p.workshop);
	models_free(p.models);
	task_free(p.task);
	arena_release(&p.arena);
	folder_remove(&p.folder);
}

static const struct variant *find(const char *id)
{
	size_t n;
	const struct variant *all = variants_list(p.task, &p.arena, NULL, 0, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].id, id) == 0)
			return &all[i];
	return NULL;
}

static struct example saying(const char *text)
{
	struct example item = *p.task->dev.list.items[0];
	const char **values = arena_array(&p.arena, p.task->n_columns, sizeof(*values));

	for (size_t i = 0; i < p.task->n_columns; i++)
		values[i] = "";
	values[task_column(p.task, "text", 4)] = text;
	item.values = values;
	return item;
}

static struct answer answered(const char *variant, const char *text)
{
	const struct example item = saying(text), *items = &item;
	struct answer a;

	if (!variant_answer(p.workshop, find(variant), &items, 1, &p.arena, &a, &p.err))
		fail_msg("%s", p.err.text);
	assert_true(a.call == 0);
	assert_string_equal(a.status, "answered");
	return a;
}

static json_t *request(const char *variant)
{
	const struct example item = saying("A pizza with cheese.");
	struct buf out = { 0 };

	if (!variant_request(p.workshop, find(variant), &item, &out, &p.err))
		fail_msg("%s", p.err.text);
	json_t *root = json_loads(buf_text(&out), 0, NULL);

	buf_release(&out);
	assert_non_null(root);
	return root;
}

static const char *message(json_t *root, size_t i)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(root, "messages"), i), "content"));
}

static void only_what_fits_sets_is_tried(void **state)
{
	static const char *const there[] = {
		"0/frequency", "0/tfidf-words", "0/tfidf-nearest", "1/zero-shot@local", "1/definitions@local", "1/structured@local",
		"1/few-shot@local", "1/knn-embedding@local", "1/knn-tfidf@local", "2/label-table", "2/label-vectors", "3/embedding-head",
		"3/embedding-nearest",
	};
	static const char *const absent[] = { "0/majority", "0/naive-bayes", "1/scoring@local", "1/knn-tfidf-batch@local" };

	(void)state;
	open_pizzas(TABLE, codes);
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		if (!find(there[i]) || find(there[i])->skipped)
			fail_msg("%s is missing", there[i]);
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		assert_null(find(absent[i]));
	close_pizzas();
}

static void long_lists_are_said_to_be_long(void **state)
{
	struct buf table = { 0 };

	(void)state;
	buf_adds(&table, codes);
	for (size_t i = 0; i < SCHEMA_LABELS; i++)
		buf_addf(&table, "Q%zu\ta definition of some length\n", i);
	open_pizzas(TABLE, buf_text(&table));
	assert_non_null(strstr(find("1/structured@local")->skipped, "506 labels are more than the 500"));
	assert_non_null(strstr(find("1/definitions@local")->skipped, "bytes, more than the 12000 that fit a prompt"));
	assert_null(find("1/zero-shot@local")->skipped);
	close_pizzas();
	buf_release(&table);
}

static void models_are_asked_for_lists(void **state)
{
	json_t *root;

	(void)state;
	open_pizzas(TABLE, codes);
	root = request("1/zero-shot@local");
	assert_non_null(strstr(message(root, 0), "separated by commas"));
	assert_int_equal(json_integer_value(json_object_get(root, "max_tokens")), SET_TOKENS);
	json_decref(root);
	root = request("1/definitions@local");
	assert_non_null(strstr(message(root, 0), "\n- O1.5: black olives"));
	json_decref(root);
	root = request("1/few-shot@local");
	assert_int_equal(json_array_size(json_object_get(root, "messages")), 2 * KNN_SHOTS + 1);
	json_decref(root);
	root = request("1/knn-tfidf@local");
	assert_non_null(strstr(message(root, 2 * KNN_SHOTS - 1), "C1")); /* a near pizza has cheese too */
	json_decref(root);
	root = request("1/structured@local");
	json_t *schema = json_loads(json_string_value(json_object_get(root, "schema")), 0, NULL);
	json_t *list = json_object_get(json_object_get(schema, "properties"), "labels");

	assert_int_equal(json_array_size(json_object_get(json_object_get(list, "items"), "enum")), 6);
	assert_int_equal(json_integer_value(json_object_get(list, "maxItems")), TOPPINGS); /* the pool's largest set */
	json_decref(schema);
	json_decref(root);
	close_pizzas();
}

static void replies_become_sets(void **state)
{
	static const struct { const char *output, *call, *status, *text; } cases[] = {
		{ "O1, C1, Z9", "ok", "answered", "C1, O1" }, { "none", "ok", "answered", "" },
		{ "{\"labels\": [\"O1.5\", \"T1\"]}", "ok", "answered", "T1, O1.5" },
		{ "T1, C1, M1, T1, C", "truncated", "answered", "T1, C1, M1" },
		{ "with cheese", "ok", "unparsed", NULL }, { "with", "truncated", "truncated", NULL }, { "I cannot say.", "ok", "refused", NULL },
	};

	(void)state;
	open_pizzas(TABLE, codes);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct call_row call = { .output = cases[i].output, .status = cases[i].call };
		const char *text = NULL;

		assert_string_equal(sets_read(p.task, &call, &p.arena, &text), cases[i].status);
		if (!cases[i].text)
			assert_null(text);
		else
			assert_string_equal(text, cases[i].text);
	}
	close_pizzas();
}

static void classifiers_answer_with_sets(void **state)
{
	(void)state;
	open_pizzas(TABLE, codes);
	assert_string_equal(answered("0/tfidf-words", "With olives. With cheese.").text, "C1, O1");
	assert_string_equal(answered("0/tfidf-words", "Nothing on it").text, "");
	struct answer a = answered("0/tfidf-nearest", "With mushrooms");

	assert_string_equal(a.text, "M1");
	assert_non_null(a.scores);
	close_pizzas();
}

/* Without an embedding model a variant that needs one says so before it is asked. */
static void what_embeds_needs_its_model(void **state)
{
	const char *unfit;

	(void)state;
	open_pizzas(TABLE, codes);
	assert_true(variant_ready(p.workshop, find("2/label-table"), &unfit, &p.err) && !unfit);
	assert_false(variant_ready(p.workshop, find("2/label-vectors"), &unfit, &p.err));
	assert_false(variant_ready(p.workshop, find("3/embedding-head"), &unfit, &p.err));
	assert_non_null(strstr(p.err.text, "MiniLM"));
	close_pizzas();
}

/* The words of a sentence against the table's rows; the pool taught how near is near enough, and nothing else. */
static void the_table_answers_sentence_by_sentence(void **state)
{
	struct answer a;

	(void)state;
	open_pizzas(TABLE, codes);
	a = answered("2/label-table", "Pizza 3. With mushrooms. With tomatoes.");
	assert_string_equal(a.text, "T1, M1");
	assert_int_equal(a.evidence->n_citations, 2);
	for (size_t i = 0; i < a.evidence->n_citations; i++) {
		const struct citation *c = &a.evidence->citations[i];
		const struct passage *row = &a.evidence->passages[c->passage];

		assert_true(strcmp(row->document, "T1") == 0 || strcmp(row->document, "M1") == 0);
		assert_true(c->match == QUOTE_EXACT && c->start == 0 && c->end == strlen(row->text));
		assert_string_equal(c->text, row->text);
	}
	/* a row that no example has is found as well as others */
	assert_non_null(strstr(answered("2/label-table", "With black olives.").text, "O1.5"));
	a = answered("2/label-table", "Something else altogether.");
	assert_string_equal(a.text, "");
	assert_int_equal(a.evidence->n_citations, 0);
	close_pizzas();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_fits_sets_is_tried), cmocka_unit_test(long_lists_are_said_to_be_long),
		cmocka_unit_test(models_are_asked_for_lists), cmocka_unit_test(replies_become_sets),
		cmocka_unit_test(classifiers_answer_with_sets), cmocka_unit_test(what_embeds_needs_its_model), cmocka_unit_test(the_table_answers_sentence_by_sentence),
	};

	return cmocka_run_group_tests_name("variant_many", tests, NULL, NULL);
}
