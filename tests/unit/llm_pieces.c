/* SentencePiece tokenizers against SentencePiece itself (tests/reference/piece_ids.py), and what a GGUF file may say
 * about one: the golden file with bytes changed. */
#include "test.h"

#include <string.h>
#include <unistd.h>

#include "llm/tokenizer_inner.h"
#include "tokenizer_cases.h"
#include "tokenizer_models.h"

static void check_ids(const json_t *row, const char *text, size_t n, const void *t)
{
	struct token_list ids = { 0 };

	tokenizer_encode(t, text, n, false, &ids);
	assert_numbers("ids", row, "tiny_pieces", ids.ids, ids.n);
	token_list_release(&ids);
}

static void a_tiny_model_gives_the_reference_ids(void **state)
{
	struct tokenizer *t = tokenizer_for_test(TINY_PIECES);

	(void)state;
	assert_true(t->sentencepiece.apart && t->sentencepiece.prefix);
	each_case("pieces.jsonl", check_ids, t);
	t->sentencepiece.apart = false; /* the same when the text is joined as a whole */
	each_case("pieces.jsonl", check_ids, t);
	tokenizer_free(t);
}

static void check_decoding(const json_t *row, const char *text, size_t n, const void *t)
{
	struct token_list ids = { 0 };
	struct buf whole = { 0 }, single = { 0 };

	tokenizer_encode(t, text, n, false, &ids);
	tokenizer_decode(t, ids.ids, ids.n, &whole);
	for (size_t i = 0; i < ids.n; i++)
		tokenizer_decode(t, &ids.ids[i], 1, &single);
	assert_int_equal(whole.n, json_string_length(json_object_get(row, "decoded")));
	assert_memory_equal(buf_text(&whole), json_string_value(json_object_get(row, "decoded")), whole.n);
	/* A first token that is only a space is the one case where the second call cannot know. */
	if (whole.n && whole.data[0] != ' ')
		assert_string_equal(buf_text(&single), buf_text(&whole));
	token_list_release(&ids);
	buf_release(&whole);
	buf_release(&single);
}

static void decoding_gives_the_text_back(void **state)
{
	struct tokenizer *t = tokenizer_for_test(TINY_PIECES);

	(void)state;
	each_case("pieces.jsonl", check_decoding, t);
	tokenizer_free(t);
}

static void control_tokens_need_permission(void **state)
{
	static const char text[] = "the<end_of_turn>the";
	struct tokenizer *t = tokenizer_for_test(TINY_PIECES);
	int32_t end = tokenizer_special(t, "<end_of_turn>"), the = tokenizer_id(t, "\xE2\x96\x81the");
	struct token_list plain = { 0 }, found = { 0 };

	(void)state;
	assert_true(end >= 0 && the >= 0);
	tokenizer_encode(t, text, sizeof(text) - 1, false, &plain);
	for (size_t i = 0; i < plain.n; i++)
		assert_true(t->vocabulary.tokens[plain.ids[i]].kind != TOKEN_SPECIAL);
	tokenizer_encode(t, text, sizeof(text) - 1, true, &found);
	assert_int_equal(found.n, 3);
	assert_int_equal(found.ids[0], the);
	assert_int_equal(found.ids[1], end);
	assert_int_equal(found.ids[2], the);
	token_list_release(&plain);
	token_list_release(&found);
	tokenizer_free(t);
}

/* The golden file with `number` written behind a key (see llm_files_damaged.c), or the key renamed. */
static struct tokenizer *changed(const char *key, int at, uint64_t number, size_t width, size_t repeat,
				 struct error *err)
{
	char path[] = "/tmp/rung-pieces-XXXXXX.gguf";
	size_t n;
	char *bytes = file_read(GOLDEN "pieces.gguf", 1 << 20, &n, err), *to;
	int fd = mkstemps(path, 5);

	assert_non_null(bytes);
	to = memmem(bytes, n, key, strlen(key));
	assert_non_null(to);
	for (size_t i = 0; i < repeat; i++)
		memcpy(to + strlen(key) + at + (int)(i * width), &number, width);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	struct tokenizer *t = tokenizer_at(path, err);

	unlink(path);
	free(bytes);
	return t;
}

enum { FIRST = 4 + 4 + 8, FIRST_BYTE = 10 }; /* an array's first element; the id of <0x00> */
#define KEY(name) "tokenizer.ggml." name

static const struct {
	const char *name, *key;
	int at;
	uint64_t number;
	size_t width;
	const char *words;
} refused[] = {
	{ "no scores", KEY("scores"), -1, 'x', 1, "scores has 0 entries for 600 tokens" },
	{ "no types", KEY("token_type"), -1, 'x', 1, "token_type has 0 entries for 600 tokens" },
	{ "a score that is NaN", KEY("scores"), FIRST + 4 * 300, 0x7FC00000, 4, "the score of token 300 is not a number" },
	{ "an infinite score", KEY("scores"), FIRST + 4 * 300, 0x7F800000, 4, "the score of token 300" },
	{ "a byte missing", KEY("token_type"), FIRST + 4 * FIRST_BYTE, 1, 4, "tokens for 255 of the 256 bytes" },
	{ "a byte that is none", "<0x0A", 0, 'Z', 1, "byte token 20 is not spelled" },
	{ "a begin token that is none", KEY("bos_token_id"), 4, 600, 4, "bos_token_id is 600, but there are 600 tokens" },
	{ "an unknown token that is none", KEY("unknown_token_id"), 4, 600, 4, "unknown_token_id is 600" },
};

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct error err = { .text = "" };

		if (changed(refused[i].key, refused[i].at, refused[i].number, refused[i].width, 1, &err))
			fail_msg("%s: accepted", refused[i].name);
		if (!strstr(err.text, refused[i].words) || strncmp(err.text, "/tmp/rung-", 10) != 0)
			fail_msg("%s: \"%s\"", refused[i].name, err.text);
	}
}

static void assert_one(const struct tokenizer *t, const char *text, size_t n, int32_t first)
{
	struct token_list ids = { 0 };

	tokenizer_encode(t, text, strlen(text), false, &ids);
	assert_int_equal(ids.n, n);
	assert_int_equal(ids.ids[0], first);
	token_list_release(&ids);
}

static void keys_are_followed(void **state)
{
	struct error err;
	struct tokenizer *t = tokenizer_for_test(TINY_PIECES);
	int32_t the = tokenizer_id(t, "\xE2\x96\x81the"), alone = tokenizer_id(t, "a");

	(void)state;
	assert_int_equal(tokenizer_begin(t), 1);
	assert_int_equal(tokenizer_end(t), 2);
	assert_one(t, "the", 1, the);
	tokenizer_free(t);

	t = changed(KEY("add_bos_token"), 4, 0, 1, 1, &err);
	assert_int_equal(tokenizer_begin(t), -1);
	tokenizer_free(t);

	t = changed(KEY("bos_token_id"), -1, 'x', 1, 1, &err); /* absent: Llama's numbers */
	assert_int_equal(tokenizer_begin(t), 1);
	tokenizer_free(t);

	t = changed(KEY("add_space_prefix"), 4, 0, 1, 1, &err);
	assert_true(alone >= 0);
	assert_one(t, "a", 1, alone);
	tokenizer_free(t);
}

/* Without byte tokens a run of unknown characters is one unknown token. */
static void unknown_characters_without_bytes(void **state)
{
	struct error err;
	struct tokenizer *t = changed(KEY("token_type"), FIRST + 4 * FIRST_BYTE, 1, 4, 256, &err);
	struct token_list ids = { 0 };
	static const char text[] = "\xF0\x9F\xA6\x8A\xF0\x9F\xA6\x8A the\xF0\x9F\xA6\x8A"; /* foxes */

	(void)state;
	assert_non_null(t);
	tokenizer_encode(t, text, sizeof(text) - 1, false, &ids);
	assert_int_equal(ids.n, 4);
	assert_int_equal(ids.ids[0], tokenizer_id(t, "\xE2\x96\x81"));
	assert_int_equal(ids.ids[1], 0);
	assert_int_equal(ids.ids[2], tokenizer_id(t, "\xE2\x96\x81the"));
	assert_int_equal(ids.ids[3], 0);
	token_list_release(&ids);
	tokenizer_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tiny_model_gives_the_reference_ids),
		cmocka_unit_test(decoding_gives_the_text_back),
		cmocka_unit_test(control_tokens_need_permission),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(keys_are_followed),
		cmocka_unit_test(unknown_characters_without_bytes),
	};

	return cmocka_run_group_tests_name("llm_pieces", tests, NULL, NULL);
}
