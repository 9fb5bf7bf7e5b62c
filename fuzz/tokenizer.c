/* tokenizer.c - arbitrary bytes as text for every kind of tokenizer, and as tokenizer.json.
 *
 * The first byte chooses: text, tokenizer.json, or vocab.txt. For text it checks that byte-level BPE gives the text
 * back, that plain text yields no special token, that every id exists and that words cover the text. Runs in the
 * repository's root: the tiny tokenizers are those of the tests. */
#include <assert.h>

#include "base/arena.h"
#include "base/text.h"
#include "llm/pretokenize.h"
#include "llm/tokenizer_inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tokenizer *tiny(const char *folder)
{
	struct error err;
	struct tokenizer *t = tokenizer_open(folder, &err);

	if (!t) {
		fprintf(stderr, "%s (run in the repository's root)\n", err.text);
		exit(1);
	}
	return t;
}

static struct tokenizer *tiny_gguf(const char *path)
{
	struct error err;
	struct gguf *g = gguf_open(path, &err);
	struct tokenizer *t = g ? tokenizer_from_gguf(g, &err) : NULL;

	gguf_free(g);
	if (!t) {
		fprintf(stderr, "%s (run in the repository's root)\n", err.text);
		exit(1);
	}
	return t;
}

static void check_ids(const struct tokenizer *t, const struct token_list *ids, bool special)
{
	for (size_t i = 0; i < ids->n; i++) {
		assert(ids->ids[i] >= 0 && (size_t)ids->ids[i] < tokenizer_size(t));
		assert(special || t->vocabulary.tokens[ids->ids[i]].kind != TOKEN_SPECIAL ||
		       ids->ids[i] == (t->model == MODEL_BYTES ? t->bpe.unknown : t->wordpiece.unknown));
	}
}

static void encode_and_check(const struct tokenizer *t, const char *text, size_t n, bool special, struct buf *back)
{
	struct token_list ids = { 0 };

	tokenizer_encode(t, text, n, special, &ids);
	check_ids(t, &ids, special);
	tokenizer_decode(t, ids.ids, ids.n, back);
	token_list_release(&ids);
}

static void check_words(const char *name, const struct buf *text)
{
	const struct pretokenizer *p = pretokenizer_named(name, strlen(name));

	for (size_t i = 0, length; i < text->n; i += length) {
		length = pretokenize_next(p, text->data + i, text->n - i);
		assert(length > 0 && length <= text->n - i);
	}
}

static void try_text(const char *text, size_t n)
{
	static struct tokenizer *bpe, *bert, *pieces; /* opened once for all inputs */
	struct buf repaired = { 0 }, back = { 0 }, other = { 0 };
	size_t bad;

	if (!bpe) {
		bpe = tiny("tests/reference/golden/tokenizer_bpe");
		bert = tiny("tests/reference/golden/tokenizer_bert");
		pieces = tiny_gguf("tests/reference/golden/pieces.gguf");
	}
	text_repair(&repaired, text, n);
	assert(text_valid(buf_text(&repaired), repaired.n, &bad));
	encode_and_check(bpe, text, n, false, &back);
	encode_and_check(pieces, text, n, false, &other);
	encode_and_check(pieces, text, n, true, &other);
	assert(back.n == repaired.n && memcmp(buf_text(&back), buf_text(&repaired), back.n) == 0);
	encode_and_check(bpe, text, n, true, &other);
	encode_and_check(bert, text, n, false, &other);
	encode_and_check(bert, text, n, true, &other);
	check_words("smollm", &repaired);
	check_words("gpt2", &repaired);
	check_words("qwen2", &repaired);
	check_words("llama3", &repaired);
	buf_release(&repaired);
	buf_release(&back);
	buf_release(&other);
}

static void try_loader(struct tokenizer *(*load)(const char *, size_t, struct error *), const char *text, size_t n)
{
	struct error err;
	struct tokenizer *t = load(text, n, &err);
	struct buf back = { 0 };

	if (!t)
		return;
	encode_and_check(t, "I'm 12 caf\xC3\xA9s <a>[UNK]", 21, false, &back);
	encode_and_check(t, text, n < 1000 ? n : 1000, true, &back);
	buf_release(&back);
	tokenizer_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	/* A copy of its own, so that a read past the end is seen. */
	char *text = mem_alloc(size - 1 ? size - 1 : 1);

	memcpy(text, data + 1, size - 1);
	if (data[0] == 'j')
		try_loader(tokenizer_from_json, text, size - 1);
	else if (data[0] == 'v')
		try_loader(tokenizer_from_lines, text, size - 1);
	else
		try_text(text, size - 1);
	free(text);
	return 0;
}
