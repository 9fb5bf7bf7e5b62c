/* rung_docs.c - the part of the public API that is about documents. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "retrieve/library_text.h"
#include "rung_inner.h"

/* Opens task and library; NULL, the sentence and the status otherwise. */
static struct library *open_library(struct rung *r, bool create, struct error *err, enum rung_status *status)
{
	static const struct task_options file_alone = { .file_alone = true };
	struct library *l;

	*status = RUNG_INPUT;
	if (!rung_open_task(r, &file_alone, err))
		return NULL;
	l = library_open(rung_beside_store(r, "docs.db"), create, rung_models(r), err);
	if (!l && (create || file_exists(rung_beside_store(r, "docs.db"))))
		*status = RUNG_UNFINISHED;
	return l;
}

static bool strip_folder(const char *path, const char *folder, const char **rest)
{
	size_t n = strlen(folder);

	if (strncmp(path, folder, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return false;
	*rest = path[n] ? path + n + 1 : ".";
	return true;
}

/* A path relative to the present folder, as one relative to the task's where it lies in it, else absolute. */
static const char *path_from_task(struct rung *r, const char *path)
{
	struct arena *arena = &r->arena;
	char *here = getcwd(NULL, 0), *real = realpath(r->task->folder, NULL);
	const char *whole = source_name(arena, path[0] == '/' || !here ? path : arena_printf(arena, "%s/%s", here, path));
	const char *folder = r->task->folder, *rest = whole;

	if (folder[0] != '/' && here)
		folder = source_name(arena, arena_printf(arena, "%s/%s", here, folder));
	if (!strip_folder(whole, folder, &rest) && real && strip_folder(whole, real, &rest))
		rest = arena_string(arena, rest);
	free(here);
	free(real);
	return rest;
}

static bool set_source(struct rung *r, const struct rung_docs_source *from, struct source *to, struct error *err)
{
	const struct task_documents *d = &r->task->documents;
	const char **paths;

	if (from->n_paths == 0) {
		if (d->n_paths == 0)
			return error_set(err, "%s: has no documents: key; name files or folders to add", r->task->file);
		*to = (struct source){ d->paths, d->n_paths, r->task->folder, d->text, d->n_text, d->id };
		return true;
	}
	paths = arena_array(&r->arena, from->n_paths, sizeof(*paths));
	for (size_t i = 0; i < from->n_paths; i++)
		paths[i] = path_from_task(r, from->paths[i]);
	*to = (struct source){ paths, from->n_paths, r->task->folder, from->text, from->n_text, from->id };
	return true;
}

struct pass {
	struct rung *r;
	void (*synced)(void *context, const struct rung_docs_counts *counts);
};

static struct rung_docs_counts counts_of(const struct library_counts *c)
{
	return (struct rung_docs_counts){ c->added, c->changed, c->unchanged, c->removed, c->refused, c->embedded };
}

static void pass_step(void *context, const char *what, size_t done, size_t total)
{
	const struct rung_options *o = &((struct pass *)context)->r->options;

	if (o->progress)
		o->progress(o->context, what, done, total);
}

static bool pass_stopped(void *context)
{
	const struct rung_options *o = &((struct pass *)context)->r->options;

	return o->stopped && o->stopped(o->context);
}

static void pass_refused(void *context, const char *sentence)
{
	const struct rung_options *o = &((struct pass *)context)->r->options;

	if (o->notice)
		o->notice(o->context, sentence);
}

static void pass_synced(void *context, const struct library_counts *counts)
{
	const struct pass *p = context;
	struct rung_docs_counts c = counts_of(counts);

	p->synced(p->r->options.context, &c);
}

/* synced NULL: once. */
static enum rung_status add(struct rung *r, const struct rung_docs_source *source,
			    void (*synced)(void *context, const struct rung_docs_counts *counts), struct library_counts *counts,
			    struct rung_error *err)
{
	struct pass pass = { r, synced };
	struct library_progress progress = { pass_step, pass_stopped, pass_refused, &pass };
	struct source s;
	enum rung_status status;
	struct error e;
	struct library *l = open_library(r, true, &e, &status);

	if (!l)
		return rung_failed(status, &e, err);
	if (!set_source(r, source, &s, &e))
		status = rung_failed(RUNG_INPUT, &e, err);
	else if (synced ? library_watch(l, &s, &progress, pass_synced, &e) : library_add(l, &s, true, &progress, counts, &e))
		status = RUNG_OK;
	else
		status = rung_failed(RUNG_UNFINISHED, &e, err);
	library_close(l);
	return status;
}

enum rung_status rung_docs_add(struct rung *r, const struct rung_docs_source *source, struct rung_docs_counts *counts,
			       struct rung_error *err)
{
	struct library_counts c = { 0 };
	enum rung_status status = add(r, source, NULL, &c, err);

	*counts = counts_of(&c);
	return status;
}

enum rung_status rung_docs_watch(struct rung *r, const struct rung_docs_source *source,
				 void (*synced)(void *context, const struct rung_docs_counts *counts), struct rung_error *err)
{
	return add(r, source, synced, NULL, err);
}

enum rung_status rung_docs_remove(struct rung *r, const char *name, size_t *removed, struct rung_error *err)
{
	struct library_counts counts = { 0 };
	enum rung_status status;
	struct error e;
	struct library *l = open_library(r, false, &e, &status);

	if (!l)
		return rung_failed(status, &e, err);
	bool ok = library_remove(l, name, &counts, &e) &&
		  (counts.removed > 0 || library_remove(l, path_from_task(r, name), &counts, &e));

	library_close(l);
	*removed = counts.removed;
	if (!ok)
		return rung_failed(RUNG_UNFINISHED, &e, err);
	if (counts.removed > 0)
		return RUNG_OK;
	error_set(&e, "%s: no document has that name, lies below it or matches it; `rung docs ls` lists them", name);
	return rung_failed(RUNG_INPUT, &e, err);
}

/* What remains of a command once its text was written, or not. */
static enum rung_status finish(struct library *l, bool ok, struct buf *out, char **text, const struct error *e,
			       struct rung_error *err)
{
	library_close(l);
	if (ok) {
		*text = rung_handed_over(out);
		return RUNG_OK;
	}
	buf_release(out);
	return rung_failed(RUNG_INPUT, e, err);
}

enum rung_status rung_docs_list(struct rung *r, const char *name, bool json, char **text, struct rung_error *err)
{
	struct buf out = { 0 };
	enum rung_status status;
	struct error e;
	struct library *l = open_library(r, false, &e, &status);

	if (!l)
		return rung_failed(status, &e, err);
	return finish(l, library_write_list(l, name, json, &out, &e), &out, text, &e, err);
}

static bool set_search(struct rung *r, const struct rung_docs_query *query, struct search *s, struct error *err)
{
	struct meta_filter *filters = arena_array(&r->arena, query->n_filters, sizeof(*filters));
	int mode = query->mode ? SEARCH_WORDS : SEARCH_FUSED;

	while (query->mode && mode <= SEARCH_FUSED && strcmp(query->mode, search_mode_names[mode]) != 0)
		mode++;
	if (mode > SEARCH_FUSED)
		return error_set(err, "mode \"%s\" is not one of words, vectors, fused", query->mode);
	for (size_t i = 0; i < query->n_filters; i++) {
		const char *equals = strchr(query->filters[i], '=');

		if (!equals || equals == query->filters[i])
			return error_set(err, "filter \"%s\" is not like key=value", query->filters[i]);
		filters[i].key = arena_copy(&r->arena, query->filters[i], (size_t)(equals - query->filters[i]));
		filters[i].value = equals + 1;
	}
	*s = (struct search){ .mode = (enum search_mode)mode, .cutting = cutting_default, .k = query->k ? query->k : 5,
			      .filters = filters, .n_filters = query->n_filters };
	return true;
}

static void tell_served(struct rung *r, const struct search *s, const struct library *l)
{
	if (library_served(l) != s->mode && r->options.notice)
		r->options.notice(r->options.context, "words alone were searched: the documents have no vectors by the present embedding "
				  "model yet; `rung docs add` makes them");
}

enum rung_status rung_docs_search(struct rung *r, const struct rung_docs_query *query, bool json, char **text,
				  struct rung_error *err)
{
	struct passage *passages;
	struct buf out = { 0 };
	enum rung_status status;
	struct search s = { 0 };
	struct error e;
	size_t n;
	struct library *l = open_library(r, false, &e, &status);

	if (!l)
		return rung_failed(status, &e, err);
	bool ok = set_search(r, query, &s, &e) && library_search(l, query->text, &s, &r->arena, &passages, &n, &e);

	if (ok) {
		library_write_passages(passages, n, library_served(l), json, &out);
		tell_served(r, &s, l);
	}
	return finish(l, ok, &out, text, &e, err);
}

enum rung_status rung_docs_verify(struct rung *r, bool json, size_t *problems, char **text, struct rung_error *err)
{
	struct buf out = { 0 };
	enum rung_status status;
	struct error e;
	struct library *l = open_library(r, false, &e, &status);

	if (!l)
		return rung_failed(status, &e, err);
	return finish(l, library_write_problems(l, json, problems, &out, &e), &out, text, &e, err);
}
