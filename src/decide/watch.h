/* watch.h - a comparison looked at after every item (or cluster), at a constant cost a look: what decide_compare() and
 * decide_target() of the early plan would say of the items so far. Private to src/decide. */
#ifndef RUNG_DECIDE_WATCH_H
#define RUNG_DECIDE_WATCH_H

#include "decide/decide.h"
#include "stats/bet.h"
#include "stats/paired.h"

struct watch {
	const struct decide_rule *rule;
	size_t largest; /* items in the largest cluster */
	double alpha;   /* the comparison's */
	size_t n;
	double sum;     /* of the differences */
	struct paired_counts counts;
	double log_e;   /* right or wrong: of the counts */
	struct bet better, against; /* delta > 0, by the K test; delta < margin */
	struct bet_step against_step[3]; /* right or wrong: the differences -1, 0, 1 */
};

/* largest: items in the largest cluster of all, 1 without clusters. `to` is who challenges. Borrows rule. */
void watch_init(struct watch *w, const struct decide_rule *rule, const struct candidate *to, size_t largest);
/* One more cluster (without clusters: item) of n items, with both candidates' scores on it. */
void watch_add(struct watch *w, const double *from, const double *to, size_t n);
enum decision watch_decision(const struct watch *w);

/* The same for a candidate's target. */
struct target_watch {
	const struct decide_rule *rule;
	size_t largest, n;
	double sum;
	struct bet above, below;
};
void target_watch_init(struct target_watch *w, const struct decide_rule *rule, size_t largest);
void target_watch_add(struct target_watch *w, const double *score, size_t n);
enum meets_target target_watch_result(const struct target_watch *w);

#endif
