/* mirror.c - the vectors of a collection in memory, following the snapshot that is open. */
#include "retrieve/library_inner.h"

struct loading {
	struct mirror *m;
	bool ordered;
};

static int64_t document_of(const struct mirror_run *run, size_t chunk)
{
	return run->document + (run->rows ? (int64_t)chunk : 0);
}

static struct mirror_run part_of(const struct mirror_run *run, size_t from, size_t to)
{
	return (struct mirror_run){ document_of(run, from), run->first + (int64_t)from, to - from, run->rows };
}

static void add_run(struct mirror_runs *r, const struct mirror_run *run)
{
	if (run->n == 0)
		return;
	if (!r->list || r->n == r->capacity) {
		r->capacity = r->capacity ? r->capacity * 2 : 64;
		r->list = mem_resize(r->list, r->capacity, sizeof(*r->list));
	}
	r->list[r->n++] = *run;
}

/* Lengthens the last run, or begins another. */
static void add_chunk(struct mirror_runs *r, int64_t id, int64_t document)
{
	struct mirror_run *run = r->n ? &r->list[r->n - 1] : NULL;

	if (run && run->first + (int64_t)run->n == id) {
		bool same = !run->rows && run->document == document;
		bool next = (run->rows || run->n == 1) && run->document + (int64_t)run->n == document;

		if (same || next) {
			run->rows = next;
			run->n++;
			return;
		}
	}
	add_run(r, &(struct mirror_run){ document, id, 1, false });
}

static void take_vector(void *context, int64_t id, int64_t document, const int8_t *codes, float scale)
{
	struct loading *load = context;
	struct mirror *m = load->m;

	m->last = id;
	if (!codes)
		return;
	load->ordered = vector_index_add(m->index, id, codes, scale) && load->ordered;
	add_chunk(&m->runs, id, document);
}

/* The first of the rising ids that is not below id. */
static size_t lower_bound(const int64_t *ids, size_t n, int64_t id)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whether the chunk is still the collection's: a document that was merely cut for another one has changed too. */
static bool is_kept(struct library *l, const struct mirror *m, int64_t id, bool *kept, struct error *err)
{
	struct arena arena = { 0 };
	struct chunk_row chunk;
	bool ok = chunk_get(l->documents, m->collection, id, &arena, &chunk, kept, err);

	arena_release(&arena);
	return ok;
}

/* Those chunks [from, to) of a run go that are not the collection's any more; all have one document. */
static bool drop_part(struct library *l, struct mirror *m, const struct mirror_run *run, size_t from, size_t to,
		      struct mirror_runs *left, struct error *err)
{
	struct mirror_run part = part_of(run, from, to);
	bool kept;

	if (!is_kept(l, m, part.first, &kept, err))
		return false;
	if (kept)
		add_run(left, &part);
	for (size_t c = 0; c < part.n && !kept; c++)
		vector_index_remove(m->index, part.first + (int64_t)c);
	return true;
}

/* What is left of a run when the documents have changed. */
static bool drop_from_run(struct library *l, struct mirror *m, const struct mirror_run *run, const int64_t *documents, size_t n,
			  struct mirror_runs *left, struct error *err)
{
	size_t from = 0;
	int64_t last = document_of(run, run->n - 1);

	for (size_t i = lower_bound(documents, n, run->document); i < n && documents[i] <= last; i++) {
		size_t at = run->rows ? (size_t)(documents[i] - run->document) : 0, to = run->rows ? at + 1 : run->n;
		struct mirror_run before = part_of(run, from, at);

		add_run(left, &before);
		if (!drop_part(l, m, run, at, to, left, err))
			return false;
		from = to;
	}
	struct mirror_run rest = part_of(run, from, run->n);

	add_run(left, &rest);
	return true;
}

static bool drop_changed(struct library *l, struct mirror *m, const int64_t *documents, size_t n, struct error *err)
{
	struct mirror_runs left = { 0 };
	bool ok = true;

	for (size_t i = 0; i < m->runs.n && ok; i++)
		ok = drop_from_run(l, m, &m->runs.list[i], documents, n, &left, err);
	free(m->runs.list);
	m->runs = left;
	if (!ok) { /* half of it done: read anew next time */
		vector_index_free(m->index);
		m->index = NULL;
		m->runs.n = 0;
	}
	return ok;
}

static bool begin_anew(struct mirror *m, size_t width, struct error *err)
{
	struct vector_options options = { .width = width };
	struct vector_index *index = vector_index_new(&options, err);

	if (!index)
		return false;
	vector_index_free(m->index);
	m->index = index;
	m->runs.n = 0;
	m->last = 0;
	return true;
}

/* What changed since the mirror's version goes, or everything when that is not known any more. */
static bool forget_changed(struct library *l, struct mirror *m, size_t width, struct error *err)
{
	struct arena arena;
	int64_t *changed;
	size_t n;
	bool known = false;

	arena_init(&arena);
	bool ok = documents_changed(l->documents, m->version, &arena, &changed, &n, &known, err);

	if (ok && known && m->index)
		ok = drop_changed(l, m, changed, n, err);
	arena_release(&arena);
	return ok && ((known && m->index) || begin_anew(m, width, err));
}

static struct mirror *find_or_make(struct library *l, int64_t collection)
{
	struct mirror *m;

	for (size_t i = 0; i < l->n_mirrors; i++)
		if (l->mirrors[i]->collection == collection)
			return l->mirrors[i];
	m = mem_zero(1, sizeof(*m));
	m->collection = collection;
	l->mirrors = mem_resize((void *)l->mirrors, l->n_mirrors + 1, sizeof(struct mirror *));
	l->mirrors[l->n_mirrors++] = m;
	return m;
}

void mirror_free(struct mirror *m)
{
	vector_index_free(m->index);
	free(m->runs.list);
	free(m);
}

/* Chunks whose collection is gone need no memory. */
static void free_dropped(struct library *l, const struct collection_row *rows, size_t n)
{
	for (size_t i = 0; i < l->n_mirrors; i++) {
		bool there = false;

		for (size_t c = 0; c < n; c++)
			there = there || rows[c].id == l->mirrors[i]->collection;
		if (!there) {
			mirror_free(l->mirrors[i]);
			l->mirrors[i--] = l->mirrors[--l->n_mirrors];
		}
	}
}

struct mirror *mirror_refresh(struct library *l, const struct collection_row *rows, size_t n, const struct collection_row *c,
			      struct error *err)
{
	struct mirror *m;
	int64_t version;

	free_dropped(l, rows, n);
	m = find_or_make(l, c->id);
	if (!documents_version(l->documents, &version, err))
		return NULL;
	if (m->index && m->version == version)
		return m;
	struct loading load = { m, true };

	if (!forget_changed(l, m, c->width, err) || !chunks_each(l->documents, c->id, m->last, take_vector, &load, err))
		return NULL;
	if (!load.ordered) {
		error_set(err, "%s: the chunks of collection %lld do not rise; `rung docs verify` says what else is wrong", l->path,
			  (long long)c->id);
		return NULL;
	}
	m->version = version;
	return m;
}

uint64_t *mirror_allowed(const struct mirror *m, const int64_t *documents, size_t n, struct arena *arena)
{
	uint64_t *bits = arena_array(arena, vector_index_positions(m->index) / 64 + 1, sizeof(*bits));

	for (size_t i = 0; i < m->runs.n; i++) {
		const struct mirror_run *run = &m->runs.list[i];
		size_t k = lower_bound(documents, n, run->document);

		for (size_t c = 0; c < run->n; c++) {
			while (k < n && documents[k] < document_of(run, c))
				k++;
			if (k == n)
				break;
			size_t p = documents[k] == document_of(run, c) ? vector_index_position(m->index, run->first + (int64_t)c) : SIZE_MAX;

			if (p != SIZE_MAX)
				bits[p / 64] |= (uint64_t)1 << p % 64;
		}
	}
	return bits;
}
