/* data_labels.c - what more labels would do: each case of the sentences, with the numbers that they are made of. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "data/labels.h"

static struct task task_of(size_t pool, size_t test)
{
	return (struct task){ .pool = { { NULL, pool } }, .test = { { NULL, test } } };
}

/* Errors of .4 at 10 examples and .2 at 40 lie on n^-1/2, so that 160 have .1 and 320, the reach is 4 x 80, .0707. */
static struct report_curve curve_at(size_t most, double target)
{
	static struct curve_point points[4];
	struct report_curve c = { .name = "naive Bayes", .variant = "0/naive-bayes", .points = points, .n = 4, .items = 1000 };

	for (size_t i = 0; i < 4; i++)
		points[i] = (struct curve_point){ most >> (3 - i), .4 * sqrt(10.0 / (double)(most >> (3 - i))) };
	assert_true(curve_fit(points, 4, 1000, &c.fit));
	if (!isnan(target))
		c.reach = curve_reach(&c.fit, 1 - target, 100);
	return c;
}

static const struct {
	const char *name;
	enum decision decision;
	size_t needed, drawn, collected;
	enum decide_plan plan;
	double target;
	const char *says, *not_says;
} rows[] = {
	{ "nothing open", DECISION_BETTER, 0, 0, 0, DECIDE_FULL, NAN, "no comparison is open", "is open:" },
	{ "some are there", DECISION_UNRESOLVED, 44, 12, 0, DECIDE_EARLY, NAN, "12 of about 44 more labelled test items that would settle it are there; draw 32 ",
	  "another look" },
	{ "enough are there", DECISION_UNRESOLVED, 44, 50, 0, DECIDE_EARLY, NAN, "about 44 more labelled test items would settle it, and 50 are there", "draw" },
	{ "beyond the search", DECISION_UNRESOLVED, SIZE_MAX, 12, 0, DECIDE_EARLY, NAN, "than can be forecast", "draw" },
	{ "a second look", DECISION_UNRESOLVED, 44, 12, 0, DECIDE_FULL, NAN, "another look, with an alpha of its own", NULL },
	{ "none was drawn", DECISION_UNRESOLVED, 44, 0, 0, DECIDE_FULL, NAN, "0 of about 44", "another look" },
	{ "pool examples settle nothing", DECISION_UNRESOLVED, 44, 0, 50, DECIDE_EARLY, NAN, "0 of about 44", NULL },
	{ "they make it better", DECISION_BETTER, 0, 0, 80, DECIDE_FULL, NAN, "with the 80 collected since, its line goes from 85.9 % to 90.0 %", NULL },
	{ "or one does not know", DECISION_BETTER, 0, 0, 300, DECIDE_FULL, NAN, "beyond what can be forecast", NULL },
	{ "a target", DECISION_BETTER, 0, 0, 20, DECIDE_FULL, .89, "to reach 89.0 % takes about 53 more, of which 20 are there", NULL },
};

static void each_case_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct comparison c = { .from = "0/naive-bayes", .to = "1/zero-shot@local", .decision = rows[i].decision, .labels_needed = rows[i].needed };
		struct report_curve curve = curve_at(80, rows[i].target);
		const struct report report = { .comparisons = &c, .n_comparisons = 1, .curves = &curve, .n_curves = 1, .plan = rows[i].plan,
					       .target = rows[i].target };
		struct task then = task_of(80, 100), now = task_of(80 + rows[i].collected, 100 + rows[i].drawn);
		struct arena arena;
		struct buf out = { 0 };

		arena_init(&arena);
		struct labels l = labels_of(&report, &then, &arena);

		labels_text(&l, &now, &out);
		if (!strstr(buf_text(&out), rows[i].says) || (rows[i].not_says && strstr(buf_text(&out), rows[i].not_says)))
			fail_msg("%s: %s", rows[i].name, buf_text(&out));
		json_t *json = labels_json(&l, &now);

		assert_int_equal(json_integer_value(json_object_get(json, "test")), rows[i].drawn);
		assert_int_equal(json_integer_value(json_object_get(json, "pool")), rows[i].collected);
		assert_int_equal(json_array_size(json_object_get(json, "open")), rows[i].decision == DECISION_UNRESOLVED);
		json_decref(json);
		buf_release(&out);
		arena_release(&arena);
	}
}

static void without_a_climb_the_reason_is_said(void **state)
{
	const struct labels l = { .why = "no climb of this task is stored; run `rung climb` first" };
	struct task now = task_of(1, 1);
	struct buf out = { 0 };

	(void)state;
	labels_text(&l, &now, &out);
	assert_non_null(strstr(buf_text(&out), "is not known: no climb of this task is stored"));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_case_is_said), cmocka_unit_test(without_a_climb_the_reason_is_said) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
