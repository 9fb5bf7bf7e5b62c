/* folded.h - the form in which a quote and a text are compared, with the way back. Private to quote.c.
 *
 * NFKC with case folding, a grapheme cluster at a time; quotation marks become '"', dashes '-'; runs of white space one
 * space, none at the ends; left out are soft hyphens and other invisible marks, a hyphen between letters at a line's end
 * together with the break, and Markdown's '*' and '`', which no reader sees. */
#ifndef RUNG_RETRIEVE_FOLDED_H
#define RUNG_RETRIEVE_FOLDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct folded {
	uint32_t *points; /* (n) code points */
	uint32_t *start, *end; /* (n) bytes of the cluster that each comes from; one cluster may give several points */
	size_t n, room;
};

/* text: valid UTF-8 of less than 4 GiB. Released with folded_release(). */
void folded_make(struct folded *f, const char *text, size_t n);
void folded_release(struct folded *f);

/* Bytes of the grapheme cluster (UAX 29) at text[0, n), n > 0. */
size_t cluster_length(const char *text, size_t n);

#endif
