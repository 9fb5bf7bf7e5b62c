/* tune_cut.c - the cut of the best mean F1: against every cut there is, and where nothing is to be chosen. */
#include "test.h"

#include "base/rng.h"
#include "tune/cut.h"

enum { ITEMS = 12, CLASSES = 5 };

static double mean_f1(const float *p, const struct class_sets *truth, size_t n, double threshold)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		size_t given = 0, common = 0, expected = truth->starts[i + 1] - truth->starts[i];

		for (size_t c = 0; c < CLASSES; c++) {
			bool in = (double)p[i * CLASSES + c] >= threshold;

			given += in;
			common += in && class_sets_have(truth, i, c);
		}
		sum += given + expected ? 2 * (double)common / (double)(given + expected) : 1;
	}
	return sum / (double)n;
}

/* No cut between two probabilities, below all or above all does better, and the chosen one does what it says. */
static void no_cut_is_better(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 5, "cuts");
	for (size_t round = 0; round < 300; round++) {
		float p[ITEMS * CLASSES];
		size_t starts[ITEMS + 1] = { 0 }, classes[ITEMS * CLASSES], n = 0;
		struct class_sets truth = { starts, classes };

		for (size_t i = 0; i < ITEMS; i++) {
			for (size_t c = 0; c < CLASSES; c++) {
				bool has = rng_below(&r, 3) == 0;

				if (has)
					classes[n++] = c;
				p[i * CLASSES + c] = (float)(rng_below(&r, 6) + (has ? rng_below(&r, 4) : 0)) / 10;
			}
			starts[i + 1] = n;
		}
		struct cut cut = cut_choose(p, NULL, ITEMS, CLASSES, &truth);

		assert_close("what it says", mean_f1(p, &truth, ITEMS, cut.threshold), cut.f1, 1e-12);
		for (double t = 0.05; t < 1.1; t += 0.1)
			assert_true(mean_f1(p, &truth, ITEMS, t) <= cut.f1 + 1e-9);
	}
}

static void nothing_to_choose(void **state)
{
	const float zeros[CLASSES] = { 0 }, some[CLASSES] = { 0.5f, 0.5f };
	const size_t none[] = { 0, 0 }, one[] = { 0, 1 }, class[] = { 1 };
	const struct class_sets empty = { none, class }, second = { one, class };

	(void)state;
	assert_true(isinf(cut_choose(zeros, NULL, 1, CLASSES, &empty).threshold));
	assert_close("empty sets stay empty", cut_choose(some, NULL, 1, CLASSES, &empty).f1, 1, 1e-12);
	assert_true(isinf(cut_choose(some, NULL, 1, CLASSES, &empty).threshold));
	assert_close("ties go together", cut_choose(some, NULL, 1, CLASSES, &second).f1, 2.0 / 3, 1e-12);
	assert_close("below the last", cut_choose(some, NULL, 1, CLASSES, &second).threshold, 0.25, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_cut_is_better), cmocka_unit_test(nothing_to_choose) };

	return cmocka_run_group_tests_name("tune_cut", tests, NULL, NULL);
}
