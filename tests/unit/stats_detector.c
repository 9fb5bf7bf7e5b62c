/* The detector beside its definition (the sum over all beginnings), and what it promises by simulation with fixed seeds. */
#include "test.h"

#include "base/rng.h"
#include "stats/detector.h"

enum { N = 300 };

/* Mean over the stakes of the sum over j of the capital of who began at j: quadratic, as the paper has it. */
static double defined_level(const double *b, const double *x, size_t n)
{
	double level = 0;

	for (int i = 1; i <= 19; i++)
		for (size_t j = 0; j < n; j++) {
			double capital = 1;

			for (size_t t = j; t < n; t++)
				capital *= 1 + 0.05 * i * (b[t] - x[t]) / (1 - b[t]);
			level += capital / 19;
		}
	return level;
}

static void level_is_the_sum_over_all_beginnings(void **state)
{
	double b[N], x[N];
	struct detector d = { 0 };
	struct rng r;

	(void)state;
	rng_init(&r, 1, "detector");
	assert_true(detector_level(&d) == 0);
	for (size_t i = 0; i < N; i++) {
		b[i] = 0.7 + 0.2 * rng_double(&r); /* it may move */
		x[i] = i % 3 == 0 ? rng_double(&r) : rng_double(&r) < 0.8;
		detector_add(&d, b[i], x[i]);
		if (i % 20 == 0)
			assert_close("level", detector_level(&d), defined_level(b, x, i + 1), 1e-10);
	}
}

static size_t until_alarm(struct rng *r, double good, double bad, size_t change, size_t most)
{
	struct detector d = { 0 };
	size_t n = 0;

	while (n < most && detector_level(&d) < 1e4) {
		detector_add(&d, 0.85, rng_double(r) < (n < change ? good : bad));
		n++;
	}
	return n;
}

/* 10,000 values between false alarms on average; cut at 100,000, which only lowers the mean. Standard error of 100 runs: a tenth. */
static void good_times_are_left_alone(void **state)
{
	struct rng r;
	double sum = 0;

	(void)state;
	rng_init(&r, 2, "detector");
	for (int i = 0; i < 100; i++)
		sum += (double)until_alarm(&r, 0.85, 0.85, SIZE_MAX, 100000);
	assert_true(sum / 100 >= 1e4);
}

/* It forgets 1,000 good values; a mean from the beginning on would not. */
static void a_fall_is_found_soon(void **state)
{
	struct rng r;
	size_t soon = 0;

	(void)state;
	rng_init(&r, 3, "detector");
	for (int i = 0; i < 400; i++)
		soon += until_alarm(&r, 0.85, 0.70, 1000, 5000) <= 1150;
	assert_true(soon > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(level_is_the_sum_over_all_beginnings),
		cmocka_unit_test(good_times_are_left_alone),
		cmocka_unit_test(a_fall_is_found_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
