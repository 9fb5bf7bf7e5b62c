/* chunk.h - cuts a document into chunks of about `size` tokens, at the seams a reader would choose.
 *
 * A chunk is a run of whole blocks where they fit, else of whole sentences, else of words; it never crosses a heading of
 * its section's level or above. Neighbours inside a section share up to `overlap` tokens of whole sentences. Chunks are
 * offsets into the document's text and in order; every byte that is in a block is in at least one chunk. The parent is
 * the section that holds the chunk, cut to PARENT_SIZES times `size` around it: a larger passage that costs nothing.
 * Pure and deterministic. */
#ifndef RUNG_RETRIEVE_CHUNK_H
#define RUNG_RETRIEVE_CHUNK_H

#include "retrieve/document.h"

enum { PARENT_SIZES = 4 };

/* Tokens of n bytes of text, as the embedding model or the answering model counts them. */
typedef size_t token_counter(void *context, const char *text, size_t n);

struct chunk_options {
	size_t size, overlap; /* tokens; size at least 16, overlap below size / 2 */
	token_counter *count;
	void *context;
};

struct chunk {
	size_t start, end;
	size_t parent_start, parent_end;
	const char *heading; /* path of headings above it, "Guide > Install"; "" when there are none */
};

/* Lives in arena. A document without text gives none. */
const struct chunk *chunk_document(const struct document *d, const struct chunk_options *options, struct arena *arena,
				   size_t *n);

/* Ends of the sentences of text: offsets behind each, the last is n; lives in arena. Unicode's default sentence boundaries
 * (UAX 29) as far as terminators, closing marks, following lower case and common abbreviations go. */
const size_t *sentence_ends(const char *text, size_t n, struct arena *arena, size_t *n_sentences);

#endif
