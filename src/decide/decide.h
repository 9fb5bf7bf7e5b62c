/* decide.h - from scores on the sealed test items to a verdict: "The decision rule" of docs/decision.md, and nothing else.
 *
 * One candidate a rung arrives (several where nothing chose among them: outcomes recorded elsewhere), with its score on every
 * test item in one common order. Pure: no clock, no store, no
 * randomness; the same rows always give the same verdict. Names and texts are borrowed; results that hold text take
 * an arena. */
#ifndef RUNG_DECIDE_DECIDE_H
#define RUNG_DECIDE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "cost/break_even.h"

enum decide_plan { DECIDE_FULL, DECIDE_EARLY };
/* better: shown better than 0 and estimated at least the margin. not worse: a loss of the margin is ruled out, where that is enough.
 * not better: the interval's upper end is below the margin; where not worse would be enough, below a loss of it. not paying: costs
 * alone count, and say no (or are not known), whatever the scores. */
enum decision { DECISION_BETTER, DECISION_NOT_WORSE, DECISION_NOT_BETTER, DECISION_NOT_PAYING, DECISION_UNRESOLVED };
/* What a higher rung may be climbed for. Cost: it is not worse by the margin, and t* at the pessimistic end is below the horizon
 * (docs/cost.md). */
enum climb_for { CLIMB_FOR_QUALITY, CLIMB_FOR_COST, CLIMB_FOR_BOTH };
/* Whether the challenger pays for itself beside the champion of that moment. open: errors have a price, and within the intervals of
 * both scores it may. */
enum paying { PAYING_NOT_ASKED, PAYING_UNKNOWN, PAYING_YES, PAYING_NO, PAYING_OPEN };
enum verdict_kind { VERDICT_STOP, VERDICT_CLIMB, VERDICT_SWITCH, VERDICT_UNRESOLVED };
enum meets_target { TARGET_NONE, TARGET_YES, TARGET_NO, TARGET_UNRESOLVED };

/* Fixed and stored before the first test call. */
struct decide_rule {
	double alpha, margin;
	bool has_target;
	double target;
	enum decide_plan plan;
	bool binary;      /* scores are 0 or 1 */
	int comparisons;  /* planned: rungs above the lowest, plus the incumbent's; shares alpha */
	int targets;      /* planned target tests: candidates */
	enum climb_for climb_for;
	struct cost_traffic traffic; /* volume and horizon 0: not given; above it where costs count */
	double usd_per_label;        /* of one more; NAN: not known. Decides nothing */
	size_t look;      /* early: items between two looks, of which the first that settles a comparison ends it; 0: candidates say where */
	const size_t *cluster; /* (n_items) cluster numbers in item order, or NULL: every item its own */
	size_t n_items;
};

/* A rung's candidate, or the incumbent. */
struct candidate {
	const char *id;
	int rung;
	bool incumbent;
	bool recorded;       /* a climb had its recorded outcomes alone: rung cannot serve it */
	const double *score; /* (n) 0 .. 1, for the first n items of the common order */
	size_t n;            /* items it answered; all of them under the full plan */
	const struct cost_rung *cost; /* its quality is that of the scores; NULL: unknown */
	size_t rivals;       /* of its rung, itself included, that are tested against the same champion and share the rung's alpha; 0: 1 */
	size_t settled;      /* items at which its own comparison ended, where it answered more as a champion; 0: all of them */
};

/* The labels that would settle an unresolved comparison: what they and the model calls on them cost, and what knowing more is worth at
 * most over the horizon, as errors have a price. gain_usd: what taking the challenger now is expected to gain there, below 0 to lose.
 * NAN: not known. */
struct labels_worth {
	double labels_usd, calls_usd, worth_usd, gain_usd;
};

struct comparison {
	const char *from, *to;
	size_t n, wins, losses; /* n items looked at; wins: `to` scored higher */
	double delta, low, high; /* mean(to - from) and its confidence sequence, two-sided at alpha */
	double error;            /* its standard error; of groups, the robust one */
	double alpha;
	enum decide_plan plan;
	double p_value, e_value; /* NAN where the plan has none */
	enum decision decision;
	bool takes_place;   /* the challenger takes the champion's place */
	enum paying pays;
	double pays_after_days; /* t* at the pessimistic end; INFINITY: never; NAN: not asked, or unknown */
	size_t labels_needed; /* unresolved: more items until it settles if the rates persist; SIZE_MAX: beyond the search */
	struct labels_worth worth; /* likewise */
};

struct target_test {
	const char *variant;
	size_t n;
	double p_value, e_value;
	enum meets_target result;
};

struct verdict {
	enum verdict_kind decision;
	size_t winner; /* index of the candidate that stays or takes over */
	enum meets_target meets_target;
	double score, low, high; /* of the winner on test: decide_score() */
	const char *const *reasons;
	size_t n_reasons;
	const char *next_step;
};

/* One comparison by the plan's test at the rule's alpha share; `to` is the challenger. */
struct comparison decide_compare(const struct decide_rule *rule, const struct candidate *from,
				 const struct candidate *to);
struct target_test decide_target(const struct decide_rule *rule, const struct candidate *c);

/* The n candidates from `first` on, one rung's, against the champion, each by its own test; of those that may take its place the one
 * that is better by most does, and where none is better the cheapest over the horizon. Fills out[0..n) and returns who is champion then. */
size_t decide_rung(const struct decide_rule *rule, const struct candidate *candidates, size_t champion, size_t first, size_t n,
		   struct comparison *out);

/* Where the next look after `from` items ends: rule->look items on, no cluster parted; at most all. */
size_t decide_look_end(const struct decide_rule *rule, size_t from);

/* Its mean score and the 95 % interval: Wilson's (right or wrong), t, or t over clusters. */
struct score_interval {
	double score, low, high;
};
struct score_interval decide_score(const struct decide_rule *rule, const struct candidate *c);

struct decide_result {
	const struct comparison *comparisons;
	size_t n_comparisons;
	const struct target_test *targets; /* empty without a target */
	size_t n_targets;
	struct verdict verdict;
};

/* decide_verdict() without an incumbent, where decide_rung() made the comparisons already: n - 1 of them, in the candidates' order. */
struct decide_result decide_conclude(struct arena *arena, const struct decide_rule *rule, const struct candidate *candidates, size_t n,
				     const struct comparison *made);

/* The whole decision over the measured candidates, in the order of their rungs (the incumbent in its own rung); without an
 * incumbent the first is the champion to begin with. n >= 1. Lives in arena. */
struct decide_result decide_verdict(struct arena *arena, const struct decide_rule *rule,
				    const struct candidate *candidates, size_t n);

const char *decision_name(enum decision d);         /* "better", "not worse", "not better", "not paying", "unresolved" */
const char *climb_for_name(enum climb_for c);        /* "quality", "cost", "both" */
const char *verdict_kind_name(enum verdict_kind k); /* "stop", "climb", "switch", "unresolved" */
const char *meets_target_name(enum meets_target m); /* NULL for TARGET_NONE */
const char *decide_plan_name(enum decide_plan p);   /* "full", "early" */

#endif
