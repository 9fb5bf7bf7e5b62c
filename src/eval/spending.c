/* spending.c - requests as they are sent, dollars as they are known. */
#include "eval/spending.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "eval/measure.h"
#include "eval/pricing.h"

/* 0 where nobody knows the price; a budget in dollars is refused before such a model is asked. */
static double usd_of(const struct climb *c, const struct attempt_sum *a)
{
	const struct cost_assumptions *costs = c->options->costs;
	double usd = pricing_attempts(costs ? costs->prices : NULL, a);

	return isnan(usd) ? 0 : usd;
}

/* In an order in which what was said first stays said. */
static const char *why_stop(struct climb *c)
{
	const struct climb_options *o = c->options;
	const struct spending *s = &c->spending;

	if (c->stopped)
		return c->stopped;
	if (o->progress.stopped && o->progress.stopped(o->progress.context))
		return "interrupted";
	if (o->max_minutes > 0 && clock_ms() - c->started_ms > o->max_minutes * 60e3)
		return "the time budget is used up";
	if (o->max_calls && s->here + s->sent >= o->max_calls)
		return "the budget of calls is used up";
	if (o->max_usd > 0 && s->usd >= o->max_usd)
		return arena_printf(&c->arena, "the budget of $%g is used up", o->max_usd);
	return NULL;
}

bool climb_must_stop(struct climb *c, struct error *err)
{
	double ms;

	if (c->options->max_calls && !store_spent_here(c->store, c->run, &c->spending.here, &ms, err))
		return true;
	c->stopped = why_stop(c);
	return c->stopped != NULL;
}

static const char *watch_stopped(void *context)
{
	struct spending *s = context;

	s->climb->stopped = why_stop(s->climb);
	return s->climb->stopped;
}

/* Dollars by the mean of those before: what a batch will cost is known when it is done. */
static size_t watch_left(void *context)
{
	const struct spending *s = context;
	const struct climb_options *o = s->climb->options;
	size_t left = SIZE_MAX, spent = s->here + s->sent;

	if (o->max_calls)
		left = spent < o->max_calls ? o->max_calls - spent : 0;
	if (o->max_usd > 0 && s->usd > 0) {
		double more = fmax(o->max_usd - s->usd, 0) / (s->usd / (double)s->sent);

		left = more < (double)left ? (size_t)more : left;
	}
	return left;
}

/* A request of a batch is heard of once, when its result is there. */
static void watch_attempted(void *context, const struct attempt_row *a)
{
	struct spending *s = context;

	s->sent += a->batch || strcmp(a->end, "sent") == 0;
	if (strcmp(a->end, "sent") != 0)
		s->usd += usd_of(s->climb, &(struct attempt_sum){ .model = a->model, .batch = a->batch, .input_tokens = a->input_tokens,
								  .output_tokens = a->output_tokens, .cache_read = a->cache_read,
								  .cache_written = a->cache_written });
}

bool spending_begin(struct climb *c, struct error *err)
{
	struct spending *s = &c->spending;
	struct attempt_sum *sums;
	size_t n;
	double ms;

	*s = (struct spending){ .climb = c, .watch = { watch_stopped, watch_left, watch_attempted, s } };
	if (!store_attempts(c->store, c->run, &c->arena, &sums, &n, err) || !store_spent_here(c->store, c->run, &s->here, &ms, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		s->sent += sums[i].answered + sums[i].failed + sums[i].unknown;
		s->usd += usd_of(c, &sums[i]);
	}
	workshop_spending(c->workshop, &s->watch);
	return true;
}
