/* words.c - one sentence a comparison, one for the target, one for what to do next. */
#include "decide/words.h"

#include <math.h>
#include <stdint.h>

static const char *labels_needed(struct arena *arena, size_t n)
{
	return n == SIZE_MAX ? "more examples than can be forecast" : arena_printf(arena, "about %zu more examples", n);
}

static const char *explain_comparison(struct arena *arena, const struct decide_rule *rule, const struct comparison *c)
{
	const char *figures = arena_printf(arena, "%+.1f points on %zu items (%zu won, %zu lost; interval %+.1f to %+.1f)",
					   100 * c->delta, c->n, c->wins, c->losses, 100 * c->low, 100 * c->high);

	switch (c->decision) {
	case DECISION_BETTER:
		return arena_printf(arena, "%s is better than %s: %s.", c->to, c->from, figures);
	case DECISION_NOT_WORSE:
		return arena_printf(arena, "%s is not worse than %s by %.1f points: %s.", c->to, c->from,
				    100 * rule->margin, figures);
	case DECISION_NOT_BETTER:
		return arena_printf(arena, "%s is not better than %s by the margin of %.1f points: %s.", c->to, c->from,
				    100 * rule->margin, figures);
	case DECISION_UNRESOLVED:
		break;
	}
	return arena_printf(arena, "Whether %s is better than %s is unresolved: %s; %s would settle it if the rates "
			    "persist.", c->to, c->from, figures, labels_needed(arena, c->labels_needed));
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

static const char *next_step(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates,
			     const struct decide_result *r)
{
	const char *winner = candidates[r->verdict.winner].id;
	bool missed = rule->has_target && r->verdict.meets_target != TARGET_YES;

	switch (r->verdict.decision) {
	case VERDICT_UNRESOLVED:
		return arena_printf(arena, "Stay with %s; label %s to settle what is open, then climb again.", winner,
				    labels_needed(arena, fewest_needed(r)));
	case VERDICT_CLIMB:
	case VERDICT_SWITCH:
		return arena_printf(arena, "Serve %s%s.", winner,
				    missed ? "; the target is not shown to be met, so look at its errors with `rung show`" : "");
	case VERDICT_STOP:
		break;
	}
	if (missed)
		return arena_printf(arena, "Stay with %s: no rung measured is shown better, and none is shown to meet the "
				    "target; look at its errors with `rung show`, and at the labels.", winner);
	return arena_printf(arena, "Serve %s; no higher rung is worth its cost here.", winner);
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
		reasons[count++] = arena_printf(arena, "%s is the only rung measured.", candidates[0].id);
	r->verdict.reasons = reasons;
	r->verdict.n_reasons = count;
	r->verdict.next_step = next_step(arena, rule, candidates, r);
}
