/* knowledge.h - the knowledge probe: what passages could be worth to a task, and where their worth is lost.
 *
 * The same questions are asked five times: closed book (C), with the passages that hold the answer (O), with what a search
 * finds (R), with O among other passages (D), and with other passages alone (N). Then
 *     knowledge gap     O - C   what retrieval could bring at most; its upper limit below the margin: do not build it
 *     retrieval gain    R - C   what this search brings
 *     retrieval loss    O - R   what the search misses
 *     noise             O - D   what passages that do not matter cost
 *     utilisation loss  1 - O   what the model makes wrong with the answer before it
 * and how often N abstains. (Joren et al. 2024, arXiv 2411.06037; Ru et al. 2024, arXiv 2408.08067.) Pure. */
#ifndef RUNG_DECIDE_KNOWLEDGE_H
#define RUNG_DECIDE_KNOWLEDGE_H

#include <stdbool.h>
#include <stddef.h>

enum knowledge_row { KNOWLEDGE_CLOSED, KNOWLEDGE_ORACLE, KNOWLEDGE_RETRIEVED, KNOWLEDGE_DISTRACTED, KNOWLEDGE_WITHOUT, KNOWLEDGE_ROWS };

struct knowledge {
	size_t n;
	const double *score[KNOWLEDGE_ROWS]; /* (n) 0 .. 1 in one order; NULL: not asked. WITHOUT: 1 where it abstained */
	const size_t *cluster;               /* (n) numbers from 0 by first appearance; NULL: each item stands alone */
};

/* mean(to - from) over n items and its 95 % interval, n fixed in advance: t (over clusters, where there are some), and never
 * nearer than what so many items without any difference could hide. cluster: as above. */
struct difference {
	size_t n, fixed, broken; /* items that `to` answers better, and worse */
	double delta, low, high;
};
struct difference difference_of(const double *from, const double *to, size_t n, const size_t *cluster);

enum finding_kind { FINDING_KNOWLEDGE, FINDING_TECHNIQUE, FINDING_MODEL, FINDING_FORM, FINDING_LABELS, FINDING_SAMPLES };

struct probe_finding {
	const char *probe;     /* "knowledge gap", "retrieval gain", "retrieval loss", "noise", "utilisation loss", "abstention without gold";
				  of other kinds what was changed: "label definitions", "X in place of Y", "lenient re-score of X" */
	struct difference difference;
	const char *points_to; /* what to do about it, a few words; "" when it points nowhere */
	enum finding_kind kind;
	const char *note;      /* what its figures are to be held against, a few words; NULL: nothing */
};
enum { PROBE_FINDINGS = 6 };

/* Fills out (PROBE_FINDINGS at most) with what the rows that were asked say; returns how many. */
size_t knowledge_findings(const struct knowledge *k, double margin, struct probe_finding *out);

/* Whether the knowledge gap, at its upper limit, stays below the margin: retrieval cannot pay. */
bool knowledge_cannot_help(const struct difference *gap, double margin);

#endif
