/* pattern_groups.h - which part of a text each group of a pattern matched.
 *
 * Patterns are those of pattern.h, here always against the whole of a text. Of several ways to match, the one that
 * ECMA-262 would find first: quantifiers take as much as they can, | tries its left side first; a group inside a
 * repetition is where it last matched (which, if it can match nothing, may be nothing). Time is at most pattern times
 * text, whatever either says. */
#ifndef RUNG_SCHEMA_PATTERN_GROUPS_H
#define RUNG_SCHEMA_PATTERN_GROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { PATTERN_GROUPS = 64 };

struct pattern_groups;

/* Bytes start .. end - 1 of the text; a group that took no part is the empty one 0 .. 0. */
struct group_span {
	size_t start, end;
};

/* The text is valid UTF-8 and copied. NULL and a sentence for what pattern.h refuses, and for more than PATTERN_GROUPS. */
struct pattern_groups *pattern_groups_new(const char *text, size_t n, struct error *err);
void pattern_groups_free(struct pattern_groups *p);
/* Of ( ), in the order of their opening parentheses; (?: ) is none. */
size_t pattern_groups_count(const struct pattern_groups *p);
/* Bytes of the text that could begin a match, up to a whole character: n when what it has is right so far. */
size_t pattern_groups_reach(const struct pattern_groups *p, const char *text, size_t n);
/* Whether the pattern matches the whole text, valid UTF-8. spans (PATTERN_GROUPS), or NULL, is filled only then. */
bool pattern_groups_match(const struct pattern_groups *p, const char *text, size_t n, struct group_span *spans);

#endif
