/* job.h - fine-tuning that a provider does: OpenAI's fine-tuning jobs, which servers of its form have too.
 *
 * Source: OpenAI's API reference (files, fine-tuning). A job is made of files that were uploaded before; its training file's id finds it
 * again, so that one whose making was not answered is not made twice. Texts live in the arena of the call. */
#ifndef RUNG_MODEL_JOB_H
#define RUNG_MODEL_JOB_H

#include "model/model.h"

struct job_order {
	const char *training, *validation; /* ids of files; validation NULL: none */
	const char *suffix;                /* in the name of what comes of it; NULL: none */
	uint64_t seed;
	size_t epochs;
	size_t batch; /* 0: the provider's choice */
	double rate;  /* learning_rate_multiplier; 0: the provider's choice */
};

enum job_end { JOB_OPEN, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED };

struct job_state {
	enum job_end end;
	const char *id;
	const char *status; /* the provider's word: "validating_files", "queued", "running", ... */
	const char *training; /* the id of its file */
	const char *model;  /* what came of it, as the server knows it; NULL: nothing yet */
	const char *why;    /* a failed one: the provider's sentence, cut to a line; else NULL */
	size_t trained_tokens; /* 0: it does not say */
};

/* What a job said last, and how far it is; steps 0: it did not say. */
struct job_news {
	const char *message; /* NULL: nothing */
	size_t step, steps;
};

struct job_checkpoint {
	const char *model;
	size_t step;
};

/* False and a sentence where models of that kind are not trained by whom they are asked. */
bool model_trains(struct model *m, struct error *err);
/* Whether the vendor itself is asked, whose announcements hold then; not whatever its variable names. */
bool model_is_vendors(struct model *m);

/* Lines of {"messages": [...]}; appends the id of the file. */
bool model_job_upload(struct model *m, const struct buf *lines, struct buf *file, struct error *err);
bool model_job_make(struct model *m, const struct job_order *order, struct arena *arena, struct job_state *out, struct error *err);
/* The job of that training file among the newest hundred; *found says whether there is one. */
bool model_job_find(struct model *m, const char *training, struct arena *arena, struct job_state *out, bool *found, struct error *err);
bool model_job_look(struct model *m, const char *id, struct arena *arena, struct job_state *out, struct error *err);
bool model_job_cancel(struct model *m, const char *id, struct arena *arena, struct job_state *out, struct error *err);
bool model_job_news(struct model *m, const char *id, struct arena *arena, struct job_news *out, struct error *err);
bool model_job_checkpoints(struct model *m, const char *id, struct arena *arena, struct job_checkpoint **out, size_t *n, struct error *err);
/* How a model that came of a job is called in task files, beside the base m: "openai:ft:...", "URL#ft:...". */
const char *model_job_name(const struct model *m, const char *model, struct arena *arena);

#endif
