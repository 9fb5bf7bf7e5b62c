/* documents_inner.h - what the files behind documents.h share. Private to src/store. */
#ifndef RUNG_STORE_DOCUMENTS_INNER_H
#define RUNG_STORE_DOCUMENTS_INNER_H

#include "base/buf.h"
#include "store/database.h"
#include "store/documents.h"

/* Each collection has two tables of its own, chunk_N and words_N: tokenizers differ, BM25 counts the chunks of one
 * collection, vectors lie together for the scan that mirrors them, and a collection is dropped without a row being
 * deleted. In the statements on them "#" stands for N. */
enum own_statement {
	CHUNK_PUT, WORDS_PUT, CHUNKS_REMOVE, WORDS_REMOVE, CHUNKS_OF, CHUNK_GET, CHUNKS_EACH, TERM_COUNT, WORDS_SEARCH,
	WORDS_SEARCH_WITHIN, SPANS, N_OWN_STATEMENTS
};

struct own_tables {
	int64_t collection;
	bool trigram;
	size_t width;
	sqlite3_stmt *statements[N_OWN_STATEMENTS]; /* prepared on first use */
};

struct tokenizer {
	fts5_tokenizer calls;
	Fts5Tokenizer *state; /* NULL until first used */
};

struct documents {
	struct database base;
	bool writing;
	int64_t version; /* of this write; 0 until it changes something */
	struct own_tables **own;
	size_t n_own;
	struct tokenizer stems, trigrams;
};

enum statement {
	VERSION_GET, VERSION_RAISE, CHANGE_PUT, CHANGES_TRIM, CHANGED, DOCUMENT_FIND, DOCUMENT_GET, DOCUMENT_LIST, DOCUMENT_PUT,
	DOCUMENT_REVISION, DOCUMENT_REMOVE, REVISION_PUT, REVISION_GET, REVISION_REMOVE, DOCUMENT_FILTER, COLLECTION_LIST,
	COLLECTION_PUT, COLLECTION_READY, COLLECTION_REMOVE, COLLECTION_CUTS_REMOVE, COLLECTION_MISSING, COLLECTION_MISSING_COUNT,
	CUT_PUT, CUT_GET, CUTS_OF, CUTS_REMOVE, N_STATEMENTS
};

/* Notes that this write changes the document. */
bool documents_touch(struct documents *d, int64_t document, struct error *err);

/* The collection's tables and statements; NULL and the sentence when it is not there. */
struct own_tables *own_tables(struct documents *d, int64_t collection, struct error *err);
void own_tables_forget(struct documents *d, int64_t collection);
sqlite3_stmt *own_statement(struct documents *d, struct own_tables *t, enum own_statement which, struct error *err);
/* Appends sql with every "#" replaced by the collection's number. */
void own_sql(struct buf *out, const char *sql, int64_t collection);
/* Removes the document's chunks from all collections. */
bool chunks_remove(struct documents *d, int64_t document, struct error *err);

/* Merges what removals have left in FTS5's indexes, step by step. */
bool words_compact(struct documents *d, struct error *err);
void tokenizers_close(struct documents *d);

#endif
