/* governor_inner.h - what the governor's two files share: what it knows, how it writes down and hands over. Private to src/serve. */
#ifndef RUNG_SERVE_GOVERNOR_INNER_H
#define RUNG_SERVE_GOVERNOR_INNER_H

#include <pthread.h>

#include "serve/governor.h"
#include "serve/standing.h"

/* One move on its way to the loop. */
struct move {
	size_t seat;
	enum seat_event event;
	struct arm *arm;
	double share;
	struct move *next;
};

/* What the governor knows of a task: the arms are those of its seat once all moves are done. */
struct charge {
	const struct gateway_task *task;
	struct arm *serving, *challenger, *previous;
	struct arena arena;         /* of the history */
	struct served_turn *turns;  /* (n_turns) */
	size_t n_turns;
	struct standing standing;
	const char *seen;           /* key of the climb that was looked at last; in seen_arena */
	struct arena seen_arena;
	bool failed;                /* it could not be taken */
	bool fallen;                /* from here on under the governor's mutex */
	bool is_weighed;
	struct live weighed;        /* as it was looked at last */
};

struct governor {
	struct governor_settings settings;
	struct charge *charges; /* (n) */
	struct seat *seats;     /* (n) the loop's */
	size_t n;
	struct served *served;  /* NULL: nothing is kept */
	int version;            /* of served.db when it was looked at */
	double next_ms;         /* look at calls again at that time at the earliest */
	pthread_t thread;
	bool runs;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool stopping;          /* from here on under the mutex */
	struct move *moves, **end;
	struct arm *gone;       /* a list, to be freed */
};

void governor_say(struct governor *g, const char *sentence);
/* A row of now; borrows all of it. */
struct served_turn governor_row(const struct charge *c, const char *event, const struct served_verdict *v, const char *why);
/* Writes all rows (n) or none, says each, and reads the history anew: what lives in c->arena is gone afterwards. */
bool governor_write(struct governor *g, struct charge *c, const struct served_turn *rows, size_t n, struct error *err);
/* live NULL: what was weighed is of a verdict that does not serve any more. */
void governor_note_weighed(struct governor *g, struct charge *c, const struct live *live);
/* What was written down is done by the loop. */
void governor_hand_over(struct governor *g, const struct charge *c, enum seat_event event, struct arm *arm, double share);
/* Takes the verdict; NULL and a sentence. */
struct arm *governor_arm(struct governor *g, const struct charge *c, const struct served_verdict *v, struct error *err);
struct arm *governor_load(struct governor *g, const struct charge *c, const char *run, const char *variant, struct error *err);

/* Decisions (governor_change.c). A verdict that has been made ready, and that nothing speaks against, gets its trial; false: it is the caller's. */
bool governor_try_out(struct governor *g, struct charge *c, struct arm *a, struct error *err);
void governor_look_at_store(struct governor *g, struct charge *c, bool again);
void governor_look_at_calls(struct governor *g);

#endif
