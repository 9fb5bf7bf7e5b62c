/* report_switching.c - models beside each other: which variant stands for a model, on which items, and what is said of it. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/rng.h"
#include "report/switching.h"
#include "report/words.h"
#include "report/writers.h"
#include "stats/bet.h"

enum { ITEMS = 20, MOST = 8 };

static const char *const ids[ITEMS] = { "i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9", "i10", "i11", "i12", "i13", "i14", "i15",
					"i16", "i17", "i18", "i19" };
static const char dear[] = "openai:dear", local[] = "local", third[] = "local:third";

static struct arena arena;
static struct report_variant variants[MOST];
static double score[3][MOST][ITEMS]; /* by split */
static const double *scores[3][MOST];
static struct switch_scores splits[3];
static struct report report;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	memset(variants, 0, sizeof(variants));
	memset(scores, 0, sizeof(scores));
	for (size_t s = 0; s < 3; s++)
		splits[s] = (struct switch_scores){ .split = (enum switch_split)s, .score = scores[s], .items = ids, .n = ITEMS, .binary = true };
	report = (struct report){ .variants = variants, .margin = .05, .target = NAN, .task = "t", .program = "rung", .majority_share = NAN,
				  .verdict = { .winner = SIZE_MAX, .score = NAN, .low = NAN, .high = NAN } };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

/* A variant whose id says who it is: "1/few-shot@local". */
static struct report_variant *variant(const char *model, const char *name, double usd)
{
	struct report_variant *v = &variants[report.n_variants++];

	*v = (struct report_variant){ .id = arena_printf(&arena, "1/%s@%s", name, model), .name = name, .model = model, .rung = 1,
				      .usd_per_1k_calls = usd, .usd_per_1k_right = NAN, .usd_per_day = NAN, .one_off_usd = NAN, .tco_usd = NAN,
				      .break_even_days = NAN, .break_even_calls = NAN, .ms_p50 = 100 * usd, .ms_p95 = 200 * usd };
	return v;
}

/* The variant's answers under a split: '1' right, '0' wrong, '5' half, '-' not asked. */
static void answers(size_t split, const struct report_variant *v, const char *marks)
{
	size_t at = (size_t)(v - variants);

	assert_int_equal(strlen(marks), ITEMS);
	for (size_t i = 0; i < ITEMS; i++)
		score[split][at][i] = marks[i] == '-' ? NAN : marks[i] == '5' ? .5 : marks[i] - '0';
	scores[split][at] = score[split][at];
}

static const struct report_switch *row(size_t i)
{
	assert_true(i < report.n_switching);
	return &report.switching[i];
}

static void assert_pair(size_t i, const char *from, const char *to)
{
	assert_string_equal(row(i)->from->model, from);
	assert_string_equal(row(i)->to->model, to);
}

/* dear: its zero-shot is right on all that it was asked, but left the race; few-shot is right on 15. local: definitions are right on 12, of
 * which 9 are among those; scoring on 5. */
static void two_models(size_t split)
{
	struct report_variant *early = variant(dear, "zero-shot", 1.5), *few = variant(dear, "few-shot", 1.3);
	struct report_variant *weak = variant(local, "scoring", .05), *best = variant(local, "definitions", .1);

	answers(split, early, "1111111111----------");
	answers(split, few, "11111111111111100000");
	answers(split, weak, "11111000000000000000");
	answers(split, best, "11111111100000011100");
}

static void the_best_of_each_are_paired(void **state)
{
	(void)state;
	two_models(SWITCH_DEV);
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(report.n_switching, 1);
	assert_int_equal(report.n_switching_models, 2);
	assert_pair(0, dear, local);
	const struct report_switch *s = row(0);

	assert_string_equal(s->from->name, "few-shot"); /* it stayed longer, though the other lost nothing */
	assert_string_equal(s->to->name, "definitions");
	assert_int_equal(s->split, SWITCH_DEV);
	assert_int_equal(s->n, 20);
	assert_int_equal(s->only_from, 6);
	assert_int_equal(s->only_to, 3);
	assert_int_equal(s->both, 9);
	assert_int_equal(s->neither, 2);
	assert_string_equal(s->lost[0], "i9");
	assert_string_equal(s->lost[5], "i14");
	assert_string_equal(s->won[2], "i17");
	assert_close("delta", s->delta, -.15, 1e-12);
	assert_int_equal(s->choices, 4);
	/* By bisection over the definition of the confidence sequence at .05 (stats/bet.h) in Python: 19 gamblers each way. */
	assert_close("low", s->low, -.5705010181999641, 1e-6);
	assert_close("high", s->high, .3093074174019347, 1e-6);
}

static void test_items_are_taken_where_both_answered_them(void **state)
{
	(void)state;
	two_models(SWITCH_DEV);
	for (size_t i = 0; i < 4; i++)
		variants[i].dev = (struct report_score){ .n = i ? 20 : 10, .score = i == 1 ? .75 : i == 2 ? .25 : i == 3 ? .6 : 1 };
	answers(SWITCH_TEST, &variants[0], "11111111111111111111"); /* better on test, but dev says the other */
	answers(SWITCH_TEST, &variants[1], "1111111111111111111-");
	switching_rows(&report, splits, 2, &arena);
	assert_int_equal(row(0)->split, SWITCH_DEV); /* local has not answered test */
	answers(SWITCH_TEST, &variants[2], "00000000000000000001");
	switching_rows(&report, splits, 2, &arena);
	assert_int_equal(row(0)->split, SWITCH_TEST);
	assert_string_equal(row(0)->from->name, "few-shot");
	assert_string_equal(row(0)->to->name, "scoring"); /* the one that reached test */
	assert_int_equal(row(0)->n, 19);
	assert_int_equal(row(0)->only_from, 19);
	assert_int_equal(row(0)->choices, 1); /* chosen by other items */
	double d[19];

	for (size_t i = 0; i < 19; i++)
		d[i] = -1;
	assert_close("low", row(0)->low, comparison_interval(d, 19, .05).low, 1e-12);
	assert_close("high", row(0)->high, comparison_interval(d, 19, .05).high, 1e-12);
}

static void nothing_is_said_without_common_items(void **state)
{
	struct report_variant *a, *b;

	(void)state;
	a = variant(dear, "zero-shot", 1);
	answers(SWITCH_DEV, a, "1111111111----------");
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(report.n_switching, 0);
	b = variant(local, "zero-shot", 1);
	answers(SWITCH_DEV, b, "--------------------");
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(report.n_switching, 0);
	assert_int_equal(report.n_switching_models, 1);
	answers(SWITCH_DEV, b, "----------1111111111");
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(report.n_switching, 0);
	assert_int_equal(report.n_switching_models, 2);
	answers(SWITCH_DEV, b, "---------11111111111");
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(row(0)->n, 1);
	assert_int_equal(row(0)->both, 1);
}

static void what_is_in_use_is_left_first(void **state)
{
	(void)state;
	two_models(SWITCH_DEV);
	answers(SWITCH_DEV, variant(third, "zero-shot", .2), "11000000000000000000");
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(report.n_switching, 3);
	assert_pair(0, dear, local); /* by their best: 15, 12, 2 right */
	assert_pair(1, dear, third);
	assert_pair(2, local, third);
	report.verdict.winner = 4;
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_pair(0, third, dear);
	assert_pair(2, dear, local);
	variants[2].incumbent = true;
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_pair(0, local, third);
	assert_pair(1, local, dear);
	assert_pair(2, third, dear);
}

static void many_models_stand_beside_one(void **state)
{
	static const char *const names[] = { "m0", "m1", "m2", "m3", "m4" };
	static const double usd[] = { 3, 2, .5, NAN, 1 };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		answers(SWITCH_DEV, variant(names[i], "zero-shot", usd[i]), "11111111110000000000");
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(report.n_switching, 6);
	answers(SWITCH_DEV, variant(names[4], "zero-shot", usd[4]), "11111111110000000000");
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(report.n_switching, 4);
	assert_pair(0, "m0", "m2");
	assert_pair(3, "m4", "m2");
	variants[3].incumbent = true;
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(report.n_switching, 4);
	assert_pair(0, "m3", "m0");
	assert_pair(3, "m3", "m4");
	variants[3].incumbent = false;
	for (size_t i = 0; i < 5; i++)
		variants[i].usd_per_1k_calls = NAN;
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(report.n_switching, 4);
	assert_pair(0, "m0", "m1");
	assert_pair(3, "m0", "m4");
}

/* Groups of two, of the first of which one model lacks one; the largest has four, of which the other lacks all but one. */
static void groups_are_one_observation(void **state)
{
	static const size_t group[ITEMS] = { 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 8, 8 };
	const struct cluster sums[] = { { -1, 1 }, { -2, 2 }, { -2, 2 }, { -2, 2 }, { -2, 2 }, { 0, 2 }, { 0, 2 }, { 0, 2 }, { 1, 1 } };
	struct interval want = comparison_interval_clusters(sums, 9, 4, .05);

	(void)state;
	splits[SWITCH_DEV].cluster = group;
	answers(SWITCH_DEV, variant(dear, "zero-shot", 1), "1-11111111000000000-");
	answers(SWITCH_DEV, variant(local, "zero-shot", 1), "00000000000000001---");
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(row(0)->n, 16);
	assert_close("low", row(0)->low, want.low, 1e-12);
	assert_close("high", row(0)->high, want.high, 1e-12);
}

static void grades_are_higher_or_lower(void **state)
{
	(void)state;
	splits[SWITCH_DEV].binary = false;
	answers(SWITCH_DEV, variant(dear, "zero-shot", 1), "11155000000000000000");
	answers(SWITCH_DEV, variant(local, "zero-shot", 1), "15055500000000000000");
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	assert_int_equal(row(0)->only_from, 2);
	assert_int_equal(row(0)->only_to, 1);
	assert_int_equal(row(0)->both, 1);
	assert_int_equal(row(0)->neither, 16);
	assert_close("delta", row(0)->delta, -.05, 1e-12);
}

/* How often the interval of the best of each holds their true difference, where all of a model are alike: n items, each variant right with
 * its model's chance, for itself or (shared) as the item is hard for all. */
static double held(size_t of_dear, size_t of_local, size_t n, double right, double shared, struct rng *rng)
{
	enum { RUNS = 300 };
	size_t n_variants = of_dear + of_local, hits = 0;
	struct report_variant *many = mem_zero(n_variants, sizeof(*many));
	double *marks = mem_zero(n_variants * n, sizeof(*marks)), *hard = mem_zero(n, sizeof(*hard));
	const double **each = mem_zero(n_variants, sizeof(*each));
	const char **names = mem_zero(n, sizeof(*names));

	for (size_t k = 0; k < n_variants; k++) {
		many[k].model = k < of_dear ? dear : local;
		each[k] = marks + k * n;
	}
	for (int run = 0; run < RUNS; run++) {
		struct report r = { .variants = many, .n_variants = n_variants, .verdict = { .winner = SIZE_MAX } };
		struct switch_scores s = { .split = SWITCH_DEV, .score = each, .items = names, .n = n, .binary = true };

		for (size_t i = 0; i < n; i++)
			hard[i] = rng_double(rng);
		for (size_t i = 0; i < n_variants * n; i++)
			marks[i] = (rng_double(rng) < shared ? hard[i % n] : rng_double(rng)) < right;
		switching_rows(&r, &s, 1, &arena);
		hits += r.switching[0].low <= 0 && r.switching[0].high >= 0;
	}
	free(many);
	free(marks);
	free(hard);
	free(each);
	free(names);
	return (double)hits / RUNS;
}

static void the_interval_allows_for_choosing(void **state)
{
	static const struct { size_t dear, local, n; double right, shared; } cases[] = {
		{ 1, 1, 100, .7, .5 }, { 1, 14, 100, .7, .3 }, { 14, 1, 100, .7, .3 }, { 14, 14, 100, .7, .7 }, { 1, 28, 100, .95, 0 }, { 1, 28, 300, .5, 0 },
	};
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "choosing");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double share = held(cases[i].dear, cases[i].local, cases[i].n, cases[i].right, cases[i].shared, &rng);

		if (share < .95)
			fail_msg("%zu x %zu variants on %zu items: %.3f", cases[i].dear, cases[i].local, cases[i].n, share);
	}
}

/* --- sentences --- */

static const struct {
	const char *name;
	struct report_switch s;
	double usd_from, usd_to;
	bool keeps;
	const char *line;
} lines[] = {
	{ "a loss", { .split = SWITCH_TEST, .binary = true, .n = 1500, .only_from = 120, .only_to = 30, .delta = -.06, .low = -.101, .high = -.02 },
	  1.3, .1, false,
	  "Switching from openai:dear to local loses 120 of 1,500 test items and wins 30 (\u22126.0 points, interval \u221210.1 to \u22122.0), "
	  "saves $1.20 per 1,000 calls, and needs definitions in place of few-shot." },
	{ "a gain", { .split = SWITCH_DEV, .binary = true, .n = 150, .only_from = 3, .only_to = 12, .delta = .06, .low = .02, .high = .101 }, 1, 1.5,
	  true,
	  "Switching from openai:dear to local wins 12 of 150 dev items and loses 3 (+6.0 points, interval +2.0 to +10.1), costs $0.50 more per "
	  "1,000 calls, and keeps definitions." },
	{ "open", { .split = SWITCH_DEV, .binary = true, .n = 20, .only_from = 6, .only_to = 3, .delta = -.15, .low = -.62, .high = .38 }, .5, .5, false,
	  "openai:dear and local cannot be told apart on these 20 dev items: switching to the second loses 6 and wins 3 (\u221215.0 points, "
	  "interval \u221262.0 to +38.0), costs the same, and needs definitions in place of few-shot." },
	{ "a loss below the margin is open at its end",
	  { .split = SWITCH_DEV, .binary = true, .n = 20, .only_from = 1, .only_to = 1, .delta = 0, .low = -.05, .high = .049 }, NAN, 1, true,
	  "openai:dear and local cannot be told apart on these 20 dev items: switching to the second loses 1 and wins 1 (0.0 points, interval "
	  "\u22125.0 to +4.9), and keeps definitions; what it saves is not known." },
	{ "a gain above the margin is open at its end",
	  { .split = SWITCH_DEV, .binary = true, .n = 20, .only_from = 1, .only_to = 2, .delta = .05, .low = -.049, .high = .05 }, 1, NAN, true,
	  "openai:dear and local cannot be told apart on these 20 dev items: switching to the second wins 2 and loses 1 (+5.0 points, interval "
	  "\u22124.9 to +5.0), and keeps definitions; what it saves is not known." },
	{ "alike", { .split = SWITCH_RECORDED, .binary = true, .n = 2000, .only_from = 30, .only_to = 31, .delta = .0005, .low = -.03, .high = .031 }, 2, 1,
	  true,
	  "Switching from openai:dear to local makes no difference of 5 points or more: it wins 31 of 2,000 recorded items and loses 30 (+0.1 "
	  "points, interval \u22123.0 to +3.1), saves $1.00 per 1,000 calls, and keeps definitions." },
	{ "grades", { .split = SWITCH_TEST, .n = 100, .only_from = 40, .only_to = 3, .delta = -.2, .low = -.3, .high = -.1 }, 2, 1, true,
	  "Switching from openai:dear to local scores lower on 40 of 100 test items and higher on 3 (\u221220.0 points, interval \u221230.0 to "
	  "\u221210.0), saves $1.00 per 1,000 calls, and keeps definitions." },
};

static void lines_say_what_to_do(void **state)
{
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct report_variant from = { .model = dear, .name = lines[i].keeps ? "definitions" : "few-shot", .usd_per_1k_calls = lines[i].usd_from };
		struct report_variant to = { .model = local, .name = "definitions", .usd_per_1k_calls = lines[i].usd_to };
		struct report_switch s = lines[i].s;

		s.from = &from;
		s.to = &to;
		report.switching = &s;
		report.n_switching = 1;
		buf_clear(&out);
		assert_true(words_switching(&out, &report, 0));
		if (strcmp(buf_text(&out), lines[i].line) != 0)
			fail_msg("%s:\n%s\nwanted:\n%s", lines[i].name, buf_text(&out), lines[i].line);
		assert_false(words_switching(&out, &report, 1));
	}
	report.switching = NULL;
	buf_release(&out);
}

static void a_recorded_name_loses_its_model(void **state)
{
	const struct report_variant recorded = { .model = "m", .name = "m/shots" }, plain = { .model = "m", .name = "m/" };
	const struct report_variant other = { .model = "m", .name = "mm/shots" }, none = { .name = "m/shots" };

	(void)state;
	assert_string_equal(words_technique(&recorded), "shots");
	assert_string_equal(words_technique(&plain), "m/");
	assert_string_equal(words_technique(&other), "mm/shots");
	assert_string_equal(words_technique(&none), "m/shots");
}

static void the_note_says_what_was_chosen_on_what(void **state)
{
	struct buf out = { 0 };

	(void)state;
	words_switching_note(&out, &report);
	assert_int_equal(out.n, 0);
	two_models(SWITCH_DEV);
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	words_switching_note(&out, &report);
	assert_non_null(strstr(buf_text(&out), "On dev items they were chosen as well"));
	assert_null(strstr(buf_text(&out), "On test items"));
	assert_null(strstr(buf_text(&out), "stands beside one"));
	buf_clear(&out);
	answers(SWITCH_TEST, &variants[1], "11111111111111100000");
	answers(SWITCH_TEST, &variants[3], "11111111111111100000");
	switching_rows(&report, splits, 2, &arena);
	words_switching_note(&out, &report);
	assert_non_null(strstr(buf_text(&out), "On test items"));
	assert_null(strstr(buf_text(&out), "On dev items they were chosen as well"));
	buf_clear(&out);
	report.n_switching_models = 5;
	words_switching_note(&out, &report);
	assert_non_null(strstr(buf_text(&out), "Of 5 models each stands beside one."));
	buf_release(&out);
}

/* --- forms --- */

static void says(const char *form, const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("%s: \"%s\" is not in:\n%s", form, part, text);
}

static void every_form_has_the_rows(void **state)
{
	static const char line[] = "openai:dear and local cannot be told apart on these 20 dev items";
	struct buf out = { 0 };

	(void)state;
	two_models(SWITCH_DEV);
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	report_write_terminal(&report, false, 160, &out);
	says("text", buf_text(&out), "Switching models\n");
	says("text", buf_text(&out), line);
	says("text", buf_text(&out), "Both right on 9, neither on 2. openai:dear with few-shot: $1.30 per 1,000 calls, p50 130 ms, p95 260 ms.");
	buf_clear(&out);
	report_write_markdown(&report, &out);
	says("md", buf_text(&out), line);
	says("md", buf_text(&out), " | 20 dev items | 6 | 3 | 9 | 2 | \u221215.0 | \u221257.1 to +30.9 | few-shot, $1.30, 130 ms / 260 ms | definitions, $0.10, 10 ms / 20 ms |\n");
	buf_clear(&out);
	report_write_html(&report, &out);
	says("html", buf_text(&out), "<h2>Switching models</h2>");
	says("html", buf_text(&out), line);
	says("html", buf_text(&out), "<td class=\"n\">6</td><td class=\"n\">3</td><td class=\"n\">9</td><td class=\"n\">2</td>");
	says("html", buf_text(&out), "<td class=\"n\">130 ms \u2192 10 ms<br/><small>260 ms \u2192 20 ms</small></td>");
	says("html", buf_text(&out), "<p>Only <bdi>openai:dear</bdi>: <code>i9</code>, <code>i10</code>");
	says("html", buf_text(&out), "<p>Only <bdi>local</bdi>: <code>i15</code>, <code>i16</code>, <code>i17</code></p>");
	buf_release(&out);
}

static void json_has_every_key(void **state)
{
	struct buf out = { 0 };
	json_t *root, *o;

	(void)state;
	two_models(SWITCH_DEV);
	switching_rows(&report, &splits[SWITCH_DEV], 1, &arena);
	report_write_json(&report, &out);
	root = json_loadb(out.data, out.n, 0, NULL);
	o = json_array_get(json_object_get(root, "switching"), 0);
	assert_non_null(o);
	static const struct { const char *key; double value; } numbers[] = {
		{ "n", 20 }, { "only_from", 6 }, { "only_to", 3 }, { "both", 9 }, { "neither", 2 }, { "delta", -.15 }, { "low", -.570501018 },
		{ "high", .309307417 }, { "choices", 4 }, { "usd_per_1k_from", 1.3 }, { "usd_per_1k_to", .1 }, { "ms_p50_from", 130 },
		{ "ms_p50_to", 10 }, { "ms_p95_from", 260 }, { "ms_p95_to", 20 },
	};
	static const struct { const char *key, *value; } texts[] = {
		{ "from", dear }, { "to", local }, { "split", "dev" }, { "technique_from", "few-shot" }, { "technique_to", "definitions" },
		{ "variant_from", "1/few-shot@openai:dear" }, { "variant_to", "1/definitions@local" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_close(numbers[i].key, json_number_value(json_object_get(o, numbers[i].key)), numbers[i].value, 1e-6);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_string_equal(json_string_value(json_object_get(o, texts[i].key)), texts[i].value);
	says("json", json_string_value(json_object_get(o, "line")), "cannot be told apart");
	json_decref(root);
	buf_release(&out);
}

/* Test rows lead to the texts of their items, whichever way the page compares the two. */
static void test_rows_lead_to_their_items(void **state)
{
	struct buf out = { 0 };

	(void)state;
	two_models(SWITCH_TEST);
	switching_rows(&report, &splits[SWITCH_TEST], 1, &arena);
	assert_string_equal(row(0)->from->name, "zero-shot"); /* without dev answers the first that is listed */
	const struct report_variant *sides[] = { row(0)->to, row(0)->from, &variants[1] };
	const struct report_pair pairs[] = { { 1, 2, 0, 0 }, { 0, 1, 1, 1 } };

	report.exchange = (struct report_exchange){ .pairs = pairs, .n_pairs = 2, .sides = sides, .n_sides = 3, .binary = true };
	report_write_html(&report, &out);
	says("html", buf_text(&out), "<a href=\"#pair=1\">test items</a>");
	assert_null(strstr(buf_text(&out), "#pair=0"));
	assert_null(strstr(buf_text(&out), "by name</summary>"));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_best_of_each_are_paired, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_items_are_taken_where_both_answered_them, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_said_without_common_items, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_in_use_is_left_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_models_stand_beside_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(groups_are_one_observation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(grades_are_higher_or_lower, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_interval_allows_for_choosing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lines_say_what_to_do, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_recorded_name_loses_its_model, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_note_says_what_was_chosen_on_what, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_form_has_the_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(json_has_every_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rows_lead_to_their_items, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
