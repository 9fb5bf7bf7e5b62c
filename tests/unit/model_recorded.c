/* model_recorded.c - calls out of a file: the same request gets the same reply, another one an error, never a guess. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/model.h"

static char folder[] = "/tmp/rung-recorded-XXXXXX";
static const char *const choices[] = { "spam", "work" };

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/calls.jsonl", folder);
	unlink(path);
	return rmdir(folder);
}

static struct model_request text_request(const struct message *m)
{
	return (struct model_request){ .messages = m, .n_messages = 1, .max_tokens = 16,
				       .sampling = { .temperature = .7, .seed = 12345678901u }, .max_context = 4096 };
}

static struct model_request scores_request(const struct message *m)
{
	return (struct model_request){ .messages = m, .n_messages = 1, .want = WANT_SCORES, .choices = choices, .n_choices = 2 };
}

static void put_row(struct buf *out, const char *model, const struct model_request *r, const char *rest)
{
	struct arena arena;

	arena_init(&arena);
	buf_addf(out, "{\"model\":\"%s\",\"request\":%s,%s}\n", model, model_request_json(&arena, r), rest);
	arena_release(&arena);
}

static void write_calls(const struct buf *text)
{
	char path[64];
	struct error err;

	snprintf(path, sizeof(path), "%s/calls.jsonl", folder);
	assert_true(file_replace(path, buf_text(text), text->n, &err));
}

/* The file is found in the task's folder; *m NULL and the sentence in err where it cannot be had. */
static struct models *open_model(const char *name, struct model **m, struct error *err)
{
	const struct model_settings settings = { .threads = 1, .task = folder };
	struct models *models = models_open(".", &settings);

	*m = model_open(models, name, err);
	return models;
}

static void replies_are_said_again(void **state)
{
	const struct message one = { MESSAGE_USER, "one, \"quoted\" and \xc3\xa9" }, two = { MESSAGE_USER, "two" };
	const struct model_request text = text_request(&one), scores = scores_request(&two), other = text_request(&two);
	struct buf calls = { 0 };
	struct model *m;
	struct arena arena;
	struct error err;

	(void)state;
	arena_init(&arena);
	put_row(&calls, "openai:b", &text, "\"output\":\"not mine\",\"status\":\"ok\"");
	put_row(&calls, "openai:a", &text, "\"output\":\"spam\",\"status\":\"truncated\",\"input_tokens\":9,\"output_tokens\":2,"
					   "\"cache_read\":4,\"ms\":12.5,\"first_ms\":3");
	buf_adds(&calls, "\n");
	put_row(&calls, "openai:a", &scores, "\"output\":null,\"scores\":[-0.25,-1.5],\"status\":\"ok\"");
	write_calls(&calls);
	struct models *models = open_model("recorded:calls.jsonl#openai:a", &m, &err);

	assert_non_null(m);
	const struct model_request both[] = { scores, text };
	struct model_reply replies[2];

	assert_true(model_ask(m, &arena, both, 2, replies, NULL, &err));
	assert_null(replies[0].text);
	assert_true(replies[0].scores[0] == -.25 && replies[0].scores[1] == -1.5);
	assert_string_equal(replies[1].text, "spam");
	assert_int_equal(replies[1].status, MODEL_TRUNCATED);
	assert_int_equal(replies[1].input_tokens, 9);
	assert_int_equal(replies[1].output_tokens, 2);
	assert_int_equal(replies[1].cache_read, 4);
	assert_true(replies[1].ms == 12.5 && replies[1].first_ms == 3);
	assert_false(model_ask(m, &arena, &other, 1, replies, NULL, &err));
	assert_non_null(strstr(err.text, "no reply to a request"));
	assert_string_equal(model_behind("recorded:calls.jsonl#openai:a"), "openai:a");
	assert_false(model_leaves("recorded:calls.jsonl#openai:a"));
	models_free(models);
	buf_release(&calls);
	arena_release(&arena);
}

static void labels_that_changed_are_named(void **state)
{
	const struct message one = { MESSAGE_USER, "one" };
	const struct model_request scores = scores_request(&one);
	struct buf calls = { 0 };
	struct model_reply reply;
	struct model *m;
	struct arena arena;
	struct error err;

	(void)state;
	arena_init(&arena);
	put_row(&calls, "a", &scores, "\"scores\":[-1,-2,-3],\"status\":\"ok\"");
	write_calls(&calls);
	struct models *models = open_model("recorded:calls.jsonl#a", &m, &err);

	assert_false(model_ask(m, &arena, &scores, 1, &reply, NULL, &err));
	assert_non_null(strstr(err.text, "3 scores for 2 labels"));
	models_free(models);
	buf_release(&calls);
	arena_release(&arena);
}

static void what_is_no_recording_is_said(void **state)
{
	const struct message one = { MESSAGE_USER, "one" };
	const struct model_request text = text_request(&one);
	struct buf good = { 0 }, broken = { 0 }, unknown = { 0 };
	struct model *m;
	struct error err;

	(void)state;
	put_row(&good, "a", &text, "\"output\":\"x\",\"status\":\"ok\"");
	put_row(&broken, "a", &text, "\"output\":\"x\",\"status\":\"ok\"");
	buf_adds(&broken, "{\"model\": \"a\", \"request\"\n");
	put_row(&unknown, "a", &text, "\"output\":\"x\",\"status\":\"fine\"");
	const struct { const char *name, *said; const struct buf *file; } rows[] = {
		{ "recorded:calls.jsonl", "names no recorded model", &good },
		{ "recorded:calls.jsonl#b", "has no call of model \"b\"", &good },
		{ "recorded:absent.jsonl#a", "absent.jsonl", &good },
		{ "recorded:calls.jsonl#a", "calls.jsonl:2: is no recorded call", &broken },
		{ "recorded:calls.jsonl#a", "calls.jsonl:1: is no recorded call", &unknown },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		write_calls(rows[i].file);
		struct models *models = open_model(rows[i].name, &m, &err);

		assert_null(m);
		if (!strstr(err.text, rows[i].said))
			fail_msg("%s", err.text);
		models_free(models);
	}
	buf_release(&good);
	buf_release(&broken);
	buf_release(&unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_are_said_again),
		cmocka_unit_test(labels_that_changed_are_named),
		cmocka_unit_test(what_is_no_recording_is_said),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
