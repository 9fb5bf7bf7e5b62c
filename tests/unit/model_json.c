/* model_json.c - asking for JSON under a schema, on the tiny model of tests/reference/tiny_models.py, whose words mean
 * nothing: what it writes is the schema's doing. */
#include "schema_random.h"

#include "model/model.h"

enum { N = 6 };

static struct models *models;
static struct model *model;
static struct arena arena;

static const char label[] = "{\"type\": \"object\", \"properties\": {\"label\": {\"enum\": [\"cat\", \"dog\", \"emu\"]}}, "
			    "\"required\": [\"label\"]}";
static const char count[] = "{\"type\": \"integer\", \"minimum\": 10, \"maximum\": 2000}";

static int set_up(void **state)
{
	struct error err = { .text = "" };

	(void)state;
	arena_init(&arena);
	models = models_open("tests/reference/golden", &(struct model_settings){ .threads = 2 });
	model = model_open(models, "local:tiny-llama", &err);
	if (!model)
		fprintf(stderr, "%s\n", err.text);
	return model ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	models_free(models);
	arena_release(&arena);
	return 0;
}

static struct model_request request_of(const struct message *message, const char *schema, size_t max_tokens, uint64_t seed)
{
	return (struct model_request){ .messages = message, .n_messages = 1, .want = WANT_JSON, .schema = schema,
				       .max_tokens = max_tokens, .sampling = { .temperature = 1.5, .seed = seed } };
}

static void ask(const char *schema, size_t max_tokens, struct model_reply replies[N])
{
	static const struct message messages[N] = { { MESSAGE_USER, "a" }, { MESSAGE_USER, "b c" }, { MESSAGE_USER, "a d" },
						    { MESSAGE_USER, "the same" }, { MESSAGE_USER, "the same" },
						    { MESSAGE_USER, "" } };
	struct model_request requests[N];
	struct error err = { .text = "" };

	for (size_t i = 0; i < N; i++)
		requests[i] = request_of(&messages[i], schema, max_tokens, i);
	if (!model_ask(model, &arena, requests, N, replies, NULL, &err))
		fail_msg("%s", err.text);
}

/* Schemas take turns, so that the one compiled last is not the one that is meant. */
static void every_reply_satisfies_its_schema(void **state)
{
	struct model_reply replies[N];

	(void)state;
	for (size_t turn = 0; turn < 4; turn++) {
		const char *schema = turn % 2 ? count : label;
		json_t *parsed = json_loads(schema, 0, NULL);

		ask(schema, 20, replies);
		for (size_t i = 0; i < N; i++) {
			struct buf text = { 0 };

			assert_int_equal(replies[i].status, MODEL_OK);
			buf_adds(&text, replies[i].text);
			check_output(parsed, schema, &text);
			buf_release(&text);
		}
		json_decref(parsed);
	}
}

/* Requests of one call with schemas of their own, as passages give them. */
static void each_request_has_its_own_schema(void **state)
{
	static const struct message message = { MESSAGE_USER, "a d" };
	const char *const schemas[] = { label, count, "{\"const\": [1, 2]}", label, "{\"enum\": [\"one\", \"two\"]}" };
	enum { M = 5 };
	struct model_request requests[M];
	struct model_reply replies[M];
	struct error err;

	(void)state;
	for (size_t i = 0; i < M; i++)
		requests[i] = request_of(&message, schemas[i], 20, i);
	assert_true(model_ask(model, &arena, requests, M, replies, NULL, &err));
	for (size_t i = 0; i < M; i++) {
		json_t *parsed = json_loads(schemas[i], 0, NULL);
		struct buf text = { 0 };

		assert_int_equal(replies[i].status, MODEL_OK);
		buf_adds(&text, replies[i].text);
		check_output(parsed, schemas[i], &text);
		buf_release(&text);
		json_decref(parsed);
	}
}

static void the_same_request_gets_the_same_reply(void **state)
{
	struct model_reply first[N], again[N];

	(void)state;
	ask(label, 20, first);
	ask(count, 20, again);
	ask(label, 20, again);
	for (size_t i = 0; i < N; i++)
		assert_string_equal(first[i].text, again[i].text);
}

static void json_that_does_not_fit_is_truncated_and_says_so(void **state)
{
	struct model_reply replies[N];

	(void)state;
	ask(label, strlen("{\"label\": \"cat\"}") - 1, replies);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(replies[i].status, MODEL_TRUNCATED);
		assert_null(replies[i].text);
		assert_non_null(strstr(replies[i].why, "the 15 tokens of the reply are fewer than the bytes of the shortest JSON"));
		assert_true(replies[i].input_tokens > 0);
	}
	ask(label, strlen("{\"label\": \"cat\"}"), replies);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(replies[i].status, MODEL_OK);
}

static void a_schema_that_is_not_supported_is_a_sentence_with_its_pointer(void **state)
{
	static const struct message message = { MESSAGE_USER, "a" };
	struct model_request request = request_of(&message, "{\"type\": \"array\", \"items\": {\"type\": \"string\", \"format\": \"date\"}}",
						  50, 0);
	struct model_reply reply;
	struct error err = { .text = "" };

	(void)state;
	assert_false(model_ask(model, &arena, &request, 1, &reply, NULL, &err));
	assert_true(strncmp(err.text, "#/items/format: ", 16) == 0);
	request.schema = label; /* and the model goes on */
	request.max_tokens = 20;
	assert_true(model_ask(model, &arena, &request, 1, &reply, NULL, &err));
	assert_int_equal(reply.status, MODEL_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reply_satisfies_its_schema),
		cmocka_unit_test(each_request_has_its_own_schema),
		cmocka_unit_test(the_same_request_gets_the_same_reply),
		cmocka_unit_test(json_that_does_not_fit_is_truncated_and_says_so),
		cmocka_unit_test(a_schema_that_is_not_supported_is_a_sentence_with_its_pointer),
	};

	return cmocka_run_group_tests_name("model_json", tests, set_up, tear_down);
}
