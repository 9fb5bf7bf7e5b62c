/* tagging.h - objects under a schema as what a joint tagger learns and says: a tag on each word, and one class of each enum. Pure.
 *
 * The leaves of the schema: a string, or an array of strings, is a pair of tags, B- for the first word of a value and I- for its
 * others (Ramshaw and Marcus 1995, arXiv cmp-lg/9505040); an enum or a boolean is a choice among its values, and, where the field
 * may be left out, of being left out (Chen, Zhuo and Wang 2019, joint BERT, arXiv 1902.10909). Numbers, arrays of objects and
 * alternatives are neither, and so are strings that do not stand in the text: nothing is taught of them. Fields are named as in
 * schema/filling.h. Words are those of llm/tokenizer.h. */
#ifndef RUNG_TUNE_TAGGING_H
#define RUNG_TUNE_TAGGING_H

#include "base/arena.h"
#include "base/hash.h"
#include "llm/tokenizer.h"
#include "schema/filling.h"

enum { TAG_NONE = 0 }; /* O: of no value. Field f begins with tag 1 + 2 f and goes on with 2 + 2 f */

struct tagged_string {
	const char *field;
	bool list; /* an array of strings: every value counts, else the first */
};

struct tagged_choice {
	const char *field;
	json_t *values; /* array; class i stands for values[i], and the class behind them for being left out */
	bool optional;  /* there is such a class */
};

struct tagging {
	struct arena arena;
	struct validator *validator;
	struct tagged_string *strings; /* (n_strings) */
	struct tagged_choice *choices; /* (n_choices) */
	size_t n_strings, n_choices;
	size_t n_tags;      /* 1 + 2 n_strings, or 0 */
	size_t *heads;      /* (n_choices) classes of each choice */
	size_t n_classes;   /* of all choices together */
	size_t untagged;    /* leaves of the schema that are neither */
	struct hash_map by_field; /* index + 1 into strings; index + 1 + n_strings into choices */
};

/* Borrows v, which outlives it. The caller frees it. */
struct tagging *tagging_new(struct validator *v);
void tagging_free(struct tagging *g);
/* What the rows of heads mean: {"tags": ["O", "B-FIELD", "I-FIELD", ...], "choices": {FIELD: [its values, and null for being left
 * out], ...}}. The caller gives it up. */
json_t *tagging_json(const struct tagging *g);

/* How many strings of answers stand in their texts, and how many do not. */
struct tagging_count {
	size_t found, absent;
};
/* tags (n): every string of the answer takes the first words of the text that are it and are free, the longest string first: exact,
 * or else in any case and white space. Adds to *count. */
void tagging_align(const struct tagging *g, const char *text, const struct token_word *words, size_t n, const json_t *answer,
		   int32_t *tags, struct tagging_count *count);
/* classes (n_choices) of the answer. */
void tagging_classes(const struct tagging *g, const json_t *answer, size_t *classes);

/* tags (n): the best sequence in which every I- follows a B- or I- of its field, by the sum of scores (n, n_tags), log-probabilities up
 * to a constant a word (Viterbi 1967). */
void tagging_best(const struct tagging *g, const float *scores, size_t n, int32_t *tags);

/* What was said of a text. */
struct tagged {
	const struct tagging *tagging;
	const char *text;
	const struct token_word *words;
	const int32_t *tags; /* (n_words) */
	size_t n_words;
	const size_t *classes; /* (n_choices) */
};
/* Calls fn for the values in the order of the text: a value goes on while I- of its field follow; an I- of another field begins one. */
void tagged_each(const struct tagged *t, void (*fn)(void *context, size_t field, const char *value, size_t n), void *context);
/* The finder that fills an object with them; t is borrowed. */
struct filling tagged_filling(struct tagged *t);

/* The strings and choices alone, {FIELD: value, or array}: of an answer, and as they were said. The caller gives them up. */
json_t *tagging_parts(const struct tagging *g, const json_t *answer);
json_t *tagged_parts(const struct tagged *t);

#endif
