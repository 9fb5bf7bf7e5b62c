/* diagnosis.h - where the failures come from, read from the rows of a run: what each probe says is a file of its own. Private to
 * src/report. */
#ifndef RUNG_REPORT_DIAGNOSIS_H
#define RUNG_REPORT_DIAGNOSIS_H

#include "eval/answers.h"
#include "eval/eval.h"
#include "report/report.h"

enum { DIAGNOSIS_FEWEST = 20 }; /* items below which nothing is said */

struct diagnosing {
	const struct task *task;
	struct store *store;
	int64_t run;
	struct arena *arena;
	const struct report *report;   /* its variants and margin are there */
	struct item_list dev;          /* in the run's order */
	const struct variant *recipes; /* (n_recipes) what the run tried */
	size_t n_recipes;
	struct probe_finding *out;
	size_t n, room;
};

/* Fills report->diagnosis and report->probe; they live in arena. curation: path of the review file (tune/curate.h), which may be absent. */
bool diagnosis_build(const struct task *task, struct store *store, const struct run_row *run, const char *curation, struct arena *arena,
		     struct report *report, struct error *err);

/* --- for the probes' files --- */

void diagnosis_add(struct diagnosing *d, struct probe_finding f);
const struct variant *diagnosis_recipe(const struct diagnosing *d, const char *id); /* NULL: none of that id */

bool rescore_findings(struct diagnosing *d, struct error *err); /* replies read leniently (prompt/lenient.h) */
/* Labels that contradict each other, or that a model which has not seen them does not believe. */
void labels_findings(struct diagnosing *d, const char *curation);
void rewriting_findings(struct diagnosing *d); /* the best wording that a model proposed (rewriting.h) */
bool samples_findings(struct diagnosing *d, struct error *err); /* the sampling probe (eval/samples.h) */

#endif
