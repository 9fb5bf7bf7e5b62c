/* summary.h - all that is said of one rung's costs, beside its rival. Pure; NAN: unknown. */
#ifndef RUNG_COST_SUMMARY_H
#define RUNG_COST_SUMMARY_H

#include "cost/break_even.h"

struct cost_summary {
	const struct cost_rung *rung, *rival; /* rival NULL: there is nothing to beat, or nothing whose costs are known */
	double usd_per_1k_calls, usd_per_1k_right, one_off_usd;
	double per_day_usd;      /* at the traffic, errors left out */
	double total_usd;        /* TCO over the horizon, with errors */
	double break_even_days;  /* INFINITY: never; NAN without a rival */
	struct cost_tip calls, price, quality;
	double days_at[COST_ENDS]; /* break-even days at the three ends */
	bool pays;                 /* at the pessimistic end */
	double break_even_calls;   /* V*: of calls when `rung` is the cheaper one above it, 0 when always; else NAN */
};

/* Traffic or horizon of 0 are not given: what needs them is NAN. Borrows both rungs. */
struct cost_summary cost_summary_of(const struct cost_rung *r, const struct cost_rung *rival, const struct cost_traffic *traffic);

#endif
