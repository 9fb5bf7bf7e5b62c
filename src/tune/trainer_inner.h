/* trainer_inner.h - the parts of trainer.c's table that lie in trainer_cloud.c. Private to src/tune/trainer*.c. */
#ifndef RUNG_TUNE_TRAINER_INNER_H
#define RUNG_TUNE_TRAINER_INNER_H

#include <jansson.h>

#include "tune/trainer.h"

/* Appends the value as such JSON and gives it up. */
void trainer_add_json(json_t *value, size_t flags, struct buf *out);

void trainer_bedrock_row(const struct message *prompt, size_t n, const char *completion, struct buf *out);
void trainer_bedrock_job(const struct trainer_job *job, struct buf *out);
void trainer_bedrock_readme(const struct trainer *t, const struct trainer_job *job, struct buf *out);
void trainer_vertex_row(const struct message *prompt, size_t n, const char *completion, struct buf *out);
void trainer_vertex_job(const struct trainer_job *job, struct buf *out);
void trainer_vertex_readme(const struct trainer *t, const struct trainer_job *job, struct buf *out);

#endif
