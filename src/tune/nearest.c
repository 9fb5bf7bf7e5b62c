/* nearest.c - the k most similar items of the pool vote, each with its cosine similarity; on TF-IDF or embeddings.
 *
 * k is chosen by leaving one item out (its whole group, to be exact). Without any similar item the shares of the labels
 * in the pool answer. Where items have many labels each gets the votes of the neighbours that have it, and the share of
 * votes from which on it counts is chosen along with k. */
#include <math.h>

#include "base/arena.h"
#include "base/rng.h"
#include "tune/engine.h"

static const size_t neighbours[] = { 1, 3, 5, 9 };
enum { N_NEIGHBOURS = sizeof(neighbours) / sizeof(neighbours[0]), MOST_NEIGHBOURS = 9 };
/* When items of one's own group are left out, so many more must be looked at. */
enum { FETCHED = 4 * MOST_NEIGHBOURS };

struct nearest {
	struct tfidf_index *index; /* NULL: on embeddings */
	float *vectors;            /* (n, width), of unit length */
	size_t n, width, n_classes, k;
	size_t *classes; /* (n); many: all classes of all items */
	size_t *starts;  /* many: (n + 1) where an item's classes begin; else NULL */
	double *priors;  /* (n_classes) */
	double threshold; /* many */
};

/* out (width) = v at unit length; a zero vector stays zero. */
static void unit_vector(const float *v, size_t width, float *out)
{
	double squares = 0;

	for (size_t j = 0; j < width; j++)
		squares += (double)v[j] * (double)v[j];
	double scale = squares > 0 ? 1.0 / sqrt(squares) : 0.0;

	for (size_t j = 0; j < width; j++)
		out[j] = (float)((double)v[j] * scale);
}

/* Eight sums side by side, in f32: unit vectors need no more, and the compiler makes vector instructions of it. */
static double dot(const float *a, const float *b, size_t n)
{
	float sums[8] = { 0 };
	double sum = 0;
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		for (size_t j = 0; j < 8; j++)
			sums[j] += a[i + j] * b[i + j];
	for (; i < n; i++)
		sum += (double)(a[i] * b[i]);
	for (size_t j = 0; j < 8; j++)
		sum += (double)sums[j];
	return sum;
}

static size_t vectors_nearest(const struct nearest *m, const float *vector, size_t k, size_t skip, size_t *positions,
			      double *similarities)
{
	float *query = mem_alloc(m->width * sizeof(*query));
	double *scores = mem_zero(m->n, sizeof(*scores));
	size_t found;

	unit_vector(vector, m->width, query);
	for (size_t i = 0; i < m->n; i++)
		scores[i] = dot(query, m->vectors + i * m->width, m->width);
	found = nearest_select(scores, m->n, k, skip, positions, similarities);
	free(query);
	free(scores);
	return found;
}

static size_t model_nearest(const struct nearest *m, const char *text, const float *vector, size_t k, size_t skip,
			    size_t *positions, double *similarities)
{
	if (m->index)
		return tfidf_nearest(m->index, text, k, skip, positions, similarities);
	return vectors_nearest(m, vector, k, skip, positions, similarities);
}

static void add_set(const struct nearest *m, size_t item, double weight, double *out)
{
	for (size_t i = m->starts[item]; i < m->starts[item + 1]; i++)
		out[m->classes[i]] += weight;
}

/* Probabilities out of the first k of `found` neighbours. */
static void vote(const struct nearest *m, size_t k, size_t found, const size_t *positions, const double *similarities,
		 double *out)
{
	double sum = 0;

	memset(out, 0, m->n_classes * sizeof(*out));
	for (size_t i = 0; i < k && i < found; i++) {
		double weight = fmax(0.0, similarities[i]);

		if (m->starts)
			add_set(m, positions[i], weight, out);
		else
			out[m->classes[positions[i]]] += weight;
		sum += weight;
	}
	for (size_t c = 0; c < m->n_classes; c++)
		out[c] = sum > 0 ? out[c] / sum : m->priors[c];
}

/* Removes the neighbours of a group from the list; returns how many stay. */
static size_t without_group(const size_t *groups, size_t group, size_t found, size_t *positions, double *similarities)
{
	size_t kept = 0;

	for (size_t i = 0; i < found; i++) {
		if (groups[positions[i]] == group)
			continue;
		positions[kept] = positions[i];
		similarities[kept++] = similarities[i];
	}
	return kept;
}

static void choose_k(struct nearest *m, const struct lesson *l, struct buf *note)
{
	size_t *order = mem_zero(l->n, sizeof(*order)), positions[FETCHED];
	size_t n = l->n < FOLDS_MOST_ITEMS ? l->n : FOLDS_MOST_ITEMS;
	double similarities[FETCHED], *p = mem_zero(l->n_classes, sizeof(*p));
	struct fold_score scores[N_NEIGHBOURS] = { 0 };
	struct rng r;

	for (size_t i = 0; i < l->n; i++)
		order[i] = i;
	rng_init(&r, l->seed, "neighbours");
	rng_shuffle(&r, order, l->n);
	for (size_t i = 0; i < n; i++) {
		size_t at = order[i];
		const float *vector = m->index ? NULL : l->vectors + at * l->width;
		const char *text = m->index ? l->texts[at] : NULL;
		size_t found = model_nearest(m, text, vector, FETCHED, at, positions, similarities);

		found = without_group(l->groups, l->groups[at], found, positions, similarities);
		for (size_t s = 0; s < N_NEIGHBOURS; s++) {
			vote(m, neighbours[s], found, positions, similarities, p);
			fold_score_add(&scores[s], p, l->n_classes, l->classes[at]);
		}
	}
	size_t best = fold_score_best(scores, N_NEIGHBOURS);

	m->k = neighbours[best];
	buf_addf(note, "%zu neighbour%s", m->k, m->k == 1 ? "" : "s");
	fold_score_note(&scores[best], 0, note);
	free(order);
	free(p);
}

/* The same where an item has many classes: the cut goes with k. */
static void choose_k_and_cut(struct nearest *m, const struct lesson *l, struct buf *note)
{
	size_t n = l->n < FOLDS_MOST_ITEMS ? l->n : FOLDS_MOST_ITEMS, k = l->n_classes, positions[FETCHED];
	double similarities[FETCHED], *p = mem_zero(k, sizeof(*p));
	float *all = mem_zero(N_NEIGHBOURS * n * k, sizeof(*all));
	struct cut best = { 0, -1 };

	for (size_t i = 0; i < n; i++) {
		const float *vector = m->index ? NULL : l->vectors + i * l->width;
		size_t found = model_nearest(m, m->index ? l->texts[i] : NULL, vector, FETCHED, i, positions, similarities);

		found = without_group(l->groups, l->groups[i], found, positions, similarities);
		for (size_t s = 0; s < N_NEIGHBOURS; s++) {
			vote(m, neighbours[s], found, positions, similarities, p);
			for (size_t c = 0; c < k; c++)
				all[(s * n + i) * k + c] = (float)p[c];
		}
	}
	for (size_t s = 0; s < N_NEIGHBOURS; s++) {
		struct cut cut = cut_choose(all + s * n * k, NULL, n, k, l->sets);

		if (cut.f1 > best.f1) {
			best = cut;
			m->k = neighbours[s];
		}
	}
	m->threshold = best.threshold;
	buf_addf(note, "%zu neighbour%s, and a label from %.3f of their votes on, by leaving one item of the pool out (mean F1 %.3f)",
		 m->k, m->k == 1 ? "" : "s", m->threshold, best.f1);
	free(p);
	free(all);
}

static void copy_classes(struct nearest *m, const struct lesson *l)
{
	const size_t *from = l->sets ? l->sets->classes : l->classes;
	size_t n = l->sets ? l->sets->starts[l->n] : l->n;

	m->classes = mem_alloc((n + 1) * sizeof(*m->classes));
	memcpy(m->classes, from, n * sizeof(*m->classes));
	if (!l->sets)
		return;
	m->starts = mem_alloc((l->n + 1) * sizeof(*m->starts));
	memcpy(m->starts, l->sets->starts, (l->n + 1) * sizeof(*m->starts));
}

static void *nearest_train(struct nearest *m, const struct lesson *l, struct buf *note)
{
	m->n = l->n;
	m->n_classes = l->n_classes;
	copy_classes(m, l);
	m->priors = mem_alloc(l->n_classes * sizeof(*m->priors));
	memcpy(m->priors, l->priors, l->n_classes * sizeof(*m->priors));
	m->k = 1;
	m->threshold = 0.5;
	if (l->n >= FOLDS_FEWEST_ITEMS && l->sets)
		choose_k_and_cut(m, l, note);
	else if (l->n >= FOLDS_FEWEST_ITEMS)
		choose_k(m, l, note);
	else
		buf_addf(note, "1 neighbour, as %zu items are too few to choose more", l->n);
	return m;
}

static void *texts_train(const struct lesson *l, struct buf *note)
{
	static const struct tfidf_options words = {
		.unit = TFIDF_WORDS, .shortest = 1, .longest = 2, .sublinear = true
	};
	struct nearest *m = mem_zero(1, sizeof(*m));

	m->index = tfidf_index_new(&words, l->texts, l->n);
	return nearest_train(m, l, note);
}

static void *vectors_train(const struct lesson *l, struct buf *note)
{
	struct nearest *m = mem_zero(1, sizeof(*m));

	m->width = l->width;
	m->vectors = mem_alloc(l->n * l->width * sizeof(*m->vectors));
	for (size_t i = 0; i < l->n; i++)
		unit_vector(l->vectors + i * l->width, l->width, m->vectors + i * l->width);
	m->n = l->n;
	return nearest_train(m, l, note);
}

static void nearest_predict(const void *model, const char *text, const float *vector, double *out)
{
	const struct nearest *m = model;
	size_t positions[MOST_NEIGHBOURS];
	double similarities[MOST_NEIGHBOURS];
	size_t found = model_nearest(m, text, vector, m->k, SIZE_MAX, positions, similarities);

	vote(m, m->k, found, positions, similarities, out);
}

static void nearest_free(void *model)
{
	struct nearest *m = model;

	tfidf_index_free(m->index);
	free(m->vectors);
	free(m->classes);
	free(m->starts);
	free(m->priors);
	free(m);
}

static double nearest_threshold(const void *model)
{
	return ((const struct nearest *)model)->threshold;
}

const struct classifier_engine nearest_texts_engine = { texts_train, nearest_predict, nearest_free, NULL };
const struct classifier_engine nearest_vectors_engine = { vectors_train, nearest_predict, nearest_free, NULL };
const struct classifier_engine nearest_texts_sets_engine = { texts_train, nearest_predict, nearest_free, nearest_threshold };
const struct classifier_engine nearest_vectors_sets_engine = { vectors_train, nearest_predict, nearest_free, nearest_threshold };
