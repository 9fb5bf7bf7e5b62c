/* costs.c - each variant of a report priced (eval/pricing.h), and set against its rival. */
#include "report/costs.h"

#include <math.h>
#include <string.h>

struct ranking {
	const struct task *task;
	const struct report *report;
	struct arena *arena;
};

static bool price_variant(const struct pricing *p, struct report_variant *v, struct cost_rung *r, struct error *err)
{
	struct report_score score = report_score_shown(v);
	struct worked w = { .id = v->id, .model = v->model, .rung = v->rung, .incumbent = v->incumbent, .passages = v->retrieval.n > 0,
			    .answers = v->dev.n + v->test.n, .calls = v->calls, .input_tokens = v->input_tokens,
			    .output_tokens = v->output_tokens, .usd = v->usd_recorded, .ms = v->ms_mean, .dev_score = v->dev.score };

	if (!pricing_rung(p, &w, r, &v->trained, err))
		return false;
	r->quality = score.score;
	r->quality_low = score.low;
	r->quality_high = score.high;
	return true;
}

static bool meets_target(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->n_targets; i++)
		if (strcmp(r->targets[i].variant, id) == 0)
			return r->targets[i].result == TARGET_YES;
	return false;
}

/* Good enough to be of's rival: no constraint rules it out; it is shown to meet the target where there is one; it may be worse where
 * errors have a price, for then that is counted; else it scores as well, up to the margin. */
static bool passes(const struct ranking *c, const struct report_variant *v, const struct report_variant *of)
{
	const struct report *r = c->report;

	if (v->test.n == 0 || of->test.n == 0 || v->ruled_out)
		return false;
	if (isfinite(r->target))
		return meets_target(r, v->id);
	return r->traffic.usd_per_error > 0 || v->test.score >= of->test.score - r->margin;
}

/* Where costs count in the verdict, its champion of that moment is the rival, so that both speak of the same days; NULL: it was not
 * compared, or a target decides. */
static const struct cost_rung *rival_of_verdict(const struct report *r, const struct report_variant *v)
{
	if (r->climb_for == CLIMB_FOR_QUALITY || (isfinite(r->target) && meets_target(r, v->id)))
		return NULL;
	for (size_t i = 0; i < r->n_comparisons; i++) {
		const struct report_variant *from = report_find(r, r->comparisons[i].from);

		if (strcmp(r->comparisons[i].to, v->id) == 0 && from && from->rung <= v->rung)
			return from->cost;
	}
	return NULL;
}

static void summarise(const struct ranking *c, struct report_variant *variants, struct cost_rung *rungs, size_t at)
{
	const struct report *r = c->report;
	struct report_variant *v = &variants[at];
	const struct cost_rung *rival = rival_of_verdict(r, v);

	for (size_t i = 0; i < r->n_variants; i++)
		rungs[i].passes = variants[i].cost && passes(c, &variants[i], v);
	if (!rival)
		rival = cost_rival(rungs, r->n_variants, &rungs[at], &r->traffic);
	struct cost_summary s = cost_summary_of(&rungs[at], rival, &r->traffic);

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

bool costs_price(const struct task *task, struct store *store, const struct run_row *run, const struct cost_assumptions *a,
		 struct arena *arena, size_t n, struct report_variant *variants, struct cost_rung **rungs, struct error *err)
{
	struct pricing p = { .task = task, .a = a, .arena = arena };

	*rungs = arena_array(arena, n, sizeof(**rungs));
	if (!run_variants(task, store, run, arena, &p.recipes, &p.n_recipes, err) || !pricing_texts(&p, store, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (isnan(variants[i].ms_mean)) /* it never answered */
			continue;
		if (!price_variant(&p, &variants[i], &(*rungs)[i], err))
			return false;
		variants[i].cost = &(*rungs)[i];
	}
	return true;
}

void costs_rank(const struct task *task, struct arena *arena, const struct report *r, struct report_variant *variants,
		struct cost_rung *rungs)
{
	struct ranking c = { task, r, arena };

	for (size_t i = 0; i < r->n_variants; i++)
		if (variants[i].cost)
			summarise(&c, variants, rungs, i);
}
