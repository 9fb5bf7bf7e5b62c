/* The tokenizers against Hugging Face tokenizers (tests/reference/token_ids.py), and what their contracts promise.
 *
 *   llm_tokenizer ids PATH plain|special   reads texts from stdin, one a line in hex; writes ids, one line a text
 *   llm_tokenizer words NAME               the same for the bytes of each word of a pre-tokenizer
 * PATH is a folder or a GGUF file. token_ids.py compares these at length. */
#include "test.h"

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>

#include "base/arena.h"
#include "base/text.h"
#include "llm/pretokenize.h"
#include "llm/tokenizer_inner.h"
#include "tokenizer_cases.h"
#include "tokenizer_models.h"

/* ---- golden cases ---- */

struct model_case {
	const struct tokenizer *tokenizer;
	const char *key;
	bool special;
};

static void check_ids(const json_t *row, const char *text, size_t n, const void *context)
{
	const struct model_case *c = context;
	struct token_list ids = { 0 };

	tokenizer_encode(c->tokenizer, text, n, c->special, &ids);
	assert_numbers(c->key, row, c->key, ids.ids, ids.n);
	token_list_release(&ids);
}

static void golden_ids(int model)
{
	struct tokenizer *t = tokenizer_for_test(model);
	char special[64];

	if (!t)
		skip();
	snprintf(special, sizeof(special), "%s_special", tokenizer_names[model]);
	each_case("tokenizer.jsonl", check_ids, &(struct model_case){ t, tokenizer_names[model], false });
	if (model < SMOLLM2)
		each_case("tokenizer.jsonl", check_ids, &(struct model_case){ t, special, true });
	tokenizer_free(t);
}

static void tiny_bpe_gives_the_reference_ids(void **state)
{
	(void)state;
	golden_ids(TINY_BPE);
}

static void tiny_wordpiece_gives_the_reference_ids(void **state)
{
	(void)state;
	golden_ids(TINY_BERT);
}

static void smollm2_gives_the_reference_ids(void **state)
{
	(void)state;
	golden_ids(SMOLLM2);
}

static void minilm_gives_the_reference_ids(void **state)
{
	(void)state;
	golden_ids(MINILM);
}

static void word_lengths(const char *name, const char *text, size_t n, struct token_list *out)
{
	const struct pretokenizer *p = pretokenizer_named(name, strlen(name));
	struct buf repaired = { 0 };

	text_repair(&repaired, text, n);
	for (size_t i = 0, length; i < repaired.n; i += length) {
		length = pretokenize_next(p, repaired.data + i, repaired.n - i);
		token_list_add(out, (int32_t)length);
	}
	buf_release(&repaired);
}

static void check_words(const json_t *row, const char *text, size_t n, const void *name)
{
	struct token_list lengths = { 0 };

	word_lengths(name, text, n, &lengths);
	assert_numbers(name, row, name, lengths.ids, lengths.n);
	token_list_release(&lengths);
}

static void pretokenizers_cut_as_their_expressions(void **state)
{
	static const char *const names[] = { "smollm", "gpt2", "qwen2", "llama3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		each_case("tokenizer.jsonl", check_words, names[i]);
}

/* ---- words ---- */

/* Every word lies behind the one before it, and by itself has the ids that it has in the text. */
static void check_places(const json_t *row, const char *text, size_t n, const void *t)
{
	struct token_list ids = { 0 }, again = { 0 };
	struct token_words words = { 0 };
	struct buf valid = { 0 };

	(void)row;
	text_repair(&valid, text, n);
	tokenizer_encode(t, buf_text(&valid), valid.n, false, &ids);
	assert_true(tokenizer_encode_words(t, buf_text(&valid), valid.n, &again, &words));
	assert_int_equal(ids.n, again.n);
	for (size_t i = 0; i < ids.n; i++)
		assert_int_equal(ids.ids[i], again.ids[i]);
	for (size_t i = 0; i < words.n; i++) {
		const struct token_word *w = &words.at[i];
		size_t end = i + 1 < words.n ? words.at[i + 1].token : ids.n;

		assert_true(w->from < w->to && w->to <= valid.n && w->from >= (i ? words.at[i - 1].to : 0));
		again.n = 0;
		tokenizer_encode(t, valid.data + w->from, w->to - w->from, false, &again);
		assert_int_equal(again.n, end - w->token);
		for (size_t j = 0; j < again.n; j++)
			assert_int_equal(again.ids[j], ids.ids[w->token + j]);
	}
	token_list_release(&ids);
	token_list_release(&again);
	token_words_release(&words);
	buf_release(&valid);
}

static void words_stand_where_their_ids_come_from(void **state)
{
	static const int models[] = { TINY_BERT, MINILM };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		struct tokenizer *t = tokenizer_for_test(models[i]);

		if (t)
			each_case("tokenizer.jsonl", check_places, t);
		tokenizer_free(t);
	}
}

static void words_are_the_text_s_own(void **state)
{
	static const char text[] = "Play  Caf\xC3\xA9" " Cafe\xCC\x81 d'Or\t\xE4\xB8\xAD\xE6\x96\x87.";
	static const char *const want[] = { "Play", "Caf\xC3\xA9", "Cafe\xCC\x81", "d", "'", "Or", "\xE4\xB8\xAD", "\xE6\x96\x87", "." };
	struct tokenizer *t = tokenizer_for_test(TINY_BERT), *bytes = tokenizer_for_test(TINY_BPE);
	struct token_list ids = { 0 };
	struct token_words words = { 0 };

	(void)state;
	assert_true(tokenizer_encode_words(t, text, strlen(text), &ids, &words));
	assert_int_equal(words.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < words.n; i++) {
		assert_int_equal(words.at[i].to - words.at[i].from, strlen(want[i]));
		assert_memory_equal(text + words.at[i].from, want[i], strlen(want[i]));
	}
	assert_false(tokenizer_encode_words(bytes, text, strlen(text), &ids, &words));
	token_list_release(&ids);
	token_words_release(&words);
	tokenizer_free(t);
	tokenizer_free(bytes);
}

/* ---- decoding ---- */

static void check_round_trip(const json_t *row, const char *text, size_t n, const void *t)
{
	struct token_list ids = { 0 };
	struct buf repaired = { 0 }, back = { 0 };

	(void)row;
	text_repair(&repaired, text, n);
	tokenizer_encode(t, text, n, false, &ids);
	tokenizer_decode(t, ids.ids, ids.n, &back);
	assert_int_equal(back.n, repaired.n);
	assert_memory_equal(buf_text(&back), buf_text(&repaired), repaired.n);
	token_list_release(&ids);
	buf_release(&repaired);
	buf_release(&back);
}

static void bpe_decodes_to_the_text(void **state)
{
	struct tokenizer *t = tokenizer_for_test(TINY_BPE);

	(void)state;
	each_case("tokenizer.jsonl", check_round_trip, t);
	tokenizer_free(t);
}

static void check_bert_decode(const json_t *row, const char *text, size_t n, const void *t)
{
	struct token_list ids = { 0 };
	struct buf back = { 0 };

	tokenizer_encode(t, text, n, false, &ids);
	tokenizer_decode(t, ids.ids, ids.n, &back);
	assert_string_equal(buf_text(&back), json_string_value(json_object_get(row, "decoded_bert")));
	token_list_release(&ids);
	buf_release(&back);
}

static void wordpiece_decodes_as_the_reference(void **state)
{
	struct tokenizer *t = tokenizer_for_test(MINILM);

	(void)state;
	if (!t)
		skip();
	each_case("tokenizer.jsonl", check_bert_decode, t);
	tokenizer_free(t);
}

static void decoding_leaves_out_special_and_impossible_ids(void **state)
{
	struct tokenizer *t = tokenizer_for_test(TINY_BPE);
	int32_t ids[] = { tokenizer_id(t, "a"), tokenizer_id(t, "<|im_end|>"), -1, INT32_MAX, tokenizer_id(t, "b") };
	struct buf out = { 0 };

	(void)state;
	tokenizer_decode(t, ids, ARRAY_SIZE(ids), &out);
	assert_string_equal(buf_text(&out), "ab");
	buf_release(&out);
	tokenizer_free(t);
}

/* ---- special tokens ---- */

static void special_tokens_need_permission(void **state)
{
	static const char text[] = "x<|im_end|>y";
	struct tokenizer *t = tokenizer_for_test(TINY_BPE);
	int32_t end = tokenizer_special(t, "<|im_end|>");
	struct token_list plain = { 0 }, found = { 0 };

	(void)state;
	tokenizer_encode(t, text, sizeof(text) - 1, false, &plain);
	for (size_t i = 0; i < plain.n; i++)
		assert_int_not_equal(plain.ids[i], end);
	tokenizer_encode(t, text, sizeof(text) - 1, true, &found);
	assert_int_equal(found.n, 3);
	assert_int_equal(found.ids[1], end);
	assert_int_equal(tokenizer_special(t, "a"), -1);
	assert_int_equal(tokenizer_id(t, "no such token"), -1);
	token_list_release(&plain);
	token_list_release(&found);
	tokenizer_free(t);
}

#define BPE_HEAD "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"abc\":4,\"<x>\":5},"
#define BYTE_LEVEL "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"

/* What a tokenizer.json may set, on a vocabulary small enough to see the result. */
static const struct {
	const char *name, *json, *text;
	size_t n;
	int32_t ids[4];
} settings[] = {
	{ "merges by rank", BPE_HEAD "\"merges\":[\"a b\",\"ab c\"]}," BYTE_LEVEL "}", "abcab", 2, { 4, 3 } },
	{ "merges as pairs", BPE_HEAD "\"merges\":[[\"a\",\"b\"]]}," BYTE_LEVEL "}", "abc", 2, { 3, 2 } },
	{ "bytes without a token vanish", BPE_HEAD "\"merges\":[\"a b\"]}," BYTE_LEVEL "}", "azb", 1, { 3 } },
	{ "or become the unknown token", BPE_HEAD "\"unk_token\":\"c\",\"merges\":[]}," BYTE_LEVEL "}", "azzb", 4,
	  { 0, 2, 2, 1 } },
	{ "one for a run", BPE_HEAD "\"unk_token\":\"c\",\"fuse_unk\":true,\"merges\":[]}," BYTE_LEVEL "}", "azzb", 3,
	  { 0, 2, 1 } },
	{ "whole words without merges", BPE_HEAD "\"ignore_merges\":true,\"merges\":[]}," BYTE_LEVEL "}", "abc", 1,
	  { 4 } },
	{ "no merge makes a special token",
	  BPE_HEAD "\"merges\":[\"a b\"]},\"added_tokens\":[{\"id\":3,\"content\":\"ab\",\"special\":true}]," BYTE_LEVEL "}",
	  "ab", 2, { 0, 1 } },
	{ "added tokens are found in plain text, the longest first",
	  BPE_HEAD "\"merges\":[]},\"added_tokens\":[{\"id\":6,\"content\":\"ab\"},{\"id\":7,\"content\":\"abc\"}]," BYTE_LEVEL
		   "}",
	  "aabcb", 3, { 0, 4, 1 } },
	{ "and may swallow the space beside them",
	  BPE_HEAD "\"merges\":[]},\"added_tokens\":[{\"id\":9,\"content\":\"#\",\"lstrip\":true,\"rstrip\":true}]," BYTE_LEVEL
		   "}",
	  "a  # \nb", 3, { 0, 9, 1 } },
};

static void tokenizer_json_settings_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		struct error err;
		struct tokenizer *t = tokenizer_from_json(settings[i].json, strlen(settings[i].json), &err);
		struct token_list ids = { 0 };

		if (!t)
			fail_msg("%s: %s", settings[i].name, err.text);
		tokenizer_encode(t, settings[i].text, strlen(settings[i].text), false, &ids);
		if (ids.n != settings[i].n || memcmp(ids.ids, settings[i].ids, ids.n * sizeof(*ids.ids)) != 0)
			fail_msg("%s: %zu ids, first %d", settings[i].name, ids.n, ids.n ? ids.ids[0] : -1);
		token_list_release(&ids);
		tokenizer_free(t);
	}
}

/* Each is refused with a sentence that has the words. */
static const struct {
	const char *json, *words;
} refused[] = {
	{ "", "line 1" },
	{ "[]", "model none" },
	{ "{\"model\":{\"type\":\"Unigram\"}}", "Unigram" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}," BYTE_LEVEL "}", "\"a\"" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":99999999},\"merges\":[]}," BYTE_LEVEL "}", "\"a\"" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":[],\"merges\":[]}," BYTE_LEVEL "}", "vocab" },
	{ BPE_HEAD "\"merges\":{}}," BYTE_LEVEL "}", "merges" },
	{ BPE_HEAD "\"merges\":[\"ab\"]}," BYTE_LEVEL "}", "merge 0" },
	{ BPE_HEAD "\"merges\":[\"a b\",7]}," BYTE_LEVEL "}", "merge 1" },
	{ BPE_HEAD "\"merges\":[\"b a\"]}," BYTE_LEVEL "}", "the result" },
	{ BPE_HEAD "\"dropout\":0.1,\"merges\":[]}," BYTE_LEVEL "}", "dropout" },
	{ BPE_HEAD "\"merges\":[]},\"pre_tokenizer\":{\"type\":\"Whitespace\"}}", "Whitespace" },
	{ BPE_HEAD "\"merges\":[]},\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true}}", "ByteLevel" },
	{ BPE_HEAD "\"merges\":[]},\"normalizer\":{\"type\":\"Lowercase\"}," BYTE_LEVEL "}", "Lowercase" },
	{ BPE_HEAD "\"merges\":[]},\"added_tokens\":[{\"id\":6,\"content\":\"q\",\"single_word\":true}]," BYTE_LEVEL "}",
	  "\"q\"" },
	{ "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}},\"normalizer\":{\"type\":\"BertNormalizer\"},"
	  "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}}",
	  "[UNK]" },
	{ "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[UNK]\":0}}}", "normalizer none" },
};

static void other_tokenizers_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct error err = { .text = "" };

		if (tokenizer_from_json(refused[i].json, strlen(refused[i].json), &err))
			fail_msg("accepted: %s", refused[i].json);
		if (!strstr(err.text, refused[i].words))
			fail_msg("\"%s\" does not say %s", err.text, refused[i].words);
	}
}

static void published_pipelines_are_recognised(void **state)
{
	static const char *const names[] = { "smollm", "gpt2", "qwen2", "llama3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct pretokenizer *p = pretokenizer_named(names[i], strlen(names[i]));
		json_t *split = json_pack("{s:s,s:{s:s},s:s,s:b}", "type", "Split", "pattern", "Regex", p->regex,
					  "behavior", "Isolated", "invert", 0);
		json_t *digits = json_pack("{s:s,s:b}", "type", "Digits", "individual_digits", 1);
		json_t *bytes = json_pack("{s:s,s:b,s:b}", "type", "ByteLevel", "add_prefix_space", 0, "use_regex",
					  !p->split);
		json_t *steps = p->split ? json_pack("[o,O]", split, bytes) :
				p->digits_apart ? json_pack("[O,O]", digits, bytes) : json_pack("[O]", bytes);
		json_t *root = json_pack("{s:{s:s,s:{},s:[]},s:{s:s,s:o}}", "model", "type", "BPE", "vocab", "merges",
					 "pre_tokenizer", "type", "Sequence", "pretokenizers", steps);
		char *json = json_dumps(root, 0);
		struct error err;
		struct tokenizer *t = tokenizer_from_json(json, strlen(json), &err);

		if (!t)
			fail_msg("%s: %s", names[i], err.text);
		assert_string_equal(t->words->name, names[i]);
		tokenizer_free(t);
		free(json);
		json_decref(root);
		json_decref(digits);
		json_decref(bytes);
		if (!p->split)
			json_decref(split);
	}
}

static void vocab_txt_is_uncased_bert(void **state)
{
	static const char lines[] = "[PAD]\n[UNK]\n[CLS]\r\nhello\n##s\n.\n";
	static const int32_t want[] = { 3, 4, 5, 1 };
	struct error err;
	struct tokenizer *t = tokenizer_from_lines(lines, sizeof(lines) - 1, &err);
	struct token_list ids = { 0 };

	(void)state;
	assert_non_null(t);
	assert_int_equal(tokenizer_size(t), 6);
	assert_int_equal(tokenizer_special(t, "[CLS]"), 2);
	tokenizer_encode(t, "HEllos. \tzz", 11, false, &ids);
	assert_int_equal(ids.n, ARRAY_SIZE(want));
	assert_memory_equal(ids.ids, want, sizeof(want));
	token_list_release(&ids);
	tokenizer_free(t);
}

static void config_names_the_end(void **state)
{
	static const struct {
		const char *json;
		bool ok;
		const char *end; /* NULL: none */
	} configs[] = {
		{ "{\"eos_token\":\"<|im_end|>\"}", true, "<|im_end|>" },
		{ "{\"eos_token\":{\"content\":\"<|eot_id|>\"}}", true, "<|eot_id|>" },
		{ "{\"eos_token\":null}", true, NULL },
		{ "{", false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		struct tokenizer *t = tokenizer_for_test(TINY_BPE);
		struct error err;

		assert_int_equal(tokenizer_read_config(t, configs[i].json, strlen(configs[i].json), &err), configs[i].ok);
		assert_int_equal(tokenizer_end(t), configs[i].end ? tokenizer_special(t, configs[i].end) : -1);
		tokenizer_free(t);
	}
}

static void a_folder_without_tokenizer_says_so(void **state)
{
	struct error err = { .text = "" };

	(void)state;
	assert_null(tokenizer_open("tests/reference", &err));
	assert_string_equal(err.text, "tests/reference: has neither tokenizer.json nor vocab.txt");
}

static void qwen2_composes_before_it_cuts(void **state)
{
	static const char decomposed[] = "e\xCC\x81", composed[] = "\xC3\xA9";
	struct tokenizer *t = tokenizer_for_test(TINY_BPE);
	struct token_list a = { 0 }, b = { 0 };

	(void)state;
	assert_true(pretokenizer_named("qwen2", 5)->compose);
	t->compose = true;
	tokenizer_encode(t, decomposed, sizeof(decomposed) - 1, false, &a);
	tokenizer_encode(t, composed, sizeof(composed) - 1, false, &b);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.ids, b.ids, a.n * sizeof(*a.ids));
	token_list_release(&a);
	token_list_release(&b);
	tokenizer_free(t);
}

/* A quadratic encoder would take minutes here; the suite's time limit notices. */
static void a_word_of_a_megabyte_is_read(void **state)
{
	enum { N = 1 << 20 };
	static const char *const units[] = { "ab", "a", " ", "\n ", "'", "7", "\xCC\x81" };
	char *text = mem_alloc(N);

	(void)state;
	for (int model = TINY_BPE; model <= TINY_PIECES; model++) {
		struct tokenizer *t = tokenizer_for_test(model);

		for (size_t u = 0; u < ARRAY_SIZE(units); u++) {
			struct token_list ids = { 0 };
			struct buf back = { 0 };

			for (size_t i = 0; i < N; i++)
				text[i] = units[u][i % strlen(units[u])];
			tokenizer_encode(t, text, N, true, &ids);
			tokenizer_decode(t, ids.ids, ids.n, &back);
			if (model != TINY_BERT)
				assert_int_equal(back.n, N);
			token_list_release(&ids);
			buf_release(&back);
		}
		tokenizer_free(t);
	}
	free(text);
}

/* ---- dumps for the reference script ---- */

static int dump(const char *what, const char *argument, const char *mode)
{
	bool words = strcmp(what, "words") == 0;
	struct error err;
	struct tokenizer *t = words ? NULL : tokenizer_at(argument, &err);
	char *line = NULL;
	size_t capacity = 0;

	if (!words && !t) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	while (getline(&line, &capacity, stdin) > 0) {
		struct token_list out = { 0 };
		size_t n = from_hex(line, line); /* shorter than what it is read from */

		if (words)
			word_lengths(argument, line, n, &out);
		else
			tokenizer_encode(t, line, n, strcmp(mode, "special") == 0, &out);
		for (size_t i = 0; i < out.n; i++)
			printf(i ? " %d" : "%d", out.ids[i]);
		putchar('\n');
		token_list_release(&out);
	}
	free(line);
	tokenizer_free(t);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiny_bpe_gives_the_reference_ids),
		cmocka_unit_test(tiny_wordpiece_gives_the_reference_ids),
		cmocka_unit_test(smollm2_gives_the_reference_ids),
		cmocka_unit_test(minilm_gives_the_reference_ids),
		cmocka_unit_test(pretokenizers_cut_as_their_expressions),
		cmocka_unit_test(words_stand_where_their_ids_come_from),
		cmocka_unit_test(words_are_the_text_s_own),
		cmocka_unit_test(bpe_decodes_to_the_text),
		cmocka_unit_test(wordpiece_decodes_as_the_reference),
		cmocka_unit_test(decoding_leaves_out_special_and_impossible_ids),
		cmocka_unit_test(special_tokens_need_permission),
		cmocka_unit_test(tokenizer_json_settings_count),
		cmocka_unit_test(other_tokenizers_are_refused_by_name),
		cmocka_unit_test(published_pipelines_are_recognised),
		cmocka_unit_test(vocab_txt_is_uncased_bert),
		cmocka_unit_test(config_names_the_end),
		cmocka_unit_test(a_folder_without_tokenizer_says_so),
		cmocka_unit_test(qwen2_composes_before_it_cuts),
		cmocka_unit_test(a_word_of_a_megabyte_is_read),
	};

	if (argc >= 3)
		return dump(argv[1], argv[2], argc > 3 ? argv[3] : "plain");
	return cmocka_run_group_tests_name("llm_tokenizer", tests, NULL, NULL);
}
