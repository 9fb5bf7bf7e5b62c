/* spending.c - requests as they are sent, dollars as they are known. */
#include "eval/spending.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "eval/measure.h"
#include "eval/pricing.h"

/* 0 where nobody knows the price; a budget in dollars is refused before such a model is asked. */
static double usd_of(const struct climb *c, const char *model, bool batch, double input, double output, double cache_read,
		     double cache_write)
{
	const struct cost_assumptions *a = c->options->costs;
	const struct price_model *m = a && a->prices ? pricing_model(a->prices, model, model) : NULL;
	double usd = m ? price_tokens(m, input, output, cache_read, cache_write) : 0;

	if (m && batch)
		usd *= 1 - price_batch_discount(m);
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
		return arena_printf(&c->arena, "the budget of $%.2f is used up", o->max_usd);
	return NULL;
}

bool climb_must_stop(struct climb *c, struct error *err)
{
	if (c->options->max_calls && !store_spent_here(c->store, c->run, &c->spending.here, err))
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

static void watch_attempted(void *context, const struct attempt_row *a)
{
	struct spending *s = context;

	if (strcmp(a->end, "sent") == 0)
		s->sent++;
	else
		s->usd += usd_of(s->climb, a->model, a->batch, (double)a->input_tokens, (double)a->output_tokens, (double)a->cache_read,
				 (double)a->cache_written);
}

bool spending_begin(struct climb *c, struct error *err)
{
	struct spending *s = &c->spending;
	struct attempt_sum *sums;
	size_t n;

	*s = (struct spending){ .climb = c, .watch = { watch_stopped, watch_attempted, s } };
	if (!store_attempts(c->store, c->run, &c->arena, &sums, &n, err) || !store_spent_here(c->store, c->run, &s->here, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		s->sent += sums[i].answered + sums[i].failed + sums[i].unknown;
		s->usd += usd_of(c, sums[i].model, sums[i].batch, (double)sums[i].input_tokens, (double)sums[i].output_tokens,
				 (double)sums[i].cache_read, (double)sums[i].cache_written);
	}
	workshop_spending(c->workshop, &s->watch);
	return true;
}
