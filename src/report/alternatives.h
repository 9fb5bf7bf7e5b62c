/* alternatives.h - what the verdict would have been at any other target, from the same rows. Private to src/report. */
#ifndef RUNG_REPORT_ALTERNATIVES_H
#define RUNG_REPORT_ALTERNATIVES_H

#include "decide/decide.h"
#include "report/report.h"

/* By the rule that the run fixed, its target left out of account: decide_target() of each candidate (n) at every target, which is two
 * numbers, and decide_verdict() without a target and with one that nobody meets. Names are borrowed; the rest lives in arena. */
struct report_alternatives alternatives_of(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates,
					   size_t n);

#endif
