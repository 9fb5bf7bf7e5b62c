/* asking.h - requests that become calls of the store: what calls.c and batched.c share. Private to src/variant. */
#ifndef RUNG_VARIANT_ASKING_H
#define RUNG_VARIANT_ASKING_H

#include "variant/workshop.h"

struct asking {
	struct workshop *w;
	struct arena *arena;
	struct model *model;
	const struct model_request *requests; /* (n) */
	struct call_row **calls;              /* (n) id 0: not there yet */
	size_t n;
	bool batch;                           /* what comes in is from one */
	bool writing;                         /* a transaction is open, until asking_settle() */
};

/* Of struct model_watch, with the asking as context: each reply is stored as it comes, each attempt as it goes. */
bool asking_replied(void *context, size_t i, const struct model_reply *reply, struct error *err);
bool asking_attempted(void *context, size_t i, struct model_attempt *t, struct error *err);
const char *asking_stopped(void *context);
bool asking_settle(void *context, struct error *err);

/* Asks the requests at these positions (n) at once. */
bool asking_ask(struct asking *a, struct model *model, const size_t *which, size_t n, struct arena *arena, struct error *err);
/* All that are not there yet, through batches (batched.c). */
bool asking_in_batches(struct asking *a, struct model *model, struct arena *arena, struct error *err);

#endif
