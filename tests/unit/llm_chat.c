/* Conversations as ids: against the models' own templates, rendered by jinja2 and encoded by Hugging Face tokenizers
 * (tests/reference/token_ids.py). In the rows with forged markers the reference encodes the user's text as plain. */
#include "test.h"

#include <jansson.h>

#include "llm/chat.h"
#include "llm/tokenizer_inner.h"
#include "tokenizer_models.h"

static enum chat_role role_of(const char *name)
{
	return strcmp(name, "system") == 0 ? CHAT_SYSTEM : strcmp(name, "user") == 0 ? CHAT_USER : CHAT_ASSISTANT;
}

static void check_row(const json_t *row, const struct tokenizer *t)
{
	const json_t *talk = json_object_get(row, "talk"), *want = json_object_get(row, "ids");
	const char *name = json_string_value(json_object_get(row, "format"));
	struct chat_message messages[8];
	struct token_list ids = { 0 };
	size_t n = json_array_size(talk);

	assert_true(n <= ARRAY_SIZE(messages));
	for (size_t i = 0; i < n; i++) {
		const json_t *message = json_array_get(talk, i);

		messages[i].role = role_of(json_string_value(json_array_get(message, 0)));
		messages[i].text = json_string_value(json_array_get(message, 1));
	}
	chat_encode(chat_format_find(name), t, messages, n, &ids);
	if (ids.n != json_array_size(want))
		fail_msg("%s, \"%s\": %zu ids, want %zu", name, messages[0].text, ids.n, json_array_size(want));
	for (size_t i = 0; i < ids.n; i++)
		if (ids.ids[i] != json_integer_value(json_array_get(want, i)))
			fail_msg("%s, \"%s\": id %zu is %d", name, messages[0].text, i, ids.ids[i]);
	token_list_release(&ids);
}

/* Checks the golden rows of one model; returns how many there were. */
static size_t check_rows(const char *path, int model, const struct tokenizer *t)
{
	FILE *file = fopen(path, "rb");
	char *line = NULL;
	size_t capacity = 0, rows = 0;

	assert_non_null(file);
	while (getline(&line, &capacity, file) > 0) {
		json_t *row = json_loads(line, 0, NULL);

		assert_non_null(row);
		if (strcmp(json_string_value(json_object_get(row, "model")), tokenizer_names[model]) == 0) {
			check_row(row, t);
			rows++;
		}
		json_decref(row);
	}
	free(line);
	fclose(file);
	return rows;
}

static void formats_write_what_the_templates_write(void **state)
{
	struct tokenizer *t = tokenizer_for_test(TINY_BPE);

	(void)state;
	assert_int_equal(check_rows(GOLDEN "chat.jsonl", TINY_BPE, t), 20);
	tokenizer_free(t);
}

static void smollm2_reads_what_its_template_writes(void **state)
{
	struct tokenizer *t = tokenizer_for_test(SMOLLM2);

	(void)state;
	if (!t)
		skip();
	assert_int_equal(check_rows(GOLDEN "chat.jsonl", SMOLLM2, t), 10);
	assert_string_equal(chat_format_name(chat_format_detect(t)), "smollm2");
	assert_int_equal(chat_end(chat_format_find("chatml"), t), 2);
	tokenizer_free(t);
}

/* The tiny SentencePiece model has Gemma's markers and no template. */
static void gemma_folds_the_system_text(void **state)
{
	struct tokenizer *t = tokenizer_for_test(TINY_PIECES);

	(void)state;
	assert_int_equal(check_rows(GOLDEN "pieces_chat.jsonl", TINY_PIECES, t), 9);
	assert_string_equal(chat_format_name(chat_format_detect(t)), "gemma");
	assert_int_equal(chat_end(chat_format_detect(t), t), tokenizer_special(t, "<end_of_turn>"));
	tokenizer_free(t);
}

static void optional_model(int model, const char *format)
{
	struct tokenizer *t = tokenizer_for_test(model);

	if (!t)
		skip();
	assert_int_equal(check_rows(GOLDEN "pieces_chat.jsonl", model, t), 9);
	assert_string_equal(chat_format_name(chat_format_detect(t)), format);
	tokenizer_free(t);
}

static void gemma_reads_what_its_model_card_says(void **state)
{
	(void)state;
	optional_model(GEMMA, "gemma");
}

static void qwen_reads_what_its_template_writes(void **state)
{
	(void)state;
	optional_model(QWEN, "qwen");
}

/* Rows of the same markers differ by the model's own template; the tiny tokenizer is given each. */
static void templates_tell_formats_apart(void **state)
{
	static const struct {
		int model;
		const char *template, *format, *text;
	} rows[] = {
		{ TINY_BPE, "... named SmolLM, trained", "smollm2", "system\nYou are a helpful AI assistant named SmolLM, "
			    "trained by Hugging Face\nuser\nx\nassistant\n" },
		{ TINY_BPE, "{%- if enable_thinking %}", "qwen3",
		  "user\nx\nassistant\n<think>\n\n</think>\n\n" },
		{ TINY_BPE, "something else", "chatml", "user\nx\nassistant\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static const struct chat_message message = { CHAT_USER, "x" };
		struct tokenizer *t = tokenizer_for_test(rows[i].model);
		struct token_list ids = { 0 };
		struct buf text = { 0 };

		t->template = strdup(rows[i].template);
		assert_string_equal(chat_format_name(chat_format_detect(t)), rows[i].format);
		chat_encode(chat_format_detect(t), t, &message, 1, &ids);
		tokenizer_decode(t, ids.ids, ids.n, &text);
		assert_string_equal(buf_text(&text), rows[i].text);
		token_list_release(&ids);
		buf_release(&text);
		tokenizer_free(t);
	}
}

static void the_begin_token_stands_in_front_once(void **state)
{
	struct tokenizer *t = tokenizer_for_test(TINY_BPE);
	int32_t begin = tokenizer_special(t, "<|begin_of_text|>");
	static const struct chat_message message = { CHAT_USER, "x" };

	(void)state;
	t->begin = begin;
	for (size_t i = 0; i < 3; i++) {
		struct token_list ids = { 0 };

		chat_encode(chat_format_find((const char *const[]){ "llama3", "chatml", "plain" }[i]), t, &message, 1, &ids);
		assert_int_equal(ids.ids[0], begin);
		for (size_t k = 1; k < ids.n; k++)
			assert_int_not_equal(ids.ids[k], begin);
		token_list_release(&ids);
	}
	tokenizer_free(t);
}

static void formats_are_found_by_name_and_by_markers(void **state)
{
	struct tokenizer *bpe = tokenizer_for_test(TINY_BPE), *bert = tokenizer_for_test(TINY_BERT);

	(void)state;
	assert_string_equal(chat_format_name(chat_format_detect(bpe)), "chatml");
	assert_string_equal(chat_format_name(chat_format_detect(bert)), "plain");
	assert_string_equal(chat_format_name(chat_format_find("llama3")), "llama3");
	assert_null(chat_format_find("ChatML"));
	assert_non_null(strstr(chat_format_default_system(chat_format_find("smollm2")), "SmolLM"));
	assert_non_null(strstr(chat_format_default_system(chat_format_find("qwen")), "Qwen"));
	assert_null(chat_format_default_system(chat_format_find("qwen3")));
	assert_null(chat_format_default_system(chat_format_find("chatml")));
	tokenizer_free(bpe);
	tokenizer_free(bert);
}

static void the_turn_ends_with_the_marker(void **state)
{
	struct tokenizer *bpe = tokenizer_for_test(TINY_BPE), *bert = tokenizer_for_test(TINY_BERT);

	(void)state;
	assert_int_equal(chat_end(chat_format_find("chatml"), bpe), tokenizer_special(bpe, "<|im_end|>"));
	assert_int_equal(chat_end(chat_format_find("llama3"), bpe), tokenizer_special(bpe, "<|eot_id|>"));
	assert_int_equal(chat_end(chat_format_find("chatml"), bert), -1);
	assert_int_equal(chat_end(chat_format_find("plain"), bert), tokenizer_end(bert));
	tokenizer_free(bpe);
	tokenizer_free(bert);
}

static const struct {
	const char *format;
	struct chat_message messages[2];
	size_t n;
	const char *text; /* what the ids decode to: markers are special and left out */
} plain[] = {
	{ "plain", { { CHAT_SYSTEM, "Be brief." }, { CHAT_USER, "Why?" } }, 2, "Be brief.\n\nWhy?\n\n" },
	{ "plain", { { CHAT_USER, "<|im_end|>" } }, 1, "<|im_end|>\n\n" },
	{ "plain", { { CHAT_USER, "" } }, 0, "" },
	{ "chatml", { { CHAT_USER, "" } }, 0, "assistant\n" },
	{ "chatml", { { CHAT_SYSTEM, "s" }, { CHAT_USER, " u " } }, 2, "system\ns\nuser\n u \nassistant\n" },
	{ "llama3", { { CHAT_SYSTEM, " \xC2\xA0s\n" }, { CHAT_USER, "\x1C\t" } }, 2, "system\n\nsuser\n\nassistant\n\n" },
};

static void messages_decode_to_their_text(void **state)
{
	struct tokenizer *t = tokenizer_for_test(TINY_BPE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		struct token_list ids = { 0 };
		struct buf text = { 0 };

		chat_encode(chat_format_find(plain[i].format), t, plain[i].messages, plain[i].n, &ids);
		tokenizer_decode(t, ids.ids, ids.n, &text);
		assert_string_equal(buf_text(&text), plain[i].text);
		token_list_release(&ids);
		buf_release(&text);
	}
	tokenizer_free(t);
}

/* WordPiece has no ChatML markers: they must come out as text, never as an id that means something else. */
static void a_marker_that_is_missing_is_text(void **state)
{
	static const struct chat_message message = { CHAT_USER, "x" };
	struct tokenizer *t = tokenizer_for_test(TINY_BERT);
	struct token_list ids = { 0 };

	(void)state;
	chat_encode(chat_format_find("chatml"), t, &message, 1, &ids);
	assert_true(ids.n > 0);
	for (size_t i = 0; i < ids.n; i++)
		assert_in_range(ids.ids[i], 0, tokenizer_size(t) - 1);
	token_list_release(&ids);
	tokenizer_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_write_what_the_templates_write),
		cmocka_unit_test(smollm2_reads_what_its_template_writes),
		cmocka_unit_test(gemma_folds_the_system_text),
		cmocka_unit_test(gemma_reads_what_its_model_card_says),
		cmocka_unit_test(qwen_reads_what_its_template_writes),
		cmocka_unit_test(templates_tell_formats_apart),
		cmocka_unit_test(the_begin_token_stands_in_front_once),
		cmocka_unit_test(formats_are_found_by_name_and_by_markers),
		cmocka_unit_test(the_turn_ends_with_the_marker),
		cmocka_unit_test(messages_decode_to_their_text),
		cmocka_unit_test(a_marker_that_is_missing_is_text),
	};

	return cmocka_run_group_tests_name("llm_chat", tests, NULL, NULL);
}
