/* climb.c - rung by rung: race, candidate, test, decide whether to go on. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "eval/aside.h"
#include "eval/besides.h"
#include "eval/bound.h"
#include "eval/ceiling.h"
#include "eval/contest.h"
#include "eval/curves.h"
#include "eval/probe.h"
#include "eval/race.h"
#include "eval/rewrite.h"
#include "eval/samples.h"
#include "task/outcomes.h"
#include "variant/grading.h"

static enum decide_plan plan_of(const struct task *task, const struct climb_options *o)
{
	enum task_plan plan = o->plan != PLAN_AUTO ? o->plan : task->plan;
	bool paid = false;

	for (size_t i = 0; i < (o->models ? o->n_models : task->n_models); i++)
		paid |= model_leaves(model_behind((o->models ? o->models : task->models)[i]));
	paid &= !(o->batch_poll_ms > 0); /* each look would wait for a batch */
	return plan == PLAN_EARLY || (plan == PLAN_AUTO && paid) ? DECIDE_EARLY : DECIDE_FULL;
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

/* What is fixed before the first call, as text that lives in arena. curation: of what fine-tuning leaves out, or 0; repeat: the so-manyth
 * climb of its like that takes nothing from those before, or 0. */
static const char *settings_text(const struct task *task, const struct climb_options *o, uint64_t documents, uint64_t curation,
				 size_t repeat, const struct variant *variants, size_t n, struct arena *arena)
{
	int rungs, incumbents;
	json_t *models = json_array();
	size_t n_models = o->models ? o->n_models : task->n_models;
	const char *const *named = o->models ? o->models : task->models;
	uint64_t outcomes = outcomes_fingerprint(task, named, n_models);

	count_candidates(variants, n, o, &rungs, &incumbents);
	for (size_t i = 0; i < n_models; i++)
		json_array_append_new(models, json_string(named[i]));
	json_t *root = json_pack("{s:f, s:f, s:o, s:s, s:i, s:i, s:i, s:i, s:o}", "alpha", task->alpha, "margin",
				 task->margin, "target", task->has_target ? json_real(task->target) : json_null(), "plan",
				 decide_plan_name(plan_of(task, o)), "comparisons", rungs - 1 + incumbents, "targets",
				 rungs + incumbents, "first_rung", o->first_rung, "last_rung", o->last_rung, "models", models);
	enum climb_for climb_for = climb_for_of(task);

	json_object_set_new(root, "climb_for", json_string(climb_for_name(climb_for)));
	if (task->traffic.calls_per_day > 0 && task->traffic.horizon_days > 0) /* what costs are counted over is fixed too */
		json_object_set_new(root, "traffic", json_pack("[f, f, f]", task->traffic.calls_per_day, task->traffic.horizon_days,
							       task->traffic.cost_per_error));
	if (task->documents.n_paths > 0)
		add_hash(root, "documents", documents);
	if (curation)
		add_hash(root, "curation", curation);
	if (task->n_collected > 0)
		json_object_set_new(root, "collected", json_integer((json_int_t)task->n_collected));
	if (repeat)
		json_object_set_new(root, "repeat", json_integer((json_int_t)repeat));
	if (outcomes)
		add_hash(root, "outcomes", outcomes);
	if (task->grades)
		add_hash(root, "scorer", grading_fingerprint(task));
	if (o->rewrite.model && o->first_rung <= 1 && o->last_rung >= 1)
		json_object_set_new(root, "rewrite", json_pack("{s:s, s:I, s:I}", "model", o->rewrite.model, "rounds",
							       (json_int_t)o->rewrite.rounds, "wordings", (json_int_t)o->rewrite.wordings));
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

/* Of rung 0 the winner, of rung 3 what learns on frozen embeddings: that takes seconds, and says what more labels are worth. The vote of
 * the nearest examples stands for prompts that show them. */
static bool has_curve(const struct entrant *e, int rung)
{
	return e->variant->classifier && !e->failed && (rung == 3 || e->won);
}

static struct item_list raced_on(struct climb *c, const struct variant *v)
{
	return v->instruction ? rewrite_unseen(c->dev.list, &c->arena) : c->dev.list;
}

/* Races the rung's variants on dev, writes down what became of each, and enters the winner and the incumbent for the test. */
static bool race_rung(struct climb *c, const struct variant *variants, size_t n, int rung, struct contest *contest, struct error *err)
{
	const struct task_rewrite *rewrite = &c->options->rewrite;
	bool rewrites = rung == 1 && rewrite->model;
	struct entrant *entrants = arena_array(&c->arena, n + (rewrites ? rewrite->rounds * rewrite->wordings : 0), sizeof(*entrants));
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
	if (n_entrants == 0)
		return true;
	if (!race(c, entrants, n_entrants, c->dev.list, err) || (rewrites && !rewrite_race(c, entrants, &n_entrants, n, err)))
		return false;
	for (size_t i = 0; i < n_entrants; i++) {
		const struct entrant *e = &entrants[i];
		bool candidate = e->won || (e->variant->incumbent && !e->failed && !e->unfit);
		const char *status = e->failed ? "failed" : e->waiting || e->unfit ? "skipped" : e->out ? "raced out" : "measured";

		if (!store_status(c, e->variant, e->position, status, e->why, candidate, err) ||
		    !workshop_note(c->workshop, e->variant, "dev", e->record.score, e->record.n, err) ||
		    (has_curve(e, rung) && !curves_measure(c, e->variant, err)) ||
		    (e->won && rung == 1 && !samples_measure(c, e->variant, raced_on(c, e->variant), &e->record, err)) ||
		    (candidate && !contest_enter(contest, e->variant, err)))
			return false;
	}
	return true;
}

/* The curves that take calls or minutes, which nobody pays for what is not better than what stands below it; *drawn: entries done. */
static bool dear_curves(struct climb *c, const struct contest *t, size_t *drawn, struct error *err)
{
	for (; *drawn < t->next; ++*drawn) {
		const struct contestant *e = &t->entries[*drawn];
		const struct variant *v = e->variant;

		if (e->ruled_out || e->met == DECISION_NOT_BETTER)
			continue;
		if (v->rung == 1 && curves_has_shots(v) && !curves_shots(c, v, err))
			return false;
		if (v->rung == 3 && curves_has_trainings(c->task, v) && !curves_trainings(c, v, err))
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

/* Whether a rung above the champion may be chosen for what it costs, without being better. What asks no model costs next to nothing
 * already. */
static bool could_pay(const struct decide_rule *rule, const struct contestant *champion)
{
	return rule->climb_for != CLIMB_FOR_QUALITY && champion->variant->model;
}

/* Why the rung cannot be worth building, from what stands below it; NULL: it may be. */
static bool cannot_help(struct climb *c, const struct variant *variants, size_t n, int rung, struct contest *t, const char **why,
			struct error *err)
{
	const struct contestant *champion = t->champion == SIZE_MAX ? NULL : &t->entries[t->champion];

	if (!contest_complete(t, err))
		return false;
	*why = !champion ? NULL
			 : ceiling_reached(t->rule, &champion->candidate, ceiling_of_labels(c->task, c->test.list),
					   could_pay(t->rule, champion), &c->arena);
	if (!*why && rung == 2 && !probe_before(c, why, err))
		return false;
	*why = bound_saved(c->task, variants, n, rung, *why, &c->arena);
	return true;
}

/* Why the rung is not measured; *why NULL: it is. */
static bool why_not(struct climb *c, const struct variant *variants, size_t n, int rung, struct contest *t, const char **why,
		    struct error *err)
{
	bool asked = rung >= c->options->first_rung && rung <= c->options->last_rung;

	*why = !asked ? "not asked for" : t->target_met ? "a lower rung meets the target" : NULL;
	if (!*why && !cannot_help(c, variants, n, rung, t, why, err))
		return false;
	if (asked && has_incumbent_above(variants, n, rung - 1))
		*why = NULL; /* that one is always measured */
	return true;
}

static bool climb_rung(struct climb *c, const struct variant *variants, size_t n, int rung, struct contest *t, size_t *drawn,
		       struct error *err)
{
	const char *why;

	if (!why_not(c, variants, n, rung, t, &why, err))
		return false;
	if (why)
		return skip_rung(c, variants, n, rung, why, err);
	if (!race_rung(c, variants, n, rung, t, err))
		return false;
	/* Where the incumbent is still to come, it is the champion that those below it have to meet. */
	if (!has_incumbent_above(variants, n, rung) && !(contest_meet(t, err) && dear_curves(c, t, drawn, err)))
		return false;
	return rung != 2 || probe_after(c, err);
}

static void show_besides(void *context, const char *what, size_t done, size_t total)
{
	const struct climb *c = context;

	if (c->options->progress.step)
		c->options->progress.step(c->options->progress.context, what, done, total);
}

/* A grader outside, or a provider that embeds, would be paid for questions that nobody budgeted; `rung tune` asks them. */
static bool besides_would_cost(const struct task *task, const struct variant *v)
{
	bool embeds = variant_embeds(v) || (task->validator && !v->model); /* what a tagger did not find is the nearest example's */

	return task->grades || (embeds && task->embedding && model_leaves(model_behind(task->embedding)));
}

static bool besides_of(struct climb *c, const struct variant *v, struct error *err)
{
	struct besides besides = { c->task, c->workshop, c->models, c->curated->pool.list,
				   { show_besides, c->watch.stopped, c->watch.notice, c } };
	const char *name = workshop_train(c->workshop, v, err); /* the climb has */
	struct tuned t;

	if (!name || !tuned_find(models_tuned(c->models), name, &t, err))
		return false;
	bool done = besides_noted(&t) || besides_measure(&besides, v, &t, err);

	tuned_release(&t);
	return done;
}

/* Of rung 3's candidates that the climb trained. The run is done and its verdict stands, whatever comes of this: what lacks is said, and the
 * same climb asks again. */
static void note_besides(struct climb *c, const struct contest *t)
{
	const struct progress *p = &c->options->progress;
	struct error err;

	for (size_t i = 0; i < t->n; i++) {
		const struct variant *v = t->entries[i].variant;

		if (!v->tuning || v->version || besides_would_cost(c->task, v) || besides_of(c, v, &err) || !p->notice)
			continue;
		error_prefix(&err, "what training %s did besides could not be measured", v->id);
		p->notice(p->context, err.text);
	}
}

static bool climb_all(struct climb *c, const struct variant *variants, size_t n, const struct decide_rule *rule,
		      struct error *err)
{
	struct contest contest;
	size_t drawn = 0;

	contest_init(&contest, c, rule, variants, n);
	for (int rung = 0; rung <= 3; rung++)
		if (!climb_rung(c, variants, n, rung, &contest, &drawn, err))
			return false;
	if (contest.n == 0)
		return error_set(err, "no variant could be measured on rungs %d-%d", c->options->first_rung,
				 c->options->last_rung);
	if (!contest_meet(&contest, err) || !contest_end(&contest, err) || !dear_curves(c, &contest, &drawn, err) ||
	    !aside_measure(c, &contest, err) || !store_run_finish(c->store, c->run, err))
		return false;
	note_besides(c, &contest);
	return true;
}

/* What people graded is put before whoever grades outside too: how far the two agree is then known. */
static bool grade_recorded(struct climb *c, struct error *err)
{
	const struct item_list lists[] = { c->task->pool.list, c->task->dev.list, c->task->test.list };

	for (size_t l = 0; l < 3 && c->task->grades; l++) {
		const struct example **items = arena_array(&c->arena, lists[l].n + 1, sizeof(*items));
		const char **answers = arena_array(&c->arena, lists[l].n + 1, sizeof(*answers));
		size_t n = 0;

		for (size_t i = 0; i < lists[l].n; i++)
			if (!isnan(lists[l].items[i]->human) && lists[l].items[i]->graded) {
				items[n] = lists[l].items[i];
				answers[n++] = lists[l].items[i]->graded;
			}
		for (size_t from = 0; from < n; from += BATCH)
			if (climb_must_stop(c, err) ||
			    !workshop_grade(c->workshop, items + from, answers + from, n - from < BATCH ? n - from : BATCH, err))
				return false;
	}
	return true;
}

/* Finds or makes the run's row; a run of other settings is another run. */
static bool find_run(struct climb *c, const char *settings, bool *done, struct error *err)
{
	struct run_row run = { .examples = c->options->examples ? c->options->examples : "", .seed = c->options->seed,
			       .fingerprint = c->task->fingerprint, .settings = settings };

	run.key = arena_printf(&c->arena, "%s %016llx %llu %s", c->task->name, (unsigned long long)run.fingerprint,
			       (unsigned long long)run.seed, settings);
	if (!store_run_begin(c->store, &c->arena, &run, err))
		return false;
	c->run = run.id;
	*done = strcmp(run.state, "done") == 0;
	return true;
}

/* Of those that take nothing from others, the first that is not done. */
static bool begin_run(struct climb *c, uint64_t documents, uint64_t curation, const struct variant *variants, size_t n,
		      const char **settings, struct error *err)
{
	bool again = c->options->no_cache, done;

	do {
		c->repeat += again;
		*settings = settings_text(c->task, c->options, documents, curation, c->repeat, variants, n, &c->arena);
		if (!find_run(c, *settings, &done, err))
			return false;
	} while (again && done);
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

static void tell_of_training(void *context, const char *sentence)
{
	const struct climb *c = context;

	if (c->options->progress.notice)
		c->options->progress.notice(c->options->progress.context, sentence);
}

static void show_batch(void *context, const char *model, size_t done, size_t total)
{
	const struct climb *c = context;
	char what[160];

	if (!c->options->progress.step)
		return;
	snprintf(what, sizeof(what), "%.120s: a batch is worked off", model);
	c->options->progress.step(c->options->progress.context, what, done, total);
}

static void tell_lost(void *context, const struct batch_row *batch)
{
	const struct climb *c = context;
	char sentence[400], when[CLOCK_MINUTE] = "an unknown time";

	if (!c->options->progress.notice)
		return;
	if (batch->begun)
		clock_minute(batch->begun, when);
	snprintf(sentence, sizeof(sentence), "a batch of %zu requests was sent to %.120s at %s and never confirmed: the provider may work it off and "
		 "bill it, nobody will collect it, and its requests are asked again", batch->requests, batch->model, when);
	c->options->progress.notice(c->options->progress.context, sentence);
}

/* What goes elsewhere is counted, and goes in batches where that was asked for. */
static bool watch_providers(struct climb *c, struct error *err)
{
	c->batching = (struct batching){ c->options->batch_poll_ms, show_batch, tell_lost, c };
	if (c->options->batch_poll_ms > 0)
		workshop_batching(c->workshop, &c->batching);
	return spending_begin(c, err);
}

/* Its documents as they are now, before the run that they are a part of has a row; what embedding them takes is put down for it. */
static bool bring_documents(struct climb *c, struct library *library, uint64_t *fingerprint, struct error *err)
{
	const struct climb_options *o = c->options;

	c->run = RUN_TO_COME;
	*fingerprint = 0;
	return !library || (spending_begin(c, err) && (!o->documents || o->documents(o->documents_context, err)) &&
			    library_fingerprint(library, fingerprint, err));
}

/* From now on what is asked is the run's, and so is what its documents took. */
static bool take_run(struct climb *c, const struct curated *curated, struct error *err)
{
	c->watch = (struct training_watch){ .step = show_training, .stopped = training_stopped, .notice = tell_of_training, .context = c };
	workshop_run(c->workshop, c->run);
	workshop_watch(c->workshop, &c->watch);
	workshop_curate(c->workshop, curated);
	c->curated = curated;
	workshop_repeat(c->workshop, c->repeat);
	return store_attempts_move(c->store, RUN_TO_COME, c->run, err) && watch_providers(c, err);
}

enum climb_end climb_run(const struct task *task, struct models *models, struct library *library, struct store *store,
			 const struct climb_options *options, int64_t *run, struct error *err)
{
	struct climb c = { .task = task, .options = options, .store = store, .models = models, .started_ms = clock_ms() };
	enum climb_end end = CLIMB_FAILED;
	struct curated curated = { .pool = task->pool };
	uint64_t documents;
	size_t n;

	arena_init(&c.arena);
	c.dev = dev_order(task, options->seed, &c.arena);
	c.test = test_order(task, options->seed, &c.arena);
	c.workshop = workshop_open(task, c.dev, models, library, store, RUN_TO_COME, options->seed);
	if (!bring_documents(&c, library, &documents, err) ||
	    (options->curation && options->last_rung == 3 && !curate_apply(task, options->curation, &c.arena, &curated, err)))
		goto out;
	const struct variant *variants = variants_list(task, &c.arena, options->models, options->n_models, &n);
	const char *settings;

	if (!begin_run(&c, documents, curated.hash, variants, n, &settings, err))
		goto out;
	struct decide_rule rule = settings_rule(task, settings, c.test, &c.arena);

	*run = c.run;
	/* Grades of what is answered already are there before anything is scored. */
	if (take_run(&c, &curated, err) && workshop_grade(c.workshop, NULL, NULL, 0, err) && grade_recorded(&c, err) &&
	    climb_all(&c, variants, n, &rule, err))
		end = CLIMB_DONE;
out:
	if (end == CLIMB_FAILED && c.stopped) {
		error_set(err, "%s: stopped with what was measured stored; run the same command again to resume", c.stopped);
		end = CLIMB_STOPPED;
	}
	workshop_free(c.workshop);
	arena_release(&c.arena);
	return end;
}
