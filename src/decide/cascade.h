/* cascade.h - from which confidence on the answer of a cheap variant stands, so that few stand that are wrong; the others go to a stronger one.
 *
 * Thresholds are a grid that is fixed before the items are looked at. They are tested from the safest downwards, each at the whole of alpha,
 * until one does not pass (fixed-sequence testing: the first false claim on the way is the only one that can be made first, so no level is
 * shared out). With probability 1 - alpha the risk at the threshold that is returned is at most the level: over items like these, not on
 * average over such calibrations. The items have to be used for nothing else. Source: Angelopoulos et al. 2021, Learn then Test
 * (arXiv 2110.01052), section 5. Pure, no randomness. */
#ifndef RUNG_DECIDE_CASCADE_H
#define RUNG_DECIDE_CASCADE_H

#include <stdbool.h>
#include <stddef.h>

/* What the level bounds: P(accepted and wrong), or P(wrong given accepted). */
enum cascade_of { CASCADE_OF_ALL, CASCADE_OF_ACCEPTED };
const char *cascade_of_name(enum cascade_of of); /* "all", "accepted" */

struct cascade_rule {
	double level, alpha; /* both in (0, 1) */
	enum cascade_of of;
};

struct cascade_item {
	double confidence; /* of the cheap answer; NAN: it has none, and is never accepted */
	double loss;       /* of that answer, 1 - score: 0 right, 1 wrong, grades between */
	size_t cluster;    /* items that follow one another with one number are one observation */
};

/* A threshold over such items. */
struct cascade_cut {
	double at;       /* accepted: confidence >= at; INFINITY: none, everything is escalated */
	size_t n, accepted;
	double lost;     /* summed loss of the accepted */
	double p;        /* against "the risk is above the level"; 1 where no threshold passed */
};

enum { CASCADE_GRID = 50 };
/* The fewest accepted items, all of them right, that can show the level: log(alpha) / log(1 - level). .05 and .05: 59. */
size_t cascade_fewest(const struct cascade_rule *rule);
/* Writes thresholds (at most CASCADE_GRID) in falling order and returns how many: quantiles of the confidences of items (n, sorted in place)
 * other than those, n_tested, that they are tested on. Of the accepted, a threshold that lets few items through cannot pass, and would end the
 * sequence before it began: the first one is where these other items promise the smallest p. */
size_t cascade_grid(const struct cascade_rule *rule, struct cascade_item *others, size_t n, size_t n_tested, double *grid);

/* The items at one threshold, p included. Right or wrong and each alone: the exact binomial test; else Gaffke's (stats/bounded.h). */
struct cascade_cut cascade_test(const struct cascade_rule *rule, const struct cascade_item *items, size_t n, double at);
/* The loosest threshold of the grid (n_grid, falling) that the sequence reaches. */
struct cascade_cut cascade_choose(const struct cascade_rule *rule, const double *grid, size_t n_grid, const struct cascade_item *items, size_t n);

#endif
