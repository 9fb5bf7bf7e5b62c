/* stats_twosample.c - what a classifier can and cannot know; false alarms and power by simulation; categories
 * against chi-square. */
#include "test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "stats/twosample.h"

static double normal(struct rng *r)
{
	double u = 1 - rng_double(r), v = rng_double(r);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

enum { MOST = 200, WIDTH = 8 };

/* Two samples of unit vectors, the second moved by so much along the first coordinate before; a share of it is about one new thing. */
static void draw(struct rng *r, size_t n, double moved, double fresh, double *gram, bool *second)
{
	static double x[MOST][WIDTH];

	for (size_t i = 0; i < n; i++) {
		double length = 0;

		second[i] = i % 2;
		for (size_t k = 0; k < WIDTH; k++)
			x[i][k] = normal(r) + (k == 0 && second[i] ? moved : 0) + (k == 1 ? 1 : 0);
		for (size_t k = 0; second[i] && (double)(i / 2) < fresh * (double)(n / 2) && k < WIDTH; k++)
			x[i][k] = (k == 2 ? 3 : 0) + .5 * normal(r);
		for (size_t k = 0; k < WIDTH; k++)
			length += x[i][k] * x[i][k];
		for (size_t k = 0; k < WIDTH; k++)
			x[i][k] /= sqrt(length);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			gram[i * n + j] = 0;
			for (size_t k = 0; k < WIDTH; k++)
				gram[i * n + j] += x[i][k] * x[j][k];
		}
}

/* The share of simulations of which the test says that something changed, at level .05. */
static double alarms(size_t n, double moved, double fresh, size_t times)
{
	double *gram = mem_alloc(n * n * sizeof(*gram));
	bool second[MOST];
	struct rng r;
	size_t alarmed = 0;

	rng_init(&r, 3, "test");
	for (size_t t = 0; t < times; t++) {
		draw(&r, n, moved, fresh, gram, second);
		alarmed += twosample_kernel(gram, second, n, t, NULL).p <= .05;
	}
	free(gram);
	return (double)alarmed / (double)times;
}

static void false_alarms_are_as_rare_as_said(void **state)
{
	double share = alarms(60, 0, 0, 200);

	(void)state;
	if (share > .05 + 3 * sqrt(.05 * .95 / 200)) /* three standard errors */
		fail_msg("%.3f of 200 draws alarmed", share);
	assert_true(share > 0);
}

static void a_change_is_seen(void **state)
{
	double little = alarms(60, .5, 0, 60), much = alarms(60, 1.5, 0, 60), few = alarms(120, 0, .2, 60);

	(void)state;
	if (!(much > .9 && little > .1 && little < much && few > .7))
		fail_msg("%.2f, %.2f and %.2f of 60", little, much, few);
}

/* Things that have to do with nothing but their twin: what is predicted of one is the side that its twin is on, unless both are in one fold,
 * and never its own. So twins of one sample are told from the others, and twins of both samples the wrong way round. */
static void twins_predict_each_other(void **state)
{
	enum { N = 80 };
	double *gram = mem_zero(N * N, sizeof(*gram)), scores[N];
	bool second[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		second[i] = i / 2 % 2; /* twins are of one sample */
		for (size_t j = 0; j < N; j++)
			gram[i * N + j] = i / 2 == j / 2;
	}
	struct twosample t = twosample_kernel(gram, second, N, 1, scores);

	assert_true(t.auc > .9);
	assert_close("p", t.p, 1.0 / (1 + TWOSAMPLE_PERMUTATIONS), 1e-12);
	for (size_t i = 0; i < N; i++)
		second[i] = i % 2; /* of both */
	t = twosample_kernel(gram, second, N, 1, scores);
	assert_true(t.auc < .1);
	assert_close("p", t.p, 1, 1e-12);
	free(gram);
}

static void few_say_nothing(void **state)
{
	double gram[38 * 38] = { 0 };
	bool second[38];
	const size_t counts[] = { 19, 0 }, more[] = { 10, 10 };

	(void)state;
	for (size_t i = 0; i < 38; i++)
		second[i] = i < 19;
	assert_true(isnan(twosample_kernel(gram, second, 38, 1, NULL).p));
	assert_true(isnan(twosample_counts_p(counts, more, 2, 1)));
}

/* p: the upper tail of chi-square with two degrees of freedom, exp(-X^2 / 2). */
static const struct {
	size_t first[3], second[3];
	double p;
} tables[] = {
	{ { 100, 100, 100 }, { 100, 100, 100 }, 1 },
	{ { 120, 90, 90 }, { 100, 100, 100 }, 0.238018 },
	{ { 130, 80, 90 }, { 100, 100, 100 }, 0.035765 },
	{ { 300, 0, 0 }, { 250, 50, 0 }, 0 },
};

static void categories_agree_with_chi_square(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		double p = twosample_counts_p(tables[i].first, tables[i].second, 3, 1), want = fmax(tables[i].p, .001);

		if (fabs(p - want) > 4 * sqrt(want * (1 - want) / TWOSAMPLE_PERMUTATIONS) + .003)
			fail_msg("table %zu: %g, and %g by chi-square", i, p, tables[i].p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(false_alarms_are_as_rare_as_said), cmocka_unit_test(a_change_is_seen), cmocka_unit_test(twins_predict_each_other),
		cmocka_unit_test(few_say_nothing), cmocka_unit_test(categories_agree_with_chi_square),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
