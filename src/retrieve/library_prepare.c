/* library_prepare.c - a collection is built document by document while the old one serves. */
#include "retrieve/library_inner.h"

static const struct collection_row *find_collection(const struct library *l, const struct collection_row *rows, size_t n,
						     const struct cutting *c)
{
	for (size_t i = 0; i < n; i++) {
		struct cutting of = cutting_of(&rows[i]);

		if (cutting_equal(&of, c) && library_owns(l, &rows[i]))
			return &rows[i];
	}
	return NULL;
}

/* In a write: the collection of that cutting and the present model, made when there is none. */
static bool find_or_put(struct library *l, const struct cutting *c, struct collection_row *out, struct error *err)
{
	struct arena arena = { 0 };
	struct collection_row *rows;
	size_t n;
	bool ok = collections_list(l->documents, &arena, &rows, &n, err);
	const struct collection_row *found = ok ? find_collection(l, rows, n, c) : NULL;

	for (size_t i = 0; ok && i < n; i++)
		if (!l->width && rows[i].width)
			ok = error_set(err, "%s: has vectors by %s; an embedding model is needed to add to it", l->path, rows[i].model);
	if (ok && !found) {
		*out = (struct collection_row){ .size = c->size, .overlap = c->overlap, .headers = c->headers, .trigram = c->trigram,
						.model = l->model, .model_hash = l->model_hash, .width = l->width };
		ok = collection_put(l->documents, out, err);
	} else if (ok) {
		*out = *found;
		out->model = l->model;
	}
	arena_release(&arena);
	return ok;
}

/* In a write: nothing is missing, so the collection serves, and those of the same cutting by other models go. */
static bool finish(struct library *l, const struct collection_row *c, struct error *err)
{
	struct arena arena = { 0 };
	struct collection_row *rows;
	struct cutting of = cutting_of(c);
	size_t n;
	bool ok = collection_ready(l->documents, c->id, err) && collections_list(l->documents, &arena, &rows, &n, err);

	for (size_t i = 0; ok && i < n; i++) {
		struct cutting other = cutting_of(&rows[i]);

		if (rows[i].id != c->id && cutting_equal(&of, &other))
			ok = collection_remove(l->documents, rows[i].id, err);
	}
	arena_release(&arena);
	return ok;
}

/* In a write: opens or makes the collection; one that lacks nothing is finished at once. */
static bool begin_collection(struct library *l, const struct cutting *c, struct collection_row *out, size_t *missing,
			     struct error *err)
{
	struct arena arena = { 0 };
	int64_t *ids;
	size_t n;
	bool ok = documents_begin_write(l->documents, err) && find_or_put(l, c, out, err) &&
		  collection_missing(l->documents, out->id, 0, 1, &arena, &ids, &n, missing, err) &&
		  (*missing > 0 || finish(l, out, err)) && documents_commit(l->documents, err);

	documents_end(l->documents);
	arena_release(&arena);
	return ok;
}

/* In a read: the stored document, cut for the batch. */
static bool cut_stored(struct batch *b, int64_t id, struct error *err)
{
	struct batch_item item = { 0 };
	bool found;

	if (!documents_get(b->l->documents, id, &b->arena, &item.row, &found, err))
		return false;
	if (!found)
		return true;
	if (!documents_text(b->l->documents, &b->arena, &item.row, err))
		return false;
	item.document = (struct document){ .text = item.row.text, .n = item.row.n, .title = item.row.title };
	return structure_read(item.row.structure, item.row.name, &b->arena, &item.document, err) && batch_add(b, &item, err);
}

/* Fills the batch with documents above *after that the collection lacks. */
static bool gather(struct batch *b, int64_t collection, int64_t *after, size_t *missing, struct error *err)
{
	enum { LISTED = 512 };
	int64_t *ids;
	size_t n = 0;
	bool same, ok = documents_begin_read(b->l->documents, err) && batch_collections(b, &collection, &same, err);

	if (ok && b->n_collections == 0)
		ok = error_set(err, "%s: another program dropped the collection that was being built; run the same command again",
			       b->l->path);
	ok = ok && collection_missing(b->l->documents, collection, *after, LISTED, &b->arena, &ids, &n, missing, err);
	for (size_t i = 0; ok && i < n && !batch_full(b); i++) {
		ok = cut_stored(b, ids[i], err);
		*after = ids[i];
	}
	documents_end(b->l->documents);
	return ok;
}

/* In a write: whether the document is as it was when it was cut, and still missing. */
static bool still_wanted(struct batch *b, int64_t collection, const struct batch_item *item, bool *wanted, struct error *err)
{
	struct document_row now;
	int64_t *ids;
	size_t n = 0;

	if (!documents_get(b->l->documents, item->row.id, &b->arena, &now, wanted, err) ||
	    !collection_missing(b->l->documents, collection, item->row.id - 1, 1, &b->arena, &ids, &n, NULL, err))
		return false;
	*wanted = *wanted && now.revision == item->row.revision && n == 1 && ids[0] == item->row.id;
	return true;
}

static bool write_chunks(struct batch *b, int64_t collection, struct error *err)
{
	bool ok = documents_begin_write(b->l->documents, err);

	for (size_t i = 0; ok && i < b->n; i++) {
		struct batch_item *item = &b->items[i];
		bool wanted = false;

		ok = still_wanted(b, collection, item, &wanted, err) &&
		     (!wanted || chunks_put(b->l->documents, collection, &item->row, item->chunks[0], item->n_chunks[0], err));
	}
	ok = ok && documents_commit(b->l->documents, err);
	documents_end(b->l->documents);
	return ok;
}

/* One pass over what is missing; documents that others change meanwhile are missing again. */
static bool fill(struct batch *b, int64_t collection, size_t total, struct error *err)
{
	int64_t after = 0;
	size_t missing = 0;
	bool ok;

	do {
		ok = !progress_stopped(b->progress, err) && gather(b, collection, &after, &missing, err);
		if (ok)
			progress_step(b->progress, "cutting documents", total > missing ? total - missing : 0, total);
		ok = ok && batch_embed(b, err) && write_chunks(b, collection, err);
		bool done = b->n == 0;

		batch_clear(b);
		if (done)
			return ok;
	} while (ok);
	return false;
}

/* Whether it is ready: then nothing is written, and what another model may be building beside it is left alone. */
static bool is_prepared(struct library *l, const struct cutting *c, bool *prepared, struct error *err)
{
	struct arena arena = { 0 };
	struct collection_row *rows = NULL;
	size_t n = 0;
	bool ok = documents_begin_read(l->documents, err) && collections_list(l->documents, &arena, &rows, &n, err);
	const struct collection_row *own = ok ? find_collection(l, rows, n, c) : NULL;

	documents_end(l->documents);
	*prepared = own && own->ready;
	arena_release(&arena);
	return ok;
}

bool library_prepare(struct library *l, const struct cutting *c, const struct library_progress *progress, struct error *err)
{
	struct collection_row row;
	struct batch b;
	size_t missing = 0;
	bool ok, prepared = false;

	if (!library_model(l, err) || !is_prepared(l, c, &prepared, err))
		return false;
	if (prepared)
		return true;
	batch_init(&b, l, progress);
	while ((ok = begin_collection(l, c, &row, &missing, err)) && missing > 0 && fill(&b, row.id, missing, err))
		;
	batch_release(&b);
	return ok && missing == 0 && documents_shrink(l->documents, err);
}
