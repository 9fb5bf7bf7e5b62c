/* pose.h - recorded outcomes put on the ladder: which configurations stand where, on which items they are paired, in which order.
 * Pure; texts live in the arena or are the records'. */
#ifndef RUNG_DECIDE_POSE_H
#define RUNG_DECIDE_POSE_H

#include <stdint.h>

#include "decide/knowledge.h"
#include "decide/recorded.h"
#include "decide/replay.h"

enum { PAIRED_LEAST = 30 }; /* items below which nothing is decided */

struct pose_settings {
	enum decide_plan plan;
	double alpha, margin;
	bool has_target;
	double target;
	enum climb_for climb_for;
	struct cost_traffic traffic; /* volume 0: not given */
	double one_off_usd;          /* of what is fine-tuned; NAN: not known */
	double usd_per_label;        /* of one more; NAN: not known */
	uint64_t seed;
	const char *const *ladder; /* (n_ladder) names, "model/config" or a config that only one model has, as rungs in this order */
	size_t n_ladder;           /* 0: every configuration on its own rung */
};

struct posed {
	struct decide_rule rule;
	struct entrant_outcomes *entrants; /* (n) as replay_run() takes them */
	const size_t *configuration;       /* (n) which record each is */
	size_t n;
	const size_t *order; /* (rule.n_items) items common to all, in the order in which they are looked at */
	struct cost_rung *costs; /* (n) of each entrant; NULL: no traffic was given */
	size_t left_out;     /* items that one of them lacks */
	size_t lacking;      /* the entrant that lacks most of those; where left_out > 0 */
};

/* False with one sentence when names mean nothing or too much, when there is nothing to compare, or too few common items. */
bool pose(struct posed *p, const struct recorded *r, const struct pose_settings *s, struct arena *arena, struct error *err);

/* What the probes among the records say: each against the first prompt of its model (of a stronger model: of another). */
struct probes {
	const struct probe_finding *findings;
	size_t n;
	const char *const *notes; /* (n_notes) what was compared with what, and what could not be */
	size_t n_notes;
	/* The knowledge probe's rows of the first model that has one, as means; NAN: not asked. */
	size_t rows_n;
	double rows[KNOWLEDGE_ROWS];
};
bool probes_read(struct probes *p, const struct recorded *r, double margin, struct arena *arena, struct error *err);

/* Nothing above was measured, and nothing was compared: what stays is then not the end of it. Says what to measure next. */
void probes_conclude(struct arena *arena, const struct recorded *r, const struct probes *probes, const struct posed *p,
		     struct verdict *v);

#endif
