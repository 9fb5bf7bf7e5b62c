/* rung_cost.c - the public API over the cost equation: options to assumptions, then the rows of a climb or two models by name. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "report/what_if.h"
#include "rung_inner.h"

enum { HORIZON = 90, DATE = 11 };
static const size_t prices_bytes = (size_t)64 << 20;

const struct rung_cost_options rung_cost_nothing_given = {
	.calls_per_day = -1, .horizon_days = -1, .cost_per_error = -1, .price_decline = -1, .batch_share = -1, .cache_hit = -1,
	.prefix_tokens = -1, .retry_share = -1, .retrieval_per_call = -1, .guard_per_call = -1, .one_off = -1, .hours = -1, .hour_rate = -1,
	.labels = -1, .label_cost = -1, .failed_runs = -1, .epochs = -1, .training_tokens = -1, .training_price = -1, .gpu_hours = -1,
	.gpu_hour_rate = -1, .evaluation = -1, .hosting_per_day = -1, .gpus = -1, .storage_per_day = -1, .upkeep_per_day = -1,
	.retrain_every = -1, .retrain_cost = -1, .retired_after = -1, .rebuild_cost = -1, .escalated = -1, .quality = -1, .to_quality = -1,
};

/* One question on its way: what it assumes, and what it is answered with. */
struct question {
	struct rung *r;
	const struct rung_cost_options *o;
	struct cost_assumptions a;
	struct price_table *prices;
	char today[DATE];
	struct arena *arena;
	const char **notes;
	size_t n_notes, room;
};

static double given(double x)
{
	return x > 0 ? x : 0;
}

/* --- what cannot be ------------------------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct rung_cost_options, member)
enum wanted { ABOVE_0, SHARE, SHARE_BELOW_1 };

/* Numbers that have bounds beside 0. */
static const struct { const char *flag; size_t at; enum wanted wanted; } bounds[] = {
	{ "--calls-per-day", AT(calls_per_day), ABOVE_0 }, { "--horizon", AT(horizon_days), ABOVE_0 },
	{ "--retrain-every", AT(retrain_every), ABOVE_0 }, { "--batch-share", AT(batch_share), SHARE },
	{ "--cache-hit", AT(cache_hit), SHARE }, { "--escalated", AT(escalated), SHARE }, { "--quality", AT(quality), SHARE },
	{ "--to-quality", AT(to_quality), SHARE }, { "--price-decline", AT(price_decline), SHARE_BELOW_1 },
};

/* A number that means nothing without the other, which nobody can guess. */
static const struct { const char *flag; size_t at; const char *other; size_t other_at; } pairs[] = {
	{ "--hours", AT(hours), "--hour-rate", AT(hour_rate) }, { "--labels", AT(labels), "--label-cost", AT(label_cost) },
	{ "--gpu-hours", AT(gpu_hours), "--gpu-hour-rate", AT(gpu_hour_rate) }, { "--gpus", AT(gpus), "--gpu-hour-rate", AT(gpu_hour_rate) },
	{ "--training-tokens", AT(training_tokens), "--training-price", AT(training_price) },
	{ "--prefix", AT(prefix_tokens), "--cache-hit", AT(cache_hit) },
};

static double number_at(const struct rung_cost_options *o, size_t at)
{
	return *(const double *)(const void *)((const char *)o + at);
}

static bool within_bounds(const struct rung_cost_options *o, struct error *err)
{
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		double x = number_at(o, bounds[i].at);

		if (bounds[i].wanted == ABOVE_0 && x == 0)
			return error_set(err, "%s 0 leaves nothing to count; give a number above 0, or leave the option out", bounds[i].flag);
		if (bounds[i].wanted == SHARE && x > 1)
			return error_set(err, "%s %g is no share; give a number from 0 to 1", bounds[i].flag, x);
		if (bounds[i].wanted == SHARE_BELOW_1 && x >= 1)
			return error_set(err, "%s %g is no share below 1; 0.3 means that prices fall by 30 %% a year", bounds[i].flag, x);
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (number_at(o, pairs[i].at) > 0 && number_at(o, pairs[i].other_at) < 0)
			return error_set(err, "%s needs %s as well: what it costs is not guessed", pairs[i].flag, pairs[i].other);
	return true;
}

/* --- assumptions ----------------------------------------------------------------------------------------------------- */

static bool read_range(struct question *q, struct error *err)
{
	struct cost_traffic *t = &q->a.traffic;
	const char *text = q->o->calls_range;
	char *end;

	t->calls_per_day = t->calls_low = t->calls_high = q->o->calls_per_day;
	if (!text)
		return true;
	t->calls_low = strtod(text, &end);
	t->calls_high = *end == '-' ? strtod(end + 1, &end) : NAN;
	if (*end || !isfinite(t->calls_high) || !(t->calls_low > 0) || t->calls_low > t->calls_high)
		return error_set(err, "--calls-range \"%.100s\" is not LOW-HIGH with numbers of calls a day above 0, such as 20000-80000", text);
	if (t->calls_per_day > 0 && (t->calls_per_day < t->calls_low || t->calls_per_day > t->calls_high))
		return error_set(err, "--calls-per-day %g is not within --calls-range %.100s", t->calls_per_day, text);
	if (t->calls_per_day < 0)
		t->calls_per_day = (t->calls_low + t->calls_high) / 2;
	return true;
}

static void assume(struct question *q)
{
	const struct rung_cost_options *o = q->o;
	struct cost_assumptions *a = &q->a;

	a->traffic.horizon_days = o->horizon_days;
	a->traffic.usd_per_error = o->cost_per_error;
	a->traffic.price_decline = given(o->price_decline);
	a->default_horizon_days = HORIZON;
	a->setup = (struct cost_setup){
		.hours = given(o->hours), .usd_per_hour = given(o->hour_rate), .labels = given(o->labels), .usd_per_label = given(o->label_cost),
		.failed_runs = given(o->failed_runs), .epochs = o->epochs > 0 ? o->epochs : 1, .epoch_tokens = given(o->training_tokens),
		.training_usd_per_mtok = given(o->training_price), .gpu_hours = given(o->gpu_hours), .usd_per_gpu_hour = given(o->gpu_hour_rate),
		.evaluation_usd = given(o->evaluation), .other_usd = given(o->one_off),
	};
	a->daily = (struct cost_daily){
		.hosting_usd = given(o->hosting_per_day), .storage_usd = given(o->storage_per_day), .upkeep_usd = given(o->upkeep_per_day),
		.gpus = given(o->gpus), .usd_per_gpu_hour = given(o->gpu_hour_rate),
		.retraining_usd = o->retrain_cost >= 0 ? o->retrain_cost : NAN,
		.retrain_every_days = o->retrain_every > 0 ? o->retrain_every : INFINITY,
		.retired_after_days = o->retired_after >= 0 ? o->retired_after : INFINITY,
		.rebuild_usd = o->rebuild_cost >= 0 ? o->rebuild_cost : NAN,
	};
	a->prefix_tokens = given(o->prefix_tokens);
	a->hit_share = given(o->cache_hit);
	a->batch_share = given(o->batch_share);
	a->retry_share = given(o->retry_share);
	a->retrieval_usd = given(o->retrieval_per_call);
	a->guard_usd = given(o->guard_per_call);
}

static void write_date(time_t moment, char out[DATE])
{
	struct tm parts;

	gmtime_r(&moment, &parts);
	strftime(out, DATE, "%Y-%m-%d", &parts);
}

/* The day of a price file: the one in its name, as such files are kept; else when it was last written. */
static void date_of(const char *path, char out[DATE])
{
	const char *name = strrchr(path, '/');
	struct stat s;
	long day;

	for (const char *at = name ? name + 1 : path; strlen(at) >= DATE - 1; at++) {
		memcpy(out, at, DATE - 1);
		out[DATE - 1] = '\0';
		if (price_day(out, &day))
			return;
	}
	write_date(stat(path, &s) == 0 ? s.st_mtime : 0, out);
}

static bool read_prices(struct question *q, struct error *err)
{
	const struct rung_cost_options *o = q->o;
	char date[DATE];
	size_t n, bad;
	char *bytes = o->prices ? file_read(o->prices, prices_bytes, &n, err) : NULL;
	bool done = !o->prices || bytes;

	if (bytes) {
		date_of(o->prices, date);
		done = price_table_read(q->prices, bytes, n, o->prices, date, err);
	}
	free(bytes);
	for (size_t i = 0; done && i < o->n_price; i++) {
		done = text_valid(o->price[i], strlen(o->price[i]), &bad) || error_set(err, "--price: the name of the model is not UTF-8");
		done = done && (price_table_set(q->prices, o->price[i], q->today, err) || error_prefix(err, "--price"));
	}
	for (size_t i = 0; done && i < o->n_region_factor; i++)
		done = price_table_factor(q->prices, o->region_factor[i], err);
	return done;
}

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
	return !equals || error_set(err, "%s %.200s: nothing here uses that model; name it as the task does, or by the id of a variant", flag, text);
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

	note_doubts(q, costs_price(q->prices, v));
	if (missing)
		note(q, arena_printf(q->arena, "What %s costs is not known: there is no %s. Prices are given with --price %s=IN/OUT[/CACHED]; the time "
				     "that training took stands on the cards of models that were trained here.", v->id, missing, priced));
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

static bool ask_climb(struct question *q, struct what_if *w, struct error *err)
{
	struct report *report = mem_zero(1, sizeof(*report));
	bool done = rung_last_report(q->r, &q->a, report, err);

	if (done) {
		const struct price_model **models = arena_array(q->arena, report->n_variants + 1, sizeof(const struct price_model *));

		for (size_t i = 0; i < report->n_variants; i++)
			models[i] = costs_price(q->prices, &report->variants[i]);
		done = all_used(q, models, report->n_variants, err);
	}
	if (done) {
		const struct report_variant *winner = report_winner(report);

		q->room = 4 * PRICE_DOUBTS + report->n_variants;
		q->notes = arena_array(q->arena, q->room, sizeof(*q->notes));
		w->task = q->r->task->name;
		w->traffic = q->a.traffic;
		w->winner = winner ? winner->id : NULL;
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
		return error_set(err, "%s \"%.100s\" is not IN/OUT or IN/OUT/PREFIX: tokens of a call, those of them that every call begins with "
				      "being part of IN", flag, text);
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
	error_set(err, "%s %.200s: no price of this model is known; give it as %s %.200s=IN/OUT[/CACHED], US dollars per million tokens, or a "
		       "table with --prices FILE", flag, text, flag, text);
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
			return error_set(err, "the %s of %.200s is not known and no other is put in its place; give %s MODEL=IN/OUT/CACHED", missing,
					 rungs[i].name, flags[i]);
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

	note(q, limit > 0 ? arena_printf(q->arena, "As a cascade it costs less than %s alone while it hands on fewer than %.1f %% of its calls; %.1f %% are "
					 "assumed.", rungs[0].name, 100 * limit, 100 * q->o->escalated)
			  : arena_printf(q->arena, "As a cascade it cannot pay: %s alone costs as much as asking %s and checking.", rungs[0].name,
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

static bool ask_models(struct question *q, struct what_if *w, struct error *err)
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
	q->a.traffic.horizon_days = o->horizon_days > 0 ? o->horizon_days : HORIZON;
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

static bool answer(struct question *q, struct what_if *w, struct error *err)
{
	const struct rung_cost_options *o = q->o;
	bool with_task = q->r->options.task != NULL;

	if (!within_bounds(o, err) || !read_range(q, err))
		return false;
	if (with_task && (o->tokens || o->to_tokens || o->quality >= 0 || o->to_quality >= 0 || o->escalated >= 0))
		return error_set(err, "--tokens, --to-tokens, --quality, --to-quality and --escalated are for models without a task; a task has them "
				      "measured");
	if (with_task && !o->from != !o->to)
		return error_set(err, "--from and --to go together: the ids of two variants");
	assume(q);
	return read_prices(q, err) && (with_task ? ask_climb : ask_models)(q, w, err);
}

enum rung_status rung_cost(struct rung *r, const struct rung_cost_options *o, bool json, char **text, struct rung_error *err)
{
	struct arena arena;
	struct question q = { .r = r, .o = o, .a = costs_nothing_assumed, .prices = price_table_open(), .arena = &arena };
	struct what_if w = { 0 };
	struct buf out = { 0 };
	struct error e;

	arena_init(&arena);
	write_date(time(NULL), q.today);
	q.a.prices = q.prices;
	q.a.today = q.today;
	bool done = answer(&q, &w, &e);

	if (done) {
		w.notes = q.notes;
		w.n_notes = q.n_notes;
		(json ? what_if_write_json : what_if_write_text)(&w, &out);
	}
	price_table_free(q.prices);
	arena_release(&arena);
	if (!done)
		return rung_failed(RUNG_INPUT, &e, err);
	*text = rung_handed_over(&out);
	return RUNG_OK;
}
