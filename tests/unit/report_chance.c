/* report_chance.c - scores below a guess, and swapped labels read off a confusion */
#include "report/chance.h"
#include "test.h"

static const char *const labels[] = { "spam", "work", "private" };

static void only_what_a_guess_beats_is_below(void **state)
{
	static const struct { struct report_score score; size_t labels; bool below; } cases[] = {
		{ { 90, .03, .01, .09 }, 5, true }, { { 90, .15, .09, .2400 }, 5, false }, { { 90, .03, .01, .09 }, 12, false },
		{ { 0, 0, 0, 0 }, 5, false }, { { 30, .1, .03, .26 }, 2, true }, { { 30, 0, 0, .11 }, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (chance_is_below(&cases[i].score, cases[i].labels) != cases[i].below)
			fail_msg("case %zu", i);
}

static void says(const size_t *counts, const char *wanted)
{
	struct buf out = { 0 };

	assert_int_equal(chance_swaps(&out, labels, 3, counts), wanted[0] != 0);
	assert_string_equal(buf_text(&out), wanted);
	buf_release(&out);
}

static void swaps_are_named(void **state)
{
	static const size_t shifted[] = { 1, 9, 0, 0, /* spam is answered work */
					  0, 2, 7, 1, 5, 0, 0, 0 };
	static const size_t right[] = { 9, 1, 0, 0, 0, 8, 0, 0, 0, 0, 5, 3 };
	static const size_t spread[] = { 2, 4, 3, 0, 3, 2, 3, 0, 0, 0, 0, 9 };
	static const size_t one_thing_always[] = { 0, 9, 0, 0, 0, 5, 0, 0, 0, 7, 0, 0 };
	static const size_t few[] = { 0, 2, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0 };

	(void)state;
	says(shifted, "\"spam\" is answered \"work\" on 9 of 10, \"work\" is answered \"private\" on 7 of 10, "
		      "\"private\" is answered \"spam\" on 5 of 5");
	says(right, "");
	says(spread, "");
	says(one_thing_always, "");
	says(few, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_a_guess_beats_is_below),
		cmocka_unit_test(swaps_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
