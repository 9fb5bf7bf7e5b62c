/* rung_inner.h - what the files behind rung.h share. */
#ifndef RUNG_INNER_H
#define RUNG_INNER_H

#include "base/buf.h"
#include "model/model.h"
#include "report/costs.h"
#include "report/rows.h"
#include "rung.h"
#include "store/store.h"
#include "task/task.h"
#include "variant/escalate.h"
#include "variant/workshop.h"

struct rung {
	struct rung_options options;
	struct arena arena; /* of the last call */
	struct task *task;
	struct store *store;
	struct models *models;
	struct library *library; /* the task's documents; NULL when it has none */
	struct workshop *workshop; /* kept between questions */
	const struct variant *winner;
	const struct variant *variants; /* (n_variants) what its climb tried */
	size_t n_variants;
	struct escalation escalation; /* the winner, and what answers before it where the verdict has a cascade */
	char verdict[17]; /* names the climb and the variant that answers */
	const char *run;           /* key of the climb that is meant, borrowed; NULL: the last one */
	const char *chosen;        /* key of the climb that the winner is of; lives in the task's arena */
	double break_even_calls;   /* after so many the winner's one-off costs are back against its rival; NAN: nothing to pay back, or unknown */
	const struct price_table *prices; /* of models that are asked elsewhere while it serves, borrowed; NULL: none are known */
	double warm_tokens, warm_usd; /* that its first answer took while it serves */
	struct curated curated; /* what a fine-tuned winner learnt from */
	int meets_target;
};

/* Hands the sentence over and returns the status; RUNG_UNFINISHED of an error that says that the same may go well later. */
enum rung_status rung_failed(enum rung_status status, const struct error *from, struct rung_error *to);
/* The buffer's text for the caller; releases the buffer. */
char *rung_handed_over(struct buf *b);

/* Opens the task in place of what was open. */
bool rung_open_task(struct rung *r, const struct task_options *options, struct error *err);
const char *rung_store_path(struct rung *r);
const char *rung_beside_store(struct rung *r, const char *name); /* docs.db, tuned: in the store's folder */
struct models *rung_models(struct rung *r);
/* The variant of rung 3 that the options mean; its training's settings; its documents, opened. (rung_tune.c) */
const struct variant *rung_tuning_variant(struct rung *r, const struct rung_tune_options *o, struct error *err);
struct finetune_settings rung_tuning_settings(const struct rung *r, const struct rung_tune_options *o, const struct variant *v);
bool rung_tuning_documents(struct rung *r, const struct variant *v, struct error *err);
/* What the teacher of the options says, put before training by way of watch; a line about each thing that it was asked to out. */
bool rung_teach(struct rung *r, const struct rung_tune_options *o, struct training_watch *watch, struct buf *out, struct error *err);
/* Fills in what was not given (costs_nothing_assumed) from the task and the machine. */
void rung_assume(struct rung *r, struct cost_assumptions *a);
/* The report of the last climb with the costs of those assumptions, which rung_assume() completes; NULL: nothing beyond what was
 * measured. The verdict is the same, but for a target asked in place of the run's. Lives in r's arena. */
bool rung_last_report(struct rung *r, struct cost_assumptions *assumed, struct report *report, struct error *err);

/* The answers of the last climb, one by one, in such a form. */
bool rung_last_rows(struct rung *r, bool (*write)(const struct rows_from *from, const struct rows_out *out, struct error *err),
		    const struct rows_out *out, struct error *err);

/* Makes ready what answers: the variant of that id, NULL: the winner of the last climb. */
bool rung_choose(struct rung *r, const char *id, struct error *err);

/* Another number when the file has changed; one of no bytes is as good as none: the write-ahead log is there, and empty, while anybody has the
 * store open. path NULL: no file. */
uint64_t rung_file_mark(const char *path, uint64_t seed);

/* Opens the task's store at the last climb of the seed asked for, the task as that climb saw it. */
bool rung_open_last(struct rung *r, struct run_row *run, struct error *err);

#endif
