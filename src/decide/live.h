/* live.h - what live feedback decides: a new verdict takes over, its trial ends, the one that serves has fallen.
 *
 * A verdict serves; another may be on trial, answering a share of the calls (unpaired) or, unseen, all of them (shadow: paired, where the
 * right answer of a call becomes known). Scored calls go in one by one, in the order in which their scores came; the first that settles
 * something decides, and whoever looks after every one keeps the promises:
 *
 *   promote   the challenger is shown not worse than the one that serves by `margin`: one that is, is promoted in at most alpha of trials; not
 *             before LIVE_LEAST calls of it were scored, whatever the first few say
 *   end       it is shown worse (delta < 0), or to fail more often, by the share of all failures that are its own: one that is not, or does
 *             not, is ended in at most alpha of trials for either reason
 *   demote    the one that serves scores below what it did (detector.h): a false alarm comes after run_length scored calls on average or later
 *
 * What it did is the mean of its scored calls less one standard error, known before each call and not looked at below LIVE_SETTLED calls;
 * and, for one that was promoted, at least what its forerunner had less the margin (`floor`): a promotion by luck is found out, too. The
 * mean being estimated, the run length is an estimate itself: bench/live.c measures it.
 *
 * Pure: a fold over events, so that the same rows give the same decision. stats/weighted.h has the assumptions. */
#ifndef RUNG_DECIDE_LIVE_H
#define RUNG_DECIDE_LIVE_H

#include "stats/detector.h"
#include "stats/weighted.h"

enum { LIVE_SETTLED = 100, LIVE_LEAST = 30, LIVE_FAILURES = 5 };

struct live_rule {
	double alpha, margin;
	double run_length; /* 10,000 */
	double floor;      /* what the serving verdict has to score at least; NAN: nothing is asked of it */
};
extern const struct live_rule live_rule_default; /* alpha and margin .05, run length 10,000, no floor */

enum live_who { LIVE_SERVING, LIVE_CHALLENGER, LIVE_BOTH };
struct live_event {
	enum live_who who;
	double propensity; /* of the challenger, in (0, 1); anything else: chance had no say, the call counts for the detector alone */
	double score;      /* 0 .. 1, of who answered; LIVE_BOTH: of the serving one */
	double challenger; /* LIVE_BOTH: its score on the same call */
	bool failed;       /* there was no answer, and there are no scores */
};

enum live_decision { LIVE_KEEP, LIVE_PROMOTE, LIVE_END, LIVE_DEMOTE };

struct live_record {
	size_t n;
	double sum;
};

struct live {
	struct live_rule rule;
	struct live_record record[2]; /* by enum live_who; the challenger's of its trial */
	struct live_record rival;     /* the serving one's of the trial: calls that were compared */
	struct detector fall;
	double baseline;              /* that the last call was held against; NAN: none yet */
	struct weighted not_worse, worse;
	struct bet paired_not_worse, paired_worse;
	struct bet failing;           /* each failure is the challenger's with the probability of its share, or more */
	size_t failures[2];           /* in the trial, by enum live_who; looked at from LIVE_FAILURES of the challenger's on */
	enum live_decision decision;  /* stays once it is one */
};

void live_init(struct live *l, const struct live_rule *rule);
enum live_decision live_add(struct live *l, const struct live_event *e);

/* Natural logs of the evidence: against "worse by the margin", and against "not worse". Each is convincing at log(1/alpha). */
double live_log_not_worse(const struct live *l);
double live_log_worse(const struct live *l);
double live_log_failing(const struct live *l); /* against "it fails no more often" */
bool live_fails(const struct live *l);         /* that is why its trial ended */
double live_mean(const struct live_record *r); /* NAN of none */
/* What somebody who takes over from this one has to score at least; NAN below LIVE_SETTLED scored calls. */
double live_floor(const struct live *l);

#endif
