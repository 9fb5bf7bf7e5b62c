/* sentencepiece.c - scores become ranks once; a text becomes symbols, and merge.h joins them. */
#include "llm/sentencepiece.h"

#include <math.h>

static const char space[] = "\xE2\x96\x81"; /* U+2581 */
enum { SPACE = sizeof(space) - 1 };

static bool is_space(const char *text, size_t n)
{
	return n >= SPACE && memcmp(text, space, SPACE) == 0;
}

void sentencepiece_spell(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] == ' ')
			buf_add(out, space, SPACE);
		else
			buf_addc(out, text[i]);
}

/* ---- opening ---- */

static bool is_piece(const struct token *t)
{
	return t->kind == TOKEN_PLAIN || t->kind == TOKEN_ADDED;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "<0x0A>" is, or -1. */
static int byte_of(const struct token *t)
{
	if (t->n != 6 || memcmp(t->text, "<0x", 3) != 0 || t->text[5] != '>' || digit(t->text[3]) < 0 ||
	    digit(t->text[4]) < 0)
		return -1;
	return digit(t->text[3]) * 16 + digit(t->text[4]);
}

static bool find_bytes(struct sentencepiece *s, const struct vocabulary *v, struct error *err)
{
	size_t found = 0;

	for (size_t i = 0; i < 256; i++)
		s->byte_ids[i] = -1;
	for (size_t id = 0; id < v->n; id++) {
		int byte = v->tokens[id].kind == TOKEN_BYTE ? byte_of(&v->tokens[id]) : 0;

		if (byte < 0)
			return error_set(err, "byte token %zu is not spelled <0x00> to <0xFF>", id);
		if (v->tokens[id].kind == TOKEN_BYTE && s->byte_ids[byte] < 0) {
			s->byte_ids[byte] = (int32_t)id;
			found++;
		}
	}
	if (found != 0 && found != 256)
		return error_set(err, "the vocabulary has tokens for %zu of the 256 bytes", found);
	if (found == 0 && s->unknown < 0)
		return error_set(err, "the vocabulary has neither byte tokens nor an unknown token");
	return true;
}

static int by_score(const void *a, const void *b, void *scores)
{
	double x = ((const double *)scores)[*(const int32_t *)a], y = ((const double *)scores)[*(const int32_t *)b];

	return (x < y) - (x > y);
}

static void rank_scores(struct sentencepiece *s, const double *scores, size_t n)
{
	int32_t *order = mem_zero(n, sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = (int32_t)i;
	qsort_r(order, n, sizeof(*order), by_score, (void *)(uintptr_t)scores);
	s->ranks = mem_zero(n, sizeof(*s->ranks));
	for (size_t i = 1; i < n; i++) {
		bool lower = scores[order[i]] < scores[order[i - 1]];

		s->ranks[order[i]] = lower ? (uint32_t)i : s->ranks[order[i - 1]];
	}
	free(order);
}

/* Whether the piece has a space behind another character. */
static bool has_inner_space(const struct token *t)
{
	bool behind = false;

	for (size_t i = 0; i < t->n; i++) {
		if (!is_space(t->text + i, t->n - i))
			behind = true;
		else if (behind)
			return true;
		else
			i += SPACE - 1;
	}
	return false;
}

bool sentencepiece_init(struct sentencepiece *s, const struct vocabulary *v, const double *scores, int32_t unknown,
			struct error *err)
{
	*s = (struct sentencepiece){ .unknown = unknown, .apart = true };
	for (size_t id = 0; id < v->n; id++) {
		const struct token *t = &v->tokens[id];

		if (!isfinite(scores[id]))
			return error_set(err, "the score of token %zu is not a number", id);
		if (!is_piece(t))
			continue;
		s->longest = t->n > s->longest ? t->n : s->longest;
		s->apart = s->apart && !has_inner_space(t);
	}
	if (!find_bytes(s, v, err))
		return false;
	rank_scores(s, scores, v->n);
	return true;
}

void sentencepiece_release(struct sentencepiece *s)
{
	free(s->ranks);
}

/* ---- text to ids ---- */

/* One call's view of the model, for the lookups. */
struct joining {
	const struct sentencepiece *model;
	const struct vocabulary *vocabulary;
	const char *text;
};

static int32_t find_piece(const struct vocabulary *v, const char *text, size_t n)
{
	int32_t id = vocabulary_find(v, text, n);

	return id >= 0 && is_piece(&v->tokens[id]) ? id : -1;
}

static bool find_joined(const void *model, const struct merge_symbol *left, const struct merge_symbol *right,
			struct merge_result *out)
{
	const struct joining *j = model;
	size_t n = left->n + right->n;

	if (n > j->model->longest)
		return false;
	int32_t id = find_piece(j->vocabulary, j->text + left->at, n);

	if (id < 0)
		return false;
	*out = (struct merge_result){ j->model->ranks[id], id };
	return true;
}

static size_t character(const char *text, size_t n)
{
	size_t length = 1;

	while (length < n && ((unsigned char)text[length] & 0xC0) == 0x80)
		length++;
	return length;
}

static void put_symbol(const struct sentencepiece *s, const char *text, const struct merge_symbol *symbol,
		       bool *was_unknown, struct token_list *out)
{
	bool bytes = symbol->id < 0 && s->byte_ids[0] >= 0, unknown = symbol->id < 0 && !bytes;

	for (size_t i = 0; bytes && i < symbol->n; i++)
		token_list_add(out, s->byte_ids[(unsigned char)text[symbol->at + i]]);
	if (!bytes && !(unknown && *was_unknown)) /* one for a run of them */
		token_list_add(out, unknown ? s->unknown : symbol->id);
	*was_unknown = unknown;
}

/* A part of the text that no piece spans the ends of. */
static void encode_part(const struct joining *j, size_t from, size_t to, bool *was_unknown,
			struct merge_scratch *scratch, struct token_list *out)
{
	merge_begin(scratch, to - from);
	for (size_t i = from; i < to;) {
		size_t n = character(j->text + i, to - i);

		int32_t id = find_piece(j->vocabulary, j->text + i, n);

		merge_add(scratch, (struct merge_symbol){ .at = i, .n = n, .id = id });
		i += n;
	}
	merge_run(scratch, find_joined, j);
	for (size_t i = 0; i != MERGE_NOWHERE; i = scratch->symbols[i].next)
		put_symbol(j->model, j->text, &scratch->symbols[i], was_unknown, out);
}

/* The end of the part that begins at `from`: the next place where a word begins, if the pieces allow to cut there. */
static size_t part_end(const struct sentencepiece *s, const char *text, size_t to, size_t from)
{
	size_t i = from;

	while (i < to && is_space(text + i, to - i))
		i += SPACE;
	while (i < to && !(s->apart && is_space(text + i, to - i)))
		i++;
	return i;
}

void sentencepiece_encode(const struct sentencepiece *s, const struct vocabulary *v, const char *text, size_t n,
			  struct merge_scratch *scratch, struct token_list *out)
{
	struct buf spelled = { 0 };
	struct added_match match;
	bool was_unknown = false;

	if (!n)
		return;
	if (s->prefix)
		buf_add(&spelled, space, SPACE);
	sentencepiece_spell(&spelled, text, n);
	struct joining j = { s, v, spelled.data };

	for (size_t at = 0; at < spelled.n; at = match.to) {
		match = vocabulary_next_added(v, spelled.data, spelled.n, at, ADDED_PLAIN);
		for (size_t from = at, to; from < match.from; from = to) {
			to = part_end(s, spelled.data, match.from, from);
			encode_part(&j, from, to, &was_unknown, scratch, out);
		}
		if (match.id < 0)
			continue;
		token_list_add(out, match.id);
		was_unknown = false;
	}
	buf_release(&spelled);
}

/* ---- ids to text ---- */

void sentencepiece_decode(const struct sentencepiece *s, const struct token *token, bool first, struct buf *out)
{
	if (token->kind == TOKEN_BYTE) {
		buf_addc(out, (char)byte_of(token));
		return;
	}
	for (size_t i = 0, length; i < token->n; i += length) {
		length = is_space(token->text + i, token->n - i) ? SPACE : 1;
		if (length == 1)
			buf_addc(out, token->text[i]);
		else if (i > 0 || !first || !s->prefix)
			buf_addc(out, ' ');
	}
}
