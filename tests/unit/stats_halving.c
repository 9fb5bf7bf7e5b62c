/* Schedules and survivors as rows. */
#include "test.h"

#include "stats/halving.h"

static const struct {
	size_t arms, items, rounds;
	size_t survivors[5], start[5];
	double share;
} rows[] = {
	{ 12, 300, 3, { 12, 6, 3, 1 }, { 0, 100, 200, 300 }, 21.0 / 36.0 },
	{ 12, 301, 3, { 12, 6, 3, 1 }, { 0, 100, 200, 301 }, 2103.0 / 3612.0 },
	{ 2, 10, 1, { 2, 1 }, { 0, 10 }, 1.0 },
	{ 5, 7, 2, { 5, 2, 1 }, { 0, 3, 7 }, 23.0 / 35.0 },
	{ 16, 3, 4, { 16, 8, 4, 2, 1 }, { 0, 0, 1, 2, 3 }, 14.0 / 48.0 },
	{ 1, 10, 0, { 1 }, { 0 }, 1.0 },
	{ 0, 10, 0, { 0 }, { 0 }, 1.0 },
	{ 8, 0, 3, { 8, 4, 2, 1 }, { 0, 0, 0, 0 }, 1.0 },
};

static void schedules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct halving h;

		halving_plan(&h, rows[i].arms, rows[i].items);
		assert_int_equal(h.rounds, rows[i].rounds);
		for (size_t r = 0; r <= h.rounds; r++) {
			assert_int_equal(h.arms[r], rows[i].survivors[r]);
			assert_int_equal(h.start[r], rows[i].start[r]);
		}
		assert_close("share", halving_share(&h), rows[i].share, 1e-15);
	}
}

static void survivors_by_score_then_cost_then_index(void **state)
{
	const double score[] = { 0.7, 0.9, 0.7, NAN, 0.7, 0.7 };
	const double cost[] = { 3.0, 9.0, 1.0, 0.0, NAN, 1.0 };
	const size_t by_cost[] = { 1, 2, 5, 0, 4, 3 };
	const size_t by_index[] = { 1, 0, 2, 4, 5, 3 };
	size_t out[6];

	(void)state;
	for (size_t keep = 0; keep <= 6; keep++) {
		assert_int_equal(halving_survivors(score, cost, 6, keep, out), keep);
		assert_memory_equal(out, by_cost, keep * sizeof(*out));
		assert_int_equal(halving_survivors(score, NULL, 6, keep, out), keep);
		assert_memory_equal(out, by_index, keep * sizeof(*out));
	}
	assert_int_equal(halving_survivors(score, cost, 2, 6, out), 2);
}

static void an_arm_leaves_early_at_rivals_over_alpha(void **state)
{
	(void)state;
	assert_true(halving_beaten(log(220.0) + 1e-12, 12, 0.05));
	assert_false(halving_beaten(log(220.0) - 1e-9, 12, 0.05));
	assert_false(halving_beaten(1000.0, 1, 0.05));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules),
		cmocka_unit_test(survivors_by_score_then_cost_then_index),
		cmocka_unit_test(an_arm_leaves_early_at_rivals_over_alpha),
	};

	return cmocka_run_group_tests_name("stats_halving", tests, NULL, NULL);
}
