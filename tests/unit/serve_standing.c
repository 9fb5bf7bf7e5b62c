/* serve_standing.c - what the history says of now, and what rows of feedback are worth. */
#include <string.h>

#include "serve/standing.h"
#include "test.h"

static const struct {
	const char *name;
	const char *events[8], *verdicts[8]; /* at 1, 2, ... ms */
	const char *serving, *challenger, *previous, *judged; /* judged: one that is not to be tried */
	uint64_t since_ms, trial_ms;
	bool fallen;
} histories[] = {
	{ "nothing", { NULL }, { NULL }, NULL, NULL, NULL, NULL, 0, 0, false },
	{ "the first", { "first" }, { "a" }, "a", NULL, NULL, NULL, 1, 0, false },
	{ "a trial", { "first", "trial" }, { "a", "b" }, "a", "b", NULL, NULL, 1, 2, false },
	{ "promoted", { "first", "trial", "promoted" }, { "a", "b", "b" }, "b", NULL, "a", NULL, 3, 2, false },
	{ "ended", { "first", "shadow", "ended" }, { "a", "b", "b" }, "a", NULL, NULL, "b", 1, 2, false },
	{ "demoted", { "first", "trial", "promoted", "demoted", "restored" }, { "a", "b", "b", "b", "a" }, "a", NULL, NULL, "b", 5, 2, false },
	{ "demoted while another is on trial", { "first", "replaced", "trial", "demoted", "restored", "trial" }, { "a", "b", "c", "b", "a", "c" }, "a", "c",
	  NULL, "b", 5, 6, false },
	{ "fallen", { "first", "fallen" }, { "a", "a" }, "a", NULL, NULL, NULL, 2, 0, true },
	{ "fallen, and then replaced", { "first", "fallen", "replaced" }, { "a", "a", "b" }, "b", NULL, "a", NULL, 3, 0, false },
	{ "paid changes nothing", { "first", "trial", "ended", "paid" }, { "a", "b", "b", "a" }, "a", NULL, NULL, "b", 1, 2, false },
};

static void is_verdict(const char *name, const struct served_turn *got, const char *want)
{
	if ((got == NULL) != (want == NULL) || (want && strcmp(got->verdict, want) != 0))
		fail_msg("%s: got %s, want %s", name, got ? got->verdict : "none", want ? want : "none");
}

static void history_is_folded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(histories); i++) {
		struct served_turn turns[8];
		size_t n = 0;

		while (n < 8 && histories[i].events[n]) {
			turns[n] = (struct served_turn){ .event = histories[i].events[n], .verdict = histories[i].verdicts[n], .at_ms = n + 1 };
			n++;
		}
		struct standing s = standing_of(turns, n);

		is_verdict(histories[i].name, s.serving, histories[i].serving);
		is_verdict(histories[i].name, s.challenger, histories[i].challenger);
		is_verdict(histories[i].name, s.previous, histories[i].previous);
		assert_int_equal(s.since_ms, histories[i].since_ms);
		assert_int_equal(s.trial_ms, histories[i].trial_ms);
		assert_int_equal(s.fallen, histories[i].fallen);
		for (const char *v = "abc"; *v; v++) {
			const char verdict[] = { *v, '\0' };
			bool want = histories[i].judged && strcmp(histories[i].judged, verdict) == 0;

			if (standing_judged(turns, n, verdict) != want)
				fail_msg("%s: %s", histories[i].name, verdict);
		}
	}
}

static double same(void *context, const char *output, const char *right)
{
	(void)context;
	return strcmp(right, "?") == 0 ? NAN : strcmp(output, right) == 0;
}

static const struct served_verdict one = { .id = "one", .score = same }, two = { .id = "two", .score = same };

static struct served_score said(const char *call, const char *verdict, const char *kind, double value, uint64_t at_ms)
{
	return (struct served_score){ .call = call, .began_ms = 10, .at_ms = at_ms, .verdict = verdict, .propensity = 0.5, .kind = kind, .value = value,
				      .text = "yes", .output = "yes" };
}

static struct live weighed(const struct served_score *rows, size_t n, bool trial)
{
	struct arena arena;
	struct live l;

	arena_init(&arena);
	live_init(&l, &live_rule_default);
	standing_weigh(rows, n, &one, trial ? &two : NULL, 5, &arena, &l);
	arena_release(&arena);
	return l;
}

static void rows_become_scores(void **state)
{
	struct served_score rows[] = {
		said("a", "one", "boolean", 1, 1), said("a", "one", "float", 0.5, 2), /* the mean of what was said: .75 */
		said("b", "one", "boolean", 0, 3), said("b", "one", "demonstration", NAN, 4), /* what is right says more: 1 */
		said("c", "two", "failed", NAN, 5),
		said("d", "other", "boolean", 1, 6), /* it serves no more */
		said("e", "one", "demonstration", NAN, 7), /* no answer of this task: nothing */
		said("f", "one", "demonstration", NAN, 8), /* its output was not kept: nothing */
	};

	(void)state;
	rows[6].text = "?";
	rows[7].output = NULL;
	struct live l = weighed(rows, ARRAY_SIZE(rows), true);

	assert_int_equal(l.record[LIVE_SERVING].n, 2);
	assert_close("sum", l.record[LIVE_SERVING].sum, 1.75, 1e-12);
	assert_int_equal(l.record[LIVE_CHALLENGER].n, 0);
	assert_int_equal(l.failures[LIVE_CHALLENGER], 1);
	assert_int_equal(l.rival.n, 2);
	l = weighed(rows, ARRAY_SIZE(rows), false); /* nobody is on trial */
	assert_int_equal(l.record[LIVE_SERVING].n, 2);
	assert_int_equal(l.record[LIVE_CHALLENGER].n + l.rival.n, 0);
}

/* The order is that in which things were said, whatever the calls are named. */
static void the_order_is_that_of_time(void **state)
{
	struct served_score rows[2 * LIVE_SETTLED];
	static char names[2 * LIVE_SETTLED][8];
	struct live l, want;

	(void)state;
	live_init(&want, &live_rule_default);
	for (int i = 0; i < 2 * LIVE_SETTLED; i++) {
		int at = 2 * LIVE_SETTLED - i;

		snprintf(names[i], sizeof(names[i]), "%03d", i);
		rows[i] = said(names[i], "one", "boolean", at % 7 > 0, (uint64_t)at);
	}
	for (int at = 1; at <= 2 * LIVE_SETTLED; at++)
		live_add(&want, &(struct live_event){ LIVE_SERVING, 1, at % 7 > 0, 0, false });
	l = weighed(rows, ARRAY_SIZE(rows), false);
	assert_true(detector_level(&l.fall) > 0 && detector_level(&l.fall) == detector_level(&want.fall));
}

/* A subject was drawn once; calls from before the trial, and those that chance did not choose, compare nothing. */
static void what_was_drawn_compares(void **state)
{
	struct served_score rows[] = {
		said("a", "one", "boolean", 1, 1), said("b", "one", "boolean", 1, 2), said("c", "one", "boolean", 1, 3), said("d", "one", "boolean", 1, 4),
		said("e", "two", "boolean", 1, 5),
	};

	(void)state;
	rows[0].subject = rows[1].subject = "s";
	rows[2].began_ms = 4;
	rows[3].propensity = 1;
	struct live l = weighed(rows, ARRAY_SIZE(rows), true);

	assert_int_equal(l.record[LIVE_SERVING].n, 4); /* of what serves each counts */
	assert_int_equal(l.rival.n, 1);
	assert_int_equal(l.record[LIVE_CHALLENGER].n, 1);
}

/* Rows have the probability of who answered; the test takes that of the challenger. */
static void propensities_are_of_who_answered(void **state)
{
	struct served_score rows[] = { said("a", "one", "boolean", 1, 1), said("b", "two", "boolean", 0, 2), said("c", "one", "boolean", 0, 3) };
	struct live want;

	(void)state;
	live_init(&want, &live_rule_default);
	for (int i = 0; i < 3; i++) {
		bool second = i == 1;

		rows[i].propensity = second ? 0.1 : 0.9;
		live_add(&want, &(struct live_event){ second ? LIVE_CHALLENGER : LIVE_SERVING, 0.1, rows[i].value, 0, false });
	}
	struct live l = weighed(rows, ARRAY_SIZE(rows), true);

	assert_true(live_log_worse(&want) != 0 && live_log_worse(&l) == live_log_worse(&want));
	assert_true(live_log_not_worse(&l) == live_log_not_worse(&want));
}

static void the_shadow_is_graded_by_what_is_right(void **state)
{
	struct served_score rows[] = { said("a", "one", "demonstration", NAN, 1), said("b", "one", "boolean", 1, 2), said("c", "one", "demonstration", NAN, 3) };

	(void)state;
	for (int i = 0; i < 3; i++) {
		rows[i].propensity = 1;
		rows[i].shadow_verdict = "two";
		rows[i].shadow = "no";
	}
	rows[2].shadow_verdict = "another";
	struct live l = weighed(rows, ARRAY_SIZE(rows), true);

	assert_int_equal(l.record[LIVE_SERVING].n, 3);
	assert_int_equal(l.record[LIVE_CHALLENGER].n, 1);
	assert_close("wrong", l.record[LIVE_CHALLENGER].sum, 0, 1e-12);
	assert_close("beside it", l.rival.sum, 1, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_is_folded),
		cmocka_unit_test(rows_become_scores),
		cmocka_unit_test(the_order_is_that_of_time),
		cmocka_unit_test(what_was_drawn_compares),
		cmocka_unit_test(propensities_are_of_who_answered),
		cmocka_unit_test(the_shadow_is_graded_by_what_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
