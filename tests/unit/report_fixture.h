/* report_fixture.h - reports as data: a realistic one (e-mails, rungs 0, 1 and 3), and one of everything at its
 * edge. */
#ifndef RUNG_TEST_REPORT_FIXTURE_H
#define RUNG_TEST_REPORT_FIXTURE_H

#include <math.h>
#include <stdint.h>

#include "report/report.h"

#define NOT_TESTED { .n = 0 }

static const char *const email_labels[] = { "spam", "marketing", "personal", "work", "automated" };

static const char local_model[] = "SmolLM2-135M-Instruct";

/* Rungs 0 and 3 make no calls. */
#define OWN(id_, name_, rung_, candidate_, why_, dev_, dev_low, dev_high, usd)                                         \
	.id = id_, .name = name_, .rung = rung_, .candidate = candidate_, .why = why_,                                \
	.dev = { 90, dev_, dev_low, dev_high }, .usd_per_1k_calls = usd, .usd_per_1k_right = (usd) / (dev_),          \
	.usd_per_day = 500 * (usd), .ms_p50 = 3e4 * (usd), .ms_p95 = 5e4 * (usd), .input_tokens = 0
#define PROMPT(id_, name_, status_, n_, dev_, dev_low, dev_high, calls_, tokens_, usd)                                 \
	.id = id_, .name = name_, .model = local_model, .rung = 1, .status = status_,                                 \
	.dev = { n_, dev_, dev_low, dev_high }, .calls = calls_, .input_tokens = tokens_, .output_tokens = 3.1,        \
	.usd_per_1k_calls = usd, .usd_per_1k_right = (usd) / (dev_), .usd_per_day = 500 * (usd),                      \
	.ms_p50 = 3e4 * (usd), .ms_p95 = 5e4 * (usd)

static const struct report_variant email_variants[] = {
	{ OWN("0/naive-bayes", "naive Bayes on words", 0, true, NULL, .644, .541, .736, .00021),
	  .test = { 135, .6519, .568, .727 }, .outcomes = { 88, 47 } },
	{ OWN("0/linear-ngrams", "linear on word and character n-grams", 0, false, NULL, .633, .530, .726, .00034),
	  .outcomes = { 57, 33 } },
	{ OWN("0/nearest-tfidf", "nearest neighbour, TF-IDF", 0, false, NULL, .556, .453, .654, .00028),
	 .outcomes = { 50, 40 } },
	{ OWN("0/majority", "majority: always the commonest label", 0, false, NULL, .211, .140, .306, 0),
	 .outcomes = { 19, 71 } },
	{ PROMPT("1/knn-few-shot-8", "kNN few-shot (TF-IDF), k = 8", VARIANT_MEASURED, 90, .711, .610, .795, 225, 812,
		 .0412),
	  .candidate = true, .test = { 135, .7185, .637, .788 }, .outcomes = { 97, 33, 4, 0, 1 } },
	{ PROMPT("1/knn-few-shot-4", "kNN few-shot (TF-IDF), k = 4", VARIANT_MEASURED, 90, .689, .587, .775, 90, 471,
		 .0287),
	  .outcomes = { 62, 24, 4 } },
	{ PROMPT("1/production", "production prompt", VARIANT_MEASURED, 90, .422, .325, .525, 225, 160, .0156),
	  .incumbent = true, .test = { 135, .4296, .349, .514 }, .outcomes = { 58, 59, 15, 1, 2 } },
	{ PROMPT("1/few-shot-4-definitions", "few-shot (4 fixed), with label definitions, wording 2", VARIANT_RACED_OUT,
		 45, .467,
		 .329, .609, 45, 530, .0302), .outcomes = { 21, 20, 4 } },
	{ PROMPT("1/few-shot-8", "few-shot (8 fixed)", VARIANT_RACED_OUT, 45, .444, .309, .588, 45, 780, .0398),
	 .outcomes = { 20, 22, 3 } },
	{ PROMPT("1/few-shot-4", "few-shot (4 fixed)", VARIANT_RACED_OUT, 45, .422, .290, .567, 45, 455, .0279),
	 .outcomes = { 19, 22, 4 } },
	{ PROMPT("1/definitions", "zero-shot, label definitions", VARIANT_RACED_OUT, 23, .391, .222, .592, 23, 240,
		 .0184),
	  .outcomes = { 9, 11, 3 } },
	{ PROMPT("1/structured", "zero-shot, structured output", VARIANT_RACED_OUT, 23, .348, .188, .551, 23, 190,
		 .0171),
	  .outcomes = { 8, 15 } },
	{ PROMPT("1/chain-of-thought", "chain of thought", VARIANT_RACED_OUT, 23, .304, .156, .509, 23, 170, .231),
	  .outcomes = { 7, 9, 4, 0, 3 } },
	{ PROMPT("1/self-consistency-5", "self-consistency (5 samples)", VARIANT_RACED_OUT, 23, .304, .156, .509, 115,
		 170, 1.16),
	  .outcomes = { 7, 12, 4 } },
	{ PROMPT("1/zero-shot", "zero-shot", VARIANT_RACED_OUT, 23, .261, .125, .465, 23, 150, .0149),
	 .outcomes = { 6, 12, 5 } },
	{ .id = "1/hosted", .name = "zero-shot on a hosted model", .model = "openai:gpt-4.1-mini", .rung = 1,
	 .status = VARIANT_FAILED,
	  .why = "no key: set OPENAI_API_KEY, or remove openai:gpt-4.1-mini from `models:`", .usd_per_1k_calls = NAN,
	  .usd_per_1k_right = NAN, .usd_per_day = NAN, .ms_p50 = NAN, .ms_p95 = NAN },
	{ OWN("3/head-minilm", "linear head on all-MiniLM-L6-v2 embeddings", 3, true, NULL, .822, .731, .888, .0024),
	  .test = { 135, .8296, .757, .884 }, .outcomes = { 112, 23 } },
	{ OWN("3/head-minilm-bayes", "linear head on embeddings and n-grams", 3, false, NULL, .811, .718, .879, .0027),
	  .outcomes = { 73, 17 } },
	{ .id = "3/lora-smollm2", .name = "LoRA on SmolLM2-135M-Instruct", .model = local_model, .rung = 3,
	 .status = VARIANT_SKIPPED,
	  .why = "training would take about 95 minutes, more than the 20 of `budget:`", .usd_per_1k_calls = NAN,
	  .usd_per_1k_right = NAN, .usd_per_day = NAN, .ms_p50 = NAN, .ms_p95 = NAN },
};
enum { EMAIL_KNN = 4, EMAIL_HEAD = 16 };

static const size_t email_confusion[5 * 6] = {
	24, 2, 0, 1, 0, 0, /* spam */
	3, 22, 0, 0, 2, 0, /* marketing */
	0, 0, 21, 6, 0, 0, /* personal */
	1, 0, 4, 21, 1, 0, /* work */
	1, 2, 0, 0, 24, 0, /* automated */
};

static const struct comparison email_comparisons[] = {
	{ .from = "0/naive-bayes", .to = "1/knn-few-shot-8", .n = 135, .wins = 27, .losses = 18, .delta = .0667,
	 .low = -.061,
	  .high = .191, .alpha = .025, .plan = DECIDE_FULL,
	  .p_value = .1163, .e_value = NAN, .decision = DECISION_UNRESOLVED,
	  .labels_needed = 268 },
	{ .from = "0/naive-bayes", .to = "3/head-minilm", .n = 135, .wins = 35, .losses = 11, .delta = .1778,
	 .low = .0514,
	  .high = .297, .alpha = .025, .plan = DECIDE_FULL,
	  .p_value = 2.67e-4, .e_value = NAN, .decision = DECISION_BETTER },
};

static const char *const email_reasons[] = {
	("Whether 1/knn-few-shot-8 is better than 0/naive-bayes is unresolved: +6.7 points on 135 items (27 won, "
	 "18 lost; interval -6.1 to +19.1); about 268 more labels would settle it if the rates persist."),
	"3/head-minilm is better than 0/naive-bayes: +17.8 points on 135 items (35 won, 11 lost; interval +5.1 to "
	"+29.7).",
};
static const char *const email_findings[] = {
	"zero-shot is not shown better than always answering the commonest label: 26.1 % of 23 items, against 21.1 %.",
	"135 test items cannot tell small differences apart: about 155 settle a gap of 10 points, about 657 one of 5.",
	"2 examples with the same text carry different labels (e-mails 118 and 301): check them.",
};
static const struct target_test email_targets[] = {
	{ .variant = "0/naive-bayes", .n = 135, .p_value = .99, .e_value = NAN, .result = TARGET_NO },
	{ .variant = "1/knn-few-shot-8", .n = 135, .p_value = .98, .e_value = NAN, .result = TARGET_NO },
	{ .variant = "3/head-minilm", .n = 135, .p_value = .21, .e_value = NAN, .result = TARGET_UNRESOLVED },
};

/* The caller owns nothing; variants is room for N_EMAIL copies, of which the winner is marked. */
#define N_EMAIL (sizeof(email_variants) / sizeof(email_variants[0]))
static const struct curve_point email_points[] = {
	{ 14, .52 }, { 28, .41 }, { 56, .33 }, { 112, .24 }, { 225, .19 }, { 14, .45 }, { 28, .44 }, { 56, .30 },
};
static const struct report_curve email_curves[] = {
	{ .variant = "3/head-minilm", .name = "linear head on all-MiniLM-L6-v2 embeddings", .points = email_points, .n = 8, .items = 90,
	  .fit = { .points = 8, .most = 225, .a = 1.4, .b = .37, .items = 90 }, .rarest = 40, .now = { .189, .1, .3 }, .twice = { .146, .07, .262 },
	  .reach = { REACH_MORE, 270, 90, 0 } },
};

/* Two of the items on which the comparisons differ; one answer could not be read, and one text is an attack. */
static const struct report_variant *const email_sides[] = { &email_variants[0], &email_variants[EMAIL_KNN], &email_variants[EMAIL_HEAD] };
static const struct report_pair email_pairs[] = { { 0, 1, 1, 0 }, { 0, 2, 1, 1 } };
static const struct report_side email_answers[][3] = {
	{ { "work", "answered", 0 }, { "personal", "answered", 1 }, { "personal", "answered", 1 } },
	{ { "spam", "answered", 1 }, { NULL, "unparsed", 0 }, { "</dd><script>alert(1)</script>", "answered", 0 } },
};
static const signed char email_changed[][2] = { { 1, 1 }, { 0, -1 } };
static const struct report_item email_items[] = {
	{ "118", "Subject: dinner\nBody: see you at <b>8</b> & bring wine", "personal", email_answers[0], email_changed[0] },
	{ "a\"b", "Win \u202ebig\" onload=\"x", "spam", email_answers[1], email_changed[1] },
};

static inline struct report email_report(struct report_variant variants[N_EMAIL], bool target)
{
	struct report r = {
		.task = "email", .program = "rung "
					    "0.1.0", .labels = email_labels, .n_labels = 5, .seed = 1, .alpha = .05,
		.margin = .05, .target = target ? .80 : NAN, .examples = { 452, 2, 225, 90, 135 }, .variants = variants,
		.exchange = { email_pairs, 2, email_sides, 3, email_items, 2, 0, true }, .n_variants = N_EMAIL, .curves = email_curves, .n_curves = 1, .comparisons = email_comparisons, .n_comparisons = 2, .targets = email_targets,
		.n_targets = target ? 3
			: 0, .confusion = email_confusion, .majority_share = .2, .findings = email_findings,
		.n_findings = 3, .cpu_usd_per_core_hour = .04, .prices_as_of = "2026-08-01", .calls_per_day = 500000, .horizon_days = 90,
		.spent = { 678, 990, 270, .41, 2412 },
	};

	for (size_t i = 0; i < N_EMAIL; i++) {
		variants[i] = email_variants[i];
		variants[i].one_off_usd = variants[i].tco_usd = variants[i].break_even_days = variants[i].break_even_calls = NAN;
	}
	variants[0].one_off_usd = 0, variants[0].tco_usd = 900;
	variants[EMAIL_HEAD].rival = "0/naive-bayes";
	variants[EMAIL_HEAD].one_off_usd = 200, variants[EMAIL_HEAD].tco_usd = 308;
	variants[EMAIL_HEAD].break_even_days = 22.5, variants[EMAIL_HEAD].break_even_calls = 120000;
	variants[EMAIL_HEAD].winner = true;
	r.verdict = (struct verdict){
		.decision = VERDICT_CLIMB, .winner = EMAIL_HEAD, .meets_target = target ? TARGET_UNRESOLVED
			: TARGET_NONE,
		.score = .8296, .low = .757, .high = .884, .reasons = email_reasons, .n_reasons = 2,
		.next_step = "Serve 3/head-minilm with `rung ask email`.",
	};
	return r;
}

/* The same climb without rung 3, left open: what most readers meet first. */
static inline struct report unresolved_report(struct report_variant variants[N_EMAIL])
{
	struct report r = email_report(variants, false);

	variants[EMAIL_HEAD].winner = false;
	variants[0].winner = true;
	r.n_variants = EMAIL_HEAD;
	r.n_comparisons = 1;
	r.verdict = (struct verdict){
		.decision = VERDICT_UNRESOLVED,
		.winner = 0, .score = .6519, .low = .568, .high = .727, .reasons = email_reasons,
		.n_reasons = 1, .next_step = "Stay with 0/naive-bayes; label about 268 more labels to settle what is "
					     "open, then climb again.",
	};
	return r;
}

/* Markup, quotes, a terminal escape, right-to-left letters with an override, wrong UTF-8, Markdown, sheer length. */
#define HOSTILE "<script>alert('x\"y')</script>&\x1b[2J| `@all` \u202e\u05e9\u05dc\u05d5\u05dd \xff]]>"
enum { N_MANY = 77 };

struct extreme {
	char names[N_MANY][64];
	const char *labels[N_MANY];
	size_t confusion[N_MANY * (N_MANY + 1)];
	struct report_variant variant;
	struct report_switch switched;
	struct report report;
};

/* One variant and nothing else known: no comparison, no cost, no test item, 77 labels. */
static inline void extreme_init(struct extreme *e)
{
	static const char *const reasons[] = { HOSTILE };
	static const char *items[] = { HOSTILE };

	*e = (struct extreme){ 0 };
	for (size_t i = 0; i < N_MANY; i++) {
		snprintf(e->names[i], sizeof(e->names[i]), i == 3 ? "<b>%s %zu"
			 : "card_payment_wrong_exchange_rate_%s%zu",
			 i == 3 ? "\u05e2\u05d1\u05e8\u05d9\u05ea\"'" : "", i);
		e->labels[i] = e->names[i];
		e->confusion[i * (N_MANY + 1) + i] = 12;
		e->confusion[i * (N_MANY + 1) + (i * 7 + 3) % (N_MANY + 1)] += i % 5;
	}
	e->variant = (struct report_variant){
		.id = "1/" HOSTILE, .name = HOSTILE " and a name that goes on and on until no column could ever hold "
						    "it all",
		.model = "http://127.0.0.1:8080/v1#" HOSTILE,
		.rung = 1, .winner = true, .candidate = true, .why = HOSTILE,
		.input_tokens = NAN, .output_tokens = NAN, .usd_per_1k_calls = NAN, .usd_per_1k_right = NAN,
		.usd_per_day = NAN, .one_off_usd = NAN, .tco_usd = NAN, .break_even_days = NAN, .break_even_calls = NAN,
		.ms_p50 = NAN, .ms_p95 = NAN,
	};
	e->switched = (struct report_switch){ .from = &e->variant, .to = &e->variant, .split = SWITCH_DEV, .binary = true, .n = 1, .only_from = 1,
					      .delta = -1, .low = -1, .high = 1, .choices = 1, .lost = items };
	e->report = (struct report){
		.switching = &e->switched, .n_switching = 1, .n_switching_models = 2, .task = HOSTILE, .program = "rung "
					    "0.1.0", .labels = e->labels, .n_labels = N_MANY,
		.seed = UINT64_MAX, .alpha = .05,
		.margin = .05, .target = NAN, .variants = &e->variant, .n_variants = 1, .confusion = e->confusion,
		.majority_share = NAN, .cpu_usd_per_core_hour = NAN, .spent = { .usd = NAN, .seconds = NAN },
		.verdict = { .decision = VERDICT_STOP, .score = NAN, .low = NAN, .high = NAN, .reasons = reasons,
			    .n_reasons = 1,
			     .next_step = HOSTILE },
	};
}

#endif
