/* heads.c - several labels an item: one logistic regression a label (one against the rest), on TF-IDF rows or embeddings,
 * and the baseline that knows how frequent each label is.
 *
 * The cut above which a label belongs to an item's set is chosen on held-out folds of the pool, and C with it where labels
 * are few: thousands of fits for each C would take minutes and move little, since the cut follows the probabilities. Single
 * words do better than pairs, and a larger C than where one class is chosen: most labels have a handful of items. */
#include <math.h>

#include "base/arena.h"
#include "tune/engine.h"

static const double grid[] = { 10, 100, 1000 };
enum { N_GRID = sizeof(grid) / sizeof(grid[0]), FEW_LABELS = 100 };

static const double rough = 1e-3; /* of a fold */
static const double tight = 1e-4; /* of what stays: three digits of a probability */
static const size_t many_texts = 200; /* head.c says why */

struct heads {
	struct tfidf *t; /* NULL: on embeddings */
	size_t width, n_classes;
	float *weights; /* (width + 1, n_classes), the last row the intercepts: log-odds are linear in them */
	double threshold;
};

/* What the fits of one training share. */
struct fits {
	const struct lesson *l;
	struct linear_rows rows;
	size_t *classes; /* (n) of the label at hand: 1 where an item has it */
	size_t *order;   /* (n_order) items to learn from */
	size_t n_order;
};

static void fits_init(struct fits *f, const struct lesson *l, struct linear_rows rows)
{
	*f = (struct fits){ .l = l, .rows = rows, .classes = mem_zero(l->n, sizeof(*f->classes)),
			    .order = mem_zero(l->n, sizeof(*f->order)), .n_order = l->n };
	for (size_t i = 0; i < l->n; i++)
		f->order[i] = i;
}

static void fits_release(struct fits *f)
{
	free(f->classes);
	free(f->order);
}

/* Marks the items of the label; returns how many of those to learn from have it. */
static size_t mark(struct fits *f, size_t class)
{
	size_t n = 0;

	for (size_t i = 0; i < f->l->n; i++)
		f->classes[i] = class_sets_have(f->l->sets, i, class);
	for (size_t i = 0; i < f->n_order; i++)
		n += f->classes[f->order[i]];
	return n;
}

static void fit(struct fits *f, struct linear *m, double c, double tolerance)
{
	struct linear_problem p = { .rows = f->rows, .classes = f->classes, .order = f->order, .n = f->n_order, .n_classes = 2, .c = c };

	linear_fit(m, &p, tolerance);
}

/* Held-out probabilities of one label: column `class` of p[g] (n, n_classes) for the g-th C. */
static void fold_class(struct fits *f, size_t class, const size_t *held, size_t n_held, const double *cs, size_t n_cs, float **p)
{
	size_t n_with = mark(f, class), k = f->l->n_classes;
	struct linear m;
	double out[2] = { 0, n_with > 0 };

	linear_init(&m, f->rows.width, 2);
	for (size_t g = 0; g < n_cs; g++) {
		if (n_with > 0 && n_with < f->n_order)
			fit(f, &m, cs[g], rough);
		for (size_t i = 0; i < n_held; i++) {
			if (n_with > 0 && n_with < f->n_order)
				linear_probabilities(&m, &f->rows, held[i], out);
			p[g][held[i] * k + class] = (float)out[1];
		}
	}
	linear_release(&m);
}

static void run_folds(struct fits *f, const struct folds *folds, const double *cs, size_t n_cs, float **p)
{
	const struct lesson *l = f->l;
	size_t *held = mem_zero(l->n, sizeof(*held)), n_held;

	for (size_t k = 0; k < folds->n; k++) {
		folds_split(folds, k, f->order, &f->n_order, held, &n_held);
		for (size_t c = 0; c < l->n_classes; c++)
			/* Of one item, a label is either held out or not in what is held out: where labels are many, such fits are left out. */
			if (l->n_classes <= FEW_LABELS || l->priors[c] * (double)l->n > 1.5)
				fold_class(f, c, held, n_held, cs, n_cs, p);
	}
	free(held);
}

/* Moves the rows of the items that take part to the front; their numbers go to items. */
static size_t pack(const struct folds *folds, size_t n_classes, float *p, size_t *items)
{
	size_t n = 0;

	for (size_t i = 0; i < folds->n_items; i++)
		if (folds->fold[i] < folds->n) {
			memmove(p + n * n_classes, p + i * n_classes, n_classes * sizeof(*p));
			items[n++] = i;
		}
	return n;
}

/* Chooses the cut, and C. */
static struct cut choose(struct fits *f, double usual, double *c, struct buf *note)
{
	const struct lesson *l = f->l;
	const double *cs = l->n_classes <= FEW_LABELS ? grid : &usual;
	size_t n_cs = l->n_classes <= FEW_LABELS ? N_GRID : 1, *items = mem_zero(l->n, sizeof(*items));
	struct cut best = { 0.5, -1 };
	float *p[N_GRID] = { 0 };
	struct folds folds;

	*c = usual;
	folds_init(&folds, l->classes, l->groups, l->n, l->n_classes, l->seed);
	for (size_t g = 0; g < n_cs && folds.n > 0; g++)
		p[g] = mem_zero(l->n * l->n_classes, sizeof(**p));
	run_folds(f, &folds, cs, n_cs, p);
	for (size_t g = 0; g < n_cs && folds.n > 0; g++) {
		struct cut cut = cut_choose(p[g], items, pack(&folds, l->n_classes, p[g], items), l->n_classes, l->sets);

		if (cut.f1 > best.f1) {
			best = cut;
			*c = cs[g];
		}
		free(p[g]);
	}
	if (folds.n > 0)
		buf_addf(note, "C = %g, and a label from a probability of %.3f on, by %zu-fold cross-validation in the pool (mean F1 %.3f)",
			 *c, best.threshold, folds.n, best.f1);
	else
		buf_addf(note, "C = %g and a label from a probability of 0.5 on, as %zu items are too few to choose them", *c, l->n);
	folds_release(&folds);
	free(items);
	return best;
}

/* The log-odds of the second class, whose weights are those of the first with the other sign. */
static void keep(struct heads *h, const struct linear *m, size_t class)
{
	for (size_t j = 0; j <= h->width; j++)
		h->weights[j * h->n_classes + class] = (float)(m->weights[j * m->stride + 1] - m->weights[j * m->stride]);
}

static void fit_all(struct heads *h, struct fits *f, double c)
{
	for (size_t class = 0; class < h->n_classes; class++) {
		size_t n_with = mark(f, class);
		struct linear m;

		linear_init(&m, h->width, 2);
		if (n_with < f->n_order)
			fit(f, &m, c, tight);
		else
			m.weights[h->width * m.stride + 1] = 20; /* every item has it */
		keep(h, &m, class);
		linear_release(&m);
	}
}

static void train_rows(struct heads *h, const struct lesson *l, struct linear_rows rows, double usual, struct buf *note)
{
	struct fits f;
	double c;

	h->width = rows.width;
	h->n_classes = l->n_classes;
	h->weights = mem_zero((rows.width + 1) * l->n_classes, sizeof(*h->weights));
	fits_init(&f, l, rows);
	h->threshold = choose(&f, usual, &c, note).threshold;
	fits_release(&f);
	fits_init(&f, l, rows);
	fit_all(h, &f, c);
	fits_release(&f);
}

static void *words_train(const struct lesson *l, struct buf *note)
{
	struct tfidf_options words = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 1, .sublinear = true };
	struct heads *h = mem_zero(1, sizeof(*h));

	words.min_documents = l->n < many_texts ? 1 : 2;
	h->t = tfidf_fit(&words, l->texts, l->n);
	struct sparse_row *rows = rows_new(h->t, l->texts, l->n);

	train_rows(h, l, (struct linear_rows){ .n = l->n, .width = tfidf_terms(h->t), .sparse = rows }, 100, note);
	rows_free(rows, l->n);
	return h;
}

static void *vectors_train(const struct lesson *l, struct buf *note)
{
	struct heads *h = mem_zero(1, sizeof(*h));

	train_rows(h, l, (struct linear_rows){ .n = l->n, .width = l->width, .dense = l->vectors }, 10, note);
	return h;
}

static void add_scaled(double *out, double s, const float *row, size_t n)
{
	for (size_t c = 0; c < n; c++)
		out[c] += s * (double)row[c];
}

static void heads_predict(const void *model, const char *text, const float *vector, double *out)
{
	const struct heads *h = model;
	size_t k = h->n_classes;

	for (size_t c = 0; c < k; c++)
		out[c] = (double)h->weights[h->width * k + c];
	if (h->t) {
		struct sparse_row row = tfidf_vector(h->t, text);

		for (size_t j = 0; j < row.n; j++)
			add_scaled(out, (double)row.entries[j].weight, h->weights + row.entries[j].term * k, k);
		free(row.entries);
	} else {
		for (size_t j = 0; j < h->width; j++)
			add_scaled(out, (double)vector[j], h->weights + j * k, k);
	}
	for (size_t c = 0; c < k; c++)
		out[c] = 1 / (1 + exp(-out[c]));
}

static double heads_threshold(const void *model)
{
	return ((const struct heads *)model)->threshold;
}

static void heads_free(void *model)
{
	struct heads *h = model;

	tfidf_free(h->t);
	free(h->weights);
	free(h);
}

const struct classifier_engine words_heads_engine = { words_train, heads_predict, heads_free, heads_threshold };
const struct classifier_engine vectors_heads_engine = { vectors_train, heads_predict, heads_free, heads_threshold };

struct frequency {
	size_t n_classes;
	double threshold;
	double priors[];
};

static void *frequency_train(const struct lesson *l, struct buf *note)
{
	struct frequency *m = mem_alloc(sizeof(*m) + l->n_classes * sizeof(*m->priors));
	float *p = mem_zero(l->n * l->n_classes, sizeof(*p));
	size_t count = 0;

	m->n_classes = l->n_classes;
	memcpy(m->priors, l->priors, l->n_classes * sizeof(*m->priors));
	for (size_t i = 0; i < l->n * l->n_classes; i++)
		p[i] = (float)l->priors[i % l->n_classes];
	struct cut cut = cut_choose(p, NULL, l->n, l->n_classes, l->sets);

	m->threshold = cut.threshold;
	for (size_t c = 0; c < l->n_classes; c++)
		count += l->priors[c] >= cut.threshold;
	buf_addf(note, "the %zu most frequent, which do best in the pool (mean F1 %.3f)", count, cut.f1);
	free(p);
	return m;
}

static void frequency_predict(const void *model, const char *text, const float *vector, double *out)
{
	const struct frequency *m = model;

	(void)text, (void)vector;
	memcpy(out, m->priors, m->n_classes * sizeof(*out));
}

static double frequency_threshold(const void *model)
{
	return ((const struct frequency *)model)->threshold;
}

const struct classifier_engine frequency_engine = { frequency_train, frequency_predict, free, frequency_threshold };
