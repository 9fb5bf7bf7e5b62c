/* replay.h - the decision rule over outcomes that are all there already: "The decision rule", without splits.
 *
 * The ladder is gone up as a climb would: full, every configuration is compared on every item; early, an item is looked at only
 * while somebody needs it. Several configurations of a rung race over the first two fifths of the items (a climb's dev beside its
 * test): the worse half leaves, again, and whoever a rival's evidence beats leaves sooner; racing claims nothing, and the one that is
 * left is tested at its share of alpha, as if all had been. Pure. */
#ifndef RUNG_DECIDE_REPLAY_H
#define RUNG_DECIDE_REPLAY_H

#include "decide/decide.h"

enum entrant_state { ENTRANT_TESTED, ENTRANT_RACED_OUT, ENTRANT_SKIPPED };

/* A configuration posed on a rung. */
struct entrant_outcomes {
	const char *id;
	int rung;
	const double *score; /* (rule->n_items) in the common order */
	double usd_per_call; /* NAN: unknown; breaks ties in a race */
	const struct cost_rung *cost; /* NULL: unknown, or costs do not count */
	/* What became of it: */
	enum entrant_state state;
	const char *why;     /* NULL when tested */
	size_t looked;       /* items */
	size_t candidate;    /* index among those tested, or SIZE_MAX */
};

struct replay {
	const struct candidate *candidates; /* those tested, in the order of the entrants' rungs */
	size_t n_candidates;
	size_t looked, full_grid; /* items over all entrants, and as many as there are */
	struct decide_result result;
};

/* Fills in the tests that the rule has to share alpha among: a comparison for each rung above the lowest, one more where that has
 * several; a target test for each entrant. */
void replay_plan(struct decide_rule *rule, const struct entrant_outcomes *entrants, size_t n);

/* Entrants (n >= 1) by rising rung; the first is the champion to begin with. The result and what it points to live in arena. */
struct replay replay_run(struct arena *arena, const struct decide_rule *rule, struct entrant_outcomes *entrants, size_t n);

#endif
