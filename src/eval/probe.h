/* probe.h - asks the knowledge probe's rows (decide/knowledge.h) on dev items whose gold passages are known. Private to
 * src/eval but for probe_load(). */
#ifndef RUNG_EVAL_PROBE_H
#define RUNG_EVAL_PROBE_H

#include "decide/knowledge.h"
#include "eval/measure.h"

enum { PROBE_ITEMS = 60 }; /* at most; fewer than 59 without any difference cannot exclude a gain of 5 points */

/* Before anything is built: C and O on the first model. *why is one sentence when retrieval cannot pay, else NULL. A task
 * without gold passages, or of another kind, is not asked. */
bool probe_before(struct climb *c, const char **why, struct error *err);
/* Once the documents are searched: R, D and N. */
bool probe_after(struct climb *c, struct error *err);

/* The rows of a run that the store has whole; the others are NULL. n: items of a row. Lives in arena. */
bool probe_load(const struct task *task, struct store *store, int64_t run, struct dev_items order, const char *model,
		struct arena *arena, struct knowledge *k, struct error *err);

#endif
