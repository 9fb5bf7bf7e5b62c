/* climb.c - rung by rung: race, candidate, test, decide whether to go on. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "eval/bound.h"
#include "eval/ceiling.h"
#include "eval/constraints.h"
#include "eval/curves.h"
#include "eval/measure.h"
#include "eval/probe.h"
#include "eval/race.h"
#include "eval/samples.h"
#include "stats/quantile.h"

static enum decide_plan plan_of(const struct task *task, const struct climb_options *o)
{
	enum task_plan plan = o->plan != PLAN_AUTO ? o->plan : task->plan;

	return plan == PLAN_EARLY ? DECIDE_EARLY : DECIDE_FULL; /* only local models so far, whose calls are cheap */
}

/* Rungs that have something to measure, and whether the incumbent adds a candidate of its own. */
static void count_candidates(const struct variant *variants, size_t n, const struct climb_options *o, int *rungs,
			     int *incumbents)
{
	*rungs = *incumbents = 0;
	for (int rung = o->first_rung; rung <= o->last_rung; rung++) {
		bool any = false;

		for (size_t i = 0; i < n; i++) {
			any |= variants[i].rung == rung && !variants[i].skipped;
			*incumbents += variants[i].rung == rung && variants[i].incumbent;
		}
		*rungs += any;
	}
}

static void add_hash(json_t *settings, const char *key, uint64_t hash)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)hash);
	json_object_set_new(settings, key, json_string(text));
}

/* What is fixed before the first call, as text that lives in arena. curation: of what fine-tuning leaves out, or 0. */
static const char *settings_text(const struct task *task, const struct climb_options *o, uint64_t documents, uint64_t curation,
				 const struct variant *variants, size_t n, struct arena *arena)
{
	int rungs, incumbents;
	json_t *models = json_array();
	size_t n_models = o->models ? o->n_models : task->n_models;

	count_candidates(variants, n, o, &rungs, &incumbents);
	for (size_t i = 0; i < n_models; i++)
		json_array_append_new(models, json_string((o->models ? o->models : task->models)[i]));
	json_t *root = json_pack("{s:f, s:f, s:o, s:s, s:i, s:i, s:i, s:i, s:o}", "alpha", task->alpha, "margin",
				 task->margin, "target", task->has_target ? json_real(task->target) : json_null(), "plan",
				 decide_plan_name(plan_of(task, o)), "comparisons", rungs - 1 + incumbents, "targets",
				 rungs + incumbents, "first_rung", o->first_rung, "last_rung", o->last_rung, "models", models);
	if (task->documents.n_paths > 0)
		add_hash(root, "documents", documents);
	if (curation)
		add_hash(root, "curation", curation);
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	const char *copy = arena_string(arena, text);

	free(text);
	json_decref(root);
	return copy;
}

static bool store_status(struct climb *c, const struct variant *v, size_t position, const char *status, const char *why,
			 bool candidate, struct error *err)
{
	struct variant_row row = { .id = v->id, .name = v->name, .model = v->model, .rung = v->rung, .position = position,
				   .incumbent = v->incumbent, .candidate = candidate, .calls_model = v->model != NULL,
				   .status = status, .why = why, .recipe = v->recipe };

	return store_variant_put(c->store, c->run, &row, err);
}

/* The candidate answers the test items: all of them, or (early) until its comparison with the champion is settled. */
static bool measure_test(struct climb *c, const struct variant *v, const struct decide_rule *rule,
			 const struct candidate *champion, struct candidate *out, struct error *err)
{
	size_t n = c->test.list.n;
	struct record record = { arena_array(&c->arena, n, sizeof(double)), arena_array(&c->arena, n, sizeof(double)), 0 };
	size_t look = rule->plan == DECIDE_FULL || !champion ? n : BATCH;

	*out = (struct candidate){ .id = v->id, .rung = v->rung, .incumbent = v->incumbent, .score = record.score,
				   .usd_per_call = NAN };
	while (out->n < n) {
		size_t to = out->n + look < n ? out->n + look : n;

		if (!measure(c, v, "test", c->test.list, out->n, to, &record, err))
			return false;
		out->n = to;
		if (rule->plan == DECIDE_EARLY && champion &&
		    decide_compare(rule, champion, out).decision != DECISION_UNRESOLVED &&
		    (!rule->has_target || decide_target(rule, out).result != TARGET_UNRESOLVED))
			break;
	}
	return workshop_note(c->workshop, v, "test", record.score, out->n, err);
}

/* Of rung 0 the winner, of rung 3 what learns on frozen embeddings: that takes seconds, and says what more labels are worth. The vote of
 * the nearest examples stands for prompts that show them. */
static bool has_curve(const struct entrant *e, int rung)
{
	return e->variant->classifier && !e->failed && (rung == 3 || e->won);
}

/* Races the rung's variants on dev and writes down what became of each. *winner is NULL when none can be tried. */
static bool race_rung(struct climb *c, const struct variant *variants, size_t n, int rung, const struct variant **winner,
		      struct error *err)
{
	struct entrant *entrants = arena_array(&c->arena, n, sizeof(*entrants));
	size_t n_entrants = 0;

	for (size_t i = 0; i < n; i++) {
		const struct variant *v = &variants[i];

		if (v->rung != rung)
			continue;
		if (v->skipped) {
			if (!store_status(c, v, i, "skipped", v->skipped, false, err))
				return false;
			continue;
		}
		entrants[n_entrants++] = (struct entrant){ .variant = v, .position = i };
	}
	*winner = NULL;
	if (n_entrants == 0)
		return true;
	if (!race(c, entrants, n_entrants, err))
		return false;
	for (size_t i = 0; i < n_entrants; i++) {
		const struct entrant *e = &entrants[i];
		bool candidate = e->won || e->variant->incumbent;

		if (e->won)
			*winner = e->variant;
		const char *status = e->failed ? "failed" : e->waiting || e->unfit ? "skipped" : e->out ? "raced out" : "measured";

		if (!store_status(c, e->variant, e->position, status, e->why, candidate, err) ||
		    !workshop_note(c->workshop, e->variant, "dev", e->record.score, e->record.n, err) ||
		    (has_curve(e, rung) && !curves_measure(c, e->variant, err)) ||
		    (e->won && rung == 1 && !samples_measure(c, e->variant, &e->record, err)))
			return false;
	}
	return true;
}

/* Whether the task forbids it, as the report will say from the same answers. */
static bool is_ruled_out(struct climb *c, const struct variant *v, bool *out, struct error *err)
{
	struct constrained facts = { .id = v->id, .model = v->model, .ms_p95 = NAN };
	struct answer_row *rows[2];
	size_t n[2], n_ms = 0;
	bool cites = c->task->n_labels == 0 || c->task->has_gold;

	if (!store_answers(c->store, c->run, v->id, "dev", &c->arena, &rows[0], &n[0], err) ||
	    !store_answers(c->store, c->run, v->id, "test", &c->arena, &rows[1], &n[1], err))
		return false;
	double *ms = arena_array(&c->arena, n[0] + n[1] + 1, sizeof(*ms));

	for (int split = 0; split < 2; split++)
		for (size_t i = 0; i < n[split]; i++) {
			ms[n_ms++] = rows[split][i].ms;
			facts.passages |= cites && rows[split][i].evidence != NULL;
		}
	facts.ms_p95 = quantile(ms, n_ms, 0.95);
	*out = constraint_broken(c->task, &facts, &c->arena) != NULL;
	return true;
}

/* How far the climb has come. */
struct standing {
	struct candidate champion; /* among those that may be chosen */
	bool has_champion;
	bool measured; /* something answered the test items */
	bool done;     /* the target is met: nothing above needs to be looked at */
};

/* The curves that take calls or minutes, which nobody pays for what is not better than what stands below it. */
static bool dear_curve(struct climb *c, const struct variant *v, struct error *err)
{
	if (v->rung == 1 && curves_has_shots(v))
		return curves_shots(c, v, err);
	return v->rung != 3 || !curves_has_trainings(c->task, v) || curves_trainings(c, v, err);
}

/* Measures the rung's candidates on test. */
static bool climb_rung(struct climb *c, const struct variant *variants, size_t n, int rung, const struct decide_rule *rule,
		       struct standing *s, struct error *err)
{
	const struct variant *winner;

	if (!race_rung(c, variants, n, rung, &winner, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct variant *v = &variants[i];
		struct candidate measured;
		bool ruled_out;

		if (v->rung != rung || v->skipped || (v != winner && !v->incumbent))
			continue;
		if (!measure_test(c, v, rule, s->has_champion ? &s->champion : NULL, &measured, err) ||
		    !is_ruled_out(c, v, &ruled_out, err))
			return false;
		s->measured = true;
		if (ruled_out)
			continue;
		s->done |= rule->has_target && decide_target(rule, &measured).result == TARGET_YES;
		enum decision d = s->has_champion ? decide_compare(rule, &s->champion, &measured).decision : DECISION_BETTER;

		if (d == DECISION_BETTER)
			s->champion = measured;
		s->has_champion = true;
		if (v == winner && d != DECISION_NOT_BETTER && !dear_curve(c, v, err))
			return false;
	}
	return true;
}

static bool has_incumbent_above(const struct variant *variants, size_t n, int rung)
{
	for (size_t i = 0; i < n; i++)
		if (variants[i].incumbent && variants[i].rung > rung)
			return true;
	return false;
}

static bool skip_rung(struct climb *c, const struct variant *variants, size_t n, int rung, const char *why,
		      struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (variants[i].rung == rung &&
		    !store_status(c, &variants[i], i, "skipped", variants[i].skipped ? variants[i].skipped : why, false, err))
			return false;
	return true;
}

/* Whether a rung above the champion may be chosen for what it costs, without being better: where there is traffic to save on, below
 * which a model is asked. What asks none costs next to nothing already. */
static bool could_pay(const struct task *task, const struct variant *variants, size_t n, const struct candidate *champion)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(variants[i].id, champion->id) == 0)
			return task->traffic.calls_per_day > 0 && variants[i].model;
	return false;
}

/* Why the rung cannot be worth building, from what stands below it; NULL: it may be. */
static bool cannot_help(struct climb *c, const struct variant *variants, size_t n, int rung, const struct decide_rule *rule,
			const struct standing *s, const char **why, struct error *err)
{
	*why = !s->has_champion ? NULL
				: ceiling_reached(rule, &s->champion, ceiling_of_labels(c->task, c->test.list),
						  could_pay(c->task, variants, n, &s->champion), &c->arena);
	if (!*why && rung == 2 && !probe_before(c, why, err))
		return false;
	*why = bound_saved(c->task, variants, n, rung, *why, &c->arena);
	return true;
}

static bool climb_all(struct climb *c, const struct variant *variants, size_t n, const struct decide_rule *rule,
		      struct error *err)
{
	struct standing s = { 0 };

	for (int rung = 0; rung <= 3; rung++) {
		const char *why = rung < c->options->first_rung || rung > c->options->last_rung ? "not asked for" :
				  s.done ? "a lower rung meets the target" : NULL;

		bool asked = rung >= c->options->first_rung && rung <= c->options->last_rung;

		if (!why && !cannot_help(c, variants, n, rung, rule, &s, &why, err))
			return false;
		if (why && !(asked && has_incumbent_above(variants, n, rung - 1))) {
			if (!skip_rung(c, variants, n, rung, why, err))
				return false;
			continue;
		}
		if (!climb_rung(c, variants, n, rung, rule, &s, err) ||
		    (rung == 2 && !probe_after(c, err)))
			return false;
	}
	if (!s.measured)
		return error_set(err, "no variant could be measured on rungs %d-%d", c->options->first_rung,
				 c->options->last_rung);
	return store_run_finish(c->store, c->run, err);
}

/* Finds or makes the run's row; a run of other settings is another run. */
static bool begin_run(struct climb *c, const char *settings, struct error *err)
{
	struct run_row run = { .examples = c->options->examples ? c->options->examples : "", .seed = c->options->seed,
			       .fingerprint = c->task->fingerprint, .settings = settings };

	run.key = arena_printf(&c->arena, "%s %016llx %llu %s", c->task->name, (unsigned long long)run.fingerprint,
			       (unsigned long long)run.seed, settings);
	if (!store_run_begin(c->store, &c->arena, &run, err))
		return false;
	c->run = run.id;
	return true;
}

static void show_training(void *context, const struct variant *v, const struct fit_step *s)
{
	const struct climb *c = context;
	char what[160];

	if (!c->options->progress.step)
		return;
	snprintf(what, sizeof(what), "%s: training, loss %.3f, rate %.1e, %.0f tokens/s", v->id, s->loss, s->rate, s->tokens_per_second);
	c->options->progress.step(c->options->progress.context, what, s->step, s->steps);
}

static bool training_stopped(void *context)
{
	struct climb *c = context;
	struct error ignored;

	return climb_must_stop(c, &ignored);
}

enum climb_end climb_run(const struct task *task, struct models *models, struct library *library, struct store *store,
			 const struct climb_options *options, int64_t *run, struct error *err)
{
	struct climb c = { .task = task, .options = options, .store = store, .started_ms = clock_ms() };
	enum climb_end end = CLIMB_FAILED;
	struct curated curated = { .pool = task->pool };
	uint64_t documents = 0;
	size_t n;

	if (library && !library_fingerprint(library, &documents, err))
		return CLIMB_FAILED;
	arena_init(&c.arena);
	if (options->curation && options->last_rung == 3 && !curate_apply(task, options->curation, &c.arena, &curated, err))
		goto out;
	const struct variant *variants = variants_list(task, &c.arena, options->models, options->n_models, &n);
	const char *settings = settings_text(task, options, documents, curated.hash, variants, n, &c.arena);

	c.dev = dev_order(task, options->seed, &c.arena);
	c.test = test_order(task, options->seed, &c.arena);
	struct decide_rule rule = settings_rule(task, settings, c.test, &c.arena);

	if (!begin_run(&c, settings, err))
		goto out;
	*run = c.run;
	c.workshop = workshop_open(task, c.dev, models, library, store, c.run, options->seed);
	c.watch = (struct training_watch){ .step = show_training, .stopped = training_stopped, .context = &c };
	workshop_watch(c.workshop, &c.watch);
	workshop_curate(c.workshop, &curated);
	if (climb_all(&c, variants, n, &rule, err))
		end = CLIMB_DONE;
	else if (c.stopped) {
		error_set(err, "%s: stopped with what was measured stored; run the same command again to resume", c.stopped);
		end = CLIMB_STOPPED;
	}
out:
	workshop_free(c.workshop);
	arena_release(&c.arena);
	return end;
}
