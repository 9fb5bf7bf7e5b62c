/* Cases are rows: a new one is a new line. Expected values: tests/reference/stats.py paired (quadrature, scipy). */
#include "test.h"

#include "stats/paired.h"

static const struct {
	const char *name;
	struct paired_counts counts;
	double log_e;
} cases[] = {
	{ "no discordant item says nothing", { 0, 0 }, 0.0 },
	{ "one win doubles little", { 1, 0 }, 0.4926330004066011 },
	{ "ten straight wins pass alpha = .05", { 10, 0 }, 5.888305217397979 },
	{ "losses count against", { 0, 10 }, -2.8427856362360098 },
};

static void paired_log_e_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_close(cases[i].name, paired_log_e(cases[i].counts), cases[i].log_e, 1e-9);
}

static const struct {
	uint64_t wins, losses;
	double log_e, exact_p, mcnemar_p;
} rows[] = {
	{ 0, 0, 0, 1.0, 1 },
	{ 1, 0, 0.4926330004066005, 0.5, 1 },
	{ 10, 0, 5.888305216397979, 0.0009765625, 0.001953125 },
	{ 0, 10, -2.8427856362360093, 1.0, 0.001953125 },
	{ 6, 1, 1.3914967255030288, 0.0625, 0.125 },
	{ 15, 5, 1.5590034403316009, 0.020694732666015625, 0.04138946533203125 },
	{ 60, 40, 0.15301772719050408, 0.028443966820490444, 0.05688793364098089 },
	{ 600, 500, 1.5160534512060817, 0.0014097724957182142, 0.0028195449914364284 },
	{ 3, 40, -4.092362379945702, 0.9999999998923386, 3.0213413992896676e-09 },
	{ 5000, 4700, 0.5161453556703693, 0.0011983016812888263, 0.0023966033625776526 },
};

static void every_test_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct paired_counts c = { rows[i].wins, rows[i].losses };

		assert_close("log e", paired_log_e(c), rows[i].log_e, 1e-11);
		assert_true(fabs(paired_exact_p(c) - rows[i].exact_p) <= 1e-11 * rows[i].exact_p);
		assert_true(fabs(paired_mcnemar_p(c) - rows[i].mcnemar_p) <= 1e-11 * rows[i].mcnemar_p);
	}
}

/* E is a martingale on the null's edge: the mean over the two outcomes of the next discordant item is never more. */
static void next_item_is_a_fair_bet(void **state)
{
	(void)state;
	for (uint64_t w = 0; w < 60; w += 7) {
		for (uint64_t l = 0; l < 60; l += 7) {
			double now = exp(paired_log_e((struct paired_counts){ w, l }));
			double win = exp(paired_log_e((struct paired_counts){ w + 1, l }));
			double loss = exp(paired_log_e((struct paired_counts){ w, l + 1 }));

			assert_true(fabs(0.5 * (win + loss) / now - 1.0) < 1e-10);
		}
	}
}

static void large_counts_stay_finite(void **state)
{
	struct paired_counts even = { 1000000, 1000000 };
	struct paired_counts all = { 1ull << 40, 0 };

	(void)state;
	assert_close("even", paired_log_e(even), paired_log_e(even), 0.0); /* not NAN */
	assert_true(paired_log_e(even) < 0.0);
	assert_true(paired_log_e(all) > 7e11 && isfinite(paired_log_e(all)));
	assert_close("a fair coin", paired_exact_p(even), 0.5, 1e-3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paired_log_e_matches_reference),
		cmocka_unit_test(every_test_matches_reference),
		cmocka_unit_test(next_item_is_a_fair_bet),
		cmocka_unit_test(large_counts_stay_finite),
	};

	return cmocka_run_group_tests_name("stats_paired", tests, NULL, NULL);
}
