/* wordpiece.c - normalise the text, cut it at spaces and punctuation, then take the longest known piece each time. */
#include "llm/wordpiece.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/text.h"

struct wordpiece wordpiece_uncased(void)
{
	return (struct wordpiece){ .clean = true,
				   .chinese = true,
				   .strip_accents = true,
				   .lowercase = true,
				   .unknown = -1,
				   .max_word = 100,
				   .prefix = "##",
				   .cleanup = true };
}

/* The blocks that BERT's own code lists: ideographs, not Hangul or kana, which have spaces or are words. */
static bool is_chinese(uint32_t c)
{
	return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
	       (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
	       (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/* Cc, Cf and Co; what no version of Unicode has assigned yet (Cn) stays. */
static bool is_control(uint32_t c)
{
	const char *category = text_category(c);

	return c != '\t' && c != '\n' && c != '\r' && category[0] == 'C' && category[1] != 'n';
}

static bool is_punctuation(uint32_t c)
{
	if (c < 128) /* every printable one that is no letter and no digit, "$" and "^" too */
		return c > 32 && c < 127 && !((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'));
	return text_is_punctuation(c);
}

static void clean_and_space(const struct wordpiece *w, const char *text, size_t n, struct buf *out)
{
	for (size_t i = 0, length; i < n; i += length) {
		uint32_t c;

		length = text_decode(text + i, n - i, &c);
		if (w->clean && (c == 0 || c == 0xFFFD || is_control(c)))
			continue;
		if (w->clean && text_is_space(c))
			buf_addc(out, ' ');
		else if (w->chinese && is_chinese(c))
			buf_addf(out, " %.*s ", (int)length, text + i);
		else
			buf_add(out, text + i, length);
	}
}

static void drop_accents(struct buf *text)
{
	struct buf parts = { 0 };

	text_decompose(&parts, buf_text(text), text->n);
	buf_clear(text);
	for (size_t i = 0, length; i < parts.n; i += length) {
		uint32_t c;

		length = text_decode(parts.data + i, parts.n - i, &c);
		if (memcmp(text_category(c), "Mn", 2) != 0)
			buf_add(text, parts.data + i, length);
	}
	buf_release(&parts);
}

static void lower(struct buf *text)
{
	struct buf copy = *text;

	*text = (struct buf){ 0 };
	text_lower(text, buf_text(&copy), copy.n);
	buf_release(&copy);
}

static bool is_ascii(const char *text, size_t n)
{
	unsigned char bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= (unsigned char)text[i];
	return bits < 128;
}

static void normalise(const struct wordpiece *w, const char *text, size_t n, struct buf *out)
{
	clean_and_space(w, text, n, out);
	if (w->strip_accents && !is_ascii(buf_text(out), out->n))
		drop_accents(out);
	if (w->lowercase)
		lower(out);
}

/* Bytes of the longest piece that text begins with, or 0; its id in *id. */
static size_t longest_piece(const struct wordpiece *w, const struct vocabulary *v, const char *text, size_t n,
			    bool first, struct buf *key, int32_t *id)
{
	size_t prefix = first ? 0 : strlen(w->prefix);

	buf_clear(key);
	buf_add(key, w->prefix, prefix);
	buf_add(key, text, n);
	for (size_t end = n; end > 0; end--) {
		if (end < n && ((unsigned char)text[end] & 0xC0) == 0x80)
			continue;
		*id = vocabulary_find(v, key->data, prefix + end);
		if (*id >= 0 && v->tokens[*id].kind != TOKEN_SPECIAL)
			return end;
	}
	return 0;
}

static size_t characters(const char *text, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)text[i] & 0xC0) != 0x80;
	return count;
}

/* A word with one part that has no piece is unknown as a whole. */
static void encode_word(const struct wordpiece *w, const struct vocabulary *v, const char *word, size_t n,
			struct buf *key, struct token_list *out)
{
	size_t before = out->n, step;
	bool known = characters(word, n) <= w->max_word;

	for (size_t i = 0; known && i < n; i += step) {
		int32_t id;

		step = longest_piece(w, v, word + i, n - i, i == 0, key, &id);
		known = step > 0;
		if (known)
			token_list_add(out, id);
	}
	if (known)
		return;
	out->n = before;
	token_list_add(out, w->unknown);
}

/* Which byte of text every byte of its normal form comes from, (plain_n + 1); freed by the caller. Characters are normalised one by
 * one here: putting accents in order, which is all that sees more than one, keeps lengths. */
static size_t *origins(const struct wordpiece *w, const char *text, size_t n, size_t plain_n)
{
	size_t *origin = mem_alloc((plain_n + 1) * sizeof(*origin)), at = 0;
	struct buf one = { 0 };

	for (size_t i = 0, length; i < n; i += length) {
		uint32_t c;

		length = text_decode(text + i, n - i, &c);
		buf_clear(&one);
		normalise(w, text + i, length, &one);
		for (size_t j = 0; j < one.n && at < plain_n; j++) /* the space behind an ideograph is not its own */
			origin[at++] = w->chinese && is_chinese(c) && j + 1 == one.n ? i + length : i;
	}
	while (at <= plain_n)
		origin[at++] = n;
	buf_release(&one);
	return origin;
}

/* What wordpiece_encode() cuts: the normal form, and where its words go. */
struct cutting {
	const struct wordpiece *w;
	const struct vocabulary *v;
	struct buf plain, key;
	size_t from, *origin; /* NULL: nobody asks for words */
	struct token_list *out;
	struct token_words *words;
};

static void cut_word(struct cutting *c, size_t start, size_t end)
{
	size_t token = c->out->n;

	if (end == start)
		return;
	encode_word(c->w, c->v, c->plain.data + start, end - start, &c->key, c->out);
	if (c->origin)
		token_words_add(c->words, (struct token_word){ c->from + c->origin[start], c->from + c->origin[end], token });
}

void wordpiece_encode(const struct wordpiece *w, const struct vocabulary *v, const char *text, size_t n, size_t from,
		      struct token_list *out, struct token_words *words)
{
	struct cutting cut = { .w = w, .v = v, .from = from, .out = out, .words = words };
	size_t start = 0; /* of the word being read */

	normalise(w, text, n, &cut.plain);
	if (words)
		cut.origin = origins(w, text, n, cut.plain.n);
	for (size_t i = 0, length; i < cut.plain.n; i += length) {
		uint32_t c;

		length = text_decode(cut.plain.data + i, cut.plain.n - i, &c);
		bool punctuation = is_punctuation(c);

		if (!punctuation && !text_is_space(c))
			continue;
		cut_word(&cut, start, i);
		start = i + length;
		if (punctuation)
			cut_word(&cut, i, start);
	}
	cut_word(&cut, start, cut.plain.n);
	free(cut.origin);
	buf_release(&cut.plain);
	buf_release(&cut.key);
}

/* The cleanup of Hugging Face's WordPiece decoder works on one token with its space, so only these can apply. */
static bool joins_left(const char *token, size_t n)
{
	static const char *const starts[] = { ".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (n >= strlen(starts[i]) && memcmp(token, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

void wordpiece_decode(const struct wordpiece *w, const char *token, size_t n, bool first, struct buf *out)
{
	size_t prefix = strlen(w->prefix);

	if (!first && n >= prefix && memcmp(token, w->prefix, prefix) == 0) {
		token += prefix;
		n -= prefix;
	} else if (!first && !(w->cleanup && joins_left(token, n))) {
		buf_addc(out, ' ');
	}
	buf_add(out, token, n);
}
