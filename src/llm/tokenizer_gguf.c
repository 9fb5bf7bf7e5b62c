/* tokenizer_gguf.c - a byte-level BPE tokenizer from a GGUF file's tokenizer.ggml.* keys (ggml's docs/gguf.md). */
#include "llm/tokenizer_inner.h"

#define KEY(name) "tokenizer.ggml." name

/* llama_token_type of llama.cpp's public header. */
enum { GGUF_UNKNOWN = 2, GGUF_CONTROL = 3, GGUF_USER_DEFINED = 4 };

static enum token_kind kind_of(int64_t type)
{
	return type == GGUF_UNKNOWN || type == GGUF_CONTROL ? TOKEN_SPECIAL :
	       type == GGUF_USER_DEFINED	    ? TOKEN_ADDED :
							      TOKEN_PLAIN;
}

static bool choose_words(struct tokenizer *t, const struct gguf *g, struct error *err)
{
	struct gguf_string model, pre;

	if (!gguf_text(g, KEY("model"), &model))
		return error_set(err, "no tokenizer (%s is missing)", KEY("model"));
	if (model.n != 4 || memcmp(model.at, "gpt2", 4) != 0)
		return error_set(err, "tokenizer model \"%.*s\" is not supported (only gpt2, byte-level BPE, is)",
				 (int)(model.n < 100 ? model.n : 100), model.at);
	if (!gguf_text(g, KEY("pre"), &pre))
		return error_set(err, "%s is missing; convert the model with a current llama.cpp", KEY("pre"));
	t->words = pretokenizer_named(pre.at, pre.n);
	if (!t->words)
		return error_set(err, "pre-tokenizer \"%.*s\" is not supported (these are: %s)",
				 (int)(pre.n < 100 ? pre.n : 100), pre.at, pretokenizer_names());
	t->compose = t->words->compose;
	return true;
}

static bool read_tokens(struct vocabulary *v, const struct gguf *g, struct error *err)
{
	size_t n = gguf_strings(g, KEY("tokens")), types = gguf_ints(g, KEY("token_type"));

	if (n == 0 || n > VOCABULARY_LIMIT)
		return error_set(err, "%s has %zu entries, not 1 to %d", KEY("tokens"), n, VOCABULARY_LIMIT);
	if (types != 0 && types != n)
		return error_set(err, "%s has %zu entries for %zu tokens", KEY("token_type"), types, n);
	for (size_t i = 0; i < n; i++) {
		struct gguf_string s = gguf_string_at(g, KEY("tokens"), i);

		vocabulary_set(v, i, s.at, s.n, types ? kind_of(gguf_int_at(g, KEY("token_type"), i)) : TOKEN_PLAIN);
	}
	vocabulary_index(v);
	return true;
}

static bool read_merges(struct tokenizer *t, const struct gguf *g, struct error *err)
{
	size_t n = gguf_strings(g, KEY("merges"));

	if (n == 0 || n > VOCABULARY_LIMIT)
		return error_set(err, "%s has %zu entries, not 1 to %d", KEY("merges"), n, VOCABULARY_LIMIT);
	bpe_init(&t->bpe, &t->vocabulary);
	t->bpe.whole_words = t->words->whole_words;
	for (size_t i = 0; i < n; i++) {
		struct gguf_string s = gguf_string_at(g, KEY("merges"), i);

		if (!bpe_add_merge_line(&t->bpe, &t->vocabulary, s.at, s.n, (uint32_t)i, err))
			return false;
	}
	return true;
}

static bool read_end(struct tokenizer *t, const struct gguf *g, struct error *err)
{
	int64_t end;

	if (!gguf_int(g, KEY("eos_token_id"), &end))
		return true;
	if (end < 0 || (uint64_t)end >= t->vocabulary.n)
		return error_set(err, "%s is %lld, but there are %zu tokens", KEY("eos_token_id"), (long long)end,
				 t->vocabulary.n);
	t->end = (int32_t)end;
	return true;
}

struct tokenizer *tokenizer_from_gguf(const struct gguf *g, struct error *err)
{
	struct tokenizer *t = tokenizer_new();

	if (choose_words(t, g, err) && read_tokens(&t->vocabulary, g, err) && read_merges(t, g, err) &&
	    read_end(t, g, err))
		return t;
	error_prefix(err, "%s", gguf_path(g));
	tokenizer_free(t);
	return NULL;
}
