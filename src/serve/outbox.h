/* outbox.h - what is told to others beside the answers (lines for a file, spans for a collector): by a thread of its own, bounded, never waited
 * for.
 *
 * Handing something over costs a copy. What waits goes out in batches, the oldest first, each again until it was taken; what no longer fits is
 * dropped and counted. So whoever reads, or does not, holds up no answer. */
#ifndef RUNG_SERVE_OUTBOX_H
#define RUNG_SERVE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct outbox;

enum outbox_end { OUTBOX_TAKEN, OUTBOX_AGAIN, OUTBOX_REFUSED }; /* AGAIN: not yet; REFUSED: it never will be */

/* Some of what was handed over, whole, in order. */
struct outbox_batch {
	const char *bytes; /* (n) */
	size_t n, items;
	size_t tries;      /* 0: it is the first */
	size_t rejected;   /* set by put(): items that nobody wanted, of a batch that was taken */
	double wait_ms;    /* set by put(): until the next try; 0: as the outbox likes */
	struct error why;  /* set by put(), unless it was taken */
};

struct outbox_settings {
	size_t most_bytes;  /* of what waits; 0: 16 MiB */
	size_t batch_bytes; /* of a batch, but for one item that is larger; 0: 256 KiB */
	double gather_ms;   /* between two batches, as long as the second is not full */
	/* In the outbox's thread. It may wait as long as outbox_is_late() does not say that the outbox has to end. */
	enum outbox_end (*put)(void *context, struct outbox_batch *batch);
	void *put_context;
	/* Once when it fails again and again, and once when it goes on; in the same thread. NULL: nobody listens. */
	void (*notice)(void *context, const char *sentence);
	void *context;
};

struct outbox *outbox_open(const struct outbox_settings *settings, struct error *err);
/* (n) bytes, one item. False: there is no room, it was dropped. */
bool outbox_add(struct outbox *o, const char *bytes, size_t n, size_t items);
bool outbox_is_late(struct outbox *o);

struct outbox_counts {
	size_t taken, dropped, waiting; /* items; waiting: handed over and not taken yet */
};
struct outbox_counts outbox_counts(struct outbox *o);
/* Hands on what waits, within so many milliseconds, then ends. False: its thread hangs in put(), and stays behind with all that it uses. */
bool outbox_close(struct outbox *o, double most_ms);

#endif
