/* watch.h - a comparison looked at after every item (or cluster), at a constant cost a look: what decide_compare() and
 * decide_target() of the early plan would say of the items so far. Private to src/decide. */
#ifndef RUNG_DECIDE_WATCH_H
#define RUNG_DECIDE_WATCH_H

#include "decide/decide.h"
#include "stats/bet.h"
#include "stats/paired.h"

/* delta > 0 (by the K test), delta < margin, delta > -margin, delta < -margin. */
enum watch_bet { WATCH_BETTER, WATCH_BELOW, WATCH_NOT_WORSE, WATCH_WORSE, WATCH_BETS };

struct watch {
	const struct decide_rule *rule;
	const struct candidate *from, *to;
	size_t largest; /* items in the largest cluster */
	double alpha;   /* the comparison's */
	size_t n;
	double sum;     /* of the differences */
	struct paired_counts counts;
	double log_e;   /* right or wrong: of the counts */
	struct bet bets[WATCH_BETS];
	struct bet_step step[WATCH_BETS][3]; /* right or wrong: the differences -1, 0, 1 */
	enum paying pays; /* where errors have no price: then it never changes */
	bool asks_not_worse; /* that may be enough */
};

/* largest: items in the largest cluster of all, 1 without clusters. `to` is who challenges. Borrows all three; their scores are looked
 * at only where errors have a price, and then up to the items that were added. */
void watch_init(struct watch *w, const struct decide_rule *rule, const struct candidate *from, const struct candidate *to, size_t largest);
/* One more cluster (without clusters: item) of n items, with both candidates' scores on it. */
void watch_add(struct watch *w, const double *from, const double *to, size_t n);
enum decision watch_decision(const struct watch *w);

/* Items in the largest cluster; 1 without clusters. */
size_t watch_largest(const struct decide_rule *rule);
/* Of the looks at rule->look items that both (n) answered, the items of the first that settles it; n when none does. */
size_t watch_stop(const struct decide_rule *rule, const struct candidate *from, const struct candidate *to, size_t n);

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
