/* Fusion and diversity by cases worked out by hand. */
#include "test.h"

#include <string.h>

#include "retrieve/rank.h"

enum { MOST = 8 };

static const struct {
	const char *name;
	struct fusion_options options;
	size_t n_a, n_b;
	struct ranked a[MOST], b[MOST];
	size_t n;
	struct ranked want[MOST];
} fusions[] = {
	{ "reciprocal ranks add up", { .kind = FUSION_RRF }, 3, 3,
	  { { 7, 9.5 }, { 3, 4 }, { 5, 1 } }, { { 3, .9 }, { 8, .5 }, { 7, .1 } }, 4,
	  { { 3, 1.0 / 62 + 1.0 / 61 }, { 7, 1.0 / 61 + 1.0 / 63 }, { 8, 1.0 / 62 }, { 5, 1.0 / 63 } } },
	{ "equal sums go by id", { .kind = FUSION_RRF }, 2, 2,
	  { { 9, 2 }, { 4, 1 } }, { { 4, 2 }, { 9, 1 } }, 2,
	  { { 4, 1.0 / 61 + 1.0 / 62 }, { 9, 1.0 / 61 + 1.0 / 62 } } },
	{ "one ranking alone keeps its order", { .kind = FUSION_RRF }, 0, 2,
	  { { 0, 0 } }, { { -2, 5 }, { -9, 4 } }, 2, { { -2, 1.0 / 61 }, { -9, 1.0 / 62 } } },
	{ "nothing", { .kind = FUSION_RRF }, 0, 0, { { 0, 0 } }, { { 0, 0 } }, 0, { { 0, 0 } } },
	{ "a quarter for the second", { .kind = FUSION_WEIGHTED, .weight = .25 }, 3, 2,
	  { { 1, 10 }, { 2, 4 }, { 3, 2 } }, { { 3, .8 }, { 1, .6 } }, 3,
	  { { 1, .75 }, { 3, .25 }, { 2, .1875 } } },
	{ "no weight for the second: absent and last are both zero", { .kind = FUSION_WEIGHTED, .weight = 0 }, 2, 1,
	  { { 5, -1 }, { 6, -3 } }, { { 4, 2 } }, 3, { { 5, 1 }, { 4, 0 }, { 6, 0 } } },
	{ "equal scores are all the best", { .kind = FUSION_WEIGHTED, .weight = .5 }, 2, 1,
	  { { 2, 3 }, { 1, 3 } }, { { 2, 7 } }, 2, { { 2, 1 }, { 1, .5 } } },
};

static void fusion_adds_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fusions); i++) {
		struct ranked out[2 * MOST];
		size_t n = rank_fuse(&fusions[i].options, fusions[i].a, fusions[i].n_a, fusions[i].b, fusions[i].n_b, out);

		if (n != fusions[i].n)
			fail_msg("%s: %zu, want %zu", fusions[i].name, n, fusions[i].n);
		for (size_t j = 0; j < n; j++) {
			if (out[j].id != fusions[i].want[j].id)
				fail_msg("%s: %zu. is %d", fusions[i].name, j + 1, (int)out[j].id);
			assert_close(fusions[i].name, out[j].score, fusions[i].want[j].score, 1e-15);
		}
	}
}

/* 1 and 2 say the same, 3 something else, 4 nearly what 3 says. */
static const struct ranked shelf[] = { { 1, .9 }, { 2, .88 }, { 3, .6 }, { 4, .58 } };
static const float similarity[] = {
	1, .99f, .1f, .2f, .99f, 1, .1f, .2f, .1f, .1f, 1, .8f, .2f, .2f, .8f, 1,
};

static const struct {
	const char *name;
	double lambda;
	size_t k, n;
	int64_t order[4];
} choices[] = {
	{ "score alone", 1, 4, 4, { 1, 2, 3, 4 } },
	/* after 1: 2 is worth .44 - .495, 3 .3 - .05, 4 .29 - .1; after 3: 2 as before, 4 .29 - .4 */
	{ "half and half", .5, 4, 4, { 1, 3, 2, 4 } },
	/* difference alone: the first by place, then 3 (.1); then 4 (nearest to 3: .8) before 2 (.99) */
	{ "difference alone", 0, 4, 4, { 1, 3, 4, 2 } },
	{ "two of four, the others as they were", .5, 2, 2, { 1, 3, 2, 4 } },
	{ "more than there are", .5, 9, 4, { 1, 3, 2, 4 } },
	{ "none", .5, 0, 0, { 1, 2, 3, 4 } },
};

static void diversity_avoids_repetition(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct ranked items[4];

		memcpy(items, shelf, sizeof(shelf));
		assert_int_equal(rank_diversify(items, 4, choices[i].k, choices[i].lambda, similarity), choices[i].n);
		for (size_t j = 0; j < 4; j++) {
			if (items[j].id != choices[i].order[j])
				fail_msg("%s: %zu. is %d", choices[i].name, j + 1, (int)items[j].id);
			assert_true(items[j].score == shelf[items[j].id - 1].score);
		}
	}
	assert_int_equal(rank_diversify(NULL, 0, 3, .5, NULL), 0);
}

/* Dissimilarities below zero raise an item: the greatest similarity starts at the first chosen's, not at zero. */
static void opposites_are_welcome(void **state)
{
	struct ranked items[] = { { 1, .5 }, { 2, .4 }, { 3, .2 } };
	static const float opposed[] = { 1, 0, -.9f, 0, 1, 0, -.9f, 0, 1 };

	(void)state;
	assert_int_equal(rank_diversify(items, 3, 2, .5, opposed), 2);
	assert_int_equal(items[1].id, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fusion_adds_up),
		cmocka_unit_test(diversity_avoids_repetition),
		cmocka_unit_test(opposites_are_welcome),
	};

	return cmocka_run_group_tests_name("retrieve_rank", tests, NULL, NULL);
}
