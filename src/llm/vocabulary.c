/* vocabulary.c - an array, a hash map, and the added tokens sorted by spelling. */
#include "llm/vocabulary.h"

#include "base/text.h"

void vocabulary_init(struct vocabulary *v)
{
	*v = (struct vocabulary){ 0 };
	arena_init(&v->arena);
}

void vocabulary_release(struct vocabulary *v)
{
	arena_release(&v->arena);
	hash_map_release(&v->by_text);
	free(v->tokens);
	free(v->added);
}

static void reserve(struct vocabulary *v, size_t n)
{
	size_t capacity = v->capacity ? v->capacity : 1024;

	if (n <= v->capacity)
		return;
	while (capacity < n)
		capacity *= 2;
	v->tokens = mem_resize(v->tokens, capacity, sizeof(*v->tokens));
	memset(v->tokens + v->capacity, 0, (capacity - v->capacity) * sizeof(*v->tokens));
	v->capacity = capacity;
}

void vocabulary_set(struct vocabulary *v, size_t id, const char *text, size_t n, enum token_kind kind)
{
	char *copy = arena_copy(&v->arena, text, n);

	reserve(v, id + 1);
	v->n = id + 1 > v->n ? id + 1 : v->n;
	v->tokens[id] = (struct token){ .text = copy, .n = n, .kind = kind };
	hash_map_put(&v->by_text, copy, n, id);
}

static bool is_added(const struct token *t)
{
	return t->kind >= TOKEN_ADDED && t->n > 0;
}

/* By spelling, a prefix before what it begins, so that a search can narrow byte by byte; then by id. */
static int compare_added(const void *a, const void *b, void *tokens)
{
	int32_t ia = *(const int32_t *)a, ib = *(const int32_t *)b;
	const struct token *x = (const struct token *)tokens + ia, *y = (const struct token *)tokens + ib;
	int order = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);

	if (order)
		return order;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return ia < ib ? -1 : ia > ib;
}

void vocabulary_index(struct vocabulary *v)
{
	size_t k = 0;

	v->added = mem_zero(v->n + 1, sizeof(*v->added));
	for (size_t id = 0; id < v->n; id++) {
		if (!is_added(&v->tokens[id]))
			continue;
		v->added[v->added_n++] = (int32_t)id;
		v->special_n += v->tokens[id].kind == TOKEN_SPECIAL;
	}
	qsort_r(v->added, v->added_n, sizeof(*v->added), compare_added, v->tokens);
	for (size_t byte = 0; byte < 256; byte++) {
		v->added_from[byte] = k;
		while (k < v->added_n && (unsigned char)v->tokens[v->added[k]].text[0] == byte)
			k++;
	}
	v->added_from[256] = v->added_n;
}

int32_t vocabulary_find(const struct vocabulary *v, const char *text, size_t n)
{
	return (int32_t)hash_map_get(&v->by_text, text, n, (size_t)-1);
}

static bool is_kind(const struct token *t, enum added_kinds kinds)
{
	return (kinds & (t->kind == TOKEN_SPECIAL ? ADDED_SPECIAL : ADDED_PLAIN)) != 0;
}

/* The first of added[from .. to), which agree up to `depth`, whose byte there is at least `byte`. */
static size_t narrow(const struct vocabulary *v, size_t from, size_t to, size_t depth, unsigned byte)
{
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if ((unsigned char)v->tokens[v->added[middle]].text[depth] < byte)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* The longest one that the text begins with, or -1. */
static int32_t added_at(const struct vocabulary *v, const char *text, size_t n, enum added_kinds kinds)
{
	size_t from = v->added_from[(unsigned char)text[0]], to = v->added_from[(unsigned char)text[0] + 1];
	int32_t longest = -1;

	for (size_t depth = 1; from < to; depth++) {
		bool found = false;

		for (; from < to && v->tokens[v->added[from]].n == depth; from++) {
			if (found || !is_kind(&v->tokens[v->added[from]], kinds))
				continue;
			longest = v->added[from];
			found = true;
		}
		if (depth == n)
			break;
		from = narrow(v, from, to, depth, (unsigned char)text[depth]);
		to = narrow(v, from, to, depth, (unsigned char)text[depth] + 1u);
	}
	return longest;
}

static size_t spaces_before(const char *text, size_t from, size_t at)
{
	while (at > from) {
		size_t start = at - 1;
		uint32_t c;

		while (start > from && ((unsigned char)text[start] & 0xC0) == 0x80)
			start--;
		text_decode(text + start, at - start, &c);
		if (!text_is_space(c))
			break;
		at = start;
	}
	return at;
}

static size_t spaces_after(const char *text, size_t n, size_t at)
{
	while (at < n) {
		uint32_t c;
		size_t length = text_decode(text + at, n - at, &c);

		if (!text_is_space(c))
			break;
		at += length;
	}
	return at;
}

struct added_match vocabulary_next_added(const struct vocabulary *v, const char *text, size_t n, size_t at,
					 enum added_kinds kinds)
{
	size_t looked_for = (kinds & ADDED_SPECIAL ? v->special_n : 0) +
			    (kinds & ADDED_PLAIN ? v->added_n - v->special_n : 0);

	if (!looked_for)
		return (struct added_match){ n, n, -1 };
	for (size_t i = at; i < n; i++) {
		int32_t id = added_at(v, text + i, n - i, kinds);

		if (id < 0)
			continue;
		const struct token *t = &v->tokens[id];
		size_t to = i + t->n;

		return (struct added_match){ t->strip_left ? spaces_before(text, at, i) : i,
					     t->strip_right ? spaces_after(text, n, to) : to, id };
	}
	return (struct added_match){ n, n, -1 };
}
