/* techniques.h - what each way of prompting added, from the dev answers that the race has left: the same items, asked both ways.
 * Private to src/report. */
#ifndef RUNG_REPORT_TECHNIQUES_H
#define RUNG_REPORT_TECHNIQUES_H

#include "eval/eval.h"
#include "report/report.h"

enum { TECHNIQUE_FEWEST = 20 }; /* common items below which nothing is said */

/* Pairs of the variants (n) of one model that differ by one technique, and of one technique that differ by the model; as findings of
 * the diagnosis, whose intervals hold for a number of items fixed in advance: a race that stopped early makes them rough. Lives in
 * arena. */
bool techniques_findings(const struct task *task, struct store *store, int64_t run, const struct report_variant *variants, size_t n,
			 struct arena *arena, struct probe_finding **out, size_t *n_out, struct error *err);

#endif
