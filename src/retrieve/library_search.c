/* library_search.c - one snapshot: words and vectors ranked, fused, made diverse, and turned into passages. */
#include <math.h>

#include "retrieve/library_inner.h"

/* What all queries of a search share. */
struct searching {
	struct library *l;
	const struct search *s;
	struct arena *arena;
	struct collection_row collection;
	const struct mirror *mirror; /* NULL: words alone */
	size_t depth;
	const int64_t *documents; /* (n_documents) that may be returned; NULL: all */
	size_t n_documents;
	const uint64_t *allowed;  /* the same as a bitmap over the mirror */
};

/* The newest ready collection of the cutting, the present model's when there is one. */
static bool choose_collection(struct searching *x, struct collection_row *rows, size_t n, struct error *err)
{
	const struct collection_row *chosen = NULL;
	bool building = false, owned = false;

	for (size_t i = 0; i < n; i++) {
		struct cutting of = cutting_of(&rows[i]);

		if (!cutting_equal(&of, &x->s->cutting))
			continue;
		building = building || !rows[i].ready;
		if (!rows[i].ready || owned)
			continue;
		chosen = &rows[i];
		owned = x->l->model && library_owns(x->l, chosen);
	}
	if (!chosen)
		return error_set(err, "%s: documents have not been cut into chunks of %zu tokens%s; run `rung docs add` again", x->l->path,
				 x->s->cutting.size, building ? " yet, that was interrupted" : "");
	x->collection = *chosen;
	if (x->s->mode == SEARCH_WORDS || !owned || chosen->width == 0)
		x->l->served = SEARCH_WORDS;
	return true;
}

static bool prepare_search(struct searching *x, struct error *err)
{
	struct collection_row *rows;
	struct documents *d = x->l->documents;
	int64_t *ids;
	size_t n;

	x->l->served = x->s->mode;
	if (!collections_list(d, x->arena, &rows, &n, err) || !choose_collection(x, rows, n, err))
		return false;
	if (x->l->served != SEARCH_WORDS && !(x->mirror = mirror_refresh(x->l, rows, n, &x->collection, err)))
		return false;
	if (x->s->n_filters == 0)
		return true;
	if (!documents_filter(d, x->s->filters, x->s->n_filters, x->arena, &ids, &x->n_documents, err))
		return false;
	x->documents = ids ? ids : arena_alloc(x->arena, sizeof(*ids));
	if (x->mirror)
		x->allowed = mirror_allowed(x->mirror, x->documents, x->n_documents, x->arena);
	return true;
}

static bool rank_words(struct searching *x, const char *query, struct ranked *out, size_t *n, struct error *err)
{
	struct word_hit *hits;

	if (!words_search(x->l->documents, x->collection.id, query, x->depth, x->documents, x->n_documents, x->arena, &hits, n, err))
		return false;
	for (size_t i = 0; i < *n; i++)
		out[i] = (struct ranked){ hits[i].chunk, hits[i].score };
	return true;
}

static size_t rank_vectors(struct searching *x, const float *vector, struct ranked *out)
{
	struct vector_hit *hits = arena_array(x->arena, x->depth, sizeof(*hits));
	size_t n = vector_index_search(x->mirror->index, vector, x->depth, x->allowed, NULL, hits);

	for (size_t i = 0; i < n; i++)
		out[i] = (struct ranked){ hits[i].id, (double)hits[i].score };
	return n;
}

static float dot(const float *a, const float *b, size_t n)
{
	float sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Cosines between all items; a chunk that has no vector is like no other. */
static float *similarities(struct searching *x, const struct ranked *items, size_t n)
{
	size_t width = x->collection.width;
	float *vectors = arena_array(x->arena, n * width, sizeof(*vectors)), *out = arena_array(x->arena, n * n, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		vector_index_get(x->mirror->index, items[i].id, vectors + i * width);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++)
			out[i * n + j] = out[j * n + i] = dot(vectors + i * width, vectors + j * width, width);
	return out;
}

/* Scores are brought to 0 .. 1, the range of cosines, while the order is found, and are given back after. */
static void diversify(struct searching *x, struct ranked *items, size_t n)
{
	struct ranked *scaled = arena_array(x->arena, n, sizeof(*scaled)), *before = arena_array(x->arena, n, sizeof(*before));
	double best = items[0].score, worst = items[n - 1].score;

	for (size_t i = 0; i < n; i++) {
		before[i] = items[i];
		scaled[i] = (struct ranked){ items[i].id, best > worst ? (items[i].score - worst) / (best - worst) : 1 };
	}
	rank_diversify(scaled, n, n, x->s->diversity, similarities(x, items, n));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (before[j].id == scaled[i].id)
				items[i] = before[j];
}

static bool rank_query(struct searching *x, const char *query, const float *vector, struct ranked **items, size_t *n,
		       struct error *err)
{
	struct ranked *words = arena_array(x->arena, x->depth, sizeof(*words)), *near = arena_array(x->arena, x->depth, sizeof(*near));
	size_t n_words = 0, n_near = 0;

	if (x->l->served != SEARCH_VECTORS && !rank_words(x, query, words, &n_words, err))
		return false;
	if (x->mirror)
		n_near = rank_vectors(x, vector, near);
	if (x->l->served == SEARCH_FUSED) {
		*items = arena_array(x->arena, n_words + n_near, sizeof(**items));
		*n = rank_fuse(&x->s->fusion, words, n_words, near, n_near, *items);
	} else {
		*items = x->mirror ? near : words;
		*n = n_words + n_near;
	}
	if (*n > x->depth)
		*n = x->depth;
	if (x->s->diversity > 0 && x->mirror && *n > 1)
		diversify(x, *items, *n);
	return true;
}

static bool overlap(const struct passage *a, const struct passage *b)
{
	return a->revision == b->revision && a->start < b->end && b->start < a->end;
}

/* Adds the passage, or widens the best one that it overlaps; others that it overlaps are in that one then. Those in the list
 * do not overlap one another. */
static void place(struct passage *list, size_t *n, const struct passage *p)
{
	struct passage span = *p;
	size_t kept = 0, at = SIZE_MAX;

	for (size_t i = 0; i < *n; i++) {
		struct passage q = list[i];

		if (!overlap(&q, p)) {
			list[kept++] = q;
			continue;
		}
		span.start = q.start < span.start ? q.start : span.start;
		span.end = q.end > span.end ? q.end : span.end;
		if (at == SIZE_MAX) {
			at = kept;
			list[kept++] = q;
		}
	}
	if (at == SIZE_MAX)
		list[at = kept++] = *p;
	list[at].start = span.start;
	list[at].end = span.end;
	*n = kept;
}

static bool read_passage(struct searching *x, const struct ranked *item, const float *vector, struct passage *p, struct error *err)
{
	size_t width = x->collection.width;
	float *own = arena_array(x->arena, width, sizeof(*own));
	struct document_row document = { 0 };
	struct chunk_row chunk = { 0 };
	bool found;

	if (!chunk_get(x->l->documents, x->collection.id, item->id, x->arena, &chunk, &found, err) ||
	    (found && !documents_get(x->l->documents, chunk.document, x->arena, &document, &found, err)))
		return false;
	if (!found)
		return error_set(err, "%s: chunk %lld has no document; `rung docs verify` says what else is wrong", x->l->path,
				 (long long)item->id);
	*p = (struct passage){
		.chunk = chunk.id, .revision = chunk.revision, .key = chunk.key, .document = document.name, .title = document.title,
		.heading = chunk.heading, .start = x->s->parents ? chunk.parent_start : chunk.start,
		.end = x->s->parents ? chunk.parent_end : chunk.end, .score = item->score, .similarity = NAN,
	};
	if (x->mirror && vector_index_get(x->mirror->index, item->id, own))
		p->similarity = (double)dot(own, vector, width);
	return true;
}

static bool find_passages(struct searching *x, const char *query, const float *vector, struct passage **passages, size_t *n,
			  struct error *err)
{
	struct ranked *items;
	size_t n_items;

	*n = 0;
	if (!rank_query(x, query, vector, &items, &n_items, err))
		return false;
	*passages = arena_array(x->arena, x->s->k + 1, sizeof(**passages));
	for (size_t i = 0; i < n_items && *n < x->s->k; i++) {
		struct passage p = { 0 };

		if (!read_passage(x, &items[i], vector, &p, err))
			return false;
		if (x->s->parents)
			place(*passages, n, &p);
		else
			(*passages)[(*n)++] = p;
	}
	for (size_t i = 0; i < *n; i++) {
		struct passage *p = &(*passages)[i];

		if (!documents_span(x->l->documents, p->revision, p->start, p->end, x->arena, &p->text, err))
			return false;
	}
	return true;
}

/* Vectors of the queries (n, width); NULL where none are wanted or can be had. */
static bool embed_queries(struct library *l, const char *const *queries, size_t n, const struct search *s, float **vectors,
			  struct error *err)
{
	*vectors = NULL;
	if (s->mode == SEARCH_WORDS || !l->models)
		return true;
	if (!library_model(l, err))
		return false;
	*vectors = mem_alloc((n * l->width + 1) * sizeof(**vectors));
	if (models_embed(l->models, queries, n, *vectors, err))
		return true;
	free(*vectors);
	*vectors = NULL;
	return false;
}

bool library_search_all(struct library *l, const char *const *queries, size_t n_queries, const struct search *s,
			struct arena *arena, struct passage **passages, size_t *n, struct error *err)
{
	struct searching x = { .l = l, .s = s, .arena = arena, .depth = s->k > SEARCH_DEPTH ? s->k : SEARCH_DEPTH };
	float *vectors;

	if (!embed_queries(l, queries, n_queries, s, &vectors, err))
		return false;
	bool ok = documents_begin_read(l->documents, err) && prepare_search(&x, err);

	for (size_t i = 0; ok && i < n_queries; i++)
		ok = find_passages(&x, queries[i], vectors ? vectors + i * l->width : NULL, &passages[i], &n[i], err);
	documents_end(l->documents);
	free(vectors);
	return ok;
}

bool library_search(struct library *l, const char *query, const struct search *s, struct arena *arena,
		    struct passage **passages, size_t *n, struct error *err)
{
	return library_search_all(l, &query, 1, s, arena, passages, n, err);
}
