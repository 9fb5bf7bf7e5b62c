/* worth.c - the gap between two candidates in dollars a request, and what more labels would tell of it (stats/information.h). */
#include "decide/worth.h"

#include <math.h>

#include "stats/information.h"

/* All that `c` costs over the horizon but its errors. */
static double bare_usd(const struct decide_rule *rule, const struct candidate *c)
{
	struct cost_traffic free = rule->traffic;

	if (!c->cost)
		return NAN;
	free.usd_per_error = 0;
	return cost_total_usd(c->cost, &free, free.horizon_days);
}

/* Both answer them, each once. */
static double calls_usd(const struct candidate *from, const struct candidate *to, double labels)
{
	return from->cost && to->cost ? labels * (cost_call_usd(&from->cost->call) + cost_call_usd(&to->cost->call)) : NAN;
}

struct labels_worth labels_worth_of(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to,
				    const struct comparison *c)
{
	const struct cost_traffic *t = &rule->traffic;
	double requests = t->calls_per_day * t->horizon_days, labels = (double)c->labels_needed, n = (double)c->n;
	struct labels_worth w = { labels * rule->usd_per_label, calls_usd(from, to, labels), NAN, NAN };

	if (c->labels_needed == SIZE_MAX)
		return (struct labels_worth){ NAN, NAN, NAN, NAN };
	if (!(requests > 0) || !(t->usd_per_error > 0) || !isfinite(c->error))
		return w;
	double gap = t->usd_per_error * c->delta + (bare_usd(rule, from) - bare_usd(rule, to)) / requests;
	/* Where none of n items differed, one might have. */
	double sd = t->usd_per_error * fmax(c->error, 1 / n);

	w.gain_usd = requests * gap;
	w.worth_usd = requests * information_value(gap, sd, sd * sqrt(n), labels);
	return w;
}
