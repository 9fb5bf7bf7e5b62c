/* tfidf.c - from text to n-grams, from n-grams to terms, from terms to weights. The index is in tfidf_index.c. */
#include "retrieve/tfidf.h"

#include <assert.h>
#include <math.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"

struct tfidf {
	struct tfidf_options options;
	struct arena arena;    /* the terms' bytes */
	struct hash_map terms; /* n-gram -> number */
	double *idf;           /* (terms.n) */
};

/* A text cut into units: words, or the characters of one padded word. Neighbouring units lie side by side in the
 * buffer, so an n-gram is a span of it and is never copied to be looked up. */
struct units {
	struct buf text;
	size_t *starts, *ends; /* (n) bytes into text */
	size_t n, capacity;
};

/* Receives every n-gram of a text, in order, repeats included. */
struct gram_sink {
	void (*take)(void *context, const char *gram, size_t n);
	void *context;
};

static void units_release(struct units *u)
{
	buf_release(&u->text);
	free(u->starts);
	free(u->ends);
}

static void units_clear(struct units *u)
{
	buf_clear(&u->text);
	u->n = 0;
}

/* Appends bytes as the next unit. */
static void units_add(struct units *u, const char *bytes, size_t n)
{
	if (u->n == u->capacity) {
		u->capacity = u->capacity ? u->capacity * 2 : 128;
		u->starts = mem_resize(u->starts, u->capacity, sizeof(*u->starts));
		u->ends = mem_resize(u->ends, u->capacity, sizeof(*u->ends));
	}
	u->starts[u->n] = u->text.n;
	buf_add(&u->text, bytes, n);
	u->ends[u->n++] = u->text.n;
}

static void grams_of(const struct units *u, size_t length, const struct gram_sink *sink)
{
	assert(length > 0 && (u->n == 0 || (u->starts && u->ends)));
	for (size_t i = 0; i + length <= u->n; i++) {
		size_t start = u->starts[i], end = u->ends[i + length - 1];

		sink->take(sink->context, u->text.data + start, end - start);
	}
}

static bool in_word(uint32_t c)
{
	return c == '_' || text_is_letter(c) || text_is_number(c);
}

/* A word of one character says little; scikit-learn leaves it out, and so do we. */
static void word_add(struct units *u, const char *bytes, size_t n, size_t characters)
{
	if (characters < 2)
		return;
	units_add(u, bytes, n);
	buf_addc(&u->text, ' ');
}

static void word_grams(const struct tfidf_options *o, struct units *u, const struct buf *lower,
		       const struct gram_sink *sink)
{
	size_t start = 0, characters = 0;

	for (size_t i = 0; i < lower->n;) {
		uint32_t c;
		size_t length = text_decode(lower->data + i, lower->n - i, &c);
		bool inside = in_word(c);

		if (!inside)
			word_add(u, lower->data + start, i - start, characters);
		i += length;
		characters = inside ? characters + 1 : 0;
		start = inside ? start : i;
	}
	word_add(u, lower->data + start, lower->n - start, characters);
	for (size_t n = o->shortest; n <= o->longest; n++)
		grams_of(u, n, sink);
}

/* One word, already padded and cut into characters. */
static void padded_grams(const struct tfidf_options *o, const struct units *u, const struct gram_sink *sink)
{
	for (size_t n = o->shortest; n <= o->longest; n++) {
		if (n >= u->n) { /* the whole word, once, whatever lengths are left */
			grams_of(u, u->n, sink);
			return;
		}
		grams_of(u, n, sink);
	}
}

static void character_grams(const struct tfidf_options *o, struct units *u, const struct buf *lower,
			    const struct gram_sink *sink)
{
	const char *p = lower->data, *end = p + lower->n;

	while (p < end) {
		units_clear(u);
		units_add(u, " ", 1);
		while (p < end) {
			uint32_t c;
			size_t length = text_decode(p, (size_t)(end - p), &c);

			p += length;
			if (text_is_space(c))
				break;
			units_add(u, p - length, length);
		}
		if (u->n == 1)
			continue;
		units_add(u, " ", 1);
		padded_grams(o, u, sink);
	}
}

static void text_grams(const struct tfidf_options *o, const char *text, const struct gram_sink *sink)
{
	struct buf lower = { 0 };
	struct units u = { 0 };

	text_lower(&lower, text, strlen(text));
	if (lower.n > 0 && o->unit == TFIDF_WORDS)
		word_grams(o, &u, &lower, sink);
	else if (lower.n > 0)
		character_grams(o, &u, &lower, sink);
	units_release(&u);
	buf_release(&lower);
}

/* Document frequencies while they are counted. */
struct seen_term {
	const char *gram;
	size_t n;
	size_t documents;
	size_t last; /* document that counted it last, from 1 */
};
struct counter {
	struct arena *arena;
	struct hash_map map;
	struct seen_term *terms; /* (map.n) */
	size_t capacity;
	size_t document; /* the current one, from 1 */
};

static void count_gram(void *context, const char *gram, size_t n)
{
	struct counter *c = context;
	size_t at = hash_map_get(&c->map, gram, n, SIZE_MAX);

	if (at == SIZE_MAX) {
		at = c->map.n;
		if (at == c->capacity) {
			c->capacity = c->capacity ? c->capacity * 2 : 1024;
			c->terms = mem_resize(c->terms, c->capacity, sizeof(*c->terms));
		}
		c->terms[at] = (struct seen_term){ .gram = arena_copy(c->arena, gram, n), .n = n };
		hash_map_put(&c->map, c->terms[at].gram, n, at);
	}
	if (c->terms[at].last != c->document) {
		c->terms[at].last = c->document;
		c->terms[at].documents++;
	}
}

/* Numbers the terms that enough documents have and gives them their idf. */
static void keep_terms(struct tfidf *t, const struct counter *c, size_t n_documents)
{
	t->idf = mem_zero(c->map.n, sizeof(*t->idf));
	for (size_t i = 0; i < c->map.n && t->terms.n < UINT32_MAX; i++) {
		const struct seen_term *s = &c->terms[i];

		if (s->documents < t->options.min_documents)
			continue;
		t->idf[t->terms.n] = log((1.0 + (double)n_documents) / (1.0 + (double)s->documents)) + 1.0;
		hash_map_put(&t->terms, s->gram, s->n, t->terms.n);
	}
}

struct tfidf *tfidf_fit(const struct tfidf_options *options, const char *const *texts, size_t n)
{
	struct tfidf *t = mem_zero(1, sizeof(*t));
	struct counter c = { .arena = &t->arena };
	struct gram_sink sink = { count_gram, &c };

	arena_init(&t->arena);
	t->options = *options;
	if (t->options.shortest == 0)
		t->options.shortest = 1;
	if (t->options.longest < t->options.shortest)
		t->options.longest = t->options.shortest;
	for (size_t i = 0; i < n; i++) {
		c.document = i + 1;
		text_grams(&t->options, texts[i], &sink);
	}
	keep_terms(t, &c, n);
	hash_map_release(&c.map);
	free(c.terms);
	return t;
}

void tfidf_free(struct tfidf *t)
{
	if (!t)
		return;
	hash_map_release(&t->terms);
	arena_release(&t->arena);
	free(t->idf);
	free(t);
}

size_t tfidf_terms(const struct tfidf *t)
{
	return t->terms.n;
}

size_t tfidf_term(const struct tfidf *t, const char *gram)
{
	return hash_map_get(&t->terms, gram, strlen(gram), SIZE_MAX);
}

/* Numbers of the known n-grams of a text, repeats included. */
struct collector {
	const struct tfidf *t;
	uint32_t *terms;
	size_t n, capacity;
};

static void collect_gram(void *context, const char *gram, size_t n)
{
	struct collector *c = context;
	size_t term = hash_map_get(&c->t->terms, gram, n, SIZE_MAX);

	if (term == SIZE_MAX)
		return;
	if (c->n == c->capacity) {
		c->capacity = c->capacity ? c->capacity * 2 : 256;
		c->terms = mem_resize(c->terms, c->capacity, sizeof(*c->terms));
	}
	c->terms[c->n++] = (uint32_t)term;
}

static int term_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double term_weight(const struct tfidf *t, uint32_t term, size_t count)
{
	double tf = (double)count;

	if (t->options.counts)
		return tf;
	return (t->options.sublinear ? 1.0 + log(tf) : tf) * t->idf[term];
}

static void row_normalise(struct sparse_row row)
{
	double squares = 0;

	for (size_t i = 0; i < row.n; i++)
		squares += (double)row.entries[i].weight * (double)row.entries[i].weight;
	for (size_t i = 0; i < row.n; i++)
		row.entries[i].weight = (float)((double)row.entries[i].weight / sqrt(squares));
}

struct sparse_row tfidf_vector(const struct tfidf *t, const char *text)
{
	struct sparse_row row = { 0 };
	struct collector c = { .t = t };
	struct gram_sink sink = { collect_gram, &c };

	text_grams(&t->options, text, &sink);
	if (c.n == 0)
		return row;
	qsort(c.terms, c.n, sizeof(*c.terms), term_order);
	row.entries = mem_alloc(c.n * sizeof(*row.entries));
	for (size_t i = 0, next; i < c.n; i = next) {
		for (next = i + 1; next < c.n && c.terms[next] == c.terms[i];)
			next++;
		row.entries[row.n++] = (struct sparse_entry){ c.terms[i], (float)term_weight(t, c.terms[i], next - i) };
	}
	if (!t->options.counts)
		row_normalise(row);
	free(c.terms);
	return row;
}

double sparse_dot(struct sparse_row a, struct sparse_row b)
{
	double sum = 0;

	for (size_t i = 0, j = 0; i < a.n && j < b.n;) {
		uint32_t x = a.entries[i].term, y = b.entries[j].term;

		if (x == y)
			sum += (double)a.entries[i].weight * (double)b.entries[j].weight;
		i += x <= y;
		j += y <= x;
	}
	return sum;
}
