/* rung_cost_rows.c - whose costs are told: the candidates of a climb, or two models by name; and what is to be noted about them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "rung_cost_inner.h"

/* --- notes ------------------------------------------------------------------------------------------------------------ */

static void note(struct question *q, const char *sentence)
{
	for (size_t i = 0; i < q->n_notes; i++)
		if (strcmp(q->notes[i], sentence) == 0)
			return;
	if (q->n_notes < q->room)
		q->notes[q->n_notes++] = sentence;
}

static void note_doubts(struct question *q, const struct price_model *m)
{
	const char *sentences[PRICE_DOUBTS];
	size_t n = m ? price_doubts(q->prices, m, q->today, q->arena, sentences) : 0;

	for (size_t i = 0; i < n; i++)
		note(q, sentences[i]);
	if (m && isfinite(price_days_left(m, q->today)))
		note(q, arena_printf(q->arena, "%s cannot be asked any more from %s on, in %.0f days.", m->name, m->retired_on,
				     price_days_left(m, q->today)));
}

/* An option that names a model which nothing is priced by is a slip of the pen. */
static bool named_used(const char *flag, const char *text, const struct price_model *const *models, size_t n, struct error *err)
{
	const char *equals = strrchr(text, '=');

	for (size_t i = 0; equals && i < n; i++)
		if (models[i] && strlen(models[i]->name) == (size_t)(equals - text) &&
		    strncmp(models[i]->name, text, (size_t)(equals - text)) == 0)
			return true;
	return !equals || error_set(err, "%s %.200s: nothing here uses that model; name it as the task does, or by the id of a variant", flag,
				    text);
}

/* models (n): what the rungs are priced by, NULL where by nothing. */
static bool all_used(const struct question *q, const struct price_model *const *models, size_t n, struct error *err)
{
	for (size_t i = 0; i < q->o->n_price; i++)
		if (!named_used("--price", q->o->price[i], models, n, err))
			return false;
	for (size_t i = 0; i < q->o->n_region_factor; i++)
		if (!named_used("--region-factor", q->o->region_factor[i], models, n, err))
			return false;
	return true;
}

/* "the input price and the output price of NAME"; NULL when everything is known. */
static const char *missing_of(const struct question *q, const struct cost_rung *r)
{
	const char *names[COST_MISSING];
	size_t n = cost_missing(r, &q->a.traffic, names);
	struct buf out = { 0 };

	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " and ", names[i]);
	const char *text = n ? arena_string(q->arena, buf_text(&out)) : NULL;

	buf_release(&out);
	return text;
}

/* --- of a climb ------------------------------------------------------------------------------------------------------- */

static void note_variant(struct question *q, const struct report_variant *v)
{
	const char *missing = missing_of(q, v->cost);
	const char *priced = v->model ? v->model : v->id;

	note_doubts(q, pricing_model(q->prices, v->id, v->model));
	if (missing)
		note(q, arena_printf(q->arena, "What %s costs is not known: there is no %s. Prices are given with --price %s=IN/OUT[/CACHED]; "
				     "the time that training took stands on the cards of models that were trained here.", v->id, missing, priced));
}

static const struct report_variant *find_variant(struct question *q, const struct report *report, const char *flag, const char *id,
						 struct error *err)
{
	const struct report_variant *v = report_find(report, id);

	if (v && v->cost)
		return v;
	error_set(err, "%s \"%.200s\" is no variant that was measured; `rung report %s` lists them", flag, id, q->r->options.task);
	return NULL;
}

/* The two that the user names, or every candidate. */
static bool choose_rows(struct question *q, const struct report *report, struct what_if *w, struct error *err)
{
	struct cost_summary *rows = arena_array(q->arena, report->n_variants + 2, sizeof(*rows));
	const struct rung_cost_options *o = q->o;

	w->rows = rows;
	if (o->from) {
		const struct report_variant *from = find_variant(q, report, "--from", o->from, err);
		const struct report_variant *to = from ? find_variant(q, report, "--to", o->to, err) : NULL;

		if (!to)
			return false;
		rows[w->n++] = cost_summary_of(from->cost, NULL, &w->traffic);
		rows[w->n++] = cost_summary_of(to->cost, from->cost, &w->traffic);
		note_variant(q, from);
		note_variant(q, to);
		return true;
	}
	for (size_t i = 0; i < report->n_variants; i++) {
		const struct report_variant *v = &report->variants[i];

		if (!v->cost || v->test.n == 0)
			continue;
		rows[w->n++] = cost_summary_of(v->cost, v->rival_cost, &w->traffic);
		note_variant(q, v);
	}
	return true;
}

/* Asked anew at another target, or at another traffic where costs count. */
static const char *note_verdict(struct question *q, const struct report *r, const struct report_variant *winner)
{
	static const char *const meets[] = { "", ", which meets it", ", which misses it", ", of which it is not shown whether it meets it" };
	const char *target = isnan(r->target) ? "without a target" : arena_printf(q->arena, "with a target of %g", r->target);

	return arena_printf(q->arena, "At these settings, %s, the verdict is: %s, %s%s. What is chosen after looking is a what-if: the error rate "
			    "that was promised holds for what was named before the climb.", target,
			    verdict_kind_name(r->verdict.decision), winner->id, meets[r->verdict.meets_target]);
}

bool cost_ask_climb(struct question *q, struct what_if *w, struct error *err)
{
	struct report *report = mem_zero(1, sizeof(*report));
	bool done = rung_last_report(q->r, &q->a, report, err);

	if (done) {
		const struct price_model **models = arena_array(q->arena, report->n_variants + 2, sizeof(const struct price_model *));
		const char *const beside[] = { q->r->task->embedding, q->r->task->rerank };
		size_t n = report->n_variants;

		for (size_t i = 0; i < n; i++)
			models[i] = pricing_model(q->prices, report->variants[i].id, report->variants[i].model);
		for (size_t i = 0; i < 2; i++)
			if (beside[i])
				models[n++] = pricing_model(q->prices, beside[i], beside[i]);
		done = all_used(q, models, n, err);
	}
	if (done) {
		const struct report_variant *winner = report_winner(report);

		q->room = (PRICE_DOUBTS + 2) * (report->n_variants + 1);
		q->notes = arena_array(q->arena, q->room, sizeof(*q->notes));
		w->task = q->r->task->name;
		w->traffic = q->a.traffic;
		w->winner = winner ? winner->id : NULL;
		w->target = report->target;
		w->decision = verdict_kind_name(report->verdict.decision);
		w->meets_target = meets_target_name(report->verdict.meets_target);
		if (winner && (q->o->target >= 0 || (q->a.decides && report->climb_for != CLIMB_FOR_QUALITY)))
			note(q, note_verdict(q, report, winner));
		if (w->traffic.calls_per_day <= 0)
			note(q, "The task names no traffic, so that nothing is said over time: give --calls-per-day.");
		done = choose_rows(q, report, w, err);
	}
	free(report);
	return done;
}

/* --- of two models ---------------------------------------------------------------------------------------------------- */

static bool read_tokens(const char *flag, const char *text, struct cost_call *call, struct error *err)
{
	double *const fields[] = { &call->input_tokens, &call->output_tokens, &call->prefix_tokens };
	const char *at = text;
	bool read = false;

	call->prefix_tokens = 0;
	for (size_t i = 0; i < 3; i++) {
		char *end;

		*fields[i] = strtod(at, &end);
		if (end == at || *at == '-' || !isfinite(*fields[i]) || (*end && *end != '/'))
			break;
		read = !*end && i > 0;
		at = end + 1;
		if (!*end)
			break;
	}
	if (!read || call->prefix_tokens > call->input_tokens || call->input_tokens + call->output_tokens <= 0)
		return error_set(err, "%s \"%.100s\" is not IN/OUT or IN/OUT/PREFIX: tokens of a call, those of them that every call begins "
				      "with being part of IN", flag, text);
	return true;
}

/* Reads "MODEL" or "MODEL=IN/OUT[/CACHED]" and returns the name, which lives in the table. */
static const char *name_of(struct question *q, const char *flag, const char *text, struct error *err)
{
	size_t bad;

	if (!text_valid(text, strlen(text), &bad) || !*text) {
		error_set(err, "%s: the name of a model is text in UTF-8 and not empty", flag);
		return NULL;
	}
	if (strchr(text, '=')) {
		const char *name = price_table_set(q->prices, text, q->today, err);

		if (!name)
			error_prefix(err, "%s", flag);
		return name;
	}
	if (price_table_find(q->prices, text))
		return text;
	error_set(err, "%s %.200s: no price of this model is known; give it as %s %.200s=IN/OUT[/CACHED], US dollars per million tokens, "
		       "or a table with --prices FILE", flag, text, flag, text);
	return NULL;
}

static void fill_rung(const struct question *q, const char *name, int rung, double quality, struct cost_rung *r)
{
	const struct price_model *m = price_table_find(q->prices, name);
	struct cost_call *c = &r->call;

	r->name = name;
	r->rung = rung;
	r->passes = true;
	r->quality = r->quality_low = r->quality_high = quality >= 0 ? quality : NAN;
	c->prefix_tokens = cost_cacheable(c->prefix_tokens, m->cache_minimum_tokens);
	c->hit_share = q->a.hit_share;
	c->usd_per_mtok = price_of(m);
	c->batch_share = q->a.batch_share;
	c->batch_discount = price_batch_discount(m);
	c->retry_share = q->a.retry_share;
	c->region_factor = price_region_factor(q->prices, m);
	c->retrieval_usd = q->a.retrieval_usd;
	r->daily.retired_after_days = fmin(r->daily.retired_after_days, price_days_left(m, q->today));
}

static bool two_known(struct question *q, const struct cost_rung rungs[2], struct error *err)
{
	static const char *const flags[] = { "--from", "--to" };

	for (size_t i = 0; i < 2; i++) {
		const char *missing = missing_of(q, &rungs[i]);

		note_doubts(q, price_table_find(q->prices, rungs[i].name));
		if (missing && strcmp(missing, "quality") == 0)
			return error_set(err, "the quality of %.200s is not known, and errors cost: give %s", rungs[i].name,
					 i ? "--to-quality" : "--quality");
		if (missing)
			return error_set(err, "the %s of %.200s is not known and no other is put in its place; give %s MODEL=IN/OUT/CACHED",
					 missing, rungs[i].name, flags[i]);
	}
	return true;
}

/* A cascade: `to` is asked first and hands some calls on. */
static void note_cascade(struct question *q, const struct cost_rung rungs[2])
{
	struct cost_call alone = rungs[1].call;
	double large = cost_call_usd(&rungs[0].call);

	if (q->o->escalated < 0)
		return;
	alone.escalated_share = 0;
	double limit = cost_cascade_limit(cost_call_usd(&alone), 0, large); /* the guard is the check, and in it already */

	if (limit > 0)
		note(q, arena_printf(q->arena, "As a cascade it costs less than %s alone while it hands on fewer than %.1f %% of its calls; "
				     "%.1f %% are assumed.", rungs[0].name, 100 * limit, 100 * q->o->escalated));
	else
		note(q, arena_printf(q->arena, "As a cascade it cannot pay: %s alone costs as much as asking %s and checking.", rungs[0].name,
				     rungs[1].name));
}

static bool complete(const struct rung_cost_options *o, struct error *err)
{
	if (!o->from || !o->to || !o->tokens)
		return error_set(err, "without a task, say what is compared: --from MODEL[=IN/OUT] --to MODEL[=IN/OUT] --tokens IN/OUT and "
				      "--calls-per-day N");
	if (o->calls_per_day < 0 && !o->calls_range)
		return error_set(err, "--calls-per-day is missing: without traffic nothing pays back or does not");
	return true;
}

bool cost_ask_models(struct question *q, struct what_if *w, struct error *err)
{
	const struct rung_cost_options *o = q->o;
	struct cost_rung *rungs = arena_array(q->arena, 2, sizeof(*rungs));
	struct cost_summary *rows = arena_array(q->arena, 2, sizeof(*rows));

	rungs[0] = rungs[1] = cost_rung_default;
	rungs[1].setup = q->a.setup;
	rungs[1].daily = q->a.daily;
	if (!complete(o, err) || !read_tokens("--tokens", o->tokens, &rungs[0].call, err) ||
	    !read_tokens(o->to_tokens ? "--to-tokens" : "--tokens", o->to_tokens ? o->to_tokens : o->tokens, &rungs[1].call, err))
		return false;
	if (rungs[0].call.prefix_tokens + rungs[1].call.prefix_tokens > 0 && o->cache_hit < 0)
		return error_set(err, "tokens with a PREFIX need --cache-hit as well: the share of calls that find it kept is not guessed");
	const char *from = name_of(q, "--from", o->from, err), *to = from ? name_of(q, "--to", o->to, err) : NULL;

	if (!to)
		return false;
	if (strcmp(from, to) == 0)
		return error_set(err, "--from and --to are both called %.200s; give them two names", to);
	q->a.traffic.usd_per_error = given(o->cost_per_error);
	q->a.traffic.horizon_days = o->horizon_days > 0 ? o->horizon_days : COST_HORIZON;
	fill_rung(q, from, 0, o->quality, &rungs[0]);
	fill_rung(q, to, 1, o->to_quality, &rungs[1]);
	rungs[1].call.guard_usd = q->a.guard_usd;
	rungs[1].call.escalated_share = given(o->escalated);
	rungs[1].call.escalation_usd = cost_call_usd(&rungs[0].call);
	costs_repeat_setup(&rungs[1]);
	q->room = 4 * PRICE_DOUBTS;
	q->notes = arena_array(q->arena, q->room, sizeof(*q->notes));
	const struct price_model *models[] = { price_table_find(q->prices, from), price_table_find(q->prices, to) };

	if (!two_known(q, rungs, err) || !all_used(q, models, 2, err))
		return false;
	note_cascade(q, rungs);
	w->traffic = q->a.traffic;
	rows[0] = cost_summary_of(&rungs[0], NULL, &w->traffic);
	rows[1] = cost_summary_of(&rungs[1], &rungs[0], &w->traffic);
	if (o->escalated > 0) /* the rival's price is in both of them */
		rows[1].price = (struct cost_tip){ COST_UNKNOWN, NAN };
	w->rows = rows;
	w->n = 2;
	return true;
}
