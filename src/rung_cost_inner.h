/* rung_cost_inner.h - what the files of rung_cost() share: one question, its assumptions, and the two ways to answer it. */
#ifndef RUNG_COST_QUESTION_H
#define RUNG_COST_QUESTION_H

#include "report/what_if.h"
#include "rung_inner.h"

enum { COST_HORIZON = 90, COST_DATE = 11 };

/* What it assumes, and what else it is answered with. */
struct question {
	struct rung *r;
	const struct rung_cost_options *o;
	struct cost_assumptions a;
	struct price_table *prices;
	char today[COST_DATE];
	struct arena *arena;
	const char **notes;
	size_t n_notes, room;
};

static inline double given(double x)
{
	return x > 0 ? x : 0;
}

/* Fill w from the last climb of the task, or from --from, --to and --tokens; what is found lives in q's arena and r's. */
bool cost_ask_climb(struct question *q, struct what_if *w, struct error *err);
bool cost_ask_models(struct question *q, struct what_if *w, struct error *err);

#endif
