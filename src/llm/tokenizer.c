/* tokenizer.c - opening, special tokens, and the way from text to ids and back; the models do the rest. */
#include "llm/tokenizer.h"

#include "base/file.h"
#include "base/text.h"
#include "llm/tokenizer_inner.h"

enum { FILE_LIMIT = 128 << 20 }; /* bytes of a tokenizer.json; the largest published ones have 35 MB */

void token_list_release(struct token_list *t)
{
	free(t->ids);
	*t = (struct token_list){ 0 };
}

void token_list_add(struct token_list *t, int32_t id)
{
	if (t->n == t->capacity) {
		t->capacity = t->capacity ? t->capacity * 2 : 64;
		t->ids = mem_resize(t->ids, t->capacity, sizeof(*t->ids));
	}
	t->ids[t->n++] = id;
}

void token_words_release(struct token_words *w)
{
	free(w->at);
	*w = (struct token_words){ 0 };
}

void token_words_add(struct token_words *w, struct token_word word)
{
	if (w->n == w->capacity) {
		w->capacity = w->capacity ? w->capacity * 2 : 32;
		w->at = mem_resize(w->at, w->capacity, sizeof(*w->at));
	}
	w->at[w->n++] = word;
}

struct tokenizer *tokenizer_new(void)
{
	struct tokenizer *t = mem_zero(1, sizeof(*t));

	vocabulary_init(&t->vocabulary);
	t->begin = -1;
	t->end = -1;
	return t;
}

void tokenizer_free(struct tokenizer *t)
{
	if (!t)
		return;
	vocabulary_release(&t->vocabulary);
	bpe_release(&t->bpe);
	sentencepiece_release(&t->sentencepiece);
	free(t->template);
	free(t);
}

static struct tokenizer *open_with(const char *path, struct tokenizer *(*load)(const char *, size_t, struct error *),
				   struct error *err)
{
	size_t n;
	char *text = file_read(path, FILE_LIMIT, &n, err);

	if (!text)
		return NULL;
	struct tokenizer *t = load(text, n, err);

	free(text);
	if (!t)
		error_prefix(err, "%s", path);
	return t;
}

static bool read_config_file(struct tokenizer *t, const char *path, struct error *err)
{
	size_t n;
	char *text = file_read(path, FILE_LIMIT, &n, err);
	bool ok = text && tokenizer_read_config(t, text, n, err);

	if (text && !ok)
		error_prefix(err, "%s", path);
	free(text);
	return ok;
}

static const char *path_in(struct arena *a, const char *folder, const char *name)
{
	return arena_printf(a, "%s/%s", folder, name);
}

struct tokenizer *tokenizer_open(const char *folder, struct error *err)
{
	struct arena paths;
	struct tokenizer *t = NULL;

	arena_init(&paths);
	const char *json = path_in(&paths, folder, "tokenizer.json"), *lines = path_in(&paths, folder, "vocab.txt");
	const char *config = path_in(&paths, folder, "tokenizer_config.json");

	if (file_exists(json))
		t = open_with(json, tokenizer_from_json, err);
	else if (file_exists(lines))
		t = open_with(lines, tokenizer_from_lines, err);
	else
		error_set(err, "%s: has neither tokenizer.json nor vocab.txt", folder);
	if (t && file_exists(config) && !read_config_file(t, config, err)) {
		tokenizer_free(t);
		t = NULL;
	}
	arena_release(&paths);
	return t;
}

size_t tokenizer_size(const struct tokenizer *t)
{
	return t->vocabulary.n;
}

int32_t tokenizer_id(const struct tokenizer *t, const char *token)
{
	return vocabulary_find(&t->vocabulary, token, strlen(token));
}

int32_t tokenizer_special(const struct tokenizer *t, const char *token)
{
	int32_t id = tokenizer_id(t, token);

	return id >= 0 && t->vocabulary.tokens[id].kind == TOKEN_SPECIAL ? id : -1;
}

int32_t tokenizer_begin(const struct tokenizer *t)
{
	return t->begin;
}

const char *tokenizer_template(const struct tokenizer *t)
{
	return t->template;
}

int32_t tokenizer_end(const struct tokenizer *t)
{
	return t->end;
}

static void encode_words(const struct tokenizer *t, const char *text, size_t n, struct bpe_scratch *scratch,
			 struct token_list *out)
{
	for (size_t i = 0, length; i < n; i += length) {
		length = pretokenize_next(t->words, text + i, n - i);
		bpe_encode(&t->bpe, &t->vocabulary, text + i, length, scratch, out);
	}
}

/* Text between added tokens. */
static void encode_stretch(const struct tokenizer *t, const char *text, size_t n, struct bpe_scratch *scratch,
			   struct token_list *out)
{
	struct buf composed = { 0 };

	if (!n)
		return;
	if (t->model == MODEL_WORDPIECE) {
		wordpiece_encode(&t->wordpiece, &t->vocabulary, text, n, 0, out, NULL);
	} else if (t->model == MODEL_SENTENCEPIECE) {
		sentencepiece_encode(&t->sentencepiece, &t->vocabulary, text, n, &scratch->merging, out);
	} else if (!t->compose) {
		encode_words(t, text, n, scratch, out);
	} else {
		text_compose(&composed, text, n);
		encode_words(t, composed.data, composed.n, scratch, out);
		buf_release(&composed);
	}
}

/* SentencePiece finds its own added tokens, behind the prefix and in its own spelling. */
static enum added_kinds kinds_to_find(const struct tokenizer *t, bool special)
{
	return (special ? ADDED_SPECIAL : 0) | (t->model == MODEL_SENTENCEPIECE ? 0 : ADDED_PLAIN);
}

void tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, bool special, struct token_list *out)
{
	struct bpe_scratch scratch = { 0 };
	struct buf repaired = { 0 };
	struct added_match match;
	size_t bad;

	if (!text_valid(text, n, &bad)) {
		text_repair(&repaired, text, n);
		text = repaired.data;
		n = repaired.n;
	}
	for (size_t at = 0; at < n; at = match.to) {
		match = vocabulary_next_added(&t->vocabulary, text, n, at, kinds_to_find(t, special));
		encode_stretch(t, text + at, match.from - at, &scratch, out);
		if (match.id >= 0)
			token_list_add(out, match.id);
	}
	bpe_scratch_release(&scratch);
	buf_release(&repaired);
}

bool tokenizer_encode_words(const struct tokenizer *t, const char *text, size_t n, struct token_list *out, struct token_words *words)
{
	struct added_match match;

	if (t->model != MODEL_WORDPIECE)
		return false;
	for (size_t at = 0; at < n; at = match.to) {
		match = vocabulary_next_added(&t->vocabulary, text, n, at, ADDED_PLAIN);
		wordpiece_encode(&t->wordpiece, &t->vocabulary, text + at, match.from - at, at, out, words);
		if (match.id < 0)
			continue;
		token_words_add(words, (struct token_word){ match.from, match.to, out->n });
		token_list_add(out, match.id);
	}
	return true;
}

void tokenizer_encode_on(const struct tokenizer *t, const char *text, size_t n, struct token_list *out)
{
	struct tokenizer going_on = *t; /* a shallow copy: nothing is changed but how a text begins */

	going_on.sentencepiece.prefix = false;
	tokenizer_encode(&going_on, text, n, false, out);
}

static void decode_token(const struct tokenizer *t, const struct token *token, bool first, struct buf *out)
{
	if (t->model == MODEL_WORDPIECE)
		wordpiece_decode(&t->wordpiece, token->text, token->n, first, out);
	else if (t->model == MODEL_SENTENCEPIECE)
		sentencepiece_decode(&t->sentencepiece, token, first && !out->n, out);
	else if (token->kind == TOKEN_ADDED)
		buf_add(out, token->text, token->n);
	else
		bpe_decode(token->text, token->n, out);
}

void tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		if (ids[i] < 0 || (size_t)ids[i] >= t->vocabulary.n)
			continue;
		const struct token *token = &t->vocabulary.tokens[ids[i]];

		if (token->kind == TOKEN_NONE || token->kind == TOKEN_SPECIAL)
			continue;
		decode_token(t, token, first, out);
		first = false;
	}
}
