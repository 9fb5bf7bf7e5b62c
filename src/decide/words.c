/* words.c - one sentence a comparison, one for the target, one for what to do next. */
#include "decide/words.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

/* 500000 as "500,000". */
static const char *grouped(struct arena *arena, double number)
{
	char digits[32];
	int n = snprintf(digits, sizeof(digits), "%.0f", number);
	const char *text = "";

	for (int i = 0; i < n; i++)
		text = arena_printf(arena, "%s%c%s", text, digits[i], (n - i) % 3 == 1 && i + 1 < n ? "," : "");
	return text;
}

static const char *labels_needed(struct arena *arena, size_t n)
{
	return n == SIZE_MAX ? "more examples than can be forecast" : arena_printf(arena, "about %s more examples", grouped(arena, (double)n));
}

/* "pays for itself after 12 days at 10,000 calls a day"; `to` as "it". */
static const char *explain_payback(struct arena *arena, const struct decide_rule *rule, const struct comparison *c)
{
	const char *calls = grouped(arena, rule->traffic.calls_low);

	if (c->pays == PAYING_YES && c->pays_after_days <= 0)
		return arena_printf(arena, "is the cheaper one from the first day at %s calls a day", calls);
	if (c->pays == PAYING_YES && c->pays_after_days < 1)
		return arena_printf(arena, "pays for itself within a day at %s calls a day", calls);
	if (c->pays == PAYING_YES)
		return arena_printf(arena, c->pays_after_days < 10 ? "pays for itself after %.1f days at %s calls a day"
								   : "pays for itself after %.0f days at %s calls a day",
				    c->pays_after_days, calls);
	if (c->pays == PAYING_OPEN)
		return "may pay for itself, as its errors are counted, but that is not shown";
	if (c->pays == PAYING_UNKNOWN)
		return "may or may not pay for itself: what one of the two costs is not known";
	if (isinf(c->pays_after_days))
		return arena_printf(arena, "never pays for itself at %s calls a day", calls);
	return arena_printf(arena, "would pay for itself after %.0f days at %s calls a day, which is too late", c->pays_after_days, calls);
}

static const char *explain_unresolved(struct arena *arena, const struct decide_rule *rule, const struct comparison *c, const char *figures)
{
	const char *labels = labels_needed(arena, c->labels_needed);

	if (c->pays == PAYING_YES || c->pays == PAYING_OPEN)
		return arena_printf(arena, "Whether %s can replace %s is unresolved: it %s%s (%s); %s would settle it if the rates persist.",
				    c->to, c->from, explain_payback(arena, rule, c),
				    c->pays == PAYING_YES ? arena_printf(arena, ", but a loss of %.1f points is not ruled out", 100 * rule->margin) : "",
				    figures, labels);
	return arena_printf(arena, "Whether %s is better than %s is unresolved: %s; %s would settle it if the rates persist.", c->to, c->from,
			    figures, labels);
}

static const char *explain_comparison(struct arena *arena, const struct decide_rule *rule, const struct comparison *c)
{
	const char *figures = arena_printf(arena, "%+.1f points on %zu items (%zu won, %zu lost; interval %+.1f to %+.1f)",
					   100 * c->delta, c->n, c->wins, c->losses, 100 * c->low, 100 * c->high);
	double margin = 100 * rule->margin;

	switch (c->decision) {
	case DECISION_BETTER:
		return arena_printf(arena, "%s is better than %s: %s.", c->to, c->from, figures);
	case DECISION_NOT_WORSE:
		if (c->pays != PAYING_YES)
			return arena_printf(arena, "%s is not worse than %s by %.1f points: %s.", c->to, c->from, margin, figures);
		return arena_printf(arena, "%s is not worse than %s by %.1f points (%s), and %s.", c->to, c->from, margin, figures,
				    explain_payback(arena, rule, c));
	case DECISION_NOT_BETTER:
		if (c->high < -rule->margin)
			return arena_printf(arena, "%s is worse than %s by more than %.1f points: %s.", c->to, c->from, margin, figures);
		if (c->pays == PAYING_NO || c->pays == PAYING_UNKNOWN)
			return arena_printf(arena, "%s is not better than %s by the margin of %.1f points (%s), and %s.", c->to, c->from, margin,
					    figures, explain_payback(arena, rule, c));
		return arena_printf(arena, "%s is not better than %s by the margin of %.1f points: %s.", c->to, c->from, margin, figures);
	case DECISION_NOT_PAYING:
		return arena_printf(arena, "Costs alone count here, and %s %s beside %s: %s.", c->to, explain_payback(arena, rule, c), c->from,
				    figures);
	case DECISION_UNRESOLVED:
		break;
	}
	return explain_unresolved(arena, rule, c, figures);
}

static const char *explain_target(struct arena *arena, const struct decide_rule *rule, const struct target_test *t)
{
	static const char *const said[] = { "", "meets", "is below", "may or may not meet" };

	return arena_printf(arena, "%s %s the target of %.1f %%.", t->variant, said[t->result], 100 * rule->target);
}

/* The fewest labels that would settle one of the open comparisons. */
static size_t fewest_needed(const struct decide_result *r)
{
	size_t fewest = SIZE_MAX;

	for (size_t i = 0; i < r->n_comparisons; i++)
		if (r->comparisons[i].decision == DECISION_UNRESOLVED && r->comparisons[i].labels_needed < fewest)
			fewest = r->comparisons[i].labels_needed;
	return fewest;
}

static const char *unresolved_step(struct arena *arena, const char *winner, const struct decide_result *r)
{
	size_t fewest = fewest_needed(r);
	bool labels = false;

	for (size_t i = 0; i < r->n_comparisons; i++)
		labels |= r->comparisons[i].decision == DECISION_UNRESOLVED;
	if (!labels)
		return arena_printf(arena, "Stay with %s; costs count here, and some are not known: the findings say which. Where they do not matter, "
				    "climb for quality alone.", winner);
	if (fewest == SIZE_MAX)
		return arena_printf(arena, "Stay with %s: how many labels would settle what is open cannot be forecast; a larger margin, or "
				    "another variant, may.", winner);
	return arena_printf(arena, "Stay with %s; label %s to settle what is open, then measure again.", winner,
			    labels_needed(arena, fewest));
}

/* What to do with a winner, and what more there is to say of it. */
static const char *use(struct arena *arena, const struct candidate *winner, const char *more)
{
	if (winner->recorded)
		return arena_printf(arena, "Use %s where it was recorded%s. rung has its outcomes alone and cannot serve it; to serve it here, put what it "
				    "does under `variants:` of the task and climb again.", winner->id, more);
	return arena_printf(arena, "Serve %s%s.", winner->id, more);
}

static const char *next_step(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates,
			     const struct decide_result *r)
{
	const char *winner = candidates[r->verdict.winner].id;
	bool missed = rule->has_target && r->verdict.meets_target != TARGET_YES;

	switch (r->verdict.decision) {
	case VERDICT_UNRESOLVED:
		return unresolved_step(arena, winner, r);
	case VERDICT_CLIMB:
	case VERDICT_SWITCH:
		return use(arena, &candidates[r->verdict.winner],
			   missed ? "; the target is not shown to be met, so look at its errors with `rung show`" : "");
	case VERDICT_STOP:
		break;
	}
	if (missed)
		return arena_printf(arena, "Stay with %s: no rung measured is shown better, and none is shown to meet the "
				    "target; look at its errors with `rung show`, and at the labels.", winner);
	return use(arena, &candidates[r->verdict.winner], "; no higher rung is worth its cost here");
}

void verdict_explain(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates, size_t n,
		     struct decide_result *r)
{
	const char **reasons = arena_array(arena, r->n_comparisons + r->n_targets + 1, sizeof(*reasons));
	size_t count = 0;

	for (size_t i = 0; i < r->n_targets; i++)
		reasons[count++] = explain_target(arena, rule, &r->targets[i]);
	for (size_t i = 0; i < r->n_comparisons; i++)
		reasons[count++] = explain_comparison(arena, rule, &r->comparisons[i]);
	if (n == 1)
		reasons[count++] = arena_printf(arena, "%s is the only one measured.", candidates[0].id);
	r->verdict.reasons = reasons;
	r->verdict.n_reasons = count;
	r->verdict.next_step = next_step(arena, rule, candidates, r);
}
