/* pricing.h - from what was measured to the cost equation (cost/equation.h): a variant becomes a rung with its tokens or seconds, and what
 * its training took. The climb, which may go up for cost, and the report price by the same rules. */
#ifndef RUNG_EVAL_PRICING_H
#define RUNG_EVAL_PRICING_H

#include "cost/price.h"
#include "eval/eval.h"

/* What cannot be measured. */
struct cost_assumptions {
	struct cost_traffic traffic;  /* calls_per_day and horizon_days 0: there is none; below 0: not said, so the task's */
	struct cost_setup setup;      /* of what is fine-tuned, beside its own training */
	struct cost_daily daily;      /* likewise; its retraining_usd and rebuild_usd NAN: the one-off sum again */
	double prefix_tokens, hit_share, batch_share, retry_share, retrieval_usd, guard_usd; /* of calls to hosted models */
	const struct price_table *prices;
	const char *today;            /* ISO date from which models have so many days left */
	double usd_per_core_hour;
	int cores;                    /* that local models use */
	const char *tuned;            /* folder of the registry of fine-tuned models; NULL: none */
	const char *jobs;             /* folder of the notes of jobs at providers (tune/submission.h); NULL: none */
	double target;                /* of the verdict in place of the run's; 0: none; below 0: the run's */
	bool decides;                 /* the verdict counts this, where the run's counts costs: as if the task had named it (full plan) */
	double default_horizon_days;  /* of a task that names none; 0: it has none */
};

/* What a climb and a report take: costs are those of calls and of training alone, the traffic is the task's. */
extern const struct cost_assumptions costs_nothing_assumed;

/* Fills in the daily costs of what is set up: the sums that are NAN. */
void costs_repeat_setup(struct cost_rung *r);

/* Which model's prices a variant is charged: those given for its id, else for its model, which for a local one the user alone can
 * give; NULL: none are known. model NULL: it asks none. */
const struct price_model *pricing_model(const struct price_table *t, const char *id, const char *model);

/* USD that such attempts cost; NAN: the price is not known. A server of this machine costs nothing but its time. */
double pricing_attempts(const struct price_table *t, const struct attempt_sum *a);

/* What a variant is and did, as far as costs ask. */
struct worked {
	const char *id, *model;
	int rung;
	bool incumbent, passages;           /* in use already; some answers stand on passages */
	size_t answers, calls;
	double input_tokens, output_tokens; /* means per call */
	double ms;                          /* mean of an answer */
	double usd;                         /* mean of what answers are recorded to have cost; NAN: they are not */
	double dev_score;                   /* by which the version that the run measured is found */
};
/* Of its stored answers, to dev and test items; answers 0: none. texts are the variant's. */
bool pricing_worked(struct store *store, int64_t run, const struct variant *v, const struct task *task, struct worked *out,
		    struct error *err);

/* What stands on the card of the fine-tuned model that a variant is, or asks; NULL, 0 and NAN: nothing. */
struct training_notes {
	const char *version;               /* "tuned:NAME:vN" */
	size_t human_labels, model_labels; /* what it learnt from */
	const char *teacher;               /* the variant that gave the model's labels */
	double seconds;                    /* that training took */
	double pool_score, general_before, general_after;
	/* Shares of passages with another fact in them that it followed, and to which it recited the old one (eval/changed.h). */
	double follows_before, follows_after, recites_before, recites_after;
};

struct pricing {
	const struct task *task;
	const struct cost_assumptions *a;
	const struct variant *recipes; /* (n_recipes) what the run tried */
	size_t n_recipes;
	struct arena *arena;
	double embedding_usd, rerank_usd; /* mean of one text, and of one query; pricing_texts() */
};
/* What the task's endpoints for texts take for an answer: their price for the tokens of a mean input and of a mean query with its passages, as
 * counted in the store. NAN: they were asked and no price of them is known. 0 where the task has none. */
bool pricing_texts(struct pricing *p, struct store *store, struct error *err);
/* Quality is left unknown. What lives longer lives in the arena. */
bool pricing_rung(const struct pricing *p, const struct worked *w, struct cost_rung *r, struct training_notes *notes, struct error *err);

#endif
