/* pricing.c - measured tokens, milliseconds and training times, priced. */
#include "eval/pricing.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "model/recorded.h"
#include "model/registry.h"
#include "model/tuned.h"
#include "task/scorer.h"
#include "tune/submission.h"

const struct cost_assumptions costs_nothing_assumed = {
	.traffic = { .calls_per_day = -1, .calls_low = -1, .calls_high = -1, .horizon_days = -1, .usd_per_error = -1 },
	.daily = { .retraining_usd = NAN, .retrain_every_days = INFINITY, .retired_after_days = INFINITY, .rebuild_usd = NAN },
	.target = -1,
};

const struct price_model *pricing_model(const struct price_table *t, const char *id, const char *model)
{
	const struct price_model *m = price_table_find(t, id);

	if (m && strcmp(m->name, id) == 0)
		return m;
	model = model ? model_behind(model) : NULL;
	m = !model ? NULL : price_table_find(t, model);
	return m && registry_runs_here(model) && !m->users ? NULL : m; /* a file may have a model of that name elsewhere */
}

double pricing_attempts(const struct price_table *t, const struct attempt_sum *a)
{
	const struct price_model *m = t ? pricing_model(t, a->model, a->model) : NULL;

	if (!m)
		return registry_runs_here(a->model) ? 0 : NAN;
	return (a->batch ? 1 - price_batch_discount(m) : 1) *
	       price_tokens(m, (double)a->input_tokens, (double)a->output_tokens, (double)a->cache_read, (double)a->cache_written);
}

static const struct variant *recipe_of(const struct pricing *p, const char *id)
{
	for (size_t i = 0; i < p->n_recipes; i++)
		if (strcmp(p->recipes[i].id, id) == 0)
			return &p->recipes[i];
	return NULL;
}

/* A record need not say how many tokens there were, or how long it took. */
static bool was_replayed(const struct worked *w)
{
	return w->calls > 0 && (!w->model || recorded_is(w->model));
}

/* A hosted model is paid by its tokens; the machine that asks it by nothing worth counting. */
static void price_hosted(const struct pricing *p, const struct worked *w, struct cost_rung *r)
{
	const struct cost_assumptions *a = p->a;
	const struct price_model *m = pricing_model(a->prices, w->id, w->model);
	double calls = w->answers ? (double)w->calls / (double)w->answers : 1; /* self-consistency asks several times */

	r->call.input_tokens = calls * w->input_tokens;
	r->call.output_tokens = calls * w->output_tokens;
	r->call.prefix_tokens = calls * fmin(w->input_tokens, cost_cacheable(a->prefix_tokens, m ? m->cache_minimum_tokens : 0));
	r->call.hit_share = a->hit_share;
	r->call.batch_share = a->batch_share;
	r->call.retry_share = a->retry_share;
	r->call.region_factor = price_region_factor(a->prices, m);
	if (was_replayed(w) && w->input_tokens + w->output_tokens <= 0)
		r->call.local_usd = NAN;
	if (!m)
		return;
	r->call.usd_per_mtok = price_of(m);
	r->call.batch_discount = price_batch_discount(m);
	r->daily.retired_after_days = price_days_left(m, a->today);
}

static double seconds_usd(const struct pricing *p, double seconds)
{
	return price_local(seconds, p->a->cores, p->a->usd_per_core_hour);
}

static const struct training_notes no_notes = {
	.seconds = NAN, .pool_score = NAN, .general_before = NAN, .general_after = NAN,
	.follows_before = NAN, .follows_after = NAN, .recites_before = NAN, .recites_after = NAN,
};

/* A score that a climb or `rung tune` wrote on the card; NAN: none. */
static double noted(const json_t *card, const char *what)
{
	const json_t *score = json_object_get(json_object_get(card, what), "score");

	return json_is_number(score) ? json_number_value(score) : NAN;
}

static struct training_notes notes_of(const struct pricing *p, const struct tuned *t)
{
	const json_t *data = json_object_get(t->card, "data");
	const char *teacher = json_string_value(json_object_get(t->card, "teacher"));
	const json_t *seconds = json_object_get(t->card, "seconds");

	return (struct training_notes){
		.version = arena_string(p->arena, t->name),
		.human_labels = (size_t)json_integer_value(json_object_get(data, "human")),
		.model_labels = (size_t)json_integer_value(json_object_get(data, "model_labelled")),
		.teacher = teacher ? arena_string(p->arena, teacher) : NULL,
		.seconds = json_is_number(seconds) ? json_number_value(seconds) : NAN,
		.pool_score = noted(t->card, "pool"),
		.general_before = noted(t->card, "general_before"), .general_after = noted(t->card, "general_after"),
		.follows_before = noted(t->card, "follows_before"), .follows_after = noted(t->card, "follows_after"),
		.recites_before = noted(t->card, "recites_before"), .recites_after = noted(t->card, "recites_after"),
	};
}

/* Of a variant that asks a fine-tuned model by its name; the version may have been removed since. */
static struct training_notes notes_by_name(const struct pricing *p, const char *model)
{
	struct training_notes notes = no_notes;
	struct error gone;
	struct tuned t;

	if (model && tuned_is(model) && p->a->tuned && tuned_find(p->a->tuned, model, &t, &gone)) {
		notes = notes_of(p, &t);
		tuned_release(&t);
	}
	return notes;
}

/* The version that the run measured is the newest that a climb measured as that variant with the same score on dev; *usd is NAN when there is
 * none, or its card does not say how long training took (it was imported). */
static bool price_training(const struct pricing *p, const struct worked *w, double *usd, struct training_notes *notes, struct error *err)
{
	const char *name = tuning_registered_name(p->task, p->arena);
	struct tuned t;
	bool found = false;

	*usd = NAN;
	if (!p->a->tuned)
		return true;
	if (!tuned_find_measured(p->a->tuned, name, w->id, w->dev_score, &t, &found, err))
		return false;
	if (!found)
		return true;
	*notes = notes_of(p, &t);
	*usd = seconds_usd(p, notes->seconds);
	tuned_release(&t);
	return true;
}

static bool came_of(const struct submitted *job, const char *model)
{
	bool is = job->model && strcmp(job->model, model) == 0;

	for (size_t i = 0; i < job->n_checkpoints; i++)
		is = is || strcmp(job->checkpoints[i].model, model) == 0;
	return is;
}

/* What the provider took for the job that a model came from; NAN: no note of it says. */
static bool price_job(const struct pricing *p, const char *model, double *usd, struct error *err)
{
	struct submitted *jobs;
	size_t n = 0;

	*usd = NAN;
	if (p->a->jobs && !submissions_list(p->a->jobs, p->arena, &jobs, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (came_of(&jobs[i], model_behind(model)))
			*usd = jobs[i].usd;
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
static bool set_up(const struct pricing *p, const struct worked *w, struct cost_rung *r, struct training_notes *notes, struct error *err)
{
	const struct variant *recipe = recipe_of(p, w->id);
	double retired = r->daily.retired_after_days;

	if (!recipe || w->incumbent)
		return true;
	if (recipe->classifier)
		r->setup.local_usd = seconds_usd(p, (double)p->task->pool.list.n * w->ms / 1000);
	bool elsewhere = recipe->model && model_is_tuned_elsewhere(recipe->model), trained = recipe->tuning && !recipe->version;
	bool by_name = recipe->version || (recipe->model && tuned_is(recipe->model));

	if (!trained && !elsewhere && !by_name)
		return true;
	r->setup = p->a->setup;
	r->daily = p->a->daily;
	r->daily.retired_after_days = fmin(retired, r->daily.retired_after_days);
	double training = 0;

	if (elsewhere && cost_once_usd(&r->setup) <= 0 && !price_job(p, recipe->model, &training, err)) /* else the user has said it */
		return false;
	if (trained && !price_training(p, w, &training, notes, err))
		return false;
	if (by_name) /* NAN: it was imported, or removed since */
		training = seconds_usd(p, notes->seconds);
	r->setup.local_usd += training;
	costs_repeat_setup(r);
	return true;
}

/* USD of one of the calls. What is asked about is embedded by itself, pool and documents many together. */
static bool price_texts(const struct pricing *p, struct store *store, const char *model, bool single, double *usd, struct error *err)
{
	size_t calls, tokens;

	*usd = 0;
	if (!model)
		return true;
	if (!store_texts_taken(store, model, single, &calls, &tokens, err))
		return false;
	const struct attempt_sum all = { .model = model_behind(model), .input_tokens = tokens };

	*usd = calls > 0 ? pricing_attempts(p->a->prices, &all) / (double)calls : 0;
	return true;
}

bool pricing_texts(struct pricing *p, struct store *store, struct error *err)
{
	return price_texts(p, store, p->task->embedding, true, &p->embedding_usd, err) &&
	       price_texts(p, store, p->task->rerank, false, &p->rerank_usd, err);
}

static double texts_usd(const struct pricing *p, const struct variant *v)
{
	if (!v)
		return 0;
	return (variant_embeds(v) ? p->embedding_usd : 0) + (variant_reranks(v) ? p->rerank_usd : 0);
}

bool pricing_rung(const struct pricing *p, const struct worked *w, struct cost_rung *r, struct training_notes *notes, struct error *err)
{
	const struct variant *recipe = recipe_of(p, w->id);

	*notes = notes_by_name(p, recipe && recipe->version ? recipe->version : w->model);
	*r = cost_rung_default;
	r->name = w->id;
	r->rung = w->rung;
	const struct price_model *priced = pricing_model(p->a->prices, w->id, w->model);

	if (!isnan(w->usd) && !(priced && priced->users))
		r->call.local_usd = w->usd;
	else if (priced || !registry_runs_here(w->model))
		price_hosted(p, w, r);
	else if (was_replayed(w) && w->ms <= 0)
		r->call.local_usd = NAN;
	else
		r->call.local_usd = seconds_usd(p, w->ms / 1000);
	if (w->passages)
		r->call.retrieval_usd = p->a->retrieval_usd;
	if (r->call.retrieval_usd <= 0)
		r->call.retrieval_usd = texts_usd(p, recipe);
	r->call.guard_usd = p->a->guard_usd;
	return set_up(p, w, r, notes, err);
}

static double mean_grade(const struct task *task, struct item_list items, const struct answer_row *rows, size_t n)
{
	struct hash_map by_item = { 0 };
	double sum = 0;

	for (size_t i = 0; i < items.n; i++)
		hash_map_put(&by_item, items.items[i]->id, strlen(items.items[i]->id), i);
	for (size_t i = 0; i < n; i++) {
		size_t at = hash_map_get(&by_item, rows[i].item, strlen(rows[i].item), SIZE_MAX);

		sum += at == SIZE_MAX ? 0 : scorer_grade(task, items.items[at], rows[i].answer);
	}
	hash_map_release(&by_item);
	return n ? sum / (double)n : NAN;
}

bool pricing_worked(struct store *store, int64_t run, const struct variant *v, const struct task *task, struct worked *out,
		    struct error *err)
{
	static const char *const splits[] = { "dev", "test" };
	struct arena arena;
	bool done = true;
	double input = 0, output = 0, ms = 0, usd = 0;
	size_t n_usd = 0;

	*out = (struct worked){ .id = v->id, .model = v->model, .rung = v->rung, .incumbent = v->incumbent };
	arena_init(&arena);
	for (int split = 0; done && split < 2; split++) {
		struct answer_row *rows;
		size_t n = 0;

		done = store_answers(store, run, v->id, splits[split], &arena, &rows, &n, err);
		for (size_t i = 0; done && i < n; i++) {
			out->calls += rows[i].calls;
			input += (double)rows[i].input_tokens;
			output += (double)rows[i].output_tokens;
			ms += rows[i].ms;
			usd += isnan(rows[i].usd) ? 0 : rows[i].usd;
			n_usd += isnan(rows[i].usd) ? 0 : 1;
			out->passages |= rows[i].evidence != NULL && (task->n_labels == 0 || task->has_gold);
		}
		out->answers += done ? n : 0;
		if (done && split == 0)
			out->dev_score = mean_grade(task, task->dev.list, rows, n);
	}
	out->input_tokens = out->calls ? input / (double)out->calls : 0;
	out->output_tokens = out->calls ? output / (double)out->calls : 0;
	out->usd = n_usd ? usd / (double)n_usd : NAN;
	out->ms = out->answers ? ms / (double)out->answers : NAN;
	arena_release(&arena);
	return done;
}
