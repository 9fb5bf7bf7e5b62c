/* costs.h - from what was measured to the cost equation (cost/equation.h): each variant of a report becomes a rung with its tokens or
 * seconds, its quality and what its training took, and is set against its rival. */
#ifndef RUNG_REPORT_COSTS_H
#define RUNG_REPORT_COSTS_H

#include "cost/price.h"
#include "eval/eval.h"
#include "report/report.h"

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
	double target;                /* of the decision in place of the run's; 0: none; below 0: the run's */
	double default_horizon_days;  /* of a task that names none; 0: it has none */
};

/* What a report takes: costs are those of calls and of training alone, the traffic is the task's. */
extern const struct cost_assumptions costs_nothing_assumed;

/* Fills in the daily costs of what is set up: the sums that are NAN. */
void costs_repeat_setup(struct cost_rung *r);

/* Which model's prices the variant is charged: those given for its id, else for its model, which for a local one the user alone
 * can give; NULL: none are known. */
const struct price_model *costs_price(const struct price_table *t, const struct report_variant *v);

/* Fills the costs of every variant (n) of a report whose scores, targets and calls are there already, the winner marked. Lives in
 * arena. */
bool costs_fill(const struct task *task, const struct run_row *run, const struct cost_assumptions *a, struct arena *arena,
		const struct report *r, struct report_variant *variants, struct error *err);

#endif
