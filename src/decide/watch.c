/* watch.c - the early tests of compare.c, one look after another. */
#include "decide/watch.h"

#include <math.h>
#include <stdint.h>

#include "decide/compare.h"
#include "stats/target.h"

/* Whether there are three differences only, of which each has its step. */
static bool has_steps(const struct decide_rule *rule)
{
	return rule->binary && !rule->cluster;
}

void watch_init(struct watch *w, const struct decide_rule *rule, const struct candidate *to, size_t largest)
{
	*w = (struct watch){ .rule = rule, .largest = largest, .alpha = comparison_alpha(rule, to) };
	bet_init(&w->better, 0.5);
	bet_init(&w->against, 0.5 * (1 - rule->margin));
	for (int d = -1; has_steps(rule) && d <= 1; d++)
		bet_step_init(&w->against_step[d + 1], w->against.mean, cluster_bet_x((struct cluster){ -d, 1 }, 1, rule->margin));
}

void watch_add(struct watch *w, const double *from, const double *to, size_t n)
{
	struct cluster g = { 0, n };

	for (size_t i = 0; i < n; i++) {
		g.sum += to[i] - from[i];
		w->counts.wins += to[i] > from[i];
		w->counts.losses += to[i] < from[i];
	}
	w->n += n;
	w->sum += g.sum;
	if (has_steps(w->rule)) {
		bet_add_step(&w->against, &w->against_step[(int)g.sum + 1]);
		if ((int)g.sum != 0) /* ties carry no evidence */
			w->log_e = w->counts.wins > w->counts.losses ? paired_log_e(w->counts) : 0;
		return;
	}
	bet_add(&w->better, cluster_bet_x(g, w->largest, 0));
	g.sum = -g.sum;
	bet_add(&w->against, cluster_bet_x(g, w->largest, w->rule->margin));
}

static bool shown_better(const struct watch *w)
{
	double level = -log(w->alpha);

	if (!has_steps(w->rule))
		return bet_reaches(&w->better, level);
	return w->log_e >= level;
}

enum decision watch_decision(const struct watch *w)
{
	if (w->n == 0)
		return DECISION_UNRESOLVED;
	if (w->sum / (double)w->n >= w->rule->margin && shown_better(w))
		return DECISION_BETTER;
	/* The upper end of the confidence sequence lies below the margin once the bet on that is won at alpha/2. */
	return bet_reaches(&w->against, log(2 / w->alpha)) ? DECISION_NOT_BETTER : DECISION_UNRESOLVED;
}

void target_watch_init(struct target_watch *w, const struct decide_rule *rule, size_t largest)
{
	*w = (struct target_watch){ .rule = rule, .largest = largest };
	bet_init(&w->above, rule->cluster ? 0.5 : rule->target);
	bet_init(&w->below, rule->cluster ? 0.5 : 1 - rule->target);
}

void target_watch_add(struct target_watch *w, const double *score, size_t n)
{
	struct cluster g = { 0, n };

	for (size_t i = 0; i < n; i++)
		g.sum += score[i];
	w->n += n;
	w->sum += g.sum;
	if (has_steps(w->rule))
		return;
	double x = w->rule->cluster ? target_cluster_x(g, w->largest, w->rule->target) : g.sum;

	bet_add(&w->above, x);
	bet_add(&w->below, 1 - x);
}

enum meets_target target_watch_result(const struct target_watch *w)
{
	double level = -log(target_alpha(w->rule)), target = w->rule->target;
	bool above = w->sum > target * (double)w->n;

	if (!has_steps(w->rule))
		return bet_reaches(&w->above, level) ? TARGET_YES : bet_reaches(&w->below, level) ? TARGET_NO : TARGET_UNRESOLVED;
	uint64_t right = (uint64_t)llround(w->sum);

	if (above)
		return target_log_e(right, w->n, target) >= level ? TARGET_YES : TARGET_UNRESOLVED;
	return target_futile_log_e(right, w->n, target) >= level ? TARGET_NO : TARGET_UNRESOLVED;
}
