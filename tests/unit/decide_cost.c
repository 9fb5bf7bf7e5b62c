/* decide_cost.c - climbing for cost: both sides of every threshold. Costs are two rungs' flat dollars a call and a sum once. */
#include "test.h"

#include <stdint.h>
#include <string.h>

#include "base/rng.h"
#include "decide/replay.h"
#include "decide/watch.h"

enum { N = 1000 };

static struct cost_rung costing(double usd_per_call, double once)
{
	struct cost_rung r = cost_rung_default;

	r.call.local_usd = usd_per_call;
	r.setup.other_usd = once;
	return r;
}

/* 10,000 calls a day at a tenth of a cent: the dear one costs $10 a day, and $60 are back in 12 days where the cheap one costs half. */
static struct cost_traffic traffic_over(double days)
{
	return (struct cost_traffic){ .calls_per_day = 10000, .calls_low = 10000, .calls_high = 10000, .horizon_days = days };
}

static struct decide_rule rule_for(enum climb_for climb_for, double days)
{
	return (struct decide_rule){ .alpha = 0.05, .margin = 0.05, .plan = DECIDE_FULL, .binary = true, .comparisons = 1, .n_items = N,
				     .climb_for = climb_for, .traffic = traffic_over(days) };
}

/* Two columns of n items: `wins` that the second alone gets right, `losses` that the first alone does; the rest both. */
static void columns(double *a, double *b, size_t n, size_t wins, size_t losses)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = i * 7 % n;

		a[i] = k < wins ? 0 : 1;
		b[i] = k >= wins && k < wins + losses ? 0 : 1;
	}
}

struct scene {
	const char *name;
	enum climb_for climb_for;
	size_t wins, losses;
	double usd[2], once; /* a call, of both; of the second, once */
	double days, retired; /* horizon; of the second's base model, 0: never */
	double usd_per_error;
	enum decision decision;
	enum paying pays;
	bool takes_place;
};

/* 1,000 items, whose exact unconditional test at margin .05 (paired_noninferior_p(), which stats_fixed.c checks) gives a tie of 50 : 50
 * p 2e-6, 20 : 55 .0484 and 20 : 56 .0610. */
static const struct scene scenes[] = {
	{ "a cheap tie climbs for cost", CLIMB_FOR_BOTH, 50, 50, { .001, .0005 }, 60, 90, 0, 0, DECISION_NOT_WORSE, PAYING_YES, true },
	{ "but not for quality", CLIMB_FOR_QUALITY, 50, 50, { .001, .0005 }, 60, 90, 0, 0, DECISION_NOT_BETTER, PAYING_NOT_ASKED, false },
	{ "for cost alone it does", CLIMB_FOR_COST, 50, 50, { .001, .0005 }, 60, 90, 0, 0, DECISION_NOT_WORSE, PAYING_YES, true },
	{ "within the horizon", CLIMB_FOR_BOTH, 50, 50, { .001, .0005 }, 60, 12.001, 0, 0, DECISION_NOT_WORSE, PAYING_YES, true },
	{ "beyond it is too late", CLIMB_FOR_BOTH, 50, 50, { .001, .0005 }, 60, 11.999, 0, 0, DECISION_NOT_BETTER, PAYING_NO, false },
	{ "while the base model lives", CLIMB_FOR_BOTH, 50, 50, { .001, .0005 }, 60, 90, 12.001, 0, DECISION_NOT_WORSE, PAYING_YES, true },
	{ "not once it is retired", CLIMB_FOR_COST, 50, 50, { .001, .0005 }, 60, 90, 11.999, 0, DECISION_NOT_PAYING, PAYING_NO, false },
	{ "a loss that is ruled out", CLIMB_FOR_BOTH, 20, 55, { .001, .0005 }, 60, 90, 0, 0, DECISION_NOT_WORSE, PAYING_YES, true },
	{ "and one item more", CLIMB_FOR_BOTH, 20, 56, { .001, .0005 }, 60, 90, 0, 0, DECISION_UNRESOLVED, PAYING_YES, false },
	{ "worse than the margin is worse", CLIMB_FOR_BOTH, 0, 200, { .001, .0005 }, 60, 90, 0, 0, DECISION_NOT_BETTER, PAYING_YES, false },
	{ "as cheap is not cheaper", CLIMB_FOR_COST, 50, 50, { .001, .001 }, 0, 90, 0, 0, DECISION_NOT_PAYING, PAYING_NO, false },
	{ "nothing to pay back", CLIMB_FOR_COST, 50, 50, { .001, .0009 }, 0, 90, 0, 0, DECISION_NOT_WORSE, PAYING_YES, true },
	{ "dearer and better, both", CLIMB_FOR_BOTH, 120, 20, { .001, .002 }, 60, 90, 0, 0, DECISION_BETTER, PAYING_NO, true },
	{ "dearer and better, costs alone", CLIMB_FOR_COST, 120, 20, { .001, .002 }, 60, 90, 0, 0, DECISION_NOT_PAYING, PAYING_NO, false },
	{ "unless its fewer errors pay for it", CLIMB_FOR_COST, 120, 20, { .001, .002 }, 60, 90, 0, 0.5, DECISION_NOT_WORSE, PAYING_YES, true },
	{ "which may be open", CLIMB_FOR_COST, 120, 20, { .001, .002 }, 60, 90, 0, 0.0125, DECISION_UNRESOLVED, PAYING_OPEN, false },
	{ "a price that is not known", CLIMB_FOR_COST, 50, 50, { .001, NAN }, 60, 90, 0, 0, DECISION_NOT_PAYING, PAYING_UNKNOWN, false },
	{ "or what it takes once", CLIMB_FOR_COST, 50, 50, { .001, .0005 }, NAN, 90, 0, 0, DECISION_NOT_PAYING, PAYING_UNKNOWN, false },
	{ "leaves quality to decide", CLIMB_FOR_BOTH, 120, 20, { .001, NAN }, 60, 90, 0, 0, DECISION_BETTER, PAYING_UNKNOWN, true },
};

static void thresholds_have_two_sides(void **state)
{
	double a[N], b[N];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		const struct scene *s = &scenes[i];
		struct cost_rung dear = costing(s->usd[0], 0), cheap = costing(s->usd[1], s->once);
		struct candidate from = { .id = "a", .score = a, .n = N, .cost = &dear }, to = { .id = "b", .rung = 1, .score = b, .n = N, .cost = &cheap };
		struct decide_rule rule = rule_for(s->climb_for, s->days);

		columns(a, b, N, s->wins, s->losses);
		rule.traffic.usd_per_error = s->usd_per_error;
		if (s->retired > 0)
			cheap.daily.retired_after_days = s->retired;
		struct comparison c = decide_compare(&rule, &from, &to);

		if (c.decision != s->decision || c.pays != s->pays || c.takes_place != s->takes_place)
			fail_msg("%s: %s, pays %d after %g days, takes place %d", s->name, decision_name(c.decision), (int)c.pays,
				 c.pays_after_days, c.takes_place);
		if (s->pays == PAYING_YES && s->usd_per_error == 0)
			assert_close(s->name, c.pays_after_days, s->once / (10000 * (s->usd[0] - s->usd[1])), 1e-9);
	}
}

static void the_reason_is_one_sentence(void **state)
{
	double a[N], b[N];
	struct cost_rung dear = costing(.001, 0), cheap = costing(.0005, 60);
	struct candidate both[] = { { .id = "a", .score = a, .n = N, .cost = &dear }, { .id = "b", .rung = 1, .score = b, .n = N, .cost = &cheap } };
	struct decide_rule rule = rule_for(CLIMB_FOR_BOTH, 90);
	struct arena arena;

	(void)state;
	columns(a, b, N, 50, 50);
	arena_init(&arena);
	struct verdict v = decide_verdict(&arena, &rule, both, 2).verdict;

	assert_int_equal(v.decision, VERDICT_CLIMB);
	assert_int_equal(v.winner, 1);
	assert_int_equal(v.n_reasons, 1);
	assert_non_null(strstr(v.reasons[0], "b is not worse than a by 5.0 points (+0.0 points on 1000 items (50 won, 50 lost; interval "));
	assert_non_null(strstr(v.reasons[0], "and pays for itself after 12 days at 10,000 calls a day."));
	arena_release(&arena);
}

/* With an incumbent: another of its rung, and a higher one, may replace it for their cost; a lower one needs no payback. */
static void an_incumbent_is_left_for_cost(void **state)
{
	static const struct { int rung[2]; double usd; enum verdict_kind kind; size_t winner; } cases[] = {
		{ { 1, 1 }, .0005, VERDICT_SWITCH, 1 }, { { 1, 1 }, .002, VERDICT_STOP, 0 },
		{ { 1, 3 }, .0005, VERDICT_CLIMB, 1 }, { { 1, 3 }, .002, VERDICT_STOP, 0 },
		{ { 1, 0 }, .002, VERDICT_SWITCH, 1 },
	};
	double a[N], b[N];

	(void)state;
	columns(a, b, N, 50, 50);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cost_rung used = costing(.001, 0), other = costing(cases[i].usd, 60);
		struct candidate c[] = {
			{ .id = "used", .rung = cases[i].rung[0], .incumbent = true, .score = a, .n = N, .cost = &used },
			{ .id = "other", .rung = cases[i].rung[1], .score = b, .n = N, .cost = &other },
		};
		struct decide_rule rule = rule_for(CLIMB_FOR_BOTH, 90);
		struct arena arena;

		arena_init(&arena);
		struct verdict v = decide_verdict(&arena, &rule, c, 2).verdict;

		if (v.decision != cases[i].kind || v.winner != cases[i].winner)
			fail_msg("case %zu: %s, winner %zu: %s", i, verdict_kind_name(v.decision), v.winner, v.reasons[0]);
		arena_release(&arena);
	}
}

/* Of several that pay, none better, the cheapest over the horizon; but what is better comes before what is cheap. */
static void of_several_the_cheapest_is_taken(void **state)
{
	double a[N], b[N], best[N];
	struct cost_rung dear = costing(.001, 0), cheap = costing(.0005, 60), cheaper = costing(.0004, 60);
	struct candidate c[] = {
		{ .id = "a", .score = a, .n = N, .cost = &dear }, { .id = "cheap", .rung = 1, .score = b, .n = N, .cost = &cheap, .rivals = 3 },
		{ .id = "cheaper", .rung = 1, .score = b, .n = N, .cost = &cheaper, .rivals = 3 },
		{ .id = "best", .rung = 1, .score = best, .n = N, .cost = &dear, .rivals = 3 },
	};
	struct decide_rule rule = rule_for(CLIMB_FOR_BOTH, 90);
	struct comparison made[3];

	(void)state;
	columns(a, best, N, 120, 20);
	for (size_t i = 0; i < N; i++) { /* a tie with `a`, the first column of both: 20 won, 20 lost */
		size_t k = i * 7 % N;

		b[i] = k >= 100 && k < 140 ? 1 - a[i] : a[i];
	}
	assert_int_equal(decide_rung(&rule, c, 0, 1, 2, made), 2);
	assert_int_equal(decide_rung(&rule, c, 0, 1, 3, made), 3);
	rule.climb_for = CLIMB_FOR_COST;
	assert_int_equal(decide_rung(&rule, c, 0, 1, 3, made), 2);
}

static void draw(struct rng *rng, const double *base, double gain, bool graded, double *score, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double u = rng_double(rng);

		if (!base)
			score[i] = graded ? 0.25 * (double)rng_below(rng, 5) : u < 0.5;
		else if (graded)
			score[i] = u < 0.1 + gain ? fmin(1, base[i] + 0.25) : u < 0.2 ? fmax(0, base[i] - 0.25) : base[i];
		else
			score[i] = base[i] > 0 ? !(u < 0.1 - gain) : u < 0.1 + gain;
	}
}

/* After every look the watch says what decide_compare() says, whatever costs count, errors have a price or not, and who is incumbent. */
static void watching_is_comparing_costs_too(void **state)
{
	static const double gains[] = { -0.1, 0, 0.05 }, prices[] = { 0, 0.02 };
	size_t seen[5] = { 0 };

	(void)state;
	for (size_t run = 0; run < 96; run++) {
		bool graded = run & 1, clustered = run & 2;
		double a[400], b[400];
		size_t cluster[400], size = clustered ? 4 : 1;
		struct rng rng;
		struct watch w;
		struct decide_rule rule = rule_for((enum climb_for)(run / 4 % 3), 90);
		struct cost_rung dear = costing(.001, 0), cheap = costing(run % 5 ? .0005 : .002, 60);
		struct candidate from = { .id = "a", .rung = run % 7 ? 0 : 2, .incumbent = run % 7 == 0, .score = a, .cost = &dear };
		struct candidate to = { .id = "b", .rung = 1, .score = b, .rivals = run % 3, .cost = run % 11 ? &cheap : NULL };

		rule.plan = DECIDE_EARLY;
		rule.binary = !graded;
		rule.n_items = 400;
		rule.margin = 0.08;
		rule.alpha = 0.2;
		rule.cluster = clustered ? cluster : NULL;
		rule.traffic.usd_per_error = prices[run / 12 % 2];
		rng_init(&rng, run, "watch");
		draw(&rng, NULL, 0, graded, a, 400);
		draw(&rng, a, gains[run / 24 % 3], graded, b, 400);
		for (size_t i = 0; i < 400; i++)
			cluster[i] = i / size;
		watch_init(&w, &rule, &from, &to, size);
		for (size_t i = 0; i < 400; i += size) {
			watch_add(&w, a + i, b + i, size);
			from.n = to.n = i + size;
			if (i % 20 != 0)
				continue;
			struct comparison c = decide_compare(&rule, &from, &to);

			seen[c.decision]++;
			if (watch_decision(&w) != c.decision)
				fail_msg("run %zu, %zu items: watch says %s, comparison %s", run, from.n, decision_name(watch_decision(&w)),
					 decision_name(c.decision));
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		if (seen[i] == 0)
			fail_msg("no look was ever \"%s\"", decision_name((enum decision)i));
}

/* Where costs can decide, "not better" is no reason to stop: what is slightly worse and much cheaper is looked at until a loss of the
 * margin is ruled out, or shown; and not longer. */
static void looking_goes_on_while_it_may_pay(void **state)
{
	double a[N], b[N];
	struct cost_rung dear = costing(.001, 0), cheap = costing(.0005, 0);
	struct entrant_outcomes e[] = { { .id = "a", .score = a, .usd_per_call = .001, .cost = &dear },
					{ .id = "b", .rung = 1, .score = b, .usd_per_call = .0005, .cost = &cheap } };
	struct decide_rule rule = rule_for(CLIMB_FOR_QUALITY, 90);
	struct arena arena;

	(void)state;
	columns(a, b, N, 10, 25); /* -1.5 points */
	rule.plan = DECIDE_EARLY;
	arena_init(&arena);
	replay_plan(&rule, e, 2);
	struct replay quality = replay_run(&arena, &rule, e, 2);
	size_t until_not_better = e[1].looked;

	assert_int_equal(quality.result.comparisons[0].decision, DECISION_NOT_BETTER);
	rule.climb_for = CLIMB_FOR_BOTH;
	struct replay both = replay_run(&arena, &rule, e, 2);

	assert_int_equal(both.result.comparisons[0].decision, DECISION_NOT_WORSE);
	assert_int_equal(both.result.verdict.decision, VERDICT_CLIMB);
	assert_true(until_not_better < e[1].looked && e[1].looked < N);
	cheap.call.local_usd = .002; /* nothing to be had from it but quality */
	struct replay dearer = replay_run(&arena, &rule, e, 2);

	assert_int_equal(dearer.result.comparisons[0].decision, DECISION_NOT_BETTER);
	assert_int_equal(e[1].looked, until_not_better);
	arena_release(&arena);
}

/* A climb stops at the first look that settles a comparison; what the champion answers later does not change what was decided then. */
static void the_first_settled_look_counts(void **state)
{
	double a[N], b[N];
	struct candidate from = { .id = "a", .score = a, .n = N }, to = { .id = "b", .rung = 1, .score = b, .n = N };
	struct decide_rule rule = rule_for(CLIMB_FOR_QUALITY, 90);
	size_t cluster[N];

	(void)state;
	for (size_t i = 0; i < N; i++) { /* better to begin with, and worse in the end */
		a[i] = i % 2 == 0;
		b[i] = i < 200 ? 1 : i % 2 == 0 && i < 300;
		cluster[i] = i / 3;
	}
	rule.plan = DECIDE_EARLY;
	rule.look = 10;
	struct comparison all = decide_compare(&rule, &from, &to);

	assert_int_equal(all.decision, DECISION_BETTER);
	assert_int_equal(all.n % 10, 0);
	from.n = to.n = all.n;
	assert_memory_equal(&all.delta, &(double){ decide_compare(&rule, &from, &to).delta }, sizeof(double));
	from.n = to.n = all.n - 10;
	assert_int_equal(decide_compare(&rule, &from, &to).decision, DECISION_UNRESOLVED);
	rule.cluster = cluster;
	for (size_t at = 0, next; at < N; at = next) { /* no group is parted */
		next = decide_look_end(&rule, at);
		assert_true(next > at && next <= N && next - at <= 12 && (next % 3 == 0 || next == N));
	}
}

/* 80 won and 60 lost of 1,000; $.05 an error: m = .05 * .02 + .0005 - 60 / 900,000 a request, s = .05 * sqrt(var d / 1,000). */
static void labels_have_their_worth(void **state)
{
	double a[N], b[N];
	struct cost_rung dear = costing(.001, 0), cheap = costing(.0005, 60);
	struct candidate from = { .id = "a", .score = a, .n = N, .cost = &dear }, to = { .id = "b", .rung = 1, .score = b, .n = N, .cost = &cheap };
	struct decide_rule rule = rule_for(CLIMB_FOR_QUALITY, 90);

	(void)state;
	columns(a, b, N, 80, 60);
	rule.traffic.usd_per_error = .05;
	rule.usd_per_label = .2;
	struct comparison c = decide_compare(&rule, &from, &to);
	double labels = (double)c.labels_needed, m = .05 * .02 + .0005 - 60 / 9e5, s = .05 * sqrt((.14 - .02 * .02) * N / (N - 1) / N);
	double st = s * s / sqrt(s * s + s * s * N / labels), z = m / st;

	assert_int_equal(c.decision, DECISION_UNRESOLVED);
	assert_true(labels > 0 && c.labels_needed != SIZE_MAX);
	assert_close("labels", c.worth.labels_usd, .2 * labels, 1e-9);
	assert_close("calls", c.worth.calls_usd, .0015 * labels, 1e-9);
	assert_close("gain", c.worth.gain_usd, 9e5 * m, 1e-6);
	assert_close("worth", c.worth.worth_usd, 9e5 * st * (exp(-z * z / 2) / sqrt(2 * M_PI) - z * erfc(z / sqrt(2)) / 2), 1e-9);
	/* What is not known is not said. */
	rule.usd_per_label = NAN;
	to.cost = NULL;
	c = decide_compare(&rule, &from, &to);
	assert_true(isnan(c.worth.labels_usd) && isnan(c.worth.calls_usd) && isnan(c.worth.worth_usd) && isnan(c.worth.gain_usd));
	to.cost = &cheap;
	rule.traffic.usd_per_error = 0;
	assert_true(isnan(decide_compare(&rule, &from, &to).worth.worth_usd));
	/* A tie without a single difference is no certainty. */
	rule.traffic.usd_per_error = .05;
	rule.binary = false;
	rule.margin = .005;
	columns(a, b, N, 0, 0);
	cheap = dear;
	c = decide_compare(&rule, &from, &to);
	assert_true(c.decision == DECISION_UNRESOLVED && c.worth.worth_usd > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thresholds_have_two_sides),
		cmocka_unit_test(the_reason_is_one_sentence),
		cmocka_unit_test(an_incumbent_is_left_for_cost),
		cmocka_unit_test(of_several_the_cheapest_is_taken),
		cmocka_unit_test(watching_is_comparing_costs_too),
		cmocka_unit_test(looking_goes_on_while_it_may_pay),
		cmocka_unit_test(the_first_settled_look_counts),
		cmocka_unit_test(labels_have_their_worth),
	};

	return cmocka_run_group_tests_name("decide_cost", tests, NULL, NULL);
}
