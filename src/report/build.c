/* build.c - rows to report: counts, scores, intervals, costs, the verdict and what else is worth saying. */
#include "report/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/cascading.h"
#include "report/chance.h"
#include "report/classes.h"
#include "report/constraints.h"
#include "report/curves.h"
#include "report/diagnosis.h"
#include "report/exchange.h"
#include "report/figure.h"
#include "report/grading.h"
#include "report/micro.h"
#include "report/paid.h"
#include "report/questions.h"
#include "report/retrieval.h"
#include "report/rewriting.h"
#include "report/switching.h"
#include "report/variants.h"
#include "report/words.h"

struct build {
	const struct task *task;
	struct store *store;
	const struct run_row *run;
	const struct cost_assumptions *assumed, *decided;
	struct arena *arena;
	struct test_items test;
	struct report *report;
	struct report_variant *variants;
	struct cost_rung *rungs; /* of each variant */
	const char **findings;
	size_t n_findings;
};

static int by_rung_then_score(const void *a, const void *b)
{
	const struct report_variant *x = a, *y = b;

	if (x->rung != y->rung)
		return x->rung - y->rung;
	if (x->candidate != y->candidate)
		return x->candidate ? -1 : 1;
	if ((x->dev.n > 0) != (y->dev.n > 0))
		return x->dev.n ? -1 : 1;
	if (x->dev.n != y->dev.n)
		return x->dev.n > y->dev.n ? -1 : 1;
	if (x->dev.score < y->dev.score || x->dev.score > y->dev.score)
		return x->dev.score > y->dev.score ? -1 : 1;
	return strcmp(x->id, y->id);
}

static void find(struct build *b, const char *sentence)
{
	b->findings[b->n_findings++] = sentence;
}

/* A mean over items hides how many labels there are to find. */
static void find_micro(struct build *b)
{
	for (size_t i = 0; i < b->report->n_variants; i++)
		if (b->variants[i].candidate && b->variants[i].micro.n > 0)
			find(b, micro_sentence(&b->variants[i], b->arena));
}

static void find_rare(struct build *b)
{
	const char *sentence = classes_sentence(b->report, b->arena);

	if (sentence)
		find(b, sentence);
}

/* What would be a hole in the costs of those that were compared. */
static void find_unpriced(struct build *b)
{
	const char *names[COST_MISSING];

	for (size_t i = 0; i < b->report->n_variants; i++) {
		const struct report_variant *v = &b->variants[i];

		if (v->cost && v->test.n > 0 && cost_missing(v->cost, &b->assumed->traffic, names) > 0)
			find(b, arena_printf(b->arena, "What %s costs is not known: there is no %s; `rung cost` takes what is missing.", v->name,
					     names[0]));
	}
}

static bool same_model(const struct report_variant *a, const struct report_variant *b)
{
	return a->model && b->model && strcmp(a->model, b->model) == 0;
}

/* A model that gives no log-probabilities is measured in another way than one that does; a sentence for each. */
static void find_written(struct build *b)
{
	for (size_t i = 0; i < b->report->n_variants; i++) {
		size_t first = i, written = 0, scored = 0;

		for (size_t k = 0; k < b->report->n_variants; k++) {
			const struct report_variant *v = &b->variants[k];

			if (v->written == 0 || !same_model(v, &b->variants[i]))
				continue;
			first = k < first ? k : first;
			written += v->written;
			scored += v->scored;
		}
		if (first == i && b->variants[i].written > 0)
			find(b, arena_printf(b->arena, "%s gave no probabilities of labels for %zu of %zu answers that were to be scored: it wrote the label, and "
					     "calibration does not apply.", b->variants[i].model, written, written + scored));
	}
}

static void find_warnings(struct build *b)
{
	for (size_t i = 0; i < b->task->n_warnings; i++)
		find(b, b->task->warnings[i]);
	if (b->report->examples.test < 300)
		find(b, arena_printf(b->arena, "%zu test items cannot tell small differences apart: about 155 settle a gap of "
				     "10 points, about 657 one of 5 (where 20 %% of the answers differ).",
				     b->report->examples.test));
}

/* want x got of the winner on test. */
static bool confusion(struct build *b, const char *winner, struct error *err)
{
	size_t n = b->task->n_labels, *counts;

	if (n == 0 || b->task->many)
		return true;
	b->report->confusion = counts = arena_array(b->arena, n * (n + 1), sizeof(*counts));
	return classes_confusion(b->task, b->store, b->run->id, winner, "test", b->test.list, b->arena, counts, err);
}

/* The rule as the run fixed it is kept for what-ifs; then what is asked takes the place of the run's target and traffic. */
static void ask_anew(struct build *b, struct decide_rule *rule, const struct candidate *candidates, size_t n)
{
	struct decide_rule *as_run = arena_alloc(b->arena, sizeof(*as_run));

	*as_run = *rule;
	b->report->decided.rule = as_run;
	b->report->decided.candidates = candidates;
	b->report->decided.n = n;
	if (b->assumed->decides && rule->plan == DECIDE_FULL && b->assumed->traffic.calls_per_day > 0)
		rule->traffic = b->assumed->traffic;
	if (b->assumed->target < 0)
		return;
	rule->has_target = b->assumed->target > 0;
	rule->target = b->assumed->target;
}

/* By what the verdict counts, which is not what else is assumed in what the report shows, unless that is asked. */
static bool price_candidates(struct build *b, struct candidate *candidates, size_t n, struct error *err)
{
	struct report priced = *b->report;
	struct report_variant *variants = arena_array(b->arena, priced.n_variants, sizeof(*variants));
	struct cost_rung *rungs;

	memcpy(variants, b->variants, priced.n_variants * sizeof(*variants));
	if (!costs_price(b->task, b->store, b->run, b->assumed->decides ? b->assumed : b->decided, b->arena, priced.n_variants, variants, &rungs, err))
		return false;
	priced.variants = variants;
	for (size_t i = 0; i < n; i++)
		candidates[i].cost = report_find(&priced, candidates[i].id)->cost;
	return true;
}

static bool same_traffic(const struct cost_traffic *a, const struct cost_traffic *b)
{
	return !(fabs(a->calls_per_day - b->calls_per_day) > 0) && !(fabs(a->horizon_days - b->horizon_days) > 0) &&
	       !(fabs(a->usd_per_error - b->usd_per_error) > 0);
}

/* The verdict keeps to what was fixed before the climb; costs are shown at the traffic of today. */
static void find_other_traffic(struct build *b)
{
	const struct cost_traffic *then = &b->report->decided_at;
	enum climb_for made_for = b->report->climb_for, wanted = climb_for_of(b->task);
	static const char anew[] = "`rung climb` decides anew, and asks no model again what it was asked";

	if (made_for != wanted)
		find(b, arena_printf(b->arena, "The climb was made for %s, and the task file now says %s: %s.", climb_for_name(made_for),
				     climb_for_name(wanted), anew));
	else if (made_for != CLIMB_FOR_QUALITY && !same_traffic(then, &b->assumed->traffic))
		find(b, arena_printf(b->arena, "The verdict counts costs at the traffic of the climb, %s calls a day over %s days and %s an error; "
				     "the figures beside it are at that of the task file now: %s.", figure_number(then->calls_per_day).text,
				     figure_number(then->horizon_days).text, figure_usd(then->usd_per_error).text, anew));
}

static bool decide(struct build *b, struct error *err)
{
	struct decide_rule rule = settings_rule(b->task, b->run->settings, b->test, b->arena);
	struct candidate *candidates;
	size_t n;

	if (!candidates_load(b->task, b->store, b->run->id, b->test, b->arena, &candidates, &n, err))
		return false;
	if (n == 0)
		return error_set(err, "the climb of %s has not reached the test items yet; run `rung climb` again to go on",
				 b->task->name);
	n = constraints_filter(b->task, b->report, candidates, n, b->arena, b->findings, &b->n_findings);
	rule.usd_per_label = b->task->label_cost;
	if (rule.traffic.calls_per_day > 0 && !price_candidates(b, candidates, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		candidates[i].recorded = settings_recorded(b->run->settings, candidates[i].id, b->arena);
	ask_anew(b, &rule, candidates, n);
	struct decide_result result = decide_verdict(b->arena, &rule, candidates, n);
	struct report *r = b->report;

	r->alpha = rule.alpha;
	r->margin = rule.margin;
	r->target = rule.has_target ? rule.target : NAN;
	r->plan = rule.plan;
	r->climb_for = rule.climb_for;
	r->decided_at = rule.traffic;
	r->usd_per_label = rule.usd_per_label;
	r->targets = result.targets;
	r->n_targets = result.n_targets;
	r->comparisons = result.comparisons;
	r->n_comparisons = result.n_comparisons;
	const char *winner = candidates[result.verdict.winner].id;

	r->verdict = result.verdict;
	for (size_t i = 0; i < r->n_variants; i++)
		if (strcmp(b->variants[i].id, winner) == 0) {
			r->verdict.winner = i;
			b->variants[i].winner = true;
		}
	if (r->underway) {
		r->verdict.decision = VERDICT_UNRESOLVED;
		r->verdict.next_step = "Run the same `rung climb` again: it goes on where it stopped.";
	} else {
		words_next_step(r, b->arena);
	}
	return confusion(b, winner, err);
}

static bool spent(struct build *b, size_t full_grid, struct error *err)
{
	struct report *r = b->report;
	double dev_ms, ms, test_ms, here_ms;
	size_t dev, here;

	if (!store_spent(b->store, b->run->id, "dev", &dev, &dev_ms, err) ||
	    !store_spent(b->store, b->run->id, NULL, &r->spent.dev_calls, &ms, err) ||
	    !store_spent(b->store, b->run->id, "test", &r->spent.test_calls, &test_ms, err) ||
	    !store_replayed(b->store, b->run->id, &r->spent.replayed, err) ||
	    !store_spent_here(b->store, b->run->id, &here, &here_ms, err) ||
	    !paid_build(b->store, b->run->id, b->assumed->prices, b->arena, r, err))
		return false;
	r->spent.dev_calls_full_grid = full_grid + r->spent.dev_calls - dev; /* racing spares no calls that diagnose or calibrate */
	r->spent.seconds = here_ms / 1000;
	r->spent.usd = price_local(r->spent.seconds, b->assumed->cores, b->assumed->usd_per_core_hour) + paid_usd(r);
	return true;
}

/* Calls that one answer of the variant took; one when it never came to answer. */
static size_t calls_each(const struct report_variant *v)
{
	size_t answers = v->dev.n + v->test.n;

	return answers && v->calls > answers ? v->calls / answers : 1;
}

/* The variant whose answers are shown beside their passages: the winner, else the highest that reached the test items. */
static const struct report_variant *shown_variant(const struct build *b)
{
	const struct report_variant *shown = NULL;

	for (size_t i = 0; i < b->report->n_variants; i++) {
		const struct report_variant *v = &b->variants[i];

		if (v->retrieval.n > 0 && v->test.n > 0 && (!shown || v->winner || (!shown->winner && v->rung > shown->rung)))
			shown = v;
	}
	return shown;
}

static bool list_answers(struct build *b, struct error *err)
{
	const struct report_variant *v = shown_variant(b);
	struct answer_row *rows;
	size_t n;

	if (!v)
		return true;
	if (!store_answers(b->store, b->run->id, v->id, "test", b->arena, &rows, &n, err))
		return false;
	b->report->searched = v->name;
	b->report->answers = retrieval_answers(b->task, b->task->test.list, rows, n, b->arena, &b->report->n_answers);
	return true;
}

bool report_build(const struct task *task, struct store *store, const struct run_row *run, const char *curation, const char *human,
		  const struct cost_assumptions *assumed, const struct cost_assumptions *decided, struct arena *arena,
		  struct report *report, struct error *err)
{
	struct build b = { .task = task, .store = store, .run = run, .assumed = assumed, .decided = decided, .arena = arena, .report = report };
	struct variant_row *rows;
	size_t n, full_grid = 0;
	const char **labels = arena_array(arena, task->n_labels, sizeof(*labels));

	if (!store_variants(store, run->id, arena, &rows, &n, err))
		return false;
	struct answers_read answers;

	b.test = test_order(task, run->seed, arena);
	answers = (struct answers_read){ .task = task, .store = store, .run = run->id, .arena = arena };
	answers.dev.items = dev_order(task, run->seed, arena).list;
	answers.test.items = b.test.list;
	answers.dev.cluster = order_clusters(answers.dev.items, arena);
	answers.test.cluster = order_clusters(answers.test.items, arena);
	b.variants = arena_array(arena, n, sizeof(*b.variants));
	b.findings = arena_array(arena, 5 * n + task->n_warnings + 5, sizeof(*b.findings));
	for (size_t i = 0; i < n; i++) {
		if (!variant_measured(&answers, &rows[i], &b.variants[i], err))
			return false;
		b.variants[i].ruled_out = report_ruled_out(task, &b.variants[i], arena) != NULL;
		if (rows[i].calls_model && strcmp(rows[i].status, "skipped") != 0)
			full_grid += task->dev.list.n * calls_each(&b.variants[i]);
	}
	qsort(b.variants, n, sizeof(*b.variants), by_rung_then_score);
	for (size_t i = 0; i < task->n_labels; i++)
		labels[i] = task->labels[i].name;
	*report = (struct report){
		.task = task->name, .program = "rung 0.1.0", .labels = labels, .n_labels = task->n_labels, .seed = run->seed,
		.examples = { task->n_rows, task->n_duplicates, task->pool.list.n, task->dev.list.n, task->test.list.n, task->aside.list.n },
		.variants = b.variants, .n_variants = n, .majority_share = chance_majority(task, task->test.list),
		.cpu_usd_per_core_hour = assumed->usd_per_core_hour, .prices_as_of = price_local_as_of(),
		.calls_per_day = assumed->traffic.calls_per_day, .horizon_days = assumed->traffic.horizon_days,
		.traffic = assumed->traffic, .underway = strcmp(run->state, "done") != 0,
	};
	if (!costs_price(task, store, run, assumed, arena, n, b.variants, &b.rungs, err) || !decide(&b, err))
		return false;
	costs_rank(task, arena, report, b.variants, b.rungs);
	if (!cascading_build(task, store, run, arena, report, err) || !rewriting_build(task, store, run, arena, report, err))
		return false;
	if (!spent(&b, full_grid - rewriting_spared(report), err) || !diagnosis_build(task, store, run, curation, arena, report, err) || !list_answers(&b, err) ||
	    !curves_build(task, store, run, arena, report, err))
		return false;
	if (!switching_build(task, store, run->id, run->seed, arena, report, err) || !grading_build(task, store, run, human, arena, report, err))
		return false;
	if (!exchange_build(task, store, run->id, arena, report, err) || !classes_build(task, store, run->id, arena, report, err))
		return false;
	if (!chance_find(task, store, run->id, report, arena, b.findings, &b.n_findings, err))
		return false;
	find_micro(&b);
	find_rare(&b);
	find_unpriced(&b);
	find_written(&b);
	find_other_traffic(&b);
	find_warnings(&b);
	report->findings = b.findings;
	report->n_findings = b.n_findings;
	questions_answer(task, arena, report);
	return true;
}
