/* costs.c - measured tokens, milliseconds, scores and training times, priced. */
#include "report/costs.h"

#include <math.h>
#include <string.h>

#include "model/registry.h"
#include "model/tuned.h"
#include "report/constraints.h"

const struct cost_assumptions costs_nothing_assumed = {
	.traffic = { .calls_per_day = -1, .calls_low = -1, .calls_high = -1, .horizon_days = -1, .usd_per_error = -1 },
	.daily = { .retraining_usd = NAN, .retrain_every_days = INFINITY, .retired_after_days = INFINITY, .rebuild_usd = NAN },
};

struct costing {
	const struct task *task;
	const struct cost_assumptions *a;
	const struct report *report;
	const struct variant *recipes; /* (n_recipes) what the run tried */
	size_t n_recipes;
	struct arena *arena;
	struct error *err;
};

static const struct variant *recipe_of(const struct costing *c, const char *id)
{
	for (size_t i = 0; i < c->n_recipes; i++)
		if (strcmp(c->recipes[i].id, id) == 0)
			return &c->recipes[i];
	return NULL;
}

const struct price_model *costs_price(const struct price_table *t, const struct report_variant *v)
{
	const struct price_model *m = price_table_find(t, v->id);

	if (m && strcmp(m->name, v->id) == 0)
		return m;
	m = !v->model ? NULL : price_table_find(t, v->model);
	return m && registry_runs_here(v->model) && !m->users ? NULL : m; /* a file may have a model of that name elsewhere */
}

/* A hosted model is paid by its tokens; the machine that asks it by nothing worth counting. */
static void price_hosted(const struct costing *c, const struct report_variant *v, struct cost_rung *r)
{
	const struct price_model *m = costs_price(c->a->prices, v);
	size_t answers = v->dev.n + v->test.n;
	double calls = answers ? (double)v->calls / (double)answers : 1; /* self-consistency asks several times */

	r->call.input_tokens = calls * v->input_tokens;
	r->call.output_tokens = calls * v->output_tokens;
	r->call.prefix_tokens = calls * fmin(v->input_tokens, cost_cacheable(c->a->prefix_tokens, m ? m->cache_minimum_tokens : 0));
	r->call.hit_share = c->a->hit_share;
	r->call.batch_share = c->a->batch_share;
	r->call.retry_share = c->a->retry_share;
	r->call.region_factor = price_region_factor(c->a->prices, m);
	if (!m)
		return;
	r->call.usd_per_mtok = price_of(m);
	r->call.batch_discount = price_batch_discount(m);
	r->daily.retired_after_days = price_days_left(m, c->a->today);
}

static double seconds_usd(const struct costing *c, double seconds)
{
	return price_local(seconds, c->a->cores, c->a->usd_per_core_hour);
}

/* A score that `rung tune` wrote on the card; NAN: none. */
static double noted(const json_t *card, const char *what)
{
	const json_t *score = json_object_get(json_object_get(card, what), "score");

	return json_is_number(score) ? json_number_value(score) : NAN;
}

/* The version that the run measured is the newest of its method whose card has the same score on dev; *usd is NAN when there is
 * none, or its card does not say how long training took (it was imported). */
static bool price_training(const struct costing *c, struct report_variant *v, const char *method, double *usd)
{
	const char *name = tuning_registered_name(c->task, c->arena);
	struct tuned t;
	bool found = false;

	*usd = NAN;
	if (!c->a->tuned)
		return true;
	if (!tuned_find_measured(c->a->tuned, name, method, v->dev.score, &t, &found, c->err))
		return false;
	if (!found)
		return true;
	const json_t *seconds = json_object_get(t.card, "seconds");

	if (json_is_number(seconds))
		*usd = seconds_usd(c, v->trained_seconds = json_number_value(seconds));
	v->tuned = arena_string(c->arena, t.name);
	v->pool_score = noted(t.card, "pool");
	v->general_before = noted(t.card, "general_before");
	v->general_after = noted(t.card, "general_after");
	tuned_release(&t);
	return true;
}

void costs_repeat_setup(struct cost_rung *r)
{
	double once = cost_once_usd(&r->setup);

	if (isnan(r->daily.retraining_usd))
		r->daily.retraining_usd = isfinite(r->daily.retrain_every_days) ? once : 0;
	if (isnan(r->daily.rebuild_usd))
		r->daily.rebuild_usd = isfinite(r->daily.retired_after_days) ? once : 0;
}

/* What is in use has been paid. A classifier or a head is fitted when it is loaded: it looks at each example of the pool once,
 * which takes about what answering them takes. */
static bool set_up(const struct costing *c, struct report_variant *v, struct cost_rung *r)
{
	const struct variant *recipe = recipe_of(c, v->id);
	double retired = r->daily.retired_after_days;

	if (!recipe || v->incumbent)
		return true;
	if (recipe->classifier)
		r->setup.local_usd = seconds_usd(c, (double)c->task->pool.list.n * v->ms_mean / 1000);
	if (!recipe->tuning)
		return true;
	r->setup = c->a->setup;
	r->daily = c->a->daily;
	r->daily.retired_after_days = fmin(retired, r->daily.retired_after_days);
	double training;

	if (!price_training(c, v, recipe->tuning->id, &training))
		return false;
	r->setup.local_usd += training;
	costs_repeat_setup(r);
	return true;
}

static bool rung_of(const struct costing *c, struct report_variant *v, struct cost_rung *r)
{
	struct report_score score = report_score_shown(v);

	*r = cost_rung_default;
	r->name = v->id;
	r->rung = v->rung;
	r->quality = score.score;
	r->quality_low = score.low;
	r->quality_high = score.high;
	if (registry_runs_here(v->model) && !costs_price(c->a->prices, v))
		r->call.local_usd = seconds_usd(c, v->ms_mean / 1000);
	else
		price_hosted(c, v, r);
	if (v->retrieval.n > 0)
		r->call.retrieval_usd = c->a->retrieval_usd;
	r->call.guard_usd = c->a->guard_usd;
	return set_up(c, v, r);
}

static bool meets_target(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->n_targets; i++)
		if (strcmp(r->targets[i].variant, id) == 0)
			return r->targets[i].result == TARGET_YES;
	return false;
}

/* Good enough to be of's rival: no constraint rules it out; it is shown to meet the target where there is one; it may be worse where errors have a price, for
 * then that is counted; else it scores as well, up to the margin. */
static bool passes(const struct costing *c, const struct report_variant *v, const struct report_variant *of)
{
	const struct report *r = c->report;

	if (v->test.n == 0 || of->test.n == 0 || report_ruled_out(c->task, v, c->arena))
		return false;
	if (isfinite(r->target))
		return meets_target(r, v->id);
	return c->a->traffic.usd_per_error > 0 || v->test.score >= of->test.score - r->margin;
}

static void summarise(const struct costing *c, struct report_variant *variants, struct cost_rung *rungs, size_t at)
{
	struct report_variant *v = &variants[at];

	for (size_t i = 0; i < c->report->n_variants; i++)
		rungs[i].passes = variants[i].cost && passes(c, &variants[i], v);
	const struct cost_rung *rival = cost_rival(rungs, c->report->n_variants, &rungs[at], &c->a->traffic);
	struct cost_summary s = cost_summary_of(&rungs[at], rival, &c->a->traffic);

	v->rival = s.rival ? s.rival->name : NULL;
	v->rival_cost = s.rival;
	v->usd_per_1k_calls = s.usd_per_1k_calls;
	v->usd_per_1k_right = s.usd_per_1k_right;
	v->usd_per_day = s.per_day_usd;
	v->one_off_usd = s.one_off_usd;
	v->tco_usd = s.total_usd;
	v->break_even_days = s.break_even_days;
	v->break_even_calls = s.break_even_calls;
}

bool costs_fill(const struct task *task, const struct run_row *run, const struct cost_assumptions *a, struct arena *arena,
		const struct report *r, struct report_variant *variants, struct error *err)
{
	struct costing c = { .task = task, .a = a, .report = r, .arena = arena, .err = err };
	struct cost_rung *rungs = arena_array(arena, r->n_variants, sizeof(*rungs));
	size_t n_models;
	const char *const *models = settings_models(run->settings, arena, &n_models);

	c.recipes = variants_list(task, arena, models, n_models, &c.n_recipes);
	for (size_t i = 0; i < r->n_variants; i++) {
		if (isnan(variants[i].ms_mean)) /* it never answered */
			continue;
		if (!rung_of(&c, &variants[i], &rungs[i]))
			return false;
		variants[i].cost = &rungs[i];
	}
	for (size_t i = 0; i < r->n_variants; i++)
		if (variants[i].cost)
			summarise(&c, variants, rungs, i);
	return true;
}
