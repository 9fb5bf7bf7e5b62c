/* chunk.h - cuts a document into chunks of about `size` tokens, at the seams a reader would choose.
 *
 * A chunk is a run of whole blocks where they fit, else of whole sentences (lines of code, rows of tables), else of words,
 * else of characters as users see them: it is at most `size` tokens by the counter, and at most 16 bytes for each of those,
 * unless it is one such word or character. It is filled as far as it goes and then ends at the best seam of its second
 * half, never behind a heading alone. It crosses no heading of its section's level or above; a deeper section is in it as a
 * whole, or begins the next chunk. Neighbours inside a section share up to `overlap` tokens of whole sentences. Chunks are
 * offsets into the document's text, begin and end between characters, and are in order; every byte that is in a block is
 * in at least one chunk. The parent is the section that holds the chunk, cut to PARENT_SIZES times `size` around it: a
 * larger passage that costs nothing.
 * The counter sees each byte about three times: once by piece, whose counts are added (byte pair encoding may merge
 * across their ends, so a sum is off by a token or so a piece), then each chunk as one text, which is what decides, then
 * what neighbours share. Pure and deterministic. */
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
	/* Path of the innermost section that holds all of it, "Guide > Install", its own heading included; "" for none. */
	const char *heading;
};

/* Lives in arena. A document without text gives none. */
const struct chunk *chunk_document(const struct document *d, const struct chunk_options *options, struct arena *arena,
				   size_t *n);

/* Ends of the sentences of text: offsets behind each and the white space that follows it, the last is n; lives in arena.
 * Unicode's default sentence boundaries (UAX 29) as far as terminators, closing marks, following lower case and common
 * abbreviations go; sentence.c says where it differs. */
const size_t *sentence_ends(const char *text, size_t n, struct arena *arena, size_t *n_sentences);

#endif
