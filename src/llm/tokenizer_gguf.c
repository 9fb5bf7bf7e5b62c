/* tokenizer_gguf.c - a tokenizer from a GGUF file's tokenizer.ggml.* keys (ggml's docs/gguf.md): model "gpt2" is
 * byte-level BPE, "llama" is SentencePiece. Defaults for absent keys are llama.cpp's. */
#include "llm/tokenizer_inner.h"

#define KEY(name) "tokenizer.ggml." name

/* llama_token_type of llama.cpp's public header. */
enum { GGUF_UNKNOWN = 2, GGUF_CONTROL = 3, GGUF_USER_DEFINED = 4, GGUF_UNUSED = 5, GGUF_BYTE = 6 };

static enum token_kind kind_of(enum tokenizer_model model, int64_t type)
{
	if (type == GGUF_UNKNOWN || type == GGUF_CONTROL)
		return TOKEN_SPECIAL;
	if (type == GGUF_USER_DEFINED)
		return TOKEN_ADDED;
	if (model == MODEL_SENTENCEPIECE && type == GGUF_UNUSED)
		return TOKEN_NONE;
	return model == MODEL_SENTENCEPIECE && type == GGUF_BYTE ? TOKEN_BYTE : TOKEN_PLAIN;
}

static bool is_text(struct gguf_string s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.at, text, s.n) == 0;
}

static int shown(struct gguf_string s)
{
	return (int)(s.n < 100 ? s.n : 100);
}

static bool choose_model(struct tokenizer *t, const struct gguf *g, struct error *err)
{
	struct gguf_string model, pre;

	if (!gguf_text(g, KEY("model"), &model))
		return error_set(err, "no tokenizer (%s is missing)", KEY("model"));
	t->model = is_text(model, "llama") ? MODEL_SENTENCEPIECE : MODEL_BYTES;
	if (t->model == MODEL_SENTENCEPIECE)
		return true;
	if (!is_text(model, "gpt2"))
		return error_set(err,
				 "tokenizer model \"%.*s\" is not supported (only gpt2, byte-level BPE, and llama, "
				 "SentencePiece, are)",
				 shown(model), model.at);
	if (!gguf_text(g, KEY("pre"), &pre))
		return error_set(err, "%s is missing; convert the model with a current llama.cpp", KEY("pre"));
	t->words = pretokenizer_named(pre.at, pre.n);
	if (!t->words)
		return error_set(err, "pre-tokenizer \"%.*s\" is not supported (these are: %s)", shown(pre), pre.at,
				 pretokenizer_names());
	t->compose = t->words->compose;
	return true;
}

/* Converters write the user's SentencePiece tokens with spaces; among the pieces they are spelled as these are. */
static void set_token(struct tokenizer *t, size_t id, struct gguf_string s, enum token_kind kind)
{
	struct buf spelled = { 0 };

	if (t->model == MODEL_SENTENCEPIECE && kind == TOKEN_ADDED) {
		sentencepiece_spell(&spelled, s.at, s.n);
		s = (struct gguf_string){ buf_text(&spelled), spelled.n };
	}
	vocabulary_set(&t->vocabulary, id, s.at, s.n, kind);
	buf_release(&spelled);
}

static bool read_tokens(struct tokenizer *t, const struct gguf *g, struct error *err)
{
	size_t n = gguf_strings(g, KEY("tokens")), types = gguf_ints(g, KEY("token_type"));

	if (n == 0 || n > VOCABULARY_LIMIT)
		return error_set(err, "%s has %zu entries, not 1 to %d", KEY("tokens"), n, VOCABULARY_LIMIT);
	if (types != n && (types != 0 || t->model == MODEL_SENTENCEPIECE))
		return error_set(err, "%s has %zu entries for %zu tokens", KEY("token_type"), types, n);
	for (size_t i = 0; i < n; i++)
		set_token(t, i, gguf_string_at(g, KEY("tokens"), i),
			  types ? kind_of(t->model, gguf_int_at(g, KEY("token_type"), i)) : TOKEN_PLAIN);
	vocabulary_index(&t->vocabulary);
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

/* The id under the key; `otherwise` where the key is absent and there is such an id; else -1. */
static bool read_id(const struct tokenizer *t, const struct gguf *g, const char *key, int32_t otherwise, int32_t *out,
		    struct error *err)
{
	int64_t id;

	*out = otherwise >= 0 && (size_t)otherwise < t->vocabulary.n ? otherwise : -1;
	if (!gguf_int(g, key, &id))
		return true;
	if (id < 0 || (uint64_t)id >= t->vocabulary.n)
		return error_set(err, "%s is %lld, but there are %zu tokens", key, (long long)id, t->vocabulary.n);
	*out = (int32_t)id;
	return true;
}

static bool read_pieces(struct tokenizer *t, const struct gguf *g, struct error *err)
{
	size_t n = gguf_floats(g, KEY("scores"));
	int32_t unknown;

	if (n != t->vocabulary.n)
		return error_set(err, "%s has %zu entries for %zu tokens", KEY("scores"), n, t->vocabulary.n);
	if (!read_id(t, g, KEY("unknown_token_id"), 0, &unknown, err))
		return false;
	double *scores = mem_zero(n, sizeof(*scores));

	for (size_t i = 0; i < n; i++)
		scores[i] = gguf_float_at(g, KEY("scores"), i);
	bool ok = sentencepiece_init(&t->sentencepiece, &t->vocabulary, scores, unknown, err);

	free(scores);
	t->sentencepiece.prefix = true;
	gguf_bool(g, KEY("add_space_prefix"), &t->sentencepiece.prefix);
	return ok;
}

static bool read_ends(struct tokenizer *t, const struct gguf *g, struct error *err)
{
	bool pieces = t->model == MODEL_SENTENCEPIECE, begins = pieces || t->words->begins;
	int32_t begin;

	if (!read_id(t, g, KEY("bos_token_id"), pieces ? 1 : -1, &begin, err) ||
	    !read_id(t, g, KEY("eos_token_id"), pieces ? 2 : -1, &t->end, err))
		return false;
	gguf_bool(g, KEY("add_bos_token"), &begins);
	t->begin = begins ? begin : -1;
	return true;
}

static void read_template(struct tokenizer *t, const struct gguf *g)
{
	struct gguf_string s;

	if (!gguf_text(g, "tokenizer.chat_template", &s))
		return;
	t->template = mem_alloc(s.n + 1);
	memcpy(t->template, s.at, s.n);
	t->template[s.n] = '\0';
}

struct tokenizer *tokenizer_from_gguf(const struct gguf *g, struct error *err)
{
	struct tokenizer *t = tokenizer_new();

	if (choose_model(t, g, err) && read_tokens(t, g, err) &&
	    (t->model == MODEL_BYTES ? read_merges(t, g, err) : read_pieces(t, g, err)) && read_ends(t, g, err)) {
		read_template(t, g);
		return t;
	}
	error_prefix(err, "%s", gguf_path(g));
	tokenizer_free(t);
	return NULL;
}
