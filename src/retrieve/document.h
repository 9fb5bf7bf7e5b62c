/* document.h - a file becomes a text with structure.
 *
 * What follows (chunks, passages, citations) are pairs of byte offsets into `text`, UTF-8, which never changes once it is
 * stored: a revision. For plain text, code, Markdown and rows it is the file itself, byte for byte. For HTML it is the
 * visible text with character references decoded, for PDF the words in reading order; `origins` leads from there back to
 * the source. Parsers: md4c (Markdown), markup.h (HTML; it says why no tree is built), poppler's pdftotext -bbox-layout in
 * a child process with limits (pdf.c). All take time linear in the file. Pure but for PDF: no store, no model. */
#ifndef RUNG_RETRIEVE_DOCUMENT_H
#define RUNG_RETRIEVE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum media { MEDIA_TEXT, MEDIA_CODE, MEDIA_MARKDOWN, MEDIA_HTML, MEDIA_PDF, MEDIA_ROW };
const char *media_name(enum media m); /* "text", "code", "markdown", "html", "pdf", "row" */
/* By the file's ending, or the whole name of some that have none (LICENSE, Makefile); false: not one that is read. */
bool media_of(const char *path, enum media *media);

enum block_kind { BLOCK_HEADING, BLOCK_PARAGRAPH, BLOCK_ITEM, BLOCK_QUOTE, BLOCK_CODE, BLOCK_TABLE };

/* A piece of text that belongs together; blocks are in order, do not overlap, begin and end between characters, and leave
 * out only white space and marks that nobody reads (the "#" of a heading, a fence, front matter, a link's definition, a
 * byte order mark). Marks inside a block and at its ends stay ("**", "](address)"). A table is one block, an item's
 * paragraphs are one each; a block of code begins with its first line's indentation. */
struct block {
	enum block_kind kind;
	unsigned level; /* of a heading, 1 .. 6; else 0 */
	size_t start, end;
};

/* Text from here to the next origin comes from there, byte for byte but for references, white space and line ends. */
struct origin {
	size_t text;   /* offset into the document's text */
	size_t source; /* offset into the file; PDF: 0 */
	unsigned page; /* PDF: from 1; else 0 */
};

struct document {
	const char *text; /* (n) and a NUL */
	size_t n;
	const char *title; /* <title>, else the first heading, else "title:" of front matter; "" when there is none */
	const struct block *blocks;
	size_t n_blocks;
	const struct origin *origins; /* by rising text; none where the text is the file */
	size_t n_origins;
};

enum {
	DOCUMENT_BYTES = 64 << 20, /* of a file, and of the text that comes out of it: a zip bomb ends here */
	DOCUMENT_LINE = 8 << 20,   /* of one line */
	PDF_SECONDS = 60,          /* processor time of the child */
	PDF_WAIT_SECONDS = 120,    /* until it has finished */
	PDF_MEMORY_MB = 1024,
};

/* Parses the n bytes of a file. PDF: path is what the child reads, and an error when that does not hold the bytes
 * afterwards. name stands in errors. Not UTF-8, a NUL byte or other signs that it is no text, too large, a PDF that is
 * encrypted, damaged, a bomb or without text: one sentence. The document lives in arena; the bytes may go. */
bool document_parse(enum media media, const char *name, const char *path, const char *bytes, size_t n, struct arena *arena,
		    struct document *out, struct error *err);

/* Where the byte at offset `at` of the text comes from; {at, at, 0} when the text is the file. */
struct origin document_origin(const struct document *d, size_t at);

#endif
