/* wire_job.h - fine-tuning jobs as JSON: pure, texts in and texts out. Private to src/model. */
#ifndef RUNG_MODEL_WIRE_JOB_H
#define RUNG_MODEL_WIRE_JOB_H

#include "model/job.h"

void wire_job_make(const char *model, const struct job_order *order, struct buf *body);
/* False: the body is none of a job, or its id may not stand in a path. A state that the form does not know is an open one. */
bool wire_job_state(const char *body, size_t n, struct arena *arena, struct job_state *out);
/* Of a list of jobs the first over that training file; *found says whether there is one. False: it is no list. */
bool wire_job_find(const char *body, size_t n, const char *training, struct arena *arena, struct job_state *out, bool *found);
/* Of a list of events, the newest first. */
bool wire_job_news(const char *body, size_t n, struct arena *arena, struct job_news *out);
bool wire_job_checkpoints(const char *body, size_t n, struct arena *arena, struct job_checkpoint **out, size_t *n_out);

#endif
