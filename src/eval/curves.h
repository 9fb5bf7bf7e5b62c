/* curves.h - learning curves: how what learns from the pool does with a part of it. Private to src/eval but for
 * what a report says of curves that were not drawn. */
#ifndef RUNG_EVAL_CURVES_H
#define RUNG_EVAL_CURVES_H

#include "eval/measure.h"

enum {
	CURVE_SEEDS = 3,
	CURVE_SIZES = 5,  /* of the pool: 1/16, 1/8, 1/4, 1/2, all */
	CURVE_LEAST = 16, /* examples of a point */
	CURVE_SHOT_ITEMS = 60, /* of dev, that prompts with shots out of a part are asked: those are calls */
	CURVE_SHOT_PART = 8, /* the smallest part that shots come from: 1/8, 1/4, 1/2; all of it was asked already */
	CURVE_TRAINING_SECONDS = 300, /* that trainings on parts may take together */
	CURVE_LABELS = 300, /* of sets, whose every label is learnt by itself: beyond it takes too long */
};

/* Measures the points of a classifier variant that the store does not have. A part that cannot be learnt from is left out. False when
 * the climb must stop, or the store or the embedding model failed. */
bool curves_measure(struct climb *c, const struct variant *v, struct error *err);

/* Whether the variant shows the examples nearest to an input. */
bool curves_has_shots(const struct variant *v);
/* The same of prompts: its nearest shots come from parts of the pool, asked on the first dev items, to all of which it has answers. The
 * calls are stored as the probes' are. */
bool curves_shots(struct climb *c, const struct variant *v, struct error *err);

/* Whether the variant is an encoder that was trained to name the task's labels. */
bool curves_has_trainings(const struct task *task, const struct variant *v);
/* Seconds that its trainings on parts (1/8, 1/4, 1/2, three draws each) will take, all together, where the one on `lessons` examples took
 * so many. */
double curves_training_seconds(size_t lessons, double seconds);
/* Trains it on those parts where that takes at most CURVE_TRAINING_SECONDS; what it scored with all of the pool is stored already. */
bool curves_trainings(struct climb *c, const struct variant *v, struct error *err);

#endif
