/* What thresholds promise, by simulation against risks known in closed form; and a rule that promises as much and does not hold it. */
#include "test.h"

#include "base/rng.h"
#include "decide/cascade.h"
#include "stats/special.h"

enum { DRAWS = 3000, MOST = 1000, GRID_ITEMS = 150 };

/* P(wrong) at a confidence that is uniform on [0, 1); its integral from t to 1. */
struct world {
	const char *name;
	double (*wrong)(double c), (*above)(double t);
};

static double falling_wrong(double c)
{
	return 0.6 * (1 - c) * (1 - c);
}

static double falling_above(double t)
{
	return 0.2 * (1 - t) * (1 - t) * (1 - t);
}

/* As of a good classifier: most are sure, and few of those wrong. */
static double sharp_wrong(double c)
{
	return 0.6 * pow(1 - c, 4);
}

static double sharp_above(double t)
{
	return 0.12 * pow(1 - t, 5);
}

/* Confidence says nothing: every threshold is as bad, just above the level. */
static double flat_wrong(double c)
{
	(void)c;
	return 0.051;
}

static double flat_above(double t)
{
	return 0.051 * (1 - t);
}

/* The surest answers are the worst, as of a model that is sure of what it misunderstands. */
static double overconfident_wrong(double c)
{
	return c > 0.7 ? 0.10 : 0.035;
}

static double overconfident_above(double t)
{
	return t > 0.7 ? 0.10 * (1 - t) : 0.03 + 0.035 * (0.7 - t);
}

static const struct world falling = { "wrong answers are the less sure ones", falling_wrong, falling_above };
static const struct world sharp = { "few wrong answers, the unsure ones", sharp_wrong, sharp_above };
static const struct world flat = { "confidence says nothing", flat_wrong, flat_above };
static const struct world overconfident = { "the surest are the worst", overconfident_wrong, overconfident_above };

static double true_risk(const struct world *w, enum cascade_of of, double at)
{
	double t = fmax(at, 0);

	if (t >= 1)
		return 0;
	return of == CASCADE_OF_ALL ? w->above(t) : w->above(t) / (1 - t);
}

static void draw(struct rng *r, const struct world *w, struct cascade_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double c = rng_double(r);

		items[i] = (struct cascade_item){ .confidence = c, .loss = rng_double(r) < w->wrong(c), .cluster = i };
	}
}

/* The loosest threshold whose risk on the items does not exceed the level: what one would do without a test. */
static double naive(const struct cascade_rule *rule, const double *grid, size_t n_grid, const struct cascade_item *items, size_t n)
{
	double at = INFINITY;

	for (size_t i = 0; i < n_grid; i++) {
		struct cascade_cut cut = cascade_test(rule, items, n, grid[i]);
		double of = rule->of == CASCADE_OF_ALL ? (double)n : (double)cut.accepted;

		if (of > 0 && cut.lost <= rule->level * of)
			at = grid[i];
	}
	return at;
}

struct shares {
	double broken, naive_broken, none, accepted; /* of draws; accepted: mean true share */
};

static struct shares simulate(const struct world *w, const struct cascade_rule *rule, size_t n)
{
	struct cascade_item items[MOST];
	struct cascade_item others[GRID_ITEMS];
	double grid[CASCADE_GRID];
	struct shares s = { 0 };
	struct rng r;

	rng_init(&r, n, "decide_cascade");
	for (size_t d = 0; d < DRAWS; d++) {
		draw(&r, w, others, GRID_ITEMS);
		size_t n_grid = cascade_grid(rule, others, GRID_ITEMS, n, grid);

		draw(&r, w, items, n);
		struct cascade_cut cut = cascade_choose(rule, grid, n_grid, items, n);

		s.broken += true_risk(w, rule->of, cut.at) > rule->level;
		s.naive_broken += true_risk(w, rule->of, naive(rule, grid, n_grid, items, n)) > rule->level;
		s.none += isinf(cut.at);
		s.accepted += fmax(0, 1 - cut.at);
	}
	return (struct shares){ s.broken / DRAWS, s.naive_broken / DRAWS, s.none / DRAWS, s.accepted / DRAWS };
}

/* What DRAWS of a rate of alpha stay below 999 times of 1,000. */
static double at_most(double alpha)
{
	return alpha + 3.1 * sqrt(alpha * (1 - alpha) / DRAWS);
}

static void the_level_is_held(void **state)
{
	static const struct {
		const struct world *world;
		struct cascade_rule rule;
		size_t n;
		double naive_above, accepted_above; /* the naive rule breaks the level more often; so much is let through on average */
	} cases[] = {
		{ &falling, { 0.05, 0.05, CASCADE_OF_ALL }, 60, 0.2, 0.3 },
		{ &falling, { 0.05, 0.05, CASCADE_OF_ALL }, 200, 0.2, 0.45 },
		{ &falling, { 0.05, 0.05, CASCADE_OF_ALL }, 1000, 0.2, 0.55 },
		{ &falling, { 0.02, 0.10, CASCADE_OF_ALL }, 300, 0.2, 0.3 },
		{ &sharp, { 0.05, 0.05, CASCADE_OF_ALL }, 200, 0.2, 0.5 },
		{ &sharp, { 0.10, 0.05, CASCADE_OF_ACCEPTED }, 100, 0.2, 0.5 },
		{ &sharp, { 0.05, 0.05, CASCADE_OF_ACCEPTED }, 300, 0.2, 0.5 },
		{ &sharp, { 0.05, 0.05, CASCADE_OF_ACCEPTED }, 1000, 0.2, 0.6 },
		{ &falling, { 0.05, 0.05, CASCADE_OF_ACCEPTED }, 1000, 0.2, 0.2 },
		{ &flat, { 0.05, 0.05, CASCADE_OF_ALL }, 300, 0, 0.5 },
		{ &flat, { 0.05, 0.05, CASCADE_OF_ACCEPTED }, 300, 0.5, 0 },
		{ &overconfident, { 0.05, 0.05, CASCADE_OF_ACCEPTED }, 300, 0.2, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct shares s = simulate(cases[i].world, &cases[i].rule, cases[i].n);
		char what[200];

		snprintf(what, sizeof(what), "%s, %g of %s at %g, n %zu: broken %.4f, naive %.4f, none %.3f, accepted %.3f", cases[i].world->name,
			 cases[i].rule.level, cascade_of_name(cases[i].rule.of), cases[i].rule.alpha, cases[i].n, s.broken, s.naive_broken, s.none,
			 s.accepted);
		if (s.broken > at_most(cases[i].rule.alpha) || s.naive_broken < cases[i].naive_above || s.accepted < cases[i].accepted_above)
			fail_msg("%s", what);
	}
}

/* A group answers as one: ten right answers of one group are one. */
static void groups_are_one_observation(void **state)
{
	const struct cascade_rule rule = { 0.05, 0.05, CASCADE_OF_ALL };
	struct cascade_item items[600];
	double grid[] = { 0.5 };
	size_t broken = 0, alone_broken = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 1, "decide_cascade");
	for (size_t d = 0; d < DRAWS; d++) {
		for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
			double loss = i % 10 ? items[i - 1].loss : rng_double(&r) < 0.06;

			items[i] = (struct cascade_item){ .confidence = 0.9, .loss = loss, .cluster = i / 10 };
		}
		broken += !isinf(cascade_choose(&rule, grid, 1, items, ARRAY_SIZE(items)).at);
		for (size_t i = 0; i < ARRAY_SIZE(items); i++)
			items[i].cluster = i;
		alone_broken += !isinf(cascade_choose(&rule, grid, 1, items, ARRAY_SIZE(items)).at);
	}
	assert_true((double)broken / DRAWS <= at_most(0.05));
	assert_true((double)alone_broken / DRAWS > 0.15);
}

static void grades_are_losses_between(void **state)
{
	const struct cascade_rule rule = { 0.1, 0.05, CASCADE_OF_ACCEPTED };
	struct cascade_item items[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = (struct cascade_item){ .confidence = i % 2 ? 0.9 : 0.2, .loss = i % 2 ? 0.05 : 0.6, .cluster = i };
	double grid[] = { 0.9, 0.2 };
	struct cascade_cut cut = cascade_choose(&rule, grid, 2, items, ARRAY_SIZE(items));

	assert_true(cut.at > 0.8 && cut.accepted == 100);
	assert_close("lost", cut.lost, 5, 1e-12);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i].loss = 0.2;
	assert_true(isinf(cascade_choose(&rule, grid, 2, items, ARRAY_SIZE(items)).at));
}

static void one_threshold_is_the_binomial_test(void **state)
{
	const struct cascade_rule all = { 0.05, 0.05, CASCADE_OF_ALL }, accepted = { 0.05, 0.05, CASCADE_OF_ACCEPTED };
	struct cascade_item items[120];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = (struct cascade_item){ .confidence = i < 20 ? NAN : i < 50 ? 0.3 : 0.8, .loss = i >= 117 || i < 5, .cluster = i };
	assert_close("of all", cascade_test(&all, items, 120, 0.8).p, binomial_lower(3, 120, 0.05), 1e-12);
	assert_close("of the accepted", cascade_test(&accepted, items, 120, 0.8).p, binomial_lower(3, 70, 0.05), 1e-12);
	assert_int_equal(cascade_test(&all, items, 120, 0).accepted, 100); /* without a confidence: never */
	assert_close("nothing accepted proves nothing about the accepted", cascade_test(&accepted, items, 120, 0.9).p, 1, 0);
	assert_int_equal(cascade_fewest(&all), 59);
	assert_true(isinf(cascade_choose(&all, NULL, 0, items, 120).at));
}

static void the_grid_falls_and_is_of_other_items(void **state)
{
	const struct cascade_rule all = { 0.05, 0.05, CASCADE_OF_ALL }, accepted = { 0.05, 0.05, CASCADE_OF_ACCEPTED };
	struct cascade_item others[100];
	double grid[CASCADE_GRID];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		others[i] = (struct cascade_item){ .confidence = i < 10 ? NAN : (double)i / 100, .loss = i < 50 };
	size_t n = cascade_grid(&all, others, 100, 300, grid);

	assert_true(n > 40 && grid[0] > 0.97 && grid[n - 1] < 0.11);
	for (size_t i = 1; i < n; i++)
		assert_true(grid[i] < grid[i - 1]);
	n = cascade_grid(&accepted, others, 100, 300, grid); /* the sure half is right: all of it together promises most */
	assert_true(grid[0] > 0.49 && grid[0] < 0.53 && grid[n - 1] < 0.11);
	for (size_t i = 0; i < 100; i++)
		others[i] = (struct cascade_item){ .confidence = 1 };
	assert_int_equal(cascade_grid(&all, others, 100, 300, grid), 1);
	assert_int_equal(cascade_grid(&all, others, 0, 300, grid), 0);
	others[0].confidence = NAN;
	assert_int_equal(cascade_grid(&all, others, 1, 300, grid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_level_is_held),
		cmocka_unit_test(groups_are_one_observation),
		cmocka_unit_test(grades_are_losses_between),
		cmocka_unit_test(one_threshold_is_the_binomial_test),
		cmocka_unit_test(the_grid_falls_and_is_of_other_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
