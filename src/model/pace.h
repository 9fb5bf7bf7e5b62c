/* pace.h - how many requests may be in flight at an endpoint, when the next may go, and when one is tried again. Pure: time is an
 * argument, in milliseconds of a clock that never runs backwards.
 *
 * Requests in flight follow AIMD (Chiu and Jain 1989): one more for each window that went well, half as many after a 429 or an overload,
 * once for the requests of one window. Beside it token buckets hold the limits of requests and tokens a minute, from the settings or from
 * the provider's x-ratelimit headers. Waits grow by full jitter (Brooker 2015, "Exponential Backoff and Jitter"); Retry-After is a lower
 * bound. A budget of retries (a share of what was sent, as in Finagle) keeps an outage from multiplying the traffic. */
#ifndef RUNG_MODEL_PACE_H
#define RUNG_MODEL_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

struct pace_settings {
	size_t most_in_flight;             /* 0: 32 */
	double requests_per_minute, tokens_per_minute; /* 0: no limit */
	size_t attempts;                   /* of one request, the first included; 0: 6 */
	double retry_share;                /* retries for each request sent, beside 10; 0: .2 */
	double first_wait_ms, longest_wait_ms; /* 0: 500 and 60,000 */
};

struct pace {
	struct pace_settings settings;
	double window;           /* requests in flight that are allowed */
	size_t in_flight;
	double held_until;       /* nothing is sent before: Retry-After of the whole endpoint */
	double requests, tokens; /* in the buckets */
	double filled_ms;        /* when they were last filled */
	double shrunk_ms;        /* when the window was last halved */
	double retries;          /* left in the budget */
};

void pace_init(struct pace *p, const struct pace_settings *settings, double now_ms);
/* 0: one of so many tokens (estimated) may be sent now; else the milliseconds after which to ask again (INFINITY: when one has ended). */
double pace_wait(struct pace *p, double tokens, double now_ms);
void pace_sent(struct pace *p, double tokens, double now_ms);
/* One has ended, begun at began_ms: well; or the endpoint had too much of it; or otherwise. tokens: estimated, and as they were counted. */
enum pace_end { PACE_WELL, PACE_CROWDED, PACE_FAILED };
void pace_ended(struct pace *p, enum pace_end end, double began_ms, double estimated, double counted, double now_ms);
/* Whether a request that was tried `tries` times may be tried again, and after how many milliseconds; retry_after_ms: what the server
 * asked for, 0: nothing. False: it has failed. */
bool pace_retry(struct pace *p, size_t tries, double retry_after_ms, struct rng *rng, double *wait_ms);
/* Retry-After of a header: seconds, or an HTTP date, which is counted from the response's own Date, so that a wrong clock here does no
 * harm. 0: none that can be read. */
double pace_retry_after(const char *value, const char *date);

#endif
