/* powered.h - the mean that people would have given, out of a few of their grades and many of a judge's.
 *
 * A judge (a model that grades) is cheap and biased. On n items a person graded too, so its bias is known there; on N others it graded
 * alone. theta = lambda mean(F_N) + mean(Y - lambda F)_n is unbiased for every fixed lambda, and lambda = Cov(Y, F) / ((1 + n/N) Var F),
 * kept within [0, 1], makes its variance smallest: a judge that says nothing about people's grades gets lambda 0, and the estimate is
 * theirs alone. Source: PPI++, Angelopoulos, Duchi, Zrnic 2023 (arXiv 2311.01453), section 6; ppi_py's estimate to 1e-12.
 *
 * The interval is Student's t with n - 1 degrees of freedom where the paper has the normal, which is shorter than it should be when few
 * items have a human grade. It is still an approximation: of right/wrong grades, .95 held the true mean in .89 to .95 of samples at n = 10,
 * .91 to .95 at 20, .94 to .95 from 50 on (tests/reference/powered.py coverage). Whoever shows it says so below 50. Pure, no allocation. */
#ifndef RUNG_STATS_POWERED_H
#define RUNG_STATS_POWERED_H

#include <stddef.h>

#include "stats/interval.h"

struct powered {
	double mean;       /* theta; NAN where no person graded anything */
	double lambda;     /* how much the judge counts for */
	double error;      /* standard error of theta; INFINITY below two human grades */
	double human_mean; /* of people's grades alone, for comparison */
	double judge_mean; /* of the judge's on all items, uncorrected */
	size_t human, judged; /* n and N */
	double freedom;    /* degrees of freedom of the error: n - 1; of clustered items, their clusters with a human grade - 1 */
};

/* human, judge (n): grades of the items that both have; alone (n_alone): the judge's of the others. */
struct powered powered_mean(const double *human, const double *judge, size_t n, const double *alone, size_t n_alone);

/* The mean over those items and n_known more whose value nobody has to grade (no answer: 0). Parts are put together by their shares, as in
 * post-stratification; the variance has the shares' own, share (1 - share) (difference of the parts)^2 / items (Cochran 1977, section 5A.9).
 * .human and .lambda stay those of the graded part. */
struct powered powered_beside(struct powered graded, const double *known, size_t n_known);

/* Items in groups: those that people graded too, those that the judge graded alone, and those whose value is known. */
struct powered_items {
	const double *human, *judge, *alone, *known;     /* (n_human) twice, (n_alone), (n_known) */
	const size_t *human_of, *alone_of, *known_of;    /* the group of each, below `groups` */
	size_t n_human, n_alone, n_known, groups;
};

/* powered_beside() of powered_mean(), where items that share a group are one observation: what each item moves the estimate by, added up in
 * its group, squared (the cluster-robust variance of mean.h, for this estimator), each of the three parts with the factor G/(G-1) of its
 * groups. With groups of one it is the plain error. lambda is the plain one: every lambda in [0, 1] leaves the estimate unbiased. error is
 * INFINITY below two groups with a human grade. sums (groups): scratch. */
struct powered powered_groups(const struct powered_items *x, double *sums);

/* (-INFINITY, INFINITY) below two human grades, or two groups with one. */
struct interval powered_interval(const struct powered *p, double confidence);

#endif
