/* report.h - everything a verdict shows, and its four forms: terminal text, JSON (schema 1 of docs/report.md), Markdown
 * and one self-contained HTML page.
 *
 * The struct is filled from stored rows by build.c; the writers only read it. Unknown numbers are NAN and become null.
 * Everything lives in the arena handed to report_build(). */
#ifndef RUNG_REPORT_REPORT_H
#define RUNG_REPORT_REPORT_H

#include <stdint.h>

#include "base/buf.h"
#include "cost/summary.h"
#include "decide/cascade.h"
#include "decide/decide.h"
#include "decide/knowledge.h"
#include "eval/pricing.h"
#include "stats/agreement.h"
#include "stats/curve.h"
#include "variant/evidence.h"
#include "variant/grading.h"

/* What became of a call; a right or wrong answer, or why there is none. */
enum report_outcome {
	OUTCOME_RIGHT, OUTCOME_WRONG, OUTCOME_UNPARSED, OUTCOME_REFUSED, OUTCOME_TRUNCATED, OUTCOME_TIMEOUT,
	OUTCOME_ERROR,
	N_OUTCOMES
};
extern const char *const report_outcome_names[N_OUTCOMES];

enum variant_status { VARIANT_MEASURED, VARIANT_RACED_OUT, VARIANT_SKIPPED, VARIANT_FAILED };

struct report_score {
	size_t n; /* 0: not measured */
	double score, low, high; /* 95 %: Wilson's interval, of graded scores the t interval */
};

/* Why an answer that stands on passages is wrong. */
enum report_cause {
	CAUSE_ABSTAINED,     /* it abstained though a passage that holds the answer was shown, or the example names none */
	CAUSE_NOT_ABSTAINED, /* it answered though they do not */
	CAUSE_NOT_RETRIEVED, /* no passage that holds the answer was shown */
	CAUSE_UNUSED,        /* one was shown, and another or nothing was cited */
	CAUSE_DESPITE,       /* one was shown and cited, or the example does not name any */
	N_CAUSES,
	CAUSE_NONE = N_CAUSES /* it is right */
};
extern const char *const report_cause_names[N_CAUSES];

/* What the documents did for a variant that shows passages: over its answers on test when measured there, else on dev. */
struct report_retrieval {
	size_t n;                  /* answers with passages; 0: the variant shows none */
	size_t n_gold;             /* of them: the example names what holds its answer */
	double recall, ndcg, reciprocal; /* means over n_gold, of those shown: share of it, nDCG, 1 / rank of the first (MRR) */
	size_t citations, failed;  /* spans that are cited; quotes that stand in no passage and are not shown */
	/* ALCE's measures (Gao et al. 2023, arXiv 2305.14627), deterministic because gold passages are known: the share of
	 * answers, and of citations, that cite what holds the answer. NAN: nothing to judge by. */
	double citation_recall, citation_precision;
	size_t causes[N_CAUSES];
};

/* One answer with what it stands on, for the page. */
struct report_answer {
	enum report_cause cause;
	const char *item, *question, *expected, *answer; /* answer "": it abstained */
	const struct evidence *evidence;
};

/* Of tasks with many labels an item, over all labels of all items together; NAN: nothing to divide by. */
struct report_micro {
	size_t n; /* items; 0: not such a task, or not measured */
	double precision, recall, f1;
};

struct report_variant {
	const char *id;   /* "1/knn-few-shot-tfidf@local" */
	const char *name; /* "kNN few-shot (TF-IDF)" */
	const char *model; /* NULL: none */
	int rung;
	bool candidate, incumbent, winner;
	bool ruled_out; /* by a constraint of the task */
	enum variant_status status;
	const char *why; /* one sentence; NULL when there is nothing to say */
	struct report_score dev, test;
	size_t outcomes[N_OUTCOMES]; /* on test when measured there, else on dev */
	size_t calls; /* language-model calls, dev and test */
	size_t scored, written; /* of its answers, those that scores of labels decided, and those for which the model gave none */
	double input_tokens, output_tokens; /* means per call */
	struct report_retrieval retrieval;
	struct report_micro micro; /* on test when measured there, else on dev */
	double usd_per_1k_calls, usd_per_1k_right, usd_per_day; /* NAN: unknown */
	double one_off_usd, tco_usd;      /* once; over the horizon, errors priced; NAN: unknown */
	double break_even_days;           /* against its rival; INFINITY: never */
	double break_even_calls;          /* a day, from which on it is cheaper over the horizon; NAN: never, or no rival */
	const char *rival;                /* id of the cheapest lower rung that passes; NULL: none */
	const struct cost_rung *cost, *rival_cost; /* what these came from; NULL: unknown, none */
	size_t priced;       /* answers that say themselves what they cost: recorded outcomes, */
	double usd_recorded; /* and the mean of that; NAN: none does */
	double ms_mean, ms_p50, ms_p95;
	struct training_notes trained; /* of the fine-tuned model that it is, or asks */
};

/* One label on the test items of the winner; shares that divide by nothing are NAN. */
struct report_class {
	const char *label;
	size_t index, n, given, right; /* index into labels; items that have it, answers that give it, both */
	double precision, recall, f1;
};
struct report_classes {
	const struct report_class *list; /* (n) of labels that an item has or an answer gives, the commonest first */
	size_t n, tested;                /* tested: labels that an item has, over which the means are */
	double precision, recall, f1;    /* macro-averaged */
};

/* Test items that one side of a comparison got right and the other did not (graded: scores more than the margin apart). */
struct report_side {
	const char *answer, *status; /* answer NULL: none could be read, and status says why; status NULL: it was not asked */
	double score;                /* NAN: it was not asked */
};
struct report_item {
	const char *id, *input, *expected;
	const struct report_side *sides; /* (n_sides) */
	const signed char *changed;      /* (n_pairs) 1: `to` gained it, -1: `to` lost it, 0: neither */
};
struct report_pair {
	size_t from, to;     /* indices into sides */
	size_t gained, lost;
};
enum { EXCHANGE_MOST = 5000 }; /* items that are kept */
struct report_exchange {
	const struct report_pair *pairs;
	size_t n_pairs; /* 0: nothing was compared */
	const struct report_variant *const *sides;
	size_t n_sides;
	const struct report_item *items; /* in the order of the examples file */
	size_t n_items, left_out;
	bool binary;
};

/* Two models, each with the best of its variants, on the items that both answered; which are chosen by what: switching.h. */
enum switch_split { SWITCH_TEST, SWITCH_DEV, SWITCH_RECORDED };
struct report_switch {
	const struct report_variant *from, *to;
	enum switch_split split;
	bool binary;               /* right or wrong; else the counts say which score is higher, `both` that they are alike and full */
	size_t n, only_from, only_to, both, neither;
	double delta, low, high;   /* mean(to - from) and its confidence sequence of 95 % */
	size_t choices;            /* pairs of variants of which this one was chosen on these very items; 1: on others */
	const char **lost, **won;  /* ids of items (only_from), (only_to) */
};

/* A wording of the instruction that a model proposed (eval/rewrite.h). */
struct report_wording {
	size_t round, number;                /* number 0: the round brought nothing, and `why` says so */
	const char *author, *text, *why;     /* why: it was dropped; NULL: it was raced */
	const struct report_variant *base;   /* whose instruction it replaces; NULL: there was none to replace */
	const struct report_variant *variant; /* that has it; NULL: it was dropped */
	double before;                       /* the base's score on the dev items that this one answered */
	struct difference change;            /* from there; n 0: nothing was answered */
};

/* A question that a verdict must answer (docs/decision.md), and what the rows say of it. */
struct report_question {
	const char *question, *answer;
	bool known; /* false: it cannot be told from this data; answer says why */
};
enum { REPORT_QUESTIONS = 17 };

/* How a variant learns from parts of the pool. */
struct report_curve {
	const char *variant, *name;
	const struct curve_point *points; /* (n) by size */
	size_t n, items;                  /* items: of dev */
	struct curve fit;
	struct forecast now, twice;       /* of the fit, at all of the pool and at twice as many */
	struct target_reach reach;        /* where the report has a target */
	double rarest;                    /* examples that the rarest label has in all of the pool; INFINITY without labels */
};

enum { ANSWERS_SHOWN = 5 };

/* A score, or a difference, that people's grades of some answers correct (report/grading.c). */
struct report_corrected {
	const char *of, *against; /* ids; against NULL: a score */
	size_t n, groups, items;  /* human grades, the groups of their items, of so many items */
	double score, low, high;  /* 95 % */
	double lambda;            /* how much the scorer's grades count for */
	double uncorrected;       /* by the scorer alone */
	bool holes;               /* the graded are not the first of the random order */
};

/* Of a scorer outside. */
struct report_grading {
	const char *scorer, *who;   /* "judge", "command", and which; NULL: the task's scorer is none of them */
	struct grading_sums sums;
	struct agreement agreement; /* people first */
	const struct report_corrected *corrected; /* those with two human grades or more: scores, then differences */
	size_t n_corrected;
	const char *const *sentences; /* what all of that says */
	size_t n_sentences;
};

/* How the ladder that was gone up came about: a climb over a task, or outcomes recorded elsewhere. */
enum report_origin { REPORT_CLIMB, REPORT_RECORDED, REPORT_POSED }; /* posed: rungs are the places of --ladder, from 0 */

/* What went to a provider's model for this run, every attempt counted. */
struct report_paid {
	const char *model;
	bool batch;
	size_t answered, failed, unknown, cached; /* unknown: in flight when a climb was killed; cached: the store had them from before */
	size_t input_tokens, output_tokens, cache_read, cache_written;
	double usd; /* NAN: its price is not known */
};

/* Where the task asks for a cascade: answers of `cheap` that are sure enough stand, the others go to the winner. */
struct report_cascade {
	bool wanted;
	const char *why;            /* it is not served: a clause; NULL: it is, in place of the winner alone */
	const struct report_variant *cheap, *strong; /* cheap NULL: nothing below the winner gives probabilities */
	struct cascade_rule rule;
	struct cascade_cut cut;     /* on the items set aside */
	size_t n, escalated;        /* test items that both answered; 0: no threshold passed */
	struct report_score score, strong_score; /* on these, cascade and winner alone */
	struct report_score risk;   /* on these, what the level bounds */
	struct comparison compared; /* of winner and cascade: not worse by the margin, at the rule's alpha? */
	double ms_p95;              /* of it on these: both are waited for where the winner is asked */
	double usd_per_1k_calls;    /* NAN: the costs of one of the two are unknown */
	double pays_below;          /* the escalated share below which it costs less than the winner alone; NAN likewise */
};

struct report {
	enum report_origin origin;
	const char *task, *program; /* program: "rung 0.1.0" */
	const char *const *labels;
	size_t n_labels;
	uint64_t seed;
	double alpha, margin, target; /* target NAN: none */
	struct { size_t total, duplicates, pool, dev, test, aside; } examples;
	const struct report_variant *variants; /* by rung, then best dev score first */
	size_t n_variants;
	enum decide_plan plan;
	const struct comparison *comparisons; /* from and to are variant ids */
	size_t n_comparisons;
	const struct target_test *targets; /* one for each candidate; none without a target */
	size_t n_targets;
	bool underway; /* the climb has not finished: what follows is how things stand, and the verdict is unresolved */
	struct verdict verdict; /* .winner indexes `variants` here */
	/* Winner on test, NULL without labels: confusion[want * (n_labels + 1) + got]; the last column counts items without a label. */
	const size_t *confusion;
	double majority_share; /* share of the commonest label in test: what no model at all reaches; NAN without labels */
	const struct probe_finding *diagnosis;
	size_t n_diagnosis;
	struct { size_t n; double score[KNOWLEDGE_ROWS]; } probe; /* mean of each row; NAN: not asked */
	const struct report_question *questions; /* (REPORT_QUESTIONS); NULL: not asked, as of outcomes recorded elsewhere */
	struct report_cascade cascade;
	const struct report_wording *wordings; /* (n_wordings) by round and number */
	size_t n_wordings;
	const struct report_curve *curves; /* those that could be fitted */
	size_t n_curves;
	const char *const *undrawn; /* (n_undrawn) sentences: why candidates that learn from the pool have none */
	size_t n_undrawn;
	/* Answers of the winner, where it shows passages, else of the highest that does: wrong ones by cause, then right ones that cite; at
	 * most ANSWERS_SHOWN each. */
	const char *searched; /* its name; NULL: none was measured */
	const struct report_answer *answers;
	size_t n_answers;
	struct { const struct decide_rule *rule; const struct candidate *candidates; size_t n; } decided; /* n 0: not over candidates of a run */
	struct report_classes classes; /* n 0: the task has no labels */
	struct report_exchange exchange;
	const struct report_switch *switching;
	size_t n_switching, n_switching_models; /* rows; models that have answers */
	struct report_grading grading;
	const char *const *findings; /* worth a reader's time: models no better than chance, conflicts */
	size_t n_findings;
	double cpu_usd_per_core_hour; /* price put on local seconds */
	const char *prices_as_of;     /* "2026-08-01" */
	double calls_per_day, horizon_days; /* traffic; 0: not given */
	struct cost_traffic traffic;        /* the same with what an error costs */
	enum climb_for climb_for;           /* what the verdict counts, and at which traffic where that is costs as well */
	struct cost_traffic decided_at;
	double usd_per_label;               /* of one more; NAN: not said */
	/* usd: of seconds on this machine and of what providers were paid; NAN: a price is not known. seconds: of what was asked here;
	 * replayed: of the calls, those that a record answered */
	struct { size_t dev_calls, dev_calls_full_grid, test_calls; double usd, seconds; size_t replayed; } spent;
	const struct report_paid *paid;     /* (n_paid) models that were asked elsewhere; in the order of their names, batches apart */
	size_t n_paid;
};

/* NULL when the winner's index is out of range (nothing was measured), or no variant has the id. */
const struct report_variant *report_winner(const struct report *r);
const struct report_variant *report_find(const struct report *r, const char *id);
/* The test score where there is one, else the dev score; n = 0 when neither was measured. */
struct report_score report_score_shown(const struct report_variant *v);
/* "no language model", "better prompting", "retrieval", "fine-tuning"; "" for numbers that are no rung. */
const char *report_rung_name(int rung);
const char *report_status_name(enum variant_status s); /* "measured", "raced out", "skipped", "failed" */

struct report_format {
	const char *name;      /* "text", "json", "md", "html" */
	const char *extension; /* "txt", ... */
	void (*write)(const struct report *r, struct buf *out);
};
const struct report_format *report_format_find(const char *name); /* NULL when there is none */
const struct report_format *report_formats(size_t *n);

/* Terminal form; colour: ANSI sequences. width in columns. */
void report_write_terminal(const struct report *r, bool colour, int width, struct buf *out);

#endif
