/* contest.h - candidates on the test items: who answers how many of them, and who is champion. Private to src/eval.
 *
 * Full, every candidate answers everything. Early, an item is paid for only while somebody looks at it: a candidate answers until its
 * target test is settled, then champion and challenger answer along until their comparison is; the champion's answers of earlier
 * comparisons are there already (decide/replay.h does the same over outcomes that are recorded). */
#ifndef RUNG_EVAL_CONTEST_H
#define RUNG_EVAL_CONTEST_H

#include "eval/measure.h"
#include "eval/pricing.h"

struct contestant {
	const struct variant *variant;
	struct record record;       /* on test */
	struct candidate candidate; /* its scores and costs so far */
	struct cost_rung cost;
	bool ruled_out;             /* by a constraint: measured, and no champion */
	enum decision met;          /* what came of meeting the champion; better where there was none */
};

struct contest {
	struct climb *climb;
	const struct decide_rule *rule;
	struct pricing pricing;
	struct contestant *entries; /* (n) in the order of their rungs; room for all variants */
	size_t n, next;             /* next: the first that has not met the champion */
	size_t champion;            /* n: there is none yet */
	bool compared;              /* somebody met a champion */
	bool target_met;
};

void contest_init(struct contest *t, struct climb *c, const struct decide_rule *rule, const struct variant *variants, size_t n);
/* One more candidate: full, it answers everything; early, what its target test needs. */
bool contest_enter(struct contest *t, const struct variant *v, struct error *err);
/* Those that have not met the champion do; an incumbent among them, if no constraint rules it out, is the champion to beat. */
bool contest_meet(struct contest *t, struct error *err);
/* What nobody was set against, and no target was met by, answers everything: its score is all there is to report. */
bool contest_end(struct contest *t, struct error *err);

#endif
