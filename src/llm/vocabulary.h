/* vocabulary.h - the tokens of one tokenizer, by id and by spelling, and the search for special tokens in a text.
 *
 * Private to the tokenizer. Copies every spelling; filled by the loaders, then read only. Spellings are any bytes. */
#ifndef RUNG_LLM_VOCABULARY_H
#define RUNG_LLM_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"

enum { VOCABULARY_LIMIT = 1 << 22 }; /* ids a file may claim; the largest published vocabularies have 2^18 */

enum token_kind {
	TOKEN_NONE,    /* an id the file leaves out */
	TOKEN_PLAIN,   /* what the model's pieces are made of */
	TOKEN_BYTE,    /* one byte, spelled <0x0A>: written for characters without a piece, never found in text */
	TOKEN_ADDED,   /* found as a whole in any text, before it is cut into words */
	TOKEN_SPECIAL, /* the same, but only where the caller allows special tokens; never decoded */
};

struct token {
	const char *text; /* in the arena, NUL-terminated */
	size_t n;
	enum token_kind kind;
	bool strip_left, strip_right; /* swallows white space beside it ("lstrip", "rstrip" of tokenizer.json) */
};

struct vocabulary {
	struct arena arena;
	struct token *tokens; /* (n) by id */
	size_t n, capacity;
	struct hash_map by_text; /* spelling to id; the first id where a spelling repeats */
	int32_t *added; /* TOKEN_ADDED and TOKEN_SPECIAL by spelling */
	size_t added_n;
	size_t added_from[257]; /* added[added_from[b] .. added_from[b + 1]) begin with byte b */
	size_t special_n;
};

void vocabulary_init(struct vocabulary *v);
void vocabulary_release(struct vocabulary *v);

/* Sets token `id` < VOCABULARY_LIMIT; one that was set keeps its spelling in by_text. */
void vocabulary_set(struct vocabulary *v, size_t id, const char *text, size_t n, enum token_kind kind);
/* To be called once, when all tokens are set and before vocabulary_next_added(). */
void vocabulary_index(struct vocabulary *v);

/* The id of the spelling, or -1. */
int32_t vocabulary_find(const struct vocabulary *v, const char *text, size_t n);

struct added_match {
	size_t from, to; /* bytes of the text the token takes, white space it swallows included */
	int32_t id;      /* -1: none, and from is the length of the text */
};
enum added_kinds { ADDED_PLAIN = 1, ADDED_SPECIAL = 2, ADDED_ALL = ADDED_PLAIN | ADDED_SPECIAL };
/* The leftmost added token of these kinds at or after `at`; of several the longest. Short whatever their number. */
struct added_match vocabulary_next_added(const struct vocabulary *v, const char *text, size_t n, size_t at,
					 enum added_kinds kinds);

#endif
