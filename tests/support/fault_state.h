/* fault_state.h - what the fault server keeps between requests: files, batches, fine-tuning jobs. */
#ifndef RUNG_TESTS_FAULT_STATE_H
#define RUNG_TESTS_FAULT_STATE_H

#include "fault.h"

/* --- fault_openai.c ---------------------------------------------------------------------------------------------------- */

void make_bill(const struct request *q, struct reply *r, size_t input, size_t output);
size_t piece_of(const struct buf *text, size_t at);

/* --- fault_files.c ------------------------------------------------------------------------------------------------------ */

struct file {
	char id[40], name[128], purpose[32];
	struct buf bytes;
	long long created;
	bool deleted;
};
struct file *file_find(const char *id); /* NULL: there is none */
struct file *file_add(const char *name, const char *purpose); /* empty; stays where it is */
void files_create(const struct request *q, const char *id, struct reply *r);
void files_list(const struct request *q, const char *id, struct reply *r);
void files_get(const struct request *q, const char *id, struct reply *r);
void files_content(const struct request *q, const char *id, struct reply *r);
void files_delete(const struct request *q, const char *id, struct reply *r);
/* A page of a list by ?limit and ?after, as OpenAI pages: takes all (newest first, each with "id"). */
void list_reply(const struct request *q, json_t *all, struct reply *r);
void not_found(const struct request *q, const char *what, const char *id, struct reply *r);

/* --- fault_batch.c: what both forms of batch are made of ------------------------------------------------------------------ */

enum outcome { OUTCOME_NONE, OUTCOME_ANSWERED, OUTCOME_FAILED, OUTCOME_EXPIRED };

struct batch_request {
	char *custom_id;
	json_t *body;
	enum outcome outcome;
	int status;
	struct buf reply;
};

enum batch_stage { BATCH_VALIDATING, BATCH_RUNNING, BATCH_CANCELLING, BATCH_CANCELLED, BATCH_ENDED, BATCH_BROKEN };

struct batch {
	char id[48];
	enum form form;
	char path[64];
	enum batch_stage stage;
	size_t n, done, polls; /* requests; the first so many have an outcome */
	struct batch_request *requests;
	long long created, ended, cancelled;
	struct file *input, *output, *errors; /* OpenAI's */
	json_t *metadata;
	char broken[256];
	size_t broken_line;
	bool deleted;
};
struct batch *batch_add(enum form form);
struct batch *batch_find(enum form form, const char *id);
struct batch *batch_at(size_t i); /* NULL behind the last */
void batch_request_add(struct batch *b, const char *custom_id, json_t *body); /* takes the body */
void batch_poll(struct batch *b); /* somebody looks: it goes on by a step */
void batch_cancel(struct batch *b);
size_t batch_count(const struct batch *b, enum outcome outcome);
size_t batch_order(size_t i, size_t n); /* results come in another order than requests, for any two and more */

/* --- fault_openai_batch.c, fault_anthropic_batch.c, fault_tuning.c: endpoints ------------------------------------------------ */

void openai_batches_create(const struct request *q, const char *id, struct reply *r);
void openai_batches_list(const struct request *q, const char *id, struct reply *r);
void openai_batches_get(const struct request *q, const char *id, struct reply *r);
void openai_batches_cancel(const struct request *q, const char *id, struct reply *r);
void anthropic_batches_create(const struct request *q, const char *id, struct reply *r);
void anthropic_batches_list(const struct request *q, const char *id, struct reply *r);
void anthropic_batches_get(const struct request *q, const char *id, struct reply *r);
void anthropic_batches_results(const struct request *q, const char *id, struct reply *r);
void anthropic_batches_cancel(const struct request *q, const char *id, struct reply *r);
void anthropic_batches_delete(const struct request *q, const char *id, struct reply *r);
void jobs_create(const struct request *q, const char *id, struct reply *r);
void jobs_list(const struct request *q, const char *id, struct reply *r);
void jobs_get(const struct request *q, const char *id, struct reply *r);
void jobs_events(const struct request *q, const char *id, struct reply *r);
void jobs_checkpoints(const struct request *q, const char *id, struct reply *r);
void jobs_cancel(const struct request *q, const char *id, struct reply *r);
const char *tuned_model(size_t i); /* of the jobs that succeeded; NULL behind the last */

#endif
