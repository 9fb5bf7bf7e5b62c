/* options_cost.c - the rows of `rung cost`: what traffic, prices and upkeep are assumed. */
#include "options.h"

#define AT(field) offsetof(struct settings, cost.field)
#define NUMBER(flag, value, help, field) { flag, NULL, OPTION_NUMBER, value, help, AT(field) }
#define TEXT(flag, value, help, field) { flag, NULL, OPTION_TEXT, value, help, AT(field) }
#define LIST(flag, value, help, field) { flag, NULL, OPTION_LIST, value, help, AT(field) }

const struct option_row options_cost[N_OPTIONS_COST] = {
	NUMBER("--calls-per-day", "N", "traffic (default: the task's)", calls_per_day),
	TEXT("--calls-range", "LOW-HIGH", "the least and the most it may be", calls_range),
	NUMBER("--horizon", "DAYS", "days that one-off costs have to pay in (default: the task's, else 90)", horizon),
	NUMBER("--cost-per-error", "USD", "what a wrong answer costs (default: the task's)", cost_per_error),
	NUMBER("--price-decline", "SHARE", "by which list prices fall in a year", price_decline),
	TEXT("--prices", "FILE", "LiteLLM's model_prices_and_context_window.json", prices),
	LIST("--price", "MODEL=IN/OUT[/CACHED]", "your price, USD per million tokens; or of a variant's id", price),
	LIST("--region-factor", "[MODEL=]F", "factor on list prices (1.1: a region that costs a tenth more)", region_factor),
	NUMBER("--batch-share", "SHARE", "of calls that may wait for a batch", batch_share),
	NUMBER("--prefix", "TOKENS", "that every call begins with and the provider keeps", prefix),
	NUMBER("--cache-hit", "SHARE", "of calls that find it kept", cache_hit),
	NUMBER("--retry", "SHARE", "of calls that are made twice", retry),
	NUMBER("--retrieval-per-call", "USD", "of a search, where there is one", retrieval_per_call),
	NUMBER("--guard-per-call", "USD", "of checking an answer", guard_per_call),
	NUMBER("--one-off", "USD", "what fine-tuning (without a task: --to) costs once, as one sum; or by these:", one_off),
	NUMBER("--hours", "N", "hours of work", hours),
	NUMBER("--hour-rate", "USD", "an hour of work", hour_rate),
	NUMBER("--labels", "N", "labels to be bought", labels),
	NUMBER("--label-cost", "USD", "a label", label_cost),
	NUMBER("--failed-runs", "N", "training runs that lead nowhere and are paid as well", failed_runs),
	NUMBER("--training-tokens", "N", "tokens that a provider trains on, each epoch", training_tokens),
	NUMBER("--epochs", "N", "times that it does (default 1)", epochs),
	NUMBER("--training-price", "USD", "a million trained tokens", training_price),
	NUMBER("--gpu-hours", "N", "hours of a rented GPU for training", gpu_hours),
	NUMBER("--gpu-hour-rate", "USD", "an hour of a GPU", gpu_hour_rate),
	NUMBER("--evaluation", "USD", "of judging what came of it", evaluation),
	NUMBER("--hosting-per-day", "USD", "of keeping it ready to answer", hosting_per_day),
	NUMBER("--gpus", "N", "GPUs that do so all day", gpus),
	NUMBER("--storage-per-day", "USD", "of storing it", storage_per_day),
	NUMBER("--upkeep-per-day", "USD", "of looking after it", upkeep_per_day),
	NUMBER("--retrain-every", "DAYS", "days between trainings (default: never again)", retrain_every),
	NUMBER("--retrain-cost", "USD", "of each (default: the one-off sum again)", retrain_cost),
	NUMBER("--retired-after", "DAYS", "days until its base model is gone (default: as the price table says)", retired_after),
	NUMBER("--rebuild-cost", "USD", "of building it anew then (default: the one-off sum again)", rebuild_cost),
	TEXT("--from", "A", "a variant's id; without a task MODEL, or MODEL=IN/OUT[/CACHED]", from),
	TEXT("--to", "B", "likewise: what it is to be replaced by", to),
	TEXT("--tokens", "IN/OUT[/PREFIX]", "without a task: tokens of a call, PREFIX of them kept by the provider", tokens),
	TEXT("--to-tokens", "IN/OUT[/PREFIX]", "those of --to, where they differ", to_tokens),
	NUMBER("--quality", "SHARE", "without a task: of right answers of --from", quality),
	NUMBER("--to-quality", "SHARE", "of --to", to_quality),
	NUMBER("--escalated", "SHARE", "without a task: of its calls that --to hands on to --from", escalated),
};
