/* label_table.c - many: true without a language model: the labels' own names and definitions are the rows of a table, and an
 * item has those that come near enough to one of its sentences. How near is chosen on the pool. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "retrieve/sentence_rank.h"
#include "tune/cut.h"
#include "variant/lookup.h"
#include "variant/sets.h"

enum { ROWS_SHOWN = 5 }; /* of those that are not near enough too */

struct label_table {
	struct tfidf_index *words; /* NULL: vectors */
	float *vectors;            /* (n_labels, width), of unit length */
	const char **rows;         /* (n_labels) */
	double threshold;
};

void label_table_free(struct label_table *t)
{
	if (!t)
		return;
	tfidf_index_free(t->words);
	free(t->vectors);
	free(t);
}

static void list_rows(struct workshop *w, struct label_table *t)
{
	t->rows = arena_array(&w->arena, w->task->n_labels, sizeof(*t->rows));
	for (size_t i = 0; i < w->task->n_labels; i++) {
		const struct label *l = &w->task->labels[i];

		t->rows[i] = l->definition ? arena_printf(&w->arena, "%s %s", l->name, l->definition) : l->name;
	}
}

static bool index_rows(struct workshop *w, struct label_table *t, bool vectors, struct error *err)
{
	static const struct tfidf_options words = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 2, .sublinear = true };
	size_t n = w->task->n_labels;

	list_rows(w, t);
	if (!vectors) {
		t->words = tfidf_index_new(&words, t->rows, n);
		return true;
	}
	if (!workshop_vectors(w, err))
		return false;
	t->vectors = mem_zero(n * w->width, sizeof(*t->vectors));
	return models_embed(w->models, t->rows, n, t->vectors, err);
}

/* The greater of what stands there and a sentence's similarity to each row; by words. */
static void rate_words(const struct label_table *t, size_t labels, const char *sentence, struct arena *arena, double *best)
{
	double *similarity = arena_array(arena, labels, sizeof(*similarity));
	size_t *at = arena_array(arena, labels, sizeof(*at)), found = tfidf_nearest(t->words, sentence, labels, SIZE_MAX, at, similarity);

	for (size_t i = 0; i < found; i++)
		best[at[i]] = fmax(best[at[i]], similarity[i]);
}

/* The same of all sentences (n), which are embedded together. */
static bool rate_vectors(struct workshop *w, const struct label_table *t, const char *const *sentences, size_t n, struct arena *arena,
			 double *best, struct error *err)
{
	float *vectors = arena_array(arena, n * w->width, sizeof(*vectors));

	if (!models_embed(w->models, sentences, n, vectors, err))
		return false;
	for (size_t s = 0; s < n; s++)
		for (size_t i = 0; i < w->task->n_labels; i++) {
			double dot = 0;

			for (size_t j = 0; j < w->width; j++)
				dot += (double)vectors[s * w->width + j] * (double)t->vectors[i * w->width + j];
			best[i] = fmax(best[i], dot);
		}
	return true;
}

/* Similarities (n_labels) of an input: of its sentences, the nearest. */
static bool rate(struct workshop *w, const struct label_table *t, const char *text, struct arena *arena, double *best,
		 struct error *err)
{
	size_t n;
	const struct span *spans = passage_sentences(text, strlen(text), arena, &n);
	const char **sentences = arena_array(arena, n, sizeof(*sentences));

	for (size_t i = 0; i < n; i++)
		sentences[i] = arena_copy(arena, text + spans[i].start, spans[i].end - spans[i].start);
	for (size_t i = 0; t->words && i < n; i++)
		rate_words(t, w->task->n_labels, sentences[i], arena, best);
	return t->words || n == 0 || rate_vectors(w, t, sentences, n, arena, best, err);
}

static struct class_sets sets_of(struct item_list items, struct arena *arena)
{
	size_t *starts = arena_array(arena, items.n + 1, sizeof(*starts)), *classes, n = 0;

	for (size_t i = 0; i < items.n; i++)
		starts[i + 1] = starts[i] + items.items[i]->n_labels;
	classes = arena_array(arena, starts[items.n] + 1, sizeof(*classes));
	for (size_t i = 0; i < items.n; i++)
		for (size_t k = 0; k < items.items[i]->n_labels; k++)
			classes[n++] = items.items[i]->labels[k];
	return (struct class_sets){ starts, classes };
}

static bool choose_threshold(struct workshop *w, struct label_table *t, struct error *err)
{
	enum { MOST = 2000 };
	struct item_list pool = w->task->pool.list;
	size_t labels = w->task->n_labels, n = pool.n < MOST ? pool.n : MOST;
	float *p = mem_zero(n * labels, sizeof(*p));
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++) {
		struct arena scratch;

		arena_init(&scratch);
		double *best = arena_array(&scratch, labels, sizeof(*best));

		ok = rate(w, t, workshop_text(w, &scratch, pool.items[i]), &scratch, best, err);
		for (size_t k = 0; k < labels; k++)
			p[i * labels + k] = (float)best[k];
		arena_release(&scratch);
	}
	struct class_sets truth = sets_of(pool, &w->arena);

	if (ok)
		t->threshold = cut_choose(p, NULL, n, labels, &truth).threshold;
	free(p);
	return ok;
}

static const struct label_table *table_of(struct workshop *w, struct label_table **place, bool vectors, struct error *err)
{
	if (*place)
		return *place;
	struct label_table *t = mem_zero(1, sizeof(*t));

	if (!index_rows(w, t, vectors, err) || !choose_threshold(w, t, err)) {
		label_table_free(t);
		return NULL;
	}
	return *place = t;
}

/* The nearest rows as passages; those that are near enough are cited. */
static const struct evidence *evidence_of(struct workshop *w, const struct label_table *t, const double *best, size_t n_near,
					  struct arena *arena)
{
	struct evidence *e = arena_alloc(arena, sizeof(*e));
	size_t labels = w->task->n_labels, most = n_near > ROWS_SHOWN ? n_near : ROWS_SHOWN, *at = arena_array(arena, most, sizeof(*at));
	double *similarity = arena_array(arena, most, sizeof(*similarity));
	size_t n = nearest_select(best, labels, most, SIZE_MAX, at, similarity);
	struct passage *passages = arena_array(arena, n + 1, sizeof(*passages));
	struct citation *citations = arena_array(arena, n + 1, sizeof(*citations));

	*e = (struct evidence){ .passages = passages, .citations = citations, .similarity = n > 0 ? similarity[0] : NAN };
	for (size_t i = 0; i < n && similarity[i] > 0; i++) {
		const char *row = t->rows[at[i]];

		passages[e->n_passages++] = (struct passage){ .document = w->task->labels[at[i]].name, .title = "", .heading = "", .text = row,
							      .end = strlen(row), .score = similarity[i], .similarity = similarity[i] };
		if (similarity[i] >= t->threshold)
			citations[e->n_citations++] = (struct citation){ i, QUOTE_EXACT, 0, strlen(row), row };
	}
	return e;
}

static bool table_answer(struct workshop *w, const struct label_table *t, const struct example *item, struct arena *arena,
			 struct answer *answer, struct error *err)
{
	size_t labels = w->task->n_labels, n_near = 0;
	double *best = arena_array(arena, labels, sizeof(*best));
	bool *near = arena_array(arena, labels, sizeof(*near));

	if (!t || !rate(w, t, workshop_text(w, arena, item), arena, best, err))
		return false;
	for (size_t i = 0; i < labels; i++) {
		near[i] = best[i] >= t->threshold;
		n_near += near[i];
	}
	*answer = (struct answer){ .text = sets_text(w->task, near, arena), .status = "answered",
				   .evidence = evidence_of(w, t, best, n_near, arena) };
	return true;
}

bool label_table_words(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
		       struct answer *answer, struct error *err)
{
	(void)l;
	return table_answer(w, table_of(w, &w->label_words, false, err), item, arena, answer, err);
}

bool label_table_vectors(struct workshop *w, const struct lookup *l, const struct example *item, struct arena *arena,
			 struct answer *answer, struct error *err)
{
	(void)l;
	return table_answer(w, table_of(w, &w->label_vectors, true, err), item, arena, answer, err);
}
