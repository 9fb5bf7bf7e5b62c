/* stats_sampled.c - pass@k against its closed form, and the weighted mean against a calculation by hand and its own promise. */
#include "test.h"

#include "base/rng.h"
#include "stats/sampled.h"

static double choose(size_t n, size_t k)
{
	double c = 1;

	for (size_t i = 0; i < k; i++)
		c *= (double)(n - i) / (double)(k - i);
	return k > n ? 0 : c;
}

/* 1 - C(n-c, k) / C(n, k), Chen et al. 2021. */
static void pass_at_k_is_chen_s(void **state)
{
	double scores[12];

	(void)state;
	for (size_t n = 1; n <= 12; n++)
		for (size_t c = 0; c <= n; c++)
			for (size_t k = 1; k <= n; k++) {
				for (size_t i = 0; i < n; i++)
					scores[i] = (i * 5) % n < c; /* in no order */
				size_t right = 0;

				for (size_t i = 0; i < n; i++)
					right += scores[i] > 0;
				double want = 1 - (n - right >= k ? choose(n - right, k) / choose(n, k) : 0);

				assert_close("pass@k", pass_at_k(scores, n, k), want, 1e-12);
			}
	assert_true(pass_at_k(scores, 0, 1) == 0);
}

/* Of graded scores it is the mean over all choices of k. */
static void graded_scores_are_averaged_over_choices(void **state)
{
	static const double scores[] = { .2, .9, .4, .4 };

	(void)state;
	assert_close("k = 1", pass_at_k(scores, 4, 1), 1.9 / 4, 1e-12);
	assert_close("k = 2", pass_at_k(scores, 4, 2), (.9 + .4 + .4 + .9 + .9 + .4) / 6, 1e-12);
	assert_close("k = 4", pass_at_k(scores, 4, 4), .9, 1e-12);
}

static void failures_weigh_what_they_are(void **state)
{
	static const double x[] = { 1, 0, 1, 0, 0, -1, 0, 0, 0, 0 };
	static const bool passed[] = { false, false, false, false, false, true, true, true, true, true };
	static const size_t population[] = { 20, 80 };
	struct sampled_mean m = sampled_mean(x, passed, NULL, 10, population);

	(void)state;
	/* W = .2, .8; means .4, -.2: .08 - .16 */
	assert_close("mean", m.mean, -.08, 1e-12);
	/* numpy: sum of squared .2/5 (x - .4) and .8/5 (x + .2), times 10/9, plus (.2 * .48^2 + .8 * .12^2) / 100; t(.975, 9) = 2.2621572;
	 * five passes hide up to .8 (1 - .05^(1/5)) = .3606, five failures .2 * .4507 = .0901 */
	double within = (.04 * .04 * 1.2 + .16 * .16 * .8) * 10 / 9, between = (.2 * .48 * .48 + .8 * .12 * .12) / 100;
	double half = 2.2621571627409915 * sqrt(within + between);

	assert_close("high", m.high, -.08 + half, 1e-9);
	assert_close("low", m.low, fmin(-.08 - half, -.08 - .8 * (1 - pow(.05, .2))), 1e-9);
}

/* Items of one cluster are one observation: doubled, they say what they said alone. */
static void clusters_do_not_narrow_it(void **state)
{
	double x[40], twice[80];
	bool passed[40], both[80];
	size_t cluster[80], population[] = { 30, 70 }, doubled[] = { 60, 140 };

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		passed[i] = i >= 20;
		x[i] = passed[i] ? (i % 5 ? 0.0 : -1.0) : (i % 2 ? 1.0 : 0.0);
		twice[2 * i] = twice[2 * i + 1] = x[i];
		both[2 * i] = both[2 * i + 1] = passed[i];
		cluster[2 * i] = cluster[2 * i + 1] = i;
	}
	struct sampled_mean one = sampled_mean(x, passed, NULL, 40, population), two = sampled_mean(twice, both, cluster, 80, doubled);
	struct sampled_mean blind = sampled_mean(twice, both, NULL, 80, doubled);

	assert_close("mean", two.mean, one.mean, 1e-12);
	assert_true(two.high - two.low > 0.95 * (one.high - one.low)); /* but for the strata's sizes, which more items tell better */
	assert_true(blind.high - blind.low < 0.8 * (one.high - one.low));
}

/* Dev of 90 items, .25 of them failures on average, of which .4 are fixed; of passes .1 are broken: +2.5 points. Thirty of each at most. */
static void it_covers_as_often_as_it_says(void **state)
{
	enum { DRAWS = 4000, N = 90, MOST = 30 };
	size_t covered = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "sampled");
	for (size_t draw = 0; draw < DRAWS; draw++) {
		double x[2 * MOST];
		bool passed[2 * MOST];
		size_t population[2] = { 0 }, n = 0, most;

		for (size_t i = 0; i < N; i++)
			population[rng_double(&rng) < 0.75]++;
		most = population[0] < MOST ? population[0] : MOST;
		for (size_t i = 0; i < 2 * most; i++) {
			passed[n] = i >= most;
			x[n] = passed[n] ? -(rng_double(&rng) < 0.1) : rng_double(&rng) < 0.4;
			n++;
		}
		struct sampled_mean m = sampled_mean(x, passed, NULL, n, population);

		covered += m.low <= 0.025 && 0.025 <= m.high;
	}
	print_message("covered %.1f %%\n", 100.0 * (double)covered / DRAWS);
	assert_true(covered >= 0.94 * DRAWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pass_at_k_is_chen_s),
		cmocka_unit_test(graded_scores_are_averaged_over_choices),
		cmocka_unit_test(failures_weigh_what_they_are),
		cmocka_unit_test(clusters_do_not_narrow_it),
		cmocka_unit_test(it_covers_as_often_as_it_says),
	};

	return cmocka_run_group_tests_name("stats_sampled", tests, NULL, NULL);
}
