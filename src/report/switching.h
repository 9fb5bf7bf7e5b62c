/* switching.h - what is lost and won by another model: of each the best variant, on items that both answered. Private to src/report.
 *
 * The best variant of a model is the one that answered most items (that stayed longest in the race), and of those alike the one that
 * scored most. Where that was chosen on dev and the row is of test, two variants fixed in advance are compared. Where it was chosen on the
 * items of the row itself, its score flatters it, and more so the more variants its model had. A t interval is then too short: beside a
 * model with one variant, the best of 28 equal ones on 100 or 1,000 items has its true difference in t's "95 %" 71 to 75 times of 100.
 * The confidence sequence of comparisons (stats/bet.h), which a race that ends for what it has seen asks for anyway, has it 97 to 99
 * times (tests/unit/report_switching.c simulates it), 95 with 100 such variants, 93 with 200. It is the interval here, at 95 %, each
 * row by itself. */
#ifndef RUNG_REPORT_SWITCHING_H
#define RUNG_REPORT_SWITCHING_H

#include "report/report.h"
#include "store/store.h"
#include "task/task.h"

enum { SWITCH_ALL_PAIRS = 4 }; /* models up to which each is set beside each */

/* Answers under one split, items in their common order. */
struct switch_scores {
	enum switch_split split;
	const double *const *score; /* (variants of the report) of (n): NAN where it was not asked; NULL: it takes no part */
	const char *const *items;   /* (n) ids */
	size_t n;
	const size_t *cluster;      /* (n) numbers of groups; NULL: each item stands alone */
	bool binary;                /* scores are 0 or 1 */
};

/* Fills r->switching from the variants of r, whose costs and winner are known by now: a row a pair of models, on the first of the splits
 * under which both have answers to the same items. Of a pair, `from` is the model that is in use, else the winner's, else the one
 * whose best variant stands higher. Beyond SWITCH_ALL_PAIRS models each stands beside one: the one in use, else the cheapest, and then
 * that is `to`. Lives in arena; borrows ids. */
void switching_rows(struct report *r, const struct switch_scores *splits, size_t n, struct arena *arena);

/* The same from stored answers: prompts of rungs 1 and 2, on test where both models answered it, else on dev. */
bool switching_build(const struct task *task, struct store *store, int64_t run, uint64_t seed, struct arena *arena, struct report *r,
		     struct error *err);

#endif
