/* costs.h - the variants of a report as rungs of the cost equation, with their quality, each set against its rival. */
#ifndef RUNG_REPORT_COSTS_H
#define RUNG_REPORT_COSTS_H

#include "eval/pricing.h"
#include "report/report.h"

/* Prices every variant (n) that answered; *rungs (n) and what the variants point to live in arena. */
bool costs_price(const struct task *task, struct store *store, const struct run_row *run, const struct cost_assumptions *a,
		 struct arena *arena, size_t n, struct report_variant *variants, struct cost_rung **rungs, struct error *err);
/* Then, once the verdict is there: the cost figures of all variants, at r->traffic. task NULL: it forbids nothing. */
void costs_rank(const struct task *task, struct arena *arena, const struct report *r, struct report_variant *variants,
		struct cost_rung *rungs);

#endif
