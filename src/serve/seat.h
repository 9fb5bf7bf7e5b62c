/* seat.h - a task at the gateway: the verdict that serves, one that may be on trial, and chance, which says who answers a call.
 *
 * Seats belong to the thread of the loop. Arms come from elsewhere (governor.h), and go back there once they owe no answer: a question that
 * was taken is answered by whom it was given to, whatever happens meanwhile. */
#ifndef RUNG_SERVE_SEAT_H
#define RUNG_SERVE_SEAT_H

#include "serve/verdict.h"

/* A verdict, and the thread that answers by it. */
struct arm {
	struct served_verdict verdict;
	struct worker *worker;
	size_t asked;     /* questions that have not come back */
	struct arm *next; /* in a list of those that leave */
};

/* Takes the verdict. NULL and a sentence: no thread can be started; it is released. */
struct arm *arm_new(const struct served_verdict *v, const char *task, void (*wake)(void *context), void *wake_context, struct error *err);
/* Ends its thread, which must owe nothing any more, and releases the verdict. From any thread; NULL: nothing. */
void arm_free(struct arm *a);

struct seat {
	const char *task;
	struct arm *serving;
	struct arm *challenger, *previous; /* on trial; that served before; NULL: none */
	struct arm *leaving;               /* a list */
	double most_tokens, most_usd;      /* that one of its answers has taken so far; usd NAN: nobody knows what the last cost */
	double share;                      /* of calls that the challenger answers; 0: it is asked, too, and not shown (shadow) */
};

/* What happens at a seat; `arm` comes with TRY, REPLACE and RESTORE. */
enum seat_event {
	SEAT_TRY,     /* it is on trial, in place of who was */
	SEAT_END,     /* the challenger leaves */
	SEAT_PROMOTE, /* the challenger serves */
	SEAT_REPLACE, /* it serves, and no trial goes on */
	SEAT_RESTORE, /* it serves, or with NULL the previous one, in place of one that leaves */
};
void seat_move(struct seat *s, enum seat_event event, struct arm *arm, double share);

/* Who answers a call of that subject (or, without one, of that id): the same key gets the same arm for as long as a trial lasts.
 * *propensity: with which the arm was chosen; 1: chance had no say. */
struct arm *seat_draw(const struct seat *s, const char *key, double *propensity);
/* Calls `back` with what has come back from each arm, a list. */
void seat_take(struct seat *s, void (*back)(struct question *list));
struct arm *seat_gone(struct seat *s); /* one that has left and owes nothing; NULL: none */
void seat_stop(struct seat *s, void (*back)(struct question *list)); /* ends and frees them all */

#endif
