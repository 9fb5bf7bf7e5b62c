/* price.h - what tokens and seconds cost: one dated cell for each model and field, with its source.
 *
 * A table begins with the rows of this file's day, takes in LiteLLM's file, and the user's own prices stand above both.
 * Pure: bytes and dates are arguments. Unknown prices are NAN, never guessed and never 0. */
#ifndef RUNG_COST_PRICE_H
#define RUNG_COST_PRICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "cost/equation.h"

enum price_field {
	PRICE_INPUT, PRICE_OUTPUT, PRICE_CACHE_READ, PRICE_CACHE_WRITE, PRICE_BATCH_INPUT, PRICE_BATCH_OUTPUT,
	PRICE_FIELDS
};

struct price_cell {
	double usd_per_mtok; /* NAN: none */
	double refused;      /* what the source says when that is no price (negative, or 0: free or not filled in); else NAN */
	const char *as_of, *source; /* ISO date; NULL: nobody says anything */
};

struct price_model {
	const char *name; /* as the provider calls it: "gpt-4.1-mini" */
	struct price_cell cells[PRICE_FIELDS];
	const char *retired_on;      /* ISO date from which on it cannot be asked; NULL: not announced */
	double cache_minimum_tokens; /* a shorter prefix is not kept; 0: not known to be refused */
	double region_factor;        /* NAN: none of its own */
	bool users;                  /* its prices are the user's own */
};

struct price_table;
struct price_table *price_table_open(void);
void price_table_free(struct price_table *t);

/* Takes in LiteLLM's model_prices_and_context_window.json; newer cells replace older ones. name: of the file, for errors and as
 * the source; as_of: its ISO date. */
bool price_table_read(struct price_table *t, const char *bytes, size_t n, const char *name, const char *as_of, struct error *err);
/* The user's own: "MODEL=IN/OUT[/CACHED]" in USD per million tokens. Returns MODEL, which lives in the
 * table; NULL and a sentence when it is none. */
const char *price_table_set(struct price_table *t, const char *text, const char *today, struct error *err);
/* "MODEL=FACTOR", or "FACTOR" for all. */
bool price_table_factor(struct price_table *t, const char *text, struct error *err);

/* By name, with or without its provider ("openai:gpt-4.1-mini"); NULL when nobody has a price for it. Valid until the table
 * takes in something else. */
const struct price_model *price_table_find(const struct price_table *t, const char *model);

/* The prices of a call; what is written to the cache costs as much as other input where the provider has no price for it. */
struct cost_prices price_of(const struct price_model *m);
/* USD of so many tokens; cache_read and cache_write are parts of the input. NAN: a price that it takes is not known. */
double price_tokens(const struct price_model *m, double input, double output, double cache_read, double cache_write);
double price_batch_discount(const struct price_model *m); /* by its batch prices; 1/2 without */
double price_region_factor(const struct price_table *t, const struct price_model *m); /* m NULL: of all; 1 when none was given */
/* Days from today until the model is retired; INFINITY: not announced. 0 when it is retired already. */
double price_days_left(const struct price_model *m, const char *today);

/* What a reader should know before he trusts the model's prices, a sentence each, in arena: cells over 180 days older than today,
 * output cheaper than input, cached input dearer than input, a price 1,000 times off the table's median, values that are no
 * price. Returns how many. */
enum { PRICE_DOUBTS = 16 };
size_t price_doubts(const struct price_table *t, const struct price_model *m, const char *today, struct arena *arena,
		    const char *sentences[PRICE_DOUBTS]);

/* USD of `seconds` on `cores` processors at usd_per_core_hour. */
double price_local(double seconds, int cores, double usd_per_core_hour);
/* USD an x86 core-hour in a public cloud on demand, per vCPU, as of price_local_as_of(): a default to override. */
extern const double price_core_hour_default;
const char *price_local_as_of(void);

/* Days since 1970-01-01 of an ISO date; false when it is none. */
bool price_day(const char *date, long *day);

#endif
