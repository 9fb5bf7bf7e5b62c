/* stats_agreement.c - against values by hand: the table of Cohen's kappa on Wikipedia (20 and 15 of 50 agree, kappa 0.4), and
 * Pearson's formula written out in Python. */
#include "test.h"

#include "stats/agreement.h"

static void kappa_of_a_table(void **state)
{
	/* both yes 20, first alone 5, second alone 10, both no 15 */
	double first[50], second[50];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 50; i++, n++) {
		first[i] = i < 25;
		second[i] = i < 20 || (i >= 25 && i < 35);
	}
	struct agreement a = agreement_of(first, second, n);

	assert_true(a.binary);
	assert_close("same", a.same, 0.7, 1e-12);
	assert_close("kappa", a.kappa, 0.4, 1e-12);
	assert_close("first", a.first, 0.5, 1e-12);
	assert_close("second", a.second, 0.6, 1e-12);
	assert_close("phi", a.correlation, (20.0 * 15.0 - 5.0 * 10.0) / sqrt(25.0 * 25.0 * 30.0 * 20.0), 1e-12);
}

static void correlation_of_graded(void **state)
{
	static const double first[] = { 0, 0.25, 0.5, 1, 0.75 }, second[] = { 0.1, 0.2, 0.9, 0.8, 0.5 };
	struct agreement a = agreement_of(first, second, 5);

	(void)state;
	assert_false(a.binary);
	assert_close("correlation", a.correlation, 0.7602631123499285, 1e-12);
	assert_true(isnan(a.kappa) && isnan(a.same));
}

static void nothing_to_tell(void **state)
{
	static const double ones[] = { 1, 1, 1 }, mixed[] = { 1, 0, 1 };

	(void)state;
	assert_true(isnan(agreement_of(ones, ones, 3).kappa)); /* chance alone agrees as much */
	assert_close("never beyond chance", agreement_of(ones, mixed, 3).kappa, 0, 1e-12);
	assert_true(isnan(agreement_of(ones, mixed, 3).correlation));
	assert_int_equal(agreement_of(NULL, NULL, 0).n, 0);
	assert_true(isnan(agreement_of(NULL, NULL, 0).first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kappa_of_a_table),
		cmocka_unit_test(correlation_of_graded),
		cmocka_unit_test(nothing_to_tell),
	};

	return cmocka_run_group_tests_name("stats_agreement", tests, NULL, NULL);
}
