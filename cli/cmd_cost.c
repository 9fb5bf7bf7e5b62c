/* cmd_cost.c - rung cost [TASK] */
#include "terminal.h"

static struct rung_cost_options options_from(const struct settings *s)
{
	const struct cost_settings *c = &s->cost;

	return (struct rung_cost_options){
		.calls_per_day = c->calls_per_day, .horizon_days = c->horizon, .cost_per_error = c->cost_per_error, .target = s->target,
		.calls_range = c->calls_range, .price_decline = c->price_decline, .prices = c->prices, .price = c->price.items,
		.n_price = c->price.n, .region_factor = c->region_factor.items, .n_region_factor = c->region_factor.n,
		.batch_share = c->batch_share, .cache_hit = c->cache_hit, .prefix_tokens = c->prefix, .retry_share = c->retry,
		.retrieval_per_call = c->retrieval_per_call, .guard_per_call = c->guard_per_call, .one_off = c->one_off, .hours = c->hours,
		.hour_rate = c->hour_rate, .labels = c->labels, .label_cost = c->label_cost, .failed_runs = c->failed_runs,
		.epochs = c->epochs, .training_tokens = c->training_tokens, .training_price = c->training_price, .gpu_hours = c->gpu_hours,
		.gpu_hour_rate = c->gpu_hour_rate, .evaluation = c->evaluation, .hosting_per_day = c->hosting_per_day, .gpus = c->gpus,
		.storage_per_day = c->storage_per_day, .upkeep_per_day = c->upkeep_per_day, .retrain_every = c->retrain_every,
		.retrain_cost = c->retrain_cost, .retired_after = c->retired_after, .rebuild_cost = c->rebuild_cost,
		.escalated = c->escalated, .from = c->from, .to = c->to, .tokens = c->tokens, .to_tokens = c->to_tokens,
		.quality = c->quality, .to_quality = c->to_quality,
	};
}

static int run(const struct settings *s)
{
	struct rung_cost_options options = options_from(s);
	struct rung *r = terminal_open(s, s->n_arguments ? s->arguments[0] : NULL);
	struct rung_error err;
	char *text;
	enum rung_status status = rung_cost(r, &options, s->json, &text, &err);
	int code = status ? terminal_fail(status, &err) : terminal_output(text, s->output);

	rung_close(r);
	return code;
}

#define COST(i) &options_cost[i]
#define TEN(i) COST(i), COST(i + 1), COST(i + 2), COST(i + 3), COST(i + 4), COST(i + 5), COST(i + 6), COST(i + 7), COST(i + 8), COST(i + 9)
static const struct option_row *const options_of[] = {
	TEN(0), TEN(10), TEN(20), TEN(30), COST(40),
	&option_target, &option_core_hour, &option_threads, &option_seed, &option_examples, &option_store, &option_output, &option_json, &option_help, NULL,
};
_Static_assert(N_OPTIONS_COST == 41, "every row is listed");

const struct command command_cost = {
	"cost", "[TASK]", "what-ifs about money: break-even, tipping points",
	"What each candidate of the last climb costs, and from when, from how many calls a day and at which prices and\n"
	"quality it is cheaper than the cheapest lower rung that passes; from the stored rows, without a call. Without a\n"
	"TASK two models are compared by their prices:\n\n"
	"  rung cost --calls-per-day 500000 --tokens 1000/100 --from sonnet=3/15 --to haiku=1/5 --one-off 2000",
	options_of, 0, 1, run,
};
