/* serve_chat.c - requests of every shape that clients send, every mistake that they make, and replies as OpenAI writes them. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "serve/chat.h"
#include "test.h"

#define ASKED "\"model\": \"rung/email\", \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]"

/* ---- requests ---- */

static const struct {
	const char *body, *input;
	bool stream, usage;
} good[] = {
	{ "{" ASKED "}", "hello", false, false },
	{ "{" ASKED ", \"stream\": true}", "hello", true, false },
	{ "{" ASKED ", \"stream\": false, \"stream_options\": null}", "hello", false, false },
	{ "{" ASKED ", \"stream\": null, \"n\": 1}", "hello", false, false },
	{ "{" ASKED ", \"stream\": true, \"stream_options\": {\"include_usage\": true}}", "hello", true, true },
	{ "{" ASKED ", \"temperature\": 0.2, \"tools\": [], \"unknown\": {\"a\": [1]}}", "hello", false, false },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"first\"},"
	  " {\"role\": \"assistant\", \"content\": \"a\"}, {\"role\": \"user\", \"content\": \"last\"}]}", "last", false, false },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"asked\"}, {\"role\": \"assistant\", \"content\": null}]}", "asked",
	  false, false },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"one \"}, {\"type\": \"text\","
	  " \"text\": \"two\"}]}]}", "one two", false, false },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"\"}]}", "", false, false },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"\\u00e4\\ud83d\\ude00\\n\"}]}", "\xc3\xa4\xf0\x9f\x98\x80\n", false, false },
};

static const struct {
	const char *body, *subject; /* subject NULL: it says none */
} about[] = {
	{ "{" ASKED "}", NULL },
	{ "{" ASKED ", \"user\": \"u-1\"}", "u-1" },
	{ "{" ASKED ", \"user\": \"u-1\", \"metadata\": {\"subject\": \"patient 7\"}}", "patient 7" },
	{ "{" ASKED ", \"user\": \"\", \"metadata\": {\"subject\": 7}}", NULL },
};

static void subjects_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(about); i++) {
		struct arena arena;
		struct chat_request r;
		struct chat_fault fault = { 0 };

		arena_init(&arena);
		if (!chat_read(about[i].body, strlen(about[i].body), &arena, &r, &fault))
			fail_msg("%s: %s", about[i].body, fault.message);
		if (about[i].subject)
			assert_string_equal(r.subject, about[i].subject);
		else
			assert_null(r.subject);
		arena_release(&arena);
	}
}

static void requests_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct arena arena;
		struct chat_request r;
		struct chat_fault fault = { 0 };

		arena_init(&arena);
		if (!chat_read(good[i].body, strlen(good[i].body), &arena, &r, &fault))
			fail_msg("%s: %s", good[i].body, fault.message);
		assert_string_equal(r.input, good[i].input);
		assert_int_equal(r.stream, good[i].stream);
		assert_int_equal(r.include_usage, good[i].usage);
		arena_release(&arena);
	}
}

static const struct {
	const char *body, *param, *fragment;
} bad[] = {
	{ "", NULL, "no JSON" },
	{ "{", NULL, "no JSON" },
	{ "{" ASKED "} {}", NULL, "no JSON" },
	{ "{" ASKED ", \"model\": \"again\"}", NULL, "no JSON" },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"a\\u0000b\"}]}", NULL, "no JSON" },
	{ "{\"model\": \"\xff\"}", NULL, "no JSON" },
	{ "[1]", NULL, "JSON object" },
	{ "\"text\"", NULL, "JSON" },
	{ "{}", "model", "GET /v1/models" },
	{ "{\"model\": 7}", "model", "has to be a text" },
	{ "{\"model\": \"m\"}", "messages", "array" },
	{ "{\"model\": \"m\", \"messages\": \"hello\"}", "messages", "array" },
	{ "{\"model\": \"m\", \"messages\": []}", "messages", "user's message" },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"system\", \"content\": \"s\"}]}", "messages", "user's message" },
	{ "{\"model\": \"m\", \"messages\": [\"hello\"]}", "messages", "needs a role" },
	{ "{\"model\": \"m\", \"messages\": [{\"content\": \"hello\"}]}", "messages", "needs a role" },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"user\"}]}", "messages", "content" },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": 5}]}", "messages", "content" },
	{ "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": {\"url\": \"x\"}}]}]}", "messages",
	  "type text" },
	{ "{" ASKED ", \"stream\": \"yes\"}", "stream", "true or false" },
	{ "{" ASKED ", \"n\": 2}", "n", "has to be 1" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct arena arena;
		struct chat_request r;
		struct chat_fault f = { 0 };
		struct buf out = { 0 };

		arena_init(&arena);
		if (chat_read(bad[i].body, strlen(bad[i].body), &arena, &r, &f))
			fail_msg("taken: %s", bad[i].body);
		assert_int_equal(f.status, 400);
		assert_string_equal(f.type, "invalid_request_error");
		if ((f.param == NULL) != (bad[i].param == NULL) || (f.param && strcmp(f.param, bad[i].param) != 0))
			fail_msg("%s: param %s", bad[i].body, f.param ? f.param : "none");
		if (!strstr(f.message, bad[i].fragment))
			fail_msg("%s: %s", bad[i].body, f.message);
		chat_write_fault(&f, &out);
		json_t *root = json_loads(buf_text(&out), 0, NULL);

		assert_non_null(root);
		json_decref(root);
		buf_release(&out);
		arena_release(&arena);
	}
}

static void depth_is_bounded(void **state)
{
	(void)state;
	enum { DEPTH = 10000 };
	char *deep = calloc(1, 2 * DEPTH + 1);
	struct arena arena;
	struct chat_request r;
	struct chat_fault f;

	arena_init(&arena);
	for (size_t i = 0; i < DEPTH; i++) {
		deep[i] = '[';
		deep[2 * DEPTH - 1 - i] = ']';
	}
	assert_false(chat_read(deep, 2 * DEPTH, &arena, &r, &f));
	assert_int_equal(f.status, 400);
	free(deep);
	arena_release(&arena);
}

static void faults_are_openais(void **state)
{
	(void)state;
	const struct chat_fault f = { 404, "invalid_request_error", "model_not_found", "model", "there is no model \"x\" here" };
	const struct chat_fault bare = { 500, "server_error", NULL, NULL, "cut within a letter: \xc3" };
	struct buf out = { 0 };

	chat_write_fault(&f, &out);
	assert_string_equal(buf_text(&out), "{\"error\":{\"message\":\"there is no model \\\"x\\\" here\",\"type\":\"invalid_request_error\","
					    "\"param\":\"model\",\"code\":\"model_not_found\"}}");
	buf_clear(&out);
	chat_write_fault(&bare, &out);
	assert_string_equal(buf_text(&out), "{\"error\":{\"message\":\"cut within a letter: \xef\xbf\xbd\",\"type\":\"server_error\",\"param\":null,\"code\":null}}");
	buf_release(&out);
}

/* ---- replies ---- */

static struct chat_reply spam(void)
{
	return (struct chat_reply){ .id = "chatcmpl-1", .model = "rung/email", .created = 1700000000, .text = "spam", .finish = "stop", .input_tokens = 5,
				    .output_tokens = 2, .task = "email", .variant = "0/bayes", .verdict = "v1", .status = "answered", .probability = 0.75,
				    .usd = NAN };
}

#define EXTRAS "\"rung::task\":\"email\",\"rung::variant\":\"0/bayes\",\"rung::verdict\":\"v1\",\"rung::status\":\"answered\""

static void replies_are_openais(void **state)
{
	(void)state;
	struct chat_reply r = spam();
	struct buf out = { 0 };

	r.citations = "[{\"document\":\"a.md\"}]";
	chat_write(&r, &out);
	assert_string_equal(buf_text(&out),
			    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"rung/email\",\"choices\":[{\"index\":0,"
			    "\"message\":{\"role\":\"assistant\",\"content\":\"spam\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
			    "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}," EXTRAS
			    ",\"rung::citations\":[{\"document\":\"a.md\"}],\"rung::confidence\":0.75}");
	r = spam();
	r.text = NULL;
	r.finish = "content_filter";
	r.probability = NAN;
	buf_clear(&out);
	chat_write(&r, &out);
	assert_non_null(strstr(buf_text(&out), "\"content\":null"));
	assert_non_null(strstr(buf_text(&out), "\"finish_reason\":\"content_filter\""));
	assert_null(strstr(buf_text(&out), "rung::confidence"));
	assert_null(strstr(buf_text(&out), "rung::citations"));
	assert_null(strstr(buf_text(&out), "rung::cost"));
	assert_null(strstr(buf_text(&out), "rung::cached"));
	r.usd = .25;
	r.cached = true;
	buf_clear(&out);
	chat_write(&r, &out);
	assert_non_null(strstr(buf_text(&out), "\"rung::cost\":0.25"));
	assert_non_null(strstr(buf_text(&out), "\"rung::cached\":true"));
	buf_release(&out);
}

/* A local model's bytes need not be text. */
static void what_is_no_text_is_repaired(void **state)
{
	(void)state;
	struct chat_reply r = spam();
	struct buf out = { 0 };

	r.text = "\xe2\x82";
	chat_write(&r, &out);
	assert_non_null(strstr(buf_text(&out), "\"content\":\"\xef\xbf\xbd\""));
	buf_clear(&out);
	chat_write_events(&r, false, &out);
	assert_non_null(strstr(buf_text(&out), "\"content\":\"\xef\xbf\xbd\""));
	buf_release(&out);
}

#define EVENT "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"rung/email\",\"choices\":"
#define FIRST EVENT "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"spam\"},\"finish_reason\":null}]"
#define LAST EVENT "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]," EXTRAS ",\"rung::confidence\":0.75"

static void streams_are_openais(void **state)
{
	(void)state;
	struct chat_reply r = spam();
	struct buf out = { 0 };

	chat_write_events(&r, false, &out);
	assert_string_equal(buf_text(&out), FIRST "}\n\n" LAST "}\n\ndata: [DONE]\n\n");
	buf_clear(&out);
	chat_write_events(&r, true, &out);
	assert_string_equal(buf_text(&out), FIRST ",\"usage\":null}\n\n" LAST ",\"usage\":null}\n\n" EVENT
			    "[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}\n\ndata: [DONE]\n\n");
	buf_release(&out);
}

static void models_are_listed(void **state)
{
	(void)state;
	static const char *const ids[] = { "rung/a", "rung/b" };
	struct buf out = { 0 };

	chat_write_models(ids, 1, 5, &out);
	assert_string_equal(buf_text(&out), "{\"object\":\"list\",\"data\":[{\"id\":\"rung/a\",\"object\":\"model\",\"created\":5,\"owned_by\":\"rung\"}]}");
	buf_clear(&out);
	chat_write_models(ids, 0, 5, &out);
	assert_string_equal(buf_text(&out), "{\"object\":\"list\",\"data\":[]}");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read), cmocka_unit_test(subjects_are_read), cmocka_unit_test(mistakes_are_named), cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(faults_are_openais), cmocka_unit_test(replies_are_openais), cmocka_unit_test(what_is_no_text_is_repaired),
		cmocka_unit_test(streams_are_openais), cmocka_unit_test(models_are_listed),
	};

	return cmocka_run_group_tests_name("serve_chat", tests, NULL, NULL);
}
