/* store.h - the only memory between steps: runs, variants, model calls and answers, in one SQLite file (WAL).
 *
 * A call is what a model was asked and replied, named by model and request hash; whoever asks the same again reads the
 * row. An answer says which call (if any) gave which variant its answer to which item of a run. Scores are not stored:
 * they are recomputed from answers, so re-scoring costs nothing and every verdict can be checked.
 * Durability: a transaction that store_commit() returned from survives kill -9; the one in flight is rolled back whole.
 * One thread at a time per handle. */
#ifndef RUNG_STORE_STORE_H
#define RUNG_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct store;

/* Opens or (create) makes the file and its folder. A file of a newer version, or no store at all, is an error. What a
 * failed creation had begun is removed. */
struct store *store_open(const char *path, bool create, struct error *err);
void store_close(struct store *s);

bool store_begin(struct store *s, struct error *err);
/* What is read until store_rollback() is of one moment, whatever others write meanwhile; it keeps nobody from writing. */
bool store_begin_read(struct store *s, struct error *err);
bool store_commit(struct store *s, struct error *err);
void store_rollback(struct store *s); /* harmless outside a transaction */

/* One climb: the same task, seed and settings always give the same run. */
struct run_row {
	int64_t id;
	const char *key;      /* unique */
	const char *examples; /* the examples file given on the command line, "" for the task's own */
	uint64_t seed, fingerprint;
	const char *settings; /* JSON object: what was fixed before the first call */
	const char *state;    /* "running" or "done" */
};

/* Finds run->key or inserts the row; fills run->id and, when found, the stored state and settings (live in arena). */
bool store_run_begin(struct store *s, struct arena *arena, struct run_row *run, struct error *err);
bool store_run_finish(struct store *s, int64_t run, struct error *err);
/* The run last begun, of that seed when seed is not NULL. *found is false when there is none. */
bool store_run_latest(struct store *s, struct arena *arena, const uint64_t *seed, struct run_row *run, bool *found,
		      struct error *err);

/* The run of that key; key NULL: of those that are done, the one last begun. */
bool store_run_done(struct store *s, struct arena *arena, const char *key, struct run_row *run, bool *found, struct error *err);

struct variant_row {
	const char *id, *name, *model; /* model NULL: none */
	int rung;
	size_t position; /* order within the run */
	bool incumbent, candidate, calls_model;
	const char *status; /* "measured", "raced out", "skipped", "failed" */
	const char *why;    /* NULL: nothing to say */
	uint64_t recipe;    /* fingerprint of everything that makes its answers */
};

bool store_variant_put(struct store *s, int64_t run, const struct variant_row *v, struct error *err); /* or replace */
bool store_variants(struct store *s, int64_t run, struct arena *arena, struct variant_row **rows, size_t *n,
		    struct error *err);

struct call_row {
	int64_t id;
	const char *model;
	uint64_t request_hash;
	const char *request; /* JSON: what was sent */
	const char *output;  /* text that came back; NULL when it was scores */
	const char *scores;  /* JSON array of log-probabilities, in the order of the choices; NULL when it was text */
	const char *status;  /* "ok", "truncated", "refused", "timeout", "error" */
	const char *why;     /* one sentence when nothing could come back, else NULL */
	size_t input_tokens, output_tokens;
	size_t cache_read, cache_written; /* of the input tokens: from and into a provider's cache */
	size_t reasoning;    /* of the output tokens */
	double ms, first_ms; /* until all of it had come, and its first byte; 0: unknown */
	bool has_usd;        /* what it cost is known otherwise than by its tokens: recorded outcomes */
	double usd;
};

/* *found tells whether the call is there; its texts live in arena. */
bool store_call_find(struct store *s, struct arena *arena, const char *model, uint64_t request_hash,
		     struct call_row *call, bool *found, struct error *err);
bool store_call_get(struct store *s, struct arena *arena, int64_t id, struct call_row *call, struct error *err);
bool store_call_put(struct store *s, struct call_row *call, struct error *err); /* fills call->id */

/* Every call of the file in the order in which it was stored, one at a time; its texts are valid during the visit. */
bool store_calls(struct store *s, void (*visit)(void *context, const struct call_row *call), void *context, struct error *err);

enum { RUN_TO_COME = -1 };

/* A request that went to a provider, whatever became of it; a call may take several. */
struct attempt_row {
	int64_t id;
	int64_t run;         /* 0: of none; RUN_TO_COME: of the next climb's, which has no row yet */
	const char *model;
	uint64_t request_hash;
	const char *end;     /* "sent": nothing is known of it, as after a kill; "answered", "failed", "timeout", "cut"; "cached": the store had it */
	int status;          /* HTTP; 0: none came */
	size_t input_tokens, output_tokens, cache_read, cache_written; /* as the provider counted them */
	double ms, first_ms;
	const char *why;     /* a clause; NULL: nothing to say */
	bool batch;          /* it was part of a batch, at the batch's price */
};
bool store_attempt_put(struct store *s, struct attempt_row *a, struct error *err); /* or, with an id, replace */

/* Those of one run are another's from now on. */
bool store_attempts_move(struct store *s, int64_t from, int64_t to, struct error *err);

/* Attempts of a run at one model, those in batches apart: what it paid for, what came to nothing, what was in flight when it was killed. */
struct attempt_sum {
	const char *model;
	bool batch;
	size_t answered, failed, unknown, cached;
	size_t input_tokens, output_tokens, cache_read, cache_written; /* of all of them */
};
bool store_attempts(struct store *s, int64_t run, struct arena *arena, struct attempt_sum **sums, size_t *n, struct error *err);

/* The calls of a model that was given texts and no question (embeddings, rerank), and the tokens of these; single: those that were given
 * one text alone. */
bool store_texts_taken(struct store *s, const char *model, bool single, size_t *calls, size_t *tokens, struct error *err);

/* What the server of a model was found to lack and to answer, as model_learnt() has it. */
struct server_row {
	const char *model;
	unsigned lacks, known;
};
bool store_server_put(struct store *s, const struct server_row *r, struct error *err); /* or replace */
bool store_server_find(struct store *s, const char *model, struct server_row *r, struct error *err); /* zeros where it is not there */

/* Requests that a provider was given together, to work off in its own time. */
struct batch_row {
	int64_t id;
	const char *model, *name; /* as the provider calls it; "" while it is being handed over */
	size_t requests;
	const char *state;        /* "sending", "waiting", "done" */
	unsigned lacks;           /* in which way its requests were written (model_lacks()) */
	int64_t begun;            /* when it was handed over, in seconds since 1970; 0: not known */
};
bool store_batch_put(struct store *s, struct batch_row *b, struct error *err); /* or, with an id, replace */
/* Those of a model that are not done, oldest first. */
bool store_batches(struct store *s, const char *model, struct arena *arena, struct batch_row **rows, size_t *n, struct error *err);

/* What somebody outside said of an answer: a judge, the user's program. */
struct grade_row {
	uint64_t scorer;     /* fingerprint of who grades, and by what rules */
	const char *item;
	uint64_t answer;     /* hash of the answer's text */
	double score;        /* 0 .. 1; NAN: it could not be had */
	int64_t call;        /* of the judge; 0: none */
	const char *why;     /* what it said; NULL: nothing */
};
bool store_grade_put(struct store *s, const struct grade_row *g, struct error *err); /* or replace */
/* Distinct calls behind the grades of those (n), and what they took. */
bool store_grades_spent(struct store *s, const uint64_t *scorers, size_t n, size_t *calls, size_t *input_tokens, size_t *output_tokens,
			double *ms, struct error *err);
bool store_grades(struct store *s, uint64_t scorer, struct arena *arena, struct grade_row **rows, size_t *n, struct error *err);

struct answer_row {
	const char *variant, *item;
	const char *split;  /* "dev", "test"; "aside": for the threshold of a cascade; "probe": asked to diagnose; "rewrite": for wordings; "prior": asked to calibrate, scored by nobody */
	int64_t call;       /* 0: no model was asked; the first of several */
	const int64_t *samples; /* (n_samples) every call, when the answer is a vote of several; not read back */
	size_t n_samples;
	const char *answer; /* NULL: none could be read; "" of kind answer: it abstained */
	const char *status; /* "answered", "abstained", "unparsed", or the call's own */
	const char *evidence; /* JSON: passages shown and what was cited of them (variant/evidence.h); NULL: none */
	double ms;          /* of the call, or of the classifier */
	double confidence;  /* probability of the label that was answered; 0: not known */
	size_t calls, input_tokens, output_tokens; /* of all its calls together; filled by store_answers() */
	double usd;         /* that its call is recorded to have cost; NAN: its tokens say. Filled likewise */
	bool scored, written; /* its call brought scores; it was to bring scores, and brought a text. Filled likewise */
};

bool store_answer_put(struct store *s, int64_t run, const struct answer_row *a, struct error *err); /* keeps an old one */
/* All answers of a variant in one split, in no promised order; they live in arena. */
bool store_answers(struct store *s, int64_t run, const char *variant, const char *split, struct arena *arena,
		   struct answer_row **rows, size_t *n, struct error *err);

/* The calls behind one answer (its variant, item, split, call), in the order they were asked in; live in arena. */
bool store_answer_calls(struct store *s, int64_t run, const struct answer_row *a, struct arena *arena,
			struct call_row **calls, size_t *n, struct error *err);

/* A point of a learning curve: what a variant scored on dev when it learnt from n examples of the pool, drawn by seed. */
struct curve_row {
	const char *variant;
	size_t n;
	uint64_t seed;
	size_t items; /* of dev */
	double score; /* mean over them */
};
bool store_curve_put(struct store *s, int64_t run, const struct curve_row *c, struct error *err); /* or replace */
/* All of a run, by variant, n and seed; they live in arena. */
bool store_curves(struct store *s, int64_t run, struct arena *arena, struct curve_row **rows, size_t *n, struct error *err);

/* A wording of the instruction that a model proposed for a run. */
struct wording_row {
	size_t round, number; /* from 1; number 0: the round brought nothing that could be read, or was not asked for, and `why` says so */
	const char *author;   /* the model */
	const char *base;     /* id of the variant whose instruction it replaces */
	const char *variant;  /* id of the one that has it; NULL: it was dropped */
	const char *text;     /* NULL for number 0 */
	const char *why;      /* it was dropped, a clause; else NULL */
};
bool store_wording_put(struct store *s, int64_t run, const struct wording_row *w, struct error *err); /* or replace */
/* All of a run, by round and number; they live in arena. */
bool store_wordings(struct store *s, int64_t run, struct arena *arena, struct wording_row **rows, size_t *n, struct error *err);

/* Distinct model calls behind a run's answers in one split (NULL: in all but "test"), and their time; a call that several variants or
 * splits share counts once. */
bool store_spent(struct store *s, int64_t run, const char *split, size_t *calls, double *ms, struct error *err);
/* Distinct ones of all splits that were replayed from a record: nobody was asked for them. */
bool store_replayed(struct store *s, int64_t run, size_t *calls, struct error *err);
/* Those of all splits whose model the run did not send anything to, recorded ones aside: they were made on this machine. */
bool store_spent_here(struct store *s, int64_t run, size_t *calls, double *ms, struct error *err);

#endif
