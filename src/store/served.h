/* served.h - what a gateway served and was told of it: one SQLite file (WAL) for all of its tasks.
 *
 * A call is one answer that went out; its texts stand apart, so that they may be left out or removed while its figures stay. Feedback names
 * a call. What served_commit() returned from survives kill -9. One thread at a time per handle. */
#ifndef RUNG_STORE_SERVED_H
#define RUNG_STORE_SERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct served;

struct served *served_open(const char *path, bool create, struct error *err);
void served_close(struct served *s);
bool served_begin(struct served *s, struct error *err);
bool served_commit(struct served *s, struct error *err);
/* Writes nothing new: the first transaction after opening waits for the disk, which the next do not. */
bool served_prime(struct served *s, struct error *err);
void served_rollback(struct served *s); /* harmless outside a transaction */

struct served_call {
	const char *id;       /* a UUID, version 7 (base/uuid.h): calls sort by when they began */
	uint64_t began_ms;    /* since 1970 */
	const char *tenant, *key; /* whose key it came with, and its name; "": keys are not used */
	const char *task, *variant, *verdict; /* who answered, and by which verdict; variant "": nobody did, and verdict is who was asked and
					       * failed, or "" */
	bool stream;
	int http;             /* status of the reply */
	const char *status;   /* of the answer: "answered", ..., "failed": there is none */
	const char *why;      /* a sentence; NULL */
	size_t input_tokens, output_tokens;
	double usd;           /* what upstreams charge for it; NAN: not known */
	bool cached;          /* somebody had asked the same: nobody was asked again */
	double ms, first_ms;  /* from the request to the end, and to the first byte; NAN: unknown */
	double probability;   /* of the answer; NAN */
	double propensity;    /* with which the variant was chosen; 1: it was the only one */
	const char *subject;  /* whom it is about, as the client says; NULL */
	const char *input, *output; /* NULL: not kept */
	const char *citations;      /* places that the output stands on (JSON, as replies have it); NULL: none, or not kept */
};
bool served_call_put(struct served *s, const struct served_call *c, struct error *err); /* keeps an old one */
/* tenant: of this one alone; NULL: of anybody. */
bool served_call_exists(struct served *s, const char *id, const char *tenant, bool *exists, struct error *err);
/* What calls of each key have cost that began at since_ms or later, one by one. */
bool served_paid(struct served *s, uint64_t since_ms, void (*each)(void *context, const char *key, double usd, uint64_t began_ms), void *context,
		 struct error *err);

struct served_feedback {
	const char *call, *name; /* the same name again replaces what was said under it */
	uint64_t at_ms;
	const char *kind;     /* "boolean", "float", "comment", "demonstration" */
	double value;         /* boolean: 0, 1; NAN for texts */
	const char *text;     /* comment; demonstration: the right output; NULL */
};
bool served_feedback_put(struct served *s, const struct served_feedback *f, struct error *err);

/* One request to an upstream that a call took; several when it was tried again, or elsewhere. */
struct served_attempt {
	const char *call;
	size_t n;             /* 0 is the call's first */
	const char *upstream; /* openai:NAME, URL#NAME */
	uint64_t began_ms;    /* since 1970 */
	const char *status;   /* "answered", "refused", "unreached", "timeout", "truncated", "aborted" (serve/relay.h) */
	int http;             /* 0: no headers came */
	const char *why;      /* a clause; NULL */
	size_t bytes;         /* of the body, as far as it came */
	double ms, first_ms;  /* NAN: no body came */
};
bool served_attempt_put(struct served *s, const struct served_attempt *a, struct error *err); /* keeps an old one */

/* served_read.c: what was kept, read back. Members that are not given (NULL, 0, false) leave nothing out. */
struct served_query {
	const char *task;      /* of this name alone */
	const char *only;      /* the call of this id */
	const char *after, *before; /* calls that began after this one, and before that one */
	const char *variant, *verdict, *tenant;
	uint64_t since_ms, until_ms; /* that began in [since, until); until 0: now */
	const char *feedback;  /* of which something of this kind was said, as "demonstration"; "any": of whatever kind */
	bool kept;             /* whose input is there */
	bool answered;         /* http 200 alone */
	bool newest_first;     /* else the oldest */
	size_t most;           /* calls; 0: all */
	size_t brief;          /* characters of input and output; 0: all */
};
/* Each such call with what was said of it, by name; texts are valid during the visit. A visit that returns false ends it, with its sentence in
 * err. The visit must not use s. */
typedef bool served_visit(void *context, const struct served_call *call, const struct served_feedback *said, size_t n_said, struct error *err);
bool served_each(struct served *s, const struct served_query *query, served_visit *visit, void *context, struct error *err);

/* From now on what reads here ends at that time (clock_ms()) at the latest, and waits for nobody: then it fails, with a sentence that says so,
 * and error.again. NAN: it takes its time. */
void served_hurry(struct served *s, double by_ms);

/* What was served since, call by call, the newest first, without texts; strings are valid during the visit. tenant NULL: of everybody.
 * *looked_at: how many calls were gone through, `most` where there are more. (served_look.c) */
struct served_figures {
	uint64_t began_ms;
	const char *task, *variant, *verdict, *status;
	int http;
	size_t input_tokens, output_tokens;
	double usd, ms, first_ms; /* NAN: not known */
	bool cached;
};
bool served_figures(struct served *s, uint64_t since_ms, const char *tenant, size_t most, void (*visit)(void *context, const struct served_figures *f),
		    void *context, size_t *looked_at, struct error *err);
/* Requests to upstreams for calls of that time, `most` at most, and those of them that did not answer; rows live in arena. */
struct served_upstream {
	const char *upstream;
	size_t attempts, failed;
};
bool served_upstreams(struct served *s, uint64_t since_ms, const char *tenant, size_t most, struct arena *arena, struct served_upstream **rows,
		      size_t *n, struct error *err);
/* All attempts of a call. */
bool served_attempts(struct served *s, const char *call, struct arena *arena, struct served_attempt **rows, size_t *n, struct error *err);

struct served_removed {
	size_t calls, bodies, feedback, shadows, attempts;
};
/* All about one subject, in one transaction, after which the file is written anew and its WAL emptied: what SQLite had moved from page to
 * page stands in the slack of pages even where deleted content is overwritten (secure_delete), so that nothing less leaves nothing
 * readable. Writers wait meanwhile. */
bool served_forget(struct served *s, const char *subject, struct served_removed *out, struct error *err);
/* The ids of those calls. */
bool served_calls_about(struct served *s, const char *subject, void (*visit)(void *context, const char *call), void *context, struct error *err);
/* Whole calls that began before one moment, and the texts (bodies, comments, demonstrations) of those before another; 0: none. In
 * transactions of two thousand rows at most, so that a gateway writes on between them; what was deleted is overwritten and pages that come
 * free are given back, without the promise of served_forget(). */
bool served_retain(struct served *s, uint64_t calls_before_ms, uint64_t texts_before_ms, struct served_removed *out, struct error *err);

/* What answers a task, from when on and why: nothing is ever changed here, and the last rows say how things stand. */
struct served_turn {
	const char *task;
	uint64_t at_ms;
	const char *event;    /* serve/governor.h has them */
	const char *verdict, *variant, *run; /* which, and the key of its climb */
	double share;         /* of calls: 1 of what serves, less of a trial, 0 of a shadow */
	double floor;         /* mean score that a promoted one has to keep; NAN: none */
	const char *why;      /* a sentence */
	const char *evidence; /* a JSON object; NULL */
};
bool served_turn_put(struct served *s, const struct served_turn *t, struct error *err);
/* All of a task, oldest first; task is borrowed, texts live in arena. */
bool served_turns(struct served *s, const char *task, struct arena *arena, struct served_turn **rows, size_t *n, struct error *err);

/* What a verdict in the shadow answered to a call that another one answered. */
struct served_shadow {
	const char *call, *verdict, *variant, *status;
	const char *output; /* NULL: none, or not kept */
	double ms;
};
bool served_shadow_put(struct served *s, const struct served_shadow *h, struct error *err); /* keeps an old one */

/* What was said of one call that began at since_ms or later, comments left out; and a call that failed by our fault, of kind "failed". By call,
 * then by when it was said; texts live in arena. */
struct served_score {
	const char *task, *call;
	uint64_t began_ms, at_ms;
	const char *verdict, *variant, *tenant;
	double propensity;
	const char *subject;        /* NULL */
	const char *kind, *text;    /* as in struct served_feedback */
	double value;
	const char *output;         /* NULL: not kept, or not asked for: of other kinds than demonstrations it is not read */
	const char *shadow_verdict, *shadow; /* NULL: there was none */
};
bool served_scored(struct served *s, const char *task, uint64_t since_ms, struct arena *arena, struct served_score **rows, size_t *n,
		   struct error *err);
/* The same of calls of all tasks, and of one tenant alone, the newest first: `most` rows at most, without failures and shadows. (served_look.c) */
bool served_said(struct served *s, uint64_t since_ms, const char *tenant, size_t most, struct arena *arena, struct served_score **rows, size_t *n,
		 struct error *err);
/* Calls that a verdict has answered. */
bool served_volume(struct served *s, const char *task, const char *verdict, size_t *calls, struct error *err);
/* Another number whenever another handle has written. */
bool served_version(struct served *s, int *version, struct error *err);

/* Rows of each kind, and those whose call is not there. */
struct served_counts {
	size_t calls, bodies, feedback, orphans, attempts;
};
bool served_count(struct served *s, struct served_counts *out, struct error *err);

#endif
