/* rung_submit.c - the public API over fine-tuning jobs at a provider: what is sent, what it may cost, and what came of it. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cost/trainable.h"
#include "rung_inner.h"
#include "tune/curate.h"
#include "tune/submission.h"
#include "variant/handoff.h"

enum { BYTES_A_TOKEN = 4, SUFFIX_MOST = 40 };

/* One call's question. */
struct submitting {
	struct rung *r;
	const struct rung_tune_options *o;
	const struct rung_submit_options *s;
	struct handoff_rows rows;
	struct submission submission;
};

static void release(struct submitting *q)
{
	handoff_rows_release(&q->rows);
}

/* Models are named with letters, digits and '-'. */
static const char *suffix_of(struct rung *r, const char *name)
{
	size_t n = strlen(name);
	char *suffix = arena_copy(&r->arena, name, n < SUFFIX_MOST ? n : SUFFIX_MOST);

	for (char *c = suffix; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '-';
	return suffix;
}

/* --- what is refused before anything is read or sent ------------------------------------------------------------------- */

static bool options_fit(const struct submitting *q, struct error *err)
{
	const struct rung_tune_options *o = q->o;

	if (!o->model)
		return error_set(err, "submit needs --base, the model that a provider trains, such as openai:gpt-4.1-mini or URL#NAME");
	if (o->teacher || o->unlabelled || o->reasons || o->probe || o->rank || o->balanced || o->most_tokens || o->seeds > 1)
		return error_set(err, "of the options of training, submit takes --method, --name, --epochs, --batch and --rate alone; the rest is the "
				 "provider's choice");
	if (o->method && strcmp(o->method, "lora") != 0 && strcmp(o->method, "lora-rag") != 0)
		return error_set(err, "--method %s is trained here alone; submit takes lora or lora-rag, which say what stands in the prompts",
				 o->method);
	return true;
}

/* An announcement is the vendor's: a server that a variable names has its own rules. */
static bool may_still_train(const struct submitting *q, struct error *err)
{
	const struct trainable *t = trainable_find(q->o->model);
	char today[CLOCK_DATE];

	clock_today(today);
	if (!t || !model_is_vendors(q->submission.base) || trainable_on(t, today))
		return true;
	return error_set(err, "model \"%s\": is not trainable any more: no new jobs after %s (%s); train a base of your own (rung tune, or "
			 "rung tune export --for)", q->o->model, t->until, t->source);
}

static bool may_leave(const struct submitting *q, struct error *err)
{
	const struct task *task = q->r->task;

	return !task->constraints.private || !model_leaves(q->o->model) ||
	       error_set(err, "%s: submit would send examples to %s, and the task says `private: true`; train here (rung tune)", task->file,
			 q->o->model);
}

/* --- what is sent ------------------------------------------------------------------------------------------------------ */

static bool write_rows(struct submitting *q, const struct variant *v, const struct finetune_settings *settings, struct error *err)
{
	struct rung *r = q->r;
	struct workshop *w = workshop_open(r->task, dev_order(r->task, r->options.seed, &r->arena), rung_models(r), r->library, NULL, 0,
					   r->options.seed);
	struct curated curated;

	workshop_curate(w, &curated);
	bool made = curate_apply(r->task, rung_beside_store(r, CURATE_FILE), &r->arena, &curated, err) &&
		    handoff_rows(w, v, settings, q->s->validate_on_dev, &q->rows, err);

	workshop_free(w);
	return made;
}

static void show_news(void *context, const struct job_state *state, const struct job_news *news)
{
	const struct rung *r = context;
	char what[240];

	snprintf(what, sizeof(what), "%s: %s%s%s", state->id, state->status, news->message ? ": " : "", news->message ? news->message : "");
	r->options.progress(r->options.context, what, news->step, news->steps);
}

static bool wants_to_stop(void *context)
{
	const struct rung *r = context;

	return r->options.stopped && r->options.stopped(r->options.context);
}

static void pass_on(void *context, const char *sentence)
{
	const struct rung *r = context;

	if (r->options.notice)
		r->options.notice(r->options.context, sentence);
}

/* Everything up to the first request; the key has to be there. */
static bool prepare(struct submitting *q, struct error *err)
{
	struct rung *r = q->r;
	struct task_options open = { .examples = r->options.examples, .seed = r->options.seed };
	struct rung_tune_options recipe = { .method = q->o->method ? q->o->method : "lora" };
	const struct variant *v;

	if (!options_fit(q, err) || !rung_open_task(r, &open, err) || !may_leave(q, err) ||
	    !(q->submission.base = model_open(rung_models(r), q->o->model, err)) || !model_trains(q->submission.base, err) ||
	    !may_still_train(q, err) || !(v = rung_tuning_variant(r, &recipe, err)) || !rung_tuning_documents(r, v, err))
		return false;
	struct finetune_settings settings = rung_tuning_settings(r, &recipe, v);

	if (!write_rows(q, v, &settings, err))
		return false;
	q->submission.training = q->rows.training;
	q->submission.validation = q->rows.validation;
	q->submission.order = (struct job_order){
		.suffix = suffix_of(r, q->o->name ? q->o->name : r->task->name), .seed = r->options.seed, .batch = q->o->batch,
		.rate = q->o->rate, .epochs = q->o->epochs ? q->o->epochs : trainable_epochs(q->rows.n_train),
	};
	q->submission.folder = rung_beside_store(r, "jobs");
	q->submission.usd_per_mtok = q->s->training_price > 0 ? q->s->training_price : 0;
	q->submission.poll_ms = q->s->poll_s > 0 ? 1e3 * q->s->poll_s : 30e3;
	q->submission.news = r->options.progress ? show_news : NULL;
	q->submission.stopped = wants_to_stop;
	q->submission.notice = pass_on;
	q->submission.context = r;
	return true;
}

/* --- what it may cost -------------------------------------------------------------------------------------------------- */

static double tokens_of(const struct submitting *q)
{
	return (double)q->rows.bytes / BYTES_A_TOKEN * (double)q->submission.order.epochs;
}

static double usd_of(const struct submitting *q, double tokens)
{
	return q->s->training_price >= 0 ? tokens * q->s->training_price / 1e6 : NAN;
}

static void preview(const struct submitting *q, struct buf *out)
{
	double tokens = tokens_of(q), usd = usd_of(q, tokens);

	buf_addf(out, "  %s: %zu examples of the pool, %zu times: about %.1f thousand trained tokens", q->o->model, q->rows.n_train,
		 q->submission.order.epochs, tokens / 1e3);
	if (isnan(usd))
		buf_adds(out, "; what they cost is not known here (--training-price USD a million)\n");
	else
		buf_addf(out, ": about $%.2f\n", usd);
	if (q->rows.n_held > 0)
		buf_addf(out, "  %zu examples of %s go along as the validation file\n", q->rows.n_held, q->s->validate_on_dev ? "dev" : "the pool");
}

/* A job that is there already costs nothing more. */
static bool agree(struct submitting *q, struct error *err)
{
	double most = q->r->task->budget.usd, usd = usd_of(q, tokens_of(q));
	struct buf text = { 0 };

	if (!model_leaves(q->o->model) || submission_is_known(&q->submission, &q->r->arena))
		return true;
	if (most > 0 && !(usd <= most))
		return error_set(err, isnan(usd) ? "%s: `budget:` cannot be kept, as nobody says what a trained token costs; give --training-price" :
						   "%s: `budget:` is less than the job would cost; look at the preview with --dry-run", q->r->task->file);
	if (q->s->yes)
		return true;
	preview(q, &text);
	bool agreed = q->s->confirm && q->s->confirm(q->s->context, buf_text(&text));

	buf_release(&text);
	return agreed || error_set(err, "this job may cost money, and nobody agreed to that; look at the preview with --dry-run, and add --yes");
}

/* --- what came of it --------------------------------------------------------------------------------------------------- */

static void describe_json(const struct submitting *q, const struct submitted *done, struct buf *out)
{
	json_t *checkpoints = json_array();
	double usd = done->usd;

	for (size_t i = 0; i < done->n_checkpoints; i++)
		json_array_append_new(checkpoints, json_pack("{s:s, s:I}", "model", done->checkpoints[i].model, "step",
							     (json_int_t)done->checkpoints[i].step));
	json_t *root = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "model", done->model, "base", q->o->model, "job", done->job,
				 "train", (json_int_t)q->rows.n_train, "validation", (json_int_t)q->rows.n_held, "epochs",
				 (json_int_t)q->submission.order.epochs, "trained_tokens",
				 done->trained_tokens ? json_integer((json_int_t)done->trained_tokens) : json_null(), "usd",
				 !isnan(usd) ? json_real(usd) : json_null(), "checkpoints", checkpoints);
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));

	buf_addf(out, "%s\n", text);
	free(text);
	json_decref(root);
}

static void describe(const struct submitting *q, const struct submitted *done, struct buf *out)
{
	const struct task *task = q->r->task;
	double usd = done->usd;

	buf_addf(out, "%s: trained %sby job %s from %s on %zu examples of the pool", done->model, done->before ? "before " : "", done->job,
		 q->o->model, q->rows.n_train);
	if (done->trained_tokens)
		buf_addf(out, ", %zu trained tokens", done->trained_tokens);
	if (!isnan(usd))
		buf_addf(out, ", about $%.2f", usd);
	buf_adds(out, "\n");
	for (size_t i = 0; i < done->n_checkpoints; i++)
		if (strcmp(done->checkpoints[i].model, done->model) != 0)
			buf_addf(out, "  checkpoint of step %zu: %s\n", done->checkpoints[i].step, done->checkpoints[i].model);
	buf_addf(out, "  measure it: rung climb %s --models %s\n  or name it in task.yaml: models: [", q->r->options.task, done->model);
	for (size_t i = 0; i < task->n_models; i++)
		buf_addf(out, "\"%s\", ", task->models[i]);
	buf_addf(out, "\"%s\"]\n", done->model);
}

enum rung_status rung_tune_submit(struct rung *r, const struct rung_tune_options *o, const struct rung_submit_options *s, bool json,
				  char **text, struct rung_error *err)
{
	struct submitting q = { .r = r, .o = o, .s = s };
	struct submitted done;
	struct buf out = { 0 };
	struct error e;
	bool good = prepare(&q, &e);

	if (good && s->dry_run)
		preview(&q, &out);
	else if (good)
		good = agree(&q, &e) && submission_run(&q.submission, &r->arena, &done, &e);
	if (good && !s->dry_run)
		(json ? describe_json : describe)(&q, &done, &out);
	release(&q);
	if (!good)
		return rung_failed(RUNG_INPUT, &e, err);
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

enum rung_status rung_tune_cancel(struct rung *r, const struct rung_tune_options *o, const struct rung_submit_options *s, char **text,
				  struct rung_error *err)
{
	struct submitting q = { .r = r, .o = o, .s = s };
	struct buf out = { 0 };
	const char *job;
	struct error e;
	bool good = prepare(&q, &e) && submission_cancel(&q.submission, &r->arena, &job, &e);

	if (good)
		buf_addf(&out, "job %s is cancelled\n", job);
	release(&q);
	if (!good)
		return rung_failed(RUNG_INPUT, &e, err);
	*text = rung_handed_over(&out);
	return RUNG_OK;
}
