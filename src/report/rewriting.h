/* rewriting.h - wordings of the instruction that a model proposed for a run, each against the one before it, on the dev items of its
 * race: those that its author did not see. Private to src/report. */
#ifndef RUNG_REPORT_REWRITING_H
#define RUNG_REPORT_REWRITING_H

#include "eval/eval.h"
#include "report/report.h"

/* Fills report->wordings, whose variants are known by now; they live in arena. */
bool rewriting_build(const struct task *task, struct store *store, const struct run_row *run, struct arena *arena, struct report *r,
		     struct error *err);
/* Dev calls that the full grid would not make: no wording is asked what its author saw. */
size_t rewriting_spared(const struct report *r);

#endif
