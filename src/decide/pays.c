/* pays.c - a candidate's costs with the quality that its scores show, set against the champion's. */
#include "decide/pays.h"

#include <math.h>
#include <stdint.h>

/* The costs with the first n scores as quality, the interval drawn in by `narrowed`. */
static struct cost_rung judged(const struct decide_rule *rule, const struct candidate *c, size_t n, double narrowed)
{
	struct cost_rung r = *c->cost;
	struct candidate seen = *c;

	if (!(rule->traffic.usd_per_error > 0))
		return r;
	seen.n = n;
	struct score_interval s = decide_score(rule, &seen);

	r.quality = s.score;
	r.quality_low = s.score - narrowed * (s.score - s.low);
	r.quality_high = s.score + narrowed * (s.high - s.score);
	return r;
}

static struct cost_case pessimistic(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to, size_t n,
				    double narrowed)
{
	struct cost_rung a = judged(rule, from, n, narrowed), b = judged(rule, to, n, narrowed);

	return cost_case_at(&b, &a, &rule->traffic, COST_PESSIMISTIC);
}

struct payback payback_of(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to, size_t n)
{
	if (rule->climb_for == CLIMB_FOR_QUALITY)
		return (struct payback){ PAYING_NOT_ASKED, NAN };
	if (!from->cost || !to->cost)
		return (struct payback){ PAYING_UNKNOWN, NAN };
	struct cost_case c = pessimistic(rule, from, to, n, 1), hopeful = c;
	struct payback p = { PAYING_UNKNOWN, cost_break_even_days(&c.to, &c.from, &c.traffic) };

	if (isnan(p.days))
		return p;
	p.pays = cost_pays(&c) ? PAYING_YES : PAYING_NO;
	if (p.pays == PAYING_YES || !(rule->traffic.usd_per_error > 0))
		return p;
	hopeful.to.quality = c.to.quality_high;
	hopeful.from.quality = c.from.quality_low;
	p.pays = cost_pays(&hopeful) ? PAYING_OPEN : PAYING_NO;
	return p;
}

size_t payback_labels(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to, size_t n, size_t most)
{
	size_t no = 0, yes = most;

	for (bool first = true; first || yes - no > 1; first = false) { /* an interval shrinks as 1/sqrt(n) */
		size_t more = first ? most : no + (yes - no) / 2;
		struct cost_case c = pessimistic(rule, from, to, n, sqrt((double)n / (double)(n + more)));
		bool pays = cost_pays(&c);

		if (first && !pays)
			return SIZE_MAX;
		*(pays ? &yes : &no) = more;
	}
	return yes;
}

double payback_total_usd(const struct decide_rule *rule, const struct candidate *c)
{
	if (!c->cost)
		return NAN;
	struct cost_rung r = judged(rule, c, c->n, 1);

	return cost_total_usd(&r, &rule->traffic, rule->traffic.horizon_days);
}
