/* outcomes.h - models that are files of recorded outcomes: "recorded:FILE" stands for what was measured elsewhere (docs/decision.md has
 * the format), and each configuration of FILE answers the items of a task by their ids, each with what it said there.
 *
 * The files hang on the task, which is otherwise const: whoever climbs has them read (outcomes_open()) before variants are listed, and they
 * are freed with it. A report needs none: it stands on stored rows. "recorded:FILE#MODEL" is another thing, calls by their requests
 * (model/recorded.h). */
#ifndef RUNG_TASK_OUTCOMES_H
#define RUNG_TASK_OUTCOMES_H

#include "task/task.h"

struct outcomes;
struct outcomes_file;

/* One (model, config) on a rung of the ladder; probes are none. */
struct outcomes_config {
	const char *id;      /* of its variant: "1/CONFIG@recorded:FILE", and "#MODEL" behind it where the file has several models */
	const char *name;    /* CONFIG */
	const char *model;   /* "recorded:FILE#MODEL" */
	bool asked_none;     /* MODEL is "none": no language model */
	int rung;
	const char *skipped; /* why it cannot answer the task's dev and test items; NULL: it can */
	uint64_t contents;   /* hash of the file */
	const struct outcomes_file *file;
	size_t number;       /* in the file */
};

struct outcome {
	const char *output; /* NULL: nothing came of it */
	size_t input_tokens, output_tokens; /* 0: not recorded */
	double ms, usd;     /* NAN: not recorded */
};

/* FILE of such a name; NULL: it is another model's. */
const char *outcomes_path(const char *model);
/* The first that is no such name; NULL: all are. */
const char *outcomes_first_other(const char *const *models, size_t n);

/* Reads the files among the models (n; NULL: the task's) that the task does not have yet: FILE in the present folder, else the task's. */
bool outcomes_open(struct task *task, const char *const *models, size_t n, struct error *err);
void outcomes_free(struct outcomes *o);

/* The configurations of the file that `model` names, in its order; 0: it is no such name, or was not opened. */
const struct outcomes_config *outcomes_configs(const struct task *task, const char *model, size_t *n);
/* A number for the contents of all files among the models; 0: there are none. */
uint64_t outcomes_fingerprint(const struct task *task, const char *const *models, size_t n);
/* What the configuration said to the item; false: it has no row of it. */
bool outcomes_find(const struct outcomes_config *c, const char *item, struct outcome *out);

#endif
