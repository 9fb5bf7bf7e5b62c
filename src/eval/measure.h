/* measure.h - one variant over items, with the store in front. Private to src/eval. */
#ifndef RUNG_EVAL_MEASURE_H
#define RUNG_EVAL_MEASURE_H

#include "eval/eval.h"
#include "eval/spending.h"

/* A climb under way. */
struct climb {
	const struct task *task;
	const struct climb_options *options;
	struct store *store;
	struct workshop *workshop;
	struct models *models;
	const struct curated *curated;
	int64_t run;
	size_t repeat; /* of its requests; 0: what the store has is used */
	struct arena arena;
	struct dev_items dev;
	struct test_items test;
	double started_ms;
	const char *stopped; /* why, once it must stop */
	struct training_watch watch;
	struct spending spending;
	struct batching batching;
};

/* What a variant did on a run of items. */
struct record {
	double *score;  /* (n) in item order */
	double *tokens; /* (n) input and output: the cost that ties are broken by */
	size_t n;
};

enum { BATCH = 10 }; /* answers in one transaction; racing looks at the evidence after each */

/* Asks at once what those of the variants (n) whose models are asked elsewhere need to answer items [from, to): measure() then finds it.
 * False when it had to stop, or failed. */
bool measure_prefetch(struct climb *c, const struct variant *const *variants, size_t n, struct item_list items, size_t from, size_t to,
		      struct error *err);

/* Makes sure that items [from, to) of the list are answered, in batches, and fills record->score and tokens there.
 * False when it had to stop (climb->stopped is set) or failed (it is not, err is). */
bool measure(struct climb *c, const struct variant *v, const char *split, struct item_list items, size_t from, size_t to,
	     struct record *record, struct error *err);

#endif
