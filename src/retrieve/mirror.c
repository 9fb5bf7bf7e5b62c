/* mirror.c - the vectors of a collection in memory, following the snapshot that is open. */
#include "retrieve/library_inner.h"

struct loading {
	struct mirror *m;
	bool ordered;
};

static void take_vector(void *context, int64_t id, int64_t document, const int8_t *codes, float scale)
{
	struct loading *load = context;
	struct mirror *m = load->m;
	struct mirror_run *run = m->n_runs ? &m->runs[m->n_runs - 1] : NULL;

	m->last = id;
	if (!codes)
		return;
	load->ordered = vector_index_add(m->index, id, codes, scale) && load->ordered;
	if (run && run->document == document && run->first + (int64_t)run->n == id) {
		run->n++;
		return;
	}
	if (!m->runs || m->n_runs == m->capacity) {
		m->capacity = m->capacity ? m->capacity * 2 : 64;
		m->runs = mem_resize(m->runs, m->capacity, sizeof(*m->runs));
	}
	m->runs[m->n_runs++] = (struct mirror_run){ document, id, 1 };
}

static bool holds(const int64_t *ids, size_t n, int64_t id)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && ids[low] == id;
}

/* Whether the run's chunks are still the collection's: a document that was merely cut for another one has changed too. */
static bool is_kept(struct library *l, const struct mirror *m, const struct mirror_run *run, bool *kept, struct error *err)
{
	struct arena arena = { 0 };
	struct chunk_row first;
	bool ok = chunk_get(l->documents, m->collection, run->first, &arena, &first, kept, err);

	arena_release(&arena);
	return ok;
}

static bool drop_changed(struct library *l, struct mirror *m, const int64_t *documents, size_t n, struct error *err)
{
	size_t n_kept = 0;
	bool ok = true;

	for (size_t i = 0; i < m->n_runs; i++) {
		struct mirror_run run = m->runs[i];
		bool kept = true;

		if (ok && holds(documents, n, run.document))
			ok = is_kept(l, m, &run, &kept, err);
		if (kept || !ok)
			m->runs[n_kept++] = run;
		for (size_t c = 0; c < run.n && !kept && ok; c++)
			vector_index_remove(m->index, run.first + (int64_t)c);
	}
	m->n_runs = n_kept;
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
	m->n_runs = 0;
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
	free(m->runs);
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

	for (size_t i = 0; i < m->n_runs; i++) {
		if (!holds(documents, n, m->runs[i].document))
			continue;
		for (size_t c = 0; c < m->runs[i].n; c++) {
			size_t p = vector_index_position(m->index, m->runs[i].first + (int64_t)c);

			if (p != SIZE_MAX)
				bits[p / 64] |= (uint64_t)1 << p % 64;
		}
	}
	return bits;
}
