/* Expected values: tests/reference/powered.py rows (ppi_py, numpy, scipy). Grades are digits, parts of `most`. */
#include "test.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/rng.h"
#include "stats/powered.h"

static const struct {
	int most;
	const char *human, *judge, *alone;
	double mean, lambda, error, low;
} cases[] = {
	{ 1, "01", "01", "110",
	  0.5833333333333333, 0.5, 0.3004626062886658, -3.2344060577351046 },
	{ 1, "1010110111", "1010110101", "1111111111111001111011011011111011011110",
	  0.8547368421052632, 0.773684210526316, 0.10394245704928079, 0.619602668372388 },
	{ 1, "1101101111111111011111001", "1101101111111111011111111", "11011110111100100011110110100100111110110111110111110110111111111011010111111110111101111000101111111110111011000111001111010011101111101111100011111101110011110011001111111011101111011011011101111000",
	  0.7269156337465015, 0.4299080367852859, 0.06505262257930347, 0.5926536195749463 },
	{ 1, "1101111101111100111110110", "1011110111100110110011111", "11111011100111110101000111110011111001110011011010111011011111101010101111011110111111110100111110110011011101001111110101011011101100110011101111010111110110110011111110111111011111101110011111100111",
	  0.76, 0.0, 0.08717797887081347, 0.5800734948028898 },
	{ 4, "3442444023113420341214024203444134242023", "3444444023114440441244024203444434242043", "1320130022224214411400244022014402230210400300342144414404002300141404414111040232440441210430014404",
	  0.5220926450139055, 0.4625049662296383, 0.04119438362515508, 0.4387691392987933 },
};

static size_t grades(const char *digits, int most, double *out)
{
	size_t n = strlen(digits);

	for (size_t i = 0; i < n; i++)
		out[i] = (double)(digits[i] - '0') / most;
	return n;
}

static struct powered of(const char *human, const char *judge, const char *alone, int most)
{
	double y[256], f[256], g[256];
	size_t n = grades(human, most, y), n_alone = grades(alone, most, g);

	assert_int_equal(grades(judge, most, f), n);
	return powered_mean(y, f, n, g, n_alone);
}

static void powered_matches_the_reference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct powered p = of(cases[i].human, cases[i].judge, cases[i].alone, cases[i].most);

		assert_close("mean", p.mean, cases[i].mean, 1e-12);
		assert_close("lambda", p.lambda, cases[i].lambda, 1e-12);
		assert_close("error", p.error, cases[i].error, 1e-12);
		assert_close("low", powered_interval(&p, .95).low, cases[i].low, 1e-9);
	}
}

/* Three of ten items without an answer: by hand, mean .7 m + .3 * 0. */
static void what_is_known_is_put_beside(void **state)
{
	static const double none[30] = { 0 };
	struct powered p = of("1010110111", "1010110101", "1111111111111001111011011011111011011110", 1), q = powered_beside(p, none, 30);
	double share = 50.0 / 80;

	(void)state;
	assert_close("mean", q.mean, share * p.mean, 1e-15);
	assert_close("judge", q.judge_mean, share * p.judge_mean, 1e-15);
	assert_close("error", q.error, sqrt(share * share * p.error * p.error + share * (1 - share) * p.mean * p.mean / 80), 1e-15);
	assert_memory_equal(&p, &(struct powered[]){ powered_beside(p, NULL, 0) }, sizeof(p));
}

/* Of 200 answers some are none (0), the others right with .6 by people; a judge that sees 85 % of that and is kind; 60 graded by people. */
static void intervals_hold_the_mean(void **state)
{
	enum { DRAWS = 2000, ITEMS = 200, GRADED = 60 };
	double y[ITEMS], f[ITEMS], alone[ITEMS], none[ITEMS] = { 0 };
	size_t held = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, 7, "powered");
	for (size_t d = 0; d < DRAWS; d++) {
		size_t n = 0, n_alone = 0, n_none = 0;

		for (size_t i = 0; i < ITEMS; i++) {
			bool answered = rng_double(&rng) < .7, right = rng_double(&rng) < .6;
			bool judged = rng_double(&rng) < .85 ? right : rng_double(&rng) < .8;

			if (!answered) {
				n_none++;
			} else if (n < GRADED) {
				y[n] = right;
				f[n++] = judged;
			} else {
				alone[n_alone++] = judged;
			}
		}
		struct powered p = powered_beside(powered_mean(y, f, n, alone, n_alone), none, n_none);
		struct interval x = powered_interval(&p, .95);

		held += x.low <= .42 && .42 <= x.high;
	}
	if (held < .935 * DRAWS || held > .975 * DRAWS) /* .95 within 3 standard errors, and the t interval's approximation */
		fail_msg("held the mean in %zu of %d", held, DRAWS);
}

/* Groups of one are no groups. */
static void groups_of_one_have_the_plain_error(void **state)
{
	static const double y[] = { 1, 0, 1, 1, 0 }, f[] = { 1, 0, 1, 0, 0 }, alone[] = { 1, 1, 0, 1, 0, 1, 1 }, known[] = { 0, 0, 1 };
	static const size_t of[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
	double sums[15];
	struct powered p = powered_beside(powered_mean(y, f, 5, alone, 7), known, 3);
	struct powered q = powered_groups(&(struct powered_items){ y, f, alone, known, of, of + 5, of + 12, 5, 7, 3, 15 }, sums);

	(void)state;
	assert_true(p.lambda > 0.1);
	assert_close("mean", q.mean, p.mean, 1e-15);
	assert_close("error", q.error, p.error, 1e-14);
	assert_close("freedom", q.freedom, 4, 0);
}

/* By hand: two groups of two that people graded 1, 1 and 0, 0; a judge without opinion. Each group moves the mean by .25 (its two items by
 * .5 / 4 each); 2 / (2 - 1) of their squares is .25, so the error is .5, on one degree of freedom. tests/reference/powered.py groups: a
 * judge with an opinion, groups across both samples and items whose value is known. */
static void groups_are_one_observation(void **state)
{
	static const double y[] = { 1, 1, 0, 0 }, f[] = { 1, 1, 1, 1 };
	static const size_t of[] = { 0, 0, 1, 1 };
	double sums[6];
	struct powered p = powered_groups(&(struct powered_items){ y, f, NULL, NULL, of, NULL, NULL, 4, 0, 0, 2 }, sums);
	struct interval i = powered_interval(&p, .95);

	(void)state;
	assert_close("error", p.error, .5, 1e-15);
	assert_close("low", i.low, .5 - 12.706204736174694 * .5, 1e-9);
	static const double y2[] = { 1, 0, 1, 1, 0, 1 }, f2[] = { 1, 0, 1, 0, 0, 1 }, alone[] = { 1, 1, 0, 1, 0, 0, 1, 1 }, known[] = { 0, 0, 1 };
	static const size_t of2[] = { 0, 0, 1, 1, 2, 2 }, alone_of[] = { 2, 3, 3, 3, 4, 4, 5, 5 }, known_of[] = { 0, 3, 5 };
	struct powered q = powered_groups(&(struct powered_items){ y2, f2, alone, known, of2, alone_of, known_of, 6, 8, 3, 6 }, sums);

	assert_close("mean", q.mean, 0.6450163398692811, 1e-12);
	assert_close("error", q.error, 0.17597225567888472, 1e-9); /* derivatives there are numerical */
	assert_close("freedom", q.freedom, 2, 0);
	struct powered one = powered_groups(&(struct powered_items){ y, f, NULL, NULL, (const size_t[]){ 0, 0, 0, 0 }, NULL, NULL, 4, 0, 0, 1 }, sums);

	assert_true(isinf(one.error) && isinf(powered_interval(&one, .95).low));
}

/* Groups of five items, in half of which nearly all is right and in the other half little; the judge sees 85 % of that. People graded the
 * first 20 groups and a part of the next. Whoever counts the items as independent holds the mean too seldom. */
static void intervals_of_groups_hold_the_mean(void **state)
{
	enum { DRAWS = 600, GROUPS = 60, SIZE = 5, GRADED = 102 };
	double y[GRADED], f[GRADED], alone[GROUPS * SIZE], none[GROUPS * SIZE] = { 0 }, sums[GROUPS];
	size_t of[GRADED], alone_of[GROUPS * SIZE], none_of[GROUPS * SIZE], held = 0, plain = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, 11, "powered groups");
	for (size_t d = 0; d < DRAWS; d++) {
		struct powered_items x = { y, f, alone, none, of, alone_of, none_of, 0, 0, 0, GROUPS };

		for (size_t i = 0; i < GROUPS * SIZE; i++) {
			static double share;

			if (i % SIZE == 0)
				share = rng_double(&rng) < .5 ? .9 : .2;
			bool right = rng_double(&rng) < share, judged = rng_double(&rng) < .85 ? right : rng_double(&rng) < .8;

			if (rng_double(&rng) < .1) {
				none_of[x.n_known++] = i / SIZE;
			} else if (x.n_human < GRADED) {
				of[x.n_human] = i / SIZE;
				y[x.n_human] = right;
				f[x.n_human++] = judged;
			} else {
				alone_of[x.n_alone] = i / SIZE;
				alone[x.n_alone++] = judged;
			}
		}
		struct powered p = powered_groups(&x, sums), q = powered_beside(powered_mean(y, f, x.n_human, alone, x.n_alone), none, x.n_known);
		struct interval a = powered_interval(&p, .95), b = powered_interval(&q, .95);

		held += a.low <= .495 && .495 <= a.high;
		plain += b.low <= .495 && .495 <= b.high;
	}
	if (held < .92 * DRAWS || held > .98 * DRAWS || plain > .88 * DRAWS)
		fail_msg("held the mean in %zu of %d, plain in %zu", held, DRAWS, plain);
}

/* A judge that always says the same cannot move what people said. */
static void a_judge_without_opinion_counts_for_nothing(void **state)
{
	(void)state;
	struct powered p = of("1101", "1111", "111111", 1);

	assert_close("lambda", p.lambda, 0, 0);
	assert_close("mean", p.mean, .75, 1e-15);
	assert_close("judge", p.judge_mean, 1, 1e-15);
}

/* The judge is as kind on what it graded alone as where people looked: what it gives too much is taken off. */
static void a_kind_judge_is_corrected(void **state)
{
	(void)state;
	struct powered p = of("1100110011", "1110111011", "11101110111011101110", 1);

	assert_true(p.judge_mean > .7);
	assert_true(fabs(p.mean - p.human_mean) < fabs(p.judge_mean - p.human_mean) / 2);
	assert_true(p.lambda > 0);
}

static void without_people_nothing_is_known(void **state)
{
	(void)state;
	struct powered none = of("", "", "1101", 1), one = of("1", "0", "1101", 1);

	assert_true(isnan(none.mean));
	assert_close("judge", none.judge_mean, .75, 1e-15);
	assert_true(isinf(powered_interval(&none, .95).high));
	assert_close("one", one.mean, 1, 0);
	assert_true(isinf(powered_interval(&one, .95).low));
}

/* The judge graded nothing alone: people's mean, and the t interval over their grades. */
static void all_items_graded_by_people(void **state)
{
	(void)state;
	struct powered p = of("110110", "111111", "", 1);
	struct interval t = interval_mean_t(4.0 / 6, sqrt(4.0 / 6 * 2 / 6 * 6 / 5), 6, .9), i = powered_interval(&p, .9);

	assert_close("low", i.low, t.low, 1e-12);
	assert_close("high", i.high, t.high, 1e-12);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(powered_matches_the_reference),
		cmocka_unit_test(what_is_known_is_put_beside),
		cmocka_unit_test(intervals_hold_the_mean),
		cmocka_unit_test(groups_of_one_have_the_plain_error),
		cmocka_unit_test(groups_are_one_observation),
		cmocka_unit_test(intervals_of_groups_hold_the_mean),
		cmocka_unit_test(a_judge_without_opinion_counts_for_nothing),
		cmocka_unit_test(a_kind_judge_is_corrected),
		cmocka_unit_test(without_people_nothing_is_known),
		cmocka_unit_test(all_items_graded_by_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
