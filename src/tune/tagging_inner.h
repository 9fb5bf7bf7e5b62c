/* tagging_inner.h - what tagging.c and tagging_align.c share. */
#ifndef RUNG_TUNE_TAGGING_INNER_H
#define RUNG_TUNE_TAGGING_INNER_H

#include "tune/tagging.h"

/* Calls fn for every value of the answer that is a string field's or a choice's; at: of strings, and behind them of choices. */
void tagging_visit(const struct tagging *g, const json_t *answer, void (*fn)(void *context, size_t at, const json_t *value),
		   void *context);

#endif
