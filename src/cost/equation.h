/* equation.h - what a rung costs: a call, its errors, the work done once, each day, and all of it over a horizon.
 *
 * The cost equation, prices p per million tokens, V calls a day, T days:
 *     tok = (I - K) p_in + K [h p_read + (1 - h) p_write] + (O + R) p_out
 *     c   = (1 - b d) g (1 + retry) tok / 1e6 + esc c_L + (1 + retry) local + e + guard        USD a call
 *     u   = c + (1 - q) L                                                                      with its errors
 *     F   = W w + N l + (1 + k) [E X p_train / 1e6 + GPU hours + local seconds] + evaluation   once
 *     H   = hosting + 24 GPUs + storage + upkeep                                               a day
 *     TCO(T) = F + floor((T - 1) / tau) A + [D < T] B + T H + V sum over days of u
 * A call is one request of the user's traffic, however many times it asks a model. Money is US dollars, rates are shares
 * 0 .. 1. Pure. A number that is not known is NAN, and so is everything made of it; what is 0 times an unknown price is 0.
 * cost_missing() names what is not known. Begin from cost_rung_default: zero is no neutral factor. */
#ifndef RUNG_COST_EQUATION_H
#define RUNG_COST_EQUATION_H

#include <stdbool.h>
#include <stddef.h>

struct cost_prices {
	double input, output, cache_read, cache_write; /* USD per million tokens; NAN: unknown */
};

struct cost_call {
	double input_tokens, output_tokens, reasoning_tokens; /* I, O, R: as this model counts them */
	double prefix_tokens;  /* K, of the input: what every call begins with and the provider keeps; cost_cacheable() */
	double hit_share;      /* h, of calls that find the prefix kept */
	struct cost_prices usd_per_mtok;
	double batch_share;    /* b, of calls that may wait for a batch */
	double batch_discount; /* d, half of the price with most providers */
	double region_factor;  /* g, of an endpoint that is priced above the list */
	double retry_share;    /* calls that are made again */
	double escalated_share, escalation_usd; /* esc and c_L: calls handed to a stronger rung, and what one costs there */
	double local_usd;      /* seconds of the user's own machine */
	double retrieval_usd;  /* e */
	double guard_usd;
};

struct cost_setup {
	double hours, usd_per_hour;                            /* W, w */
	double labels, usd_per_label;                          /* N, l */
	double failed_runs;                                    /* k: runs that were paid and led nowhere */
	double epochs, epoch_tokens, training_usd_per_mtok;    /* E, X, p_train: tuned by a provider, */
	double gpu_hours, usd_per_gpu_hour;                    /* on rented GPUs, */
	double local_usd;                                      /* or on the user's own machine */
	double evaluation_usd;
	double other_usd;                                      /* a sum that is known as a whole */
};

struct cost_daily {
	double hosting_usd, storage_usd, upkeep_usd; /* a day */
	double gpus, usd_per_gpu_hour;               /* that stay on all day */
	double retraining_usd, retrain_every_days;   /* A, tau; INFINITY: never */
	double retired_after_days, rebuild_usd;      /* D, until the base model can no longer be used, and B; INFINITY: not known to end */
};

struct cost_rung {
	const char *name;
	int rung;
	bool passes;                               /* good enough for the task: it may be another rung's rival */
	double quality, quality_low, quality_high; /* share of right answers and its interval; NAN: unknown */
	struct cost_call call;
	struct cost_setup setup;
	struct cost_daily daily;
};
extern const struct cost_rung cost_rung_default; /* region factor 1, batch discount 1/2, nothing ends; quality and prices unknown */

struct cost_traffic {
	double calls_per_day, calls_low, calls_high; /* V and its range */
	double horizon_days;                         /* T */
	double usd_per_error;                        /* L */
	double price_decline;                        /* of list prices, a year: a price p is p (1 - decline)^(days / 365) */
};

/* K of a prompt that begins with so many common tokens: 0 below what the provider keeps at least. */
double cost_cacheable(double prefix_tokens, double provider_minimum_tokens);

double cost_listed_usd(const struct cost_call *call); /* the part of c that follows list prices: tokens and escalation */
double cost_call_usd(const struct cost_call *call);   /* c */
double cost_with_errors_usd(const struct cost_rung *r, double usd_per_error); /* u */
double cost_right_usd(const struct cost_rung *r);     /* c / q: a correct answer */
double cost_once_usd(const struct cost_setup *setup); /* F */
double cost_day_usd(const struct cost_daily *daily);  /* H */
/* What a day costs at V calls, retraining spread over its days, errors left out. */
double cost_running_usd(const struct cost_rung *r, double calls_per_day);

/* Days in today's money: the sum over days 0 .. T-1 of what a list price has come down to; T without a decline. */
double cost_price_days(double days, double decline);
/* TCO over `days`, at traffic->calls_per_day. */
double cost_total_usd(const struct cost_rung *r, const struct cost_traffic *traffic, double days);

/* Fills names with what the costs of the rung need and do not have ("output price"); returns how many. */
enum { COST_MISSING = 8 };
size_t cost_missing(const struct cost_rung *r, const struct cost_traffic *traffic, const char *names[COST_MISSING]);

#endif
