/* Expected values: tests/reference/stats.py grid (mpmath at 50 digits, scipy), from one item to a million. */
#include "test.h"

#include "stats/bet.h"
#include "stats/bounded.h"
#include "stats/fixed.h"
#include "stats/interval.h"
#include "stats/paired.h"
#include "stats/target.h"

static const struct {
	uint64_t wins, losses;
	double log_e, exact, mcnemar;
} paired[] = {
	{ 1, 0, 0.4926330004066005, 0.5, 1 },
	{ 0, 1, -1.0123055338772537, 1.0, 1 },
	{ 1, 1, -0.6931471805599453, 0.75, 1 },
	{ 2, 0, 1.020016147589018, 0.25, 0.5 },
	{ 7, 3, 0.0032119193421646795, 0.171875, 0.34375 },
	{ 50, 50, -2.530876403977105, 0.5397946186935894, 1 },
	{ 505, 455, -1.718437423969855, 0.05686197173533303, 0.11372394347066606 },
	{ 5000, 4800, -2.108691950597005, 0.022202074399923145, 0.04440414879984629 },
	{ 50100, 49500, -3.508923090249029, 0.028847496767813664, 0.05769499353562733 },
	{ 500900, 499100, -4.856990502656416, 0.036009313838240894, 0.07201862767648179 },
	{ 499100, 500900, -8.146573360942666, 0.9641485865565532, 0.07201862767648179 },
	{ 1000000, 0, 693140.393586779, 0.0, 0.0 },
};

static const struct {
	uint64_t successes, n;
	double target, log_e, futile_log_e, p, futile_p;
} targets[] = {
	{ 0, 1, 0.85, -1.0772663490115746, 1.4697033704008264, 1.0, 0.15000000000000002 },
	{ 1, 1, 0.85, 0.1100894428377859, -0.893585122416244, 0.85, 1.0 },
	{ 0, 1, 0.5, -1.0123055338772537, 0.4926330004066005, 1.0, 0.5 },
	{ 1, 2, 0.9, -1.0415999112045327, 0.5042596828545804, 0.99, 0.18999999999999995 },
	{ 30, 30, 0.9, 2.45760531592122, -3.3461092265970835, 0.04239115827521624, 1.0 },
	{ 9100, 10000, 0.9, 2.483223955144734, -6.797045310928257, 0.0003851611380724458, 0.9996601426821334 },
	{ 850700, 1000000, 0.85, -3.861105753274213, -8.60963345992439, 0.025002497455064516, 0.9751609557280166 },
	{ 849300, 1000000, 0.85, -7.528506633749741, -4.947846273573734, 0.9750525507049469, 0.02511107911960585 },
	{ 1000000, 1000000, 0.99, 10045.608228141142, -12.596837943518684, 0.0, 1.0 },
	{ 0, 1000000, 0.01, -12.596837943518684, 10045.608228141133, 1.0, 0.0 },
	{ 500900, 1000000, 0.5, -4.856990502656416, -8.146573360942666, 0.036009313838240894, 0.9641485865565532 },
};

static const struct {
	uint64_t successes, n;
	double confidence, wilson_low, wilson_high, exact_low, exact_high;
} intervals[] = {
	{ 0, 1, 0.95, 0.0, 0.7934506856227626, 0.0, 0.975 },
	{ 1, 1, 0.95, 0.20654931437723745, 1.0, 0.025000000000000022, 1.0 },
	{ 1, 2, 0.9, 0.12086631942227366, 0.8791336805777263, 0.025320565519103604, 0.9746794344808964 },
	{ 5, 1000000, 0.95, 2.1357029684685578e-06, 1.1705702681035744e-05, 1.6234883187096884e-06, 1.1668293175240655e-05 },
	{ 850000, 1000000, 0.95, 0.849298808421391, 0.8506985025677642, 0.849298639320489, 0.8506993327480016 },
	{ 1000000, 1000000, 0.99, 0.9999933651474205, 1.0, 0.9999947016966356, 1.0 },
};

static const struct {
	uint64_t wins, losses, n;
	double margin, z;
} tango[] = {
	{ 0, 0, 1, 0.1, 0.33333333333333337 },
	{ 1, 0, 1, 0.1, 1.1055415967851332 },
	{ 0, 1, 1, 0.05, -0.9511897312113419 },
	{ 1, 1, 2, 0.05, 0.07079923254047887 },
	{ 50000, 51000, 1000000, 0.002, 3.1463689475455103 },
	{ 100000, 99000, 1000000, 0.05, 112.28989799074341 },
};

static const struct {
	size_t wins, losses, ties;
	double margin, log_k, low, high;
} bets[] = {
	{ 1, 0, 0, 0, 0.4054651081081644, -0.9746835443037974, 1.0 },
	{ 0, 1, 0, 0.05, -0.6931471805599453, -1.0, 0.9746835443037974 },
	{ 0, 0, 1, 0.05, 0.02597548640326066, -0.9873417721518988, 0.9873417721518988 },
	{ 700, 600, 8700, 0.02, 31.5327500089395, -0.00280671960179913, 0.02287423605996123 },
	{ 50500, 50000, 899500, 0, -103.70586780037695, -0.0021526739205916076, 0.003155667927037089 },
	{ 100000, 103000, 797000, 0.01, 91.44014855457665, -0.008254068264550336, 0.0022218779583233644 },
};

static const struct {
	uint64_t n;
	double confidence, rate;
} all_pass[] = {
	{ 1, 0.95, 0.95 },
	{ 1000000, 0.95, 2.9957277863525433e-06 },
};

/* Relative, in the tails too. */
static void close_to(const char *what, size_t row, double got, double want)
{
	if (!(fabs(got - want) <= 1e-9 * fabs(want) + 1e-300))
		fail_msg("%s, row %zu: got %.17g, want %.17g", what, row, got, want);
}

static void paired_tests_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paired); i++) {
		struct paired_counts c = { paired[i].wins, paired[i].losses };

		close_to("e-value", i, paired_log_e(c), paired[i].log_e);
		close_to("exact p", i, paired_exact_p(c), paired[i].exact);
		close_to("McNemar's p", i, paired_mcnemar_p(c), paired[i].mcnemar);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tango); i++)
		close_to("Tango's z", i, paired_noninferior_z((double)tango[i].wins, (double)tango[i].losses, (double)tango[i].n, tango[i].margin),
			 tango[i].z);
}

static void target_tests_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		uint64_t k = targets[i].successes, n = targets[i].n;
		double q = targets[i].target;

		close_to("e-value", i, target_log_e(k, n, q), targets[i].log_e);
		close_to("e-value of the mirror", i, target_futile_log_e(k, n, q), targets[i].futile_log_e);
		close_to("p", i, target_exact_p(k, n, q), targets[i].p);
		close_to("p of the mirror", i, target_exact_futile_p(k, n, q), targets[i].futile_p);
	}
}

static void intervals_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		struct interval w = interval_wilson(intervals[i].successes, intervals[i].n, intervals[i].confidence);
		struct interval e = interval_exact(intervals[i].successes, intervals[i].n, intervals[i].confidence);

		assert_true(fabs(w.low - intervals[i].wilson_low) < 1e-15 + 1e-9 * w.low);
		close_to("Wilson, high", i, w.high, intervals[i].wilson_high);
		close_to("exact, low", i, e.low, intervals[i].exact_low);
		close_to("exact, high", i, e.high, intervals[i].exact_high);
	}
	for (size_t i = 0; i < ARRAY_SIZE(all_pass); i++)
		close_to("all pass", i, interval_all_pass(all_pass[i].n, all_pass[i].confidence), all_pass[i].rate);
}

static void bets_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bets); i++) {
		size_t n = bets[i].wins + bets[i].losses + bets[i].ties;
		double *d = malloc(n * sizeof(*d));

		for (size_t k = 0; k < n; k++)
			d[k] = k < bets[i].wins ? 1 : k < bets[i].wins + bets[i].losses ? -1 : 0;
		struct interval interval = comparison_interval(d, n, 0.05);

		close_to("log K", i, comparison_log_k(d, n, bets[i].margin), bets[i].log_k);
		close_to("low", i, interval.low, bets[i].low);
		close_to("high", i, interval.high, bets[i].high);
		free(d);
	}
}

/* Gaffke's test of right or wrong is the exact binomial one. */
static void bounded_is_binomial_at_a_million(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		size_t n = targets[i].n;
		double *x = malloc(n * sizeof(*x));

		for (size_t k = 0; k < n; k++)
			x[k] = k < targets[i].successes;
		double p = bounded_items_p(x, n, targets[i].target, 0);

		if (!(fabs(p - targets[i].p) <= 1e-9 * targets[i].p + 1e-300))
			fail_msg("row %zu: got %.12g, want %.12g", i, p, targets[i].p);
		free(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paired_tests_match),
		cmocka_unit_test(target_tests_match),
		cmocka_unit_test(intervals_match),
		cmocka_unit_test(bets_match),
		cmocka_unit_test(bounded_is_binomial_at_a_million),
	};

	return cmocka_run_group_tests_name("stats_grid", tests, NULL, NULL);
}
