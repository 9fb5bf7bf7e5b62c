/* Expected values: tests/reference/stats.py interval (scipy). */
#include "test.h"

#include "stats/interval.h"
#include "stats/mean.h"

static const struct {
	uint64_t successes, n;
	double confidence, wilson_low, wilson_high, exact_low, exact_high;
} rows[] = {
	{ 0, 10, 0.95, 0.0, 0.27753279986288926, 0.0, 0.30849710781876294 },
	{ 10, 10, 0.95, 0.7224672001371109, 1.0, 0.6915028921812371, 1.0 },
	{ 17, 20, 0.95, 0.6395811352592431, 0.9476312541037835, 0.6210731734547044, 0.9679290628144552 },
	{ 85, 100, 0.9, 0.7820969631120788, 0.8994631323396992, 0.7784630916814811, 0.9052059883253526 },
	{ 450, 500, 0.99, 0.86003290469044, 0.9294902858429648, 0.860531573698233, 0.9316008774002926 },
	{ 1, 3000, 0.95, 5.8843941871566355e-05, 0.001885818884304179, 8.439233712466628e-06, 0.0018557999941494615 },
};

static void accuracy_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct interval w = interval_wilson(rows[i].successes, rows[i].n, rows[i].confidence);
		struct interval e = interval_exact(rows[i].successes, rows[i].n, rows[i].confidence);

		assert_close("wilson low", w.low, rows[i].wilson_low, 1e-12);
		assert_close("wilson high", w.high, rows[i].wilson_high, 1e-12);
		assert_close("exact low", e.low, rows[i].exact_low, 1e-11);
		assert_close("exact high", e.high, rows[i].exact_high, 1e-11);
	}
}

static void nothing_measured_excludes_nothing(void **state)
{
	struct interval w = interval_wilson(0, 0, 0.95);
	struct interval e = interval_exact(0, 0, 0.95);
	struct interval t = interval_mean_t(0.5, NAN, 1, 0.95);
	struct interval c = interval_cluster(NULL, 0, 0.95);

	(void)state;
	assert_true(w.low == 0.0 && w.high == 1.0);
	assert_true(e.low == 0.0 && e.high == 1.0);
	assert_true(t.low == -INFINITY && t.high == INFINITY);
	assert_true(c.low == -INFINITY && c.high == INFINITY);
	assert_true(interval_all_pass(0, 0.95) == 1.0);
}

static const struct {
	double mean, sd;
	uint64_t n;
	double confidence, low, high;
} mean_rows[] = {
	{ 0.7, 0.2, 10, 0.95, 0.5569286188058671, 0.8430713811941328 },
	{ 0, 1, 2, 0.9, -4.464496510753559, 4.464496510753554 },
	{ -0.05, 0.4, 500, 0.975, -0.09021679040163763, -0.00978320959836234 },
};

static void mean_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mean_rows); i++) {
		struct interval t = interval_mean_t(mean_rows[i].mean, mean_rows[i].sd, mean_rows[i].n,
			mean_rows[i].confidence);

		assert_close("low", t.low, mean_rows[i].low, 1e-12);
		assert_close("high", t.high, mean_rows[i].high, 1e-12);
	}
}

static const struct {
	uint64_t n;
	double confidence, failures;
} all_pass_rows[] = {
	{ 1, 0.95, 0.95 },
	{ 59, 0.95, 0.04950760988822689 },
	{ 300, 0.99, 0.015233347889841875 },
};

static void all_pass_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all_pass_rows); i++)
		assert_close("all pass", interval_all_pass(all_pass_rows[i].n, all_pass_rows[i].confidence),
			all_pass_rows[i].failures, 1e-12);
}

static void clusters_match_reference(void **state)
{
	const struct cluster g[] = { { 2, 3 }, { -1, 2 }, { 0, 0 }, { 0, 1 }, { 3, 4 } }; /* the empty one: nothing */
	const double want[] = { 0.4, 0.282842712474619, -0.5001317452912734, 1.3001317452912735 };
	struct mean m = mean_clusters(g, ARRAY_SIZE(g));
	struct interval i = interval_cluster(g, ARRAY_SIZE(g), 0.95);

	(void)state;
	assert_close("mean", m.mean, want[0], 1e-14);
	assert_close("error", m.error, want[1], 1e-14);
	assert_close("low", i.low, want[2], 1e-12);
	assert_close("high", i.high, want[3], 1e-12);
	assert_true(m.items == 10.0 && m.groups == 4.0);
}

static void clusters_of_one_are_items(void **state)
{
	const double values[] = { 0.1, 0.9, 0.4, 0.4, 1.0 };
	const size_t id[] = { 4, 2, 0, 1, 3 };
	struct cluster g[5];
	struct mean a = mean_items(values, 5);
	struct mean b;

	(void)state;
	cluster_gather(g, 5, values, id, 5);
	b = mean_clusters(g, 5);
	assert_close("mean", a.mean, b.mean, 1e-15);
	assert_close("error", a.error, b.error, 1e-15);
	assert_close("sd/sqrt(n)", a.error, 0.3781534080237807 / sqrt(5.0), 1e-14);
	assert_int_equal(cluster_largest(g, 5), 1);
}

static void gathering_sums_by_cluster(void **state)
{
	const double values[] = { 1, 0.5, -1, 1, 1 };
	const size_t id[] = { 0, 2, 0, 2, 2 };
	struct cluster g[3];

	(void)state;
	cluster_gather(g, 3, values, id, 5);
	assert_true(g[0].sum == 0.0 && g[0].size == 2);
	assert_true(g[1].sum == 0.0 && g[1].size == 0);
	assert_true(g[2].sum == 2.5 && g[2].size == 3);
	assert_int_equal(cluster_largest(g, 3), 3);
	assert_int_equal(cluster_largest(g, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accuracy_matches_reference),
		cmocka_unit_test(nothing_measured_excludes_nothing),
		cmocka_unit_test(mean_matches_reference),
		cmocka_unit_test(all_pass_matches_reference),
		cmocka_unit_test(clusters_match_reference),
		cmocka_unit_test(clusters_of_one_are_items),
		cmocka_unit_test(gathering_sums_by_cluster),
	};

	return cmocka_run_group_tests_name("stats_interval", tests, NULL, NULL);
}
