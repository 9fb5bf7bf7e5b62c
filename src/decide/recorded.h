/* recorded.h - outcomes recorded elsewhere: JSON Lines, one item under one configuration each (docs/decision.md has the keys).
 *
 * A pure reader over bytes: one pass, every mistake one sentence with file, line and value. */
#ifndef RUNG_DECIDE_RECORDED_H
#define RUNG_DECIDE_RECORDED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

/* Where a configuration stands: on a rung of the ladder, or in a probe of what a rung could bring. */
enum recorded_place {
	PLACE_BASELINE, PLACE_PROMPT, PLACE_RAG, PLACE_FINETUNE,
	RECORDED_RUNGS, /* places below it are rungs, by their numbers */
	PLACE_ORACLE_CONTEXT = RECORDED_RUNGS, PLACE_DISTRACTORS, PLACE_NO_GOLD, PLACE_STRONGER_MODEL, PLACE_PASS_AT_K,
	RECORDED_PLACES
};
extern const char *const recorded_place_names[RECORDED_PLACES]; /* "baseline", ..., "pass-at-k": as in the files */

enum recorded_measure { RECORDED_USD, RECORDED_MS, RECORDED_INPUT_TOKENS, RECORDED_OUTPUT_TOKENS, RECORDED_MEASURES };

struct recorded_configuration {
	const char *name; /* "model/config" */
	const char *model, *config;
	enum recorded_place place;
	size_t line;      /* its first */
	size_t n;         /* items it has */
	double *score;    /* (n_items) 0 .. 1, NAN where it lacks the item */
	double *measure[RECORDED_MEASURES]; /* (n_items) NAN: unknown; NULL: unknown everywhere */
	const char **output; /* (n_items) NULL: the row has none; recorded_null: it says null. NULL: they were not asked for */
};
extern const char recorded_null[]; /* an output that is there and is none: compared by address */

struct recorded {
	const char *file, *set; /* set "": the rows name none */
	struct recorded_configuration *configurations; /* in the order of their first rows */
	size_t n_configurations;
	const char *const *items; /* (n_items) in the order of their first rows */
	size_t n_items;
	const size_t *group;      /* (n_items) equal numbers belong together */
	bool grouped;             /* some do */
	bool binary;              /* all scores are 0 or 1 */
};

/* Reads bytes[0..n) of `file`; everything lives in arena and copies what it needs. */
bool recorded_read(struct recorded *r, const char *file, const char *bytes, size_t n, struct arena *arena, struct error *err);

/* The same with the rows' outputs; one that is no text is kept as its JSON. */
bool recorded_read_outputs(struct recorded *r, const char *file, const char *bytes, size_t n, struct arena *arena, struct error *err);

/* The mean of a measure over the items where it is known; NAN when nowhere. */
double recorded_mean(const struct recorded *r, const struct recorded_configuration *c, enum recorded_measure m);

#endif
