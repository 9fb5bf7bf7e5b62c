/* governor.h - which verdict answers a task: a thread that looks at the store for a new one, and at what is said of answers for a reason.
 *
 * served.db is all that it knows: what live_add() (decide/live.h) makes of the rows since the one that serves began is worked out anew at
 * each look, so that a restart changes nothing. Each step is a row of the table `history` before it is taken, and a notice:
 *
 *     first       it serves; nothing did before
 *     trial       a new verdict gets a share of the calls, by chance (seat.h);
 *     shadow      or is asked as well, and not shown: what it says is compared where the right answer becomes known (a demonstration)
 *     promoted    the trial showed it not worse by the margin: it serves, and who did is kept
 *     ended       the trial showed it worse, or failing, a newer one came, or it cannot be loaded: the trial is over
 *     replaced    it serves without a trial: so it was asked for, or who did cannot be loaded any more
 *     demoted     it served, and has fallen below what it did;
 *     restored    who served before serves again;
 *     fallen      or there is nobody to go back to, and it goes on
 *     paid        the calls that it answered have brought its one-off costs back
 *
 * A verdict whose trial ended badly, or that was demoted, is not tried again. The score of a call: by the task's scorer where a right output
 * was shown (demonstration), else the mean of what was said (boolean, float). A call that we failed (5xx) has none, but failures are counted. */
#ifndef RUNG_SERVE_GOVERNOR_H
#define RUNG_SERVE_GOVERNOR_H

#include "base/buf.h"
#include "decide/live.h"
#include "serve/seat.h"

struct governor_settings {
	const char *journal; /* served.db, which is there; NULL: nothing is kept, and a new verdict takes over at once */
	double share;        /* of a trial; 1: no trial */
	bool shadow;
	/* A sentence, from whatever thread; NULL: nobody listens. */
	void (*notice)(void *context, const char *sentence);
	/* Whether what could not be taken should be tried again, asked several times a second. NULL: never. */
	bool (*again)(void *context);
	void *context;
	void (*wake)(void *context); /* wakes the loop */
	void *wake_context;
};

struct governor;

/* Borrows the tasks, and releases the first verdict of each in any case. Seats (n) get who serves, by the history. NULL and a sentence when it
 * cannot begin; what is in the seats then is the caller's to stop. */
struct governor *governor_open(const struct governor_settings *settings, const struct gateway_task *tasks, size_t n, struct seat *seats,
			       struct error *err);
bool governor_start(struct governor *g, struct error *err);
/* In the thread of the loop, after each wake: what was decided is done. */
void governor_turn(struct governor *g);
/* A line for each task that has fallen with nobody to go back to. From any thread. */
void governor_say_fallen(struct governor *g, struct buf *out);
/* What was said since what serves began, as it was weighed last; task is its place among all. False: it has not been yet. From any thread. */
bool governor_weighed(struct governor *g, size_t task, struct live *out);
void governor_close(struct governor *g); /* NULL: nothing */

#endif
