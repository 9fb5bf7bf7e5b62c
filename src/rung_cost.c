/* rung_cost.c - the public API over the cost equation: options to assumptions, then the rows of a climb or two models by name. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "rung_cost_inner.h"

static const size_t prices_bytes = (size_t)64 << 20;

const struct rung_cost_options rung_cost_nothing_given = {
	.calls_per_day = -1, .horizon_days = -1, .cost_per_error = -1, .target = -1, .price_decline = -1, .batch_share = -1, .cache_hit = -1,
	.prefix_tokens = -1, .retry_share = -1, .retrieval_per_call = -1, .guard_per_call = -1, .one_off = -1, .hours = -1, .hour_rate = -1,
	.labels = -1, .label_cost = -1, .failed_runs = -1, .epochs = -1, .training_tokens = -1, .training_price = -1, .gpu_hours = -1,
	.gpu_hour_rate = -1, .evaluation = -1, .hosting_per_day = -1, .gpus = -1, .storage_per_day = -1, .upkeep_per_day = -1,
	.retrain_every = -1, .retrain_cost = -1, .retired_after = -1, .rebuild_cost = -1, .escalated = -1, .quality = -1, .to_quality = -1,
};

/* --- what cannot be ------------------------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct rung_cost_options, member)
enum wanted { ABOVE_0, SHARE, SHARE_BELOW_1, SCORE };

/* Numbers that have bounds beside 0. */
static const struct { const char *flag; size_t at; enum wanted wanted; } bounds[] = {
	{ "--calls-per-day", AT(calls_per_day), ABOVE_0 }, { "--horizon", AT(horizon_days), ABOVE_0 },
	{ "--retrain-every", AT(retrain_every), ABOVE_0 }, { "--batch-share", AT(batch_share), SHARE },
	{ "--cache-hit", AT(cache_hit), SHARE }, { "--escalated", AT(escalated), SHARE }, { "--quality", AT(quality), SHARE },
	{ "--to-quality", AT(to_quality), SHARE }, { "--price-decline", AT(price_decline), SHARE_BELOW_1 },
	{ "--target", AT(target), SCORE },
};

/* A number that means nothing without the other, which nobody can guess. */
static const struct { const char *flag; size_t at; const char *other; size_t other_at; } pairs[] = {
	{ "--hours", AT(hours), "--hour-rate", AT(hour_rate) }, { "--labels", AT(labels), "--label-cost", AT(label_cost) },
	{ "--gpu-hours", AT(gpu_hours), "--gpu-hour-rate", AT(gpu_hour_rate) },
	{ "--gpus", AT(gpus), "--gpu-hour-rate", AT(gpu_hour_rate) },
	{ "--training-tokens", AT(training_tokens), "--training-price", AT(training_price) },
	{ "--prefix", AT(prefix_tokens), "--cache-hit", AT(cache_hit) },
	{ "--retrain-cost", AT(retrain_cost), "--retrain-every", AT(retrain_every) },
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
			return error_set(err, "%s 0 leaves nothing to count; give a number above 0, or leave the option out",
					 bounds[i].flag);
		if (bounds[i].wanted == SHARE && x > 1)
			return error_set(err, "%s %g is no share; give a number from 0 to 1", bounds[i].flag, x);
		if (bounds[i].wanted == SHARE_BELOW_1 && x >= 1)
			return error_set(err, "%s %g is no share below 1; 0.3 means that prices fall by 30 %% a year", bounds[i].flag, x);
		if (bounds[i].wanted == SCORE && x >= 1)
			return error_set(err, "%s %g is no score below 1; give a share such as 0.9, or 0 for none", bounds[i].flag, x);
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (number_at(o, pairs[i].at) > 0 && number_at(o, pairs[i].other_at) < 0)
			return error_set(err, "%s needs %s as well, which is not guessed", pairs[i].flag, pairs[i].other);
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
		return error_set(err, "--calls-range \"%.100s\" is not LOW-HIGH with numbers of calls a day above 0, such as 20000-80000",
				 text);
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
	a->default_horizon_days = COST_HORIZON;
	a->target = o->target;
	a->decides = o->calls_per_day >= 0 || o->calls_range || o->horizon_days >= 0 || o->cost_per_error >= 0;
	a->setup = (struct cost_setup){
		.hours = given(o->hours), .usd_per_hour = given(o->hour_rate), .labels = given(o->labels),
		.usd_per_label = given(o->label_cost), .failed_runs = given(o->failed_runs),
		.epochs = o->epochs > 0 ? o->epochs : 1, .epoch_tokens = given(o->training_tokens),
		.training_usd_per_mtok = given(o->training_price), .gpu_hours = given(o->gpu_hours),
		.usd_per_gpu_hour = given(o->gpu_hour_rate),
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

static void write_date(time_t moment, char out[COST_DATE])
{
	struct tm parts;

	gmtime_r(&moment, &parts);
	strftime(out, COST_DATE, "%Y-%m-%d", &parts);
}

/* The day of a price file: the one in its name, as such files are kept; else when it was last written. */
static void date_of(const char *path, char out[COST_DATE])
{
	const char *name = strrchr(path, '/');
	struct stat s;
	long day;

	for (const char *at = name ? name + 1 : path; strlen(at) >= COST_DATE - 1; at++) {
		memcpy(out, at, COST_DATE - 1);
		out[COST_DATE - 1] = '\0';
		if (price_day(out, &day))
			return;
	}
	write_date(stat(path, &s) == 0 ? s.st_mtime : 0, out);
}

static bool read_prices(struct question *q, struct error *err)
{
	const struct rung_cost_options *o = q->o;
	char date[COST_DATE];
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

static bool answer(struct question *q, struct what_if *w, struct error *err)
{
	const struct rung_cost_options *o = q->o;
	bool with_task = q->r->options.task != NULL;

	if (!within_bounds(o, err) || !read_range(q, err))
		return false;
	if (with_task && (o->tokens || o->to_tokens || o->quality >= 0 || o->to_quality >= 0 || o->escalated >= 0))
		return error_set(err, "--tokens, --to-tokens, --quality, --to-quality and --escalated are for models without a task; a task has "
				      "them measured");
	if (!with_task && o->target >= 0)
		return error_set(err, "--target needs a task, whose candidates were measured against one another");
	if (with_task && !o->from != !o->to)
		return error_set(err, "--from and --to go together: the ids of two variants");
	assume(q);
	return read_prices(q, err) && (with_task ? cost_ask_climb : cost_ask_models)(q, w, err);
}

enum rung_status rung_cost(struct rung *r, const struct rung_cost_options *o, bool json, char **text, struct rung_error *err)
{
	struct arena arena;
	struct question q = { .r = r, .o = o, .a = costs_nothing_assumed, .prices = price_table_open(), .arena = &arena };
	struct what_if w = { 0 };
	struct buf out = { 0 };
	struct error e;

	arena_init(&arena);
	clock_today(q.today);
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
