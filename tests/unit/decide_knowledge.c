/* decide_knowledge.c - what the rows of the knowledge probe say, on rows made up for each case. */
#include "test.h"

#include <string.h>

#include "decide/knowledge.h"

enum { N = 40 };

/* The first `ones` items right. */
static void fill(double *score, size_t ones)
{
	for (size_t i = 0; i < N; i++)
		score[i] = i < ones;
}

static void differences_have_wide_enough_intervals(void **state)
{
	double a[N], b[N];
	struct difference d;

	(void)state;
	fill(a, 10);
	fill(b, 10);
	d = difference_of(a, b, N, NULL);
	assert_true(d.fixed == 0 && d.broken == 0 && d.delta == 0);
	/* 40 items without a difference hide up to 1 - .05^(1/40) = 7.2 points at 95 % */
	assert_close("upper", d.high, 1 - pow(0.05, 1.0 / N), 1e-12);
	assert_close("lower", d.low, -d.high, 1e-12);
	fill(b, 30);
	d = difference_of(a, b, N, NULL);
	assert_int_equal(d.fixed, 20);
	/* scipy.stats.t.interval(.95, 39, .5, sem) */
	assert_close("t low", d.low, 0.3380551186, 1e-8);
	assert_close("t high", d.high, 0.6619448814, 1e-8);
	d = difference_of(b, a, N, NULL);
	assert_true(d.broken == 20 && d.delta == -0.5);
	d = difference_of(a, b, 1, NULL);
	assert_true(d.low == -1 && d.high == 1);
}

static void items_of_one_cluster_are_one_observation(void **state)
{
	double a[N], b[N];
	size_t cluster[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		cluster[i] = i / 4;
	fill(a, 10);
	fill(b, 30);
	struct difference d = difference_of(a, b, N, cluster);

	assert_true(d.n == N && d.delta == 0.5);
	/* numpy and scipy: SE = sqrt(G/(G-1) * sum of squared cluster sums of d - .5) / N, t with 9 degrees of freedom */
	assert_close("low", d.low, 0.1627775205, 1e-8);
	assert_close("high", d.high, 0.8372224795, 1e-8);
	d = difference_of(a, a, N, cluster);
	assert_close("ten clusters hide more than forty items", d.high, 1 - pow(0.05, 1.0 / 10), 1e-12);
}

static const struct {
	const char *name;
	int right[KNOWLEDGE_ROWS]; /* of 40; -1: not asked */
	const char *gap, *gain, *retrieval, *noise, *utilisation, *abstention; /* what it points to; NULL: not said */
} cases[] = {
	{ "nothing was asked", { -1, -1, -1, -1, -1 }, NULL, NULL, NULL, NULL, NULL, NULL },
	{ "knowledge is missing, the search finds it", { 0, 36, 36, 36, 40 }, "retrieval", "retrieval", "", "", "a stronger model, or the form of the answer", "" },
	{ "the search misses it", { 0, 38, 10, 38, 38 }, "retrieval", "retrieval", "chunking, fusion, more passages", "", "a stronger model, or the form of the answer", "" },
	{ "others distract", { 0, 40, 40, 20, 38 }, "retrieval", "retrieval", "", "fewer passages, a better order", "", "" },
	{ "never abstains", { 0, 40, 40, 40, 2 }, "retrieval", "retrieval", "", "", "", "a threshold of abstention" },
	{ "before anything is built", { 3, 9, -1, -1, -1 }, "retrieval", NULL, NULL, NULL, "a stronger model, or the form of the answer", NULL },
	{ "an answer in the prompt does not help, but 40 items cannot exclude 5 points", { 20, 20, -1, -1, -1 }, "", NULL, NULL, NULL, "a stronger model, or the form of the answer", NULL },
};

static const char *said(const struct probe_finding *f, size_t n, const char *probe)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f[i].probe, probe) == 0)
			return f[i].points_to;
	return NULL;
}

static void check(const char *name, const char *probe, const char *got, const char *want)
{
	if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
		fail_msg("%s, %s: \"%s\", want \"%s\"", name, probe, got ? got : "nothing", want ? want : "nothing");
}

static void rows_point_to_what_is_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double score[KNOWLEDGE_ROWS][N];
		struct knowledge k = { .n = N };
		struct probe_finding found[PROBE_FINDINGS];

		for (size_t row = 0; row < KNOWLEDGE_ROWS; row++)
			if (cases[i].right[row] >= 0) {
				fill(score[row], (size_t)cases[i].right[row]);
				k.score[row] = score[row];
			}
		size_t n = knowledge_findings(&k, 0.05, found);

		check(cases[i].name, "knowledge gap", said(found, n, "knowledge gap"), cases[i].gap);
		check(cases[i].name, "retrieval gain", said(found, n, "retrieval gain"), cases[i].gain);
		check(cases[i].name, "retrieval loss", said(found, n, "retrieval loss"), cases[i].retrieval);
		check(cases[i].name, "noise", said(found, n, "noise"), cases[i].noise);
		check(cases[i].name, "utilisation loss", said(found, n, "utilisation loss"), cases[i].utilisation);
		check(cases[i].name, "abstention without gold", said(found, n, "abstention without gold"), cases[i].abstention);
	}
}

static void a_bounded_gap_forbids_retrieval(void **state)
{
	double closed[400], oracle[400];
	struct difference d;

	(void)state;
	for (size_t i = 0; i < 400; i++)
		closed[i] = oracle[i] = (double)(i % 2);
	d = difference_of(closed, oracle, 400, NULL);
	assert_true(knowledge_cannot_help(&d, 0.05));
	assert_false(knowledge_cannot_help(&d, 0.005));
	oracle[0] = 1;
	for (size_t i = 0; i < 60; i += 2)
		oracle[i] = 1;
	d = difference_of(closed, oracle, 400, NULL);
	assert_false(knowledge_cannot_help(&d, 0.05));
	assert_false(knowledge_cannot_help(&(struct difference){ .n = 0 }, 0.05));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences_have_wide_enough_intervals),
		cmocka_unit_test(items_of_one_cluster_are_one_observation),
		cmocka_unit_test(rows_point_to_what_is_missing),
		cmocka_unit_test(a_bounded_gap_forbids_retrieval),
	};

	return cmocka_run_group_tests_name("decide_knowledge", tests, NULL, NULL);
}
