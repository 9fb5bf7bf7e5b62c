/* tokenizer_json.c - tokenizer.json of Hugging Face tokenizers, for the two models that tokenizer.h names.
 *
 * A setting that would change ids and that we do not follow is an error naming it, never ignored. Truncation, padding
 * and the post-processor are read past: encoding adds nothing and cuts nothing. */
#include <jansson.h>

#include "llm/tokenizer_inner.h"

static bool is_type(const json_t *object, const char *type)
{
	const char *value = json_string_value(json_object_get(object, "type"));

	return value && strcmp(value, type) == 0;
}

static const char *type_of(const json_t *object)
{
	const char *value = json_string_value(json_object_get(object, "type"));

	return value ? value : object && !json_is_null(object) ? "without a type" : "none";
}

/* The boolean under the key; `absent` when it is missing or null. */
static bool flag(const json_t *object, const char *key, bool absent)
{
	const json_t *value = json_object_get(object, key);

	return json_is_boolean(value) ? json_is_true(value) : absent;
}

/* ---- vocabulary ---- */

static bool read_vocabulary(struct vocabulary *v, const json_t *entries, struct error *err)
{
	const char *text;
	json_t *value;

	if (!json_is_object(entries))
		return error_set(err, "model.vocab is not an object of tokens and their ids");
	json_object_foreach((json_t *)entries, text, value) {
		json_int_t id = json_integer_value(value);

		if (!json_is_integer(value) || id < 0 || id >= VOCABULARY_LIMIT)
			return error_set(err, "the id of token \"%.100s\" is not a number from 0 to %d", text,
					 VOCABULARY_LIMIT - 1);
		vocabulary_set(v, (size_t)id, text, strlen(text), TOKEN_PLAIN);
	}
	return true;
}

static bool read_added_token(struct vocabulary *v, const json_t *entry, bool normalised, struct error *err)
{
	const json_t *content = json_object_get(entry, "content"), *number = json_object_get(entry, "id");
	json_int_t id = json_integer_value(number);
	const char *text = json_string_value(content);

	if (!text || !json_is_integer(number) || id < 0 || id >= VOCABULARY_LIMIT)
		return error_set(err, "an entry of added_tokens lacks its content or an id from 0 to %d",
				 VOCABULARY_LIMIT - 1);
	if (flag(entry, "single_word", false) || (normalised && flag(entry, "normalized", false)))
		return error_set(err, "added token \"%.100s\" is \"single_word\" or \"normalized\", which is not supported",
				 text);
	int32_t known = vocabulary_find(v, text, json_string_length(content));
	size_t at = known >= 0 ? (size_t)known : (size_t)id;

	vocabulary_set(v, at, text, json_string_length(content),
		       flag(entry, "special", false) ? TOKEN_SPECIAL : TOKEN_ADDED);
	v->tokens[at].strip_left = flag(entry, "lstrip", false);
	v->tokens[at].strip_right = flag(entry, "rstrip", false);
	return true;
}

static bool read_tokens(struct vocabulary *v, const json_t *root, bool normalised, struct error *err)
{
	const json_t *added = json_object_get(root, "added_tokens");

	if (!read_vocabulary(v, json_object_get(json_object_get(root, "model"), "vocab"), err))
		return false;
	for (size_t i = 0; i < json_array_size(added); i++)
		if (!read_added_token(v, json_array_get(added, i), normalised, err))
			return false;
	vocabulary_index(v);
	return true;
}

/* ---- WordPiece ---- */

static bool read_normaliser(struct wordpiece *w, const json_t *root, struct error *err)
{
	const json_t *normaliser = json_object_get(root, "normalizer"), *words = json_object_get(root, "pre_tokenizer");

	if (!is_type(normaliser, "BertNormalizer"))
		return error_set(err, "normalizer %s is not supported for WordPiece (BertNormalizer is)",
				 type_of(normaliser));
	if (!is_type(words, "BertPreTokenizer"))
		return error_set(err, "pre_tokenizer %s is not supported for WordPiece (BertPreTokenizer is)",
				 type_of(words));
	w->clean = flag(normaliser, "clean_text", true);
	w->chinese = flag(normaliser, "handle_chinese_chars", true);
	w->lowercase = flag(normaliser, "lowercase", true);
	w->strip_accents = flag(normaliser, "strip_accents", w->lowercase);
	w->cleanup = flag(json_object_get(root, "decoder"), "cleanup", true);
	return true;
}

/* The ids that the model itself names. */
static bool find_unknown(struct tokenizer *t, const char *unknown, struct error *err)
{
	t->wordpiece.unknown = tokenizer_id(t, unknown);
	if (t->wordpiece.unknown < 0)
		return error_set(err, "the vocabulary lacks the unknown token \"%.100s\"", unknown);
	t->end = tokenizer_special(t, "[SEP]");
	return true;
}

static bool read_wordpiece(struct tokenizer *t, const json_t *root, struct error *err)
{
	const json_t *model = json_object_get(root, "model");
	const json_t *max_word = json_object_get(model, "max_input_chars_per_word");
	const char *unknown = json_string_value(json_object_get(model, "unk_token"));
	const char *prefix = json_string_value(json_object_get(model, "continuing_subword_prefix"));

	t->wordpiece = wordpiece_uncased();
	if (!read_normaliser(&t->wordpiece, root, err) || !read_tokens(&t->vocabulary, root, true, err))
		return false;
	if (prefix)
		t->wordpiece.prefix = arena_string(&t->vocabulary.arena, prefix);
	if (max_word && (!json_is_integer(max_word) || json_integer_value(max_word) < 1))
		return error_set(err, "model.max_input_chars_per_word is not a number above 0");
	if (max_word)
		t->wordpiece.max_word = (size_t)json_integer_value(max_word);
	return find_unknown(t, unknown ? unknown : "[UNK]", err);
}

/* ---- byte-level BPE ---- */

/* What the steps of a byte-level pre-tokenizer add up to. */
struct steps {
	bool digits, bytes, bytes_regex;
	const char *regex;
};

static bool read_step(struct steps *s, const json_t *step, struct error *err)
{
	const char *behavior = json_string_value(json_object_get(step, "behavior"));
	const char *regex = json_string_value(json_object_get(json_object_get(step, "pattern"), "Regex"));

	if (s->bytes)
		return error_set(err, "pre_tokenizer %s behind ByteLevel is not supported", type_of(step));
	if (is_type(step, "Digits") && flag(step, "individual_digits", false) && !s->regex) {
		s->digits = true;
	} else if (is_type(step, "Split") && regex && !s->regex && behavior && strcmp(behavior, "Isolated") == 0 &&
		   !flag(step, "invert", false)) {
		s->regex = regex;
	} else if (is_type(step, "ByteLevel") && !flag(step, "add_prefix_space", true)) {
		s->bytes = true;
		s->bytes_regex = flag(step, "use_regex", true);
	} else {
		return error_set(err, "pre_tokenizer %s with these settings is not supported for BPE", type_of(step));
	}
	return true;
}

static bool choose_words(struct tokenizer *t, const json_t *pre, struct error *err)
{
	const json_t *sequence = is_type(pre, "Sequence") ? json_object_get(pre, "pretokenizers") : NULL;
	struct steps s = { 0 };
	bool ok = sequence || read_step(&s, pre, err);

	for (size_t i = 0; ok && i < json_array_size(sequence); i++)
		ok = read_step(&s, json_array_get(sequence, i), err);
	if (!ok)
		return false;
	if (!s.bytes)
		return error_set(err, "pre_tokenizer %s: only byte-level BPE is supported (its last step is ByteLevel)",
				 type_of(pre));
	t->words = s.bytes_regex == !s.regex ? pretokenizer_matching(s.regex, s.digits) : NULL;
	if (!t->words)
		return error_set(err, "the pre_tokenizer's expression \"%.200s\" is not one of those of %s",
				 s.regex ? s.regex : "", pretokenizer_names());
	t->model = MODEL_BYTES;
	return true;
}

static bool is_nfc(const json_t *normaliser)
{
	const json_t *steps = json_object_get(normaliser, "normalizers");

	return is_type(normaliser, "NFC") ||
	       (is_type(normaliser, "Sequence") && json_array_size(steps) == 1 && is_type(json_array_get(steps, 0), "NFC"));
}

static bool check_bpe_settings(const json_t *model, struct error *err)
{
	static const char *const refused[] = { "dropout", "continuing_subword_prefix", "end_of_word_suffix",
					       "byte_fallback" };

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const json_t *value = json_object_get(model, refused[i]);
		bool off = !value || json_is_null(value) || json_is_false(value) ||
			   (json_is_string(value) && json_string_length(value) == 0) ||
			   (json_is_number(value) && json_number_value(value) == 0.0);

		if (!off)
			return error_set(err, "model.%s is set, which is not supported", refused[i]);
	}
	return true;
}

/* A merge is "left right" or, in newer files, ["left", "right"]. */
static bool read_merge(struct tokenizer *t, const json_t *merge, uint32_t rank, struct error *err)
{
	const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);

	if (json_is_string(merge))
		return bpe_add_merge_line(&t->bpe, &t->vocabulary, json_string_value(merge), json_string_length(merge),
					  rank, err);
	if (!json_is_string(left) || !json_is_string(right))
		return error_set(err, "merge %u is neither a text nor a pair of texts", rank);
	return bpe_add_merge(&t->bpe, &t->vocabulary, json_string_value(left), json_string_length(left),
			     json_string_value(right), json_string_length(right), rank, err);
}

static bool read_merges(struct tokenizer *t, const json_t *model, struct error *err)
{
	const json_t *merges = json_object_get(model, "merges");
	const char *unknown = json_string_value(json_object_get(model, "unk_token"));

	if (!json_is_array(merges) || json_array_size(merges) > VOCABULARY_LIMIT)
		return error_set(err, "model.merges is not a list of at most %d", VOCABULARY_LIMIT);
	bpe_init(&t->bpe, &t->vocabulary);
	t->bpe.unknown = unknown ? tokenizer_id(t, unknown) : -1;
	t->bpe.fuse_unknown = flag(model, "fuse_unk", false);
	t->bpe.whole_words = flag(model, "ignore_merges", false);
	for (size_t i = 0; i < json_array_size(merges); i++)
		if (!read_merge(t, json_array_get(merges, i), (uint32_t)i, err))
			return false;
	return true;
}

static bool read_bpe(struct tokenizer *t, const json_t *root, struct error *err)
{
	const json_t *model = json_object_get(root, "model"), *normaliser = json_object_get(root, "normalizer");

	t->compose = is_nfc(normaliser);
	if (!t->compose && normaliser && !json_is_null(normaliser))
		return error_set(err, "normalizer %s is not supported for BPE (NFC or none is)", type_of(normaliser));
	return choose_words(t, json_object_get(root, "pre_tokenizer"), err) && check_bpe_settings(model, err) &&
	       read_tokens(&t->vocabulary, root, false, err) && read_merges(t, model, err);
}

/* ---- files ---- */

static json_t *parse(const char *json, size_t n, struct error *err)
{
	json_error_t at;
	json_t *root = json_loadb(json, n, JSON_ALLOW_NUL, &at);

	if (!root)
		error_set(err, "line %d, column %d: %s", at.line, at.column, at.text);
	return root;
}

struct tokenizer *tokenizer_from_json(const char *json, size_t n, struct error *err)
{
	json_t *root = parse(json, n, err);

	if (!root)
		return NULL;
	struct tokenizer *t = tokenizer_new();
	const json_t *model = json_object_get(root, "model");
	bool ok;

	if (is_type(model, "WordPiece"))
		ok = read_wordpiece(t, root, err);
	else if (is_type(model, "BPE"))
		ok = read_bpe(t, root, err);
	else
		ok = error_set(err, "tokenizer model %s is not supported (WordPiece and BPE are)", type_of(model));
	json_decref(root);
	if (ok)
		return t;
	tokenizer_free(t);
	return NULL;
}

bool tokenizer_read_config(struct tokenizer *t, const char *json, size_t n, struct error *err)
{
	json_t *root = parse(json, n, err);

	if (!root)
		return false;
	const json_t *end = json_object_get(root, "eos_token");
	const char *text = json_string_value(json_is_object(end) ? json_object_get(end, "content") : end);

	if (text)
		t->end = tokenizer_id(t, text);
	json_decref(root);
	return true;
}

static size_t trimmed(const char *line, size_t n)
{
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\r' || line[n - 1] == '\t'))
		n--;
	return n;
}

static bool is_bert_special(const char *text, size_t n)
{
	static const char *const special[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (n == strlen(special[i]) && memcmp(text, special[i], n) == 0)
			return true;
	return false;
}

struct tokenizer *tokenizer_from_lines(const char *lines, size_t n, struct error *err)
{
	struct tokenizer *t = tokenizer_new();
	size_t id = 0;

	t->wordpiece = wordpiece_uncased();
	for (size_t i = 0, length; i < n && id < VOCABULARY_LIMIT; i += length + 1, id++) {
		const char *newline = memchr(lines + i, '\n', n - i);

		length = newline ? (size_t)(newline - lines) - i : n - i;
		size_t token = trimmed(lines + i, length);

		vocabulary_set(&t->vocabulary, id, lines + i, token,
			       is_bert_special(lines + i, token) ? TOKEN_SPECIAL : TOKEN_PLAIN);
	}
	vocabulary_index(&t->vocabulary);
	if (find_unknown(t, "[UNK]", err))
		return t;
	tokenizer_free(t);
	return NULL;
}
