/* alternatives.c - bisection over the target test, whose evidence falls as the target rises. */
#include "report/alternatives.h"

enum { HALVINGS = 24 };
static const double nearest = 1e-6; /* to 0 and to 1, where no test can say anything */

static enum meets_target result_at(const struct decide_rule *rule, const struct candidate *c, double target)
{
	struct decide_rule at = *rule;

	at.has_target = true;
	at.target = target;
	return decide_target(&at, c).result;
}

/* The last target on the side where the result is (`is`) what it is at `from`; `from` itself where it never turns on the way. */
static double turn(const struct decide_rule *rule, const struct candidate *c, enum meets_target is, double from, double to)
{
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (from + to) / 2;

		*(result_at(rule, c, middle) == is ? &from : &to) = middle;
	}
	return from;
}

static struct report_reach reach_of(const struct decide_rule *rule, const struct candidate *c)
{
	const double low = nearest, high = 1 - nearest;
	struct report_reach r = { .variant = c->id, .reaches = 0, .misses = 1 };

	if (c->n == 0)
		return r;
	if (result_at(rule, c, low) == TARGET_YES)
		r.reaches = turn(rule, c, TARGET_YES, low, high);
	if (result_at(rule, c, high) == TARGET_NO)
		r.misses = turn(rule, c, TARGET_NO, high, low);
	return r;
}

static struct report_alternative verdict_of(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates,
					    size_t n,
					    double target)
{
	struct decide_rule at = *rule;

	at.has_target = target > 0;
	at.target = target;
	struct decide_result r = decide_verdict(arena, &at, candidates, n);

	return (struct report_alternative){ r.verdict.winner, r.verdict.decision, r.comparisons, r.n_comparisons };
}

/* Asked by way of costs that pay by themselves, so that not worse is enough. */
static struct report_evidence evidence_of(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to)
{
	struct cost_rung dear = cost_rung_default, cheap = cost_rung_default;
	struct decide_rule at = *rule;
	struct candidate a = *from, b = *to;

	dear.call.local_usd = 1;
	at.climb_for = CLIMB_FOR_COST;
	at.traffic = (struct cost_traffic){ .calls_per_day = 1, .calls_low = 1, .calls_high = 1, .horizon_days = 1 };
	a.cost = &dear;
	b.cost = &cheap;
	struct comparison c = decide_compare(&at, &a, &b);

	return (struct report_evidence){ c.p_value <= c.alpha, c.decision == DECISION_NOT_WORSE, c.delta, c.high };
}

static const struct report_evidence *all_evidence(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates,
						  size_t n, bool has_target)
{
	struct report_evidence *list = arena_array(arena, n * n, sizeof(*list));
	struct decide_rule at = *rule;

	if (rule->climb_for == CLIMB_FOR_QUALITY || rule->plan != DECIDE_FULL)
		return NULL;
	at.has_target = has_target;
	at.target = has_target ? 1 - nearest : 0;
	for (size_t from = 0; from < n; from++)
		for (size_t to = 0; to < n; to++)
			if (from != to)
				list[from * n + to] = evidence_of(&at, &candidates[from], &candidates[to]);
	return list;
}

struct report_alternatives alternatives_of(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates,
					   size_t n)
{
	struct report_reach *reach = arena_array(arena, n, sizeof(*reach));
	struct report_alternatives a = { .candidates = reach, .n = n };

	for (size_t i = 0; i < n; i++) {
		reach[i] = reach_of(rule, &candidates[i]);
		if (candidates[i].incumbent && !candidates[a.reference].incumbent)
			a.reference = i;
	}
	a.without = verdict_of(arena, rule, candidates, n, 0);
	a.missed = verdict_of(arena, rule, candidates, n, 1 - nearest);
	a.evidence_without = all_evidence(arena, rule, candidates, n, false);
	a.evidence_missed = all_evidence(arena, rule, candidates, n, true);
	return a;
}
