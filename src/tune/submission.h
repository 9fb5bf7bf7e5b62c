/* submission.h - a fine-tuning job at a provider, from the examples to the model that comes of it, over as many processes as it takes.
 *
 * What is known of it stands in a file, FOLDER/KEY.json, whose key is a number for base, examples and settings: the files' ids are noted
 * before the job is made and the job's as soon as it has one. A process that is killed between the two finds the job by its training file.
 * So the same submission goes on with the same job, and one that has succeeded is not made again. */
#ifndef RUNG_TUNE_SUBMISSION_H
#define RUNG_TUNE_SUBMISSION_H

#include "base/arena.h"
#include "model/job.h"

struct submission {
	struct model *base;
	struct buf training, validation; /* lines of {"messages": [...]}; validation empty: none */
	struct job_order order;          /* the files' ids are filled in here */
	double usd_per_mtok;             /* of trained tokens, to be noted; 0: nobody said */
	const char *folder;              /* of the notes; made when needed */
	double poll_ms;
	/* How it stands, whenever it was looked at; the wish to stop. NULL: nobody. */
	void (*news)(void *context, const struct job_state *state, const struct job_news *news);
	bool (*stopped)(void *context);
	void (*notice)(void *context, const char *sentence);
	void *context;
};

struct submitted {
	const char *path; /* of the note */
	const char *base;
	const char *job;    /* its id */
	const char *status; /* as the provider has it: "running", "succeeded", ... */
	const char *model;  /* as task files name it: "openai:ft:..."; NULL: there is none yet, as listed */
	size_t trained_tokens; /* 0: the provider did not say */
	double usd;            /* that these cost; NAN: not known */
	const struct job_checkpoint *checkpoints; /* (n_checkpoints) named likewise, the last first */
	size_t n_checkpoints;
	bool before; /* it had succeeded before this call */
};

/* What the key of the submission's note is a number for. */
uint64_t submission_key(const struct submission *s);
/* Whether a job of it is noted already, open or done: submitting it costs nothing more. */
bool submission_is_known(const struct submission *s, struct arena *arena);
/* Uploads, makes the job, waits for it. False and a sentence: error_again() where the same call goes on (interrupted, a server that does
 * not answer), else the job failed or was cancelled, and the next call makes a new one. out lives in arena. */
bool submission_run(struct submission *s, struct arena *arena, struct submitted *out, struct error *err);
/* The jobs that are noted in the folder, by the names of the notes; they live in arena. One that cannot be read is an error. */
bool submissions_list(const char *folder, struct arena *arena, struct submitted **rows, size_t *n, struct error *err);
/* Ends the job that is noted; *job is its id. */
bool submission_cancel(const struct submission *s, struct arena *arena, const char **job, struct error *err);

#endif
