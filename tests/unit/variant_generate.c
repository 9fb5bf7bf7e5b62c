/* variant_generate.c - kind generate: answers without a model, what a model is asked, and how its reply is read. */
#include "generate_task.h"

#include <jansson.h>

#include "base/arena.h"
#include "schema/validator.h"
#include "variant/workshop.h"

struct notes {
	struct folder folder;
	struct task *task;
	struct models *models; /* there are none */
	struct workshop *workshop;
	struct arena arena;
	struct error err;
};

static struct notes o;

static void open_notes(const char *yaml, const char *rows)
{
	o = (struct notes){ .folder = folder_make() };
	arena_init(&o.arena);
	o.task = generate_open(&o.folder, yaml, rows, &o.err);
	if (!o.task)
		fail_msg("%s", o.err.text);
	o.models = models_open("/nonexistent", &(struct model_settings){ .threads = 1 });
	o.workshop = workshop_open(o.task, o.task->dev, o.models, NULL, NULL, 0, 1);
}

static void close_notes(void)
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

static struct example saying(const char *note)
{
	struct example item = *o.task->dev.list.items[0];
	const char **values = arena_array(&o.arena, o.task->n_columns, sizeof(*values));

	for (size_t i = 0; i < o.task->n_columns; i++)
		values[i] = "";
	values[task_column(o.task, "part", 4)] = "api";
	values[task_column(o.task, "note", 4)] = note;
	item.values = values;
	item.answer = "";
	return item;
}

static struct answer answered(const char *variant, const char *note)
{
	const struct example item = saying(note), *items = &item;
	struct answer a;

	if (!variant_answer(o.workshop, find(variant), &items, 1, &o.arena, &a, &o.err))
		fail_msg("%s", o.err.text);
	assert_true(a.call == 0 && !a.evidence && !a.scores);
	return a;
}

static void lookups_ask_no_model(void **state)
{
	(void)state;
	open_notes("", "{\"id\": \"p\", \"part\": \"ui\", \"note\": \"zyzzyva everywhere\", \"line\": \"- ui: Add zyzzyva. (#7)\", \"split\": \"train\"}\n"
		       "{\"id\": \"d\", \"part\": \"ui\", \"note\": \"quokka everywhere\", \"line\": \"- ui: Add quokka. (#8)\", \"split\": \"dev\"}\n");
	assert_string_equal(answered("0/input-unchanged", "added x").text, "api\nadded x"); /* the placeholders' values, a line each */
	assert_string_equal(answered("0/nearest-output", "a zyzzyva here").text, "- ui: Add zyzzyva. (#7)");
	assert_null(strstr(answered("0/nearest-output", "a quokka here").text, "quokka")); /* of the pool alone */
	assert_int_equal(variant_calls(find("0/nearest-output")), 0);
	close_notes();
}

static json_t *requested(const char *variant, const char *note)
{
	const struct example item = saying(note);
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

/* Bytes of the longest answer of the pool and some, as tokens. */
static size_t room(void)
{
	size_t longest = 0;

	for (size_t i = 0; i < o.task->pool.list.n; i++)
		longest = strlen(o.task->pool.list.items[i]->answer) > longest ? strlen(o.task->pool.list.items[i]->answer) : longest;
	return longest + EXTRACT_ROOM;
}

static void requests_say_what_is_wanted(void **state)
{
	static const struct {
		const char *variant;
		size_t messages;
		bool json, stops;
	} cases[] = {
		{ "1/zero-shot@local", 1, false, true },  { "1/zero-shot-2@local", 1, false, true },
		{ "1/constrained@local", 1, true, false }, { "1/few-shot@local", 9, false, true },
		{ "1/knn-tfidf@local", 9, false, true },  { "1/knn-tfidf-constrained@local", 9, true, false },
		{ "1/reasoning@local", 1, false, false },
	};

	(void)state;
	open_notes(PATTERN, "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *r = requested(cases[i].variant, "dropped thing 4");
		const char *schema = json_string_value(json_object_get(r, "schema"));
		bool reasons = strstr(cases[i].variant, "reasoning") != NULL, second = strstr(cases[i].variant, "-2@") != NULL;

		assert_string_equal(json_string_value(json_object_get(r, "want")), cases[i].json ? "json" : "text");
		assert_int_equal(json_array_size(json_object_get(r, "messages")), cases[i].messages);
		assert_non_null(strstr(message(r, 0), second ? "Rewrite it." : "Write the line."));
		assert_non_null(strstr(message(r, cases[i].messages - 1), "api dropped thing 4"));
		assert_true((json_object_get(r, "stop") != NULL) == cases[i].stops);
		assert_int_equal((size_t)json_integer_value(json_object_get(r, "max_tokens")), room() + (reasons ? REASONING_TOKENS : 0));
		assert_true((schema != NULL) == cases[i].json);
		if (reasons)
			assert_non_null(strstr(message(r, 0), "end with a line \"Answer: \""));
		json_decref(r);
	}
	close_notes();
}

/* Under the pattern the schema accepts what the pattern matches whole, and shots are written as it asks. */
static void the_pattern_becomes_a_schema(void **state)
{
	static const struct {
		const char *answer;
		bool fits;
	} values[] = {
		{ "- api: Add x. (#1)", true }, { "- api: Add x. (#1) ", false }, { "x - api: Add x. (#1)", false }, { "- web: Add x. (#1)", false },
	};
	struct error err = { .text = "" };

	(void)state;
	open_notes(PATTERN, "");
	json_t *r = requested("1/knn-tfidf-constrained@local", "added thing 8 gh108");
	const char *schema = json_string_value(json_object_get(r, "schema"));
	struct validator *v = validator_new(schema, strlen(schema), &err);

	if (!v)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		json_t *value = json_pack("{s:s}", "answer", values[i].answer);

		assert_int_equal(validator_accepts(v, value, NULL), values[i].fits);
		json_decref(value);
	}
	json_t *shot = json_loads(message(r, 7), 0, NULL);

	assert_true(validator_accepts(v, shot, NULL));
	json_decref(shot);
	json_decref(r);
	validator_free(v);
	r = requested("1/knn-tfidf@local", "added thing 8 gh108");
	assert_true(strncmp(message(r, 7), "- ", 2) == 0);
	json_decref(r);
	close_notes();
}

static void lines_end_where_answers_are_lines(void **state)
{
	(void)state;
	open_notes("", "{\"id\": \"m\", \"part\": \"ui\", \"note\": \"two\", \"line\": \"one\\ntwo\", \"split\": \"train\"}\n");
	json_t *r = requested("1/zero-shot@local", "x");

	assert_null(json_object_get(r, "stop"));
	json_decref(r);
	close_notes();
}

static void replies_become_answers(void **state)
{
	static const struct technique plain = { .answer = ANSWER_TEXT }, reasoned = { .reasoning = true }, constrained = { .answer = ANSWER_JSON };
	static const struct task_variant own = { .name = "own" }, own_json = { .name = "own", .schema = "{}" };
	static const struct {
		const struct technique *technique;
		const struct task_variant *user;
		const char *reply, *answer;
	} cases[] = {
		{ &plain, NULL, " - api: Add x. (#1)\n", "- api: Add x. (#1)" },
		{ &plain, NULL, "anything: at all", "anything: at all" }, /* what breaks the pattern is an answer, and scores 0 */
		{ &plain, NULL, " \n", NULL },
		{ &reasoned, NULL, "It adds x.\nAnswer: - api: Add x. (#1)", "- api: Add x. (#1)" },
		{ &reasoned, NULL, "So the\n\n  answer:\n- api: Fix Answer: y. (#1)", "- api: Fix Answer: y. (#1)" },
		{ &reasoned, NULL, "It adds x, so the answer: is", NULL },
		{ &constrained, NULL, "{\"answer\": \"- api: Add \\\"x\\\". (#1)\"}", "- api: Add \"x\". (#1)" },
		{ &constrained, NULL, "{\"answer\": \"- web: Add x. (#1)\"}", NULL },
		{ &constrained, NULL, "{\"answer\": 5}", NULL },
		{ &constrained, NULL, "- api: Add x. (#1)", NULL },
		{ NULL, &own, "- api: Add x. (#1)\n", "- api: Add x. (#1)" },
		{ NULL, &own_json, "{\"answer\": \"free\"}", "free" },
		{ NULL, &own_json, "free", NULL },
	};

	(void)state;
	open_notes(PATTERN, "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct variant v = { .technique = cases[i].technique, .user = cases[i].user };
		const char *got = generate_read(o.task, &v, cases[i].reply, &o.arena);

		if ((got != NULL) != (cases[i].answer != NULL) || (got && strcmp(got, cases[i].answer) != 0))
			fail_msg("%s: %s", cases[i].reply, got ? got : "none");
	}
	close_notes();
}

static void what_the_task_gives_decides_what_is_tried(void **state)
{
	size_t n, searching = 0, constrained = 0;
	const struct variant *all;

	(void)state;
	open_notes("", "");
	assert_string_equal(find("1/constrained@local")->skipped, "the task gives no pattern");
	assert_string_equal(find("1/knn-tfidf-constrained@local")->skipped, "the task gives no pattern");
	assert_null(find("1/knn-tfidf@local")->skipped);
	assert_string_equal(find("2/retrieval")->skipped, "no documents");
	close_notes();
	open_notes(PATTERN "documents: \"*.md\"\n", "");
	all = variants_list(o.task, &o.arena, NULL, 0, &n);
	for (size_t i = 0; i < n; i++) {
		assert_true(!all[i].classifier && !all[i].skipped);
		searching += all[i].rung == 2 && all[i].technique && all[i].technique->search;
		constrained += all[i].technique && all[i].technique->answer == ANSWER_JSON;
	}
	assert_int_equal(searching, 3);
	assert_int_equal(constrained, 3);
	close_notes();
}

/* Under a schema it is asked and read as extract is; an input that is no such object is no answer. */
static void objects_are_written_as_extract_writes_them(void **state)
{
	static const char yaml[] = "kind: generate\ninstruction: x\ninput: \"{{note}}\"\nschema: s.json\n"
				   "examples: {file: e.jsonl, answer: verb, id: id, split: split}\n";
	size_t n;

	(void)state;
	open_notes("", "");
	folder_write(&o.folder, "task.yaml", yaml, strlen(yaml));
	struct task *t = task_open(o.folder.path, NULL, &o.err);

	if (!t)
		fail_msg("%s", o.err.text);
	workshop_free(o.workshop);
	task_free(o.task);
	o.task = t;
	o.workshop = workshop_open(o.task, o.task->dev, o.models, NULL, NULL, 0, 1);
	const struct variant *all = variants_list(o.task, &o.arena, NULL, 0, &n);

	for (size_t i = 0; i < n; i++)
		assert_true(!all[i].technique || all[i].technique->answer == ANSWER_JSON);
	assert_null(answered("0/input-unchanged", "added x").text);
	assert_string_equal(answered("0/input-unchanged", "added x").status, "unparsed");
	assert_string_equal(answered("0/input-unchanged", "{\"verb\": \"Add\"}").text, "{\"verb\": \"Add\"}");
	assert_string_equal(answered("0/nearest-output", "added thing 0 gh100").text, "{\"verb\": \"Add\"}");
	assert_string_equal(generate_read(o.task, find("1/zero-shot@local"), "{\"verb\": \"Fix\"}", &o.arena), "{\"verb\": \"Fix\"}");
	assert_null(generate_read(o.task, find("1/zero-shot@local"), "Fix", &o.arena));
	json_t *r = requested("1/few-shot@local", "x");

	assert_non_null(strstr(json_string_value(json_object_get(r, "schema")), "\"verb\""));
	assert_true(strncmp(message(r, 1), "{\"verb\": \"", 10) == 0);
	json_decref(r);
	close_notes();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups_ask_no_model),
		cmocka_unit_test(requests_say_what_is_wanted),
		cmocka_unit_test(the_pattern_becomes_a_schema),
		cmocka_unit_test(lines_end_where_answers_are_lines),
		cmocka_unit_test(replies_become_answers),
		cmocka_unit_test(what_the_task_gives_decides_what_is_tried),
		cmocka_unit_test(objects_are_written_as_extract_writes_them),
	};

	return cmocka_run_group_tests_name("variant_generate", tests, NULL, NULL);
}
