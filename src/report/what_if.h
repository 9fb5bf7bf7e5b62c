/* what_if.h - what `rung cost` prints: rungs beside their rivals at an assumed traffic, as a table with sentences, or as JSON. */
#ifndef RUNG_REPORT_WHAT_IF_H
#define RUNG_REPORT_WHAT_IF_H

#include "base/buf.h"
#include "cost/summary.h"

struct what_if {
	const char *task; /* NULL: none */
	struct cost_traffic traffic;
	const struct cost_summary *rows; /* (n) */
	size_t n;
	const char *winner;       /* name of a rung; NULL: none */
	double target;            /* of the verdict that names the winner; NAN: none */
	const char *decision, *meets_target; /* that verdict's; NULL: there is none, there is no target */
	const char *const *notes; /* (n_notes) sentences: prices that are doubted or missing */
	size_t n_notes;
};

void what_if_write_text(const struct what_if *w, struct buf *out);
void what_if_write_json(const struct what_if *w, struct buf *out); /* docs/cost.md */

#endif
