/* check.h - what `rung check` says of a task that opened: its size and splits, what looks doubtful in its examples, how
 * long its inputs are to the models it names, and how many calls a climb makes at most. Writes nothing, asks no model. */
#ifndef RUNG_EVAL_CHECK_H
#define RUNG_EVAL_CHECK_H

#include "eval/preview.h"
#include "tune/leakage.h"

/* Lengths of the rendered inputs of dev and test in one model's tokens, its chat format's markers included. */
struct input_lengths {
	const char *model;
	const char *why; /* they could not be counted; NULL: they were */
	size_t median, p95, longest;
	size_t limit;    /* the model's context; 0: unknown */
};

struct check {
	const struct task *task;
	struct climb_bound bound;
	const struct near_copy *copies; /* dev and test items that nearly repeat a pool example */
	size_t n_copies;
	const struct input_lengths *lengths; /* one for each model that the task names */
	size_t n_lengths;
	const struct example *const *lost; /* examples whose gold passages are not in the documents (gold.h) */
	size_t n_lost;
	const struct variant *const *unusable; /* recorded configurations that cannot answer the task's items, and say why */
	size_t n_unusable;
	const struct climb_options *options;
	struct preview preview; /* of what providers would be paid */
};

/* models: the folder of local models. The result lives in arena and borrows the options. */
struct check check_task(const struct task *task, const struct climb_options *options, const char *models, const struct price_table *prices,
			struct arena *arena);
void check_write_text(const struct check *c, struct buf *out);
void check_write_json(const struct check *c, struct buf *out);

#endif
