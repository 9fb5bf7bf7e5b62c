/* text.h - Unicode text as the field counts and compares it (utf8proc underneath). All text is UTF-8. */
#ifndef RUNG_BASE_TEXT_H
#define RUNG_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

/* Whether the n bytes are valid UTF-8 (Unicode 3.9, table 3-7); else *bad is the offset of the first wrong byte. */
bool text_valid(const char *text, size_t n, size_t *bad);

/* Reads the code point at text[0..n), n > 0; returns its length in bytes, 1 to 4. A wrong byte reads as U+FFFD, length 1. */
size_t text_decode(const char *text, size_t n, uint32_t *code_point);
size_t text_encode(uint32_t code_point, char out[4]); /* bytes written; surrogates and beyond U+10FFFF become U+FFFD */

/* Appends the text with every wrong sequence replaced by one U+FFFD (maximal subparts, as the WHATWG and most lossy
 * decoders do): "\xE2\x82" gives one, "\xC0\x80" two. What it appends is valid. */
void text_repair(struct buf *out, const char *text, size_t n);

/* Bytes that the first `count` extended grapheme clusters take (UAX 29): a user's "characters". Input is valid UTF-8. */
size_t text_first(const char *text, size_t n, size_t count);

/* Appends the form in which duplicates are compared: NFKC, lower case, punctuation and space to one space, trimmed. */
void text_normalise(struct buf *out, const char *text, size_t n);
const char *text_normal(struct arena *arena, const char *text, size_t n); /* that form, in the arena */
/* Where the words stand in the text, both in that form: not inside other words ("no" in "know"), where words are told apart at
 * all; in Chinese or Thai any place will do. NULL when nowhere, or when there are no words. */
const char *text_find_words(const char *text, const char *words);
/* Appends the lower-case form; nothing else changes. */
void text_lower(struct buf *out, const char *text, size_t n);

/* Append the canonical forms NFC and NFD. Input is valid UTF-8. */
void text_compose(struct buf *out, const char *text, size_t n);
void text_decompose(struct buf *out, const char *text, size_t n);

/* General category, two letters: "Lu", "Mn"; "Cn" when not assigned in the Unicode version of utf8proc. */
const char *text_category(uint32_t code_point);
bool text_is_letter(uint32_t code_point); /* general category L* or M* */
bool text_is_number(uint32_t code_point); /* N* */
bool text_is_space(uint32_t code_point);  /* White_Space */
bool text_is_punctuation(uint32_t code_point); /* P* */

/* Edit distance over bytes, at most `limit` (returns limit + 1 beyond): for "did you mean". */
size_t text_distance(const char *a, const char *b, size_t limit);

#endif
