/* standing.h - how things stand with a task, by its history; and what was said of its answers since, weighed. Pure but for the grading of
 * demonstrations. */
#ifndef RUNG_SERVE_STANDING_H
#define RUNG_SERVE_STANDING_H

#include "base/buf.h"
#include "decide/live.h"
#include "serve/verdict.h"
#include "store/served.h"

/* Rows of the history; NULL: none. */
struct standing {
	const struct served_turn *serving, *challenger, *previous;
	uint64_t since_ms, trial_ms; /* when what serves began, or was last found to have fallen; when the trial did */
	bool fallen;
};
struct standing standing_of(const struct served_turn *turns, size_t n);
/* Whether the history speaks against trying it: its trial ended, or it was demoted, and nothing else since. */
bool standing_judged(const struct served_turn *turns, size_t n, const char *verdict);
bool standing_paid(const struct served_turn *turns, size_t n, const char *verdict);

/* What one call is worth, by the rows (n, at least 1) of it; NAN: nothing was said that is a score. by NULL: demonstrations are not graded. */
double standing_score(const struct served_score *rows, size_t n, const struct served_verdict *by);
/* Weighs the rows (n, as served_scored() gives them); challenger NULL: nobody is on trial. */
void standing_weigh(const struct served_score *rows, size_t n, const struct served_verdict *serving, const struct served_verdict *challenger,
		    uint64_t trial_ms, struct arena *arena, struct live *live);
/* The numbers as a JSON object. */
void standing_write(const struct live *live, struct buf *out);

#endif
