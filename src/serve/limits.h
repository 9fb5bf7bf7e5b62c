/* limits.h - how much may be taken in any minute, or any day: reserved before a request goes on, settled after it. Pure.
 *
 * The window slides. It is kept in LIMIT_PARTS parts, and what was taken counts until its part has left the window whole: so no span holds
 * more than the limit, whenever it begins, and a taker who always waits gets at least 1 - 1/LIMIT_PARTS of it. A bucket of tokens, or a
 * window that begins anew each minute, lets twice the limit through within one minute. */
#ifndef RUNG_SERVE_LIMITS_H
#define RUNG_SERVE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMIT_PARTS = 240 };

/* { .most = ..., .span_ms = ... } has had nothing taken. */
struct limit {
	double most; /* in any span; INFINITY: it does not limit */
	double span_ms;
	double taken[LIMIT_PARTS + 1]; /* of the newest parts, a ring; the oldest has not left the window whole */
	int64_t newest;                /* number of the newest part, since one window before the clock's zero */
};

/* Whether so much fits beside what was taken. Times are clock_ms()'s, or any that do not run backwards. */
bool limit_fits(struct limit *l, double amount, double now_ms);
void limit_take(struct limit *l, double amount, double now_ms);
/* What was taken at that time, which may lie before the clock's zero, was less, or more: `change` is added to its part, or to the newest when
 * that has left the window. What is given back there is lost. */
void limit_change(struct limit *l, double change, double taken_ms, double now_ms);
/* Milliseconds until so much fits, if nobody takes anything; INFINITY: it never does. */
double limit_wait_ms(struct limit *l, double amount, double now_ms);
double limit_taken(struct limit *l, double now_ms);

#endif
