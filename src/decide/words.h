/* words.h - the sentences of a verdict: why, and what to do next. Private to src/decide. */
#ifndef RUNG_DECIDE_WORDS_H
#define RUNG_DECIDE_WORDS_H

#include "decide/decide.h"

/* Fills reasons and next_step of result->verdict from what it holds already; texts live in arena. */
void verdict_explain(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates, size_t n,
		     struct decide_result *result);

#endif
