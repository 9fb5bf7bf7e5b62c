/* vocabulary.c - an array, a hash map, and the added tokens sorted by first byte. */
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

/* By first byte, then longest first, so that the first match of a scan is the longest; then by id. */
static int compare_added(const void *a, const void *b, void *tokens)
{
	int32_t ia = *(const int32_t *)a, ib = *(const int32_t *)b;
	const struct token *x = (const struct token *)tokens + ia, *y = (const struct token *)tokens + ib;

	if (x->text[0] != y->text[0])
		return (unsigned char)x->text[0] < (unsigned char)y->text[0] ? -1 : 1;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
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

static int32_t added_at(const struct vocabulary *v, const char *text, size_t n, bool special)
{
	unsigned char first = (unsigned char)text[0];

	for (size_t k = v->added_from[first]; k < v->added_from[first + 1]; k++) {
		const struct token *t = &v->tokens[v->added[k]];

		if ((special || t->kind == TOKEN_ADDED) && t->n <= n && memcmp(t->text, text, t->n) == 0)
			return v->added[k];
	}
	return -1;
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
					 bool special)
{
	/* Without special tokens and with no others (every model we ship with) there is nothing to look for. */
	if (v->added_n == (special ? 0 : v->special_n))
		return (struct added_match){ n, n, -1 };
	for (size_t i = at; i < n; i++) {
		int32_t id = added_at(v, text + i, n - i, special);

		if (id < 0)
			continue;
		const struct token *t = &v->tokens[id];
		size_t to = i + t->n;

		return (struct added_match){ t->strip_left ? spaces_before(text, at, i) : i,
					     t->strip_right ? spaces_after(text, n, to) : to, id };
	}
	return (struct added_match){ n, n, -1 };
}
