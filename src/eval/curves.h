/* curves.h - learning curves: how a rung's classifiers do with a part of the pool. Private to src/eval. */
#ifndef RUNG_EVAL_CURVES_H
#define RUNG_EVAL_CURVES_H

#include "eval/measure.h"

enum {
	CURVE_SEEDS = 3,
	CURVE_SIZES = 5,  /* of the pool: 1/16, 1/8, 1/4, 1/2, all */
	CURVE_LEAST = 16, /* examples of a point */
	CURVE_LABELS = 300, /* of sets, whose every label is learnt by itself: beyond it takes too long */
};

/* Measures the points of a classifier variant that the store does not have. A part that cannot be learnt from is left out. False when
 * the climb must stop, or the store or the embedding model failed. */
bool curves_measure(struct climb *c, const struct variant *v, struct error *err);

#endif
