/* race.h - sequential halving of variants on common dev items. Private to src/eval. */
#ifndef RUNG_EVAL_RACE_H
#define RUNG_EVAL_RACE_H

#include "eval/measure.h"

struct entrant {
	const struct variant *variant;
	size_t position; /* in the task's list of variants */
	struct record record;
	bool out, failed, won;
	bool unfit;   /* out: these documents do not suit it */
	bool waiting; /* out, and never in: its cheap form has not survived the first cut */
	const char *why; /* for those out or failed */
};

/* Runs the race on those dev items: exactly one of those that neither failed nor are unfit has won. Classifiers cost no calls and answer
 * every dev item; models leave by halving, or earlier when a rival's evidence against them is overwhelming.
 * A variant that asks the model several times for one answer (struct technique, waits_for) joins only when its cheap
 * form has survived the first cut (when that cut is the last: leads), and then answers the items of the first block
 * too. Five chains of thought for an item are not spent where one of them is among the worse half. */
bool race(struct climb *c, struct entrant *entrants, size_t n, struct item_list items, struct error *err);
/* The mean score; NAN: there is none. */
double record_score(const struct record *r);

#endif
