/* tagging_align.c - the words of a text that the strings of its answer are. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tune/tagging_inner.h"

struct wanted {
	size_t field, order, n;
	const char *value; /* without white space at its ends */
};

struct wishes {
	struct wanted *at;
	size_t n, capacity, n_strings;
};

static void note_wish(void *context, size_t at, const json_t *value)
{
	struct wishes *w = context;
	const char *text = json_string_value(value);

	if (at >= w->n_strings)
		return;
	size_t n = json_string_length(value);

	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\n' || text[n - 1] == '\t' || text[n - 1] == '\r'))
		n--;
	for (; n > 0 && (*text == ' ' || *text == '\n' || *text == '\t' || *text == '\r'); n--)
		text++;
	if (n == 0) /* nothing to find */
		return;
	if (w->n == w->capacity) {
		w->capacity = w->capacity ? w->capacity * 2 : 16;
		w->at = mem_resize(w->at, w->capacity, sizeof(*w->at));
	}
	w->at[w->n] = (struct wanted){ at, w->n, n, text };
	w->n++;
}

static int longest_first(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Appends a character in lower case, white space as one space. */
static void fold_one(struct buf *out, const char *text, size_t n, uint32_t c)
{
	if (!text_is_space(c))
		text_lower(out, text, n);
	else if (out->n == 0 || out->data[out->n - 1] != ' ')
		buf_addc(out, ' ');
}

static void fold(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0, length; i < n; i += length) {
		uint32_t c;

		length = text_decode(text + i, n - i, &c);
		fold_one(out, text + i, length, c);
	}
}

/* Bytes of text that are the value in lower case and white space as folded; 0: it does not begin with it. */
static size_t folded_length(const char *text, size_t n, const struct buf *value, struct buf *room)
{
	size_t i = 0, length;

	buf_clear(room);
	for (; i < n && room->n < value->n; i += length) {
		uint32_t c;

		length = text_decode(text + i, n - i, &c);
		fold_one(room, text + i, length, c);
		if (room->n > value->n || memcmp(room->data, value->data, room->n) != 0)
			return 0;
	}
	return room->n == value->n ? i : 0;
}

struct place {
	size_t first, end; /* words */
};

/* The words from `first` on that end at that byte and have no tag. */
static bool free_words(const struct token_word *words, size_t n, size_t first, size_t to, const int32_t *tags, struct place *out)
{
	size_t i = first;

	for (; i < n && words[i].from < to; i++)
		if (tags[i] != TAG_NONE)
			return false;
	*out = (struct place){ first, i };
	return i > first && words[i - 1].to == to;
}

static bool find_place(const char *text, const struct token_word *words, size_t n, const struct wanted *w, const int32_t *tags,
		       struct place *out)
{
	size_t length = strlen(text);
	struct buf value = { 0 }, room = { 0 };
	bool found = false;

	for (size_t i = 0; i < n && !found; i++)
		found = length - words[i].from >= w->n && memcmp(text + words[i].from, w->value, w->n) == 0 &&
			free_words(words, n, i, words[i].from + w->n, tags, out);
	fold(&value, w->value, w->n);
	for (size_t i = 0; i < n && !found; i++) {
		size_t taken = folded_length(text + words[i].from, length - words[i].from, &value, &room);

		found = taken > 0 && free_words(words, n, i, words[i].from + taken, tags, out);
	}
	buf_release(&value);
	buf_release(&room);
	return found;
}

void tagging_align(const struct tagging *g, const char *text, const struct token_word *words, size_t n, const json_t *answer,
		   int32_t *tags, struct tagging_count *count)
{
	struct wishes w = { .n_strings = g->n_strings };
	struct place place = { 0 };

	memset(tags, 0, n * sizeof(*tags));
	tagging_visit(g, answer, note_wish, &w);
	if (w.n > 0)
		qsort(w.at, w.n, sizeof(*w.at), longest_first);
	for (size_t i = 0; i < w.n; i++) {
		bool found = find_place(text, words, n, &w.at[i], tags, &place);

		*(found ? &count->found : &count->absent) += 1;
		for (size_t j = place.first; found && j < place.end; j++)
			tags[j] = (int32_t)(1 + 2 * w.at[i].field + (j > place.first));
	}
	free(w.at);
}
