/* bound.c - the full grid of a rung, counted and not asked */
#include "eval/bound.h"

#include <math.h>
#include <string.h>

#include "eval/curves.h"
#include "eval/probe.h"
#include "eval/rewrite.h"
#include "eval/samples.h"
#include "task/outcomes.h"

/* What all variants of a rung would cost that can be tried. */
static struct climb_bound rung_bound(const struct task *task, const struct variant *variants, size_t n, int rung)
{
	struct climb_bound bound = { 0 };
	size_t dearest = 0; /* calls an answer of the rung's candidate takes at most */
	size_t sure = 0;    /* likewise of those whose answers have probabilities, which a cascade may ask more */

	for (size_t i = 0; i < n; i++) {
		size_t calls = variant_calls(&variants[i]);

		if (variants[i].rung != rung || variants[i].skipped)
			continue;
		bound.dev_calls += task->dev.list.n * calls;
		bound.test_calls += variants[i].incumbent ? task->test.list.n * calls : 0;
		dearest = calls > dearest ? calls : dearest;
		if (rung < 3 && variants[i].technique && variants[i].technique->answer == ANSWER_SCORES)
			sure = calls > sure ? calls : sure;
	}
	bound.test_calls += task->test.list.n * dearest + task->aside.list.n * sure;
	return bound;
}

const char *bound_saved(const struct task *task, const struct variant *variants, size_t n, int rung, const char *why, struct arena *arena)
{
	struct climb_bound bound = rung_bound(task, variants, n, rung);
	size_t trainings = 0;

	for (size_t i = 0; why && i < n; i++) {
		const struct variant *v = &variants[i];

		/* A decoder that names labels waits for `rung tune`: no climb trains it. */
		trainings += v->rung == rung && !v->skipped && v->tuning && !v->version && !(v->technique && v->technique->answer == ANSWER_SCORES);
	}
	if (!why || bound.dev_calls + bound.test_calls + trainings == 0)
		return why;
	if (trainings == 0)
		return arena_printf(arena, "%s; that saves up to %zu model calls", why, bound.dev_calls + bound.test_calls);
	return arena_printf(arena, "%s; that saves up to %zu model calls and %zu training%s", why, bound.dev_calls + bound.test_calls,
			    trainings, trainings == 1 ? "" : "s");
}

/* Samples and curve points of the rung's candidate, and the knowledge probe where a model can be asked. */
static size_t probe_bound(const struct task *task, const struct variant *variants, size_t n, int rung, bool probed, struct arena *arena)
{
	size_t dev = task->dev.list.n, pool = task->pool.list.n, sampled = 0, curves = 0, probes = 0, points = 0;

	for (size_t part = CURVE_SHOT_PART; part > 1 && curves_has_sizes(pool); part /= 2)
		points += pool / part >= CURVE_LEAST ? CURVE_SEEDS : 0;
	for (size_t i = 0; i < n; i++) {
		if (variants[i].rung != rung || variants[i].skipped)
			continue;
		if (rung == 1 && samples_variant(&variants[i], arena))
			sampled = PROBE_SAMPLES * (dev < SAMPLED_ITEMS ? dev : SAMPLED_ITEMS);
		if (rung == 1 && curves_has_shots(&variants[i]))
			curves = points * (dev < CURVE_SHOT_ITEMS ? dev : CURVE_SHOT_ITEMS);
	}
	if (rung == 2 && probed && task->has_gold && task->documents.n_paths > 0)
		technique_probes(task->kind, &probes);
	return sampled + curves + probes * (dev < PROBE_ITEMS ? dev : PROBE_ITEMS);
}

/* Answers of the rung's variants that somebody outside may have to grade. */
static size_t answers_bound(const struct task *task, const struct variant *variants, size_t n, int rung)
{
	size_t dev = task->dev.list.n, test = task->test.list.n, answers = 0, points = (CURVE_SIZES - 1) * CURVE_SEEDS + 1;

	for (size_t i = 0; i < n; i++) {
		const struct variant *v = &variants[i];

		if (v->rung != rung || v->skipped)
			continue;
		answers += dev + (v->incumbent || answers == 0 ? test + task->aside.list.n : 0); /* one of them is the rung's candidate */
		answers += v->classifier ? points * dev : 0;
	}
	return answers;
}

static size_t recorded_grades(struct item_list list)
{
	size_t n = 0;

	for (size_t i = 0; i < list.n; i++)
		n += list.items[i]->graded && !isnan(list.items[i]->human);
	return n;
}

/* The same answer to the same item is graded once; of labels there are only so many. */
static void bound_grades(struct climb_bound *bound, const struct task *task)
{
	size_t labels = task->kind == TASK_CLASSIFY && !task->many ? (task->dev.list.n + task->test.list.n + task->aside.list.n) * task->n_labels : SIZE_MAX;

	bound->grades += bound->probe_calls;
	bound->grades = bound->grades < labels ? bound->grades : labels;
	bound->grades += recorded_grades(task->pool.list) + recorded_grades(task->dev.list) + recorded_grades(task->test.list);
	bound->grades = task->grades ? bound->grades : 0;
	if (task->grades && strcmp(task->scorer, "judge") == 0)
		bound->judge_calls = bound->grades * (task->outside.pairwise ? 2 : 1);
}

/* The dearest of the prompts that may be rewritten; and what is asked of the rewriter. */
static void add_rewriting(const struct task *task, const struct climb_options *o, const struct variant *variants, size_t n,
			  struct climb_bound *bound)
{
	const struct task_rewrite *r = &o->rewrite;
	size_t dearest = 0, dev = task->dev.list.n;

	for (size_t i = 0; i < n; i++) {
		const struct variant *v = &variants[i];

		if (v->rung != 1 || !v->technique || v->skipped)
			continue;
		size_t calls = rewrite_answers(r, dev) * variant_calls(v) + r->rounds * r->wordings * variant_prior_calls(v, dev);

		dearest = calls > dearest ? calls : dearest;
	}
	bound->dev_calls += dearest;
	bound->probe_calls += dearest > 0 ? r->rounds : 0;
	bound->grades += dearest > 0 ? rewrite_answers(r, dev) : 0;
}

struct climb_bound climb_bound(const struct task *task, const struct climb_options *o)
{
	struct climb_bound bound = { 0 };
	struct arena arena;
	size_t n;

	arena_init(&arena);
	const struct variant *variants = variants_list(task, &arena, o->models, o->n_models, &n);

	bool probed = o->models ? outcomes_first_other(o->models, o->n_models) : outcomes_first_other(task->models, task->n_models);

	for (int rung = o->first_rung; rung <= o->last_rung; rung++) {
		struct climb_bound one = rung_bound(task, variants, n, rung);

		bound.dev_calls += one.dev_calls;
		bound.test_calls += one.test_calls;
		bound.probe_calls += probe_bound(task, variants, n, rung, probed, &arena);
		bound.grades += answers_bound(task, variants, n, rung);
		if (rung == 1 && o->rewrite.model)
			add_rewriting(task, o, variants, n, &bound);
	}
	bound_grades(&bound, task);
	arena_release(&arena);
	return bound;
}
