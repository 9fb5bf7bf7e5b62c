/* report.c - the four forms of a report, read back: JSON by field, the page as markup, text by its width. */
#include <jansson.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"
#include "report/chart.h"
#include "report/classes.h"
#include "report/columns.h"
#include "report/escape.h"
#include "report/figure.h"
#include "report/page.h"
#include "report/svg.h"
#include "report/words.h"
#include "report_fixture.h"
#include "test.h"

static struct report_variant email[N_EMAIL];
static struct extreme extreme;

static struct report report_of(int which)
{
	switch (which) {
	case 0:
		return email_report(email, false);
	case 1:
		return email_report(email, true);
	case 2:
		return unresolved_report(email);
	default:
		extreme_init(&extreme);
		return extreme.report;
	}
}

enum { N_REPORTS = 4, HOSTILE_REPORT = 3 };

/* The caller releases out. */
static const char *write_form(const char *form, int which, struct buf *out)
{
	struct report r = report_of(which);

	buf_clear(out);
	report_format_find(form)->write(&r, out);
	return buf_text(out);
}

static json_t *parse(int which)
{
	struct buf out = { 0 };
	json_error_t error;
	json_t *value = json_loads(write_form("json", which, &out), 0, &error);

	if (!value)
		fail_msg("report %d is no JSON: line %d: %s", which, error.line, error.text);
	buf_release(&out);
	return value;
}

/* Follows "a.b.2.c": keys, and indices into lists. */
static json_t *at(json_t *value, const char *path)
{
	char part[64];

	while (*path && value) {
		size_t n = strcspn(path, ".");

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10))
					     : json_object_get(value, part);
		path += n + (path[n] == '.');
	}
	return value;
}

static void formats_are_found_by_name(void **state)
{
	(void)state;
	size_t n;
	const struct report_format *all = report_formats(&n);

	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(report_format_find(all[i].name), &all[i]);
	assert_string_equal(report_format_find("text")->extension, "txt");
	assert_null(report_format_find("pdf"));
}

static const struct {
	const char *path;
	const char *text; /* NULL: the value is null */
} text_fields[] = {
	{ "task", "email" },
	{ "program", "rung 0.1.0" },
	{ "plan", "full" },
	{ "prices_as_of", "2026-08-01" },
	{ "labels.4", "automated" },
	{ "variants.0.id", "0/naive-bayes" },
	{ "variants.0.model", NULL },
	{ "variants.0.status", "measured" },
	{ "variants.0.why", NULL },
	{ "variants.1.test", NULL },
	{ "variants.4.model", "SmolLM2-135M-Instruct" },
	{ "variants.7.status", "raced out" },
	{ "variants.15.status", "failed" },
	{ "variants.15.why", "no key: set OPENAI_API_KEY, or remove openai:gpt-4.1-mini from `models:`" },
	{ "variants.15.usd_per_1k_calls", NULL },
	{ "variants.15.dev.score", NULL },
	{ "variants.18.status", "skipped" },
	{ "comparisons.0.from", "0/naive-bayes" },
	{ "comparisons.0.to", "1/knn-few-shot-8" },
	{ "comparisons.0.plan", "full" },
	{ "comparisons.0.decision", "unresolved" },
	{ "comparisons.0.e_value", NULL },
	{ "comparisons.1.decision", "better" },
	{ "comparisons.1.labels_needed", NULL },
	{ "targets.0.meets_target", "no" },
	{ "targets.2.variant", "3/head-minilm" },
	{ "confusion.1.want", "spam" },
	{ "confusion.1.got", "marketing" },
	{ "cost.3/head-minilm.rival", "0/naive-bayes" },
	{ "cost.1/hosted.one_off_usd", NULL },
	{ "cost.1/hosted.tco_usd", NULL },
	{ "cost.1/hosted.break_even_days", NULL },
	{ "cost.1/hosted.break_even_calls_per_day", NULL },
	{ "cost.1/hosted.rival", NULL },
	{ "verdict.variant", "3/head-minilm" },
	{ "verdict.decision", "climb" },
	{ "verdict.meets_target", "unresolved" },
	{ "verdict.next_step", "Serve 3/head-minilm with `rung ask email`." },
};

static void json_carries_texts(void **state)
{
	(void)state;
	json_t *value = parse(1);

	for (size_t i = 0; i < ARRAY_SIZE(text_fields); i++) {
		json_t *found = at(value, text_fields[i].path);
		const char *want = text_fields[i].text;

		if (!found || (want ? !json_is_string(found) || strcmp(json_string_value(found), want) != 0
				    : !json_is_null(found)))
			fail_msg("%s: want %s, found %s", text_fields[i].path, want ? want : "null",
				 !found ? "nothing" : json_is_string(found) ? json_string_value(found)
					 : "another type");
	}
	json_decref(value);
}

static const struct {
	const char *path;
	double number;
} number_fields[] = {
	{ "schema", 1 },
	{ "seed", 1 },
	{ "alpha", .05 },
	{ "margin", .05 },
	{ "target", .8 },
	{ "examples.total", 452 },
	{ "examples.duplicates", 2 },
	{ "examples.pool", 225 },
	{ "examples.dev", 90 },
	{ "examples.test", 135 },
	{ "majority_share", .2 },
	{ "variants.4.rung", 1 },
	{ "variants.4.dev.n", 90 },
	{ "variants.4.dev.score", .711 },
	{ "variants.4.test.n", 135 },
	{ "variants.4.test.low", .637 },
	{ "variants.4.test.high", .788 },
	{ "variants.4.outcomes.right", 97 },
	{ "variants.4.outcomes.wrong", 33 },
	{ "variants.4.outcomes.unparsed", 4 },
	{ "variants.4.outcomes.refused", 0 },
	{ "variants.4.outcomes.truncated", 1 },
	{ "variants.4.outcomes.timeout", 0 },
	{ "variants.4.outcomes.error", 0 },
	{ "variants.4.calls", 225 },
	{ "variants.4.input_tokens", 812 },
	{ "variants.4.output_tokens", 3.1 },
	{ "variants.4.usd_per_1k_calls", .0412 },
	{ "variants.4.ms_p50", 1236 },
	{ "variants.4.ms_p95", 2060 },
	{ "variants.15.dev.n", 0 },
	{ "comparisons.1.n", 135 },
	{ "comparisons.1.wins", 35 },
	{ "comparisons.1.losses", 11 },
	{ "comparisons.1.delta", .1778 },
	{ "comparisons.1.low", .0514 },
	{ "comparisons.1.high", .297 },
	{ "comparisons.1.alpha", .025 },
	{ "comparisons.1.p_value", 2.67e-4 },
	{ "comparisons.0.labels_needed", 268 },
	{ "targets.2.p_value", .21 },
	{ "confusion.0.n", 24 },
	{ "cost.1/knn-few-shot-8.usd_per_1k_calls", .0412 },
	{ "cost.1/knn-few-shot-8.usd_per_1k_right", .0412 / .711 },
	{ "cost.1/knn-few-shot-8.per_day_usd", 20.6 },
	{ "cost.3/head-minilm.one_off_usd", 200 },
	{ "cost.3/head-minilm.tco_usd", 308 },
	{ "cost.3/head-minilm.break_even_days", 22.5 },
	{ "cost.3/head-minilm.break_even_calls_per_day", 120000 },
	{ "horizon_days", 90 },
	{ "calls_per_day", 500000 },
	{ "cpu_usd_per_core_hour", .04 },
	{ "verdict.rung", 3 },
	{ "verdict.score", .8296 },
	{ "verdict.low", .757 },
	{ "verdict.high", .884 },
	{ "spent.dev_calls", 678 },
	{ "spent.dev_calls_full_grid", 990 },
	{ "spent.test_calls", 270 },
	{ "spent.usd", .41 },
	{ "spent.seconds", 2412 },
};

static void json_carries_numbers(void **state)
{
	(void)state;
	json_t *value = parse(1);

	for (size_t i = 0; i < ARRAY_SIZE(number_fields); i++) {
		json_t *found = at(value, number_fields[i].path);

		if (!json_is_number(found))
			fail_msg("%s: no number", number_fields[i].path);
		assert_close(number_fields[i].path, json_number_value(found), number_fields[i].number, 1e-8);
	}
	assert_int_equal(json_array_size(at(value, "diagnosis")), 0);
	assert_true(json_is_array(at(value, "diagnosis")));
	assert_int_equal(json_array_size(at(value, "variants")), N_EMAIL);
	assert_int_equal(json_array_size(at(value, "verdict.reasons")), 2);
	json_decref(value);
}

/* Nothing known is null, never a missing key and never NaN, and a seed beyond 63 bits keeps its digits. */
static void json_of_the_extreme(void **state)
{
	(void)state;
	static const char *const nulls[] = {
		"target", "majority_share", "calls_per_day", "prices_as_of", "variants.0.test", "variants.0.ms_p95",
		"verdict.score", "verdict.meets_target", "spent.usd",
	};
	json_t *value = parse(HOSTILE_REPORT);

	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		if (!json_is_null(at(value, nulls[i])))
			fail_msg("%s is not null", nulls[i]);
	assert_string_equal(json_string_value(at(value, "seed")), "18446744073709551615");
	assert_int_equal(json_array_size(at(value, "labels")), N_MANY);
	assert_true(json_is_string(at(value, "task")));
	assert_non_null(strstr(json_string_value(at(value, "task")), "<script>alert('x\"y')</script>"));
	assert_int_equal(json_array_size(at(value, "comparisons")), 0);
	json_decref(value);
}

static void same_report_gives_the_same_bytes(void **state)
{
	(void)state;
	struct buf a = { 0 }, b = { 0 };
	size_t n;
	const struct report_format *forms = report_formats(&n);

	for (size_t i = 0; i < n; i++)
		for (int which = 0; which < N_REPORTS; which++)
			assert_string_equal(write_form(forms[i].name, which, &a), write_form(forms[i].name, which, &b));
	buf_release(&a);
	buf_release(&b);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p++)
		n++;
	return n;
}

static bool is_void_tag(const char *end)
{
	return end[-1] == '/' || end[-1] == '?';
}

/* Every tag that opens closes, in order, and outside tags there is no bare '<' or '&'. Our markup has no comments. */
static void assert_well_formed(const char *page)
{
	const char *open[64] = { NULL };
	size_t depth = 0;

	for (const char *p = strchr(page, '\n'); (p = strchr(p, '<'));) {
		const char *end = strchr(p, '>');
		size_t n = strcspn(p + 1, " />");

		assert_non_null(end);
		if (p[1] == '/') {
			n = (size_t)(end - p) - 2;
			if (depth-- == 0) {
				fail_msg("nothing is open at %.20s", p);
				return;
			}
			if (strncmp(open[depth], p + 2, n) != 0 || strcspn(open[depth], " >") != n)
				fail_msg("<%.20s is closed by <%.20s", open[depth], p + 1);
		} else if (!is_void_tag(end)) {
			if (n == 0)
				fail_msg("a bare <: %.40s", p);
			assert_true(depth < ARRAY_SIZE(open));
			open[depth++] = p + 1;
		}
		p = end;
	}
	assert_int_equal(depth, 0);
	for (const char *p = page; (p = strchr(p, '&')); p++)
		if (strcspn(p, ";") > 6)
			fail_msg("a bare &: %.20s", p);
}

static void page_is_well_formed(void **state)
{
	(void)state;
	struct buf out = { 0 };
	size_t bad;

	struct report tiny = report_of(0);

	email[EMAIL_HEAD].usd_per_1k_calls = email[0].usd_per_day = 1e-12; /* "<$0.000000001" */
	report_format_find("html")->write(&tiny, &out);
	assert_well_formed(buf_text(&out));
	for (int which = 0; which < N_REPORTS; which++) {
		assert_well_formed(write_form("html", which, &out));
		assert_true(text_valid(out.data, out.n, &bad));
	}
	buf_release(&out);
}

/* Whatever names hold, the page asks for nothing outside itself and runs nothing. */
static void page_loads_nothing(void **state)
{
	(void)state;
	static const char *const forbidden[] = {
		"<script src", "<img", "<iframe", "<link", "src=", "href=", "url(", "@import", " onload=\"", "javascript:",
		"<b>",
	};
	struct buf out = { 0 };

	for (int which = 0; which < N_REPORTS; which++) {
		const char *page = write_form("html", which, &out);

		for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
			if (strstr(page, forbidden[i]))
				fail_msg("report %d has %s", which, forbidden[i]);
	}
	assert_non_null(strstr(out.data, "&lt;script&gt;alert(&#39;x&quot;y&#39;)&lt;/script&gt;&amp;"));
	assert_non_null(strstr(out.data, "<bdi>&lt;b&gt;\u05e2\u05d1\u05e8\u05d9\u05ea&quot;&#39; 3</bdi>"));
	buf_release(&out);
}

/* The page runs its own scripts, named by hash, and nothing that a text smuggled in; both parsers read a script alike. */
static void page_runs_its_own_scripts(void **state)
{
	(void)state;
	struct buf out = { 0 }, named = { 0 };
	const char *page = write_form("html", 0, &out), *at = page;
	size_t scripts = 0;

	for (; (at = strstr(at, "<script>")); scripts++) {
		const char *text = at + strlen("<script>"), *end = strstr(text, "</script>");
		uint8_t digest[SHA256_BYTES];

		sha256(text, (size_t)(end - text), digest);
		buf_clear(&named);
		buf_adds(&named, "'sha256-");
		base64_add(&named, digest, sizeof(digest));
		buf_addc(&named, '\'');
		assert_non_null(strstr(page, buf_text(&named)));
		assert_null(memchr(text, '<', (size_t)(end - text)));
		assert_null(memchr(text, '&', (size_t)(end - text)));
		at = end;
	}
	assert_true(scripts >= 2);
	assert_int_equal(count(page, "'sha256-"), scripts);
	assert_null(strstr(write_form("html", HOSTILE_REPORT, &out), "<script"));
	buf_release(&out);
	buf_release(&named);
}

/* A page that is served asks its own server for news, and only that; its policy is the one in the page. */
static void a_served_page_asks_for_news(void **state)
{
	(void)state;
	struct report r = report_of(0);
	struct page_underway u = { .task = HOSTILE, .sentence = "Run `rung climb`.", .n_dev = 90, .n_test = 135,
				   .rows = &(struct page_row){ HOSTILE, NULL, 1, "waiting", 3, 0 }, .n = 1 };
	struct buf out = { 0 }, policy = { 0 };

	page_write(&r, "00ff", &out, &policy);
	assert_well_formed(buf_text(&out));
	assert_non_null(strstr(buf_text(&out), "<html lang=\"en\" data-version=\"00ff\">"));
	assert_non_null(strstr(buf_text(&policy), "; connect-src 'self'"));
	assert_non_null(strstr(buf_text(&out), buf_text(&policy)));
	assert_null(strstr(write_form("html", 0, &out), "connect-src"));
	buf_clear(&out);
	page_write_underway(&u, "00ff", &out, NULL);
	assert_well_formed(buf_text(&out));
	assert_non_null(strstr(buf_text(&out), "<td class=\"n\">3 of 90</td><td class=\"n\">0 of 135</td><td>waiting</td>"));
	assert_non_null(strstr(buf_text(&out), "<code>rung climb</code>"));
	assert_int_equal(count(buf_text(&out), "<script>"), 1);
	buf_release(&out);
	buf_release(&policy);
}

/* Every item with all its texts, escaped, and in whose hands it came. */
static void items_that_changed_hands_are_told(void **state)
{
	(void)state;
	static const char *const parts[] = {
		"<li data-changed=\"0+ 1+\"><p><code>118</code>", "<li data-changed=\"1-\"><p><code>a&quot;b</code>",
		"Subject: dinner\nBody: see you at &lt;b&gt;8&lt;/b&gt; &amp; bring wine</blockquote>",
		"&lt;/dd&gt;&lt;script&gt;alert(1)&lt;/script&gt;</dd>", "<i>nothing (unparsed)</i>", "Win big&quot; "
		"onload=&quot;x</blockquote>",
		"<span class=\"lost\">lost by <bdi>3/head-minilm</bdi></span>", "<option value=\"1\">3/head-minilm against "
		"0/naive-bayes</option>",
		"2 of 2 items</output>",
	};
	struct buf out = { 0 };
	const char *page = write_form("html", 0, &out);

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strstr(page, parts[i]))
			fail_msg("not there: %s", parts[i]);
	assert_null(strstr(write_form("html", HOSTILE_REPORT, &out), "changed hands"));
	buf_release(&out);
}

/* Against scikit-learn 1.9 (precision_recall_fscore_support, labels= those that items have for the means, zero_division=0), which writes 0
 * where we divide by nothing. */
static void classes_match_the_reference(void **state)
{
	(void)state;
	static const struct { size_t n, want[5], given[5], both[5]; double precision[5], recall[5], f1[5], macro[3]; } cases[] = {
		{ 5, { 27, 27, 27, 27, 27 }, { 29, 26, 25, 28, 27 }, { 24, 22, 21, 21, 24 },
		  { .82758621, .84615385, .84, .75, .88888889 }, { .88888889, .81481481, .77777778, .77777778, .88888889 },
		  { .85714286, .83018868, .80769231, .76363636, .88888889 }, { .8305257883878573, .8296296296296296, .8295098193211402 } },
		{ 4, { 5, 3, 2, 0 }, { 8, 1, 0, 1 }, { 4, 1, 0, 0 }, { .5, 1, NAN, 0 }, { .8, .33333333, 0, NAN }, { .61538462, .5, 0, 0 },
		  { .5, .37777777777777777, .3717948717948718 } },
	};
	static const char *const labels[] = { "a", "b", "c", "d", "e" };
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct report_classes c = classes_of(&arena, labels, cases[i].n, cases[i].want, cases[i].given, cases[i].both);

		assert_int_equal(c.n, cases[i].n);
		assert_close("macro precision", c.precision, cases[i].macro[0], 1e-12);
		assert_close("macro recall", c.recall, cases[i].macro[1], 1e-12);
		assert_close("macro F1", c.f1, cases[i].macro[2], 1e-12);
		for (size_t k = 0; k < c.n; k++) {
			const double *want[] = { cases[i].precision, cases[i].recall, cases[i].f1 };
			const double got[] = { c.list[k].precision, c.list[k].recall, c.list[k].f1 };

			assert_string_equal(c.list[k].label, labels[k]); /* the commonest first */
			for (size_t m = 0; m < 3; m++)
				if (isnan(want[m][k]) ? !isnan(got[m]) : fabs(got[m] - want[m][k]) > 1e-8)
					fail_msg("case %zu, label %zu, figure %zu: %.17g", i, k, m, got[m]);
		}
	}
	arena_release(&arena);
}

/* A mean over labels is told where it says something else than the score. */
static void rare_labels_are_told(void **state)
{
	(void)state;
	static const struct report_class list[] = { { .label = "common", .n = 90, .f1 = .9 }, { .label = "rare", .n = 10, .f1 = .1 } };
	struct report r = report_of(0);
	struct arena arena;

	arena_init(&arena);
	r.classes = (struct report_classes){ list, 2, 2, .5, .5, .5 };
	r.verdict.score = .59;
	assert_null(classes_sentence(&r, &arena));
	r.verdict.score = .83;
	assert_string_equal(classes_sentence(&r, &arena),
			    "linear head on all-MiniLM-L6-v2 embeddings does worse on rarer labels: F1 is 50.0 % as a mean over the 2 "
			    "labels of the test "
			    "items (macro-averaged), where its share of right answers is 83.0 %; rare has F1 10.0 % on 10 items.");
	arena_release(&arena);
}

/* Failures of the winner by kind, then each probe with what it fixed and broke, then where it points. */
static void diagnosis_flows_to_a_remedy(void **state)
{
	(void)state;
	static const struct probe_finding found[] = {
		{ "<definitions>", { 90, 18, 4, .1556, .05, .26 }, "label definitions", FINDING_TECHNIQUE, NULL },
		{ "noise", { 60, 2, 3, -.0167, -.09, .06 }, "", FINDING_KNOWLEDGE, NULL },
	};
	static const char *const parts[] = {
		"<h3>What failed: 38 of 135 test items</h3>", "<div class=\"what\">wrong</div>", "<span>33 of 38</span>", "<span>4 of "
		"38</span>",
		"constrained decoding, or an instruction that fixes the form of an answer</div>", "<div "
		"class=\"what\">&lt;definitions&gt;</div>",
		"<span>fixed 18, broke 4 of 90: +15.6 points (+5.0 to +26.0)</span></div>\n<div class=\"then\">label definitions</div>",
		"<span>fixed 2, broke 3 of 60: \u22121.7 points (\u22129.0 to +6.0)</span></div>\n<div class=\"then quiet\">points "
		"nowhere</div>",
		"<th scope=\"row\"><bdi>noise</bdi></th><td class=\"n\">60</td>",
	};
	struct report r = report_of(0);
	struct buf out = { 0 };

	r.verdict.winner = EMAIL_KNN;
	r.diagnosis = found;
	r.n_diagnosis = ARRAY_SIZE(found);
	report_format_find("html")->write(&r, &out);
	assert_well_formed(buf_text(&out));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strstr(buf_text(&out), parts[i]))
			fail_msg("not there: %s", parts[i]);
	assert_null(strstr(buf_text(&out), "<div class=\"what\">refused</div>"));
	buf_release(&out);
}

/* Steps through the tested candidates that nothing cheaper beats: 0/naive-bayes, then 3/head-minilm; the dearer and worse ones are not on it. */
static void the_frontier_is_drawn(void **state)
{
	(void)state;
	struct report r = report_of(0);
	struct buf out = { 0 };

	assert_true(chart_cost(&out, &r, CHART_WIDE));
	const char *path = strstr(buf_text(&out), "class=\"frontier\" d=\"M");

	assert_non_null(path);
	path += strlen("class=\"frontier\" d=\"");
	size_t corners = 0;

	for (size_t i = 0; path[i] != '"'; i++)
		corners += path[i] == 'V';
	assert_int_equal(corners, 1);
	buf_clear(&out);
	assert_true(chart_ladder(&out, &r, CHART_WIDE));
	assert_int_equal(count(buf_text(&out), "class=\"margin\""), 1);
	buf_release(&out);
}

/* No terminal escape, no override of direction and no wrong byte survives in any readable form. */
static void names_cannot_reach_the_terminal(void **state)
{
	(void)state;
	static const char *const forms[] = { "text", "md", "html" };
	struct buf out = { 0 };
	size_t bad;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *text = write_form(forms[i], HOSTILE_REPORT, &out);

		assert_null(strchr(text, '\x1b'));
		assert_null(strstr(text, "\u202e"));
		assert_true(text_valid(text, strlen(text), &bad));
	}
	buf_release(&out);
}

static const struct {
	const char *name, *text, *plain, *markup, *markdown;
} escapes[] = {
	{ "plain text stays", "kNN (k = 8)", "kNN (k = 8)", "kNN (k = 8)", "kNN (k = 8)" },
	{ "markup", "<a b=\"c\">&'", "<a b=\"c\">&'", "&lt;a b=&quot;c&quot;&gt;&amp;&#39;",
	 "&lt;a b=\"c\"&gt;&amp;'" },
	{ "a table cell", "a|b\nc", "a|b c", "a|b c", "a\\|b c" },
	{ "emphasis and mention", "*x* @me", "*x* @me", "*x* @me", "\\*x\\* @\u2060me" },
	{ "control and override", "a\x07\u202e" "b", "a b", "a b", "a b" },
	{ "wrong byte", "a\xffz", "a\ufffdz", "a\ufffdz", "a\ufffdz" },
	{ "an open isolate is closed", "a\u2068b", "a\u2068b\u2069", "a\u2068b\u2069", "a\u2068b\u2069" },
	{ "a stray pop goes", "a\u2069b", "ab", "ab", "ab" },
};

static void escapes_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
		struct buf plain = { 0 }, markup = { 0 }, markdown = { 0 };

		escape_plain(&plain, escapes[i].text);
		escape_markup(&markup, escapes[i].text);
		escape_markdown(&markdown, escapes[i].text);
		assert_string_equal(buf_text(&plain), escapes[i].plain);
		assert_string_equal(buf_text(&markup), escapes[i].markup);
		assert_string_equal(buf_text(&markdown), escapes[i].markdown);
		buf_release(&plain);
		buf_release(&markup);
		buf_release(&markdown);
	}
}

static void assert_figure(struct figure got, const char *want)
{
	assert_string_equal(got.text, want);
}

static void figures_read_well(void **state)
{
	(void)state;
	assert_figure(figure_percent(.8296), "83.0%");
	assert_figure(figure_percent(NAN), "\u2013");
	assert_figure(figure_share(.05 / 3), "1.67%");
	assert_figure(figure_points(.0931), "+9.3");
	assert_figure(figure_points(-.0314), "\u22123.1");
	assert_figure(figure_points(-.0004), "0.0");
	assert_figure(figure_margin(.05), "5");
	assert_figure(figure_gap(-.061, .191), "\u22126.1 to +19.1");
	assert_figure(figure_count(1234567), "1,234,567");
	assert_figure(figure_count(0), "0");
	assert_figure(figure_usd(0), "$0");
	assert_figure(figure_usd(.00021), "$0.00021");
	assert_figure(figure_usd(.0999), "$0.10");
	assert_figure(figure_usd(4.2), "$4.20");
	assert_figure(figure_usd(1425.3), "$1,425");
	assert_figure(figure_usd(-1), "\u2013");
	assert_figure(figure_tick(figure_usd(.001)), "$0.001");
	assert_figure(figure_ms(.042), "0.04 ms");
	assert_figure(figure_ms(1400), "1.4 s");
	assert_figure(figure_seconds(412), "6 min 52 s");
	assert_figure(figure_seconds(11160), "3.1 h");
}

static void text_keeps_to_the_width(void **state)
{
	(void)state;
	static const int widths[] = { 40, 60, 80, 100, 132 };

	for (int which = 0; which < N_REPORTS; which++) {
		struct report r = report_of(which);

		for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
			struct buf out = { 0 };

			report_write_terminal(&r, false, widths[i], &out);
			for (const char *line = buf_text(&out); *line; line += strcspn(line, "\n") + 1) {
				size_t n = strcspn(line, "\n"), width = columns_width(line, n);

				if (width > (size_t)widths[i])
					fail_msg("report %d at %d: %zu columns: %.*s", which, widths[i], width, (int)n,
						 line);
			}
			buf_release(&out);
		}
	}
}

static void colour_is_optional_and_closed(void **state)
{
	(void)state;
	struct report r = report_of(1);
	struct buf plain = { 0 }, colour = { 0 }, stripped = { 0 };

	report_write_terminal(&r, false, 100, &plain);
	report_write_terminal(&r, true, 100, &colour);
	assert_null(strchr(buf_text(&plain), '\x1b'));
	for (const char *p = buf_text(&colour); *p; p++) {
		if (*p == '\x1b')
			p += strcspn(p, "m");
		else
			buf_addc(&stripped, *p);
	}
	assert_string_equal(buf_text(&stripped), buf_text(&plain));
	buf_release(&plain);
	buf_release(&colour);
	buf_release(&stripped);
}

static void lines_break_at_spaces(void **state)
{
	(void)state;
	struct buf out = { 0 };

	columns_wrap(&out, "one two three four", 2, 12);
	assert_string_equal(buf_text(&out), "one two\n  three four\n");
	buf_clear(&out);
	columns_wrap(&out, "\u6f22\u5b57\u6f22\u5b57\u6f22\u5b57", 0, 8); /* two columns each, no space */
	assert_string_equal(buf_text(&out), "\u6f22\u5b57\u6f22\u5b57\n\u6f22\u5b57\n");
	buf_release(&out);
}

/* Every text that is not turned or anchored elsewhere starts inside its chart and, as estimated, ends there. */
static void assert_texts_fit(const char *svg, double width)
{
	for (const char *p = svg; (p = strstr(p, "<text ")); p++) {
		const char *tag_end = strchr(p, '>'), *end = strstr(p, "</text>"), *x = strstr(p, " x=\"");
		double size = strstr(p, "tiny") && strstr(p, "tiny") < tag_end ? 8.5 : 12, from = strtod(x + 4, NULL);
		double length = svg_text_width(tag_end + 1, (size_t)(end - tag_end - 1), size);
		bool middle = strstr(p, "middle") && strstr(p, "middle") < tag_end;
		bool at_end = strstr(p, "\"end\"") && strstr(p, "\"end\"") < tag_end;
		double left = at_end ? from - length : middle ? from - length / 2 : from;

		if (left < -8 || left + length > width + 16)
			fail_msg("text from %.0f to %.0f of %.0f: %.*s", left, left + length, width,
				 (int)(end - tag_end - 1),
				 tag_end + 1);
	}
}

static void chart_texts_fit(void **state)
{
	(void)state;
	struct buf out = { 0 };

	for (int which = 0; which < HOSTILE_REPORT; which++) {
		char *page = (char *)write_form("html", which, &out);

		for (char *svg = page; (svg = strstr(svg, "<svg class=\"chart"));) {
			char *end = strstr(svg, "</svg>");
			double width = strtod(strstr(svg, "viewBox=\"0 0 ") + 13, NULL);

			*end = '\0';
			assert_texts_fit(svg, width);
			svg = end + 1;
		}
	}
	buf_release(&out);
}

static void page_draws_each_chart_in_two_sizes(void **state)
{
	(void)state;
	static const struct { int report; size_t charts; } cases[] = { { 1, 10 }, { 2, 10 }, { HOSTILE_REPORT, 4 } };
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *page = write_form("html", cases[i].report, &out);

		assert_int_equal(count(page, "<svg class=\"chart"), cases[i].charts);
		assert_int_equal(count(page, "role=\"img\""), cases[i].charts);
		assert_int_equal(count(page, "<desc id="), cases[i].charts);
		assert_true(count(page, "<table>") >= 4);
	}
	buf_release(&out);
}

/* A line for each candidate whose costs are known, a ring on the day that pays back, and nothing without a horizon. */
static void costs_are_drawn_by_day(void **state)
{
	(void)state;
	struct report_variant variants[N_EMAIL];
	struct report r = email_report(variants, false);
	struct cost_rung dear = cost_rung_default, cheap = cost_rung_default;
	struct buf out = { 0 };

	dear.call.local_usd = .001;
	cheap.call.local_usd = .0001;
	cheap.setup.other_usd = 100;
	variants[EMAIL_KNN].cost = &dear;
	variants[EMAIL_HEAD].cost = &cheap;
	variants[EMAIL_HEAD].break_even_days = 11;
	r.traffic = (struct cost_traffic){ .calls_per_day = 10000, .horizon_days = 90 };
	r.calls_per_day = 10000;
	r.horizon_days = 0;
	assert_false(chart_days(&out, &r, CHART_WIDE));
	r.horizon_days = 90;
	assert_true(chart_days(&out, &r, CHART_WIDE));
	assert_int_equal(count(buf_text(&out), "<polyline"), 2);
	assert_int_equal(count(buf_text(&out), "class=\"ring\""), 1);
	assert_non_null(strstr(buf_text(&out), "1/knn-few-shot-8: $900"));
	assert_non_null(strstr(buf_text(&out), "3/head-minilm: $190"));
	buf_clear(&out);
	assert_true(chart_days(&out, &r, CHART_NARROW));
	assert_texts_fit(buf_text(&out), chart_width(CHART_NARROW));
	buf_release(&out);
}

/* A rung that is left out says why once. */
static void a_reason_is_said_once_a_rung(void **state)
{
	static const char why[] = "not built: it could not pay";
	struct report_variant variants[N_EMAIL];
	struct report r = email_report(variants, true);
	struct buf out = { 0 };
	size_t n = 0;

	(void)state;
	for (size_t i = 5; i < 10; i++) { /* of rung 1 */
		variants[i].status = VARIANT_SKIPPED;
		variants[i].why = i == 7 ? "no documents" : why;
	}
	variants[EMAIL_HEAD + 1].status = VARIANT_SKIPPED;
	variants[EMAIL_HEAD + 1].why = why;
	report_write_terminal(&r, false, 160, &out);
	for (const char *p = strstr(buf_text(&out), why); p; p = strstr(p + 1, why))
		n++;
	assert_int_equal(n, 2); /* rungs 1 and 3 */
	assert_non_null(strstr(buf_text(&out), "skipped: no documents"));
	buf_release(&out);
}

/* What points somewhere, or harms, has a line; what shows nothing shares one. */
static void the_diagnosis_is_short(void **state)
{
	static const struct probe_finding findings[] = {
		{ "label definitions", { 60, 9, 2, .117, .01, .22 }, "definitions in the prompt", FINDING_TECHNIQUE, NULL },
		{ "fixed shots", { 40, 5, 3, .05, -.09, .19 }, "", FINDING_TECHNIQUE, NULL },
		{ "chain of thought", { 20, 0, 9, -.45, -.7, -.2 }, "", FINDING_TECHNIQUE, NULL },
		{ "the best of 5 samples of zero-shot (pass@5)", { 60, 12, 1, .12, .04, .2 }, "", FINDING_SAMPLES, NULL },
		{ "lenient re-score of zero-shot", { 90, 0, 0, 0, 0, .03 }, "", FINDING_FORM, NULL },
		{ "noise", { 60, 1, 1, 0, -.05, .05 }, "", FINDING_KNOWLEDGE, NULL },
	};
	struct report_variant variants[N_EMAIL];
	struct report r = email_report(variants, true);
	struct buf out = { 0 };

	(void)state;
	r.diagnosis = findings;
	r.n_diagnosis = ARRAY_SIZE(findings);
	report_write_terminal(&r, false, 160, &out);
	assert_non_null(strstr(buf_text(&out), "  - label definitions: +11.7 points (of 60 items 9 fixed, 2 broken; 95% interval +1.0 to +22.0); points "
					       "to: definitions in the prompt.\n"));
	assert_non_null(strstr(buf_text(&out), "\u221220.0); it makes things worse.\n"));
	assert_non_null(strstr(buf_text(&out), "  - the best of 5 samples of zero-shot (pass@5): +12.0 points"));
	assert_non_null(strstr(buf_text(&out), "  - noise: 0.0 points (95% interval"));
	assert_non_null(strstr(buf_text(&out), "  - Shown neither to help nor to harm: fixed shots (+5.0 points on 40 items), lenient re-score of "
					       "zero-shot (0.0 points on 90"));
	assert_null(strstr(buf_text(&out), "fixed shots: "));
	buf_release(&out);
}

/* Label more, with what is known of how many; without a target only the forecast. */
static void more_labels_are_forecast(void **state)
{
	(void)state;
	static const struct { enum reach reach; size_t high; const char *part; } cases[] = {
		{ REACH_MORE, 0, "Label about 45 more to reach 80.0% (at least 0; how many at most cannot be forecast)." },
		{ REACH_MORE, 625, "Label about 45 more to reach 80.0% (0 to 400)." },
		{ REACH_THERE, 0, "The line meets the target of 80.0% with what there is." },
		{ REACH_UNKNOWN, 0, "When it would reach 80.0% is not within what can be forecast, which ends at 900 examples." },
	};
	struct report_variant variants[N_EMAIL];
	struct report_curve curve = email_curves[0];
	struct report r = email_report(variants, true);
	struct buf out = { 0 };

	r.curves = &curve;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		curve.reach.reach = cases[i].reach;
		curve.reach.high = cases[i].high;
		buf_clear(&out);
		assert_true(words_curve(&out, &r, 0));
		assert_non_null(strstr(buf_text(&out), "at 81.1% right with 225 examples and, if it goes on, at 85.4% with twice as many "
						       "(95% interval 73.8\u201393.0%)."));
		assert_non_null(strstr(buf_text(&out), cases[i].part));
	}
	r.target = NAN;
	buf_clear(&out);
	assert_true(words_curve(&out, &r, 0));
	assert_null(strstr(buf_text(&out), "reach"));
	assert_false(words_curve(&out, &r, 1));
	buf_release(&out);
}

static const struct {
	const char *name;
	int rung;
	enum decision decision;
	size_t labels_needed;
	enum meets_target target;
	const char *answer, *part;
} answers[] = {
	{ "a tuned winner", 3, DECISION_BETTER, 0, TARGET_NONE, "Yes", "earned its place" },
	{ "ruled out", 0, DECISION_NOT_BETTER, 0, TARGET_NONE, "No", "5 points or more from fine-tuning is ruled out" },
	{ "open", 0, DECISION_UNRESOLVED, 268, TARGET_NONE, "Not yet", "About 268 more labelled test items would "
								       "settle it" },
	{ "open, no end in sight", 0, DECISION_UNRESOLVED, SIZE_MAX, TARGET_NONE, "Not yet",
	 "more labels than can be forecast" },
	{ "a lower rung is enough", 0, DECISION_BETTER, 0, TARGET_YES, "No", "already meets the target" },
};

static void fine_tuning_is_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct report r = report_of(0);
		struct comparison c = email_comparisons[1];
		struct buf why = { 0 };

		c.decision = answers[i].decision;
		c.labels_needed = answers[i].labels_needed;
		r.comparisons = &c;
		r.n_comparisons = 1;
		r.verdict.winner = answers[i].rung == 3 ? EMAIL_HEAD : 0;
		r.verdict.meets_target = answers[i].target;
		assert_string_equal(words_fine_tune(&why, &r), answers[i].answer);
		if (!strstr(buf_text(&why), answers[i].part))
			fail_msg("%s: %s", answers[i].name, buf_text(&why));
		buf_release(&why);
	}
}

static const struct {
	enum verdict_kind kind;
	size_t winner;
	const char *headline;
} headlines[] = {
	{ VERDICT_CLIMB, EMAIL_HEAD, "Climb to rung 3: use linear head on all-MiniLM-L6-v2 embeddings." },
	{ VERDICT_STOP, 0, "Stop at rung 0: use naive Bayes on words." },
	{ VERDICT_STOP, 6, "Stay with production prompt, the variant you use today." },
	{ VERDICT_SWITCH, EMAIL_KNN, "Switch to kNN few-shot (TF-IDF), k = 8 on rung 1." },
	{ VERDICT_UNRESOLVED, 0, "Unresolved: stay on rung 0 with naive Bayes on words for now." },
	{ VERDICT_STOP, N_EMAIL, "Nothing was measured, so there is no verdict." },
};

static void headlines_say_the_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(headlines); i++) {
		struct report r = report_of(0);
		struct buf line = { 0 };

		r.verdict.decision = headlines[i].kind;
		r.verdict.winner = headlines[i].winner;
		words_headline(&line, &r);
		assert_string_equal(buf_text(&line), headlines[i].headline);
		buf_release(&line);
	}
}

static void a_climb_underway_has_no_verdict(void **state)
{
	struct report r = report_of(0);
	struct buf text = { 0 };

	(void)state;
	r.underway = true;
	r.verdict.decision = VERDICT_UNRESOLVED;
	r.verdict.winner = 0;
	words_headline(&text, &r);
	assert_string_equal(buf_text(&text), "Not finished: so far naive Bayes on words on rung 0.");
	buf_clear(&text);
	words_meaning(&text, &r);
	assert_string_equal(buf_text(&text), "The climb has not looked at every rung yet: what stands here may change.");
	buf_release(&text);
}

static void spending_is_told_against_the_full_grid(void **state)
{
	(void)state;
	struct report r = report_of(0);
	struct buf line = { 0 };

	words_spent(&line, &r);
	assert_string_equal(buf_text(&line),
			    "948 calls to language models: 678 to choose within the rungs (every variant on every dev "
			    "item would have been 990; racing saved 312, 32%) and 270 on test items; $0.41; 40 min 12 "
			    "s of work.");
	buf_release(&line);
}

/* What the winner costs over the horizon, and when it has paid its rival's lead back. */
static void costs_are_told_against_the_rival(void **state)
{
	static const struct { double days; const char *says; } rows[] = {
		{ 22.5, "the winner's one-off cost is back in 22.5 days." }, { 0, "the winner is the cheaper one from the first day." },
		{ INFINITY, "against it the winner never pays back, so that cost is no reason for it." },
	};
	struct report r = report_of(0);
	struct report_variant copies[N_EMAIL];

	(void)state;
	for (size_t i = 0; i < N_EMAIL; i++)
		copies[i] = r.variants[i];
	r.variants = copies;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf line = { 0 }, want = { 0 };

		copies[EMAIL_HEAD].break_even_days = rows[i].days;
		words_costs(&line, &r);
		buf_addf(&want, "Over 90 days the winner costs $308: $200 once and $1.20 a day. naive Bayes on words, the cheapest "
				"lower rung "
				"that passes, costs $900; %s", rows[i].says);
		assert_string_equal(buf_text(&line), buf_text(&want));
		buf_release(&line);
		buf_release(&want);
	}
}

/* An empty report is still one: every form ends, and the page is well formed. */
static void nothing_at_all_is_reported(void **state)
{
	(void)state;
	struct report r = { .task = "none", .program = "rung", .target = NAN,
			    .verdict = { .score = NAN, .low = NAN, .high = NAN } };
	struct buf out = { 0 };
	size_t n;
	const struct report_format *forms = report_formats(&n);

	for (size_t i = 0; i < n; i++) {
		buf_clear(&out);
		forms[i].write(&r, &out);
		assert_true(out.n > 0);
	}
	assert_well_formed(buf_text(&out));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_found_by_name),
		cmocka_unit_test(json_carries_texts),
		cmocka_unit_test(json_carries_numbers),
		cmocka_unit_test(json_of_the_extreme),
		cmocka_unit_test(same_report_gives_the_same_bytes),
		cmocka_unit_test(page_is_well_formed),
		cmocka_unit_test(page_loads_nothing),
		cmocka_unit_test(page_runs_its_own_scripts),
		cmocka_unit_test(a_served_page_asks_for_news),
		cmocka_unit_test(items_that_changed_hands_are_told),
		cmocka_unit_test(classes_match_the_reference),
		cmocka_unit_test(rare_labels_are_told),
		cmocka_unit_test(diagnosis_flows_to_a_remedy),
		cmocka_unit_test(the_frontier_is_drawn),
		cmocka_unit_test(names_cannot_reach_the_terminal),
		cmocka_unit_test(escapes_match),
		cmocka_unit_test(figures_read_well),
		cmocka_unit_test(text_keeps_to_the_width),
		cmocka_unit_test(colour_is_optional_and_closed),
		cmocka_unit_test(lines_break_at_spaces),
		cmocka_unit_test(chart_texts_fit),
		cmocka_unit_test(page_draws_each_chart_in_two_sizes),
		cmocka_unit_test(costs_are_drawn_by_day),
		cmocka_unit_test(a_reason_is_said_once_a_rung),
		cmocka_unit_test(the_diagnosis_is_short),
		cmocka_unit_test(more_labels_are_forecast),
		cmocka_unit_test(fine_tuning_is_answered),
		cmocka_unit_test(headlines_say_the_verdict),
		cmocka_unit_test(a_climb_underway_has_no_verdict),
		cmocka_unit_test(spending_is_told_against_the_full_grid),
		cmocka_unit_test(costs_are_told_against_the_rival),
		cmocka_unit_test(nothing_at_all_is_reported),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
