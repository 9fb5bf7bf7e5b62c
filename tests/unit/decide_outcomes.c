/* decide_outcomes.c - recorded outcomes: reading, posing, refusing, and replaying them as a climb decides. */
#include "test.h"

#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "decide/order.h"
#include "decide/pose.h"
#include "decide/watch.h"

static const struct pose_settings usual = { .plan = DECIDE_FULL, .alpha = 0.05, .margin = 0.05, .seed = 1 };

/* --- the reader -------------------------------------------------------------------------------------------------------- */

#define GOOD "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":1}\n"

static const struct {
	const char *text, *sentence;
} mistakes[] = {
	{ "", "f: no outcomes in it; write one JSON object a line" },
	{ GOOD "{\"item\":\"b\"\n", "f:2: not valid JSON: " },
	{ GOOD "[1]\n", "f:2: a row is one object" },
	{ "\n" GOOD "{\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":1}", "f:3: this row has no \"item\"; every row needs item, model" },
	{ "{\"item\":\"a\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":1}", "f:1: this row has no \"model\"" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"rung\":\"prompt\",\"correct\":1}", "f:1: this row has no \"config\"" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"correct\":1}", "f:1: this row has no \"rung\"" },
	{ "{\"item\":\"\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":1}", "f:1: item is \"\"; it must be a text that is not empty" },
	{ "{\"item\":[],\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":1}", "f:1: item is \"[]\"; it must be a text" },
	{ GOOD GOOD, "f:2: item \"a\" under \"m/c\" stands in line 1 already; leave one of them" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"promt\",\"correct\":1}",
	  "f:1: rung \"promt\" is not one of baseline, prompt, rag, finetune, nor a probe: oracle-context, distractors, no-gold, stronger-model, "
	  "pass-at-k (did you mean \"prompt\"?)" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"rung 4\",\"correct\":1}", "f:1: rung \"rung 4\" is not one of" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"score\":1.5}", "f:1: score is \"1.5\"; it must lie in 0 .. 1" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"score\":-0.5}", "f:1: score is \"-0.5\"; it must lie in 0 .. 1" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"score\":\"high\"}", "f:1: score is \"high\"; it must lie in 0 .. 1" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":0.5}", "f:1: correct is 0.5; it must be 0 or 1" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":1,\"score\":0.5}", "f:1: correct is 1 but score is 0.5" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\"}", "f:1: this row has neither \"correct\" (0 or 1) nor \"score\"" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":1,\"usd\":-1}", "f:1: usd is \"-1\"; it must be a number, 0 or more" },
	{ GOOD "{\"item\":\"b\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"rag\",\"correct\":1}",
	  "f:2: \"m/c\" is on rung rag here and on rung prompt in line 1; a configuration has one rung" },
	{ GOOD "{\"item\":\"a\",\"model\":\"m\",\"config\":\"d\",\"rung\":\"rag\",\"correct\":1,\"set\":\"x\"}",
	  "f:2: set \"x\", but line 1 has set \"\"; a decision is about one set, so split the file" },
	{ "{\"item\":\"a\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":1,\"group\":\"g\"}\n"
	  "{\"item\":\"a\",\"model\":\"m\",\"config\":\"d\",\"rung\":\"prompt\",\"correct\":1,\"group\":\"h\"}",
	  "f:2: item \"a\" has group \"h\" here and another in line 1; an item has one group" },
};

static void mistakes_are_sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		struct recorded r;
		struct error err = { .text = "" };
		struct arena arena;

		arena_init(&arena);
		if (recorded_read(&r, "f", mistakes[i].text, strlen(mistakes[i].text), &arena, &err))
			fail_msg("row %zu was accepted: %s", i, mistakes[i].text);
		if (strncmp(err.text, mistakes[i].sentence, strlen(mistakes[i].sentence)) != 0)
			fail_msg("row %zu: got \"%s\"", i, err.text);
		arena_release(&arena);
	}
}

static void records_are_read(void **state)
{
	static const char text[] =
		"\xEF\xBB\xBF{\"item\":7,\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"correct\":true,\"usd\":0.5,\"group\":\"g\",\"extra\":{}}\r\n"
		"\n"
		"{\"item\":\"b\",\"model\":\"m\",\"config\":\"c\",\"rung\":\"prompt\",\"score\":0.25,\"usd\":null,\"ms\":12,\"group\":\"g\"}\n"
		"{\"item\":\"7\",\"model\":\"m/c\",\"config\":\"d\",\"rung\":\"oracle-context\",\"correct\":0,\"score\":0}";
	struct recorded r;
	struct error err = { .text = "" };
	struct arena arena;

	(void)state;
	arena_init(&arena);
	if (!recorded_read(&r, "f", text, sizeof(text) - 1, &arena, &err))
		fail_msg("%s", err.text);
	assert_int_equal(r.n_items, 2);
	assert_int_equal(r.n_configurations, 2);
	assert_true(r.grouped && !r.binary && r.group[0] == r.group[1]);
	assert_string_equal(r.configurations[0].name, "m/c");
	assert_string_equal(r.configurations[1].name, "m/c/d");
	assert_string_equal(r.configurations[1].config, "d");
	assert_true(r.configurations[1].place == PLACE_ORACLE_CONTEXT && r.configurations[1].n == 1);
	assert_true(r.configurations[0].score[1] == 0.25 && isnan(r.configurations[1].score[1]));
	assert_true(recorded_mean(&r, &r.configurations[0], RECORDED_USD) == 0.5);
	assert_true(recorded_mean(&r, &r.configurations[0], RECORDED_MS) == 12);
	assert_true(isnan(recorded_mean(&r, &r.configurations[0], RECORDED_INPUT_TOKENS)));
	arena_release(&arena);
}

/* --- posing ------------------------------------------------------------------------------------------------------------ */

/* One configuration: right on the items [from, to), absent beyond n. */
struct made {
	const char *model, *config, *rung;
	size_t from, to, n;
	double usd; /* 0: unknown */
};

static void add_made(struct buf *b, const struct made *m)
{
	for (size_t i = 0; i < m->n; i++) {
		buf_addf(b, "{\"item\":\"i%zu\",\"model\":\"%s\",\"config\":\"%s\",\"rung\":\"%s\",\"correct\":%d", i, m->model, m->config, m->rung,
			 i * 7 % m->n >= m->from && i * 7 % m->n < m->to);
		if (m->usd > 0)
			buf_addf(b, ",\"usd\":%g", m->usd);
		buf_adds(b, "}\n");
	}
}

static void read_made(struct recorded *r, const struct made *m, size_t n, struct arena *arena)
{
	struct buf b = { 0 };
	struct error err = { .text = "" };

	for (size_t i = 0; i < n; i++)
		add_made(&b, &m[i]);
	if (!recorded_read(r, "f", b.data, b.n, arena, &err))
		fail_msg("%s", err.text);
	buf_release(&b);
}

static void refused(const char *sentence, const struct made *m, size_t n, const char *const *ladder, size_t n_ladder)
{
	struct pose_settings s = usual;
	struct recorded r;
	struct posed p;
	struct error err = { .text = "" };
	struct arena arena;

	arena_init(&arena);
	read_made(&r, m, n, &arena);
	s.ladder = ladder;
	s.n_ladder = n_ladder;
	assert_false(pose(&p, &r, &s, &arena, &err));
	if (!strstr(err.text, sentence))
		fail_msg("got \"%s\"", err.text);
	arena_release(&arena);
}

static void what_cannot_be_decided_is_refused(void **state)
{
	static const struct made one[] = { { "m", "a", "prompt", 0, 50, 100, 0 } };
	static const struct made few[] = { { "m", "a", "prompt", 0, 10, 29, 0 }, { "m", "b", "rag", 0, 20, 29, 0 } };
	static const struct made apart[] = { { "m", "a", "prompt", 0, 10, 100, 0 }, { "m", "b", "rag", 0, 20, 29, 0 } };
	static const struct made probes[] = { { "m", "a", "oracle-context", 0, 10, 100, 0 } };
	static const struct made twins[] = { { "m", "a/b", "prompt", 0, 50, 100, 0 }, { "m/a", "b", "prompt", 0, 50, 100, 0 },
					     { "n", "c", "prompt", 0, 50, 100, 0 }, { "o", "c", "prompt", 0, 50, 100, 0 } };
	const char *unknown[] = { "n/c", "z" }, *both[] = { "m/a/b", "n/c" }, *short_form[] = { "c", "m/a/b" }, *twice[] = { "n/c", "n/c" };

	(void)state;
	refused("m/a is the only configuration, so there is nothing to compare; record another, or a probe", one, 1, NULL, 0);
	refused("29 items are too few to decide anything; record at least 30", few, 2, NULL, 0);
	refused("the 2 configurations have only 29 items in common (m/b lacks most), and at least 30 are needed", apart, 2, NULL, 0);
	refused("only probes, and no configuration on a rung", probes, 1, NULL, 0);
	refused("\"z\" is no configuration of f, which has m/a/b, m/a/b, n/c, o/c", twins, 4, unknown, 2);
	refused("\"m/a/b\" may mean model \"m\" with config \"a/b\", model \"m/a\" with config \"b\"", twins, 4, both, 2);
	refused("\"c\" may mean model \"n\" with config \"c\", model \"o\" with config \"c\"; name the one that is meant as model/config", twins, 4,
		short_form, 2);
	refused("\"n/c\" stands on it twice", twins, 4, twice, 2);
}

static void the_cheapest_of_the_lowest_rung_goes_first(void **state)
{
	struct made m[] = { { "m", "a", "rag", 0, 50, 100, .1 }, { "m", "b", "prompt", 0, 50, 100, .3 }, { "m", "c", "prompt", 0, 50, 100, .2 },
			    { "m", "d", "prompt", 0, 50, 90, .4 } };
	struct recorded r;
	struct posed p;
	struct error err;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	read_made(&r, m, 4, &arena);
	assert_true(pose(&p, &r, &usual, &arena, &err));
	assert_int_equal(p.n, 4);
	assert_string_equal(p.entrants[0].id, "m/c");
	assert_string_equal(p.entrants[1].id, "m/b");
	assert_string_equal(p.entrants[2].id, "m/d");
	assert_string_equal(p.entrants[3].id, "m/a");
	assert_int_equal(p.rule.n_items, 90); /* m/d lacks ten */
	assert_int_equal(p.left_out, 10);
	assert_string_equal(p.entrants[p.lacking].id, "m/d");
	assert_int_equal(p.rule.comparisons, 2); /* the lowest rung's own, and the one above */
	m[3].usd = 0;
	read_made(&r, m, 4, &arena);
	assert_true(pose(&p, &r, &usual, &arena, &err));
	assert_string_equal(p.entrants[0].id, "m/b"); /* a cost is unknown: the first of the file */
	arena_release(&arena);
}

static void groups_stay_together_in_the_order(void **state)
{
	enum { N = 90 };
	size_t group[N], order[N], again[N], other[N];
	bool seen[N] = { false };

	(void)state;
	for (size_t i = 0; i < N; i++)
		group[i] = i % 40; /* thirds of the first, scattered */
	order_shuffle(order, group, N, 5, "x");
	order_shuffle(again, group, N, 5, "x");
	order_shuffle(other, group, N, 6, "x");
	assert_memory_equal(order, again, sizeof(order));
	assert_true(memcmp(order, other, sizeof(order)) != 0);
	for (size_t i = 0; i < N; i++) {
		assert_false(seen[order[i]]);
		seen[order[i]] = true;
		if (i > 0 && group[order[i]] != group[order[i - 1]])
			for (size_t k = i; k < N; k++)
				assert_true(group[order[k]] != group[order[i - 1]]);
	}
}

/* --- the replay -------------------------------------------------------------------------------------------------------- */

enum { ITEMS = 400 };

/* Scores of a configuration that is right more often than `base` by gain, and differs from it on a fifth of the items. */
static void draw(struct rng *rng, const double *base, double gain, bool graded, double *score, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double u = rng_double(rng);

		if (!base)
			score[i] = graded ? 0.25 * (double)rng_below(rng, 5) : u < 0.5;
		else if (graded)
			score[i] = u < 0.2 + gain ? fmin(1, base[i] + 0.25) : u < 0.4 ? fmax(0, base[i] - 0.25) : base[i];
		else
			score[i] = base[i] > 0 ? !(u < 0.2 - gain) : u < 0.2 + gain;
	}
}

/* After every look the watch says what decide_compare() and decide_target() say of the items so far. */
static void watching_is_comparing(void **state)
{
	static const double gains[] = { -0.1, 0, 0.05, 0.15 };

	(void)state;
	for (size_t run = 0; run < 16; run++) {
		bool graded = run & 1, clustered = run & 2;
		double a[ITEMS], b[ITEMS];
		size_t cluster[ITEMS], size = clustered ? 4 : 1;
		struct rng rng;
		struct watch w;
		struct target_watch t;
		struct decide_rule rule = { .alpha = 0.1, .margin = 0.05, .has_target = true, .target = 0.5, .plan = DECIDE_EARLY,
					    .binary = !graded, .comparisons = 1, .targets = 1, .n_items = ITEMS,
					    .cluster = clustered ? cluster : NULL };
		struct candidate from = { .id = "a", .score = a }, to = { .id = "b", .rung = 1, .score = b, .rivals = run % 3 };

		rng_init(&rng, run, "watch");
		draw(&rng, NULL, 0, graded, a, ITEMS);
		draw(&rng, a, gains[run / 4], graded, b, ITEMS);
		for (size_t i = 0; i < ITEMS; i++)
			cluster[i] = i / size;
		watch_init(&w, &rule, &from, &to, size);
		target_watch_init(&t, &rule, size);
		for (size_t i = 0; i < ITEMS; i += size) {
			watch_add(&w, a + i, b + i, size);
			target_watch_add(&t, b + i, size);
			from.n = to.n = i + size;
			if (i % 20 == 0) {
				assert_int_equal(watch_decision(&w), decide_compare(&rule, &from, &to).decision);
				assert_int_equal(target_watch_result(&t), decide_target(&rule, &to).result);
			}
		}
	}
}

static struct replay replay_drawn(struct arena *arena, uint64_t seed, enum decide_plan plan, struct entrant_outcomes *e)
{
	static const double gains[] = { 0, 0, 0, 0.15, 0.15, 0, 0.15, 0.2 };
	static const int rungs[] = { 0, 0, 1, 1, 1, 1, 3, 3 };
	static struct decide_rule rule;
	struct rng rng;

	rule = (struct decide_rule){ .alpha = 0.05, .margin = 0.05, .plan = plan, .binary = true, .n_items = ITEMS };
	rng_init(&rng, seed, "replay");
	for (size_t k = 0; k < ARRAY_SIZE(rungs); k++) {
		double *score = arena_array(arena, ITEMS, sizeof(*score));

		draw(&rng, k ? e[0].score : NULL, gains[k], false, score, ITEMS);
		e[k] = (struct entrant_outcomes){ .id = arena_printf(arena, "%zu", k), .rung = rungs[k], .score = score, .usd_per_call = NAN };
	}
	replay_plan(&rule, e, ARRAY_SIZE(rungs));
	return replay_run(arena, &rule, e, ARRAY_SIZE(rungs));
}

/* What the replay says is what the rule says of the candidates that it left, and the alphas are shares of alpha. */
static void replays_decide_as_the_rule_does(void **state)
{
	struct entrant_outcomes e[8];

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++)
		for (size_t plan = 0; plan < 2; plan++) {
			struct arena arena;

			arena_init(&arena);
			struct replay r = replay_drawn(&arena, seed, (enum decide_plan)plan, e);
			struct decide_rule rule = { .alpha = 0.05, .margin = 0.05, .plan = (enum decide_plan)plan, .binary = true,
						    .n_items = ITEMS, .comparisons = 3 };
			struct decide_result again = decide_verdict(&arena, &rule, r.candidates, r.n_candidates);

			assert_int_equal(again.verdict.decision, r.result.verdict.decision);
			assert_int_equal(again.verdict.winner, r.result.verdict.winner);
			assert_int_equal(again.n_comparisons, r.result.n_comparisons);
			for (size_t i = 0; i < again.n_comparisons; i++) {
				const struct comparison *c = &r.result.comparisons[i];
				int rung = r.candidates[i + 1].rung;

				assert_int_equal(again.comparisons[i].n, c->n);
				assert_int_equal(again.comparisons[i].decision, c->decision);
				assert_close("share", c->alpha, 0.05 / 3 / (rung == 0 ? 1 : rung == 1 ? 4 : 2), 1e-12);
			}
			assert_int_equal(r.full_grid, 8 * ITEMS);
			if (plan == DECIDE_FULL)
				assert_int_equal(r.looked, r.full_grid);
			else
				assert_true(r.looked < r.full_grid * 3 / 4);
			arena_release(&arena);
		}
}

static void a_met_target_ends_the_way_up(void **state)
{
	static const struct made m[] = { { "m", "a", "baseline", 0, 120, 200, 0 }, { "m", "b", "prompt", 0, 195, 200, 0 },
					 { "m", "c", "finetune", 0, 199, 200, 0 } };
	struct arena arena;

	(void)state;
	for (size_t plan = 0; plan < 2; plan++) {
		struct pose_settings s = usual;
		struct recorded r;
		struct posed p;
		struct error err;

		arena_init(&arena);
		s.plan = (enum decide_plan)plan;
		s.has_target = true;
		s.target = 0.8;
		read_made(&r, m, 3, &arena);
		assert_true(pose(&p, &r, &s, &arena, &err));
		struct replay replay = replay_run(&arena, &p.rule, p.entrants, p.n);

		assert_int_equal(replay.result.verdict.meets_target, TARGET_YES);
		assert_string_equal(replay.candidates[replay.result.verdict.winner].id, "m/b");
		assert_int_equal(p.entrants[2].state, ENTRANT_SKIPPED);
		assert_int_equal(p.entrants[2].looked, 0);
		arena_release(&arena);
	}
}

/* --- probes ------------------------------------------------------------------------------------------------------------ */

static void probes_point(void **state)
{
	static const struct made m[] = {
		{ "m", "blind", "prompt", 0, 20, 100, 0 },         { "m", "gold", "oracle-context", 0, 90, 100, 0 },
		{ "m", "noise", "distractors", 0, 60, 100, 0 },    { "m", "none", "no-gold", 0, 80, 100, 0 },
		{ "big", "blind", "stronger-model", 0, 70, 100, 0 }, { "m", "five", "pass-at-k", 0, 22, 100, 0 },
	};
	static const struct { const char *probe, *points_to; double delta; } want[] = {
		{ "knowledge gap", "retrieval", 0.7 },
		{ "noise", "fewer passages, a better order", 0.3 },
		{ "utilisation loss", "a stronger model, or the form of the answer", 0.1 },
		{ "abstention without gold", "", 0.8 },
		{ "stronger model", "another model, or distilling it", 0.5 },
		{ "pass@k against one answer", "", 0.02 },
	};
	struct recorded r;
	struct probes probes;
	struct posed p;
	struct error err;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	read_made(&r, m, 6, &arena);
	assert_true(probes_read(&probes, &r, 0.05, &arena, &err));
	assert_int_equal(probes.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < probes.n; i++) {
		assert_string_equal(probes.findings[i].probe, want[i].probe);
		assert_string_equal(probes.findings[i].points_to, want[i].points_to);
		assert_close(want[i].probe, probes.findings[i].difference.delta, want[i].delta, 1e-12);
	}
	assert_true(pose(&p, &r, &usual, &arena, &err));
	struct verdict v = { .decision = VERDICT_STOP };

	probes_conclude(&arena, &r, &probes, &p, &v);
	assert_int_equal(v.decision, VERDICT_UNRESOLVED);
	assert_non_null(strstr(v.next_step, "Build retrieval"));
	arena_release(&arena);
}

static void a_second_probe_of_a_kind_is_refused(void **state)
{
	static const struct made m[] = { { "m", "blind", "prompt", 0, 20, 100, 0 }, { "m", "gold", "oracle-context", 0, 90, 100, 0 },
					 { "m", "gold 2", "oracle-context", 0, 90, 100, 0 } };
	struct recorded r;
	struct probes probes;
	struct error err;
	struct arena arena;

	(void)state;
	arena_init(&arena);
	read_made(&r, m, 3, &arena);
	assert_false(probes_read(&probes, &r, 0.05, &arena, &err));
	assert_string_equal(err.text, "f:201: m/gold 2 is a second probe \"oracle-context\" of the model, beside m/gold in line 101; leave one of them");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_sentences),
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(what_cannot_be_decided_is_refused),
		cmocka_unit_test(the_cheapest_of_the_lowest_rung_goes_first),
		cmocka_unit_test(groups_stay_together_in_the_order),
		cmocka_unit_test(watching_is_comparing),
		cmocka_unit_test(replays_decide_as_the_rule_does),
		cmocka_unit_test(a_met_target_ends_the_way_up),
		cmocka_unit_test(probes_point),
		cmocka_unit_test(a_second_probe_of_a_kind_is_refused),
	};

	return cmocka_run_group_tests_name("decide_outcomes", tests, NULL, NULL);
}
