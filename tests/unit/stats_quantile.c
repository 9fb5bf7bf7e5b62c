/* Order statistics: small samples written out, and the definition itself on drawn ones. */
#include "test.h"

#include "base/rng.h"
#include "stats/quantile.h"

static void small_samples(void **state)
{
	double one[] = { 7 }, four[] = { 4, 1, 3, 2 }, five[] = { 5, 1, 4, 2, 3 };

	(void)state;
	assert_true(quantile(one, 1, 0.5) == 7 && quantile(one, 1, 0) == 7 && quantile(one, 1, 1) == 7);
	assert_true(quantile(four, 4, 0.5) == 2 && quantile(four, 4, 0.95) == 4 && quantile(four, 4, 0) == 1);
	assert_true(quantile(five, 5, 0.5) == 3 && four[0] == 1 && four[3] == 4);
	double none = quantile(five, 0, 0.5);

	assert_true(isnan(none));
}

/* At least the share of all does not exceed it, and less than the share lies below it. */
static void the_definition(void **state)
{
	double values[200];
	struct rng rng;

	(void)state;
	rng_init(&rng, 3, "quantiles");
	for (size_t n = 1; n <= ARRAY_SIZE(values); n += 13)
		for (double share = 0.05; share < 1; share += 0.15) {
			double q;
			size_t at_most = 0, below = 0;

			for (size_t i = 0; i < n; i++)
				values[i] = (double)(int)(20 * rng_double(&rng));
			q = quantile(values, n, share);
			for (size_t i = 0; i < n; i++) {
				at_most += values[i] <= q;
				below += values[i] < q;
			}
			assert_true((double)at_most >= share * (double)n - 1e-9 && (double)below < share * (double)n);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(small_samples), cmocka_unit_test(the_definition) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
