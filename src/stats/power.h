/* power.h - how many labelled items a comparison needs, and how many more.
 *
 * Plans, not claims: everything here supposes rates. Deterministic; no sampling, no allocation. */
#ifndef RUNG_STATS_POWER_H
#define RUNG_STATS_POWER_H

#include <stddef.h>
#include <stdint.h>

#include "stats/cluster.h"

/* Items for a two-sided fixed-n test at alpha to find a true gap with probability power, when the two variants
 * differ on a share `discordant` of items: (z_{1-alpha/2} sqrt(p_d) + z_power sqrt(p_d - gap^2))^2 / gap^2, rounded
 * up. .20, .10, .05, .80 -> 155. UINT64_MAX for gap = 0. Source: Connor 1987 (Biometrics 43:207). */
uint64_t power_paired_n(double discordant, double gap, double alpha, double power);

/* The tests of the decision rule; the names say what is measured and how often it is looked at. */
enum power_test {
	POWER_BINARY_FULL,  /* paired_exact_p, target_exact_p; worse_by > 0: Tango's score, for planning */
	POWER_BINARY_EARLY, /* paired_log_e, target_log_e; worse_by > 0: the K test */
	POWER_GRADED_FULL,  /* bounded_items_p, here by t on the same values */
	POWER_GRADED_EARLY, /* comparison_log_k, target_log_k */
	POWER_CLUSTER_FULL, /* bounded_clusters_p, likewise */
	POWER_CLUSTER_EARLY /* comparison_log_k_clusters, target_cluster_log_k */
};

struct power_case {
	enum power_test test;
	const double *d;              /* (n) differences seen; unused by the cluster tests */
	size_t n;                     /* items */
	const struct cluster *groups; /* (n_groups) sums of differences, cluster tests only */
	size_t n_groups;
	size_t largest;        /* items in the largest cluster of the split */
	double alpha;          /* level of the one-sided test */
	double worse_by;       /* 0: "is better"; eps: "is not worse by eps" */
	double margin;         /* the gap that matters */
	double interval_alpha; /* of the confidence sequence shown, two-sided */
	uint64_t most;         /* look no further than this many more items */
};

/* How many more items until the test passes or the confidence sequence's upper end falls below margin, if the
 * distribution of the differences seen persists. 0: already so. most + 1: more than `most` (always so when nothing
 * was measured: n = 0). With clusters, the items of as many average clusters. Monotone search, so cheap. */
uint64_t power_labels_needed(const struct power_case *c);

/* The same for a target: until the target test at alpha shows score > target or, by its mirror, score < target. d and
 * groups hold scores in place of differences; worse_by, margin and interval_alpha are unused. */
uint64_t power_target_labels_needed(const struct power_case *c, double target);

#endif
