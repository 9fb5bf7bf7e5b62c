/* break_even.c - two rungs against each other. Their difference over a horizon is a line in volume, in the factor on a price and in
 * quality, so each tipping point is the root of one. */
#include "cost/break_even.h"

#include <math.h>

/* A day of `from` less a day of `to`: what follows list prices today, and what does not. */
struct saving {
	double listed, own;
};

static double reserve(const struct cost_daily *d)
{
	return d->retraining_usd == 0 ? 0 : d->retraining_usd / d->retrain_every_days;
}

static struct saving saving_of(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *t)
{
	double listed = cost_listed_usd(&from->call) - cost_listed_usd(&to->call);
	double all = cost_with_errors_usd(from, t->usd_per_error) - cost_with_errors_usd(to, t->usd_per_error);
	double daily = cost_day_usd(&to->daily) - cost_day_usd(&from->daily) + reserve(&to->daily) - reserve(&from->daily);

	return (struct saving){ t->calls_per_day * listed, t->calls_per_day * (all - listed) - daily };
}

/* What is still to be paid back after so many days. */
static double left_after(double days, double once, struct saving s, double decline)
{
	return once - s.listed * cost_price_days(days, decline) - s.own * days;
}

/* The day of least debt: where a day's saving has come down to nothing. Where it only grows, or never changes its sign, far away. */
static double best_day(struct saving s, double decline)
{
	const double far = 365.0 * 1000;
	double share = -s.own / s.listed; /* of today's price at which a day saves nothing */
	double left = pow(1 - decline, 1 / 365.0);

	/* left_after() falls by listed * left^d * ln(left) / (left - 1) + own a day. */
	if (!(s.listed > 0) || !(share > 0))
		return far;
	return fmin(far, fmax(0, log(share * (left - 1) / log(left)) / log(left)));
}

static double days_with_decline(double once, struct saving s, double decline)
{
	double low = 0, high = best_day(s, decline);

	if (left_after(high, once, s, decline) > 0)
		return INFINITY;
	for (int i = 0; i < 200; i++) {
		double middle = (low + high) / 2;

		*(left_after(middle, once, s, decline) > 0 ? &low : &high) = middle;
	}
	return high;
}

double cost_break_even_days(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *t)
{
	double once = cost_once_usd(&to->setup) - cost_once_usd(&from->setup);
	struct saving s = saving_of(to, from, t);

	if (isnan(once) || isnan(s.listed) || isnan(s.own))
		return NAN;
	if (s.listed + s.own <= 0 && t->price_decline == 0)
		return INFINITY;
	if (once <= 0)
		return s.listed + s.own > 0 ? 0 : INFINITY;
	return t->price_decline == 0 ? once / (s.listed + s.own) : days_with_decline(once, s, t->price_decline);
}

static bool costs_nothing_a_day(const struct cost_daily *d)
{
	return !(cost_day_usd(d) > 0) && !(reserve(d) > 0);
}

double cost_break_even_volume(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *traffic)
{
	struct cost_traffic t = *traffic;

	if (!(cost_once_usd(&to->setup) > cost_once_usd(&from->setup)))
		return NAN;
	if (!(t.calls_per_day > 0)) {
		if (!costs_nothing_a_day(&to->daily) || !costs_nothing_a_day(&from->daily) || t.price_decline > 0)
			return NAN;
		t.calls_per_day = 1;
	}
	return cost_break_even_days(to, from, &t) * t.calls_per_day;
}

/* Where a + b x, what `to` costs more at x, is below 0 for x from `low` to `high`. */
static struct cost_tip tip_of_line(double a, double b, double low, double high)
{
	double root = -a / b;

	if (isnan(a) || isnan(b))
		return (struct cost_tip){ COST_UNKNOWN, NAN };
	if (b == 0)
		return (struct cost_tip){ a < 0 ? COST_ALWAYS : COST_NEVER, NAN };
	if (root <= low)
		return (struct cost_tip){ b < 0 ? COST_ALWAYS : COST_NEVER, NAN };
	if (root >= high)
		return (struct cost_tip){ b < 0 ? COST_NEVER : COST_ALWAYS, NAN };
	return (struct cost_tip){ b < 0 ? COST_ABOVE : COST_BELOW, root };
}

static double difference(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *t)
{
	return cost_total_usd(to, t, t->horizon_days) - cost_total_usd(from, t, t->horizon_days);
}

struct cost_tip cost_tip_calls(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *traffic)
{
	struct cost_traffic none = *traffic, one = *traffic;

	none.calls_per_day = 0;
	one.calls_per_day = 1;
	double fixed = difference(to, from, &none);

	/* Not the difference of two totals: beside thousands of dollars that would round a fraction of a cent away. */
	struct cost_rung bare_to = *to, bare_from = *from;

	bare_to.setup = bare_from.setup = cost_rung_default.setup;
	bare_to.daily = bare_from.daily = cost_rung_default.daily;
	return tip_of_line(fixed, difference(&bare_to, &bare_from, &one), 0, INFINITY);
}

struct cost_tip cost_tip_price(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *t)
{
	double listed = t->calls_per_day * cost_price_days(t->horizon_days, t->price_decline) * cost_listed_usd(&from->call);

	return tip_of_line(difference(to, from, t) + listed, -listed, 0, INFINITY);
}

struct cost_tip cost_tip_quality(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *t)
{
	double errors = t->calls_per_day * t->horizon_days * t->usd_per_error;

	if (!(errors > 0))
		return (struct cost_tip){ COST_UNKNOWN, NAN };
	struct cost_rung perfect = *to;

	perfect.quality = 1;
	return tip_of_line(difference(&perfect, from, t) + errors, -errors, 0, 1);
}

struct cost_case cost_case_at(const struct cost_rung *to, const struct cost_rung *from, const struct cost_traffic *traffic,
			      enum cost_end end)
{
	struct cost_case c = { *to, *from, *traffic };
	bool low = end == COST_PESSIMISTIC;

	if (end == COST_MIDDLE)
		return c;
	c.to.quality = low ? to->quality_low : to->quality_high;
	c.from.quality = low ? from->quality_high : from->quality_low;
	c.traffic.calls_per_day = low ? traffic->calls_low : traffic->calls_high;
	if (!low)
		c.traffic.price_decline = 0;
	return c;
}

bool cost_pays(const struct cost_case *c)
{
	return cost_break_even_days(&c->to, &c->from, &c->traffic) < fmin(c->traffic.horizon_days, c->to.daily.retired_after_days);
}

const struct cost_rung *cost_rival(const struct cost_rung *rungs, size_t n, const struct cost_rung *of, const struct cost_traffic *t)
{
	const struct cost_rung *rival = NULL;
	double least = INFINITY;

	for (size_t i = 0; i < n; i++) {
		double total = cost_total_usd(&rungs[i], t, t->horizon_days);

		if (rungs[i].rung >= of->rung || !rungs[i].passes || !(total < least))
			continue;
		rival = &rungs[i];
		least = total;
	}
	return rival;
}

double cost_cascade_limit(double small_usd, double check_usd, double large_usd)
{
	return 1 - (small_usd + check_usd) / large_usd;
}
