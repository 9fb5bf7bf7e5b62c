/* curate_near.c - near copies among texts that are added one by one: an int8 scan over embeddings, or inverted lists. */
#include "base/arena.h"
#include "retrieve/vector_index.h"
#include "tune/curate_inner.h"

enum { LOOKED_AT = 8 }; /* the best by int8, whose order in f32 may be another */

struct posting {
	size_t text;
	double weight;
};
struct posting_list {
	struct posting *postings;
	size_t n, capacity;
};

struct near {
	const struct near_space *space;
	struct vector_index *index;  /* of embeddings */
	int8_t *codes;               /* (width) scratch */
	struct posting_list *lists;  /* (n_terms) of sparse rows */
	double *scores;              /* (n) scratch, zero between searches */
};

static void space_of_words(struct near_space *s, const char *const *texts, size_t n)
{
	static const struct tfidf_options words = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 1, .sublinear = true };
	struct tfidf *t = tfidf_fit(&words, texts, n);

	*s = (struct near_space){ .n = n, .rows = mem_zero(n, sizeof(struct sparse_row)), .n_terms = tfidf_terms(t), .alike = CURATE_WORDS_ALIKE };
	for (size_t i = 0; i < n; i++)
		s->rows[i] = tfidf_vector(t, texts[i]);
	tfidf_free(t);
}

bool near_space_init(struct near_space *s, const char *const *texts, size_t n, struct models *models, struct arena *arena, struct curation *out,
		     struct error *err)
{
	struct error why;
	size_t width = models ? models_embedding_width(models, &why) : 0;

	if (models && width == 0)
		out->note = arena_string(arena, why.text);
	if (width == 0) {
		space_of_words(s, texts, n);
		out->by = "words";
		return true;
	}
	float *vectors = mem_zero(n * width, sizeof(*vectors));

	*s = (struct near_space){ .n = n, .width = width, .vectors = vectors, .alike = CURATE_EMBEDDINGS_ALIKE };
	out->by = models_embedding_name(models);
	return models_embed(models, texts, n, vectors, err);
}

void near_space_release(struct near_space *s)
{
	free((void *)s->vectors);
	for (size_t i = 0; s->rows && i < s->n; i++)
		free(s->rows[i].entries);
	free(s->rows);
}

struct near *near_new(const struct near_space *space, struct error *err)
{
	struct near *x = mem_zero(1, sizeof(*x));

	x->space = space;
	if (space->vectors) {
		x->codes = mem_zero(space->width, sizeof(*x->codes));
		x->index = vector_index_new(&(struct vector_options){ space->width, SIZE_MAX }, err);
		if (x->index)
			return x;
		near_free(x);
		return NULL;
	}
	x->lists = mem_zero(space->n_terms, sizeof(*x->lists));
	x->scores = mem_zero(space->n, sizeof(*x->scores));
	return x;
}

void near_free(struct near *x)
{
	if (!x)
		return;
	for (size_t t = 0; x->lists && t < x->space->n_terms; t++)
		free(x->lists[t].postings);
	free(x->lists);
	free(x->scores);
	free(x->codes);
	vector_index_free(x->index);
	free(x);
}

static void list_add(struct posting_list *l, struct posting p)
{
	if (l->n == l->capacity) {
		l->capacity = l->capacity ? l->capacity * 2 : 4;
		l->postings = mem_resize(l->postings, l->capacity, sizeof(*l->postings));
	}
	l->postings[l->n++] = p;
}

void near_add(struct near *x, size_t i)
{
	const struct near_space *s = x->space;

	if (x->index) {
		float scale = vector_quantise(s->vectors + i * s->width, s->width, x->codes);

		vector_index_add(x->index, (int64_t)i, x->codes, scale);
		return;
	}
	for (size_t j = 0; j < s->rows[i].n; j++)
		list_add(&x->lists[s->rows[i].entries[j].term], (struct posting){ i, (double)s->rows[i].entries[j].weight });
}

static bool find_vector(struct near *x, size_t i, size_t *which, double *cosine)
{
	const struct near_space *s = x->space;
	const float *query = s->vectors + i * s->width;
	struct vector_hit hits[LOOKED_AT];
	size_t n = vector_index_search(x->index, query, LOOKED_AT, NULL, NULL, hits);

	*cosine = 0;
	for (size_t h = 0; h < n; h++) {
		const float *other = s->vectors + (size_t)hits[h].id * s->width;
		double dot = 0;

		for (size_t j = 0; j < s->width; j++)
			dot += (double)query[j] * (double)other[j];
		if (dot <= *cosine)
			continue;
		*cosine = dot;
		*which = (size_t)hits[h].id;
	}
	return *cosine >= s->alike;
}

static bool find_words(struct near *x, size_t i, size_t *which, double *cosine)
{
	struct sparse_row row = x->space->rows[i];

	*cosine = 0;
	for (size_t j = 0; j < row.n; j++) {
		const struct posting_list *l = &x->lists[row.entries[j].term];

		for (size_t p = 0; p < l->n; p++) {
			double *score = &x->scores[l->postings[p].text];

			*score += (double)row.entries[j].weight * l->postings[p].weight;
			if (*score > *cosine) {
				*cosine = *score;
				*which = l->postings[p].text;
			}
		}
	}
	for (size_t j = 0; j < row.n; j++) {
		const struct posting_list *l = &x->lists[row.entries[j].term];

		for (size_t p = 0; p < l->n; p++)
			x->scores[l->postings[p].text] = 0;
	}
	return *cosine >= x->space->alike;
}

bool near_find(struct near *x, size_t i, size_t *which, double *cosine)
{
	return x->index ? find_vector(x, i, which, cosine) : find_words(x, i, which, cosine);
}
