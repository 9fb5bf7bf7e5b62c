/* price.c - the table. One row a model; a new price is a new row with its date. */
#include "cost/price.h"

#include <math.h>
#include <string.h>

static const char litellm[] = "LiteLLM model_prices_and_context_window, 2026-08-01";

static const struct price prices[] = {
	{ "claude-haiku-4-5", 1.00, 0.10, 5.00, "2026-08-01", litellm },
	{ "claude-sonnet-4-5", 3.00, 0.30, 15.00, "2026-08-01", litellm },
	{ "gpt-4.1", 2.00, 0.50, 8.00, "2026-08-01", litellm },
	{ "gpt-4.1-mini", 0.40, 0.10, 1.60, "2026-08-01", litellm },
	{ "gpt-4.1-nano", 0.10, 0.025, 0.40, "2026-08-01", litellm },
	{ "gpt-4o-mini", 0.15, 0.075, 0.60, "2026-08-01", litellm },
};

const double price_core_hour_default = 0.045;

const char *price_local_as_of(void)
{
	return "2026-08-01";
}

const struct price *price_all(size_t *n)
{
	*n = sizeof(prices) / sizeof(prices[0]);
	return prices;
}

const struct price *price_find(const char *model)
{
	for (size_t i = 0; i < sizeof(prices) / sizeof(prices[0]); i++)
		if (strcmp(prices[i].model, model) == 0)
			return &prices[i];
	return NULL;
}

double price_tokens(const struct price *p, double input_tokens, double output_tokens)
{
	return p ? (input_tokens * p->input + output_tokens * p->output) / 1e6 : NAN;
}

double price_local(double seconds, int cores, double usd_per_core_hour)
{
	return seconds * cores * usd_per_core_hour / 3600;
}
