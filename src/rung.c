/* rung.c - the public API over the modules: opens task, store and models in the right order, and nothing else. */
#include "rung_inner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "eval/check.h"
#include "eval/preview.h"
#include "model/registry.h"
#include "report/build.h"
#include "report/human.h"
#include "retrieve/library.h"
#include "task/outcomes.h"
#include "task/scorer.h"
#include "tune/copies.h"
#include "variant/show.h"

struct rung *rung_open(const struct rung_options *options)
{
	struct rung *r = mem_zero(1, sizeof(*r));

	r->options = *options;
	r->meets_target = -1;
	arena_init(&r->arena);
	return r;
}

static void forget(struct rung *r)
{
	workshop_free(r->workshop);
	library_close(r->library);
	store_close(r->store);
	task_free(r->task);
	r->workshop = NULL;
	r->library = NULL;
	r->store = NULL;
	r->task = NULL;
	r->winner = NULL;
	arena_release(&r->arena);
}

void rung_close(struct rung *r)
{
	if (!r)
		return;
	forget(r);
	models_free(r->models);
	free(r);
}

void rung_free_text(char *text)
{
	free(text);
}

int rung_meets_target(const struct rung *r)
{
	return r->meets_target;
}

enum rung_status rung_failed(enum rung_status status, const struct error *from, struct rung_error *to)
{
	_Static_assert(sizeof(from->text) == sizeof(to->text), "one sentence, one size");
	memcpy(to->text, from->text, sizeof(to->text));
	return from->again ? RUNG_UNFINISHED : status;
}

char *rung_handed_over(struct buf *b)
{
	char *text = mem_string(buf_text(b));

	buf_release(b);
	return text;
}

bool rung_open_task(struct rung *r, const struct task_options *options, struct error *err)
{
	forget(r);
	r->task = task_open(r->options.task, options, err);
	if (r->task) {
		r->task->tuned = rung_beside_store(r, "tuned");
		copies_guard(r->task);
	}
	return r->task && texts_check(r->task, err);
}

/* The local encoder that the task names, if it names one, can be read. */
static bool encoder_works(struct rung *r, struct error *err)
{
	const char *embedding = r->task->embedding;

	return !embedding || !registry_encoder(embedding) || models_encoder_hash(rung_models(r), err) != 0 ||
	       error_prefix(err, "%s: embedding \"%s\"", r->task->file, embedding);
}

static bool open_task(struct rung *r, const char *examples, uint64_t seed, struct error *err)
{
	struct task_options options = { .examples = examples, .seed = seed };

	return rung_open_task(r, &options, err) && variants_check(r->task, err);
}

const char *rung_store_path(struct rung *r)
{
	return r->options.store ? r->options.store : arena_printf(&r->arena, "%s/.rung/store.db", r->task->folder);
}

const char *rung_beside_store(struct rung *r, const char *name)
{
	const char *store = rung_store_path(r), *slash = strrchr(store, '/');

	return arena_printf(&r->arena, "%.*s%s", slash ? (int)(slash - store) + 1 : 0, store, name);
}

struct models *rung_models(struct rung *r)
{
	struct buf folder = { 0 };

	if (!r->models) {
		registry_folder(r->options.models, &folder);
		struct model_settings settings = {
			.threads = r->options.threads, .memory_mb = r->options.memory_mb, .max_context = r->options.max_context,
			.tuned = r->task ? rung_beside_store(r, "tuned") : NULL, .task = r->task ? r->task->folder : NULL,
			.embedding = r->task ? r->task->embedding : NULL, .rerank = r->task ? r->task->rerank : NULL,
			.in_flight = r->options.concurrency,
			.requests_per_minute = r->options.requests_per_minute, .tokens_per_minute = r->options.tokens_per_minute,
			.timeout_ms = 1e3 * r->options.timeout_s, .notice = r->options.notice, .context = r->options.context,
		};

		r->models = models_open(buf_text(&folder), &settings);
		buf_release(&folder);
	}
	return r->models;
}

static void climb_defaults(struct rung *r, const struct rung_climb_options *o, struct climb_options *out)
{
	*out = (struct climb_options){
		.seed = r->options.seed, .first_rung = o->first_rung, .last_rung = o->last_rung, .models = o->models,
		.n_models = o->n_models, .examples = r->options.examples,
		.plan = !o->plan ? PLAN_AUTO : strcmp(o->plan, "early") == 0 ? PLAN_EARLY : PLAN_FULL,
		.max_minutes = o->max_minutes > 0 ? o->max_minutes : r->task->budget.minutes,
		.max_calls = o->max_calls ? o->max_calls : r->task->budget.calls,
		.max_usd = o->max_usd > 0 ? o->max_usd : r->task->budget.usd,
		.curation = rung_beside_store(r, CURATE_FILE),
		.progress = { r->options.progress, r->options.stopped, r->options.notice, r->options.context },
		.no_cache = o->no_cache,
		.rewrite = r->task->rewrite,
		.batch_poll_ms = !o->batch ? 0 : o->batch_poll_s > 0 ? 1e3 * o->batch_poll_s : 30e3,
	};
	if (o->rewrite)
		out->rewrite.model = o->rewrite;
}

enum rung_status rung_check(struct rung *r, const struct rung_climb_options *climb, bool json, char **text, struct rung_error *err)
{
	static const struct rung_climb_options whole = { .last_rung = 3 };
	struct climb_options options;
	struct error e;
	struct buf folder = { 0 }, out = { 0 };

	if (!open_task(r, r->options.examples, r->options.seed, &e) || !encoder_works(r, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	climb_defaults(r, climb ? climb : &whole, &options);
	if (!outcomes_open(r->task, options.models, options.n_models, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	registry_folder(r->options.models, &folder);
	struct price_table *prices = price_table_open();
	struct check check = check_task(r->task, &options, buf_text(&folder), prices, &r->arena);

	price_table_free(prices);
	buf_release(&folder);
	(json ? check_write_json : check_write_text)(&check, &out);
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

/* What task files may say and a climb cannot do: a scorer that is not there yet, a judge that cannot be asked, or may not. */
static bool climbable(struct rung *r, struct error *err)
{
	const struct task *t = r->task;

	if (!scorer_find(t->scorer))
		return error_set(err, "%s: scorer %s cannot be used yet; docs/task.md lists those that can", t->file, t->scorer);
	if (strcmp(t->scorer, "judge") != 0)
		return true;
	if (t->constraints.private && !registry_runs_here(t->scorer_setting))
		return error_set(err, "%s: judge %s would be shown the inputs, and the task says `private: true`; name a local model", t->file,
				 t->scorer_setting);
	return model_open(rung_models(r), t->scorer_setting, err) || error_prefix(err, "%s: judge", t->file);
}

/* The library of a task that has documents. */
static bool open_library(struct rung *r, bool create, struct error *err)
{
	if (r->task->documents.n_paths == 0)
		return true;
	r->library = library_open(rung_beside_store(r, "docs.db"), create, rung_models(r), err);
	return r->library != NULL;
}

/* The task's own documents, as they are now. */
static bool fill_library(void *context, struct error *err)
{
	struct rung *r = context;
	const struct task_documents *d = &r->task->documents;
	struct source source = { .paths = d->paths, .n_paths = d->n_paths, .folder = r->task->folder, .text = d->text,
				 .n_text = d->n_text, .id = d->id };
	struct library_progress progress = { .step = r->options.progress, .stopped = r->options.stopped,
					     .refused = r->options.notice, .context = r->options.context };
	struct library_counts counts = { 0 };

	return !r->library || library_add(r->library, &source, true, &progress, &counts, err);
}

/* What a climb and a report assume: nothing beyond what was measured. Models have so many days left as the table's day says, so that
 * the same rows give the same bytes. */
static struct cost_assumptions nothing_assumed(struct rung *r, const struct price_table *prices)
{
	struct cost_assumptions assumed = costs_nothing_assumed;

	assumed.prices = prices;
	assumed.today = price_local_as_of();
	rung_assume(r, &assumed);
	return assumed;
}

/* The model that proposes wordings is there, and may see what it is shown. */
static bool can_rewrite(struct rung *r, const struct climb_options *options, struct error *err)
{
	const char *model = options->rewrite.model;

	if (!model || options->first_rung > 1 || options->last_rung < 1)
		return true;
	if (r->task->constraints.private && !registry_runs_here(model))
		return error_set(err, "%s: rewrite would send dev examples to %s, and the task says `private: true`; name a local model", r->task->file,
				 model);
	return model_open(rung_models(r), model, err) || error_prefix(err, "rewrite");
}

/* Before the first call that is paid: the keys have to be there, and somebody has to agree to what it may cost. */
static bool agree(struct rung *r, const struct rung_climb_options *o, const struct climb_options *options, struct error *err)
{
	struct preview p = climb_preview(r->task, options, options->costs->prices, &r->arena);
	struct buf text = { 0 };

	for (size_t i = 0; i < p.n_models; i++) {
		if (!model_open(rung_models(r), p.models[i].model, err))
			return false;
		if (options->max_usd > 0 && isnan(p.models[i].usd))
			return error_set(err, "model \"%s\": no price of it is known, so that a budget in dollars cannot be kept; give --budget-calls "
					 "in its place", p.models[i].model);
	}
	if (p.n_models == 0 || o->yes)
		return true;
	preview_write(&p, options, &text);
	bool agreed = o->confirm && o->confirm(o->context, buf_text(&text));

	if (!agreed)
		error_set(err, "this climb asks models that may cost money, and nobody agreed to that; look at the preview with --dry-run, and add "
			  "--yes");
	buf_release(&text);
	return agreed;
}

enum rung_status rung_climb(struct rung *r, const struct rung_climb_options *o, struct rung_error *err)
{
	struct climb_options options;
	int64_t run;
	struct error e;

	if (!open_task(r, r->options.examples, r->options.seed, &e) || !encoder_works(r, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	if (!climbable(r, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	climb_defaults(r, o, &options);
	if (!outcomes_open(r->task, options.models, options.n_models, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	if (o->dry_run)
		return RUNG_OK;
	struct price_table *prices = price_table_open();
	struct cost_assumptions costs = nothing_assumed(r, prices);
	enum rung_status status = RUNG_OK;

	options.costs = &costs;
	options.documents = fill_library;
	options.documents_context = r;
	if (!can_rewrite(r, &options, &e) || !agree(r, o, &options, &e))
		status = rung_failed(RUNG_INPUT, &e, err);
	else if (!(r->store = store_open(rung_store_path(r), true, &e)) || !open_library(r, true, &e) ||
		 climb_run(r->task, rung_models(r), r->library, r->store, &options, &run, &e) != CLIMB_DONE)
		status = rung_failed(RUNG_UNFINISHED, &e, err);
	price_table_free(prices);
	return status;
}

static bool find_run(struct rung *r, const uint64_t *seed, struct run_row *run, bool *found, struct error *err)
{
	return r->run ? store_run_done(r->store, &r->arena, r->run, run, found, err) : store_run_latest(r->store, &r->arena, seed, run, found, err);
}

/* Opens task and store at the last climb (of the seed asked for), the task as that climb saw it. */
static bool open_last(struct rung *r, struct run_row *run, struct error *err)
{
	bool found = false;

	if (!open_task(r, r->options.examples, r->options.seed, err))
		return false;
	r->store = store_open(rung_store_path(r), false, err);
	if (!r->store || !find_run(r, r->options.seed_given ? &r->options.seed : NULL, run, &found, err))
		return false;
	if (!found)
		return error_set(err, "%s: no climb of this task is stored; run `rung climb` first", r->task->file);
	if (run->fingerprint == r->task->fingerprint)
		return true;
	/* Another seed or examples file split it then, or fewer examples were collected: open it again in the same way. */
	size_t collected = settings_collected(run->settings);
	struct task_options options = { .examples = run->examples[0] ? run->examples : NULL, .seed = run->seed, .collected = &collected };
	struct task *as_climbed = task_open(r->options.task, &options, err);

	if (!as_climbed)
		return false;
	as_climbed->tuned = r->task->tuned;
	copies_guard(as_climbed);
	task_free(r->task);
	r->task = as_climbed;
	if (run->fingerprint != r->task->fingerprint)
		return error_set(err, "%s: the task or its examples changed since the last climb; run `rung climb` again",
				 r->task->file);
	return true;
}

bool rung_open_last(struct rung *r, struct run_row *run, struct error *err)
{
	return open_last(r, run, err) && grading_load(r->task, r->store, settings_scorer(run->settings), err);
}

void rung_assume(struct rung *r, struct cost_assumptions *a)
{
	struct cost_traffic *t = &a->traffic;

	t->usd_per_error = t->usd_per_error >= 0 ? t->usd_per_error : r->task->traffic.cost_per_error;
	if (!(t->calls_per_day >= 0))
		t->calls_per_day = t->calls_low = t->calls_high = r->task->traffic.calls_per_day;
	t->horizon_days = t->horizon_days >= 0 ? t->horizon_days : r->task->traffic.horizon_days;
	t->horizon_days = t->horizon_days > 0 ? t->horizon_days : a->default_horizon_days;
	a->usd_per_core_hour = r->options.usd_per_core_hour > 0 ? r->options.usd_per_core_hour : price_core_hour_default;
	a->cores = models_threads(rung_models(r));
	a->tuned = rung_beside_store(r, "tuned");
	a->jobs = rung_beside_store(r, "jobs");
}

bool rung_last_report(struct rung *r, struct cost_assumptions *assumed, struct report *report, struct error *err)
{
	struct price_table *prices = price_table_open();
	struct cost_assumptions nothing;
	struct run_row run;
	bool done = rung_open_last(r, &run, err) && store_begin_read(r->store, err);

	if (done) {
		nothing = nothing_assumed(r, prices);
		if (assumed)
			rung_assume(r, assumed);
		done = report_build(r->task, r->store, &run, rung_beside_store(r, CURATE_FILE), rung_beside_store(r, HUMAN_FILE),
				    assumed ? assumed : &nothing, &nothing, &r->arena, report, err);
		store_rollback(r->store);
	}
	price_table_free(prices);
	if (done)
		r->meets_target = report->verdict.meets_target == TARGET_NONE ? -1 : report->verdict.meets_target == TARGET_YES;
	return done;
}

static void put_text(void *context, const char *bytes, size_t n)
{
	buf_add(context, bytes, n);
}

enum rung_status rung_report(struct rung *r, const char *format, bool colour, int width, char **text,
			     struct rung_error *err)
{
	const struct report_format *f = report_format_find(format);
	const struct rows_format *rows = rows_format_find(format);
	struct buf out = { 0 };
	const struct rows_out into = { put_text, &out };
	bool terminal = strcmp(format, "terminal") == 0;
	struct report report;
	struct error e;

	if (!f && !rows && !terminal) {
		error_set(&e, "format \"%s\" is not one of text, json, md, html, csv, junit", format);
		return rung_failed(RUNG_INPUT, &e, err);
	}
	if (rows ? !rung_last_rows(r, rows->write, &into, &e) : !rung_last_report(r, NULL, &report, &e)) {
		buf_release(&out);
		return rung_failed(RUNG_INPUT, &e, err);
	}
	if (terminal)
		report_write_terminal(&report, colour, width, &out);
	else if (f)
		f->write(&report, &out);
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

const char *rung_report_extension(const char *format)
{
	const struct report_format *f = report_format_find(format);
	const struct rows_format *rows = rows_format_find(format);

	return f ? f->extension : rows ? rows->extension : NULL;
}

enum rung_status rung_report_page(struct rung *r, char **path, struct rung_error *err)
{
	struct report report;
	struct buf page = { 0 }, file = { 0 };
	struct error e;
	bool written;

	if (!rung_last_report(r, NULL, &report, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	report_format_find("html")->write(&report, &page);
	const char *store = rung_store_path(r);
	const char *slash = strrchr(store, '/');

	buf_add(&file, store, slash ? (size_t)(slash - store) + 1 : 0);
	buf_addf(&file, "report-seed%llu.html", (unsigned long long)report.seed);
	written = file_replace(buf_text(&file), buf_text(&page), page.n, &e);
	buf_release(&page);
	*path = rung_handed_over(&file);
	if (written)
		return RUNG_OK;
	free(*path);
	return rung_failed(RUNG_UNFINISHED, &e, err);
}

enum rung_status rung_show(struct rung *r, const char *variant, const char *item, bool json, char **text,
			   struct rung_error *err)
{
	struct run_row run;
	struct buf folder = { 0 }, out = { 0 };
	struct error e;

	if (!rung_open_last(r, &run, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	registry_folder(r->options.models, &folder);
	struct show_place place = { r->store, run.id, variant, buf_text(&folder), settings_scorer(run.settings) };
	bool shown = show_answer(r->task, &place, item, json, &out, &e);

	buf_release(&folder);
	if (!shown)
		return rung_failed(RUNG_INPUT, &e, err);
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

/* A winner of rung 3 is the one that was measured, so it learns from what it learnt from then. */
static bool curate_winner(struct rung *r, const char *settings, struct error *err)
{
	const char *path = rung_beside_store(r, CURATE_FILE);

	if ((!r->winner->tuning || r->winner->version) && !(r->winner->classifier && r->winner->classifier->rung == 3))
		return true;
	if (!curate_apply(r->task, path, &r->arena, &r->curated, err))
		return false;
	if (r->curated.hash != settings_curation(settings))
		return error_set(err, "%s: its decisions changed since the last climb, so that \"%s\" would be another model than was "
				 "measured; run `rung climb` again", path, r->winner->id);
	workshop_curate(r->workshop, &r->curated);
	return true;
}

/* The winner, and before it what the verdict's cascade says; alone: it was asked for by name. */
static bool escalation_open(struct rung *r, const struct report *report, bool alone, const struct variant *variants, size_t n, struct error *err)
{
	const struct report_cascade *c = &report->cascade;
	const char *unfit = NULL;

	r->escalation = (struct escalation){ .strong = r->winner, .at = c->cut.at };
	if (alone || !c->wanted || c->why)
		return true;
	for (size_t i = 0; i < n; i++)
		if (strcmp(variants[i].id, c->cheap->id) == 0)
			r->escalation.cheap = &variants[i];
	if (!r->escalation.cheap)
		return true;
	snprintf(r->verdict, sizeof(r->verdict), "%016llx", (unsigned long long)hash64(c->cheap->id, strlen(c->cheap->id), hash64(r->verdict, 16, 0)));
	return variant_ready(r->workshop, r->escalation.cheap, &unfit, err) && (!unfit || error_set(err, "%s", unfit));
}

bool rung_choose(struct rung *r, const char *id, struct error *err)
{
	struct report report;
	struct run_row run;
	size_t n;
	bool found, alone = id != NULL;

	if (!rung_last_report(r, NULL, &report, err) ||
	    !find_run(r, &report.seed, &run, &found, err))
		return false;
	if (!id)
		id = report.variants[report.verdict.winner].id;
	r->chosen = run.key;
	const struct report_variant *v = report_find(&report, id);

	r->break_even_calls = v && v->cost && v->rival_cost ? cost_break_even_volume(v->cost, v->rival_cost, &report.traffic) : NAN;
	const struct variant *variants;

	if (!run_variants(r->task, r->store, &run, &r->arena, &variants, &n, err))
		return false;
	r->variants = variants;
	r->n_variants = n;
	for (size_t i = 0; i < n; i++)
		if (strcmp(variants[i].id, id) == 0)
			r->winner = &variants[i];
	if (!r->winner && report_find(&report, id) && settings_recorded(run.settings, id, &r->arena))
		return error_set(err, "%s: \"%s\" has only what was recorded of the task's items and can answer nothing else; name another with "
				 "--variant, or put what it does under `variants:` of the task and climb again", r->task->file, id);
	if (!r->winner || r->winner->skipped)
		return error_set(err, "%s: no variant \"%s\" can answer; `rung report` lists them", r->task->file, id);
	if (!open_library(r, false, err))
		return false;
	r->workshop = workshop_open(r->task, dev_order(r->task, run.seed, &r->arena), rung_models(r), r->library, r->store, 0,
				    run.seed);
	workshop_serve(r->workshop, run.id);
	snprintf(r->verdict, sizeof(r->verdict), "%016llx", (unsigned long long)hash64(id, strlen(id), hash64(run.key, strlen(run.key), 0)));
	if (curate_winner(r, run.settings, err))
		return escalation_open(r, &report, alone, variants, n, err);
	r->winner = NULL; /* asked again, it is refused again */
	return false;
}

enum rung_status rung_ask(struct rung *r, const char *variant, const char *input, char **answer, struct rung_error *err)
{
	struct asked asked = { .input = input };
	struct buf out = { 0 };
	struct arena arena;
	struct error e;

	if (!r->winner && !rung_choose(r, variant, &e))
		return rung_failed(RUNG_INPUT, &e, err);
	arena_init(&arena);
	bool answered = escalate_all(r->workshop, r->task, &r->escalation, &asked, 1, &arena, &e) && (!asked.why || error_set(&e, "%s", asked.why));

	if (answered)
		asked_write(r->task, &asked, &out);
	arena_release(&arena);
	if (!answered)
		return rung_failed(RUNG_INPUT, &e, err);
	*answer = rung_handed_over(&out);
	return RUNG_OK;
}

enum rung_status rung_model_list(struct rung *r, bool json, char **text, struct rung_error *err)
{
	struct buf folder = { 0 }, out = { 0 };
	struct error e;

	registry_folder(r->options.models, &folder);
	bool listed = registry_list(buf_text(&folder), json, &out, &e);

	buf_release(&folder);
	if (!listed) {
		buf_release(&out);
		return rung_failed(RUNG_INPUT, &e, err);
	}
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

enum rung_status rung_model_add(struct rung *r, const char *path, const char *name, struct rung_error *err)
{
	struct buf folder = { 0 };
	struct error e;

	registry_folder(r->options.models, &folder);
	bool added = registry_add(buf_text(&folder), path, name, &e);

	buf_release(&folder);
	return added ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}

enum rung_status rung_model_remove(struct rung *r, const char *name, struct rung_error *err)
{
	struct buf folder = { 0 };
	struct error e;

	registry_folder(r->options.models, &folder);
	bool removed = registry_remove(buf_text(&folder), name, &e);

	buf_release(&folder);
	return removed ? RUNG_OK : rung_failed(RUNG_INPUT, &e, err);
}
