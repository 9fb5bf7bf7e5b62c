/* head.c - logistic regression on TF-IDF rows (rung 0) and on embeddings (the lightest of rung 3).
 *
 * C is chosen by cross-validation inside the pool. Along the rising grid each fold starts from its last optimum, so a
 * whole grid costs little more than its last fit. The idf is learnt from the whole pool, held-out fold included: it
 * knows texts, no labels, and only the choice of C sees it. */
#include "base/arena.h"
#include "tune/engine.h"

static const double grid[] = { 0.3, 1, 3, 10, 30, 100 };
enum { N_GRID = sizeof(grid) / sizeof(grid[0]) };

static const double rough = 1e-3; /* for scores of a fold: tighter changes no answer that is not a coin's toss */
static const double tight = 1e-5; /* for the model that stays: probabilities to about four digits */

/* From this many texts on, n-grams of a single text are left out: most terms are such, they take most of the time, and
 * what one text of hundreds says about a term weighs little. A small pool keeps all it has. */
static const size_t many_texts = 200;

struct head {
	struct tfidf *t; /* NULL: on embeddings */
	struct linear m;
};

/* Runs along the grid on one fold and adds its held-out items to scores (N_GRID). */
static void grid_fold(struct linear_problem p, const size_t *held, size_t n_held, struct fold_score *scores)
{
	double *out = mem_zero(p.n_classes, sizeof(*out));
	struct linear m;

	linear_init(&m, p.rows.width, p.n_classes);
	for (size_t g = 0; g < N_GRID; g++) {
		p.c = grid[g];
		linear_fit(&m, &p, rough);
		for (size_t i = 0; i < n_held; i++) {
			linear_probabilities(&m, &p.rows, held[i], out);
			fold_score_add(&scores[g], out, p.n_classes, p.classes[held[i]]);
		}
	}
	linear_release(&m);
	free(out);
}

static double choose_c(struct linear_problem p, const struct lesson *l, double usual, struct buf *note)
{
	size_t *train = mem_zero(l->n, sizeof(*train)), *held = mem_zero(l->n, sizeof(*held)), n_held;
	struct fold_score scores[N_GRID] = { 0 };
	struct folds f;
	double c = usual;

	folds_init(&f, l->classes, l->groups, l->n, l->n_classes, l->seed);
	for (size_t k = 0; k < f.n; k++) {
		folds_split(&f, k, train, &p.n, held, &n_held);
		p.order = train;
		grid_fold(p, held, n_held, scores);
	}
	if (f.n > 0) {
		size_t best = fold_score_best(scores, N_GRID);

		c = grid[best];
		buf_addf(note, "C = %g", c);
		fold_score_note(&scores[best], f.n, note);
	} else {
		buf_addf(note, "C = %g, the usual value, as %zu items are too few to choose it", c, l->n);
	}
	folds_release(&f);
	free(train);
	free(held);
	return c;
}

static void head_fit(struct head *h, const struct lesson *l, struct linear_rows rows, double usual, struct buf *note)
{
	struct linear_problem p = { .rows = rows, .classes = l->classes, .n_classes = l->n_classes, .threads = l->threads };

	p.c = choose_c(p, l, usual, note);
	linear_init(&h->m, rows.width, l->n_classes);
	linear_fit(&h->m, &p, tight);
}

static void *sparse_train(const struct tfidf_options *options, const struct lesson *l, struct buf *note)
{
	struct head *h = mem_zero(1, sizeof(*h));
	struct sparse_row *rows;

	h->t = tfidf_fit(options, l->texts, l->n);
	rows = rows_new(h->t, l->texts, l->n);
	/* Rows of unit length with hundreds of terms have small weights: C = 1 would flatten them. */
	head_fit(h, l, (struct linear_rows){ .n = l->n, .width = tfidf_terms(h->t), .sparse = rows }, 10, note);
	rows_free(rows, l->n);
	return h;
}

static void *words_train(const struct lesson *l, struct buf *note)
{
	struct tfidf_options words = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 2, .sublinear = true };

	words.min_documents = l->n < many_texts ? 1 : 2;
	return sparse_train(&words, l, note);
}

static void *characters_train(const struct lesson *l, struct buf *note)
{
	struct tfidf_options characters = { .unit = TFIDF_CHARACTERS, .shortest = 2, .longest = 5, .sublinear = true };

	characters.min_documents = l->n < many_texts ? 1 : 2;
	return sparse_train(&characters, l, note);
}

static void *vectors_train(const struct lesson *l, struct buf *note)
{
	struct head *h = mem_zero(1, sizeof(*h));

	head_fit(h, l, (struct linear_rows){ .n = l->n, .width = l->width, .dense = l->vectors }, 1, note);
	return h;
}

static void head_predict(const void *model, const char *text, const float *vector, double *out)
{
	const struct head *h = model;
	struct sparse_row row = { 0 };
	struct linear_rows one = { .n = 1, .width = h->m.width, .dense = vector };

	if (h->t) {
		row = tfidf_vector(h->t, text);
		one.dense = NULL;
		one.sparse = &row;
	}
	linear_probabilities(&h->m, &one, 0, out);
	free(row.entries);
}

static void head_free(void *model)
{
	struct head *h = model;

	tfidf_free(h->t);
	linear_release(&h->m);
	free(h);
}

const struct classifier_engine words_engine = { words_train, head_predict, head_free, NULL };
const struct classifier_engine characters_engine = { characters_train, head_predict, head_free, NULL };
const struct classifier_engine head_engine = { vectors_train, head_predict, head_free, NULL };
