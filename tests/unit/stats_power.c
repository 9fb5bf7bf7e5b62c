/* Sample sizes: the note's table; labels needed: held to the tests themselves on samples seen several times over. */
#include <stdbool.h>

#include "test.h"

#include "stats/bet.h"
#include "stats/bounded.h"
#include "stats/fixed.h"
#include "stats/power.h"
#include "stats/target.h"

static const struct {
	double discordant, gap, alpha, power;
	uint64_t n;
} rows[] = {
	{ 0.2, 0.1, 0.05, 0.8, 155 },
	{ 0.21, 0.05, 0.05, 0.8, 657 },
	{ 0.09, 0.03, 0.05, 0.8, 783 },
	{ 0.3, 0.2, 0.01, 0.9, 107 },
};

static void paired_n_matches_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(power_paired_n(rows[i].discordant, rows[i].gap, rows[i].alpha, rows[i].power),
			rows[i].n);
	assert_true(power_paired_n(0.2, 0.0, 0.05, 0.8) == UINT64_MAX);
}

enum { UNIT = 20, COPIES_MAX = 400 };

/* UNIT items: wins of 1, losses of -1, else 0; seen `copies` times. */
static size_t copies_of(double *d, size_t wins, size_t losses, size_t copies)
{
	for (size_t i = 0; i < UNIT * copies; i++)
		d[i] = i % UNIT < wins ? 1.0 : i % UNIT < wins + losses ? -1.0 : 0.0;
	return UNIT * copies;
}

static void pairs_of(struct cluster *g, const double *d, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		g[i / 2] = (struct cluster){ d[i] + d[i + 1], 2 };
}

/* Whether the search should have ended at these items: by the tests' own functions. */
static bool settled(const struct power_case *c, size_t wins, size_t losses)
{
	double level = -log(c->alpha);
	size_t pairs = c->n / 2;
	bool clustered = c->test == POWER_CLUSTER_FULL || c->test == POWER_CLUSTER_EARLY;
	struct interval shown = clustered ? comparison_interval_clusters(c->groups, pairs, 2, c->interval_alpha) :
					    comparison_interval(c->d, c->n, c->interval_alpha);

	if (shown.high < c->margin)
		return true;
	switch (c->test) {
	case POWER_BINARY_FULL:
		return paired_exact_p((struct paired_counts){ wins, losses }) <= c->alpha;
	case POWER_BINARY_EARLY:
		return c->worse_by > 0.0 ? comparison_log_k(c->d, c->n, c->worse_by) >= level :
					   paired_log_e((struct paired_counts){ wins, losses }) >= level;
	case POWER_GRADED_FULL:
		return bounded_items_p(c->d, c->n, -c->worse_by, -1) <= c->alpha;
	case POWER_GRADED_EARLY:
		return comparison_log_k(c->d, c->n, c->worse_by) >= level;
	case POWER_CLUSTER_FULL:
		return bounded_clusters_p(c->groups, pairs, 2, -c->worse_by, -1) <= c->alpha;
	default:
		return comparison_log_k_clusters(c->groups, pairs, 2, c->worse_by) >= level;
	}
}

static const struct {
	const char *name;
	enum power_test test;
	size_t wins, losses;
	double worse_by;
} searches[] = {
	{ "exact", POWER_BINARY_FULL, 3, 1, 0.0 },
	{ "exact, on its way to refutation", POWER_BINARY_FULL, 2, 2, 0.0 },
	{ "e-value", POWER_BINARY_EARLY, 3, 1, 0.0 },
	{ "e-value, losing", POWER_BINARY_EARLY, 1, 2, 0.0 },
	{ "not worse, early", POWER_BINARY_EARLY, 1, 1, 0.05 },
	{ "graded, one look", POWER_GRADED_FULL, 4, 2, 0.0 },
	{ "K", POWER_GRADED_EARLY, 4, 2, 0.0 },
	{ "clusters, one look", POWER_CLUSTER_FULL, 4, 2, 0.0 },
	{ "clusters, bet", POWER_CLUSTER_EARLY, 4, 2, 0.0 },
	{ "clusters, not worse", POWER_CLUSTER_EARLY, 2, 2, 0.05 },
};

/* The answer lies in the copy at which the tests settle: not before it, not behind it. */
static void labels_needed_agrees_with_the_tests(void **state)
{
	static double d[UNIT * COPIES_MAX];
	static struct cluster pairs[UNIT * COPIES_MAX / 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(searches); i++) {
		struct power_case c = { .test = searches[i].test, .d = d, .groups = pairs, .largest = 2, .alpha = 0.05,
			.worse_by = searches[i].worse_by, .margin = 0.05, .interval_alpha = 0.05, .most = 100000 };
		size_t copies = 1;
		uint64_t needed;

		c.n = copies_of(d, searches[i].wins, searches[i].losses, 1);
		pairs_of(pairs, d, c.n);
		c.n_groups = c.n / 2;
		needed = power_labels_needed(&c);
		do {
			copies++;
			c.n = copies_of(d, searches[i].wins, searches[i].losses, copies);
			pairs_of(pairs, d, c.n);
		} while (copies < COPIES_MAX && !settled(&c, searches[i].wins * copies, searches[i].losses * copies));
		/* At one look the plan goes by t, which is a few items off. */
		bool by_t = c.test == POWER_GRADED_FULL || c.test == POWER_CLUSTER_FULL;
		size_t slack = by_t ? UNIT / 2 : 0;

		if (needed > UNIT * (copies - 1) + slack || needed + slack <= UNIT * (copies - 2))
			fail_msg("%s: %zu more, settled at %zu copies of 20", searches[i].name, (size_t)needed, copies);
	}
}

static void not_worse_by_the_exact_test_is_near(void **state)
{
	double d[UNIT];
	struct power_case c = { .test = POWER_BINARY_FULL, .d = d, .alpha = 0.05, .worse_by = 0.05, .margin = 0.05,
		.interval_alpha = 0.05, .most = 100000 };
	uint64_t n, at;

	(void)state;
	c.n = copies_of(d, 1, 1, 1);
	n = c.n + power_labels_needed(&c);
	at = n / UNIT; /* wins and losses at one in twenty each */
	assert_in_range(n, 100, 200);
	assert_true(paired_noninferior_p((struct paired_counts){ at, at }, n + 20, 0.05) <= 0.05);
	assert_true(paired_noninferior_p((struct paired_counts){ at, at }, n - 40, 0.05) > 0.05);
}

static void search_ends(void **state)
{
	double d[UNIT];
	struct power_case c = { .test = POWER_BINARY_EARLY, .d = d, .alpha = 0.05, .margin = 0.05,
		.interval_alpha = 0.05, .most = 10 };

	(void)state;
	assert_int_equal(power_labels_needed(&c), 11); /* nothing measured */
	c.n = copies_of(d, 3, 1, 1);
	assert_int_equal(power_labels_needed(&c), 11); /* more than most */
	c.n = copies_of(d, 20, 0, 1);
	assert_int_equal(power_labels_needed(&c), 0); /* there already */
}

static void target_labels_agree_with_the_tests(void **state)
{
	double score[UNIT];
	struct power_case c = { .test = POWER_BINARY_EARLY, .d = score, .n = UNIT, .alpha = 0.05, .most = 100000 };
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < UNIT; i++)
		score[i] = i < 18;
	n = UNIT + power_target_labels_needed(&c, 0.8);
	assert_true(target_log_e(n * 9 / 10, n, 0.8) < log(20.0) + 0.3); /* rounding of the counts: less than an item */
	assert_true(target_log_e(n * 9 / 10 + 1, n, 0.8) >= log(20.0));
	c.test = POWER_BINARY_FULL;
	n = UNIT + power_target_labels_needed(&c, 0.8);
	assert_true(target_exact_p(n * 9 / 10 + 1, n, 0.8) <= 0.05);
	assert_true(target_exact_p((n - 10) * 9 / 10, n - 10, 0.8) > 0.05);
	n = UNIT + power_target_labels_needed(&c, 0.95); /* ends by futility */
	assert_true(target_exact_futile_p(n * 9 / 10, n, 0.95) <= 0.05);
	assert_true(target_exact_futile_p((n - 10) * 9 / 10 + 1, n - 10, 0.95) > 0.05);
	c.test = POWER_GRADED_EARLY;
	assert_true(power_target_labels_needed(&c, 0.8) > 0 && power_target_labels_needed(&c, 0.8) < 300);
	assert_true(power_target_labels_needed(&c, 0.9) == c.most + 1); /* on the target: never */
	c.test = POWER_GRADED_FULL;
	assert_true(power_target_labels_needed(&c, 0.8) < 60 && power_target_labels_needed(&c, 0.2) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paired_n_matches_reference),
		cmocka_unit_test(labels_needed_agrees_with_the_tests),
		cmocka_unit_test(not_worse_by_the_exact_test_is_near),
		cmocka_unit_test(search_ends),
		cmocka_unit_test(target_labels_agree_with_the_tests),
	};

	return cmocka_run_group_tests_name("stats_power", tests, NULL, NULL);
}
