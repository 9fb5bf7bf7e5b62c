/* Expected values: tests/reference/stats.py bet (products as defined, root finding in m). */
#include "test.h"

#include "stats/bet.h"
#include "stats_sample.h"

static const struct {
	size_t n;
	double alpha, low, high;
} interval_rows[] = {
	{ 1, 0.05, 0.0, 0.9873417721518987 },
	{ 10, 0.05, 0.24029505351106775, 0.7279164408365119 },
	{ 40, 0.05, 0.3743313757630731, 0.6230745982974004 },
	{ 40, 0.01, 0.35108261205530666, 0.6452264345416494 },
};

static void interval_matches_reference(void **state)
{
	double x[GRADED_N];

	(void)state;
	graded_scores(x);
	for (size_t i = 0; i < ARRAY_SIZE(interval_rows); i++) {
		struct interval got = bet_interval(x, interval_rows[i].n, interval_rows[i].alpha);

		assert_close("low", got.low, interval_rows[i].low, 1e-11);
		assert_close("high", got.high, interval_rows[i].high, 1e-11);
	}
}

static const struct {
	size_t wins, losses, ties;
	double margin, log_k;
} log_k_rows[] = {
	{ 10, 2, 30, 0, 2.293451842560044 },
	{ 10, 2, 30, 0.05, 3.6343624432524138 },
	{ 2, 10, 30, 0.05, -2.2089011036032065 },
	{ 40, 60, 400, 0.1, 2.830802802384558 },
};

static size_t fill(double *d, size_t wins, size_t losses, size_t ties)
{
	size_t n = 0;

	for (size_t i = 0; i < wins; i++)
		d[n++] = 1.0;
	for (size_t i = 0; i < losses; i++)
		d[n++] = -1.0;
	for (size_t i = 0; i < ties; i++)
		d[n++] = 0.0;
	return n;
}

static void log_k_matches_reference(void **state)
{
	double d[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(log_k_rows); i++) {
		size_t n = fill(d, log_k_rows[i].wins, log_k_rows[i].losses, log_k_rows[i].ties);
		double margin = log_k_rows[i].margin;
		struct bet b;

		bet_init(&b, 0.5 * (1.0 - margin));
		for (size_t j = 0; j < n; j++)
			bet_add(&b, 0.5 * (d[j] + 1.0));
		assert_close("one by one", bet_log_k(&b), log_k_rows[i].log_k, 1e-12);
		assert_close("at once", comparison_log_k(d, n, margin), log_k_rows[i].log_k, 1e-12);
	}
}

static void clusters_match_reference(void **state)
{
	const double want[] = { 1.2409675928288038, 2.1799148773788755, -0.22274696937863792, 0.6203054393987737 };
	struct cluster g[CLUSTERS_N];
	struct interval i;
	struct bet b;

	(void)state;
	clustered_sums(g, 1.5, -0.5);
	assert_close("margin 0", comparison_log_k_clusters(g, CLUSTERS_N, CLUSTERS_LARGEST, 0.0), want[0], 1e-12);
	assert_close("margin .1", comparison_log_k_clusters(g, CLUSTERS_N, CLUSTERS_LARGEST, 0.1), want[1], 1e-12);
	bet_init(&b, 0.45);
	for (int j = 0; j < CLUSTERS_N; j++)
		bet_add(&b, cluster_bet_x(g[j], CLUSTERS_LARGEST, 0.1));
	assert_close("one by one", bet_log_k(&b), want[1], 1e-12);
	i = comparison_interval_clusters(g, CLUSTERS_N, CLUSTERS_LARGEST, 0.05);
	assert_close("low", i.low, want[2], 1e-11);
	assert_close("high", i.high, want[3], 1e-11);
}

static void clusters_of_one_are_items(void **state)
{
	const double d[] = { 1, 1, 0, -1, 0.5, 1, 0, 0.25 };
	struct cluster g[8];
	struct interval a = comparison_interval(d, 8, 0.1);
	struct interval b;

	(void)state;
	for (int i = 0; i < 8; i++)
		g[i] = (struct cluster){ d[i], 1 };
	b = comparison_interval_clusters(g, 8, 1, 0.1);
	assert_true(a.low == b.low && a.high == b.high);
	assert_true(comparison_log_k(d, 8, 0.05) == comparison_log_k_clusters(g, 8, 1, 0.05));
}

static void nothing_measured_excludes_nothing(void **state)
{
	struct interval d = comparison_interval(NULL, 0, 0.05);
	struct interval x = bet_interval(NULL, 0, 0.05);
	struct bet b;

	(void)state;
	bet_init(&b, 0.5);
	assert_true(fabs(bet_log_k(&b)) < 1e-15);
	assert_true(d.low == -1.0 && d.high == 1.0 && x.low == 0.0 && x.high == 1.0);
}

/* The interval excludes what the test at its side's level rejects, and only that. */
static void interval_and_test_agree(void **state)
{
	double d[100];
	size_t n = fill(d, 30, 10, 60);
	struct interval i = comparison_interval(d, n, 0.05);
	double level = log(2.0 / 0.05);

	(void)state;
	assert_true(i.low > 0.0 && i.low < 0.2 && i.high > 0.2);
	assert_true(comparison_log_k(d, n, -(i.low - 1e-6)) >= level);
	assert_true(comparison_log_k(d, n, -(i.low + 1e-6)) < level);
	for (size_t j = 0; j < n; j++)
		d[j] = -d[j];
	assert_true(comparison_log_k(d, n, i.high + 1e-6) >= level);
	assert_true(comparison_log_k(d, n, i.high - 1e-6) < level);
}

static void long_series_neither_overflow_nor_vanish(void **state)
{
	static double d[100000];
	struct interval i;
	double log_k;

	(void)state;
	for (size_t j = 0; j < ARRAY_SIZE(d); j++)
		d[j] = 1.0;
	i = comparison_interval(d, ARRAY_SIZE(d), 0.05);
	assert_true(i.low > 0.999 && i.low < 1.0 && i.high == 1.0);
	log_k = comparison_log_k(d, ARRAY_SIZE(d), 0.0);
	assert_true(isfinite(log_k) && log_k > 6e4);
	for (size_t j = 0; j < ARRAY_SIZE(d); j++)
		d[j] = -1.0;
	log_k = comparison_log_k(d, ARRAY_SIZE(d), 0.0);
	assert_true(isfinite(log_k) && log_k < -5e3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interval_matches_reference),
		cmocka_unit_test(log_k_matches_reference),
		cmocka_unit_test(clusters_match_reference),
		cmocka_unit_test(clusters_of_one_are_items),
		cmocka_unit_test(nothing_measured_excludes_nothing),
		cmocka_unit_test(interval_and_test_agree),
		cmocka_unit_test(long_series_neither_overflow_nor_vanish),
	};

	return cmocka_run_group_tests_name("stats_bet", tests, NULL, NULL);
}
