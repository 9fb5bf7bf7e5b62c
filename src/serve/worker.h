/* worker.h - a task that answers: a thread with models of its own, which takes together what waits (dynamic batching).
 *
 * Who asks never waits: a question is queued, and comes back through worker_taken() once it was answered, in the thread that asked. The
 * first question of a batch waits for no other; while it is answered, others gather. */
#ifndef RUNG_SERVE_WORKER_H
#define RUNG_SERVE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum { WORKER_TOGETHER = 64, WORKER_WAITING = 1024 }; /* questions of a batch, and of a queue, at most */

struct model_request;
struct texts_request;

/* One question, in the asker's memory until it comes back. */
struct question {
	const char *input; /* as `rung ask` takes it */
	const char *wanted; /* the variant that is to answer; NULL: who won */
	const struct model_request *request; /* what a model is asked as it is, in place of an input; NULL */
	const struct texts_request *texts;   /* or what it is to embed; NULL */
	void *context;     /* the asker's */
	struct arena arena; /* of what is answered; the asker releases it */
	const char *failed; /* the task as a whole cannot answer: a sentence; NULL */
	const char *why;    /* this input cannot be answered: a sentence; NULL */
	const char *text;   /* the answer; NULL: none could be read */
	const char *status; /* of the answer (variant/variant.h) */
	const char *variant, *verdict; /* which answered, and by which verdict */
	const char *citations;         /* JSON; NULL: it stands on nothing */
	const float *vectors;          /* (n texts, width) */
	size_t width;
	double probability, ms;        /* NAN: not known */
	size_t input_tokens, output_tokens;
	double usd; /* what models elsewhere charge for it; NAN: not known */
	struct question *next;
};

/* Fills in the answers of n questions, in the worker's thread. */
typedef void worker_answer(void *context, struct question *const *questions, size_t n);

struct worker;

/* wake: called in the worker's thread whenever something came back. NULL: no thread can be started. */
struct worker *worker_start(worker_answer *answer, void *context, void (*wake)(void *context), void *wake_context);
/* False: so many wait already that it would wait too long. */
bool worker_ask(struct worker *w, struct question *q);
/* What has come back since, a list; NULL: nothing. */
struct question *worker_taken(struct worker *w);
size_t worker_waiting(struct worker *w);
/* Ends the thread once what it is answering is done. Returns all that had not been taken; what nobody answered has failed. */
struct question *worker_stop(struct worker *w);

#endif
