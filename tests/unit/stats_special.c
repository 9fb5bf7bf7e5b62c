/* Expected values: tests/reference/stats.py special (mpmath at 50 digits, scipy). */
#include "test.h"

#include "stats/special.h"

/* 1e-12 of the value, where assert_close() compares small values absolutely: tails must be right in their digits. */
static void assert_digits(const char *name, size_t i, double got, double want)
{
	if (!(fabs(got - want) <= 1e-12 * fabs(want)))
		fail_msg("%s, row %zu: got %.17g, want %.17g", name, i, got, want);
}

static const struct {
	double a, b, log_beta;
} beta_rows[] = {
	{ 0.5, 0.5, 1.1447298858494002 },
	{ 1, 1, 0.0 },
	{ 0.001, 3, 6.906255903607402 },
	{ 9.99, 10.01, -13.736218710401053 },
	{ 3, 1000000.0, -40.75338749333038 },
	{ 1000000.0, 1000000.0, -1386300.003362921 },
	{ 1000000.0, 0.5, -6.335390211057437 },
	{ 123.5, 4567.5, -572.5242646697467 },
};

static void beta_log_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(beta_rows); i++) {
		assert_digits("beta_log", i, beta_log(beta_rows[i].a, beta_rows[i].b), beta_rows[i].log_beta);
		assert_digits("swapped", i, beta_log(beta_rows[i].b, beta_rows[i].a), beta_rows[i].log_beta);
	}
}

static const struct {
	double a, b, x, log_p;
} inc_rows[] = {
	{ 0.5, 0.5, 0.25, -1.0986122886681098 },
	{ 2, 3, 0.9, -0.0037068619313264726 },
	{ 0.5, 10.5, 0.5, -0.00016147316496700618 },
	{ 10.5, 0.5, 0.5, -8.731252325798955 },
	{ 300, 200, 0.5, -12.550401188235375 },
	{ 200, 300, 0.5, -3.543486542533561e-06 },
	{ 1000, 3, 0.5, -681.4061160419825 },
	{ 0.01, 0.01, 1e-10, -0.9232435632960004 },
	{ 1000000.0, 1000000.0, 0.5, -0.6931471805599453 },
	{ 1000000.0, 1000000.0, 0.499, -6.0580961769793085 },
	{ 1000000.0, 1000000.0, 0.45, -10056.206585429736 },
	{ 1000000.0, 10, 0.99, -9980.243681325954 },
	{ 10, 1000000.0, 1e-07, -38.22109292709307 },
	{ 1000000.0, 1000000.0, 0.501, -0.0023415887873714084 },
	{ 99999.5, 100000.5, 0.499999, -0.6920772743562005 },
	{ 500000.0, 1000000.0, 0.3, -3895.4740533178892 },
	{ 0.5, 1000000.0, 1e-09, -3.33342881541439 },
	{ 1000000.0, 0.5, 0.5, -693154.3141072019 },
};

/* The digits of log p are those of the tail it belongs to; p = exp(log p) to the relative error of p itself. */
static void beta_inc_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inc_rows); i++) {
		double log_p = beta_inc_log(inc_rows[i].a, inc_rows[i].b, inc_rows[i].x);
		double p = beta_inc(inc_rows[i].a, inc_rows[i].b, inc_rows[i].x);

		assert_true(fabs(log_p - inc_rows[i].log_p) <= 1e-11 * fmax(1.0, fabs(inc_rows[i].log_p)));
		assert_true(fabs(log_p - inc_rows[i].log_p) <= 1e-8 * fabs(inc_rows[i].log_p));
		assert_true(fabs(p - exp(inc_rows[i].log_p)) <= 1e-10 * exp(inc_rows[i].log_p));
	}
}

static void beta_inc_is_complete(void **state)
{
	(void)state;
	for (double x = 0.05; x < 1.0; x += 0.05)
		assert_close("both tails", beta_inc(7.5, 3.0, x) + beta_inc(3.0, 7.5, 1.0 - x), 1.0, 1e-13);
	assert_true(beta_inc(2, 3, -1) == 0.0 && beta_inc(2, 3, 2) == 1.0);
	assert_true(beta_inc_log(2, 3, 0) == -INFINITY && beta_inc_log(2, 3, 1) == 0.0);
}

static const struct {
	double p, z;
} normal_rows[] = {
	{ 1e-300, -37.0470962993612 },
	{ 1e-20, -9.262340089798409 },
	{ 1e-05, -4.264890793922825 },
	{ 0.025, -1.9599639845400545 },
	{ 0.3, -0.5244005127080409 },
	{ 0.5, 0.0 },
	{ 0.8, 0.8416212335729143 },
	{ 0.975, 1.959963984540054 },
	{ 0.999, 3.090232306167813 },
};

static void normal_quantile_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(normal_rows); i++) {
		assert_close("normal_quantile", normal_quantile(normal_rows[i].p), normal_rows[i].z, 1e-13);
		assert_digits("normal_quantile", i, normal_quantile(normal_rows[i].p) + 50.0, normal_rows[i].z + 50.0);
		assert_true(fabs(normal_cdf(normal_rows[i].z) / normal_rows[i].p - 1.0) < 1e-12);
	}
}

static const struct {
	double t, df, p;
} t_rows[] = {
	{ 0, 5, 0.5 },
	{ 1e-09, 3, 0.4999999996324474 },
	{ 2, 1, 0.14758361765043326 },
	{ -2, 1, 0.8524163823495667 },
	{ 4.5, 9, 0.0007444747077058657 },
	{ 12, 30, 2.790092707599628e-13 },
	{ 40, 30, 6.863022597203201e-28 },
	{ 1.96, 1000000.0, 0.024998033792634895 },
	{ -0.3, 2.5, 0.6063288142524014 },
};

static const struct {
	double p, df, t;
} t_quantile_rows[] = {
	{ 0.975, 1, 12.706204736174694 },
	{ 0.975, 9, 2.262157162798205 },
	{ 0.95, 499, 1.6479129840597124 },
	{ 0.0001, 4, -13.033671720896455 },
	{ 0.5, 3, 0.0 },
	{ 0.6, 2.5, 0.2814595127485477 },
	{ 1e-12, 30, -11.397217523311413 },
};

static void student_t_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t_rows); i++) {
		assert_digits("student_t_upper", i, student_t_upper(t_rows[i].t, t_rows[i].df), t_rows[i].p);
		assert_digits("student_t_cdf", i, student_t_cdf(-t_rows[i].t, t_rows[i].df), t_rows[i].p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(t_quantile_rows); i++)
		assert_close("student_t_quantile", student_t_quantile(t_quantile_rows[i].p, t_quantile_rows[i].df),
			t_quantile_rows[i].t, 1e-11);
}

static const struct {
	double p, a, b, x;
} quantile_rows[] = {
	{ 0.025, 1, 10, 0.0025285785444617848 },
	{ 0.975, 9, 2, 0.9747892736731666 },
	{ 0.5, 300, 200, 0.6001334372858839 },
	{ 1e-06, 0.5, 0.5, 2.46740110027031e-12 },
	{ 0.05, 85, 16, 0.7784630916814886 },
};

static void beta_quantile_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quantile_rows); i++) {
		double x = beta_quantile(quantile_rows[i].p, quantile_rows[i].a, quantile_rows[i].b);

		assert_true(fabs(x - quantile_rows[i].x) <= 1e-11 * quantile_rows[i].x);
	}
}

static const struct {
	uint64_t k, n;
	double p, upper, lower;
} binomial_rows[] = {
	{ 0, 10, 0.3, 1.0, 0.028247524900000005 },
	{ 10, 10, 0.3, 5.9048999999999975e-06, 1.0 },
	{ 7, 10, 0.5, 0.171875, 0.9453125 },
	{ 450, 500, 0.85, 0.0006523817893289197, 0.9996031954816453 },
	{ 400, 500, 0.85, 0.9989564851276144, 0.001529571527598016 },
	{ 1, 1000, 1e-05, 0.009950215753652417, 0.9999503810947795 },
	{ 900, 1000, 0.5, 6.701717790006182e-162, 1.0 },
};

static void binomial_tails_match_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(binomial_rows); i++) {
		double upper = binomial_upper(binomial_rows[i].k, binomial_rows[i].n, binomial_rows[i].p);
		double lower = binomial_lower(binomial_rows[i].k, binomial_rows[i].n, binomial_rows[i].p);

		assert_true(fabs(upper - binomial_rows[i].upper) <= 1e-11 * binomial_rows[i].upper);
		assert_true(fabs(lower - binomial_rows[i].lower) <= 1e-11 * binomial_rows[i].lower);
	}
	assert_true(binomial_upper(11, 10, 0.3) == 0.0 && binomial_lower(11, 10, 0.3) == 1.0);
}

static void outside_the_domain_is_nan(void **state)
{
	(void)state;
	assert_true(isnan(beta_log(0, 1)) && isnan(beta_log(1, NAN)) && isnan(beta_log(1, INFINITY)));
	assert_true(isnan(beta_inc(-1, 1, 0.5)) && isnan(beta_inc_log(1, 1, NAN)) && isnan(beta_quantile(1.5, 1, 1)));
	assert_true(isnan(normal_quantile(-0.1)) && isnan(student_t_upper(1, 0)) && isnan(student_t_quantile(NAN, 3)));
	assert_true(isnan(binomial_upper(1, 2, NAN)) && isnan(binomial_lower(1, 2, 1.5)));
	assert_true(normal_quantile(0) == -INFINITY && student_t_quantile(1, 3) == INFINITY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beta_log_matches_reference),
		cmocka_unit_test(beta_inc_matches_reference),
		cmocka_unit_test(beta_inc_is_complete),
		cmocka_unit_test(normal_quantile_matches_reference),
		cmocka_unit_test(student_t_matches_reference),
		cmocka_unit_test(beta_quantile_matches_reference),
		cmocka_unit_test(binomial_tails_match_reference),
		cmocka_unit_test(outside_the_domain_is_nan),
	};

	return cmocka_run_group_tests_name("stats_special", tests, NULL, NULL);
}
