/* library_inner.h - what the files behind library.h share. Private to src/retrieve. */
#ifndef RUNG_RETRIEVE_LIBRARY_INNER_H
#define RUNG_RETRIEVE_LIBRARY_INNER_H

#include "retrieve/document.h"
#include "retrieve/library.h"
#include "retrieve/vector_index.h"

/* Which documents the chunks are of, n of rising ids from `first`: all of one document, or, as the rows of a table are, each of
 * its own, whose ids rise with theirs. */
struct mirror_run {
	int64_t document, first;
	size_t n;
	bool rows;
};
struct mirror_runs {
	struct mirror_run *list; /* by rising chunk */
	size_t n, capacity;
};

/* The vectors of one collection in memory, as of one version of the documents. */
struct mirror {
	int64_t collection, version, last; /* last: the highest chunk id it has seen */
	struct vector_index *index;
	struct mirror_runs runs;
};

struct library {
	struct documents *documents;
	char *path;
	struct models *models;
	/* The embedding model, known after library_model(). Without models "", 0 and 0. */
	const char *model;
	uint64_t model_hash;
	size_t width;
	struct mirror **mirrors;
	size_t n_mirrors;
	enum search_mode served;
};

/* Loads the embedding model unless it is, and fills the fields above. */
bool library_model(struct library *l, struct error *err);
bool library_owns(const struct library *l, const struct collection_row *c); /* made by the present model */
struct cutting cutting_of(const struct collection_row *c);
bool cutting_equal(const struct cutting *a, const struct cutting *b);

/* Removes the documents whose names are wanted, some hundreds a transaction. */
bool library_remove_if(struct library *l, bool (*wanted)(void *context, const char *name), void *context,
		       struct library_counts *counts, struct error *err);

void progress_step(const struct library_progress *p, const char *what, size_t done, size_t total);
bool progress_stopped(const struct library_progress *p, struct error *err); /* true: err says "interrupted" */

/* Brings the mirror of collection c (made when there is none) to the snapshot that is open, whose n collections are rows;
 * mirrors of others that are gone are freed. */
struct mirror *mirror_refresh(struct library *l, const struct collection_row *rows, size_t n, const struct collection_row *c,
			      struct error *err);
void mirror_free(struct mirror *m);
/* Bitmap over the index's positions of the chunks of these documents (rising); lives in arena. */
uint64_t *mirror_allowed(const struct mirror *m, const int64_t *documents, size_t n, struct arena *arena);

/* Blocks and origins as JSON, and back. Only blocks are needed to cut a document again. */
const char *structure_write(const struct document *d, struct arena *arena);
bool structure_read(const char *json, const char *name, struct arena *arena, struct document *d, struct error *err);

/* Documents on their way into collections: cut, then embedded together, then written in one transaction. */
struct batch_item {
	struct document_row row;
	struct document document;
	struct chunk_row **chunks; /* (batch n_collections) arrays */
	size_t *n_chunks;
};

struct batch {
	struct library *l;
	const struct library_progress *progress;
	struct arena arena;   /* of all items; released by batch_clear() */
	struct arena listed;  /* of collections */
	struct collection_row *collections; /* those of the present model that documents are cut for */
	size_t n_collections;
	struct batch_item *items;
	size_t n, capacity;
	struct chunk_row **waiting; /* chunks without a vector */
	size_t n_waiting, waiting_capacity;
	size_t bytes; /* of text */
};

void batch_init(struct batch *b, struct library *l, const struct library_progress *progress);
void batch_release(struct batch *b);
void batch_clear(struct batch *b); /* forgets the items */
/* Inside a transaction: takes all collections of the present model (only: that one) and tells in *same whether they are
 * those it had. A ready collection of another model is an error unless only is given. */
bool batch_collections(struct batch *b, const int64_t *only, bool *same, struct error *err);
/* Adds a document, whose texts live in b->arena, and cuts it. Inside a read: vectors of its present chunks are reused. */
bool batch_add(struct batch *b, const struct batch_item *item, struct error *err);
/* Cuts all items again, after the collections changed; inside a read or a write. */
bool batch_cut_again(struct batch *b, struct error *err);
bool batch_full(const struct batch *b);
bool batch_embed(struct batch *b, struct error *err);

#endif
