/* race.h - sequential halving of a rung's variants on the common dev items. Private to src/eval. */
#ifndef RUNG_EVAL_RACE_H
#define RUNG_EVAL_RACE_H

#include "eval/measure.h"

struct entrant {
	const struct variant *variant;
	size_t position; /* in the task's list of variants */
	struct record record;
	bool out, failed, won;
	const char *why; /* for those out or failed */
};

/* Runs the race: exactly one of those that did not fail has won. Classifiers cost no calls and answer every dev item;
 * models leave by halving, or earlier when a rival's evidence against them is overwhelming. */
bool race(struct climb *c, struct entrant *entrants, size_t n, struct error *err);

#endif
