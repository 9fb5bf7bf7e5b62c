/* verdict.h - what a climb found, made ready to answer: what is put in another's place while requests go on. */
#ifndef RUNG_SERVE_VERDICT_H
#define RUNG_SERVE_VERDICT_H

#include "base/arena.h"
#include "serve/worker.h"

struct served_verdict {
	const char *id;            /* as replies have it: another climb, or another winner, is another verdict */
	const char *variant, *run; /* which answers, and the key of its climb; all three live as long as the context */
	worker_answer *answer;     /* in a thread of its own */
	/* What the output is worth where `right` is the right one, 0 .. 1; NAN: it cannot be said here. Called beside `answer`, from any other
	 * thread. */
	double (*score)(void *context, const char *output, const char *right);
	double tokens, usd;        /* that its answer before the first took: so much the next is thought to take (usd NAN: nobody knows) */
	double alpha, margin;      /* of what live feedback may decide (decide/live.h) */
	double break_even_calls;   /* after so many its one-off costs are back; NAN: nothing to pay back, or unknown */
	void (*release)(void *context);
	void *context;
};

/* Where they come from, by the thread that asks. */
struct verdict_source {
	/* The key of the climb that was done last; NULL: there is none. Asked several times a second. Lives in arena. */
	bool (*newest)(void *context, struct arena *arena, const char **run, struct error *err);
	/* Made ready, with an answer that nobody waits for; variant NULL: the winner of that climb. */
	bool (*load)(void *context, const char *run, const char *variant, struct served_verdict *out, struct error *err);
	void *context;
};

struct gateway_task {
	const char *name;             /* as it is asked for, behind "rung/" */
	struct served_verdict first;         /* of the last climb; the gateway releases it, also when it cannot begin */
	struct verdict_source source; /* of later ones, and of those that served before */
	const char *documents;        /* the file of its documents (store/documents.h), where it has any */
};

#endif
