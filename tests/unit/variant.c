/* variant.c - what the recipes of rung 1 send, on a task of a handful of sentences; no model is needed. */
#include "test.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "variant/variant.h"

static char folder[] = "/tmp/rung-variant-XXXXXX";
static struct task *task;
static struct models *models;
static struct workshop *workshop;
static struct arena arena;
static const struct variant *variants;
static size_t n_variants;

static void write_task(void)
{
	static const char yaml[] = "name: t\nkind: classify\ninstruction: [\"Pick one of {{labels}}.\", \"Another wording.\"]\n"
				   "input: \"Text: {{text | first 30}}\"\nlabels: {animal: it lives, tool: it is made}\n"
				   "examples: {file: e.jsonl, answer: label, id: id}\n"
				   "variants:\n  - {name: today, incumbent: true, model: local, system: \"Sort it.\", "
				   "input: \"{{text}}!\", max_tokens: 5}\n"
				   "  - {name: typed, schema: s.json}\n";
	static const char *const words[] = { "cat", "hammer", "dog", "saw", "horse", "drill" };
	static const char schema[] = "{\"enum\": [\"animal\", \"tool\"]}";
	struct buf lines = { 0 };
	char path[128];
	struct error err;

	for (int i = 0; i < 60; i++)
		buf_addf(&lines, "{\"id\": \"i%d\", \"label\": \"%s\", \"text\": \"%s number %d of many\"}\n", i,
			 i % 2 ? "tool" : "animal", words[i % 6], i);
	snprintf(path, sizeof(path), "%s/task.yaml", folder);
	assert_true(file_replace(path, yaml, strlen(yaml), &err));
	snprintf(path, sizeof(path), "%s/s.json", folder);
	assert_true(file_replace(path, schema, strlen(schema), &err));
	snprintf(path, sizeof(path), "%s/e.jsonl", folder);
	assert_true(file_replace(path, buf_text(&lines), lines.n, &err));
	buf_release(&lines);
}

static int set_up(void **state)
{
	struct task_options options = { .seed = 1 };
	struct error err;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	write_task();
	task = task_open(folder, &options, &err);
	if (!task) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	arena_init(&arena);
	models = models_open("/nonexistent", &(struct model_settings){ .threads = 1 });
	workshop = workshop_open(task, task->dev, models, NULL, NULL, 0, 1);
	variants = variants_list(task, &arena, NULL, 0, &n_variants);
	return 0;
}

static int tear_down(void **state)
{
	char path[128];

	(void)state;
	workshop_free(workshop);
	models_free(models);
	task_free(task);
	arena_release(&arena);
	snprintf(path, sizeof(path), "%s/task.yaml", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/e.jsonl", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/s.json", folder);
	unlink(path);
	return rmdir(folder);
}

static const struct variant *named(const char *id)
{
	for (size_t i = 0; i < n_variants; i++)
		if (strcmp(variants[i].id, id) == 0)
			return &variants[i];
	fail_msg("no variant %s", id);
	return NULL;
}

/* The request of a variant for the first test item, as JSON. */
static json_t *request_of(const char *id)
{
	struct buf out = { 0 };
	struct error err;

	if (!variant_request(workshop, named(id), task->test.list.items[0], &out, &err))
		fail_msg("%s: %s", id, err.text);
	json_t *root = json_loads(buf_text(&out), 0, NULL);

	buf_release(&out);
	assert_non_null(root);
	return root;
}

static const char *content(const json_t *request, size_t i)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(request, "messages"), i), "content"));
}

static size_t n_messages(const json_t *request)
{
	return json_array_size(json_object_get(request, "messages"));
}

static void zero_shot_sends_instruction_and_input(void **state)
{
	json_t *r = request_of("1/zero-shot@local"), *second = request_of("1/zero-shot-2@local");
	const char *text = task->test.list.items[0]->values[task_column(task, "text", 4)];
	char want[128];

	(void)state;
	snprintf(want, sizeof(want), "Pick one of animal, tool.\n\nText: %.30s", text);
	assert_int_equal(n_messages(r), 1);
	assert_string_equal(content(r, 0), want);
	assert_true(strncmp(content(second, 0), "Another wording.", 16) == 0);
	json_decref(r);
	json_decref(second);
}

static void techniques_differ_as_their_rows_say(void **state)
{
	json_t *definitions = request_of("1/definitions@local");
	json_t *thought = request_of("1/chain-of-thought@local"), *scoring = request_of("1/scoring@local");

	(void)state;
	assert_non_null(strstr(content(definitions, 0), "- animal: it lives"));
	assert_non_null(strstr(content(thought, 0), "Answer:"));
	assert_true(json_integer_value(json_object_get(thought, "max_tokens")) > 50);
	assert_string_equal(json_string_value(json_object_get(scoring, "want")), "scores");
	json_decref(definitions);
	json_decref(thought);
	json_decref(scoring);
}

static void structured_techniques_send_a_schema(void **state)
{
	json_t *plain = request_of("1/structured@local"), *reasoned = request_of("1/structured-reasoning@local");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(plain, "want")), "json");
	assert_string_equal(json_string_value(json_object_get(plain, "schema")),
			    "{\"type\": \"object\", \"properties\": {\"label\": {\"enum\": [\"animal\", \"tool\"]}}, "
			    "\"required\": [\"label\"]}");
	assert_int_equal(json_integer_value(json_object_get(plain, "max_tokens")), strlen("{\"label\": \"animal\"}"));
	assert_string_equal(json_string_value(json_object_get(reasoned, "schema")),
			    "{\"type\": \"object\", \"properties\": {\"reason\": {\"type\": \"string\", \"maxLength\": 300}, "
			    "\"label\": {\"enum\": [\"animal\", \"tool\"]}}, \"required\": [\"reason\", \"label\"]}");
	assert_true(json_integer_value(json_object_get(reasoned, "max_tokens")) > 90);
	assert_non_null(strstr(content(reasoned, 0), "{\"reason\": \"...\", \"label\": \"...\"}"));
	assert_null(strstr(content(reasoned, 0), "Answer:"));
	json_decref(plain);
	json_decref(reasoned);
}

static void the_users_schema_is_sent_as_written(void **state)
{
	json_t *r = request_of("1/typed");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(r, "want")), "json");
	assert_string_equal(json_string_value(json_object_get(r, "schema")), "{\"enum\": [\"animal\", \"tool\"]}");
	assert_int_equal(json_integer_value(json_object_get(r, "max_tokens")), 256);
	json_decref(r);
}

static const struct {
	const char *schema;
	size_t max_tokens;
	const char *why; /* NULL: can be asked */
} checked[] = {
	{ "{\"enum\": [\"animal\", \"tool\"]}", 6, NULL },
	{ "{\"enum\": [\"animal\", \"tool\"]}", 5,
	  "task.yaml:7: variant \"a\": its max_tokens, 5, are fewer than the 6 bytes of the shortest JSON that satisfies t/s.json" },
	{ "{\"type\": \"string\", \"minLength\": 254}", 0, NULL },
	{ "{\"type\": \"string\", \"minLength\": 255}", 0, "its max_tokens, 256, are fewer than the 257 bytes" },
	{ "{\"type\": \"object\", \"properties\": {\"label\": {\"type\": \"string\", \"format\": \"date\"}}}", 0,
	  "t/s.json: #/properties/label/format: the keyword is not supported" },
	{ "{\"type\": \"object\"", 0, "t/s.json: the schema is not JSON: line 1" },
	{ NULL, 1, NULL },
};

static void a_schema_that_cannot_be_followed_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(checked); i++) {
		struct task_variant user = { .name = "a", .model = "local", .schema = checked[i].schema, .schema_file = "t/s.json",
					     .max_tokens = checked[i].max_tokens, .line = 7 };
		struct task t = { .file = "task.yaml", .variants = &user, .n_variants = 1 };
		struct error err = { .text = "" };

		if (variants_check(&t, &err) != !checked[i].why || (checked[i].why && !strstr(err.text, checked[i].why)))
			fail_msg("%s: %s", checked[i].schema, err.text);
	}
}

/* The user's production prompt is sent as it stands. */
static void the_users_variant_is_sent_as_written(void **state)
{
	const struct variant *v = named("1/today");
	json_t *r = request_of("1/today");

	(void)state;
	assert_true(v->incumbent);
	assert_string_equal(content(r, 0), "Sort it.");
	assert_int_equal(content(r, 1)[strlen(content(r, 1)) - 1], '!');
	assert_int_equal(json_integer_value(json_object_get(r, "max_tokens")), 5);
	json_decref(r);
}

static bool in_pool(const char *rendered)
{
	struct item_list pool = task->pool.list;
	char text[96];

	for (size_t i = 0; i < pool.n; i++) {
		snprintf(text, sizeof(text), "Text: %.30s", pool.items[i]->values[task_column(task, "text", 4)]);
		if (strcmp(text, rendered) == 0)
			return true;
	}
	return false;
}

static void shots_come_from_the_pool_with_their_labels(void **state)
{
	json_t *fixed = request_of("1/few-shot@local"), *nearest = request_of("1/knn-tfidf@local");

	(void)state;
	assert_int_equal(n_messages(fixed), 2 * 2 + 1);   /* one a label */
	assert_int_equal(n_messages(nearest), 2 * 4 + 1); /* four neighbours */
	for (size_t i = 0; i + 1 < n_messages(nearest); i += 2) {
		assert_true(in_pool(strstr(content(nearest, i), "Text: ")));
		assert_true(strcmp(content(nearest, i + 1), "animal") == 0 || strcmp(content(nearest, i + 1), "tool") == 0);
	}
	json_decref(fixed);
	json_decref(nearest);
}

/* Neighbours share words with the input: what stands last is the most similar. */
static void the_nearest_shot_stands_last(void **state)
{
	json_t *r = request_of("1/knn-tfidf@local");
	const char *input = content(r, n_messages(r) - 1), *last = content(r, n_messages(r) - 3);

	(void)state;
	assert_true(strncmp(input, last, strlen("Text: ") + 3) == 0);
	json_decref(r);
}

static void a_model_that_is_not_there_is_a_sentence(void **state)
{
	struct error err = { .text = "" };
	const char *unfit;

	(void)state;
	assert_false(variant_ready(workshop, named("1/zero-shot@local"), &unfit, &err));
	assert_non_null(strstr(err.text, "/nonexistent/"));
}

static size_t count_named(const struct variant *list, size_t n, const char *id)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += strcmp(list[i].id, id) == 0;
	return found;
}

/* Whatever a model is asked that learnt from the pool, it does not count as prompting. */
static void tuned_models_stand_on_rung_3(void **state)
{
	static const char *const names[] = { "local", "tuned:t:v1", "openai:ft:gpt-4.1:acme::9x" };
	size_t n;

	(void)state;
	const struct variant *list = variants_list(task, &arena, names, 3, &n);

	for (size_t i = 0; i < n; i++) {
		const struct variant *v = &list[i];
		bool trained = v->model && strcmp(v->model, "local") != 0;

		assert_true(i == 0 || v->rung >= list[i - 1].rung);
		assert_int_equal(v->id[0] - '0', v->rung);
		assert_int_equal(count_named(list, n, v->id), 1);
		assert_true(!trained || v->rung == 3);
		assert_true(trained || !v->technique || v->tuning || v->rung < 3);
	}
	assert_int_equal(count_named(list, n, "1/zero-shot@local"), 1);
	assert_int_equal(count_named(list, n, "3/zero-shot@tuned:t:v1"), 1);
	assert_int_equal(count_named(list, n, "3/fine-tuned@openai:ft:gpt-4.1:acme::9x"), 1);
	assert_int_equal(count_named(list, n, "3/encoder"), 1);
}

static void classifiers_answer_without_a_model(void **state)
{
	struct answer answers[8];
	struct arena scratch;
	struct error err;
	size_t right = 0;

	(void)state;
	arena_init(&scratch);
	assert_true(variant_answer(workshop, named("0/naive-bayes"), task->test.list.items, 8, &scratch, answers, &err));
	for (size_t i = 0; i < 8; i++)
		right += strcmp(answers[i].text, task->test.list.items[i]->answer) == 0;
	assert_int_equal(right, 8);
	assert_int_equal(answers[0].call, 0);
	arena_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_shot_sends_instruction_and_input),
		cmocka_unit_test(techniques_differ_as_their_rows_say),
		cmocka_unit_test(structured_techniques_send_a_schema),
		cmocka_unit_test(the_users_variant_is_sent_as_written),
		cmocka_unit_test(the_users_schema_is_sent_as_written),
		cmocka_unit_test(a_schema_that_cannot_be_followed_is_refused),
		cmocka_unit_test(shots_come_from_the_pool_with_their_labels),
		cmocka_unit_test(the_nearest_shot_stands_last),
		cmocka_unit_test(a_model_that_is_not_there_is_a_sentence),
		cmocka_unit_test(tuned_models_stand_on_rung_3),
		cmocka_unit_test(classifiers_answer_without_a_model),
	};

	return cmocka_run_group_tests_name("variant", tests, set_up, tear_down);
}
