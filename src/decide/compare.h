/* compare.h - what a test's share of alpha is, and what it has to show. Private to src/decide. */
#ifndef RUNG_DECIDE_COMPARE_H
#define RUNG_DECIDE_COMPARE_H

#include "decide/decide.h"

/* "The decision rule", 4: comparisons share alpha, or half of it when target tests take the other half. */
double comparison_alpha(const struct decide_rule *rule, const struct candidate *to);
double target_alpha(const struct decide_rule *rule);

/* Whether `to` needs no gain to take its place: it is below the incumbent, or may pay for itself. */
bool not_worse_is_enough(const struct candidate *from, const struct candidate *to, enum paying pays);

#endif
