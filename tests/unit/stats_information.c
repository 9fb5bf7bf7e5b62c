/* Expected values: tests/reference/stats.py information (quadrature of the definition, mpmath). */
#include "test.h"

#include "stats/information.h"

static const struct {
	double mean, sd, noise, items, worth;
} rows[] = {
	{ 0, 1, 1, 1, 0.28209479177387814 },
	{ 0.5, 1, 1, 1, 0.09982061418712283 },
	{ -0.5, 1, 1, 1, 0.09982061418712283 },
	{ 0.01, 0.02, 0.45, 100, 0.0004273855181082448 },
	{ -0.03, 0.02, 0.45, 500, 8.439194735010667e-05 },
	{ 0.03, 0.02, 0.45, 1000000.0, 0.0005854806278596553 },
	{ 0.05, 0.01, 0.4, 50, 5.986221145330011e-186 },
	{ 0.0001, 0.02, 0.45, 1, 0.00030650953578021626 },
	{ 0.2, 0.03, 0.3, 2000, 1.7330811964027595e-14 },
	{ -3, 1, 0.1, 4, 0.0003766558395969799 },
	{ 5, 1, 1, 1000000.0, 5.346091198377427e-08 },
	{ 0.02, 0.05, 0, 1, 0.01152194184737265 },
};

static void worth_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double got = information_value(rows[i].mean, rows[i].sd, rows[i].noise, rows[i].items);

		if (!(fabs(got - rows[i].worth) <= 1e-9 * rows[i].worth))
			fail_msg("row %zu: got %.17g, want %.17g", i, got, rows[i].worth);
	}
}

static void what_cannot_change_is_worth_nothing(void **state)
{
	(void)state;
	assert_true(information_value(.1, 0, .4, 100) == 0);
	assert_true(information_value(.1, .02, .4, 0) == 0);
	assert_true(isnan(information_value(NAN, .02, .4, 10)));
	assert_true(isnan(information_value(.1, NAN, .4, 10)));
	/* All the items in the world tell the gap, as one without noise does. */
	assert_close("certainty", information_value(.1, .2, .4, INFINITY), information_value(.1, .2, 0, 1), 1e-15);
	/* More items are worth more, and a choice that is clear is worth asking less about. */
	for (int i = 1; i < 1000; i *= 2) {
		assert_true(information_value(.1, .2, .4, i) < information_value(.1, .2, .4, 2 * i));
		assert_true(information_value(.1 * i, .2, .4, 9) >= information_value(.2 * i, .2, .4, 9));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worth_matches_reference),
		cmocka_unit_test(what_cannot_change_is_worth_nothing),
	};

	return cmocka_run_group_tests_name("stats_information", tests, NULL, NULL);
}
