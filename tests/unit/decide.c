/* decide.c - the decision rule on made-up outcomes whose right verdict is known. */
#include "test.h"

#include <string.h>

#include "decide/decide.h"

enum { N = 300 };

/* Scores of n items: 1 for the items in [from, to), else 0. */
struct made {
	int rung;
	bool incumbent;
	size_t from, to;
};

struct scenario {
	const char *name;
	struct made candidates[3];
	size_t n;
	double target; /* 0: none */
	enum verdict_kind decision;
	size_t winner;
	enum meets_target meets;
};

static const struct scenario scenarios[] = {
	{ "one rung: it stays", { { 0, false, 0, 200 } }, 1, 0, VERDICT_STOP, 0, TARGET_NONE },
	{ "a clear gain climbs", { { 0, false, 0, 200 }, { 1, false, 0, 260 } }, 2, 0, VERDICT_CLIMB, 1, TARGET_NONE },
	{ "a clear loss stops", { { 0, false, 0, 260 }, { 1, false, 0, 200 } }, 2, 0, VERDICT_STOP, 0, TARGET_NONE },
	{ "a gain below the margin is not taken", { { 0, false, 0, 250 }, { 1, false, 0, 260 } }, 2, 0, VERDICT_UNRESOLVED,
	  0, TARGET_NONE },
	{ "a tie with much discordance is unresolved", { { 0, false, 0, 200 }, { 1, false, 95, 300 } }, 2, 0,
	  VERDICT_UNRESOLVED, 0, TARGET_NONE },
	{ "the lowest rung that meets the target wins over a better one",
	  { { 0, false, 0, 260 }, { 1, false, 0, 298 } }, 2, 0.80, VERDICT_STOP, 0, TARGET_YES },
	{ "a target below reach is said to be missed", { { 0, false, 0, 150 } }, 1, 0.80, VERDICT_STOP, 0, TARGET_NO },
	{ "the third rung is compared with the champion of the second",
	  { { 0, false, 0, 150 }, { 1, false, 0, 230 }, { 3, false, 0, 290 } }, 3, 0, VERDICT_CLIMB, 2, TARGET_NONE },
	{ "the incumbent is left for a lower rung shown not worse",
	  { { 0, false, 0, 260 }, { 1, true, 0, 258 } }, 2, 0, VERDICT_SWITCH, 0, TARGET_NONE },
	{ "the incumbent stays against a worse lower rung", { { 0, false, 0, 200 }, { 1, true, 0, 260 } }, 2, 0,
	  VERDICT_STOP, 1, TARGET_NONE },
	{ "another variant of the incumbent's rung is a switch",
	  { { 1, true, 0, 200 }, { 1, false, 0, 260 } }, 2, 0, VERDICT_SWITCH, 1, TARGET_NONE },
};

static struct decide_result run(struct arena *arena, const struct scenario *s, enum decide_plan plan)
{
	struct decide_rule rule = { .alpha = 0.05, .margin = 0.05, .has_target = s->target > 0, .target = s->target,
				    .plan = plan, .binary = true, .comparisons = (int)s->n - 1, .targets = (int)s->n,
				    .n_items = N };
	struct candidate *c = arena_array(arena, s->n, sizeof(*c));
	static const char *const ids[] = { "low", "middle", "high" };

	for (size_t i = 0; i < s->n; i++) {
		double *score = arena_array(arena, N, sizeof(*score));

		/* Spread the items, so that early looks see a fair share: item k of 300 stands at k * 7 mod 300. */
		for (size_t k = s->candidates[i].from; k < s->candidates[i].to; k++)
			score[k * 7 % N] = 1;
		c[i] = (struct candidate){ .id = ids[i], .rung = s->candidates[i].rung,
					   .incumbent = s->candidates[i].incumbent, .score = score, .n = N };
	}
	return decide_verdict(arena, &rule, c, s->n);
}

static void verdict_follows_the_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		const struct scenario *s = &scenarios[i];
		struct arena arena;

		arena_init(&arena);
		struct decide_result r = run(&arena, s, DECIDE_FULL);

		if (r.verdict.decision != s->decision || r.verdict.winner != s->winner || r.verdict.meets_target != s->meets)
			fail_msg("%s: got %s, winner %zu, target %d", s->name, verdict_kind_name(r.verdict.decision),
				 r.verdict.winner, (int)r.verdict.meets_target);
		assert_true(r.verdict.n_reasons > 0);
		assert_non_null(r.verdict.next_step);
		arena_release(&arena);
	}
}

static void early_plan_has_e_values_and_full_has_p_values(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	struct decide_result full = run(&arena, &scenarios[1], DECIDE_FULL);
	struct decide_result early = run(&arena, &scenarios[1], DECIDE_EARLY);

	assert_true(isnan(full.comparisons[0].e_value) && full.comparisons[0].p_value < 1e-10);
	assert_true(isnan(early.comparisons[0].p_value) && early.comparisons[0].e_value > 1e10);
	assert_int_equal(early.verdict.decision, VERDICT_CLIMB);
	arena_release(&arena);
}

static void alpha_is_shared(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	assert_close("two comparisons", run(&arena, &scenarios[7], DECIDE_FULL).comparisons[0].alpha, 0.025, 1e-12);
	assert_close("half for the target", run(&arena, &scenarios[5], DECIDE_FULL).comparisons[0].alpha, 0.025, 1e-12);
	arena_release(&arena);
}

static void unresolved_says_how_many_labels(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena);
	struct decide_result r = run(&arena, &scenarios[4], DECIDE_FULL);

	assert_int_equal(r.comparisons[0].decision, DECISION_UNRESOLVED);
	assert_true(r.comparisons[0].labels_needed > 0);
	assert_non_null(strstr(r.verdict.next_step, "label"));
	arena_release(&arena);
}

/* The winner of a climb that has its recorded outcomes alone is not to be served from here. */
static void recorded_winners_are_not_served(void **state)
{
	static const char *const first[] = { "Serve high", "Use high where it was recorded", "Serve low; no higher", "Use low where it was recorded; no higher" };
	struct decide_rule rule = { .alpha = 0.05, .margin = 0.05, .plan = DECIDE_FULL, .binary = true, .comparisons = 1, .targets = 2, .n_items = N };
	double few[N] = { 0 }, many[N];
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < N; i++)
		many[i] = 1;
	for (size_t i = 0; i < 4; i++) {
		struct candidate c[] = { { .id = "low", .score = i < 2 ? few : many, .n = N, .recorded = i % 2 },
					 { .id = "high", .rung = 1, .score = i < 2 ? many : few, .n = N, .recorded = i % 2 } };
		const char *step = decide_verdict(&arena, &rule, c, 2).verdict.next_step;

		if (strncmp(step, first[i], strlen(first[i])) != 0 || !strstr(step, "cannot serve it") != !c[0].recorded)
			fail_msg("\"%s\" is not how this begins: %s", first[i], step);
	}
	arena_release(&arena);
}

/* A cluster counts once: ten copies of each item must not make a weak gain certain. */
static void clusters_temper_the_evidence(void **state)
{
	double from[N], to[N];
	size_t cluster[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		cluster[i] = i / 30;
		from[i] = i / 30 < 4;
		to[i] = i / 30 < 6;
	}
	struct decide_rule rule = { .alpha = 0.05, .margin = 0.05, .plan = DECIDE_FULL, .binary = true, .comparisons = 1,
				    .targets = 2, .n_items = N };
	struct candidate a = { .id = "a", .score = from, .n = N }, b = { .id = "b", .rung = 1, .score = to, .n = N };

	assert_int_equal(decide_compare(&rule, &a, &b).decision, DECISION_BETTER);
	rule.cluster = cluster;
	assert_int_equal(decide_compare(&rule, &a, &b).decision, DECISION_UNRESOLVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdict_follows_the_rule),
		cmocka_unit_test(early_plan_has_e_values_and_full_has_p_values),
		cmocka_unit_test(alpha_is_shared),
		cmocka_unit_test(unresolved_says_how_many_labels),
		cmocka_unit_test(recorded_winners_are_not_served),
		cmocka_unit_test(clusters_temper_the_evidence),
	};

	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
