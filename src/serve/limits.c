/* limits.c - a ring of parts, summed whenever it is asked: no error of rounding grows */
#include "serve/limits.h"

#include <math.h>

static const int64_t parts = LIMIT_PARTS + 1;
static const double rounding_ms = 1; /* of a time that is given out: never a moment before the part has left */

/* From one window before the clock's zero: what was taken before the machine began has its part, too. */
static int64_t part_at(const struct limit *l, double ms)
{
	return (int64_t)floor(ms * LIMIT_PARTS / l->span_ms) + parts;
}

static double begin_of(const struct limit *l, int64_t part)
{
	return (double)(part - parts) * l->span_ms / LIMIT_PARTS;
}

/* Empties what has left the window since. */
static void advance(struct limit *l, double now_ms)
{
	int64_t now = part_at(l, now_ms);

	if (now - l->newest > parts)
		l->newest = now - parts;
	while (l->newest < now)
		l->taken[++l->newest % parts] = 0;
}

double limit_taken(struct limit *l, double now_ms)
{
	double sum = 0;

	advance(l, now_ms);
	for (int64_t i = 0; i < parts; i++)
		sum += l->taken[i];
	return sum;
}

bool limit_fits(struct limit *l, double amount, double now_ms)
{
	return isinf(l->most) || limit_taken(l, now_ms) + amount <= l->most;
}

void limit_take(struct limit *l, double amount, double now_ms)
{
	advance(l, now_ms);
	l->taken[l->newest % parts] += amount;
}

void limit_change(struct limit *l, double change, double taken_ms, double now_ms)
{
	int64_t part = part_at(l, taken_ms);

	advance(l, now_ms);
	if (part > l->newest - parts)
		l->taken[part % parts] += change;
	else if (change > 0)
		l->taken[l->newest % parts] += change;
}

double limit_wait_ms(struct limit *l, double amount, double now_ms)
{
	double sum = limit_taken(l, now_ms);

	if (amount > l->most)
		return INFINITY;
	if (sum + amount <= l->most)
		return 0;
	for (int64_t part = l->newest - LIMIT_PARTS;; part++) {
		sum -= l->taken[part % parts];
		if (part == l->newest || sum + amount <= l->most) /* it leaves when the newest has moved on by all of the ring */
			return fmax(0, begin_of(l, part + parts) - now_ms) + rounding_ms;
	}
}
