/* eval.h - runs variants over examples and leaves the answers in the store; races them, climbs the rungs.
 *
 * climb_run() is the whole measurement ("The decision rule" of docs/decision.md, step 2): rung by rung, racing on dev
 * picks one candidate, which answers test; the comparison is made; the next rung. It can be interrupted or killed at
 * any moment: answers are committed batch by batch, and the same call goes on where it stopped and ends the same. */
#ifndef RUNG_EVAL_EVAL_H
#define RUNG_EVAL_EVAL_H

#include "decide/decide.h"
#include "variant/variant.h"

struct cost_assumptions;

/* Called from the measuring thread; done and total count answers of the variant named. */
struct progress {
	void (*step)(void *context, const char *what, size_t done, size_t total);
	bool (*stopped)(void *context); /* true: stop as soon as the batch is stored */
	void (*notice)(void *context, const char *sentence); /* what should be known; NULL: nobody listens */
	void *context;
};

struct climb_options {
	uint64_t seed;
	int first_rung, last_rung;
	const char *const *models; /* (n_models), or NULL: the task's */
	size_t n_models;
	enum task_plan plan; /* PLAN_AUTO: the task's, else full for local models */
	double max_minutes;  /* of this call; 0: no limit */
	size_t max_calls;    /* model calls of the run, and of those to providers every attempt; 0: no limit */
	bool no_cache;       /* no call of an earlier climb is used; one that was interrupted goes on */
	double batch_poll_ms; /* providers are asked in batches, which are looked at so often; 0: at once */
	double max_usd;      /* paid to providers for the run; 0: no limit */
	struct task_rewrite rewrite; /* model NULL: nobody does */
	const char *examples; /* --examples, for the run's row; NULL: the task's own */
	/* Brings the library up to the task's documents, as part of the climb: what embedding them takes counts. NULL: it is as it should be. */
	bool (*documents)(void *context, struct error *err);
	void *documents_context;
	const char *curation; /* the review file that fine-tuning follows (tune/curate.h); NULL: none */
	const struct cost_assumptions *costs; /* of what is measured (pricing.h), for a climb that counts them; NULL: unknown */
	struct progress progress;
};

enum climb_end { CLIMB_DONE, CLIMB_STOPPED, CLIMB_FAILED };

/* Climbs. CLIMB_STOPPED: interrupted or out of budget, err says which; the same call resumes. library holds the task's
 * documents, or is NULL; other documents make another run. */
enum climb_end climb_run(const struct task *task, struct models *models, struct library *library, struct store *store,
			 const struct climb_options *options, int64_t *run, struct error *err);

/* The most model calls that a climb could make: every variant on all dev items, one candidate a rung on
 * test, each sample of self-consistency counted; and what the probes and the curves of prompts ask beside them. */
struct climb_bound {
	size_t dev_calls, test_calls, probe_calls;
	size_t grades, judge_calls; /* of a scorer outside: answers that it is asked about, and what a judge is called for that */
};
struct climb_bound climb_bound(const struct task *task, const struct climb_options *options);

/* Numbers of the clusters of items that are in such an order, from 0, rising; NULL when each is alone. Lives in arena. */
size_t *order_clusters(struct item_list order, struct arena *arena);
/* Test items in the one order that all variants see: shuffled by seed, whole groups; lives in arena. */
struct test_items test_order(const struct task *task, uint64_t seed, struct arena *arena);
struct dev_items dev_order(const struct task *task, uint64_t seed, struct arena *arena);

/* What the task's climb_for comes to. */
enum climb_for climb_for_of(const struct task *task);
/* What was fixed before the first test call, as the run's settings keep it. */
struct decide_rule settings_rule(const struct task *task, const char *settings, struct test_items order,
				 struct arena *arena);
/* The models that the run tried; lives in arena. */
const char *const *settings_models(const char *settings, struct arena *arena, size_t *n);
/* Whether its variant of that id replayed recorded outcomes. */
bool settings_recorded(const char *settings, const char *id, struct arena *arena);
/* All variants that the run could try, those whose wording a model proposed for it behind the others; they live in arena. */
bool run_variants(const struct task *task, struct store *store, const struct run_row *run, struct arena *arena,
		  const struct variant **variants, size_t *n, struct error *err);
/* Of the decisions on the pool that its fine-tuning followed; 0: it learnt from all of it. */
uint64_t settings_curation(const char *settings);
/* How many rows of the collected file it saw. */
size_t settings_collected(const char *settings);
/* Who graded its answers (variant/grading.h); 0: nobody outside. */
uint64_t settings_scorer(const char *settings);
/* Candidates with their scores on `order`, from the store; in the order of their rungs. */
bool candidates_load(const struct task *task, struct store *store, int64_t run, struct test_items order,
		     struct arena *arena, struct candidate **candidates, size_t *n, struct error *err);

#endif
