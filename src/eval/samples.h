/* samples.h - the sampling probe: whether the right answer is among several that a model gives to the same prompt, though the one that
 * it is served with is wrong. Then reasoning, a vote or a check could find it; else more of the same cannot. */
#ifndef RUNG_EVAL_SAMPLES_H
#define RUNG_EVAL_SAMPLES_H

#include "eval/measure.h"

enum {
	PROBE_SAMPLES = 5,
	SAMPLED_ITEMS = 60,     /* dev items at most: failures, and as many passes, since sampling also breaks what was right */
	SAMPLED_FAILURES = 5,   /* below which nothing is asked */
};
#define PROBE_TEMPERATURE 0.7 /* as self-consistency samples (variant/technique.c) */
#define SAMPLED_PASS 0.5      /* scores from which an answer counts as a pass */

/* The variant, asked for samples that vote; NULL where that has no meaning: without a prompt of ours, with scored labels, which are not
 * sampled, and where its answers are a vote already. Lives in arena. */
const struct variant *samples_variant(const struct variant *v, struct arena *arena);
/* Asks it on some of these dev items, of all of which the variant's scores are known. */
bool samples_measure(struct climb *c, const struct variant *v, struct item_list dev, const struct record *record, struct error *err);

#endif
