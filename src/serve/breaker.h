/* breaker.h - an upstream that fails again and again is left alone for a while, then tried by one request. Pure.
 *
 * Source: Nygard, "Release It!" (circuit breaker). Open after BREAKER_FAILURES in a row; then one request each BREAKER_REST_MS, until one
 * goes well. A probe that nobody hears of again (its client went away) costs one such time and no more. */
#ifndef RUNG_SERVE_BREAKER_H
#define RUNG_SERVE_BREAKER_H

#include <stdbool.h>
#include <stddef.h>

enum { BREAKER_FAILURES = 5, BREAKER_REST_MS = 5000 };

/* {0} is closed. */
struct breaker {
	size_t failures; /* in a row */
	double until;    /* nobody is let through before, where there were as many as it takes */
};

bool breaker_lets(struct breaker *b, double now_ms); /* whether a request may be sent now */
void breaker_went_well(struct breaker *b);
void breaker_failed(struct breaker *b, double now_ms);

#endif
