/* library.c - a library's handle, its collections, removal, and whole texts. */
#include "retrieve/library.h"

#include <math.h>

#include "base/hash.h"
#include "retrieve/library_inner.h"

const struct cutting cutting_default = { .size = 200, .overlap = 40, .headers = true };

struct library *library_open(const char *path, bool create, struct models *models, struct error *err)
{
	struct documents *d = documents_open(path, create, err);
	struct library *l;

	if (!d)
		return NULL;
	l = mem_zero(1, sizeof(*l));
	l->documents = d;
	l->path = mem_string(path);
	l->models = models;
	if (!models)
		l->model = "";
	return l;
}

void library_close(struct library *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_mirrors; i++)
		mirror_free(l->mirrors[i]);
	free((void *)l->mirrors);
	documents_close(l->documents);
	free(l->path);
	free(l);
}

struct documents *library_documents(struct library *l)
{
	return l->documents;
}

enum search_mode library_served(const struct library *l)
{
	return l->served;
}

bool library_model(struct library *l, struct error *err)
{
	if (l->model)
		return true;
	l->width = models_embedding_width(l->models, err);
	l->model_hash = l->width ? models_embedding_hash(l->models, err) : 0;
	if (!l->width || !l->model_hash)
		return false;
	l->model = models_embedding_name(l->models);
	return true;
}

bool library_owns(const struct library *l, const struct collection_row *c)
{
	return c->model_hash == l->model_hash && c->width == l->width && strcmp(c->model, l->model) == 0;
}

struct cutting cutting_of(const struct collection_row *c)
{
	return (struct cutting){ c->size, c->overlap, c->headers, c->trigram };
}

bool cutting_equal(const struct cutting *a, const struct cutting *b)
{
	return a->size == b->size && a->overlap == b->overlap && a->headers == b->headers && a->trigram == b->trigram;
}

void progress_step(const struct library_progress *p, const char *what, size_t done, size_t total)
{
	if (p && p->step)
		p->step(p->context, what, done, total);
}

bool progress_stopped(const struct library_progress *p, struct error *err)
{
	if (!p || !p->stopped || !p->stopped(p->context))
		return false;
	error_set(err, "interrupted; run the same command again to go on");
	return true;
}

bool library_document(struct library *l, const char *name, struct arena *arena, struct passage *whole, bool *found,
		      struct error *err)
{
	struct document_row row;
	bool ok = documents_begin_read(l->documents, err) && documents_find(l->documents, name, arena, &row, found, err) &&
		  (!*found || documents_text(l->documents, arena, &row, err));

	documents_end(l->documents);
	if (ok && *found)
		*whole = (struct passage){ .revision = row.revision, .document = row.name, .title = row.title, .heading = "",
					   .text = row.text, .end = row.n, .similarity = NAN };
	return ok;
}

bool library_fingerprint(struct library *l, uint64_t *fingerprint, struct error *err)
{
	struct arena arena;
	struct document_row *rows = NULL;
	size_t n = 0;
	uint64_t h = 0;

	arena_init(&arena);
	bool ok = documents_begin_read(l->documents, err) && documents_list(l->documents, &arena, &rows, &n, err);

	documents_end(l->documents);
	for (size_t i = 0; ok && i < n; i++) {
		h = hash64(rows[i].name, strlen(rows[i].name) + 1, h);
		h = hash64(&rows[i].hash, sizeof(rows[i].hash), h);
	}
	arena_release(&arena);
	*fingerprint = h;
	return ok;
}

/* Removes the documents [from, to) of the list in one transaction. */
static bool remove_rows(struct library *l, const int64_t *ids, size_t n, struct error *err)
{
	bool ok = documents_begin_write(l->documents, err);

	for (size_t i = 0; ok && i < n; i++)
		ok = documents_remove(l->documents, ids[i], err);
	ok = ok && documents_commit(l->documents, err);
	documents_end(l->documents);
	return ok;
}

bool library_remove_if(struct library *l, bool (*wanted)(void *context, const char *name), void *context,
		       struct library_counts *counts, struct error *err)
{
	enum { AT_ONCE = 256 };
	struct arena arena;
	struct document_row *rows = NULL;
	int64_t ids[AT_ONCE];
	size_t n = 0, waiting = 0;

	arena_init(&arena);
	bool ok = documents_begin_read(l->documents, err) && documents_list(l->documents, &arena, &rows, &n, err);

	documents_end(l->documents);
	for (size_t i = 0; ok && i < n; i++) {
		if (wanted(context, rows[i].name))
			ids[waiting++] = rows[i].id;
		if (waiting == AT_ONCE || (i + 1 == n && waiting > 0)) {
			ok = remove_rows(l, ids, waiting, err);
			counts->removed += ok ? waiting : 0;
			waiting = 0;
		}
	}
	arena_release(&arena);
	return ok && (counts->removed == 0 || documents_shrink(l->documents, err));
}

static bool matches(void *context, const char *name)
{
	return source_matches(context, name);
}

bool library_remove(struct library *l, const char *name, struct library_counts *counts, struct error *err)
{
	return library_remove_if(l, matches, (void *)(uintptr_t)name, counts, err);
}
