/* weighted.c - each call is a bet of its own mean: the scale moves with c and p. */
#include "stats/weighted.h"

#include <math.h>

void weighted_init(struct weighted *w, double margin)
{
	*w = (struct weighted){ .margin = margin };
	bet_init(&w->bet, 0.5); /* its mean is not used: each step brings one along */
}

void weighted_add(struct weighted *w, bool first, double p, double score)
{
	double s = fmin(fmax(score, 0.0), 1.0), c = (w->sum + 0.5) / ((double)w->n + 1.0);
	double low = fmax(c / p, (1.0 - c) / (1.0 - p)), high = fmax((1.0 - c) / p, c / (1.0 - p)), range = low + high;
	double z = first ? (s - c) / p : (c - s) / (1.0 - p);
	struct bet_step step;

	bet_step_init(&step, (low - w->margin) / range, (z + low) / range);
	bet_add_step(&w->bet, &step);
	w->sum += s;
	w->n++;
}

double weighted_log_k(const struct weighted *w)
{
	return bet_log_k(&w->bet);
}
