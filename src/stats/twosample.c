/* twosample.c - the classifier: with A = (K + lambda I)^-1 the predictions of kernel ridge regression for a fold b that the rest was fitted
 * without are y_b - (A_bb)^-1 (A y)_b (the block form of leave-one-out; Pahikkala et al. 2006), so that one inverse serves all folds. */
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

/* ---- the test ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of the squared distances; 1 where most things are the same. */
static double spread_of(const double *distances, size_t n)
{
	double *sorted = mem_alloc(n * n / 2 * sizeof(*sorted));
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			sorted[m++] = distances[i * n + j];
	qsort(sorted, m, sizeof(*sorted), by_value);
	double median = sorted[m / 2];

	free(sorted);
	return median > 0 ? median : 1;
}

/* Gaussians of the distances, from the median's width to an eighth of it, summed: wide ones see a shift of all things, narrow ones a few that
 * are new. The diagonal is 0, as nobody is near to themselves by chance. */
static double *similarity_of(const double *gram, size_t n)
{
	static const double narrower[] = { 1, 2, 4, 8 };
	double *k = mem_alloc(n * n * sizeof(*k));

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			k[i * n + j] = fmax(gram[i * n + i] + gram[j * n + j] - 2 * gram[i * n + j], 0);
	double width = spread_of(k, n);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			double d = k[i * n + j], sum = 0;

			for (size_t c = 0; c < sizeof(narrower) / sizeof(narrower[0]); c++)
				sum += exp(-narrower[c] * d / width);
			k[i * n + j] = i == j ? 0 : sum;
		}
	return k;
}

static double discrepancy(const double *k, const double *y, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		double row = 0;

		for (size_t j = 0; j < i; j++)
			row += k[i * n + j] * y[j];
		sum += row * y[i];
	}
	return sum;
}

static void permute(struct rng *rng, double *y, size_t n)
{
	for (; n > 1; n--) {
		double *other = &y[rng_below(rng, n)], kept = y[n - 1];

		y[n - 1] = *other;
		*other = kept;
	}
}

/* weights: 1 / size for the second sample, less than 0 for the first. */
static double permuted_p(const double *gram, const double *weights, size_t n, struct rng *rng)
{
	double *k = similarity_of(gram, n), *y = mem_alloc(n * sizeof(*y)), seen = discrepancy(k, weights, n);
	size_t reached = 0;

	memcpy(y, weights, n * sizeof(*y));
	for (size_t b = 0; b < TWOSAMPLE_PERMUTATIONS; b++) {
		permute(rng, y, n);
		reached += discrepancy(k, y, n) >= seen;
	}
	free(k);
	free(y);
	return (1.0 + (double)reached) / (1.0 + TWOSAMPLE_PERMUTATIONS);
}

static size_t count_second(const bool *second, size_t n)
{
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		m += second[i];
	return m;
}

/* How well the classifier tells them apart out of fold. */
static double told_apart(const double *gram, const bool *second, const double *weights, size_t n, struct rng *rng, double *scores)
{
	size_t *order = mem_alloc(n * sizeof(*order));
	double *y = mem_alloc(n * sizeof(*y)), *out = mem_alloc(n * sizeof(*out));
	struct ranked *scratch = mem_alloc(n * sizeof(*scratch));
	struct classifier c;

	deal(&c, second, n, rng, order);
	classifier_init(&c, gram, order, n);
	for (size_t i = 0; i < n; i++)
		y[i] = weights[order[i]];
	predict(&c, y, out);
	double auc = auc_of(out, y, n, scratch);

	for (size_t i = 0; scores && i < n; i++)
		scores[order[i]] = out[i];
	classifier_release(&c);
	free(order);
	free(y);
	free(out);
	free(scratch);
	return auc;
}

struct twosample twosample_kernel(const double *gram, const bool *second, size_t n, uint64_t seed, double *scores)
{
	size_t m = count_second(second, n);
	struct twosample t = { NAN, NAN };
	struct rng rng;

	if (m < TWOSAMPLE_LEAST || n - m < TWOSAMPLE_LEAST)
		return t;
	double *weights = mem_alloc(n * sizeof(*weights));

	for (size_t i = 0; i < n; i++)
		weights[i] = second[i] ? 1 / (double)m : -1 / (double)(n - m);
	rng_init(&rng, seed, "twosample");
	t.auc = told_apart(gram, second, weights, n, &rng, scores);
	t.p = permuted_p(gram, weights, n, &rng);
	free(weights);
	return t;
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
