/* What a GGUF file may say about its tokenizer: rows of metadata, written to small files without tensors. */
#include "test.h"

#include <string.h>
#include <unistd.h>

#include "llm/tokenizer.h"

/* The tokens and merges of every file here; "<s>" has the kind under test. */
static const char *const tokens[] = { "a", "b", "ab", "<s>", "\xC4\xA0" }; /* the last one is the space */

struct metadata {
	const char *model, *pre; /* NULL: no such key */
	const char *merge;
	int32_t kind;  /* llama_token_type of "<s>": 1 normal, 3 control, 4 user defined */
	size_t kinds;  /* entries of token_type; 0: no such key */
	int64_t end;   /* eos_token_id; -1: no such key */
};

static void put(struct buf *b, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_addc(b, (char)(value >> (8 * i) & 255));
}

static void put_string(struct buf *b, const char *s)
{
	put(b, strlen(s), 8);
	buf_adds(b, s);
}

enum { GGUF_UINT32 = 4, GGUF_INT32 = 5, GGUF_STRING = 8, GGUF_ARRAY = 9 };

static void put_text(struct buf *b, const char *key, const char *value, uint64_t *fields)
{
	if (!value)
		return;
	put_string(b, key);
	put(b, GGUF_STRING, 4);
	put_string(b, value);
	++*fields;
}

static void put_array(struct buf *b, const char *key, uint32_t type, size_t n)
{
	put_string(b, key);
	put(b, GGUF_ARRAY, 4);
	put(b, type, 4);
	put(b, n, 8);
}

static void put_fields(struct buf *b, const struct metadata *m, uint64_t *fields)
{
	put_text(b, "tokenizer.ggml.model", m->model, fields);
	put_text(b, "tokenizer.ggml.pre", m->pre, fields);
	put_array(b, "tokenizer.ggml.tokens", GGUF_STRING, ARRAY_SIZE(tokens));
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		put_string(b, tokens[i]);
	put_array(b, "tokenizer.ggml.merges", GGUF_STRING, 1);
	put_string(b, m->merge);
	*fields += 2;
	if (m->kinds) {
		put_array(b, "tokenizer.ggml.token_type", GGUF_INT32, m->kinds);
		for (size_t i = 0; i < m->kinds; i++)
			put(b, i == 3 ? (uint64_t)m->kind : 1, 4);
		++*fields;
	}
	if (m->end >= 0) {
		put_string(b, "tokenizer.ggml.eos_token_id");
		put(b, GGUF_UINT32, 4);
		put(b, (uint64_t)m->end, 4);
		++*fields;
	}
}

static struct tokenizer *tokenizer_of(const struct metadata *m, struct error *err)
{
	char path[] = "/tmp/rung-tokenizer-XXXXXX";
	struct buf fields = { 0 }, file = { 0 };
	uint64_t n = 0;
	int fd = mkstemp(path);

	put_fields(&fields, m, &n);
	buf_adds(&file, "GGUF");
	put(&file, 3, 4);
	put(&file, 0, 8);
	put(&file, n, 8);
	buf_add(&file, fields.data, fields.n);
	assert_int_equal(write(fd, file.data, file.n), file.n);
	close(fd);
	struct gguf *g = gguf_open(path, err);

	unlink(path);
	if (!g)
		fail_msg("%s", err->text);
	struct tokenizer *t = tokenizer_from_gguf(g, err);

	gguf_free(g);
	buf_release(&fields);
	buf_release(&file);
	return t;
}

static const struct {
	const char *name;
	struct metadata metadata;
	const char *text;
	size_t n;
	int32_t ids[8];
	int32_t end;
} good[] = {
	{ "a control token is text", { "gpt2", "smollm", "a b", 3, 5, 3 }, "ab<s>a", 2, { 2, 0 }, 3 },
	{ "a user's token is found", { "gpt2", "gpt-2", "a b", 4, 5, -1 }, "ab<s>a", 3, { 2, 3, 0 }, -1 },
	{ "kinds may be missing", { "gpt2", "qwen2", "a b", 0, 0, 2 }, " ab", 2, { 4, 2 }, 2 },
	{ "Llama 3 takes whole words", { "gpt2", "llama-bpe", "a b", 3, 5, -1 }, "ab", 1, { 2 }, -1 },
};

static void metadata_is_followed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct error err;
		struct tokenizer *t = tokenizer_of(&good[i].metadata, &err);
		struct token_list ids = { 0 };

		if (!t)
			fail_msg("%s: %s", good[i].name, err.text);
		tokenizer_encode(t, good[i].text, strlen(good[i].text), false, &ids);
		if (ids.n != good[i].n || memcmp(ids.ids, good[i].ids, ids.n * sizeof(*ids.ids)) != 0)
			fail_msg("%s: %zu ids, the first %d", good[i].name, ids.n, ids.n ? ids.ids[0] : -1);
		assert_int_equal(tokenizer_end(t), good[i].end);
		assert_int_equal(tokenizer_size(t), ARRAY_SIZE(tokens));
		token_list_release(&ids);
		tokenizer_free(t);
	}
}

static const struct {
	struct metadata metadata;
	const char *words; /* in the message, behind the file's name */
} bad[] = {
	{ { NULL, "smollm", "a b", 3, 5, -1 }, "no tokenizer" },
	{ { "t5", "smollm", "a b", 3, 5, -1 }, "\"t5\" is not supported" },
	{ { "gpt2", NULL, "a b", 3, 5, -1 }, "tokenizer.ggml.pre is missing" },
	{ { "gpt2", "tekken", "a b", 3, 5, -1 }, "\"tekken\" is not supported (these are: smollm" },
	{ { "gpt2", "smollm", "a b", 3, 4, -1 }, "4 entries for 5 tokens" },
	{ { "gpt2", "smollm", "ab", 3, 5, -1 }, "merge 0 is \"ab\"" },
	{ { "gpt2", "smollm", "b b", 3, 5, -1 }, "the result is not in the vocabulary" },
	{ { "gpt2", "smollm", "z b", 3, 5, -1 }, "the first is not in the vocabulary" },
	{ { "gpt2", "smollm", "a b", 3, 5, 5 }, "eos_token_id is 5, but there are 5 tokens" },
};

static void what_is_not_supported_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = { .text = "" };

		if (tokenizer_of(&bad[i].metadata, &err))
			fail_msg("row %zu was accepted", i);
		if (!strstr(err.text, bad[i].words) || strncmp(err.text, "/tmp/rung-", 10) != 0)
			fail_msg("\"%s\" does not name the file and say %s", err.text, bad[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadata_is_followed),
		cmocka_unit_test(what_is_not_supported_is_named),
	};

	return cmocka_run_group_tests_name("llm_tokenizer_gguf", tests, NULL, NULL);
}
