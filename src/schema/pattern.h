/* pattern.h - regular expressions of JSON Schema's `pattern` as deterministic automata over code points.
 *
 * The subset, with the meaning of ECMA-262 under its u flag: literals; `.` (not a line end); classes with ranges and
 * negation; \d \D \w \W \s \S; \t \n \r \f \v \xHH \uHHHH and escaped punctuation; groups ( ) and (?: ); | ? * + {m} {m,}
 * {m,n}; ^ and $ anywhere. As there, a pattern without anchors may match anywhere in the string. Not supported, and
 * errors: look-around, back references, \b \B, lazy quantifiers, \p, named groups, unescaped ] { }. */
#ifndef RUNG_SCHEMA_PATTERN_H
#define RUNG_SCHEMA_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PATTERN_DEAD UINT32_MAX

/* State 0 is the start. Class c is the code points lows[c] .. lows[c + 1] - 1 (the last one up to U+10FFFF). */
struct pattern {
	uint32_t n_states, n_classes;
	uint32_t *lows;  /* (n_classes) ascending from 0 */
	uint32_t *next;  /* (n_states, n_classes) a state or PATTERN_DEAD */
	bool *accepts;   /* (n_states) the string may end here */
};

/* The text is valid UTF-8. Errors quote the place in the pattern; patterns too large to make deterministic are errors. */
struct pattern *pattern_new(const char *text, size_t n, struct error *err);
void pattern_free(struct pattern *p);

#endif
