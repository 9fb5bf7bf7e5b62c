/* compare.c - which test of src/stats answers which question: scores binary, graded or clustered, one look or many. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "decide/compare.h"
#include "decide/pays.h"
#include "decide/watch.h"
#include "decide/worth.h"
#include "stats/bet.h"
#include "stats/bounded.h"
#include "stats/fixed.h"
#include "stats/mean.h"
#include "stats/paired.h"
#include "stats/power.h"
#include "stats/target.h"

enum { FORECAST_LIMIT = 1000000 }; /* labels beyond which "how many more" is no useful answer */

/* Paired differences of two candidates on the items both answered. */
struct differences {
	double *d; /* (n) to - from */
	size_t n;
	struct cluster *groups; /* NULL: every item its own */
	size_t n_groups, largest;
	struct paired_counts counts;
};

static void gather_clusters(const struct decide_rule *rule, const double *values, size_t n, struct cluster **groups,
			    size_t *n_groups, size_t *largest)
{
	size_t *sizes;
	size_t total = 0;

	*groups = NULL;
	*n_groups = *largest = 0;
	if (!rule->cluster)
		return;
	for (size_t i = 0; i < rule->n_items; i++)
		total = rule->cluster[i] + 1 > total ? rule->cluster[i] + 1 : total;
	sizes = mem_zero(total, sizeof(*sizes));
	for (size_t i = 0; i < rule->n_items; i++) /* over the whole split: the bet needs it fixed in advance */
		if (++sizes[rule->cluster[i]] > *largest)
			*largest = sizes[rule->cluster[i]];
	free(sizes);
	for (size_t i = 0; i < n; i++)
		*n_groups = rule->cluster[i] + 1 > *n_groups ? rule->cluster[i] + 1 : *n_groups;
	*groups = mem_zero(*n_groups, sizeof(**groups));
	cluster_gather(*groups, *n_groups, values, rule->cluster, n);
}

static void differences_init(struct differences *x, const struct decide_rule *rule, const struct candidate *from,
			     const struct candidate *to)
{
	*x = (struct differences){ .n = from->n < to->n ? from->n : to->n };
	if (to->settled && to->settled < x->n)
		x->n = to->settled;
	if (rule->plan == DECIDE_EARLY && rule->look > 0)
		x->n = watch_stop(rule, from, to, x->n);
	x->d = mem_zero(x->n, sizeof(*x->d));
	for (size_t i = 0; i < x->n; i++) {
		x->d[i] = to->score[i] - from->score[i];
		x->counts.wins += x->d[i] > 0;
		x->counts.losses += x->d[i] < 0;
	}
	gather_clusters(rule, x->d, x->n, &x->groups, &x->n_groups, &x->largest);
}

static void differences_release(struct differences *x)
{
	free(x->d);
	free(x->groups);
}

/* Evidence that delta > -worse_by: a p-value (full) or the logarithm of an e-value (early). */
static double evidence(const struct decide_rule *rule, const struct differences *x, double worse_by)
{
	if (rule->plan == DECIDE_FULL) {
		if (x->groups)
			return bounded_clusters_p(x->groups, x->n_groups, x->largest, -worse_by, -1);
		if (!rule->binary)
			return bounded_items_p(x->d, x->n, -worse_by, -1);
		return worse_by > 0 ? paired_noninferior_p(x->counts, x->n, worse_by) : paired_exact_p(x->counts);
	}
	if (x->groups)
		return comparison_log_k_clusters(x->groups, x->n_groups, x->largest, worse_by);
	if (rule->binary && worse_by == 0)
		return paired_log_e(x->counts);
	return comparison_log_k(x->d, x->n, worse_by);
}

static bool passes(const struct decide_rule *rule, double value, double alpha)
{
	return rule->plan == DECIDE_FULL ? value <= alpha : value >= log(1 / alpha);
}

double comparison_alpha(const struct decide_rule *rule, const struct candidate *to)
{
	double rung = (rule->has_target ? rule->alpha / 2 : rule->alpha) / (rule->comparisons > 0 ? rule->comparisons : 1);

	return rung / (double)(to->rivals > 0 ? to->rivals : 1);
}

double target_alpha(const struct decide_rule *rule)
{
	return rule->alpha / 2 / (rule->targets > 0 ? rule->targets : 1);
}

static enum power_test power_test_of(const struct decide_rule *rule)
{
	bool full = rule->plan == DECIDE_FULL;

	if (rule->cluster)
		return full ? POWER_CLUSTER_FULL : POWER_CLUSTER_EARLY;
	if (rule->binary)
		return full ? POWER_BINARY_FULL : POWER_BINARY_EARLY;
	return full ? POWER_GRADED_FULL : POWER_GRADED_EARLY;
}

/* More items until the claim "not worse by worse_by" passes, or the interval's upper end falls below `margin`. */
static size_t forecast(const struct decide_rule *rule, const struct differences *x, double alpha, double worse_by, double margin)
{
	struct power_case c = {
		.test = power_test_of(rule), .d = x->d, .n = x->n, .groups = x->groups, .n_groups = x->n_groups,
		.largest = x->largest, .alpha = alpha, .worse_by = worse_by, .margin = margin, .interval_alpha = alpha,
		.most = FORECAST_LIMIT,
	};
	uint64_t more = power_labels_needed(&c);

	/* 0: the test passes, but the estimate is below the margin; when the interval will follow cannot be forecast. */
	return more == 0 || more > FORECAST_LIMIT ? SIZE_MAX : (size_t)more;
}

bool not_worse_is_enough(const struct candidate *from, const struct candidate *to, enum paying pays)
{
	return (from->incumbent && to->rung < from->rung) || payback_possible(pays);
}

/* What a comparison is decided by, beside its figures. */
struct evidence_found {
	bool shown_better, not_worse; /* not_worse: looked for where that is enough */
	bool step_down; /* from the incumbent to a lower rung: nothing has to be paid for that */
};

static enum decision decide_between(const struct decide_rule *rule, const struct comparison *c, const struct evidence_found *e, bool enough)
{
	if (rule->climb_for != CLIMB_FOR_COST && e->shown_better && c->delta >= rule->margin)
		return DECISION_BETTER;
	if ((e->step_down && (e->shown_better || e->not_worse)) || (c->pays == PAYING_YES && e->not_worse))
		return DECISION_NOT_WORSE;
	if (rule->climb_for == CLIMB_FOR_COST && !enough)
		return DECISION_NOT_PAYING;
	return c->high < (enough ? -rule->margin : rule->margin) ? DECISION_NOT_BETTER : DECISION_UNRESOLVED;
}

static size_t labels_until_settled(const struct decide_rule *rule, const struct differences *x, const struct candidate *from,
				   const struct candidate *to, const struct comparison *c, const struct evidence_found *e, bool enough)
{
	if (enough && e->not_worse)
		return payback_labels(rule, from, to, x->n, FORECAST_LIMIT);
	return enough ? forecast(rule, x, c->alpha, rule->margin, -rule->margin) : forecast(rule, x, c->alpha, 0, rule->margin);
}

struct comparison decide_compare(const struct decide_rule *rule, const struct candidate *from,
				 const struct candidate *to)
{
	struct differences x;
	double alpha = comparison_alpha(rule, to);

	differences_init(&x, rule, from, to);
	double better = evidence(rule, &x, 0);
	struct interval interval = x.groups ? comparison_interval_clusters(x.groups, x.n_groups, x.largest, alpha)
					    : comparison_interval(x.d, x.n, alpha);
	struct payback payback = payback_of(rule, from, to, x.n);
	struct comparison c = {
		.from = from->id, .to = to->id, .n = x.n, .wins = x.counts.wins, .losses = x.counts.losses,
		.low = interval.low, .high = interval.high, .alpha = alpha, .plan = rule->plan,
		.p_value = rule->plan == DECIDE_FULL ? better : NAN,
		.e_value = rule->plan == DECIDE_EARLY ? exp(better) : NAN,
		.pays = payback.pays, .pays_after_days = payback.days, .worth = { NAN, NAN, NAN, NAN },
	};
	bool enough = not_worse_is_enough(from, to, c.pays);
	struct evidence_found e = {
		.shown_better = passes(rule, better, alpha), .step_down = from->incumbent && to->rung < from->rung,
		.not_worse = enough && passes(rule, evidence(rule, &x, rule->margin), alpha),
	};

	for (size_t i = 0; i < x.n; i++)
		c.delta += x.d[i];
	c.delta /= (double)(x.n > 0 ? x.n : 1);
	c.decision = decide_between(rule, &c, &e, enough);
	c.takes_place = c.decision == DECISION_BETTER || c.decision == DECISION_NOT_WORSE;
	c.error = (x.groups ? mean_clusters(x.groups, x.n_groups) : mean_items(x.d, x.n)).error;
	if (c.decision == DECISION_UNRESOLVED) {
		c.labels_needed = labels_until_settled(rule, &x, from, to, &c, &e, enough);
		c.worth = labels_worth_of(rule, from, to, &c);
	}
	differences_release(&x);
	return c;
}

/* The same of graded or clustered scores under the full plan: the futile question is asked of what scores lack, negated. */
static double target_bounded_p(const struct decide_rule *rule, const struct candidate *c, bool futile)
{
	double sign = futile ? -1 : 1, low = futile ? -1 : 0, p;
	double *score = mem_alloc((c->n + 1) * sizeof(*score));
	struct cluster *groups;
	size_t n_groups, largest;

	for (size_t i = 0; i < c->n; i++)
		score[i] = sign * c->score[i];
	gather_clusters(rule, score, c->n, &groups, &n_groups, &largest);
	p = groups ? bounded_clusters_p(groups, n_groups, largest, sign * rule->target, low)
		   : bounded_items_p(score, c->n, sign * rule->target, low);
	free(groups);
	free(score);
	return p;
}

/* Evidence that the score is above the target, or (futile) below it. */
static double target_evidence(const struct decide_rule *rule, const struct candidate *c, bool futile)
{
	struct cluster *groups;
	size_t n_groups, largest;
	double right = 0, value;
	bool full = rule->plan == DECIDE_FULL;

	if (full && (rule->cluster || !rule->binary))
		return target_bounded_p(rule, c, futile);
	gather_clusters(rule, c->score, c->n, &groups, &n_groups, &largest);
	for (size_t i = 0; i < c->n; i++)
		right += c->score[i];
	uint64_t successes = (uint64_t)llround(right);

	if (groups)
		value = (futile ? target_cluster_futile_log_k : target_cluster_log_k)(groups, n_groups, largest, rule->target);
	else if (!rule->binary)
		value = (futile ? target_futile_log_k : target_log_k)(c->score, c->n, rule->target);
	else
		value = full ? (futile ? target_exact_futile_p : target_exact_p)(successes, c->n, rule->target)
			     : (futile ? target_futile_log_e : target_log_e)(successes, c->n, rule->target);
	free(groups);
	return value;
}

struct target_test decide_target(const struct decide_rule *rule, const struct candidate *c)
{
	double alpha = target_alpha(rule);
	double value = target_evidence(rule, c, false);
	struct target_test t = {
		.variant = c->id, .n = c->n, .result = TARGET_UNRESOLVED,
		.p_value = rule->plan == DECIDE_FULL ? value : NAN,
		.e_value = rule->plan == DECIDE_EARLY ? exp(value) : NAN,
	};

	if (passes(rule, value, alpha))
		t.result = TARGET_YES;
	else if (passes(rule, target_evidence(rule, c, true), alpha))
		t.result = TARGET_NO;
	return t;
}
