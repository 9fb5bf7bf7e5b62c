/* summary.c - one rung and its rival, every figure once. */
#include "cost/summary.h"

#include <math.h>

static void add_rival(struct cost_summary *s, const struct cost_traffic *t)
{
	s->break_even_days = cost_break_even_days(s->rung, s->rival, t);
	s->calls = cost_tip_calls(s->rung, s->rival, t);
	s->price = cost_tip_price(s->rung, s->rival, t);
	s->quality = cost_tip_quality(s->rung, s->rival, t);
	s->break_even_calls = s->calls.side == COST_ABOVE ? s->calls.at : s->calls.side == COST_ALWAYS ? 0 : NAN;
	for (int end = 0; end < COST_ENDS; end++) {
		struct cost_case c = cost_case_at(s->rung, s->rival, t, (enum cost_end)end);

		s->days_at[end] = cost_break_even_days(&c.to, &c.from, &c.traffic);
		if (end == COST_PESSIMISTIC)
			s->pays = cost_pays(&c);
	}
}

struct cost_summary cost_summary_of(const struct cost_rung *r, const struct cost_rung *rival, const struct cost_traffic *t)
{
	static const struct cost_tip unknown = { COST_UNKNOWN, NAN };
	bool traffic = t->calls_per_day > 0, horizon = traffic && t->horizon_days > 0;
	struct cost_summary s = {
		.rung = r, .rival = horizon ? rival : NULL,
		.usd_per_1k_calls = 1000 * cost_call_usd(&r->call), .usd_per_1k_right = 1000 * cost_right_usd(r),
		.one_off_usd = cost_once_usd(&r->setup), .per_day_usd = traffic ? cost_running_usd(r, t->calls_per_day) : NAN,
		.total_usd = horizon ? cost_total_usd(r, t, t->horizon_days) : NAN, .break_even_days = NAN, .break_even_calls = NAN,
		.calls = unknown, .price = unknown, .quality = unknown, .days_at = { NAN, NAN, NAN },
	};

	if (s.rival)
		add_rival(&s, t);
	return s;
}
