/* constraints.h - candidates that the task's constraints rule out (eval/constraints.h). Private to src/report. */
#ifndef RUNG_REPORT_CONSTRAINTS_H
#define RUNG_REPORT_CONSTRAINTS_H

#include "report/report.h"
#include "task/task.h"

/* Why the variant may not be chosen, as a sentence that lives in arena; NULL: it may. */
const char *report_ruled_out(const struct task *task, const struct report_variant *v, struct arena *arena);
/* Takes the candidates (n) that may not be chosen out of the list; returns how many stay, and adds a sentence for each of the
 * others to sentences. Where none could stay, all do: a verdict names the best there is, and the sentences say what it breaks. */
size_t constraints_filter(const struct task *task, const struct report *r, struct candidate *candidates, size_t n, struct arena *arena,
			  const char **sentences, size_t *n_sentences);

#endif
