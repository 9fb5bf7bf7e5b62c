/* pace.h - how many requests may be in flight at an endpoint, when the next may go, and when one is tried again. Pure: time is an
 * argument, in milliseconds of a clock that never runs backwards.
 *
 * Requests in flight follow AIMD (Chiu and Jain 1989): one more for each window that went well, half as many after a 429 or an overload,
 * once for what was in flight together. Limits of requests and tokens a minute hold in every minute, not on average: what was sent is
 * counted by seconds, and the last 61 of them together stay below the limit (a token bucket lets through twice its limit in a minute).
 * Waits grow by full jitter (Brooker 2015, "Exponential Backoff And Jitter"); Retry-After is a lower bound, and holds everybody back. A
 * budget of retries, a share of what was sent (Finagle's RetryBudget), keeps an outage from multiplying the traffic. */
#ifndef RUNG_MODEL_PACE_H
#define RUNG_MODEL_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

struct pace_settings {
	size_t most_in_flight;                         /* 0: 32 */
	double requests_per_minute, tokens_per_minute; /* 0: no limit */
	size_t attempts;                               /* of one request, the first included; 0: 6 */
	double retry_share;                            /* retries for each request sent, beside 10; 0: .2 */
	double first_wait_ms, longest_wait_ms;         /* 0: 500 and 60,000 */
};

enum { PACE_SECONDS = 61 }; /* that any minute lies within */

struct pace {
	struct pace_settings settings; /* without zeros that stand for something else */
	double window;                 /* requests in flight that are allowed */
	size_t in_flight;
	double held_until;             /* nothing is sent before */
	double shrunk_ms;              /* when the window was last halved */
	double retries;                /* left in the budget */
	double requests[PACE_SECONDS], tokens[PACE_SECONDS]; /* sent in the second s: at s % PACE_SECONDS */
	int64_t second;                /* the newest that is counted */
};

void pace_init(struct pace *p, const struct pace_settings *settings, double now_ms);
/* 0: a request of so many tokens (estimated, prompt and reply) may be sent now; else the milliseconds after which to ask again, INFINITY:
 * not before one in flight has ended. One that is larger than a minute's tokens goes when nothing else was sent for a minute. */
double pace_wait(struct pace *p, double tokens, double now_ms);
void pace_sent(struct pace *p, double tokens, double now_ms);

enum pace_end { PACE_WELL, PACE_CROWDED, PACE_FAILED }; /* CROWDED: the endpoint had too much of it (429, 529) */
/* One has ended that was sent at sent_ms. counted: its tokens by the server's own count, NAN: not known; what was estimated too much is
 * given back, what was too little is owed. */
void pace_ended(struct pace *p, enum pace_end end, double sent_ms, double estimated, double counted, double now_ms);
/* Whether a request that was tried so often may be tried again, and after how many milliseconds. retry_after_ms: what the server asked
 * for, 0: nothing; more than ten of the longest waits is no wait but a failure. */
bool pace_retry(struct pace *p, size_t tries, double retry_after_ms, struct rng *rng, double now_ms, double *wait_ms);

/* Retry-After as milliseconds: seconds, or an HTTP date (RFC 9110, 5.6.7: the preferred form), which is counted from the response's own
 * Date, so that a wrong clock here does no harm. 0: none that can be read, or one that has passed. */
double pace_retry_after(const char *value, const char *date);

#endif
