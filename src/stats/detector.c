/* detector.c - one sum a gambler, in plain numbers: who stops at an alarm stays far below what a double holds. */
#include "stats/detector.h"

#include <math.h>

/* The bet on a low mean is that of bet.h on 1 - x and 1 - b. */
void detector_add(struct detector *d, double b, double x)
{
	struct bet_step s;

	bet_step_init(&s, 1.0 - b, 1.0 - x);
	for (int i = 0; i < BET_GAMBLERS; i++)
		d->sum[i] = (1.0 + d->sum[i]) * exp(s.log_gain[i]);
}

double detector_level(const struct detector *d)
{
	double sum = 0.0;

	for (int i = 0; i < BET_GAMBLERS; i++)
		sum += d->sum[i];
	return sum / BET_GAMBLERS;
}
