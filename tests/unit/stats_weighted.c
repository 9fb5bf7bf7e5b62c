/* The weighted test beside its definition, and its error by simulation with fixed seeds. */
#include "test.h"

#include "base/rng.h"
#include "stats/weighted.h"

/* Scaled values against their own m, multiplied out, each stake by itself. */
static double defined_log_k(const bool *first, const double *p, const double *s, size_t n, double margin)
{
	double k = 0;

	for (int i = 1; i <= 19; i++) {
		double capital = 1, sum = 0;

		for (size_t t = 0; t < n; t++) {
			double c = (sum + 0.5) / ((double)t + 1), q = 1 - p[t];
			double z = (s[t] - c) * (first[t] ? 1 / p[t] : -1 / q);
			double least = -fmax(c / p[t], (1 - c) / q), most = fmax((1 - c) / p[t], c / q);
			double x = (z - least) / (most - least), m = (-margin - least) / (most - least);

			assert_true(x >= -1e-12 && x <= 1 + 1e-12);
			capital *= 1 + 0.05 * i / m * (x - m);
			sum += s[t];
		}
		k += capital / 19;
	}
	return log(k);
}

static void log_k_is_as_defined(void **state)
{
	bool first[200];
	double p[200], s[200];
	struct weighted w;
	struct rng r;

	(void)state;
	rng_init(&r, 1, "weighted");
	weighted_init(&w, 0.05);
	assert_true(weighted_log_k(&w) == 0);
	for (size_t i = 0; i < 200; i++) {
		p[i] = i < 100 ? 0.1 : 0.05 + 0.9 * rng_double(&r);
		first[i] = rng_double(&r) < p[i];
		s[i] = i % 4 == 0 ? rng_double(&r) : rng_double(&r) < (first[i] ? 0.9 : 0.6);
		weighted_add(&w, first[i], p[i], s[i]);
		if (i % 20 == 19)
			assert_close("log K", weighted_log_k(&w), defined_log_k(first, p, s, i + 1, 0.05), 1e-10);
	}
}

/* Whether it says "not worse by .05", looked at after each of n calls. */
static bool says(struct rng *r, double p, double one, double other, size_t n)
{
	struct weighted w;

	weighted_init(&w, 0.05);
	for (size_t i = 0; i < n; i++) {
		bool first = rng_double(r) < p;

		weighted_add(&w, first, p, rng_double(r) < (first ? one : other));
		if (weighted_log_k(&w) >= -log(0.05))
			return true;
	}
	return false;
}

static void a_worse_one_passes_in_less_than_alpha(void **state)
{
	static const double shares[] = { 0.05, 0.1, 0.5 };
	struct rng r;

	(void)state;
	rng_init(&r, 2, "weighted");
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
		size_t passed = 0;

		for (int run = 0; run < 600; run++)
			passed += says(&r, shares[i], 0.80, 0.85, 1500);
		assert_true(passed <= 30 + 16); /* .05, and three standard errors */
	}
}

static void a_better_one_passes(void **state)
{
	struct rng r;
	size_t passed = 0;

	(void)state;
	rng_init(&r, 3, "weighted");
	for (int run = 0; run < 100; run++)
		passed += says(&r, 0.1, 0.95, 0.85, 2000);
	assert_true(passed >= 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_k_is_as_defined),
		cmocka_unit_test(a_worse_one_passes_in_less_than_alpha),
		cmocka_unit_test(a_better_one_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
