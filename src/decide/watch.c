/* watch.c - the early tests of compare.c, one look after another. */
#include "decide/watch.h"

#include <math.h>
#include <stdint.h>

#include "decide/compare.h"
#include "decide/pays.h"
#include "stats/target.h"

/* Whether there are three differences only, of which each has its step. */
static bool has_steps(const struct decide_rule *rule)
{
	return rule->binary && !rule->cluster;
}

/* Which side of which difference each bet is on. */
static double bet_sign(enum watch_bet b)
{
	return b == WATCH_BELOW || b == WATCH_WORSE ? -1 : 1;
}

static double bet_margin(const struct decide_rule *rule, enum watch_bet b)
{
	return b == WATCH_BETTER ? 0 : b == WATCH_WORSE ? -rule->margin : rule->margin;
}

static double bet_x(const struct watch *w, enum watch_bet b, struct cluster g)
{
	g.sum *= bet_sign(b);
	return cluster_bet_x(g, w->largest, bet_margin(w->rule, b));
}

/* The last two are made only where not worse is enough, and the first only where counts do not say it. */
static bool bet_is_made(const struct watch *w, int b)
{
	return b == WATCH_BETTER ? !has_steps(w->rule) : b == WATCH_BELOW || w->asks_not_worse;
}

void watch_init(struct watch *w, const struct decide_rule *rule, const struct candidate *from, const struct candidate *to, size_t largest)
{
	*w = (struct watch){ .rule = rule, .from = from, .to = to, .largest = largest, .alpha = comparison_alpha(rule, to) };
	w->pays = PAYING_OPEN; /* whatever the scores: errors may have a price */
	if (!(rule->traffic.usd_per_error > 0) || rule->climb_for == CLIMB_FOR_QUALITY)
		w->pays = payback_of(rule, from, to, 0).pays;
	w->asks_not_worse = not_worse_is_enough(from, to, w->pays);
	for (int b = 0; b < WATCH_BETS; b++) {
		bet_init(&w->bets[b], 0.5 * (1 - bet_margin(rule, (enum watch_bet)b)));
		for (int d = -1; has_steps(rule) && d <= 1; d++)
			bet_step_init(&w->step[b][d + 1], w->bets[b].mean, bet_x(w, (enum watch_bet)b, (struct cluster){ d, 1 }));
	}
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
	if (has_steps(w->rule) && (int)g.sum != 0) /* ties carry no evidence */
		w->log_e = w->counts.wins > w->counts.losses ? paired_log_e(w->counts) : 0;
	for (int b = 0; b < WATCH_BETS; b++) {
		if (!bet_is_made(w, b))
			continue;
		if (has_steps(w->rule))
			bet_add_step(&w->bets[b], &w->step[b][(int)g.sum + 1]);
		else
			bet_add(&w->bets[b], bet_x(w, (enum watch_bet)b, g));
	}
}

static bool shown_better(const struct watch *w)
{
	double level = -log(w->alpha);

	if (!has_steps(w->rule))
		return bet_reaches(&w->bets[WATCH_BETTER], level);
	return w->log_e >= level;
}

/* The upper end of the confidence sequence lies below the bound once the bet on that is won at alpha/2. */
static bool refuted(const struct watch *w, enum watch_bet bound)
{
	return bet_reaches(&w->bets[bound], log(2 / w->alpha));
}

/* As far as it is known without scores; where errors have a price, only when it matters, for it costs a pass over the items. */
static enum paying pays_now(const struct watch *w)
{
	return w->pays == PAYING_OPEN ? payback_of(w->rule, w->from, w->to, w->n).pays : w->pays;
}

enum decision watch_decision(const struct watch *w)
{
	bool step_down = w->from->incumbent && w->to->rung < w->from->rung, costs_alone = w->rule->climb_for == CLIMB_FOR_COST;

	if (w->n == 0)
		return DECISION_UNRESOLVED;
	bool better = shown_better(w);

	if (!costs_alone && better && w->sum / (double)w->n >= w->rule->margin)
		return DECISION_BETTER;
	if (!w->asks_not_worse && costs_alone)
		return DECISION_NOT_PAYING;
	if (!w->asks_not_worse)
		return refuted(w, WATCH_BELOW) ? DECISION_NOT_BETTER : DECISION_UNRESOLVED;
	bool not_worse = bet_reaches(&w->bets[WATCH_NOT_WORSE], -log(w->alpha));

	if (step_down && (better || not_worse))
		return DECISION_NOT_WORSE;
	if (!not_worse && !costs_alone && !refuted(w, WATCH_BELOW))
		return DECISION_UNRESOLVED; /* whatever it costs */
	enum paying pays = pays_now(w);

	if (pays == PAYING_YES && not_worse)
		return DECISION_NOT_WORSE;
	if (!not_worse_is_enough(w->from, w->to, pays) && costs_alone)
		return DECISION_NOT_PAYING;
	if (!not_worse_is_enough(w->from, w->to, pays))
		return refuted(w, WATCH_BELOW) ? DECISION_NOT_BETTER : DECISION_UNRESOLVED;
	return refuted(w, WATCH_WORSE) ? DECISION_NOT_BETTER : DECISION_UNRESOLVED;
}

size_t watch_largest(const struct decide_rule *rule)
{
	size_t largest = 1;

	for (size_t i = 1, size = 1; rule->cluster && i < rule->n_items; i++) {
		size = rule->cluster[i] == rule->cluster[i - 1] ? size + 1 : 1;
		largest = size > largest ? size : largest;
	}
	return largest;
}

size_t decide_look_end(const struct decide_rule *rule, size_t from)
{
	size_t end = (from / rule->look + 1) * rule->look;

	if (end >= rule->n_items)
		return rule->n_items;
	while (rule->cluster && end < rule->n_items && rule->cluster[end] == rule->cluster[end - 1])
		end++;
	return end;
}

size_t watch_stop(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to, size_t n)
{
	struct watch w;

	watch_init(&w, rule, from, to, watch_largest(rule));
	for (size_t i = 0; i < n;) {
		size_t look = decide_look_end(rule, i);

		look = look < n ? look : n;
		for (size_t end; i < look; i = end) {
			for (end = i + 1; rule->cluster && end < look && rule->cluster[end] == rule->cluster[i];)
				end++;
			watch_add(&w, from->score + i, to->score + i, end - i);
		}
		if (watch_decision(&w) != DECISION_UNRESOLVED)
			return i;
	}
	return n;
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
