/* price.h - what a call costs: tokens at a dated list price, or seconds of this machine's processors.
 *
 * Pure. Prices are facts of a day with their source; unknown ones are NAN, never guessed. */
#ifndef RUNG_COST_PRICE_H
#define RUNG_COST_PRICE_H

#include <stddef.h>

struct price {
	const char *model;
	double input, cached_input, output; /* USD per million tokens */
	const char *as_of;                  /* ISO date */
	const char *source;
};

/* List price of a hosted model, without its provider prefix ("gpt-4.1-mini"); NULL when the table has none. */
const struct price *price_find(const char *model);
const struct price *price_all(size_t *n);

double price_tokens(const struct price *p, double input_tokens, double output_tokens); /* USD; NULL gives NAN */
/* USD of `seconds` on `cores` processors at usd_per_core_hour. */
double price_local(double seconds, int cores, double usd_per_core_hour);

/* USD an x86 core-hour in a public cloud on demand, per vCPU, as of price_local_as_of(): a default to override. */
extern const double price_core_hour_default;
const char *price_local_as_of(void);

#endif
