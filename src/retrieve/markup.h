/* markup.h - HTML as a stream of tags and pieces of text, in time linear in its length and without a tree.
 *
 * Tags, comments, attributes and the text of script, style, title and the like are told apart as in the tokenization of
 * the WHATWG's standard (13.2.5), except for what only a tree can know (CDATA in SVG) and scripts that hold "<!--<script>".
 * Any bytes give a stream. A tree by gumbo 0.10.1 was tried first: 44 kB of formatting elements that are never closed took
 * 3.3 GB and 3.5 s, 500 kB of nested <div> 16 s, and its positions are lost behind references and stray tags.
 * Gumbo still knows the 2,231 names of character references, and is what the tests compare with. */
#ifndef RUNG_RETRIEVE_MARKUP_H
#define RUNG_RETRIEVE_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/hash.h"

/* What an element does to the text around and in it. */
enum markup_trait {
	MARKUP_BREAK = 1 << 0,   /* begins and ends a block */
	MARKUP_HEADING = 1 << 1, /* <h1> to <h6> */
	MARKUP_LIST = 1 << 2,
	MARKUP_QUOTE = 1 << 3,
	MARKUP_PRE = 1 << 4,     /* white space counts */
	MARKUP_TABLE = 1 << 5,
	MARKUP_ROW = 1 << 6,
	MARKUP_CELL = 1 << 7,
	MARKUP_LINE = 1 << 8,    /* <br> */
	MARKUP_HIDDEN = 1 << 9,  /* never shown */
	MARKUP_RAW = 1 << 10,    /* never shown, and no tags inside: passed over by markup_next() */
	MARKUP_TEXT_ONLY = 1 << 11, /* no tags inside, but references */
	MARKUP_TITLE = 1 << 12,
};

/* An element that is not inline; all of them are rows of one table. */
struct markup_element {
	const char *name;
	unsigned traits;
};

enum markup_kind { MARKUP_TEXT, MARKUP_OPEN, MARKUP_CLOSE };

struct markup_token {
	enum markup_kind kind;
	size_t start, end;                    /* its bytes; of a text, references not decoded */
	const struct markup_element *element; /* of a tag; NULL: inline, or unknown */
	const char *name;                     /* (name_bytes) of a tag, as written; borrowed from the bytes */
	size_t name_bytes;
};

struct markup {
	const char *bytes; /* (n) borrowed */
	size_t n, at;
	const struct markup_element *inside; /* MARKUP_TEXT_ONLY element whose text comes next, or NULL */
	struct arena arena;                  /* names of references and what they stand for */
	struct hash_map known;
	const char **decoded;
	size_t n_decoded;
	char encoded[4]; /* what a number stands for */
};

void markup_init(struct markup *m, const char *bytes, size_t n);
void markup_release(struct markup *m);

/* False at the end. Comments and the like are passed over: texts may follow each other. */
bool markup_next(struct markup *m, struct markup_token *t);

/* The character reference that begins with the "&" at `at`: *text (*n) is what it stands for, borrowed until the next call
 * or release; returns the bytes it takes. "&" alone stands for itself. */
size_t markup_reference(struct markup *m, size_t at, size_t end, const char **text, size_t *n);

#endif
