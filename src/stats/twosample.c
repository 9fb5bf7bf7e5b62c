/* twosample.c - with A = (K + lambda I)^-1 the predictions of kernel ridge regression for a fold b that the rest was fitted without are
 * y_b - (A_bb)^-1 (A y)_b, whatever y is (the block form of leave-one-out; Pahikkala et al. 2006): one inverse serves all permutations. */
#include "stats/twosample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"

enum { FOLDS = 10 };

/* Lower triangle of L with a = L L', in place; a is positive definite. */
static void cholesky(double *a, size_t n)
{
	for (size_t j = 0; j < n; j++)
		for (size_t i = j; i < n; i++) {
			double sum = a[i * n + j];

			for (size_t k = 0; k < j; k++)
				sum -= a[i * n + k] * a[j * n + k];
			a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
		}
}

/* x becomes (L L')^-1 x. */
static void solve(const double *l, size_t n, double *x)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			x[i] -= l[i * n + k] * x[k];
		x[i] /= l[i * n + i];
	}
	for (size_t i = n; i-- > 0;) {
		for (size_t k = i + 1; k < n; k++)
			x[i] -= l[k * n + i] * x[k];
		x[i] /= l[i * n + i];
	}
}

/* Things in the order of their folds. */
struct classifier {
	size_t n, folds;
	size_t start[FOLDS + 1];
	double *inverse;       /* (n, n) A */
	double *block[FOLDS];  /* Cholesky factor of each A_bb */
	double *work;          /* (n) */
};

/* The kernel of centred features, things in such an order, with the mean of its diagonal, lambda, on the diagonal; inverted. */
static double *inverse_of(const double *gram, const size_t *order, size_t n)
{
	double *k = mem_alloc(n * n * sizeof(*k)), *inverse = mem_zero(n * n, sizeof(*inverse)), *mean = mem_zero(n, sizeof(*mean));
	double whole = 0, trace = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			mean[i] += gram[order[i] * n + order[j]] / (double)n;
	for (size_t i = 0; i < n; i++)
		whole += mean[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			k[i * n + j] = gram[order[i] * n + order[j]] - mean[i] - mean[j] + whole;
	for (size_t i = 0; i < n; i++)
		trace += k[i * n + i];
	double lambda = fmax(trace / (double)n, 1e-9);

	for (size_t i = 0; i < n; i++)
		k[i * n + i] += lambda;
	cholesky(k, n);
	for (size_t i = 0; i < n; i++) { /* symmetric, so that rows may be solved for columns */
		inverse[i * n + i] = 1;
		solve(k, n, inverse + i * n);
	}
	free(k);
	free(mean);
	return inverse;
}

static void classifier_init(struct classifier *c, const double *gram, const size_t *order, size_t n)
{
	c->inverse = inverse_of(gram, order, n);
	c->work = mem_zero(n, sizeof(*c->work));
	for (size_t f = 0; f < c->folds; f++) {
		size_t from = c->start[f], m = c->start[f + 1] - from;

		c->block[f] = mem_alloc(m * m * sizeof(double));
		for (size_t i = 0; i < m; i++)
			memcpy(c->block[f] + i * m, c->inverse + (from + i) * n + from, m * sizeof(double));
		cholesky(c->block[f], m);
	}
}

static void classifier_release(struct classifier *c)
{
	for (size_t f = 0; f < c->folds; f++)
		free(c->block[f]);
	free(c->inverse);
	free(c->work);
}

static void predict(const struct classifier *c, const double *y, double *out)
{
	for (size_t i = 0; i < c->n; i++) {
		double sum = 0;

		for (size_t j = 0; j < c->n; j++)
			sum += c->inverse[i * c->n + j] * y[j];
		c->work[i] = sum;
	}
	for (size_t f = 0; f < c->folds; f++)
		solve(c->block[f], c->start[f + 1] - c->start[f], c->work + c->start[f]);
	for (size_t i = 0; i < c->n; i++)
		out[i] = y[i] - c->work[i];
}

struct ranked {
	double score;
	bool second;
};

static int by_score(const void *a, const void *b)
{
	double x = ((const struct ranked *)a)->score, y = ((const struct ranked *)b)->score;

	return (x > y) - (x < y);
}

/* Mann and Whitney's statistic over the pairs; ties count half. */
static double auc_of(const double *scores, const double *y, size_t n, struct ranked *scratch)
{
	double ranks = 0, pairs;
	size_t seconds = 0;

	for (size_t i = 0; i < n; i++)
		scratch[i] = (struct ranked){ scores[i], y[i] > 0 };
	qsort(scratch, n, sizeof(*scratch), by_score);
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from; to < n && scratch[to].score <= scratch[from].score; to++)
			;
		for (size_t i = from; i < to; i++)
			if (scratch[i].second) {
				ranks += 0.5 * (double)(from + to + 1);
				seconds++;
			}
	}
	pairs = (double)seconds * (double)(n - seconds);
	return (ranks - 0.5 * (double)seconds * (double)(seconds + 1)) / pairs;
}

/* Both samples dealt to the folds in turn, in random order. */
static void deal(struct classifier *c, const bool *second, size_t n, struct rng *rng, size_t *order)
{
	size_t *shuffled = mem_alloc(n * sizeof(*shuffled)), *fold = mem_alloc(n * sizeof(*fold)), turn = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		shuffled[i] = i;
	rng_shuffle(rng, shuffled, n);
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < n; i++)
			if (second[shuffled[i]] == which)
				fold[shuffled[i]] = turn++ % FOLDS;
	c->n = n;
	c->folds = FOLDS;
	for (size_t f = 0; f < FOLDS; f++) {
		c->start[f] = at;
		for (size_t i = 0; i < n; i++)
			if (fold[i] == f)
				order[at++] = i;
	}
	c->start[FOLDS] = at;
	free(shuffled);
	free(fold);
}

/* Memberships change places within folds alone, so that each fold keeps its share of both. */
static void permute(const struct classifier *c, struct rng *rng, double *y)
{
	for (size_t f = 0; f < c->folds; f++)
		for (size_t n = c->start[f + 1] - c->start[f]; n > 1; n--) {
			double *last = &y[c->start[f] + n - 1], *other = &y[c->start[f] + rng_below(rng, n)], kept = *last;

			*last = *other;
			*other = kept;
		}
}

static size_t count_second(const bool *second, size_t n)
{
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		m += second[i];
	return m;
}

struct twosample twosample_kernel(const double *gram, const bool *second, size_t n, uint64_t seed, double *scores)
{
	size_t m = count_second(second, n), *order = mem_alloc((n + 1) * sizeof(*order)), reached = 0;
	struct classifier c;
	struct rng rng;

	if (m < TWOSAMPLE_LEAST || n - m < TWOSAMPLE_LEAST) {
		free(order);
		return (struct twosample){ NAN, NAN };
	}
	rng_init(&rng, seed, "twosample");
	deal(&c, second, n, &rng, order);
	classifier_init(&c, gram, order, n);
	double *y = mem_alloc(n * sizeof(*y)), *out = mem_alloc(n * sizeof(*out)), auc;
	struct ranked *scratch = mem_alloc(n * sizeof(*scratch));

	for (size_t i = 0; i < n; i++)
		y[i] = (second[order[i]] ? (double)(n - m) : -(double)m) / (double)n;
	predict(&c, y, out);
	auc = auc_of(out, y, n, scratch);
	for (size_t i = 0; scores && i < n; i++)
		scores[order[i]] = out[i];
	for (size_t b = 0; b < TWOSAMPLE_PERMUTATIONS; b++) {
		permute(&c, &rng, y);
		predict(&c, y, out);
		reached += auc_of(out, y, n, scratch) >= auc;
	}
	classifier_release(&c);
	free(order);
	free(y);
	free(out);
	free(scratch);
	return (struct twosample){ auc, (1.0 + (double)reached) / (1.0 + TWOSAMPLE_PERMUTATIONS) };
}

/* ---- categories ---- */

/* Pearson's X^2 but for what does not change with permutations: the sum of first^2 / both. */
static double spread(const size_t *first, const size_t *both, size_t categories)
{
	double sum = 0;

	for (size_t k = 0; k < categories; k++)
		if (both[k])
			sum += (double)first[k] * (double)first[k] / (double)both[k];
	return sum;
}

double twosample_counts_p(const size_t *first, const size_t *second, size_t categories, uint64_t seed)
{
	size_t n = 0, m = 0, reached = 0, at = 0;
	struct rng rng;

	for (size_t k = 0; k < categories; k++) {
		n += first[k] + second[k];
		m += first[k];
	}
	if (m < TWOSAMPLE_LEAST || n - m < TWOSAMPLE_LEAST)
		return NAN;
	size_t *both = mem_zero(categories, sizeof(*both)), *drawn = mem_zero(categories, sizeof(*drawn)), *things = mem_alloc(n * sizeof(*things));

	for (size_t k = 0; k < categories; k++) {
		both[k] = first[k] + second[k];
		for (size_t i = 0; i < both[k]; i++)
			things[at++] = k;
	}
	double seen = spread(first, both, categories);

	rng_init(&rng, seed, "categories");
	for (size_t b = 0; b < TWOSAMPLE_PERMUTATIONS; b++) {
		rng_shuffle(&rng, things, n);
		memset(drawn, 0, categories * sizeof(*drawn));
		for (size_t i = 0; i < m; i++)
			drawn[things[i]]++;
		reached += spread(drawn, both, categories) >= seen * (1 - 1e-12);
	}
	free(both);
	free(drawn);
	free(things);
	return (1.0 + (double)reached) / (1.0 + TWOSAMPLE_PERMUTATIONS);
}
