/* Learning curves: fits and forecasts against scipy (tests/reference/stats.py curve), and what is said of a target. */
#include "test.h"

#include "stats/curve.h"

static const struct curve_point first[] = { { 14, .52 }, { 28, .41 }, { 56, .33 }, { 112, .24 }, { 224, .2 } };
static const struct curve_point second[] = {
	{ 20, .3 }, { 20, .36 }, { 20, .33 }, { 40, .3 }, { 40, .25 }, { 40, .31 }, { 80, .24 }, { 160, .2 },
};
static const struct curve_point rising[] = { { 16, .1 }, { 32, .11 }, { 64, .12 } };
static const struct curve_point spotless[] = { { 100, .02 }, { 200, .01 }, { 400, 0 } };

static const struct {
	const struct curve_point *points;
	size_t n, items;
	double want[9]; /* a, b, residual; at 2 and 3.5 times: error, low, high */
} rows[] = {
	{ first, 5, 90, { 1.326634082491827, 0.3529612750404388, 0.03259482308710996, 0.15379870625982953, 0.06949772065250578,
			  0.34035709121266644, 0.12623205799423715, 0.05170450649784703, 0.3081845963682867 } },
	{ second, 8, 148, { 0.67439715585845, 0.2365488782391754, 0.08607309950350567, 0.1723158842032596, 0.10453933334928414,
			    0.2840343724934851, 0.1509506317987142, 0.08623445198319052, 0.26423422096858257 } },
	{ rising, 3, 50, { 0.0695405618592474, -0.13151720291689684, 0.003387972061995917, 0.13163535725838282, 0.0013025357502274304, 1,
			   0.14168903446284048, 0.0016990412492246182, 1 } },
	{ spotless, 3, 100, { 2, 1, 0, 0.0025, 2.3728758838289273e-14, 1, 0.0014285714285714277, 3.676696104976832e-18, 1 } },
};

static void fits_are_the_reference_s(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const double *want = rows[i].want;
		struct curve c;

		assert_true(curve_fit(rows[i].points, rows[i].n, rows[i].items, &c));
		assert_close("a", c.a, want[0], 1e-9);
		assert_close("b", c.b, want[1], 1e-9);
		assert_close("residual", c.residual, want[2], 1e-9);
		for (size_t k = 0; k < 2; k++) {
			struct forecast f = curve_forecast(&c, (k ? 3.5 : 2) * (double)c.most);

			assert_close("error", f.error, want[3 + 3 * k], 1e-9);
			assert_close("low", f.low, want[4 + 3 * k], 1e-9);
			assert_close("high", f.high, want[5 + 3 * k], 1e-9);
		}
	}
}

static void too_few_sizes_have_no_line(void **state)
{
	static const struct curve_point twice[] = { { 20, .3 }, { 20, .2 }, { 40, .2 }, { 40, .1 } };
	struct curve c;

	(void)state;
	assert_false(curve_fit(twice, 4, 50, &c));
	assert_false(curve_fit(first, 2, 50, &c));
	assert_false(curve_fit(first, 5, 0, &c));
}

static void nothing_is_forecast_beyond_the_reach(void **state)
{
	struct curve c;

	(void)state;
	assert_true(curve_fit(first, 5, 90, &c));
	static const struct { double n; bool known; } at[] = { { 224, true }, { 4 * 224, true }, { 4 * 224 + 1, false }, { 0, false } };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		double error = curve_forecast(&c, at[i].n).error;

		assert_true(isnan(error) != at[i].known);
	}
}

/* The line is at .1963 with 224 examples, and at .12 with 900. */
static void a_target_is_there_or_needs_more_or_is_unknown(void **state)
{
	struct curve c;

	(void)state;
	assert_true(curve_fit(first, 5, 90, &c));
	assert_int_equal(curve_reach(&c, .25, 40).reach, REACH_THERE);
	struct target_reach r = curve_reach(&c, .16, 40);

	assert_int_equal(r.reach, REACH_MORE);
	assert_true(curve_forecast(&c, (double)r.n).error <= .16 && curve_forecast(&c, (double)r.n - 1).error > .16);
	assert_true(r.low <= r.n && r.high == 0);
	assert_int_equal(curve_reach(&c, .1, 40).reach, REACH_UNKNOWN);
	assert_true(curve_fit(rising, 3, 50, &c));
	assert_int_equal(curve_reach(&c, .05, 40).reach, REACH_UNKNOWN);
}

/* Where the interval's upper end does not meet the target either, few examples a class promise nothing. */
static void few_examples_a_class_promise_little(void **state)
{
	static const struct curve_point steep[] = { { 16, .8 }, { 32, .4 }, { 64, .2 }, { 128, .1 } };
	struct curve c;

	(void)state;
	assert_true(curve_fit(first, 5, 90, &c));
	assert_int_equal(curve_reach(&c, .16, CURVE_FEW).reach, REACH_UNKNOWN);
	assert_true(curve_fit(steep, 4, 2000, &c));
	struct target_reach r = curve_reach(&c, .05, 5);

	assert_int_equal(r.reach, REACH_MORE);
	assert_true(r.high >= r.n && curve_forecast(&c, (double)r.high).high <= .05);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits_are_the_reference_s),
		cmocka_unit_test(too_few_sizes_have_no_line),
		cmocka_unit_test(nothing_is_forecast_beyond_the_reach),
		cmocka_unit_test(a_target_is_there_or_needs_more_or_is_unknown),
		cmocka_unit_test(few_examples_a_class_promise_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
