/* spending.h - what a climb pays providers, counted as it goes, and whether it may go on. Private to src/eval.
 *
 * The budget is looked at before each request is sent: it is passed by what is in flight at that moment, at most. A batch has no more
 * requests than the budget leaves; of one in dollars by what requests have cost so far. What earlier processes
 * paid for the same run counts; what was in flight when one was killed counts as a call of unknown cost. */
#ifndef RUNG_EVAL_SPENDING_H
#define RUNG_EVAL_SPENDING_H

#include "eval/eval.h"

struct climb;

struct spending {
	struct climb *climb;
	struct spending_watch watch;
	size_t sent;  /* requests of the run, all attempts counted */
	size_t here;  /* calls that went to no provider, as last counted */
	double usd;   /* of those that ended and whose price is known */
};

/* Counts what the run paid before, and has the workshop report what it sends. */
bool spending_begin(struct climb *c, struct error *err);
/* Whether the climb must stop (climb->stopped says why): interrupted, or out of budget. */
bool climb_must_stop(struct climb *c, struct error *err);

#endif
