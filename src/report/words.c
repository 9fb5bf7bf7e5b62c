/* words.c - sentences for engineers who ask "should I fine-tune?": plain, exact, and no surer than the numbers. */
#include "report/words.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "eval/ceiling.h"
#include "report/escape.h"
#include "report/figure.h"
#include "report/paid.h"

static const char *name_of(const struct report *r, const char *id)
{
	const struct report_variant *v = report_find(r, id);

	return v ? v->name : id;
}

static void add_name(struct buf *out, const char *before, const char *name, const char *after)
{
	buf_adds(out, before);
	escape_name(out, name);
	buf_adds(out, after);
}

/* "rung 2", or the place on a ladder that was posed, counted from 1. */
static const char *place_word(const struct report *r)
{
	return r->origin == REPORT_POSED ? "step" : "rung";
}

static int place_number(const struct report *r, const struct report_variant *v)
{
	return r->origin == REPORT_POSED ? v->rung + 1 : v->rung;
}

void words_headline(struct buf *out, const struct report *r)
{
	const struct report_variant *w = report_winner(r);

	if (!w) {
		buf_adds(out, "Nothing was measured, so there is no verdict.");
		return;
	}
	switch (r->verdict.decision) {
	case VERDICT_CLIMB:
		buf_addf(out, "Climb to %s %d: ", place_word(r), place_number(r, w));
		add_name(out, "use ", w->name, ".");
		break;
	case VERDICT_SWITCH:
		add_name(out, "Switch to ", w->name, "");
		buf_addf(out, " on %s %d.", place_word(r), place_number(r, w));
		break;
	case VERDICT_STOP:
		if (w->incumbent)
			add_name(out, "Stay with ", w->name, ", the variant you use today.");
		else {
			buf_addf(out, "Stop at %s %d: ", place_word(r), place_number(r, w));
			add_name(out, "use ", w->name, ".");
		}
		break;
	case VERDICT_UNRESOLVED:
		if (r->underway) {
			add_name(out, "Not finished: so far ", w->name, "");
			buf_addf(out, " on rung %d.", w->rung);
			break;
		}
		buf_addf(out, "Unresolved: stay on %s %d ", place_word(r), place_number(r, w));
		add_name(out, "with ", w->name, " for now.");
		break;
	}
}

static void add_target(struct buf *out, const struct report *r)
{
	static const char *const said[] = {
		[TARGET_YES] = "That meets the target of ",
		[TARGET_NO] = "That misses the target of ",
		[TARGET_UNRESOLVED] = "Too few items to say whether that meets the target of ",
	};
	const char *target = r->verdict.meets_target == TARGET_NONE ? NULL : said[r->verdict.meets_target];

	if (target && isfinite(r->target))
		buf_addf(out, " %s%s.", target, figure_share(r->target).text);
}

void words_score(struct buf *out, const struct report *r)
{
	const struct report_variant *w = report_winner(r);

	if (!w || !isfinite(r->verdict.score))
		return;
	buf_addf(out, "It scored %s", figure_percent(r->verdict.score).text);
	if (w->test.n > 0)
		buf_addf(out, r->origin == REPORT_CLIMB ? " on %s test items that nothing was chosen or trained on" : " on %s recorded items",
			 figure_count(w->test.n).text);
	if (isfinite(r->verdict.low) && isfinite(r->verdict.high))
		buf_addf(out, " (95%% interval %s)", figure_span(r->verdict.low, r->verdict.high).text);
	buf_adds(out, ".");
	if (r->plan == DECIDE_EARLY && w->test.n > 0 && w->test.n < r->examples.test)
		buf_adds(out, " Looking stopped as soon as that was enough to decide, so the score is more likely too high than too low.");
	add_target(out, r);
}

static const struct comparison *first_unresolved(const struct report *r)
{
	for (size_t i = 0; i < r->n_comparisons; i++)
		if (r->comparisons[i].decision == DECISION_UNRESOLVED)
			return &r->comparisons[i];
	return NULL;
}

void words_labels_needed(struct buf *out, const struct comparison *c)
{
	if (c->labels_needed == SIZE_MAX)
		buf_adds(out, "Settling it would take more labels than can be forecast from what was seen.");
	else
		buf_addf(out, "About %s more labelled test item%s would settle it, if the rates seen here persist.",
			 figure_count(c->labels_needed).text, c->labels_needed == 1 ? "" : "s");
}

static void add_unresolved(struct buf *out, const struct report *r)
{
	const struct comparison *c = first_unresolved(r);

	buf_adds(out, "This is the honest answer, not a failure: the examples do not yet tell whether climbing pays, "
		      "so the lower rung stays by policy.");
	if (!c)
		return;
	buf_addf(out, " Between ");
	escape_name(out, name_of(r, c->from));
	add_name(out, " and ", name_of(r, c->to), "");
	buf_addf(out, ", any difference from %s points fits the %s items. ", figure_gap(c->low, c->high).text,
		 figure_count(c->n).text);
	words_labels_needed(out, c);
}

void words_meaning(struct buf *out, const struct report *r)
{
	const struct report_variant *w = report_winner(r);

	if (!w)
		return;
	if (r->origin != REPORT_CLIMB) {
		words_meaning_recorded(out, r);
		return;
	}
	switch (r->verdict.decision) {
	case VERDICT_CLIMB:
		if (words_by_cost(r))
			buf_addf(out, "On your examples rung %d was shown not to be worse by %s points, and at your traffic it pays for itself: "
				      "the step up is for its cost, not for its score.", w->rung, figure_margin(r->margin).text);
		else
			buf_addf(out, "On your examples the step up to rung %d was shown to be worth it, and nothing higher "
				      "was shown to be worth more.", w->rung);
		break;
	case VERDICT_SWITCH:
		buf_adds(out, "You need no higher rung than the one you are on: on your examples this variant was "
			      "shown to be the better choice than the one you use today.");
		break;
	case VERDICT_STOP:
		if (r->verdict.meets_target == TARGET_YES)
			buf_addf(out, "Rung %d is high enough: nothing above it is needed to reach the target.",
				 w->rung);
		else
			buf_addf(out, "Every higher rung was measured or ruled out, and none was shown to be worth "
				      "leaving rung %d for.",
				 w->rung);
		break;
	case VERDICT_UNRESOLVED:
		if (r->underway)
			buf_adds(out, "The climb has not looked at every rung yet: what stands here may change.");
		else
			add_unresolved(out, r);
		break;
	}
}

static bool is_tuned(const struct report *r, const char *id)
{
	const struct report_variant *v = report_find(r, id);

	return v && v->rung == 3;
}

/* The comparison that speaks about fine-tuning: one that involves the winner if there is one, else the last. */
static const struct comparison *tuning_comparison(const struct report *r)
{
	const struct report_variant *w = report_winner(r);
	const struct comparison *found = NULL;

	for (size_t i = 0; i < r->n_comparisons; i++) {
		const struct comparison *c = &r->comparisons[i];

		if (is_tuned(r, c->from) == is_tuned(r, c->to))
			continue;
		found = c;
		if (w && (strcmp(c->from, w->id) == 0 || strcmp(c->to, w->id) == 0))
			break;
	}
	return found;
}

static const struct report_variant *tuned_variant(const struct report *r)
{
	for (size_t i = 0; i < r->n_variants; i++)
		if (r->variants[i].rung == 3)
			return &r->variants[i];
	return NULL;
}

/* A lower rung won, and fine-tuning was measured: c says how it fared. */
static const char *answer_from_comparison(struct buf *out, const struct report *r, const struct comparison *c)
{
	const struct figure margin = figure_margin(r->margin);
	const char *word = "No";

	if (is_tuned(r, c->from)) {
		add_name(out, "", name_of(r, c->to), " was measured against the fine-tuned variant you use today and "
						     "does its work");
		buf_addf(out, ": %s points (interval %s).", figure_points(c->delta).text,
			 figure_gap(c->low, c->high).text);
	} else if (c->decision == DECISION_NOT_BETTER) {
		buf_addf(out, "A gain of %s points or more from fine-tuning is ruled out on your examples: the "
			      "interval is %s points.",
			 margin.text, figure_gap(c->low, c->high).text);
		if (c->pays == PAYING_UNKNOWN && c->high >= -r->margin) {
			words_payback(out, r, c);
			word = "Not yet";
		}
	} else if (c->decision == DECISION_NOT_PAYING) {
		buf_addf(out, "Costs alone count here. Fine-tuning differed by %s points.", figure_points(c->delta).text);
		words_payback(out, r, c);
		word = c->pays == PAYING_UNKNOWN ? "Not yet" : "No";
	} else if (c->decision == DECISION_UNRESOLVED && (c->pays == PAYING_YES || c->pays == PAYING_OPEN)) {
		buf_addf(out, "Fine-tuning differed by %s points (interval %s), which does not rule out a loss of %s. ",
			 figure_points(c->delta).text, figure_gap(c->low, c->high).text, margin.text);
		words_labels_needed(out, c);
		words_payback(out, r, c);
		word = "Not yet";
	} else if (c->decision == DECISION_UNRESOLVED) {
		buf_addf(out, "Fine-tuning differed by %s points (interval %s), which neither shows nor rules out a "
			      "gain of %s. ",
			 figure_points(c->delta).text, figure_gap(c->low, c->high).text, margin.text);
		words_labels_needed(out, c);
		word = "Not yet";
	} else {
		buf_addf(out, "Fine-tuning scored %s points against the rung below, but a lower rung does what was "
			      "asked for.",
			 figure_points(c->delta).text);
	}
	return word;
}

static const char *answer_untested(struct buf *out, const struct report *r)
{
	const struct report_variant *tuned = tuned_variant(r);

	if (r->verdict.meets_target == TARGET_YES) {
		buf_adds(out, "A lower rung already meets the target, so there is nothing for fine-tuning to add.");
		return "No";
	}
	if (tuned && tuned->why && strncmp(tuned->why, NOT_BUILT, strlen(NOT_BUILT)) == 0) {
		buf_adds(out, "Nothing could be gained by it: ");
		escape_plain(out, tuned->why + strlen(NOT_BUILT));
		buf_addc(out, '.');
		return "No";
	}
	if (tuned && tuned->why) {
		buf_adds(out, "Fine-tuning was not tested: ");
		escape_plain(out, tuned->why);
	} else {
		buf_adds(out, "Fine-tuning was not measured, so this report can neither recommend it nor rule it out.");
	}
	return "Not yet";
}

const char *words_fine_tune(struct buf *out, const struct report *r)
{
	const struct report_variant *w = report_winner(r);
	const struct comparison *c = tuning_comparison(r);

	if (w && w->rung == 3 && !w->incumbent && !c) {
		buf_adds(out, "No lower rung was measured, so nothing says that one does not do as well.");
		return "Not yet";
	}
	if (w && w->rung == 3 && words_by_cost(r)) {
		buf_addf(out, "It was shown not to be worse by %s points than the rung below, and at your traffic it pays for itself.",
			 figure_margin(r->margin).text);
		return "Yes";
	}
	if (w && w->rung == 3) {
		buf_adds(out, w->incumbent
				      ? "What you use today is fine-tuned, and no lower rung was shown to do as well."
				      : "It was measured against the lower rungs on the same items and earned its place.");
		return "Yes";
	}
	if (c && r->verdict.meets_target != TARGET_YES)
		return answer_from_comparison(out, r, c);
	return answer_untested(out, r);
}

static void add_decision(struct buf *out, const struct report *r, const struct comparison *c)
{
	const struct figure margin = figure_margin(r->margin);

	switch (c->decision) {
	case DECISION_BETTER:
		buf_addf(out, "Better: shown at its share of the error budget (%s), and by at least the margin.",
			 figure_share(c->alpha).text);
		break;
	case DECISION_NOT_WORSE:
		buf_addf(out, "Not worse: a loss of %s points is ruled out.", margin.text);
		break;
	case DECISION_NOT_BETTER:
		buf_addf(out, c->high < -r->margin ? "Worse: a loss of more than %s points is shown." : "Not better: a gain of %s points is ruled out.",
			 margin.text);
		break;
	case DECISION_NOT_PAYING:
		buf_adds(out, "Costs alone count.");
		break;
	case DECISION_UNRESOLVED:
		buf_addf(out, c->pays == PAYING_YES || c->pays == PAYING_OPEN
				      ? "Unresolved: a loss of %s points is neither ruled out nor shown. "
				      : "Unresolved: a gain of %s points is neither shown nor ruled out. ", margin.text);
		words_labels_needed(out, c);
		break;
	}
	words_payback(out, r, c);
}

void words_comparison(struct buf *out, const struct report *r, const struct comparison *c)
{
	add_name(out, "", name_of(r, c->to), " did better than ");
	escape_name(out, name_of(r, c->from));
	buf_addf(out, " on %s of %s items and worse on %s: %s points (interval %s). ", figure_count(c->wins).text,
		 figure_count(c->n).text, figure_count(c->losses).text, figure_points(c->delta).text,
		 figure_gap(c->low, c->high).text);
	add_decision(out, r, c);
}

void words_examples(struct buf *out, const struct report *r)
{
	if (r->origin != REPORT_CLIMB) {
		words_examples_recorded(out, r);
		return;
	}
	buf_addf(out, "%s examples", figure_count(r->examples.total).text);
	if (r->examples.duplicates > 0)
		buf_addf(out, " (%s duplicate%s dropped)", figure_count(r->examples.duplicates).text,
			 r->examples.duplicates == 1 ? "" : "s");
	if (r->examples.pool + r->examples.dev > 0)
		buf_addf(out, ": %s pool, %s dev, ", figure_count(r->examples.pool).text,
			 figure_count(r->examples.dev).text);
	else
		buf_adds(out, ": ");
	buf_addf(out, "%s test", figure_count(r->examples.test).text);
	if (r->examples.aside > 0)
		buf_addf(out, ", %s set aside", figure_count(r->examples.aside).text);
}

void words_spent(struct buf *out, const struct report *r)
{
	size_t full = r->spent.dev_calls_full_grid, dev = r->spent.dev_calls;

	if (r->origin != REPORT_CLIMB) {
		words_spent_recorded(out, r);
		return;
	}
	if (full == 0 && dev == 0 && r->spent.test_calls == 0) {
		buf_adds(out, "No language model was called");
	} else {
		buf_addf(out, "%s calls to language models: %s to choose within the rungs",
			 figure_count(dev + r->spent.test_calls).text,
			 figure_count(dev).text);
		if (full > dev)
			buf_addf(out, " (every variant on every dev item would have been %s; racing saved %s, %.0f%%)",
				 figure_count(full).text, figure_count(full - dev).text,
				 100.0 * (double)(full - dev) / (double)full);
		buf_addf(out, " and %s on test items", figure_count(r->spent.test_calls).text);
	}
	if (r->spent.replayed > 0)
		buf_addf(out, "; %s of them out of a record, without asking anybody", figure_count(r->spent.replayed).text);
	if (isfinite(r->spent.usd))
		buf_addf(out, "; %s", figure_usd(r->spent.usd).text);
	if (isfinite(r->spent.seconds) && (r->spent.seconds > 0 || r->n_paid == 0))
		buf_addf(out, "; %s of work", figure_seconds(r->spent.seconds).text);
	buf_adds(out, r->n_paid ? ". " : ".");
	words_paid(out, r);
}

static void rule_choice(struct buf *out, const struct report *r)
{
	(void)r;
	buf_adds(out, "Within each rung, variants competed on the dev items and one candidate was chosen. Only "
		      "candidates (and the variant in use, if one was named) answered the test items, which nothing "
		      "was chosen or trained on. Rungs were compared from the bottom up.");
}

static void rule_errors(struct buf *out, const struct report *r)
{
	buf_addf(out, "The chance of recommending a higher rung that is in truth no better%s is at most alpha = %s for "
		      "the whole climb, shared among its tests",
		 r->climb_for == CLIMB_FOR_QUALITY ? "" : " (for its cost: that is in truth worse by the margin or more)",
		 figure_share(r->alpha).text);
	if (r->n_comparisons > 0)
		buf_addf(out, "; each comparison here had %s", figure_share(r->comparisons[0].alpha).text);
	if (r->climb_for == CLIMB_FOR_COST)
		buf_adds(out, ".");
	else
		buf_addf(out, ". A step up must also gain at least the margin, %s points: smaller differences are not worth a rung.",
			 figure_margin(r->margin).text);
	if (r->climb_for != CLIMB_FOR_QUALITY)
		buf_addf(out, " %s rung takes the place of a lower one for its cost when a loss of the margin, %s points, is ruled out and it pays "
			      "for itself, at the pessimistic end, within %s days at %s calls a day.",
			 r->climb_for == CLIMB_FOR_COST ? "Costs alone count: a" : "A", figure_margin(r->margin).text,
			 figure_number(r->decided_at.horizon_days).text, figure_number(r->decided_at.calls_per_day).text);
}

static void rule_plan(struct buf *out, const struct report *r)
{
	if (r->plan == DECIDE_EARLY)
		buf_adds(out, "Plan: early. The tests stay valid however often they are looked at, so a comparison may "
			      "stop as soon as it is settled; e-values measure the evidence (1/alpha is enough).");
	else
		buf_adds(out, "Plan: full. Every test item was used and each test was made once, which has the most "
			      "power; p-values measure the evidence.");
}

static void rule_intervals(struct buf *out, const struct report *r)
{
	(void)r;
	buf_adds(out, "An interval may include 0 beside \u201cbetter\u201d, and that is no contradiction: the test "
		      "asks one question (is it better?), while the interval of a comparison is two-sided and holds at "
		      "any stopping time, so it is wider. "
		      "Intervals of single scores are 95% intervals.");
}

static void rule_not_chosen(struct buf *out, const struct report *r)
{
	(void)r;
	buf_adds(out, "A rung that was not chosen is either \u201cnot better\u201d (a gain of the margin or more is "
		      "ruled out) or \u201cunresolved\u201d (neither shown nor ruled out). No decision is not "
		      "equality: an unresolved comparison says how many more labels would settle it, and the lower "
		      "rung stays meanwhile.");
}

static void rule_target(struct buf *out, const struct report *r)
{
	if (isfinite(r->target))
		buf_addf(out, "The target is %s: the lowest rung whose score is shown to reach it wins. Half of alpha "
			      "is kept for these tests.",
			 figure_share(r->target).text);
	else
		buf_adds(out, "No target was set, so a rung is judged only against the rungs below it.");
}

bool words_rule(struct buf *out, const struct report *r, size_t i)
{
	static void (*const paragraphs[])(struct buf *, const struct report *) = {
		rule_choice, rule_errors, rule_plan, rule_target, rule_intervals, rule_not_chosen,
	};

	if (i >= sizeof(paragraphs) / sizeof(paragraphs[0]))
		return false;
	paragraphs[i](out, r);
	return true;
}
