/* journal.h - what was served, written by a thread of its own (store/served.h): bounded, in groups, and never waited for.
 *
 * Handing something over costs a copy. When the disk is slow, full or gone, answers go on; what no longer fits the queue is dropped and
 * counted. Loss bound: after kill -9 or a crash of the process what was handed over in the last JOURNAL_LOSS_MS may be missing, as long as
 * the disk keeps up (journal_counts() says what waits); nothing else is, and nothing is half there. */
#ifndef RUNG_SERVE_JOURNAL_H
#define RUNG_SERVE_JOURNAL_H

#include "store/served.h"

enum { JOURNAL_LOSS_MS = 100 };

struct journal;

struct journal_settings {
	const char *path;    /* made if it is not there */
	size_t most_bytes;   /* of what waits; 0: 64 MiB */
	/* Once when writing fails, and once when it goes on; in the writer's thread. NULL: nobody listens. */
	void (*notice)(void *context, const char *sentence);
	void *context;
};

struct journal *journal_open(const struct journal_settings *settings, struct error *err);
/* False: the queue is full, it was dropped. Everything is copied. */
bool journal_call(struct journal *j, const struct served_call *c);
bool journal_feedback(struct journal *j, const struct served_feedback *f);
bool journal_attempt(struct journal *j, const struct served_attempt *a); /* of a call that was handed over before */
bool journal_shadow(struct journal *j, const struct served_shadow *h);   /* likewise */
/* Whether a call of that id is stored, or on its way there; tenant: one of this tenant's, NULL: of anybody's. False when it cannot be looked
 * up. */
bool journal_knows(struct journal *j, const char *id, const char *tenant);
/* What calls of each key have cost that began at since_ms or later (store/served.h). */
bool journal_paid(struct journal *j, uint64_t since_ms, void (*each)(void *context, const char *key, double usd, uint64_t began_ms), void *context,
		  struct error *err);

struct journal_counts {
	size_t written, dropped, waiting; /* waiting: handed over and not stored yet */
};
struct journal_counts journal_counts(struct journal *j);
/* Writes what waits, then ends; what cannot be written within so many milliseconds is dropped. */
void journal_close(struct journal *j, double most_ms);

#endif
