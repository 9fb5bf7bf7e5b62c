/* powered.c - sums over two samples; see powered.h for the formulas. */
#include "stats/powered.h"

#include <math.h>

#include "stats/special.h"

static double mean_of(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / (double)n : NAN;
}

/* sum of (x - mean)^2 */
static double spread(const double *x, size_t n, double mean)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sum;
}

/* Cov(Y, F) over the items of both; Var F over all that the judge graded. */
static double best_lambda(const struct powered *p, const double *human, const double *judge, double judge_both, const double *alone)
{
	size_t n = p->human, all = n + p->judged;
	double covariance = 0, variance = spread(judge, n, p->judge_mean) + spread(alone, p->judged, p->judge_mean);

	for (size_t i = 0; i < n; i++)
		covariance += (human[i] - p->human_mean) * (judge[i] - judge_both) / (double)n;
	variance /= (double)(all - 1);
	if (p->judged == 0 || !(variance > 0))
		return 0;
	return fmin(fmax(covariance / ((1 + (double)n / (double)p->judged) * variance), 0), 1);
}

struct powered powered_mean(const double *human, const double *judge, size_t n, const double *alone, size_t n_alone)
{
	struct powered p = { .mean = NAN, .error = INFINITY, .human = n, .judged = n_alone, .human_mean = mean_of(human, n), .freedom = (double)n - 1 };
	double both = mean_of(judge, n), others = n_alone ? mean_of(alone, n_alone) : 0, rest = 0;

	p.judge_mean = n + n_alone == 0 ? NAN : ((n ? both * (double)n : 0) + others * (double)n_alone) / (double)(n + n_alone);
	if (n == 0)
		return p;
	p.lambda = n < 2 ? 0 : best_lambda(&p, human, judge, both, alone);
	p.mean = p.lambda * others + p.human_mean - p.lambda * both;
	if (n < 2)
		return p;
	for (size_t i = 0; i < n; i++) {
		double off = human[i] - p.human_mean - p.lambda * (judge[i] - both);

		rest += off * off / (double)(n - 1);
	}
	double imputed = n_alone > 1 ? spread(alone, n_alone, others) / (double)(n_alone - 1) : 0;

	p.error = sqrt(rest / (double)n + (n_alone ? p.lambda * p.lambda * imputed / (double)n_alone : 0));
	return p;
}

struct powered powered_beside(struct powered p, const double *known, size_t n_known)
{
	double read = (double)(p.human + p.judged), all = read + (double)n_known, share = all > 0 ? read / all : 0;
	double sure = n_known ? mean_of(known, n_known) : 0, rest = 1 - share;

	if (n_known == 0)
		return p;
	double variance = n_known > 1 ? spread(known, n_known, sure) / (double)(n_known - 1) / (double)n_known : 0;
	double between = share * rest * (p.mean - sure) * (p.mean - sure) / all;

	p.error = sqrt(share * share * p.error * p.error + rest * rest * variance + between);
	p.judge_mean = (read > 0 ? share * p.judge_mean : 0) + rest * sure;
	p.mean = share * p.mean + rest * sure;
	return p;
}

static double groups_among(const size_t *of, size_t n, size_t groups, double *sums)
{
	double found = 0;

	for (size_t g = 0; g < groups; g++)
		sums[g] = 0;
	for (size_t i = 0; i < n; i++) {
		found += sums[of[i]] == 0;
		sums[of[i]] = 1;
	}
	return found;
}

/* G/(G-1) for the squares of a part, as a factor of its sums. */
static double few_groups(double groups)
{
	return groups > 1 ? sqrt(groups / (groups - 1)) : 1;
}

/* What each item moves the estimate by: its distance from its part's mean, times scale, and `step`. */
static void add_moves(double *sums, const size_t *of, const double *x, size_t n, double mean, double scale, double step)
{
	for (size_t i = 0; i < n; i++)
		sums[of[i]] += (x[i] - mean) * scale + step;
}

struct powered powered_groups(const struct powered_items *x, double *sums)
{
	struct powered graded = powered_mean(x->human, x->judge, x->n_human, x->alone, x->n_alone), p = powered_beside(graded, x->known, x->n_known);
	double n = (double)x->n_human, all = n + (double)(x->n_alone + x->n_known), share = 1 - (double)x->n_known / all;
	double sure = x->n_known ? mean_of(x->known, x->n_known) : 0, both = mean_of(x->judge, x->n_human);
	double of_human = groups_among(x->human_of, x->n_human, x->groups, sums), squares = 0;

	p.freedom = of_human - 1;
	if (of_human < 2) {
		p.error = INFINITY;
		return p;
	}
	double human = share * few_groups(of_human) / n, read = (graded.mean - p.mean) / all;
	double alone = share * graded.lambda * few_groups(groups_among(x->alone_of, x->n_alone, x->groups, sums)) / (double)x->n_alone;
	double known = few_groups(groups_among(x->known_of, x->n_known, x->groups, sums)) / all;

	for (size_t g = 0; g < x->groups; g++)
		sums[g] = 0;
	add_moves(sums, x->human_of, x->human, x->n_human, graded.human_mean, human, read);
	add_moves(sums, x->human_of, x->judge, x->n_human, both, -graded.lambda * human, 0);
	add_moves(sums, x->alone_of, x->alone, x->n_alone, x->n_alone ? mean_of(x->alone, x->n_alone) : 0, alone, read);
	add_moves(sums, x->known_of, x->known, x->n_known, sure, known, (sure - p.mean) / all);
	for (size_t g = 0; g < x->groups; g++)
		squares += sums[g] * sums[g];
	p.error = sqrt(squares);
	return p;
}

struct interval powered_interval(const struct powered *p, double confidence)
{
	if (!(p->freedom >= 1))
		return (struct interval){ -INFINITY, INFINITY };
	double half = student_t_quantile(.5 + confidence / 2, p->freedom) * p->error;

	return (struct interval){ p->mean - half, p->mean + half };
}
