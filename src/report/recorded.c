/* recorded.c - replayed outcomes as a report: what was looked at stands under "test", what was not known stays unknown. */
#include "report/recorded.h"

#include <math.h>
#include <stdlib.h>

#include "report/costs.h"
#include "report/switching.h"
#include "report/words.h"
#include "stats/quantile.h"

struct telling {
	const struct recorded *r;
	struct posed *posed;
	const struct replay *replay;
	struct arena *arena;
	struct report *report;
};

/* Order statistics of the milliseconds that are known. */
static void time_variant(const struct recorded *r, const struct recorded_configuration *c, struct report_variant *v)
{
	const double *ms = c->measure[RECORDED_MS];
	double *known = mem_zero(r->n_items, sizeof(*known));
	size_t n = 0;

	for (size_t i = 0; ms && i < r->n_items; i++)
		if (!isnan(ms[i]))
			known[n++] = ms[i];
	v->ms_p50 = quantile(known, n, 0.5);
	v->ms_p95 = quantile(known, n, 0.95);
	free(known);
}

static struct report_variant variant_of(const struct telling *t, size_t k)
{
	static const enum variant_status statuses[] = { [ENTRANT_TESTED] = VARIANT_MEASURED, [ENTRANT_RACED_OUT] = VARIANT_RACED_OUT,
							[ENTRANT_SKIPPED] = VARIANT_SKIPPED };
	const struct entrant_outcomes *e = &t->posed->entrants[k];
	const struct recorded_configuration *c = &t->r->configurations[t->posed->configuration[k]];
	const struct candidate seen = { .score = e->score, .n = e->looked };
	struct score_interval s = decide_score(&t->posed->rule, &seen);
	struct report_variant v = {
		.id = e->id, .name = e->id, .model = c->model, .rung = e->rung, .candidate = e->state == ENTRANT_TESTED,
		.status = statuses[e->state], .why = e->why, .calls = e->looked, .usd_per_1k_right = NAN, .usd_per_day = NAN,
		.one_off_usd = NAN, .tco_usd = NAN, .break_even_days = NAN, .break_even_calls = NAN,
		.test = { e->looked, s.score, s.low, s.high },
		.input_tokens = recorded_mean(t->r, c, RECORDED_INPUT_TOKENS),
		.output_tokens = recorded_mean(t->r, c, RECORDED_OUTPUT_TOKENS),
		.usd_per_1k_calls = 1000 * recorded_mean(t->r, c, RECORDED_USD),
	};

	for (size_t i = 0; i < e->looked; i++)
		v.outcomes[e->score[i] >= 1 ? OUTCOME_RIGHT : OUTCOME_WRONG]++;
	if (s.score > 0)
		v.usd_per_1k_right = v.usd_per_1k_calls / s.score;
	time_variant(t->r, c, &v);
	return v;
}

/* Of the outcomes looked at; NAN as soon as one is not known. */
static double sum_looked(const struct telling *t, enum recorded_measure m)
{
	double sum = 0;

	for (size_t k = 0; k < t->posed->n; k++) {
		const double *values = t->r->configurations[t->posed->configuration[k]].measure[m];

		for (size_t i = 0; i < t->posed->entrants[k].looked; i++)
			sum += values ? values[t->posed->order[i]] : NAN;
	}
	return sum;
}

static void tell_verdict(const struct telling *t, struct report_variant *variants)
{
	const struct decide_result *result = &t->replay->result;
	struct report *out = t->report;

	out->comparisons = result->comparisons;
	out->n_comparisons = result->n_comparisons;
	out->targets = result->targets;
	out->n_targets = result->n_targets;
	out->verdict = result->verdict;
	for (size_t k = 0; k < t->posed->n; k++)
		if (t->posed->entrants[k].candidate == result->verdict.winner) {
			out->verdict.winner = k;
			variants[k].winner = true;
			break;
		}
}

static void tell_findings(const struct telling *t, const struct probes *probes)
{
	const struct posed *p = t->posed;
	const char **findings = arena_array(t->arena, probes->n_notes + p->n + 2, sizeof(*findings));
	const char *missing[COST_MISSING];
	size_t n = 0;

	if (p->left_out > 0)
		findings[n++] = arena_printf(t->arena, "%zu of %zu items are left out because a configuration lacks them (%s lacks most); everything "
					     "is paired on the %zu that all have.", p->left_out, p->left_out + p->rule.n_items,
					     p->entrants[p->lacking].id, p->rule.n_items);
	for (size_t k = 0; p->rule.climb_for != CLIMB_FOR_QUALITY && k < p->n; k++)
		if (cost_missing(&p->costs[k], &p->rule.traffic, missing) > 0)
			findings[n++] = arena_printf(t->arena, isnan(p->entrants[k].usd_per_call)
						     ? "What a call of %s costs is not known: no row of it has \"usd\"; costs do not count where it takes part."
						     : "What %s took once is not known; give --one-off USD. Costs do not count where it takes part.",
						     p->entrants[k].id);
	for (size_t i = 0; i < probes->n_notes; i++)
		findings[n++] = probes->notes[i];
	t->report->findings = findings;
	t->report->n_findings = n;
}

/* The costs of all, with the quality of what was looked at. */
static void tell_costs(const struct telling *t, struct report_variant *variants)
{
	struct posed *p = t->posed;

	for (size_t k = 0; p->costs && k < p->n; k++) {
		if (variants[k].test.n == 0)
			continue;
		p->costs[k].quality = variants[k].test.score;
		p->costs[k].quality_low = variants[k].test.low;
		p->costs[k].quality_high = variants[k].test.high;
		variants[k].cost = &p->costs[k];
	}
	if (p->costs)
		costs_rank(NULL, t->arena, t->report, variants, p->costs);
}

/* Models beside each other, over what was looked at: the best configuration of each was chosen on it too. */
static void tell_switching(const struct telling *t)
{
	const struct posed *p = t->posed;
	size_t n = p->rule.n_items;
	const double **scores = arena_array(t->arena, p->n + 1, sizeof(*scores));
	const char **items = arena_array(t->arena, n + 1, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = t->r->items[p->order[i]];
	for (size_t k = 0; k < p->n; k++) {
		double *score = arena_array(t->arena, n + 1, sizeof(*score));

		for (size_t i = 0; i < n; i++)
			score[i] = i < p->entrants[k].looked ? p->entrants[k].score[i] : NAN;
		scores[k] = score;
	}
	struct switch_scores looked = { .split = SWITCH_RECORDED, .score = scores, .items = items, .n = n, .cluster = p->rule.cluster,
					.binary = p->rule.binary };

	switching_rows(t->report, &looked, 1, t->arena);
}

static void tell_probes(struct report *out, const struct probes *probes)
{
	out->diagnosis = probes->findings;
	out->n_diagnosis = probes->n;
	out->probe.n = probes->rows_n;
	for (size_t row = 0; row < KNOWLEDGE_ROWS; row++)
		out->probe.score[row] = probes->rows[row];
}

bool report_recorded(const struct recorded *r, const struct pose_settings *settings, struct arena *arena, struct report *report,
		     struct error *err)
{
	struct posed posed;
	struct probes probes;

	if (!pose(&posed, r, settings, arena, err) || !probes_read(&probes, r, settings->margin, arena, err))
		return false;
	struct replay replay = replay_run(arena, &posed.rule, posed.entrants, posed.n);
	struct telling t = { r, &posed, &replay, arena, report };
	struct report_variant *variants = arena_array(arena, posed.n, sizeof(*variants));

	probes_conclude(arena, r, &probes, &posed, &replay.result.verdict);
	for (size_t k = 0; k < posed.n; k++)
		variants[k] = variant_of(&t, k);
	*report = (struct report){
		.origin = settings->n_ladder > 0 ? REPORT_POSED : REPORT_RECORDED, .task = r->set[0] ? r->set : r->file,
		.program = "rung 0.1.0", .seed = settings->seed, .alpha = settings->alpha, .margin = settings->margin,
		.target = settings->has_target ? settings->target : NAN, .plan = settings->plan,
		.examples = { .total = posed.left_out + posed.rule.n_items, .test = posed.rule.n_items },
		.variants = variants, .n_variants = posed.n, .majority_share = NAN, .cpu_usd_per_core_hour = NAN,
		.climb_for = settings->climb_for, .usd_per_label = settings->usd_per_label, .decided_at = settings->traffic, .traffic = settings->traffic,
		.calls_per_day = settings->traffic.calls_per_day, .horizon_days = settings->traffic.horizon_days,
	};
	tell_verdict(&t, variants);
	tell_costs(&t, variants);
	tell_switching(&t);
	words_next_step(report, arena);
	tell_findings(&t, &probes);
	tell_probes(report, &probes);
	report->spent.dev_calls = replay.looked;
	report->spent.dev_calls_full_grid = replay.full_grid;
	report->spent.usd = sum_looked(&t, RECORDED_USD);
	report->spent.seconds = sum_looked(&t, RECORDED_MS) / 1000;
	return true;
}
