/* Expected values: tests/reference/stats.py target (quadrature of the mixture, scipy). */
#include "test.h"

#include "stats/mean.h"
#include "stats/paired.h"
#include "stats/target.h"
#include "stats_sample.h"

static const struct {
	uint64_t successes, n;
	double target, log_e, futile_log_e, p, futile_p;
} rows[] = {
	{ 0, 0, 0.85, 0, 0, 1.0, 1.0 },
	{ 1, 1, 0.85, 0.1100894428377859, -0.893585122416244, 0.85, 1.0 },
	{ 20, 20, 0.85, 2.5371941831365565, -3.110540124978378, 0.03875953108451434, 1.0 },
	{ 10, 20, 0.85, -2.8369286581186315, 5.289128503369875, 0.9999613672517919, 0.00024838198962403267 },
	{ 460, 500, 0.85, 9.29806717513768, -5.476149458116235, 1.6269780833556321e-06, 0.9999992191404993 },
	{ 425, 500, 0.85, -2.6651693277377166, -3.7235157394801304, 0.5307596679247808, 0.5191488474743825 },
	{ 380, 500, 0.85, -4.643895248383857, 10.829843869363149, 0.9999999522918435, 8.717359956875831e-08 },
	{ 60, 100, 0.5, 0.15301772719050408, -3.6194442467778645, 0.028443966820490444, 0.9823998998911476 },
	{ 995, 1000, 0.99, 0.5656443407542977, -5.185661638347514, 0.06613951160725165, 0.9713136000009954 },
};

static void right_or_wrong_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t s = rows[i].successes;
		uint64_t n = rows[i].n;
		double q = rows[i].target;

		assert_close("log e", target_log_e(s, n, q), rows[i].log_e, 1e-10);
		assert_close("futile log e", target_futile_log_e(s, n, q), rows[i].futile_log_e, 1e-10);
		assert_true(fabs(target_exact_p(s, n, q) - rows[i].p) <= 1e-11 * rows[i].p);
		assert_true(fabs(target_exact_futile_p(s, n, q) - rows[i].futile_p) <= 1e-11 * rows[i].futile_p);
	}
}

static const struct {
	double target, p, futile_p, log_k, futile_log_k;
} graded_rows[] = {
	{ 0.5, 0.48590663445765553, 0.5140933655423445, -1.0196374285308243, -1.0561915243309226 },
	{ 0.6, 0.9876148117413179, 0.012385188258682062, -2.193419754710678, 2.2893867417774945 },
	{ 0.7, 0.9999842381594418, 1.5761840558219423e-05, -2.7639899408462694, 10.413666335446457 },
};

static void graded_matches_reference(void **state)
{
	double x[GRADED_N];

	(void)state;
	graded_scores(x);
	for (size_t i = 0; i < ARRAY_SIZE(graded_rows); i++) {
		double q = graded_rows[i].target;

		assert_close("p", mean_above_p(mean_items(x, GRADED_N), q, 0, 1), graded_rows[i].p, 1e-12);
		assert_close("futile p", mean_below_p(mean_items(x, GRADED_N), q, 0, 1), graded_rows[i].futile_p, 1e-12);
		assert_close("log K", target_log_k(x, GRADED_N, q), graded_rows[i].log_k, 1e-12);
		assert_close("futile log K", target_futile_log_k(x, GRADED_N, q), graded_rows[i].futile_log_k, 1e-12);
	}
}

static const struct {
	double target, p, futile_p, log_k, futile_log_k;
} cluster_rows[] = {
	{ 0.3, 0.018212357962147062, 0.981787642037853, 1.1596497944539237, -1.1652839407397546 },
	{ 0.6, 0.8627952956986358, 0.13720470430136422, -0.7249528248470559, 0.4508255219290832 },
};

static void clusters_match_reference(void **state)
{
	struct cluster g[CLUSTERS_N];

	(void)state;
	clustered_sums(g, 1.0, 0.0);
	for (size_t i = 0; i < ARRAY_SIZE(cluster_rows); i++) {
		double q = cluster_rows[i].target;
		double log_k = target_cluster_log_k(g, CLUSTERS_N, CLUSTERS_LARGEST, q);
		double futile_log_k = target_cluster_futile_log_k(g, CLUSTERS_N, CLUSTERS_LARGEST, q);

		assert_close("p", mean_above_p(mean_clusters(g, CLUSTERS_N), q, 0, 1), cluster_rows[i].p, 1e-12);
		assert_close("futile p", mean_below_p(mean_clusters(g, CLUSTERS_N), q, 0, 1), cluster_rows[i].futile_p, 1e-12);
		assert_close("log K", log_k, cluster_rows[i].log_k, 1e-12);
		assert_close("futile log K", futile_log_k, cluster_rows[i].futile_log_k, 1e-12);
	}
}

static void target_one_half_is_the_paired_test(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < 40; w += 3)
		assert_close("log e", target_log_e(w, 40, 0.5), paired_log_e((struct paired_counts){ w, 40 - w }),
			1e-12);
}

/* On the null's edge the e-value is a fair bet on the next item, for the test and for its mirror. */
static void next_item_is_a_fair_bet(void **state)
{
	double (*const tests[])(uint64_t, uint64_t, double) = { target_log_e, target_futile_log_e };
	const double q = 0.85;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		for (uint64_t s = 0; s <= 30; s += 5) {
			double now = exp(tests[i](s, 30, q));
			double next = q * exp(tests[i](s + 1, 31, q)) + (1.0 - q) * exp(tests[i](s, 31, q));

			assert_true(fabs(next / now - 1.0) < 1e-10);
		}
	}
}

/* t knows nothing of the failures that a short run of passes has not shown yet. */
static void all_pass_is_no_proof(void **state)
{
	const double perfect[] = { 1, 1, 1, 1, 1, 1 };
	const double nearly[] = { 1, 1, 1, 1, 1, 0.99 };

	(void)state;
	assert_true(mean_above_p(mean_items(perfect, 6), 0.85, 0, 1) >= pow(0.85, 6));
	assert_close("floor", mean_above_p(mean_items(nearly, 6), 0.85, 0, 1), pow(0.85, 6), 1e-12);
	assert_true(mean_above_p(mean_items(perfect, 1), 0.85, 0, 1) == 1.0 && mean_above_p(mean_items(perfect, 0), 0.85, 0, 1) == 1.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_or_wrong_matches_reference),
		cmocka_unit_test(graded_matches_reference),
		cmocka_unit_test(clusters_match_reference),
		cmocka_unit_test(target_one_half_is_the_paired_test),
		cmocka_unit_test(next_item_is_a_fair_bet),
		cmocka_unit_test(all_pass_is_no_proof),
	};

	return cmocka_run_group_tests_name("stats_target", tests, NULL, NULL);
}
