/* documents.h - the documents of rung 2 in one SQLite file (WAL), and all SQL over them.
 *
 *   document    a name (path, or path#row), its metadata and its current revision
 *   revision    one state of its text, never changed; gone when the document is replaced or removed
 *   collection  a way of cutting and embedding all documents: chunk size, overlap, headers, embedding model; "building"
 *               until every document is in it, then "ready"
 *   chunk       offsets into a revision, in one collection, with its vector (int8 codes and a scale) and its words, which
 *               are searched by FTS5
 * A document's revision, chunks, vectors and words change in one transaction, so a reader sees all of the old or all of
 * the new. Everything between documents_begin_read() and documents_end() is one snapshot. Every function but open,
 * close and those that say so is called inside a transaction, those that change something inside one of documents_begin_write().
 * One thread at a time per handle; any number of handles and processes, one of them writing. */
#ifndef RUNG_STORE_DOCUMENTS_H
#define RUNG_STORE_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct documents;

/* As store_open(): a newer version or another program's file is an error; half-made files are removed. */
struct documents *documents_open(const char *path, bool create, struct error *err);
void documents_close(struct documents *d);

bool documents_begin_write(struct documents *d, struct error *err); /* waits for another writer, at most a minute */
bool documents_begin_read(struct documents *d, struct error *err);
bool documents_commit(struct documents *d, struct error *err);
void documents_end(struct documents *d); /* ends a read, or rolls a write back; harmless outside a transaction */

/* Outside of a transaction, after removals: where more than a quarter of the file is free, it is made smaller, in steps that
 * hold writers up for milliseconds each. */
bool documents_shrink(struct documents *d, struct error *err);

/* Rises with every commit that changed something, by whichever handle. */
bool documents_version(struct documents *d, int64_t *version, struct error *err);
/* The documents that commits after version `since` put, removed or cut, by rising id. *known is false, and nothing is
 * listed, when that is too long ago (CHANGES_KEPT commits). */
enum { CHANGES_KEPT = 1000 };
bool documents_changed(struct documents *d, int64_t since, struct arena *arena, int64_t **ids, size_t *n, bool *known,
		       struct error *err);

struct document_row {
	int64_t id, revision;
	const char *name;  /* unique */
	const char *media, *title;
	const char *meta;  /* JSON object: what filters see; "{}" for nothing */
	uint64_t hash;     /* of the source, the caller's; tells whether it changed */
	size_t chunks;     /* over all collections */
	/* Given to documents_put(); read back by documents_text() alone. */
	const char *text;
	size_t n;          /* bytes of text */
	const char *structure; /* JSON: blocks and origins, as document.h has them (retrieve/ writes and reads it) */
};

/* *found tells whether there is one of that name; it lives in arena. */
bool documents_find(struct documents *d, const char *name, struct arena *arena, struct document_row *row, bool *found,
		    struct error *err);
bool documents_get(struct documents *d, int64_t id, struct arena *arena, struct document_row *row, bool *found,
		   struct error *err);
/* Fills text, n and structure of a row that was found in this snapshot. */
bool documents_text(struct documents *d, struct arena *arena, struct document_row *row, struct error *err);
/* The bytes [start, end) of a revision's text, and a NUL; reads no more than these. */
bool documents_span(struct documents *d, int64_t revision, size_t start, size_t end, struct arena *arena, const char **text,
		    struct error *err);
/* All documents by name. */
bool documents_list(struct documents *d, struct arena *arena, struct document_row **rows, size_t *n, struct error *err);
/* Inserts, or replaces the document of that name (its old revision, chunks, vectors and words go); fills id, revision. */
bool documents_put(struct documents *d, struct document_row *row, struct error *err);
bool documents_remove(struct documents *d, int64_t id, struct error *err);

/* One condition on metadata: the member `key` of meta equals value, as text. */
struct meta_filter {
	const char *key, *value;
};
/* Documents that meet all conditions, by rising id; lives in arena. */
bool documents_filter(struct documents *d, const struct meta_filter *filters, size_t n, struct arena *arena,
		      int64_t **ids, size_t *n_ids, struct error *err);

struct collection_row {
	int64_t id;            /* never given twice */
	size_t size, overlap;  /* tokens */
	bool headers;          /* title and headings are put before a chunk's text when it is embedded and indexed */
	bool trigram;          /* words are trigrams (code) rather than stems (porter) */
	const char *model;     /* name of the embedding model; "" without vectors */
	uint64_t model_hash;   /* of its weights' file */
	size_t width;          /* of a vector; 0 without */
	bool ready;
};
bool collections_list(struct documents *d, struct arena *arena, struct collection_row **rows, size_t *n, struct error *err);
bool collection_put(struct documents *d, struct collection_row *row, struct error *err);  /* new; fills id; makes its tables */
bool collection_ready(struct documents *d, int64_t id, struct error *err);
bool collection_remove(struct documents *d, int64_t id, struct error *err);
/* Up to `most` documents above id `after` that have not been cut for the collection, by rising id. *total, unless
 * NULL: how many are missing in all. */
bool collection_missing(struct documents *d, int64_t collection, int64_t after, size_t most, struct arena *arena,
			int64_t **ids, size_t *n, size_t *total, struct error *err);

struct chunk_row {
	int64_t id;        /* rises; never given twice in a collection */
	int64_t document, revision;
	uint64_t key;      /* hash of document name, indexed text and its number among equal ones */
	size_t ordinal, start, end, parent_start, parent_end;
	const char *heading;
	const int8_t *codes; /* (width), NULL without vectors */
	float scale;
	const char *words; /* what FTS5 indexes, ending with the chunk's text; given to chunks_put() alone */
};
/* Writes all chunks of a document into a collection that has none of it: its current revision's, in order; n may be 0.
 * Fills id, document, revision and ordinal. */
bool chunks_put(struct documents *d, int64_t collection, const struct document_row *document, struct chunk_row *rows,
		size_t n, struct error *err);
/* The document's chunks in the collection, in order, vectors included; they live in arena. */
bool chunks_of(struct documents *d, int64_t collection, int64_t document, struct arena *arena, struct chunk_row **rows,
	       size_t *n, struct error *err);
bool chunk_get(struct documents *d, int64_t collection, int64_t id, struct arena *arena, struct chunk_row *row, bool *found,
	       struct error *err);
/* Every chunk's id, document and vector, by rising id, of ids above `after`. */
bool chunks_each(struct documents *d, int64_t collection, int64_t after,
		 void (*each)(void *context, int64_t id, int64_t document, const int8_t *codes, float scale), void *context,
		 struct error *err);

/* FTS5 scores every match of every term, about a microsecond each. So the rarest terms of a query are searched, up to
 * these many and as long as their matches are no more than these in all; the rarest is searched in any case. */
enum { WORDS_TERMS = 64, WORDS_MATCHES = 30000 };

struct word_hit {
	int64_t chunk;
	double score; /* BM25, larger is better */
};
/* The k best chunks for any text as the query, any of its terms, as the collection's own tokenizer sees them (stems, or
 * the trigrams inside words); ties by lower id. documents: NULL, or the ids that may be returned. */
bool words_search(struct documents *d, int64_t collection, const char *query, size_t k, const int64_t *documents,
		  size_t n_documents, struct arena *arena, struct word_hit **hits, size_t *n_hits, struct error *err);

/* What `rung docs verify` checks: SQLite's and FTS5's own integrity, rows without their partners, chunks outside of their
 * text or on half a character, vectors of another width, ready collections that lack documents. Holds the writers off
 * meanwhile; begins and ends its own transaction. *problems lives in arena, one sentence each, VERIFY_PROBLEMS at most. */
enum { VERIFY_PROBLEMS = 100 };
bool documents_verify(struct documents *d, struct arena *arena, const char *const **problems, size_t *n, struct error *err);

#endif
