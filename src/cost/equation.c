/* equation.c - the cost equation. What is taken 0 times costs nothing, whatever its price: usd_of(). */
#include "cost/equation.h"

#include <math.h>

const struct cost_rung cost_rung_default = {
	.quality = NAN, .quality_low = NAN, .quality_high = NAN,
	.call = { .usd_per_mtok = { NAN, NAN, NAN, NAN }, .batch_discount = 0.5, .region_factor = 1 },
	.daily = { .retrain_every_days = INFINITY, .retired_after_days = INFINITY },
};

static double usd_of(double amount, double usd_each)
{
	return amount == 0 ? 0 : amount * usd_each;
}

double cost_cacheable(double prefix_tokens, double provider_minimum_tokens)
{
	return prefix_tokens < provider_minimum_tokens ? 0 : prefix_tokens;
}

static double token_usd(const struct cost_call *c)
{
	const struct cost_prices *p = &c->usd_per_mtok;

	return (usd_of(c->input_tokens - c->prefix_tokens, p->input) + usd_of(c->prefix_tokens * c->hit_share, p->cache_read) +
		usd_of(c->prefix_tokens * (1 - c->hit_share), p->cache_write) +
		usd_of(c->output_tokens + c->reasoning_tokens, p->output)) / 1e6;
}

double cost_listed_usd(const struct cost_call *c)
{
	return (1 - c->batch_share * c->batch_discount) * c->region_factor * (1 + c->retry_share) * token_usd(c) +
	       usd_of(c->escalated_share, c->escalation_usd);
}

/* What does not follow list prices. */
static double own_usd(const struct cost_call *c)
{
	return (1 + c->retry_share) * c->local_usd + c->retrieval_usd + c->guard_usd;
}

double cost_call_usd(const struct cost_call *c)
{
	return cost_listed_usd(c) + own_usd(c);
}

static double errors_usd(const struct cost_rung *r, double usd_per_error)
{
	return usd_of(usd_per_error, 1 - r->quality);
}

double cost_with_errors_usd(const struct cost_rung *r, double usd_per_error)
{
	return cost_call_usd(&r->call) + errors_usd(r, usd_per_error);
}

double cost_right_usd(const struct cost_rung *r)
{
	return r->quality > 0 ? cost_call_usd(&r->call) / r->quality : NAN;
}

double cost_once_usd(const struct cost_setup *s)
{
	double run = usd_of(s->epochs * s->epoch_tokens / 1e6, s->training_usd_per_mtok) + usd_of(s->gpu_hours, s->usd_per_gpu_hour) +
		     s->local_usd;

	return usd_of(s->hours, s->usd_per_hour) + usd_of(s->labels, s->usd_per_label) + (1 + s->failed_runs) * run + s->evaluation_usd +
	       s->other_usd;
}

double cost_day_usd(const struct cost_daily *d)
{
	return d->hosting_usd + d->storage_usd + d->upkeep_usd + 24 * usd_of(d->gpus, d->usd_per_gpu_hour);
}

double cost_running_usd(const struct cost_rung *r, double calls_per_day)
{
	return usd_of(calls_per_day, cost_call_usd(&r->call)) + cost_day_usd(&r->daily) +
	       usd_of(r->daily.retraining_usd, 1 / r->daily.retrain_every_days);
}

double cost_price_days(double days, double decline)
{
	double left = pow(1 - decline, 1 / 365.0); /* of a price, from one day to the next */

	return decline == 0 ? days : (1 - pow(left, days)) / (1 - left);
}

double cost_total_usd(const struct cost_rung *r, const struct cost_traffic *t, double days)
{
	double retrained = fmax(0, floor((days - 1) / r->daily.retrain_every_days));
	double calls = cost_price_days(days, t->price_decline) * cost_listed_usd(&r->call) +
		       days * (own_usd(&r->call) + errors_usd(r, t->usd_per_error));

	return cost_once_usd(&r->setup) + usd_of(retrained, r->daily.retraining_usd) +
	       (r->daily.retired_after_days < days ? r->daily.rebuild_usd : 0) + days * cost_day_usd(&r->daily) +
	       usd_of(t->calls_per_day, calls);
}

size_t cost_missing(const struct cost_rung *r, const struct cost_traffic *t, const char *names[COST_MISSING])
{
	const struct cost_call *c = &r->call;
	const struct { const char *name; double amount, value; } needed[] = {
		{ "input price", c->input_tokens - c->prefix_tokens, c->usd_per_mtok.input },
		{ "output price", c->output_tokens + c->reasoning_tokens, c->usd_per_mtok.output },
		{ "price of cached input", c->prefix_tokens * c->hit_share, c->usd_per_mtok.cache_read },
		{ "price of writing to the cache", c->prefix_tokens * (1 - c->hit_share), c->usd_per_mtok.cache_write },
		{ "time of its calls", 1, c->local_usd },
		{ "one-off cost", 1, cost_once_usd(&r->setup) },
		{ "cost of a day", 1, cost_day_usd(&r->daily) },
		{ "quality", t->usd_per_error, r->quality },
	};
	size_t n = 0;

	_Static_assert(sizeof(needed) / sizeof(needed[0]) == COST_MISSING, "a place for each");
	for (size_t i = 0; i < COST_MISSING; i++)
		if (needed[i].amount != 0 && isnan(needed[i].value))
			names[n++] = needed[i].name;
	return n;
}
