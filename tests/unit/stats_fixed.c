/* Expected values: tests/reference/stats.py fixed (scipy; the exact test by enumerating all outcomes). */
#include "test.h"

#include "stats/fixed.h"
#include "stats/mean.h"
#include "stats_sample.h"

static double paired_t_p(const double *d, size_t n, double margin)
{
	return mean_above_p(mean_items(d, n), -margin, -1, 1);
}

static double cluster_t_p(const struct cluster *g, size_t groups, double margin)
{
	return mean_above_p(mean_clusters(g, groups), -margin, -1, 1);
}

static const struct {
	double margin, p;
} graded_rows[] = {
	{ 0, 0.4859066344576559 },
	{ 0.05, 0.2667491299503493 },
	{ 0.2, 0.010474997421426744 },
};

static const struct {
	double margin, p;
} cluster_rows[] = {
	{ 0, 0.03806883162903265 },
	{ 0.1, 0.008315979497870064 },
};

static void t_tests_match_reference(void **state)
{
	double d[GRADED_N];
	struct cluster g[CLUSTERS_N];

	(void)state;
	graded_scores(d);
	for (int i = 0; i < GRADED_N; i++)
		d[i] = 2.0 * d[i] - 1.0;
	for (size_t i = 0; i < ARRAY_SIZE(graded_rows); i++)
		assert_close("graded", paired_t_p(d, GRADED_N, graded_rows[i].margin), graded_rows[i].p, 1e-12);
	clustered_sums(g, 1.5, -0.5);
	for (size_t i = 0; i < ARRAY_SIZE(cluster_rows); i++)
		assert_close("clusters", cluster_t_p(g, CLUSTERS_N, cluster_rows[i].margin), cluster_rows[i].p, 1e-12);
}

static void little_data_proves_nothing(void **state)
{
	const double same[] = { 0.1, 0.1, 0.1, 0.1, 0.1 };
	const double ties[] = { 0, 0, 0, 0, 0 };
	const double close[] = { 0.5, 0.51, 0.5, 0.5, 0.5 };
	const struct cluster one = { 5, 5 };

	(void)state;
	assert_true(paired_t_p(same, 0, 0.0) == 1.0 && paired_t_p(same, 1, 0.0) == 1.0);
	assert_true(cluster_t_p(&one, 1, 0.0) == 1.0);
	assert_true(paired_t_p(same, 5, 0.0) > 0.3);  /* no spread seen is not no spread */
	assert_true(paired_t_p(ties, 5, 0.0) == 1.0); /* nor is a tie a gain */
	assert_close("five items are a coin's five heads", paired_t_p(close, 5, 0.0), pow(0.5, 5), 1e-12);
}

static const struct {
	uint64_t wins, losses, n;
	double margin, z, p;
} noninferior_rows[] = {
	{ 0, 0, 30, 0.1, 1.8257418583505538, 0.04239115827521624 },
	{ 0, 0, 60, 0.05, 1.777046633277277, 0.04606979898695228 },
	{ 5, 4, 50, 0.1, 1.8359089082535116, 0.04437936537099019 },
	{ 10, 12, 100, 0.1, 1.6481214036381384, 0.05757688648703456 },
	{ 8, 10, 200, 0.05, 1.74927125148256, 0.041172168770583974 },
	{ 3, 14, 60, 0.1, -1.2949827795341833, 0.9269344899163426 },
};

static void noninferiority_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(noninferior_rows); i++) {
		struct paired_counts c = { noninferior_rows[i].wins, noninferior_rows[i].losses };
		uint64_t n = noninferior_rows[i].n;
		double margin = noninferior_rows[i].margin;
		double z = paired_noninferior_z((double)c.wins, (double)c.losses, (double)n, margin);

		assert_close("tango", z, noninferior_rows[i].z, 1e-6); /* the reference maximises numerically */
		/* 128 null rates against 4,001. */
		assert_close("exact", paired_noninferior_p(c, n, margin), noninferior_rows[i].p, 2e-4);
	}
}

/* Of exactly w wins and l losses at a loss rate on the null's edge: the trinomial. */
static double outcome_chance(double w, double l, double n, double rate, double margin)
{
	double log_choose = lgamma(n + 1) - lgamma(w + 1) - lgamma(l + 1) - lgamma(n - w - l + 1);

	return exp(log_choose) * pow(rate - margin, w) * pow(rate, l) * pow(1.0 - 2.0 * rate + margin, n - w - l);
}

/* The chance of p <= alpha under every null on a grid that is not the test's own, by enumeration. */
static double largest_size(uint64_t n, double margin, double alpha)
{
	double worst = 0.0;

	for (double rate = margin; rate <= 0.5 * (1.0 + margin); rate += 0.013) {
		double size = 0.0;

		for (uint64_t l = 0; l <= n; l++) {
			for (uint64_t w = 0; w + l <= n; w++) {
				double chance = outcome_chance((double)w, (double)l, (double)n, rate, margin);
				struct paired_counts c = { w, l };

				if (chance > 1e-9 && paired_noninferior_p(c, n, margin) <= alpha)
					size += chance;
			}
		}
		worst = fmax(worst, size);
	}
	return worst;
}

static void noninferiority_holds_its_level(void **state)
{
	double size = largest_size(14, 0.2, 0.05);

	(void)state;
	assert_true(size <= 0.0501 && size > 0.02); /* and does not hold it by never passing */
}

static void noninferiority_edges(void **state)
{
	struct paired_counts none = { 0, 0 };
	struct paired_counts all_lost = { 0, 50 };
	struct paired_counts all_won = { 50, 0 };

	(void)state;
	assert_true(paired_noninferior_p(none, 0, 0.1) == 1.0);
	assert_close("all ties", paired_noninferior_p(none, 30, 0.1), pow(0.9, 30), 1e-9);
	assert_true(paired_noninferior_p(all_lost, 50, 0.1) > 0.999);
	assert_true(paired_noninferior_p(all_won, 50, 0.1) < 1e-15);
	assert_true(paired_noninferior_p(all_won, 50, 0.0) == 1.0 && paired_noninferior_p(all_won, 50, NAN) == 1.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_tests_match_reference),
		cmocka_unit_test(little_data_proves_nothing),
		cmocka_unit_test(noninferiority_matches_reference),
		cmocka_unit_test(noninferiority_holds_its_level),
		cmocka_unit_test(noninferiority_edges),
	};

	return cmocka_run_group_tests_name("stats_fixed", tests, NULL, NULL);
}
