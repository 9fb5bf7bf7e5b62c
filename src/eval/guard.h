/* guard.h - what tuning a model did to another task of the user's: items of its dev, asked of the base and of the tuned model in the
 * same words. */
#ifndef RUNG_EVAL_GUARD_H
#define RUNG_EVAL_GUARD_H

#include "eval/eval.h"

enum { GUARD_ITEMS = 50 }; /* of dev, at most: both models answer each of them */

struct guard {
	char task[64];        /* its name, cut */
	size_t n;
	double before, after; /* mean scores */
	size_t better, worse; /* items whose score rose, and fell */
	double p;             /* exact McNemar on those, two-sided (stats/paired.h) */
};

/* path: of the other task. The way of asking is the plainest of rung 1 that reads answers of its kind. False and a sentence when the
 * task or one of the models cannot be asked, or it was interrupted. */
bool guard_task(const char *path, const char *base, const char *tuned, struct models *models, const struct progress *progress,
		struct guard *out, struct error *err);

#endif
