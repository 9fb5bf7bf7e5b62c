/* live.c - tests that run side by side */
#include "decide/live.h"

#include <math.h>

const struct live_rule live_rule_default = { .alpha = 0.05, .margin = 0.05, .run_length = 1e4, .floor = NAN };

void live_init(struct live *l, const struct live_rule *rule)
{
	*l = (struct live){ .rule = *rule, .baseline = NAN };
	weighted_init(&l->not_worse, rule->margin);
	weighted_init(&l->worse, 0);
	bet_init(&l->paired_not_worse, 0.5 * (1 - rule->margin));
	bet_init(&l->paired_worse, 0.5);
	bet_init(&l->failing, 0.5); /* each step brings its mean along */
}

static void record(struct live_record *r, double score)
{
	r->n++;
	r->sum += fmin(fmax(score, 0), 1);
}

double live_mean(const struct live_record *r)
{
	return r->n > 0 ? r->sum / (double)r->n : NAN;
}

/* The mean less one standard error, as of right and wrong; scores in between vary less. */
static double low_mean(const struct live_record *r)
{
	double n = (double)r->n, mean = (r->sum + 1) / (n + 2); /* never 0 or 1 */

	return r->n < LIVE_SETTLED ? NAN : mean - sqrt(mean * (1 - mean) / n);
}

double live_floor(const struct live *l)
{
	return low_mean(&l->record[LIVE_SERVING]) - l->rule.margin;
}

static void watch(struct live *l, double score)
{
	struct live_record *r = &l->record[LIVE_SERVING];

	l->baseline = fmax(low_mean(r), l->rule.floor); /* NAN where both are */
	if (l->baseline > 0)
		detector_add(&l->fall, l->baseline, score);
	record(r, score);
}

static void compare(struct live *l, const struct live_event *e)
{
	bool first = e->who == LIVE_CHALLENGER;

	if (!(e->propensity > 0 && e->propensity < 1))
		return;
	weighted_add(&l->not_worse, first, e->propensity, e->score);
	weighted_add(&l->worse, !first, 1 - e->propensity, e->score);
	record(first ? &l->record[LIVE_CHALLENGER] : &l->rival, e->score);
}

static void pair(struct live *l, const struct live_event *e)
{
	double x = 0.5 * (e->challenger - e->score + 1);

	bet_add(&l->paired_not_worse, x);
	bet_add(&l->paired_worse, 1 - x);
	record(&l->record[LIVE_CHALLENGER], e->challenger);
	record(&l->rival, e->score);
}

/* Where both fail alike, chance has drawn whose failure it is. */
static void fail(struct live *l, const struct live_event *e)
{
	bool first = e->who == LIVE_CHALLENGER;
	struct bet_step step;

	if (!(e->propensity > 0 && e->propensity < 1))
		return;
	bet_step_init(&step, e->propensity, first);
	bet_add_step(&l->failing, &step);
	l->failures[first ? LIVE_CHALLENGER : LIVE_SERVING]++;
}

/* A trial compares in one way or the other; the other's capital is 1. */
double live_log_not_worse(const struct live *l)
{
	return weighted_log_k(&l->not_worse) + bet_log_k(&l->paired_not_worse);
}

double live_log_worse(const struct live *l)
{
	return weighted_log_k(&l->worse) + bet_log_k(&l->paired_worse);
}

double live_log_failing(const struct live *l)
{
	return bet_log_k(&l->failing);
}

bool live_fails(const struct live *l)
{
	return l->failures[LIVE_CHALLENGER] >= LIVE_FAILURES && live_log_failing(l) >= -log(l->rule.alpha);
}

static enum live_decision settled(const struct live *l)
{
	double enough = -log(l->rule.alpha);

	if (detector_level(&l->fall) >= l->rule.run_length)
		return LIVE_DEMOTE;
	if (live_log_worse(l) >= enough || live_fails(l))
		return LIVE_END;
	return l->record[LIVE_CHALLENGER].n >= LIVE_LEAST && live_log_not_worse(l) >= enough ? LIVE_PROMOTE : LIVE_KEEP;
}

enum live_decision live_add(struct live *l, const struct live_event *e)
{
	if (l->decision != LIVE_KEEP)
		return l->decision;
	if (e->who != LIVE_CHALLENGER && !e->failed)
		watch(l, e->score);
	if (e->failed)
		fail(l, e);
	else if (e->who == LIVE_BOTH)
		pair(l, e);
	else
		compare(l, e);
	return l->decision = settled(l);
}
