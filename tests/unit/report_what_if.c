/* report_what_if.c - what the page's sliders are given: how the decision turns with the target, and the figures as JSON inside markup. */
#include <jansson.h>
#include <string.h>

#include "report/alternatives.h"
#include "report/html.h"
#include "report_fixture.h"
#include "test.h"

enum { ITEMS = 135 };

static double scores[3][ITEMS];
static const struct decide_rule rule = { .alpha = .05, .margin = .05, .plan = DECIDE_FULL, .binary = true, .comparisons = 2, .targets = 3,
					 .n_items = ITEMS };

/* Rungs 0, 1 and 3, right on so many of the first items. */
static void fill(struct candidate c[3], size_t a, size_t b, size_t d)
{
	static const char *const ids[] = { "0/naive-bayes", "1/knn-few-shot-8", "3/head-minilm" };
	static const int rungs[] = { 0, 1, 3 };
	const size_t right[] = { a, b, d };

	for (size_t i = 0; i < 3; i++) {
		c[i] = (struct candidate){ .id = ids[i], .rung = rungs[i], .score = scores[i], .n = ITEMS };
		for (size_t k = 0; k < ITEMS; k++)
			scores[i][k] = k < right[i];
	}
}

/* The exact binomial test passes up to Clopper and Pearson's limits at alpha / 2 / 3 (scipy.stats.beta.ppf). */
static void targets_turn_at_exact_limits(void **state)
{
	(void)state;
	static const double reaches[] = { .5464221543916526, .6163001358585247, .7385479284845725 };
	static const double misses[] = { .7476155701722291, .8067913350395762, .8994883916833736 };
	struct candidate c[3];
	struct arena arena;

	arena_init(&arena);
	fill(c, 88, 97, 112);
	struct report_alternatives a = alternatives_of(&arena, &rule, c, 3);

	assert_int_equal(a.n, 3);
	assert_null(a.evidence_without); /* costs do not count */
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(a.candidates[i].variant, c[i].id);
		assert_close("reaches", a.candidates[i].reaches, reaches[i], 2e-7);
		assert_close("misses", a.candidates[i].misses, misses[i], 2e-7);
	}
	arena_release(&arena);
}

/* With and without a target, the verdicts are those of the rule asked there. */
static void alternatives_are_the_rule_s_own(void **state)
{
	(void)state;
	static const struct { size_t right[3]; int incumbent; } cases[] = {
		{ { 88, 97, 112 }, -1 }, { { 88, 90, 91 }, -1 }, { { 30, 97, 99 }, -1 }, { { 88, 97, 112 }, 1 }, { { 30, 97, 40 }, 2 },
		{ { 0, 0, 0 }, -1 }, { { ITEMS, ITEMS, ITEMS }, -1 },
	};
	static const double targets[] = { .05, .4, .55, .62, .7, .75, .95, .999 };
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct candidate c[3];

		fill(c, cases[i].right[0], cases[i].right[1], cases[i].right[2]);
		if (cases[i].incumbent >= 0)
			c[cases[i].incumbent].incumbent = true;
		struct report_alternatives a = alternatives_of(&arena, &rule, c, 3);
		struct verdict none = decide_verdict(&arena, &rule, c, 3).verdict;

		assert_int_equal(a.reference, cases[i].incumbent >= 0 ? cases[i].incumbent : 0);
		assert_int_equal(a.without.winner, none.winner);
		assert_int_equal(a.without.decision, none.decision);
		for (size_t k = 0; k < ARRAY_SIZE(targets); k++) {
			struct decide_rule at = rule;
			size_t passing = 3;

			at.has_target = true;
			at.target = targets[k];
			struct verdict v = decide_verdict(&arena, &at, c, 3).verdict;

			for (size_t j = 3; j-- > 0;)
				if (a.candidates[j].reaches >= targets[k])
					passing = j;
			assert_int_equal(v.winner, passing < 3 ? passing : a.missed.winner);
			assert_int_equal(v.meets_target, a.candidates[v.winner].reaches >= targets[k] ? TARGET_YES
					 : a.candidates[v.winner].misses <= targets[k]                  ? TARGET_NO
											                 : TARGET_UNRESOLVED);
			if (passing == 3)
				assert_int_equal(v.decision, a.missed.decision);
		}
	}
	arena_release(&arena);
}

/* Of what costs could turn: equal answers are not worse by the margin, better ones are better, and alpha is shared with a target. */
static void evidence_is_of_every_pair(void **state)
{
	(void)state;
	struct decide_rule both = rule;
	struct candidate c[3];
	struct arena arena;

	arena_init(&arena);
	both.climb_for = CLIMB_FOR_BOTH;
	fill(c, 88, 88, 112);
	struct report_alternatives a = alternatives_of(&arena, &both, c, 3);

	assert_non_null(a.evidence_without);
	assert_true(a.evidence_without[1].not_worse);
	assert_false(a.evidence_without[1].better);
	assert_true(a.evidence_without[2].better && a.evidence_without[2].not_worse);
	assert_false(a.evidence_without[2 * 3].not_worse);
	assert_close("delta", a.evidence_without[2].delta, 24.0 / 135, 1e-12);
	assert_true(a.evidence_missed[2].high > a.evidence_without[2].high); /* at half of alpha it is wider */
	both.plan = DECIDE_EARLY;
	assert_null(alternatives_of(&arena, &both, c, 3).evidence_without);
	arena_release(&arena);
}

/* The figures read back as JSON; no text in them ends the element; what is not known is null. */
static void figures_stand_in_the_page(void **state)
{
	(void)state;
	struct report_variant variants[N_EMAIL];
	struct report r = email_report(variants, true);
	struct cost_rung cheap = cost_rung_default, tuned = cost_rung_default;
	struct candidate c[3];
	struct buf out = { 0 };
	json_error_t error;

	fill(c, 88, 97, 112);
	cheap.call.local_usd = .0001;
	cheap.quality = .65;
	tuned.setup.other_usd = 100;
	tuned.call.local_usd = NAN;
	tuned.daily.retired_after_days = 40;
	variants[0].cost = &cheap;
	variants[0].name = "</script><script>alert(1)</script> & \xff";
	variants[EMAIL_HEAD].cost = &tuned;
	r.decided.rule = &rule;
	r.decided.candidates = c;
	r.decided.n = 3;
	html_what_if(&out, &r);
	const char *open = strstr(buf_text(&out), "type=\"application/json\">");

	assert_non_null(open);
	open += strlen("type=\"application/json\">");
	size_t n = (size_t)(strstr(open, "</script>") - open);

	assert_null(memchr(open, '<', n));
	assert_null(memchr(open, '&', n));
	json_t *value = json_loadb(open, n, 0, &error);

	if (!value)
		fail_msg("no JSON: %s", error.text);
	const json_t *list = json_object_get(value, "variants"), *first = json_array_get(list, 0), *second = json_array_get(list, 1);

	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(first, "name")), "</script><script>alert(1)</script> & \ufffd");
	assert_close("own", json_number_value(json_object_get(first, "own")), .0001, 1e-15);
	assert_true(json_is_null(json_object_get(first, "retired")));
	assert_true(json_is_null(json_object_get(second, "own")));
	assert_close("once", json_number_value(json_object_get(second, "once")), 100, 1e-15);
	assert_close("retired", json_number_value(json_object_get(second, "retired")), 40, 1e-15);
	assert_close("target", json_number_value(json_object_get(json_object_get(value, "traffic"), "target")), .8, 1e-15);
	assert_int_equal(json_array_size(json_object_get(value, "candidates")), 3);
	json_decref(value);
	buf_clear(&out);
	r.decided.n = 0;
	html_what_if(&out, &r);
	assert_int_equal(out.n, 0);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_turn_at_exact_limits),
		cmocka_unit_test(alternatives_are_the_rule_s_own),
		cmocka_unit_test(evidence_is_of_every_pair),
		cmocka_unit_test(figures_stand_in_the_page),
	};

	return cmocka_run_group_tests_name("report_what_if", tests, NULL, NULL);
}
