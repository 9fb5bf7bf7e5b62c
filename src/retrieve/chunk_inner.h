/* chunk_inner.h - a document cut as small as chunks may need it. Private to chunk_pieces.c and chunk.c. */
#ifndef RUNG_RETRIEVE_CHUNK_INNER_H
#define RUNG_RETRIEVE_CHUNK_INNER_H

#include "retrieve/chunk.h"

/* What ends behind a piece; the greater, the better a chunk ends there. */
enum seam { SEAM_RUN, SEAM_WORD, SEAM_SENTENCE, SEAM_PARAGRAPH, SEAM_BLOCK };

/* A sentence, a line of code, a row; of those longer than a chunk, words or runs of characters. Pieces tile their block. */
struct piece {
	size_t start, end;
	size_t gap;     /* cost of what stands between the piece before and this one: marks, "- ", "## " */
	size_t total;   /* cost from the document's beginning to the end of this one */
	size_t section;
	enum seam seam;
	bool heading;   /* part of one */
};

/* A heading and what follows until the next of its level or above; the first is the whole document. */
struct section {
	size_t first, end; /* pieces */
	unsigned level;
	size_t parent;
	const char *path;
};

struct pieces {
	const struct document *document;
	const struct chunk_options *options;
	struct piece *at;
	size_t n, capacity;
	struct section *sections;
	size_t n_sections, section_capacity;
};

/* Tokens of the bytes [start, end), and no less than one for each BYTES_PER_TOKEN: a counter may see a megabyte of base64
 * as one unknown word, and white space as nothing. */
enum { BYTES_PER_TOKEN = 16 };
size_t pieces_count(const struct pieces *p, size_t start, size_t end);

/* Paths live in arena. */
void pieces_cut(struct pieces *p, const struct document *d, const struct chunk_options *options, struct arena *arena);
void pieces_release(struct pieces *p);

/* Cost of pieces first .. end-1 as one text: counts of single pieces, added. Where a counter merges across their ends
 * (byte pair encoding), the sum is off by a token or so for each; what must be exact is counted again. */
static inline size_t pieces_cost(const struct pieces *p, size_t first, size_t end)
{
	return end == first ? 0 : p->at[end - 1].total - (first ? p->at[first - 1].total : 0) - p->at[first].gap;
}

#endif
