/* worth.h - what the labels that would settle a comparison cost, and are worth at most. Private to src/decide. */
#ifndef RUNG_DECIDE_WORTH_H
#define RUNG_DECIDE_WORTH_H

#include "decide/decide.h"

/* Of an unresolved comparison whose labels_needed and delta are there already. */
struct labels_worth labels_worth_of(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to,
				    const struct comparison *c);

#endif
