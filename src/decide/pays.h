/* pays.h - what the cost equation says of a challenger: does it pay for itself, and when? Private to src/decide. */
#ifndef RUNG_DECIDE_PAYS_H
#define RUNG_DECIDE_PAYS_H

#include "decide/decide.h"

struct payback {
	enum paying pays;
	double days; /* t* at the pessimistic end; INFINITY: never; NAN: not asked, or unknown */
};

/* Of `to` against `from`, both judged by the first n items where errors have a price; else the scores say nothing. */
struct payback payback_of(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to, size_t n);
/* PAYING_OPEN: about how many more items would narrow the intervals enough to show that it pays; SIZE_MAX: more than `most`. */
size_t payback_labels(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to, size_t n, size_t most);
/* TCO over the horizon at the scores measured; NAN: unknown. */
double payback_total_usd(const struct decide_rule *rule, const struct candidate *c);

/* Whether a comparison with this payback may still end in a climb for cost. */
static inline bool payback_possible(enum paying p)
{
	return p == PAYING_YES || p == PAYING_OPEN;
}

#endif
