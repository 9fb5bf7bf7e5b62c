/* pdf_layout.h - the XHTML of pdftotext -bbox-layout becomes text, blocks and pages. Private to pdf.c and its tests. */
#ifndef RUNG_RETRIEVE_PDF_LAYOUT_H
#define RUNG_RETRIEVE_PDF_LAYOUT_H

#include "retrieve/document_inner.h"
#include "retrieve/markup.h"

struct pdf_layout {
	struct parts *p;
	struct markup m;
	struct buf rest, word; /* a line that is not whole; a word being read */
	unsigned page;
	bool in_word, in_title;
	bool open, line; /* a block has begun; the next word begins a line */
	size_t start;    /* of the block */
};

void pdf_layout_init(struct pdf_layout *l, struct parts *p);
void pdf_layout_feed(struct pdf_layout *l, const char *bytes, size_t n); /* any bytes, cut anywhere */
void pdf_layout_end(struct pdf_layout *l);                               /* releases what it holds, not p */

#endif
