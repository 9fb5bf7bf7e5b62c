/* library_add.c - files and rows of tables become documents, some hundreds a batch. */
#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "retrieve/library_inner.h"
#include "task/table.h"

/* Part of every document's hash: what is read from the same bytes changes with it, so that they are read again. */
enum { READING = 1 };

struct adding {
	struct library *l;
	const struct source *source;
	const struct library_progress *progress;
	struct library_counts *counts;
	struct error *err;
	struct batch batch;
	struct hash_map names;  /* of documents that the source holds, refused ones too */
	struct arena kept;      /* names */
	struct source_walk walk;
	struct arena walked;
	size_t at; /* file that is read */
};

static void refuse(struct adding *a, const char *sentence)
{
	a->counts->refused++;
	if (a->progress && a->progress->refused)
		a->progress->refused(a->progress->context, sentence);
}

static void refuse_walked(void *context, const char *sentence)
{
	refuse(context, sentence);
}

static bool put_item(struct batch *b, struct batch_item *item, struct error *err)
{
	if (!documents_put(b->l->documents, &item->row, err))
		return false;
	for (size_t i = 0; i < b->n_collections; i++)
		if (!chunks_put(b->l->documents, b->collections[i].id, &item->row, item->chunks[i], item->n_chunks[i], err))
			return false;
	return true;
}

/* In a write that ends here. *same false: the collections changed since the items were cut, and nothing was written. */
static bool write_items(struct batch *b, bool *same, struct error *err)
{
	bool ok = documents_begin_write(b->l->documents, err) && batch_collections(b, NULL, same, err);

	if (ok && !*same)
		ok = batch_cut_again(b, err);
	for (size_t i = 0; ok && *same && i < b->n; i++)
		ok = put_item(b, &b->items[i], err);
	if (ok && *same)
		ok = documents_commit(b->l->documents, err);
	documents_end(b->l->documents);
	return ok;
}

/* Embeds and writes what was gathered. */
static bool flush(struct adding *a)
{
	struct batch *b = &a->batch;
	bool same = false, ok = true;
	size_t changed = 0, embedded = 0;

	for (size_t i = 0; i < b->n; i++)
		changed += b->items[i].row.id != 0;
	while (ok && !same && b->n > 0) {
		embedded = b->n_waiting;
		ok = batch_embed(b, a->err) && write_items(b, &same, a->err);
	}
	if (ok) {
		a->counts->changed += changed;
		a->counts->added += b->n - changed;
		a->counts->embedded += embedded;
	}
	batch_clear(b);
	return ok;
}

/* Inside a read: the stored document of that name. *same: it was read from these bytes. */
static bool look_up(struct adding *a, struct document_row *row, bool *same)
{
	struct document_row stored;
	bool found;

	if (!documents_find(a->l->documents, row->name, &a->batch.arena, &stored, &found, a->err))
		return false;
	*same = found && stored.hash == row->hash;
	if (found)
		row->id = stored.id;
	return true;
}

static bool is_unchanged(struct adding *a, struct document_row *row, bool *same)
{
	bool ok = documents_begin_read(a->l->documents, a->err) && look_up(a, row, same);

	documents_end(a->l->documents);
	a->counts->unchanged += ok && *same;
	return ok;
}

/* The parsed document goes into the batch; its texts live there already. */
static bool gather(struct adding *a, struct batch_item *item, const char *media, const char *meta)
{
	struct batch *b = &a->batch;

	item->row.media = media;
	item->row.title = item->document.title;
	item->row.meta = meta;
	item->row.text = item->document.text;
	item->row.n = item->document.n;
	item->row.structure = structure_write(&item->document, &b->arena);
	bool ok = documents_begin_read(a->l->documents, a->err) && batch_add(b, item, a->err);

	documents_end(a->l->documents);
	return ok && (!batch_full(b) || flush(a));
}

/* False when the name was there before. */
static bool take_name(struct adding *a, const char *name)
{
	size_t n = strlen(name), number = a->names.n;

	if (hash_map_get(&a->names, name, n, SIZE_MAX) != SIZE_MAX)
		return false;
	hash_map_put(&a->names, arena_copy(&a->kept, name, n), n, number);
	return true;
}

static bool same_state(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Calls read until the file stayed as it was meanwhile, twice at most. False: refused with a sentence. */
static bool read_steadily(struct adding *a, const struct source_file *f, bool (*read)(struct adding *a, const struct source_file *f,
			  void *out, struct error *why), void *out)
{
	struct stat before, after;
	struct error why;

	for (int attempt = 0; attempt < 2; attempt++) {
		bool seen = stat(f->path, &before) == 0;

		progress_step(a->progress, "reading documents", a->at, a->walk.n_files);
		bool done = read(a, f, out, &why);

		if (seen && stat(f->path, &after) == 0 && same_state(&before, &after)) {
			if (!done)
				refuse(a, why.text);
			return done;
		}
	}
	error_set(&why, "%s: changed while it was read; add it again when it is finished", f->name);
	refuse(a, why.text);
	return false;
}

struct reading {
	struct batch_item item;
	enum media media;
	bool same;
	bool failed; /* not the file's fault: a->err is set */
};

static bool read_file(struct adding *a, const struct source_file *f, void *out, struct error *why)
{
	struct reading *r = out;
	size_t n = 0;
	char *bytes = file_read(f->path, DOCUMENT_BYTES, &n, why);
	bool ok = bytes != NULL;

	if (!ok)
		return false;
	*r = (struct reading){ .item.row = { .name = arena_string(&a->batch.arena, f->name), .hash = hash64(bytes, n, READING) } };
	media_of(f->name, &r->media);
	r->failed = !documents_begin_read(a->l->documents, a->err) || !look_up(a, &r->item.row, &r->same);
	documents_end(a->l->documents);
	if (!r->failed && !r->same)
		ok = document_parse(r->media, f->name, f->path, bytes, n, &a->batch.arena, &r->item.document, why);
	free(bytes);
	return ok;
}

static bool add_file(struct adding *a, const struct source_file *f)
{
	struct reading r = { 0 };

	take_name(a, f->name);
	if (!read_steadily(a, f, read_file, &r))
		return true;
	if (r.failed)
		return false;
	a->counts->unchanged += r.same;
	return r.same || gather(a, &r.item, media_name(r.media), arena_printf(&a->batch.arena, "{\"media\":\"%s\"}", media_name(r.media)));
}

struct columns {
	size_t *text, id; /* id: SIZE_MAX for none */
};

static bool find_column(const struct table *t, const char *name, size_t *at, const char *file, struct error *why)
{
	struct buf names = { 0 };

	for (*at = 0; *at < t->n_columns; ++*at) {
		if (strcmp(t->columns[*at], name) == 0) {
			buf_release(&names);
			return true;
		}
		buf_addf(&names, "%s%s", *at ? ", " : "", t->columns[*at]);
	}
	error_set(why, "%s: there is no column \"%s\"; there are %s", file, name, buf_text(&names));
	buf_release(&names);
	return false;
}

struct rows {
	struct arena arena;
	struct table table;
	struct columns columns;
};

static bool read_rows(struct adding *a, const struct source_file *f, void *out, struct error *why)
{
	struct rows *r = out;
	const struct source *s = a->source;

	arena_release(&r->arena);
	if (!table_read(&r->table, &r->arena, f->path, why))
		return false;
	r->columns = (struct columns){ arena_array(&r->arena, s->n_text, sizeof(size_t)), SIZE_MAX };
	for (size_t i = 0; i < s->n_text; i++)
		if (!find_column(&r->table, s->text[i], &r->columns.text[i], f->name, why))
			return false;
	return !s->id || find_column(&r->table, s->id, &r->columns.id, f->name, why);
}

static bool is_text_column(const struct adding *a, const struct rows *r, size_t column)
{
	for (size_t i = 0; i < a->source->n_text; i++)
		if (r->columns.text[i] == column)
			return true;
	return false;
}

static const char *row_meta(struct adding *a, const struct rows *r, const struct table_row *row)
{
	json_t *meta = json_pack("{s:s}", "media", media_name(MEDIA_ROW));

	for (size_t c = 0; c < r->table.n_columns; c++)
		if (!is_text_column(a, r, c) && row->values[c][0])
			json_object_set_new(meta, r->table.columns[c], json_string(row->values[c]));
	char *text = json_dumps(meta, JSON_COMPACT | JSON_SORT_KEYS);
	const char *kept = arena_string(&a->batch.arena, text);

	free(text);
	json_decref(meta);
	return kept;
}

static void row_text(const struct adding *a, const struct rows *r, const struct table_row *row, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < a->source->n_text; i++) {
		const char *value = row->values[r->columns.text[i]];

		if (value[0] && out->n)
			buf_adds(out, ": ");
		buf_adds(out, value);
	}
}

static const char *row_name(struct adding *a, const struct source_file *f, const struct rows *r, size_t number)
{
	if (r->columns.id == SIZE_MAX)
		return arena_printf(&a->batch.arena, "%s#%zu", f->name, number + 1);
	return arena_printf(&a->batch.arena, "%s#%s", f->name, r->table.rows[number].values[r->columns.id]);
}

/* A row that cannot be a document is refused by its line. */
static bool add_row(struct adding *a, const struct source_file *f, const struct rows *r, size_t number, struct buf *text)
{
	const struct table_row *row = &r->table.rows[number];
	struct batch_item item = { .row = { .name = row_name(a, f, r, number) } };
	const char *meta = row_meta(a, r, row);
	struct error why;
	bool same = false;

	if (r->columns.id != SIZE_MAX && !row->values[r->columns.id][0]) {
		table_fail(&r->table, row->line, &why, "the column %s, which names the row, is empty", a->source->id);
		refuse(a, why.text);
		return true;
	}
	if (!take_name(a, item.row.name)) {
		table_fail(&r->table, row->line, &why, "a row before is named \"%s\" too; this one is left out",
			   row->values[r->columns.id]);
		refuse(a, why.text);
		return true;
	}
	row_text(a, r, row, text);
	item.row.hash = hash64(meta, strlen(meta), hash64(buf_text(text), text->n, READING));
	if (!is_unchanged(a, &item.row, &same) || same)
		return same;
	if (!document_parse(MEDIA_ROW, item.row.name, NULL, buf_text(text), text->n, &a->batch.arena, &item.document, &why)) {
		refuse(a, why.text);
		return true;
	}
	return gather(a, &item, media_name(MEDIA_ROW), meta);
}

/* A table that cannot be read keeps the rows that it had. */
static void keep_rows(struct adding *a, const struct source_file *f)
{
	take_name(a, arena_printf(&a->kept, "%s#", f->name));
}

static bool add_rows(struct adding *a, const struct source_file *f)
{
	struct rows r = { 0 };
	struct buf text = { 0 };
	bool ok = true;

	if (!read_steadily(a, f, read_rows, &r))
		keep_rows(a, f);
	else
		for (size_t i = 0; ok && i < r.table.n_rows; i++) {
			if (i % 256 == 0)
				progress_step(a->progress, f->name, i, r.table.n_rows);
			ok = add_row(a, f, &r, i, &text);
			if (i % 256 == 255 && a->batch.n == 0) /* nothing but unchanged rows */
				batch_clear(&a->batch);
		}
	buf_release(&text);
	arena_release(&r.arena);
	return ok;
}

static bool is_below(const char *name, const char *folder)
{
	size_t n = strlen(folder);

	return n == 0 || (strncmp(name, folder, n) == 0 && (name[n] == '/' || folder[n - 1] == '/'));
}

/* The source covers it, was read, and does not hold it any more. */
static bool is_gone(void *context, const char *name)
{
	const struct adding *a = context;

	if (!source_covers(a->source, name) || hash_map_get(&a->names, name, strlen(name), SIZE_MAX) != SIZE_MAX)
		return false;
	for (size_t i = 0; i < a->walk.n_unknown; i++)
		if (is_below(name, a->walk.unknown[i]))
			return false;
	for (const char *row = name; (row = strchr(row, '#')); row++) /* in a table that was refused */
		if (hash_map_get(&a->names, name, (size_t)(row - name) + 1, SIZE_MAX) != SIZE_MAX)
			return false;
	return true;
}

/* Every cutting that there is, by the present model; the default when there is none. */
static bool prepare_all(struct library *l, const struct library_progress *progress, struct error *err)
{
	struct arena arena = { 0 };
	struct collection_row *rows = NULL;
	size_t n = 0;
	bool ok = documents_begin_read(l->documents, err) && collections_list(l->documents, &arena, &rows, &n, err);

	documents_end(l->documents);
	if (ok && n == 0)
		ok = library_prepare(l, &cutting_default, progress, err);
	for (size_t i = 0; ok && i < n; i++) {
		struct cutting c = cutting_of(&rows[i]);

		ok = library_prepare(l, &c, progress, err);
	}
	arena_release(&arena);
	return ok;
}

static bool begin_batch(struct adding *a)
{
	bool same, ok = documents_begin_read(a->l->documents, a->err) && batch_collections(&a->batch, NULL, &same, a->err);

	documents_end(a->l->documents);
	return ok;
}

static bool add_all(struct adding *a)
{
	bool ok = begin_batch(a);

	if (ok)
		a->walk = source_walk(a->source, &a->walked, refuse_walked, a);
	for (a->at = 0; ok && a->at < a->walk.n_files; a->at++) {
		ok = !progress_stopped(a->progress, a->err) &&
		     (a->source->n_text ? add_rows : add_file)(a, &a->walk.files[a->at]);
		if (a->batch.n == 0)
			batch_clear(&a->batch);
	}
	return ok && flush(a);
}

bool library_add(struct library *l, const struct source *source, bool prune, const struct library_progress *progress,
		 struct library_counts *counts, struct error *err)
{
	struct adding a = { .l = l, .source = source, .progress = progress, .counts = counts, .err = err };

	batch_init(&a.batch, l, progress);
	bool ok = library_model(l, err) && prepare_all(l, progress, err) && add_all(&a);

	if (ok && prune)
		ok = library_remove_if(l, is_gone, &a, counts, err);
	batch_release(&a.batch);
	hash_map_release(&a.names);
	arena_release(&a.kept);
	arena_release(&a.walked);
	return ok;
}
