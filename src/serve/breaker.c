/* breaker.c - a count and a time */
#include "serve/breaker.h"

bool breaker_lets(struct breaker *b, double now_ms)
{
	if (b->failures < BREAKER_FAILURES)
		return true;
	if (now_ms < b->until)
		return false;
	b->until = now_ms + BREAKER_REST_MS;
	return true;
}

void breaker_went_well(struct breaker *b)
{
	b->failures = 0;
}

void breaker_failed(struct breaker *b, double now_ms)
{
	b->failures++;
	b->until = now_ms + BREAKER_REST_MS;
}
