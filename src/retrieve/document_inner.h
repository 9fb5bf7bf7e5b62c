/* document_inner.h - what the parsers of one medium each share. Private to document.c, plain.c, markdown.c, html.c,
 * pdf.c and pdf_layout.c, and read by their tests. */
#ifndef RUNG_RETRIEVE_DOCUMENT_INNER_H
#define RUNG_RETRIEVE_DOCUMENT_INNER_H

#include "base/buf.h"
#include "retrieve/document.h"

struct document_file {
	const char *name, *path;
	const char *bytes; /* (n) checked to be UTF-8 without NUL, unless it is a PDF */
	size_t n;
};

/* What a parser collects. */
struct parts {
	struct buf text;  /* HTML and PDF; elsewhere the text is the file */
	struct buf title; /* empty: the first heading's text */
	struct block *blocks;
	size_t n_blocks, block_capacity;
	struct origin *origins;
	size_t n_origins, origin_capacity;
};

void parts_release(struct parts *p);
void parts_block(struct parts *p, enum block_kind kind, unsigned level, size_t start, size_t end);
/* What is added to the text from here on comes from there; nothing is noted when that follows from the last origin. */
void parts_origin(struct parts *p, size_t source, unsigned page);

/* One row of the table of media. False and the sentence when the file cannot be read so. */
typedef bool document_parser(const struct document_file *f, struct parts *p, struct error *err);
document_parser plain_parse, code_parse, markdown_parse, html_parse, pdf_parse;

/* What the child that reads a PDF may use; pdf_parse() has the limits of document.h. */
struct pdf_limits {
	int seconds;        /* of processor time */
	int wait_ms;        /* until it has finished */
	size_t memory_mb;   /* address space */
	size_t bytes;       /* of text */
};
bool pdf_parse_within(const struct pdf_limits *limits, const struct document_file *f, struct parts *p, struct error *err);

/* Blocks of text between blank lines from offset `from` on. Code keeps its first line's indentation. */
void plain_blocks(struct parts *p, enum block_kind kind, const char *text, size_t from, size_t n);

/* ASCII white space, what HTML and Markdown mean by it. */
static inline bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
