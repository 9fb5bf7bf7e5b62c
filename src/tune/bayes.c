/* bayes.c - multinomial naive Bayes on counts of words and word pairs, and the majority that any method must beat.
 *
 * P(class | text) is proportional to P(class) * product of P(term | class)^count, with P(term | class) =
 * (count in class + alpha) / (terms in class + alpha * terms). Source: McCallum & Nigam 1998; scikit-learn's
 * MultinomialNB, which the tests compare with. */
#include <math.h>

#include "base/arena.h"
#include "tune/engine.h"

static const struct tfidf_options terms = { .unit = TFIDF_WORDS, .shortest = 1, .longest = 2, .counts = true };

/* Smoothing to choose from, the textbook's first: it stays where the others do no better. */
static const double alphas[] = { 1.0, 0.3, 0.1, 0.03 };
enum { N_ALPHAS = sizeof(alphas) / sizeof(alphas[0]) };

struct bayes {
	struct tfidf *t;
	size_t n_terms, n_classes;
	double *log_prior; /* (n_classes) */
	double *log_term;  /* (n_terms, n_classes) */
};

/* Counts over the items in order (n of them), then their logs. */
static void bayes_fit(struct bayes *b, const struct sparse_row *rows, const size_t *classes, const size_t *order,
		      size_t n, double alpha)
{
	size_t k = b->n_classes;
	double *totals = mem_zero(k, sizeof(*totals)), *items = mem_zero(k, sizeof(*items));

	memset(b->log_term, 0, b->n_terms * k * sizeof(*b->log_term));
	for (size_t i = 0; i < n; i++) {
		struct sparse_row row = rows[order[i]];
		size_t class = classes[order[i]];

		items[class]++;
		for (size_t j = 0; j < row.n; j++) {
			b->log_term[row.entries[j].term * k + class] += (double)row.entries[j].weight;
			totals[class] += (double)row.entries[j].weight;
		}
	}
	for (size_t c = 0; c < k; c++) {
		b->log_prior[c] = log(items[c] / (double)n); /* -inf: a fold without the class never answers it */
		totals[c] = log(totals[c] + alpha * (double)b->n_terms);
	}
	for (size_t t = 0; t < b->n_terms; t++)
		for (size_t c = 0; c < k; c++)
			b->log_term[t * k + c] = log(b->log_term[t * k + c] + alpha) - totals[c];
	free(totals);
	free(items);
}

static void bayes_row(const struct bayes *b, struct sparse_row row, double *out)
{
	size_t k = b->n_classes;
	double top, sum = 0;

	memcpy(out, b->log_prior, k * sizeof(*out));
	for (size_t j = 0; j < row.n; j++)
		for (size_t c = 0; c < k; c++)
			out[c] += (double)row.entries[j].weight * b->log_term[row.entries[j].term * k + c];
	top = out[argmax(out, k)];
	for (size_t c = 0; c < k; c++)
		sum += out[c] = exp(out[c] - top);
	for (size_t c = 0; c < k; c++)
		out[c] /= sum;
}

static struct fold_score bayes_score(struct bayes *b, const struct sparse_row *rows, const struct lesson *l,
				     const struct folds *f, double alpha)
{
	size_t *train = mem_zero(l->n, sizeof(*train)), *held = mem_zero(l->n, sizeof(*held)), n_train, n_held;
	double *p = mem_zero(l->n_classes, sizeof(*p));
	struct fold_score score = { 0 };

	for (size_t k = 0; k < f->n; k++) {
		folds_split(f, k, train, &n_train, held, &n_held);
		bayes_fit(b, rows, l->classes, train, n_train, alpha);
		for (size_t i = 0; i < n_held; i++) {
			bayes_row(b, rows[held[i]], p);
			fold_score_add(&score, p, l->n_classes, l->classes[held[i]]);
		}
	}
	free(train);
	free(held);
	free(p);
	return score;
}

static double choose_alpha(struct bayes *b, const struct sparse_row *rows, const struct lesson *l, struct buf *note)
{
	struct fold_score scores[N_ALPHAS];
	struct folds f;
	double alpha = alphas[0];

	folds_init(&f, l->classes, l->groups, l->n, l->n_classes, l->seed);
	if (f.n == 0) {
		buf_addf(note, "alpha = %g, the usual value, as %zu items are too few to choose it", alpha, l->n);
	} else {
		for (size_t i = 0; i < N_ALPHAS; i++)
			scores[i] = bayes_score(b, rows, l, &f, alphas[i]);
		size_t best = fold_score_best(scores, N_ALPHAS);

		alpha = alphas[best];
		buf_addf(note, "alpha = %g", alpha);
		fold_score_note(&scores[best], f.n, note);
	}
	folds_release(&f);
	return alpha;
}

static void *bayes_train(const struct lesson *l, struct buf *note)
{
	struct bayes *b = mem_zero(1, sizeof(*b));
	struct sparse_row *rows;
	size_t *all = mem_zero(l->n, sizeof(*all));

	b->t = tfidf_fit(&terms, l->texts, l->n);
	b->n_terms = tfidf_terms(b->t);
	b->n_classes = l->n_classes;
	b->log_prior = mem_zero(b->n_classes, sizeof(*b->log_prior));
	b->log_term = mem_zero(b->n_terms * b->n_classes, sizeof(*b->log_term));
	rows = rows_new(b->t, l->texts, l->n);
	for (size_t i = 0; i < l->n; i++)
		all[i] = i;
	bayes_fit(b, rows, l->classes, all, l->n, choose_alpha(b, rows, l, note));
	rows_free(rows, l->n);
	free(all);
	return b;
}

static void bayes_predict(const void *model, const char *text, const float *vector, double *out)
{
	const struct bayes *b = model;
	struct sparse_row row = tfidf_vector(b->t, text);

	(void)vector;
	bayes_row(b, row, out);
	free(row.entries);
}

static void bayes_free(void *model)
{
	struct bayes *b = model;

	tfidf_free(b->t);
	free(b->log_prior);
	free(b->log_term);
	free(b);
}

const struct classifier_engine bayes_engine = { bayes_train, bayes_predict, bayes_free, NULL };

struct majority {
	size_t n_classes;
	double priors[];
};

static void *majority_train(const struct lesson *l, struct buf *note)
{
	struct majority *m = mem_alloc(sizeof(*m) + l->n_classes * sizeof(*m->priors));

	m->n_classes = l->n_classes;
	memcpy(m->priors, l->priors, l->n_classes * sizeof(*m->priors));
	buf_addf(note, "it has %.1f %% of the pool's %zu items", 100 * l->priors[argmax(l->priors, l->n_classes)],
		 l->n);
	return m;
}

static void majority_predict(const void *model, const char *text, const float *vector, double *out)
{
	const struct majority *m = model;

	(void)text, (void)vector;
	memcpy(out, m->priors, m->n_classes * sizeof(*out));
}

const struct classifier_engine majority_engine = { majority_train, majority_predict, free, NULL };
