/* decide.c - the rule itself: who takes whose place, and what is said about those who do not. Tests are in compare.c. */
#include "decide/decide.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "decide/pays.h"
#include "decide/words.h"
#include "stats/interval.h"

const char *decision_name(enum decision d)
{
	static const char *const names[] = { "better", "not worse", "not better", "not paying", "unresolved" };

	return names[d];
}

const char *climb_for_name(enum climb_for c)
{
	static const char *const names[] = { "quality", "cost", "both" };

	return names[c];
}

const char *verdict_kind_name(enum verdict_kind k)
{
	static const char *const names[] = { "stop", "climb", "switch", "unresolved" };

	return names[k];
}

const char *meets_target_name(enum meets_target m)
{
	static const char *const names[] = { NULL, "yes", "no", "unresolved" };

	return names[m];
}

const char *decide_plan_name(enum decide_plan p)
{
	return p == DECIDE_FULL ? "full" : "early";
}

/* The deliberation while it goes on: results collect in arrays that live in the arena. */
struct deliberation {
	const struct decide_rule *rule;
	const struct candidate *candidates;
	size_t n;
	struct comparison *comparisons;
	size_t n_comparisons;
	struct target_test *targets;
	size_t champion;
	bool any_unresolved; /* a rung above the one that stays could not be settled */
};

/* Labels could still change it, or a price that is not known, as long as it is not shown to be worse by the margin. */
static bool is_open(const struct decide_rule *rule, const struct comparison *c)
{
	return c->decision == DECISION_UNRESOLVED || (c->pays == PAYING_UNKNOWN && !c->takes_place && c->high >= -rule->margin);
}

static void challenge(struct deliberation *d, size_t to)
{
	struct comparison *c = &d->comparisons[d->n_comparisons++];

	*c = decide_compare(d->rule, &d->candidates[d->champion], &d->candidates[to]);
	if (c->takes_place) {
		d->champion = to;
		d->any_unresolved = false;
	} else {
		d->any_unresolved |= is_open(d->rule, c);
	}
}

/* Who takes the champion's place, of the n candidates from `first` on. */
static size_t best_shown(const struct decide_rule *rule, const struct candidate *candidates, const struct comparison *made, size_t n,
			 size_t champion, size_t first)
{
	size_t best = champion;
	bool better = false;
	double most = -INFINITY;

	for (size_t i = 0; i < n; i++) {
		bool shown = made[i].decision == DECISION_BETTER;

		if (!made[i].takes_place || (better && !shown))
			continue;
		double worth = shown ? made[i].delta : -payback_total_usd(rule, &candidates[first + i]);

		if ((shown && !better) || worth > most) {
			best = first + i;
			most = worth;
		}
		better |= shown;
	}
	return best;
}

size_t decide_rung(const struct decide_rule *rule, const struct candidate *candidates, size_t champion, size_t first, size_t n,
		   struct comparison *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = decide_compare(rule, &candidates[champion], &candidates[first + i]);
	return best_shown(rule, candidates, out, n, champion, first);
}

static size_t incumbent_of(const struct deliberation *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->candidates[i].incumbent)
			return i;
	return d->n;
}

/* Without an incumbent: up the rungs, each candidate of a rung against the champion of those below. made: by decide_rung(), or NULL. */
static void climb(struct deliberation *d, const struct comparison *made)
{
	for (size_t first = 1, end; first < d->n; first = end) {
		struct comparison *out = &d->comparisons[d->n_comparisons];
		size_t before = d->champion;

		for (end = first; end < d->n && d->candidates[end].rung == d->candidates[first].rung; end++)
			if (made)
				out[end - first] = made[end - 1];
		d->champion = made ? best_shown(d->rule, d->candidates, out, end - first, before, first)
				   : decide_rung(d->rule, d->candidates, before, first, end - first, out);
		d->n_comparisons += end - first;
		if (d->champion != before)
			d->any_unresolved = false;
		for (size_t i = 0; d->champion == before && i < end - first; i++)
			d->any_unresolved |= is_open(d->rule, &out[i]);
	}
}

/* With an incumbent it is the champion to beat; the cheapest way of leaving it that is shown comes first. */
static void leave(struct deliberation *d, size_t incumbent)
{
	d->champion = incumbent;
	for (size_t i = 0; i < d->n; i++) {
		bool left = d->champion != incumbent;

		if (i != incumbent && !(left && d->candidates[i].rung <= d->candidates[d->champion].rung))
			challenge(d, i);
	}
}

/* With a target, the lowest rung whose target test passes wins over any difference between rungs. */
static bool meet_target(struct deliberation *d)
{
	size_t passing = d->n;

	for (size_t i = 0; i < d->n; i++) {
		d->targets[i] = decide_target(d->rule, &d->candidates[i]);
		if (d->targets[i].result == TARGET_YES && passing == d->n)
			passing = i;
	}
	if (passing == d->n)
		return false;
	d->champion = passing;
	d->any_unresolved = false;
	return true;
}

static enum verdict_kind kind_of(const struct deliberation *d, size_t incumbent, bool by_target)
{
	const struct candidate *from = &d->candidates[incumbent < d->n ? incumbent : 0];
	const struct candidate *to = &d->candidates[d->champion];

	if (to == from)
		return d->any_unresolved && !by_target ? VERDICT_UNRESOLVED : VERDICT_STOP;
	if (to->rung > from->rung)
		return VERDICT_CLIMB;
	return VERDICT_SWITCH;
}

static struct interval score_interval_of(const struct decide_rule *rule, const struct candidate *c, double mean, double sum)
{
	double n = (double)c->n, squares = 0;

	if (rule->cluster) {
		size_t groups = rule->cluster[c->n - 1] + 1; /* numbers rise */
		struct cluster *sums = mem_zero(groups, sizeof(*sums));

		cluster_gather(sums, groups, c->score, rule->cluster, c->n);
		struct interval found = interval_cluster(sums, groups, 0.95);

		free(sums);
		return found;
	}
	if (rule->binary)
		return interval_wilson((uint64_t)llround(sum), c->n, 0.95);
	for (size_t i = 0; i < c->n; i++)
		squares += (c->score[i] - mean) * (c->score[i] - mean);
	return interval_mean_t(mean, sqrt(squares / (n - 1)), c->n, 0.95);
}

struct score_interval decide_score(const struct decide_rule *rule, const struct candidate *c)
{
	double sum = 0;

	if (c->n == 0)
		return (struct score_interval){ NAN, 0, 1 };
	for (size_t i = 0; i < c->n; i++)
		sum += c->score[i];
	double mean = sum / (double)c->n;
	struct interval interval = score_interval_of(rule, c, mean, sum);

	return (struct score_interval){ mean, fmax(interval.low, 0), fmin(interval.high, 1) };
}

struct decide_result decide_conclude(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates, size_t n,
				     const struct comparison *made)
{
	struct deliberation d = { .rule = rule, .candidates = candidates, .n = n };
	struct decide_result result = { 0 };
	bool by_target = false;

	d.comparisons = arena_array(arena, 2 * n, sizeof(*d.comparisons));
	d.targets = arena_array(arena, n, sizeof(*d.targets));
	size_t incumbent = incumbent_of(&d);

	if (incumbent < n)
		leave(&d, incumbent);
	else
		climb(&d, made);
	if (rule->has_target)
		by_target = meet_target(&d);

	result.comparisons = d.comparisons;
	result.n_comparisons = d.n_comparisons;
	result.targets = d.targets;
	result.n_targets = rule->has_target ? n : 0;
	result.verdict.decision = kind_of(&d, incumbent, by_target);
	result.verdict.winner = d.champion;
	result.verdict.meets_target = rule->has_target ? d.targets[d.champion].result : TARGET_NONE;
	struct score_interval score = decide_score(rule, &candidates[d.champion]);

	result.verdict.score = score.score;
	result.verdict.low = score.low;
	result.verdict.high = score.high;
	verdict_explain(arena, rule, candidates, n, &result);
	return result;
}

struct decide_result decide_verdict(struct arena *arena, const struct decide_rule *rule,
				    const struct candidate *candidates, size_t n)
{
	return decide_conclude(arena, rule, candidates, n, NULL);
}
