/* inputs.h - what clients sent, as rows of the task's columns. */
#ifndef RUNG_DATA_INPUTS_H
#define RUNG_DATA_INPUTS_H

#include "task/task.h"
#include "task/template.h"

struct inputs {
	const struct task *task;
	const struct template *input;
	bool *shown; /* (n_columns) what a prompt of the task may show: all else that a client sends is left out */
};
struct inputs inputs_of(const struct task *task, struct arena *arena); /* lives in arena */

/* (n_columns) the columns of an input as the log has it; NULL: it is none of the task's. */
const char *const *inputs_values(const struct inputs *inputs, const char *text, struct arena *arena);
/* What classifiers and curation see of them. */
const char *inputs_text(const struct inputs *inputs, const char *const *values, struct arena *arena);
/* "2026-08-01 14:05", UTC. */
const char *inputs_moment(uint64_t ms, struct arena *arena);

/* A field of a file that spreadsheets open: production must not write formulas into it. */
void inputs_field(struct buf *out, const char *text);

/* Room for one more row of `size` bytes behind n; old arrays are left to the arena. */
void *rows_room(struct arena *arena, void *rows, size_t n, size_t size);

#endif
