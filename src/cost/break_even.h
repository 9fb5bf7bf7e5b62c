/* break_even.h - when one rung becomes cheaper than another: after how many days, from which volume, price and quality on.
 *
 * `to` is the rung one would climb to, `from` its rival: the cheapest lower rung that passes (cost_rival()), not the large
 * model in use. What is spent already is no cost of either. Pure; NAN: an input is unknown. */
#ifndef RUNG_COST_BREAK_EVEN_H
#define RUNG_COST_BREAK_EVEN_H

#include "cost/equation.h"

/* t*: days until the one-off difference is saved, retraining spread over its days:
 *     (F_to - F_from) / (V (u_from - u_to) - (H_to - H_from) - (A_to/tau_to - A_from/tau_from))
 * INFINITY when it saves nothing a day, or prices fall faster than it pays; 0 when there is nothing to pay back. */
double cost_break_even_days(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *traffic);

/* t* in calls: how many of them bring the difference back. Without a traffic (0 calls a day) it is known where neither costs anything a day, since
 * a call is a call then, however many a day there are. NAN: there is nothing to pay back, or it is unknown. */
double cost_break_even_volume(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *traffic);

/* Where along a quantity `to` becomes the cheaper one over the horizon. */
enum cost_side { COST_ALWAYS, COST_NEVER, COST_ABOVE, COST_BELOW, COST_UNKNOWN };
struct cost_tip {
	enum cost_side side; /* `to` is cheaper always, never, above or below `at` */
	double at;
};
/* V*, a day. */
struct cost_tip cost_tip_calls(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *traffic);
/* A factor on the list prices that `from` pays; 1 is today's. */
struct cost_tip cost_tip_price(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *traffic);
/* The quality of `to`; errors have to have a price. */
struct cost_tip cost_tip_quality(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *traffic);

/* The three ends: at the pessimistic one of climbing, volume and the quality of `to` are at their low ends, that of `from` at its
 * high one, and prices fall; at the optimistic one the other way round, and prices stay. */
enum cost_end { COST_PESSIMISTIC, COST_MIDDLE, COST_OPTIMISTIC, COST_ENDS };
struct cost_case {
	struct cost_rung to, from;
	struct cost_traffic traffic;
};
struct cost_case cost_case_at(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *traffic,
			      enum cost_end end);
/* Whether climbing for cost pays there: t* < min(T, D). */
bool cost_pays(const struct cost_case *c);

/* The cheapest over the horizon of the rungs (n) that are lower than `of` and pass; NULL when there is none whose costs are known. */
const struct cost_rung *cost_rival(const struct cost_rung *rungs, size_t n, const struct cost_rung *of,
				   const struct cost_traffic *traffic);

/* A cascade asks a small rung, checks, and escalates the rest to a large one: it costs less than the large one alone while the
 * escalated share is below 1 - (c_small + c_check) / c_large. 0 or less: never. */
double cost_cascade_limit(double small_usd, double check_usd, double large_usd);

#endif
