/* library.h - the living store of documents: adding, replacing, removing, searching, each whole or not at all.
 *
 * Parsing (document.h), cutting (chunk.h), embedding (model.h), and one transaction for each document's revision, chunks,
 * vectors and words (store/documents.h). The vectors of the collections that are searched are mirrored in a vector_index
 * each and follow what other processes commit. Re-adding an unchanged file costs a hash; of a changed one only chunks with a
 * new text are embedded. What was removed or replaced is never returned by a search that begins afterwards.
 * One thread at a time per handle; any number of handles and processes. */
#ifndef RUNG_RETRIEVE_LIBRARY_H
#define RUNG_RETRIEVE_LIBRARY_H

#include "model/model.h"
#include "retrieve/rank.h"
#include "retrieve/source.h"
#include "store/documents.h"

struct library;

/* How documents are cut and indexed; what a collection is made by. */
struct cutting {
	size_t size, overlap; /* tokens of the embedding model */
	bool headers, trigram;
};
extern const struct cutting cutting_default; /* 200, 40, headers, stems */

/* Opens or makes the file. models: for embeddings and token counts, borrowed; loaded when first needed. NULL: words alone,
 * and tokens are counted as words and signs; such a handle searches any library by its words, and adds only to one that has
 * no vectors. */
struct library *library_open(const char *path, bool create, struct models *models, struct error *err);
void library_close(struct library *l);

/* All optional, and so is a pointer to it. */
struct library_progress {
	void (*step)(void *context, const char *what, size_t done, size_t total);
	bool (*stopped)(void *context);
	/* One document could not be read: its sentence. Others go on. */
	void (*refused)(void *context, const char *sentence);
	void *context;
};

struct library_counts {
	size_t added, changed, unchanged, removed, refused, embedded; /* embedded: chunks */
};

/* Brings the library up to what the source holds now: new and changed documents are added; with `prune`, documents that the
 * source covers and that are no longer there are removed (not where a folder could not be read). Stops (false, err says
 * "interrupted") between documents; the same call goes on. Collections of other embedding models are brought to the present
 * one first, as by library_prepare(); a library without any gets cutting_default. counts are added to. */
bool library_add(struct library *l, const struct source *source, bool prune, const struct library_progress *progress,
		 struct library_counts *counts, struct error *err);
/* library_add() with prune, again whenever something changes in the folders of the source, until `stopped` says so (true
 * then). synced: after each pass, with its counts. */
bool library_watch(struct library *l, const struct source *source, const struct library_progress *progress,
		   void (*synced)(void *context, const struct library_counts *counts), struct error *err);
/* Removes the documents that source_matches() finds for the name; counts->removed says how many. */
bool library_remove(struct library *l, const char *name, struct library_counts *counts, struct error *err);
/* Makes the collection of that cutting complete for the present embedding model: builds what is missing, resumably. A
 * collection of the same cutting by another model serves searches until then and is dropped after. */
bool library_prepare(struct library *l, const struct cutting *c, const struct library_progress *progress, struct error *err);

enum search_mode { SEARCH_WORDS, SEARCH_VECTORS, SEARCH_FUSED };

struct search {
	enum search_mode mode;
	struct cutting cutting;
	size_t k;            /* passages wanted */
	struct fusion_options fusion;
	double diversity;    /* 0: by score alone; else lambda of maximal marginal relevance, below 1; needs vectors */
	bool parents;        /* passages are widened to their parents; overlapping ones are merged */
	const struct meta_filter *filters;
	size_t n_filters;
};
enum { SEARCH_DEPTH = 100 }; /* candidates of each ranking before they are fused; k when that is more */

struct passage {
	int64_t chunk, revision;
	uint64_t key;          /* the same while the document's text there is */
	const char *document, *title, *heading;
	const char *text;      /* the revision's bytes [start, end) */
	size_t start, end;
	double score;          /* fused, or the only ranking's */
	double similarity;     /* cosine to the query; NAN without vectors */
};

/* The k best passages for the query, best first; they live in arena. One snapshot. The cutting's collection has been
 * prepared. While it is only ready for another embedding model, whose vectors nothing can be compared with, or the handle has
 * no models, words alone are searched: library_served() tells. */
bool library_search(struct library *l, const char *query, const struct search *s, struct arena *arena,
		    struct passage **passages, size_t *n, struct error *err);
/* The same for many queries: embedded in one batch, in one snapshot. passages (n_queries) arrays, n (n_queries). */
bool library_search_all(struct library *l, const char *const *queries, size_t n_queries, const struct search *s,
			struct arena *arena, struct passage **passages, size_t *n, struct error *err);
/* How the last search was done: its mode, or SEARCH_WORDS in place of it. */
enum search_mode library_served(const struct library *l);

/* The whole of a document as one passage of its revision, without score and similarity; lives in arena. *found false: there is
 * none of that name. */
bool library_document(struct library *l, const char *name, struct arena *arena, struct passage *whole, bool *found,
		      struct error *err);
/* A fingerprint of all documents: the same names and texts give the same number. */
bool library_fingerprint(struct library *l, uint64_t *fingerprint, struct error *err);

struct documents *library_documents(struct library *l); /* for `rung docs ls` and verify */

#endif
