/* quote.h - finds what somebody quoted in a stored text: the difference between a citation and an invention.
 *
 * Four answers, tried in this order:
 *   exact       the bytes stand in the text
 *   normalised  they do after NFKC, lower case, quotation marks and dashes to one form, white space collapsed, soft hyphens
 *               and hyphens at line ends taken out; an offset map leads back, so start and end are bytes of the text
 *   fuzzy       a span of the text is within QUOTE_ERRORS of it: edits of normalised code points (Sellers 1980), where an
 *               ellipsis ("...", "[...]") may stand for up to QUOTE_GAP bytes left out; the digits have to be the same, since
 *               with another number a sentence says something else
 *   failed      none of these; never shown as a citation
 * The span always begins and ends between characters of the text. What is emitted is text[start, end), not the quote.
 * Pure. */
#ifndef RUNG_RETRIEVE_QUOTE_H
#define RUNG_RETRIEVE_QUOTE_H

#include <stddef.h>

enum quote_match { QUOTE_EXACT, QUOTE_NORMALISED, QUOTE_FUZZY, QUOTE_FAILED };
const char *quote_match_name(enum quote_match m); /* "exact", "normalised", "fuzzy", "failed" */

enum {
	QUOTE_SHORTEST = 8,  /* code points of a normalised quote below which only exact and normalised matches on word edges count */
	QUOTE_BYTES = 4096,  /* a longer quote has failed */
	QUOTE_GAP = 400,
};
#define QUOTE_ERRORS 0.1 /* edits for each code point of the normalised quote */

struct quote_place {
	enum quote_match match;
	size_t start, end; /* bytes of text; 0, 0 when failed */
	size_t edits;      /* fuzzy: between the normalised forms */
};

/* Looks for the m bytes of quote in the n bytes of text, both valid UTF-8. Of several places, the first of the best. */
struct quote_place quote_locate(const char *text, size_t n, const char *quote, size_t m);

#endif
