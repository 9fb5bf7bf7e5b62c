/* Error rates by simulation: what the tests promise when somebody looks after every item. Seeds are fixed, so a rate is
 * one number; bounds leave room for another seed. Rates of this size have a standard error of .004 (4,000 runs at .05).
 * STATS_SHOW=1 in the environment prints the rates. */
#include <stdbool.h>

#include "test.h"

#include "base/rng.h"
#include "stats/bet.h"
#include "stats/fixed.h"
#include "stats/paired.h"
#include "stats/target.h"

enum { ITEMS = 500 };

static const double alpha = 0.05;

static void show(const char *what, double rate)
{
	if (getenv("STATS_SHOW"))
		print_message("  %-58s %.4f\n", what, rate);
}

static double draw_difference(struct rng *r, double wins, double losses)
{
	double u = rng_double(r);

	return u < wins ? 1.0 : u < wins + losses ? -1.0 : 0.0;
}

/* Whether K has reached 1/level; the mean is never above the richest gambler, which spares most looks the sum. */
static bool bet_reached(const struct bet *b, double level)
{
	double top = b->log_capital[0];

	for (int i = 1; i < BET_GAMBLERS; i++)
		top = fmax(top, b->log_capital[i]);
	return top >= -log(level) && bet_log_k(b) >= -log(level);
}

/* Fewest wins beside each loss count (or successes beside failures) that reach 1/alpha: the e-value grows with wins, so
 * half a million looks become comparisons of integers. */
static void thresholds(uint64_t least[ITEMS + 1], double target)
{
	uint64_t s = 0;

	for (uint64_t f = 0; f <= ITEMS; f++) {
		while (s <= ITEMS && (target > 0.0 ? target_log_e(s, s + f, target) :
						     paired_log_e((struct paired_counts){ s, f })) < -log(alpha))
			s++;
		least[f] = s;
	}
}

/* Items looked at until the E-test rejected; 0: never within ITEMS. */
static size_t peek_paired(struct rng *r, const uint64_t *least, double wins, double losses)
{
	uint64_t w = 0;
	uint64_t l = 0;

	for (size_t i = 1; i <= ITEMS; i++) {
		double d = draw_difference(r, wins, losses);

		w += d > 0.0;
		l += d < 0.0;
		if (w >= least[l])
			return i;
	}
	return 0;
}

static double rejected_share(const char *what, size_t runs, double wins, double losses, double *mean_items)
{
	uint64_t least[ITEMS + 1];
	struct rng r;
	size_t rejected = 0;
	double items = 0.0;

	thresholds(least, 0.0);
	rng_init(&r, 1, what);
	for (size_t i = 0; i < runs; i++) {
		size_t at = peek_paired(&r, least, wins, losses);

		rejected += at > 0;
		items += at > 0 ? (double)at : ITEMS;
	}
	*mean_items = items / (double)runs;
	show(what, (double)rejected / (double)runs);
	return (double)rejected / (double)runs;
}

static void e_test_survives_peeking(void **state)
{
	double items;
	double rate = rejected_share("E-test, null, p_d = .20", 4000, 0.10, 0.10, &items);

	(void)state;
	assert_true(rate <= alpha && rate > 0.015);
}

static void e_test_finds_gaps(void **state)
{
	double items, power;

	(void)state;
	assert_true(rejected_share("E-test, 10 points, p_d = .20: power", 2000, 0.15, 0.05, &items) > 0.95);
	show("  items on average", items);
	assert_in_range((uintmax_t)items, 130, 165);
	assert_true(rejected_share("E-test, 20 points, p_d = .20: power", 2000, 0.20, 0.0, &items) > 0.99);
	show("  items on average", items);
	assert_in_range((uintmax_t)items, 25, 35);
	assert_true(rejected_share("E-test, 20 points, p_d = .30: power", 2000, 0.25, 0.05, &items) > 0.99);
	show("  items on average", items);
	assert_in_range((uintmax_t)items, 45, 60);
	power = rejected_share("E-test, 5 points, p_d = .20: power", 4000, 0.125, 0.075, &items);
	assert_true(fabs(power - 0.44) < 0.04);
}

/* Share of runs in which K against `margin` reached 1/alpha at any look. */
static double k_rejected(const char *what, size_t runs, double wins, double losses, double margin)
{
	struct rng r;
	size_t rejected = 0;

	rng_init(&r, 2, what);
	for (size_t run = 0; run < runs; run++) {
		struct bet b;
		bool reached = false;

		bet_init(&b, 0.5 * (1.0 - margin));
		for (size_t i = 0; i < ITEMS && !reached; i++) {
			bet_add(&b, 0.5 * (draw_difference(&r, wins, losses) + 1.0));
			reached = bet_reached(&b, alpha);
		}
		rejected += reached;
	}
	show(what, (double)rejected / (double)runs);
	return (double)rejected / (double)runs;
}

static void k_test_survives_peeking(void **state)
{
	(void)state;
	assert_true(k_rejected("K test, null, p_d = .20", 400, 0.10, 0.10, 0.0) <= alpha);
	assert_true(k_rejected("K test, worse by exactly .05, p_d = .15", 400, 0.05, 0.10, 0.05) <= alpha);
}

static void ties_are_confirmed(void **state)
{
	(void)state;
	assert_true(fabs(k_rejected("not worse by .05, a tie, p_d = .10", 300, 0.05, 0.05, 0.05) - 0.83) < 0.08);
	assert_true(fabs(k_rejected("not worse by .03, a tie, p_d = .10", 300, 0.05, 0.05, 0.03) - 0.38) < 0.09);
	assert_true(fabs(k_rejected("not worse by .05, a tie, p_d = .20", 300, 0.10, 0.10, 0.05) - 0.48) < 0.09);
}

/* The confidence sequence misses delta once either side's bet against delta itself reaches 2/alpha. */
static void confidence_sequence_covers(void **state)
{
	const double wins = 0.15, losses = 0.05, delta = wins - losses;
	double d[ITEMS];
	struct rng r;
	size_t runs = 400, missed = 0, missed_at_end = 0;

	(void)state;
	rng_init(&r, 3, "confidence sequence");
	for (size_t run = 0; run < runs; run++) {
		struct bet up, down;
		bool out = false;

		bet_init(&up, 0.5 * (1.0 + delta));
		bet_init(&down, 0.5 * (1.0 - delta));
		for (size_t i = 0; i < ITEMS; i++) {
			d[i] = draw_difference(&r, wins, losses);
			bet_add(&up, 0.5 * (d[i] + 1.0));
			bet_add(&down, 0.5 * (1.0 - d[i]));
			out = out || bet_reached(&up, 0.5 * alpha) || bet_reached(&down, 0.5 * alpha);
		}
		missed += out;
		if (run < 40) {
			struct interval shown = comparison_interval(d, ITEMS, alpha);

			missed_at_end += delta < shown.low || delta > shown.high;
		}
	}
	show("confidence sequence: coverage at all looks", 1.0 - (double)missed / (double)runs);
	assert_true((double)missed / (double)runs <= alpha);
	assert_true(missed_at_end <= 4);
}

/* Clusters of `size` items that all share one draw: the item-level E-test takes each for `size` observations. */
static void correlated_clusters(size_t size, double *by_item, double *by_cluster)
{
	uint64_t least[ITEMS + 1];
	struct rng r;
	size_t runs = 2000, items_fooled = 0, clusters_fooled = 0;

	thresholds(least, 0.0);
	rng_init(&r, 4, "clusters");
	for (size_t run = 0; run < runs; run++) {
		uint64_t w = 0, l = 0;
		bool by_items = false, by_bet = false;
		struct bet b;

		bet_init(&b, 0.5);
		for (size_t i = 0; i + size <= ITEMS; i += size) {
			double d = draw_difference(&r, 0.10, 0.10);
			struct cluster g = { d * (double)size, size };

			for (size_t j = 0; j < size; j++) {
				w += d > 0.0;
				l += d < 0.0;
				by_items = by_items || w >= least[l];
			}
			if (d != 0.0) { /* a tie leaves K as it was */
				bet_add(&b, cluster_bet_x(g, size, 0.0));
				by_bet = by_bet || bet_reached(&b, alpha);
			}
		}
		items_fooled += by_items;
		clusters_fooled += by_bet;
	}
	*by_item = (double)items_fooled / (double)runs;
	*by_cluster = (double)clusters_fooled / (double)runs;
}

static void cluster_bet_survives_correlation(void **state)
{
	double by_item, by_cluster;

	(void)state;
	correlated_clusters(5, &by_item, &by_cluster);
	show("clusters of 5: item-level E-test, null", by_item);
	show("clusters of 5: cluster bet, null", by_cluster);
	assert_true(by_cluster <= alpha && by_item > 0.15);
}

static double target_reached(const char *what, const uint64_t *least, double accuracy)
{
	struct rng r;
	size_t runs = 2000, reached = 0;

	rng_init(&r, 5, what);
	for (size_t run = 0; run < runs; run++) {
		uint64_t s = 0, f = 0;
		bool passed = false;

		for (size_t i = 0; i < ITEMS && !passed; i++) {
			bool right = rng_double(&r) < accuracy;

			s += right;
			f += !right;
			passed = s >= least[f];
		}
		reached += passed;
	}
	show(what, (double)reached / (double)runs);
	return (double)reached / (double)runs;
}

static void target_test_at_any_time(void **state)
{
	uint64_t least[ITEMS + 1];
	double null_rate;

	(void)state;
	thresholds(least, 0.85);
	null_rate = target_reached("target .85, truth .85", least, 0.85);
	assert_true(null_rate <= alpha && null_rate > 0.02);
	assert_true(fabs(target_reached("target .85, truth .90", least, 0.90) - 0.72) < 0.04);
	assert_true(target_reached("target .85, truth .93", least, 0.93) > 0.99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e_test_survives_peeking),
		cmocka_unit_test(e_test_finds_gaps),
		cmocka_unit_test(k_test_survives_peeking),
		cmocka_unit_test(ties_are_confirmed),
		cmocka_unit_test(confidence_sequence_covers),
		cmocka_unit_test(cluster_bet_survives_correlation),
		cmocka_unit_test(target_test_at_any_time),
	};

	return cmocka_run_group_tests_name("stats_simulation", tests, NULL, NULL);
}
