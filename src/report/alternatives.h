/* alternatives.h - what the verdict would have been at any other target, from the same rows. Private to src/report. */
#ifndef RUNG_REPORT_ALTERNATIVES_H
#define RUNG_REPORT_ALTERNATIVES_H

#include "decide/decide.h"
#include "report/report.h"

struct report_reach {
	const char *variant;
	double reaches, misses; /* shown to meet every target up to the one, to be below every target from the other on; 0 and 1: none */
};
struct report_alternative {
	size_t winner; /* index into candidates */
	enum verdict_kind decision;
	const struct comparison *comparisons; /* (n_comparisons) by which it came about */
	size_t n_comparisons;
};
/* What the test items say of one candidate against another, whatever costs say. */
struct report_evidence {
	bool better, not_worse; /* shown, at its share of alpha; not worse: by the margin */
	double delta, high;     /* mean difference, upper end of its interval */
};
struct report_alternatives {
	const struct report_reach *candidates; /* (n) in the order of their rungs */
	size_t n, reference;                   /* reference: the one that a verdict climbs or switches from */
	struct report_alternative without, missed; /* without a target; with one that no candidate is shown to meet */
	/* (n, n) from * n + to, likewise. NULL: costs do not count, or the plan is early, in which items were looked at for the traffic named */
	const struct report_evidence *evidence_without, *evidence_missed;
};

/* By the rule that the run fixed, its target left out of account: decide_target() of each candidate (n) at every target, which is two
 * numbers, and decide_verdict() without a target and with one that nobody meets. Names are borrowed; the rest lives in arena. */
struct report_alternatives alternatives_of(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates,
					   size_t n);

#endif
