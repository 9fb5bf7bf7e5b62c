/* review.h - calls of which somebody said what would have been right, on their way to becoming examples of the pool.
 *
 * review_find() proposes them: demonstrations, and (asked for) answers that were said to be right. Each is held against the task: is it an
 * answer at all, is it nearly what is tested. review_merge() takes a person's decisions from the review file, review_decide() those of a
 * command line, review_take() adds what was accepted to the task's collected file (task/collected.h). What repeats dev or test, or was drawn to be
 * tested (sample.h), is refused whatever was decided. */
#ifndef RUNG_DATA_REVIEW_H
#define RUNG_DATA_REVIEW_H

#include <jansson.h>

#include "base/buf.h"
#include "store/served.h"
#include "tune/copies.h"

#define REVIEW_FILE "review.csv" /* beside the store */

enum review_decision { REVIEW_OPEN, REVIEW_ACCEPT, REVIEW_FIX, REVIEW_REJECT, REVIEW_REFUSED, REVIEW_DECISIONS };
const char *review_decision_name(enum review_decision d); /* "" for REVIEW_OPEN */

struct proposal {
	const char *call;
	uint64_t served_ms;
	const char *const *values; /* (n_columns) of the task */
	const char *input;         /* as curation sees items */
	const char *answered;      /* what was served; "" when that was no text */
	const char *said;          /* "demonstration", "right" */
	const char *name;          /* of the feedback */
	const char *right;         /* the answer that is proposed */
	struct copy near;          /* of: dev or test: it is refused; pool: the pool says otherwise */
	const char *why;           /* it cannot be accepted as it stands: a clause; NULL: it can */
	enum review_decision decision;
	const char *fix;           /* REVIEW_FIX: the right answer in place of `right` */
};

struct review {
	struct proposal *list; /* by when they were served */
	size_t n;
	size_t known;      /* calls that are collected already, or whose input and answer the pool has */
	size_t drawn;      /* that were drawn to be tested */
	size_t unreadable; /* whose input is none of the task's, as it is now */
	size_t textless;   /* of which something was said, and whose texts are not kept */
	size_t repeated;   /* of which an earlier proposal says the same */
	const char *by;    /* what was compared: the embedding model's name, or "words" */
	size_t taken, fixed; /* review_take() */
};

struct review_options {
	const char *sample;  /* path of the calls that were drawn (sample.h), or of nothing */
	bool right;          /* answers said to be right as well: value true */
	uint64_t since_ms;   /* calls from then on */
};
/* Everything lives in arena. models NULL: words alone are compared. */
bool review_find(const struct task *task, struct served *served, struct models *models, const struct review_options *options, struct arena *arena,
		 struct review *out, struct error *err);

/* Takes over the decisions of the review file, where there is one; a mistake is a sentence with its line. */
bool review_merge(const struct task *task, const char *path, struct arena *arena, struct review *r, struct error *err);
/* One from elsewhere: `which` is "all" (that are open and can be accepted) or the beginning of a call's id; fix NULL but for REVIEW_FIX. */
bool review_decide(const struct task *task, struct review *r, const char *which, enum review_decision decision, const char *fix,
		   struct arena *arena, struct error *err);
/* Adds what is accepted or fixed to the collected file and takes it off the list. log: its name, for provenance. */
bool review_take(const struct task *task, const char *log, uint64_t now_ms, struct arena *arena, struct review *r, struct error *err);
/* What is left, for a person to decide; no file where nothing is. */
bool review_write(const struct review *r, const char *path, struct error *err);

/* path: of the review file, for the reader. One proposal in lines. */
void review_text(const struct task *task, const struct review *r, const char *path, struct buf *out);
json_t *review_json(const struct task *task, const struct review *r, const char *path);
void proposal_text(const struct proposal *p, struct buf *out);

#endif
