/* What live feedback decides, event after event; each case is a row. */
#include "test.h"

#include "base/rng.h"
#include "decide/live.h"

static const struct {
	const char *name;
	enum live_who who;        /* LIVE_BOTH: shadow; else a share of .5 */
	double serving, fallen;   /* rate of good answers, and from call 1,000 on */
	double challenger, floor; /* challenger NAN: none */
	size_t most;
	enum live_decision want;
} cases[] = {
	{ "nothing happens while all is well", LIVE_SERVING, .85, .85, NAN, NAN, 3000, LIVE_KEEP },
	{ "a fall demotes", LIVE_SERVING, .85, .60, NAN, NAN, 3000, LIVE_DEMOTE },
	{ "one that never had what its forerunner had is demoted", LIVE_SERVING, .50, .50, NAN, .80, 200, LIVE_DEMOTE },
	{ "without a forerunner it is not", LIVE_SERVING, .50, .50, NAN, NAN, 200, LIVE_KEEP },
	{ "one that has it is not", LIVE_SERVING, .85, .85, NAN, .80, 3000, LIVE_KEEP },
	{ "better: promoted", LIVE_CHALLENGER, .70, .70, .90, NAN, 3000, LIVE_PROMOTE },
	{ "much worse: the trial ends", LIVE_CHALLENGER, .85, .85, .40, NAN, 3000, LIVE_END },
	{ "better in the shadow: promoted", LIVE_BOTH, .70, .70, .90, NAN, 3000, LIVE_PROMOTE },
	{ "worse in the shadow: the trial ends", LIVE_BOTH, .85, .85, .50, NAN, 3000, LIVE_END },
	{ "the first few do not promote", LIVE_CHALLENGER, .00, .00, 1.0, NAN, 40, LIVE_KEEP },
	{ "more of the same do", LIVE_CHALLENGER, .00, .00, 1.0, NAN, 90, LIVE_PROMOTE },
};

static void decisions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct live_rule rule = live_rule_default;
		struct live l;
		struct rng r;
		enum live_decision got = LIVE_KEEP;

		rule.floor = cases[i].floor;
		live_init(&l, &rule);
		rng_init(&r, i, "live");
		for (size_t n = 0; n < cases[i].most && got == LIVE_KEEP; n++) {
			bool trial = !isnan(cases[i].challenger), first = trial && cases[i].who == LIVE_CHALLENGER && rng_double(&r) < 0.5;
			double rate = n < 1000 ? cases[i].serving : cases[i].fallen;
			struct live_event e = { cases[i].who == LIVE_BOTH ? LIVE_BOTH : first ? LIVE_CHALLENGER : LIVE_SERVING, trial ? 0.5 : 1,
						rng_double(&r) < (first ? cases[i].challenger : rate), rng_double(&r) < cases[i].challenger, false };

			got = live_add(&l, &e);
		}
		if (got != cases[i].want)
			fail_msg("%s: got %d", cases[i].name, (int)got);
		assert_int_equal(live_add(&l, &(struct live_event){ LIVE_SERVING, 1, 1, 0, false }), got); /* it stays */
	}
}

/* The same rows give the same state: what a restart relies on. */
static void a_fold_is_its_events(void **state)
{
	struct live a, b;
	struct rng r;

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct live *l = round ? &b : &a;

		live_init(l, &live_rule_default);
		rng_init(&r, 7, "live");
		for (int n = 0; n < 400; n++) {
			bool first = rng_double(&r) < 0.2;

			live_add(l, &(struct live_event){ first ? LIVE_CHALLENGER : LIVE_SERVING, 0.2, rng_double(&r), 0, false });
		}
	}
	assert_true(live_log_not_worse(&a) == live_log_not_worse(&b) && detector_level(&a.fall) == detector_level(&b.fall));
	assert_int_equal(a.record[LIVE_SERVING].n + a.record[LIVE_CHALLENGER].n, 400);
}

/* Failures of one that fails no more often are its share of all of them, by chance; ended in less than alpha of trials. */
static void failures_end_a_trial_where_they_are_more_than_its_share(void **state)
{
	size_t ended = 0;
	struct rng r;

	(void)state;
	rng_init(&r, 9, "live");
	for (int run = 0; run < 1000; run++) {
		struct live l;

		live_init(&l, &live_rule_default);
		for (int n = 0; n < 300 && l.decision == LIVE_KEEP; n++) {
			bool first = rng_double(&r) < 0.1;

			live_add(&l, &(struct live_event){ first ? LIVE_CHALLENGER : LIVE_SERVING, 0.1, .failed = true });
		}
		assert_true(l.record[LIVE_SERVING].n == 0 && detector_level(&l.fall) == 0);
		ended += l.decision == LIVE_END && live_fails(&l);
	}
	assert_true(ended <= 50 + 21);
	struct live l;
	int n = 0;

	live_init(&l, &live_rule_default);
	while (live_add(&l, &(struct live_event){ LIVE_CHALLENGER, 0.1, .failed = true }) == LIVE_KEEP)
		n++;
	assert_int_equal(n, LIVE_FAILURES - 1);
	assert_true(l.decision == LIVE_END && live_fails(&l));
}

/* A call whose arm nobody drew says nothing of the two, and something of the one that serves. */
static void what_chance_did_not_choose_compares_nothing(void **state)
{
	struct live l;

	(void)state;
	live_init(&l, &live_rule_default);
	for (int n = 0; n < 50; n++) {
		live_add(&l, &(struct live_event){ LIVE_SERVING, 1, 1, 0, false });
		live_add(&l, &(struct live_event){ LIVE_CHALLENGER, 0, 0, 0, false });
	}
	assert_true(live_log_worse(&l) == 0 && live_log_not_worse(&l) == 0);
	assert_int_equal(l.record[LIVE_SERVING].n, 50);
	assert_int_equal(l.record[LIVE_CHALLENGER].n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions),
		cmocka_unit_test(a_fold_is_its_events),
		cmocka_unit_test(failures_end_a_trial_where_they_are_more_than_its_share),
		cmocka_unit_test(what_chance_did_not_choose_compares_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
