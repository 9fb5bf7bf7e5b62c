/* rung_data.c - the public API over src/data: task, log and models opened, and what was found said. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/uuid.h"
#include "data/drift.h"
#include "data/labels.h"
#include "data/review.h"
#include "data/sample.h"
#include "data/sheet.h"
#include "rung_inner.h"
#include "task/collected.h"

static const char *log_path(struct rung *r, const struct rung_data_options *o)
{
	return o->log ? o->log : rung_beside_store(r, "served.db");
}

/* As provenance names it: collected examples may be under version control, on whatever machine. */
static const char *log_name(const struct rung_data_options *o)
{
	return o->log ? o->log : "served.db";
}

static struct served *open_log(struct rung *r, const struct rung_data_options *o, struct error *err)
{
	const char *path = log_path(r, o);

	if (file_exists(path))
		return served_open(path, false, err);
	error_set(err, "%s: nothing was served here; run `rung serve` first, or name its log with --log (it lies beside the first of the tasks that were "
		  "served)", path);
	return NULL;
}

static bool open_current(struct rung *r, struct error *err)
{
	struct task_options open = { .seed = r->options.seed };

	return rung_open_task(r, &open, err);
}

static uint64_t days_ago(double days)
{
	return days > 0 ? uuid_now_ms() - (uint64_t)(days * 86400e3) : 0;
}

/* The embedding model where it is here or was named: what a provider would be paid for is compared by words alone. */
static struct models *comparing(struct rung *r)
{
	struct models *models = rung_models(r);

	return models_embeds_here(models) ? models : NULL;
}

/* One object, without a line end: what more labels would do is added to it. */
static void put_json(json_t *root, struct buf *out)
{
	char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));

	buf_adds(out, text);
	free(text);
	json_decref(root);
}

/* ---- review ---- */

static bool decide_each(struct rung *r, const struct rung_data_options *o, struct review *review, struct error *err)
{
	const struct {
		const char *const *list;
		size_t n;
		enum review_decision decision;
	} rows[] = { { o->reject, o->n_reject, REVIEW_REJECT }, { o->fix, o->n_fix, REVIEW_FIX }, { o->accept, o->n_accept, REVIEW_ACCEPT } };

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
		for (size_t i = 0; i < rows[k].n; i++) {
			const char *which = rows[k].list[i], *equals = rows[k].decision == REVIEW_FIX ? strchr(which, '=') : NULL;

			if (rows[k].decision == REVIEW_FIX && !equals)
				return error_set(err, "--fix \"%.80s\" has to be ID=ANSWER", which);
			if (equals)
				which = arena_copy(&r->arena, which, (size_t)(equals - which));
			if (!review_decide(r->task, review, which, rows[k].decision, equals ? equals + 1 : NULL, &r->arena, err))
				return false;
		}
	return true;
}

/* One after another; what a person may not do is said to them as the library says it, and they are asked again. */
static bool ask_each(struct rung *r, const struct rung_data_options *o, struct review *review)
{
	static const enum review_decision decisions[] = { [RUNG_REVIEW_ACCEPT] = REVIEW_ACCEPT, [RUNG_REVIEW_FIX] = REVIEW_FIX,
							  [RUNG_REVIEW_REJECT] = REVIEW_REJECT };
	enum rung_review_answer answer = RUNG_REVIEW_LATER;
	struct buf shown = { 0 };

	for (size_t i = 0; o->ask && i < review->n && answer != RUNG_REVIEW_STOP; i++) {
		const struct proposal *p = &review->list[i];
		struct error why = { .text = "" };
		char fix[1024] = "";

		while (p->decision == REVIEW_OPEN) {
			buf_clear(&shown);
			if (why.text[0])
				buf_addf(&shown, "%s\n", why.text);
			proposal_text(p, &shown);
			answer = o->ask(o->context, buf_text(&shown), !p->why, fix);
			if (answer == RUNG_REVIEW_LATER || answer == RUNG_REVIEW_STOP ||
			    review_decide(r->task, review, p->call, decisions[answer], answer == RUNG_REVIEW_FIX ? fix : NULL, &r->arena, &why))
				break;
		}
	}
	buf_release(&shown);
	return true;
}

static bool review(struct rung *r, const struct rung_data_options *o, bool json, struct buf *out, struct error *err)
{
	const char *path = rung_beside_store(r, REVIEW_FILE);
	const struct review_options options = { .sample = rung_beside_store(r, SAMPLE_FILE), .right = o->right,
						.since_ms = days_ago(o->since_days) };
	struct served *served = open_log(r, o, err);
	struct review found;
	bool done = served && review_find(r->task, served, comparing(r), &options, &r->arena, &found, err) &&
		    review_merge(r->task, path, &r->arena, &found, err) && decide_each(r, o, &found, err) && ask_each(r, o, &found) &&
		    review_take(r->task, log_name(o), uuid_now_ms(), &r->arena, &found, err) && review_write(&found, path, err);

	served_close(served);
	if (done && json)
		put_json(review_json(r->task, &found, path), out);
	else if (done)
		review_text(r->task, &found, path, out);
	return done;
}

/* ---- sample ---- */

static void sample_told(const struct rung *r, const struct sample *s, const char *path, bool taken, bool json, struct buf *out)
{
	size_t left = s->n - s->labelled - s->skipped;

	if (json) {
		put_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b}", "task", r->task->name, "file", path, "drawn", (json_int_t)s->n, "of",
				   (json_int_t)s->frame, "labelled", (json_int_t)s->labelled, "skipped", (json_int_t)s->skipped, "gone",
				   (json_int_t)s->gone, "taken", taken), out);
		return;
	}
	if (taken)
		buf_addf(out, "%s: %zu calls that were drawn at random are test items now, in %s (%zu skipped)\n", r->task->name, s->labelled,
			 r->task->collected_file, s->skipped);
	else if (s->frame > 0)
		buf_addf(out, "%s: %zu of %zu calls are drawn; give each its label in %s (column label; decision skip where none is right), without "
			 "looking at what was answered, and run this again\n", r->task->name, s->n, s->frame, path);
	else
		buf_addf(out, "%s: %zu of the %zu calls that were drawn have no label yet; go on in %s\n", r->task->name, left, s->n, path);
	if (s->gone)
		buf_addf(out, "  %zu are no longer in the log\n", s->gone);
}

static bool sample(struct rung *r, const struct rung_data_options *o, bool json, struct buf *out, struct error *err)
{
	const char *path = rung_beside_store(r, SAMPLE_FILE);
	struct served *served = open_log(r, o, err);
	bool there = file_exists(path), taken = false, done = served != NULL;
	struct sample s;

	if (done && !there) {
		done = sample_draw(r->task, served, days_ago(o->since_days), o->n ? o->n : SAMPLE_USUAL, r->options.seed, &r->arena, &s, err) &&
		       (s.n > 0 || error_set(err, "%s: no call of \"%s\" whose text is kept can be drawn", log_path(r, o), r->task->name)) &&
		       sample_write(&s, path, err);
	} else if (done) {
		done = sample_read(r->task, served, path, &r->arena, &s, err);
		taken = done && s.labelled + s.skipped == s.n;
		done = done && (!taken || sample_take(r->task, log_name(o), uuid_now_ms(), &s, &r->arena, err));
		if (done && taken)
			unlink(path);
	}
	served_close(served);
	if (done)
		sample_told(r, &s, path, taken, json, out);
	return done;
}

/* ---- drift ---- */

/* What the last climb's winner answered; why there is none is no reason not to look at the inputs. The task is open as the climb saw it
 * then, else as it is. */
static bool last_climb(struct rung *r, struct drift_climb *climb, struct error *err)
{
	static const char *const splits[] = { "dev", "test" };
	struct report report;
	struct run_row run;
	struct error why;
	bool found;

	*climb = (struct drift_climb){ .score = NAN };
	if (!rung_last_report(r, NULL, &report, &why)) {
		bool opened = open_current(r, err);

		climb->why = opened ? arena_string(&r->arena, why.text) : NULL;
		return opened;
	}
	if (!store_run_latest(r->store, &r->arena, &report.seed, &run, &found, err))
		return false;
	climb->variant = report.variants[report.verdict.winner].id;
	climb->score = report.verdict.score;
	for (size_t s = 0; s < 2; s++) {
		struct answer_row *rows;

		if (!store_answers(r->store, run.id, climb->variant, splits[s], &r->arena, &rows, &climb->n_answers[s], err))
			return false;
		climb->answers[s] = rows;
	}
	return true;
}

static bool drift(struct rung *r, const struct rung_data_options *o, bool json, struct buf *out, struct error *err)
{
	const struct drift_options options = { .n = o->n ? o->n : DRIFT_USUAL, .alpha = o->alpha > 0 ? o->alpha : 0.05, .seed = r->options.seed,
					       .since_ms = days_ago(o->since_days) };
	struct drift_climb climb;
	struct served *served = NULL;
	struct drift found;

	/* The classifier's time grows with the cube; p is no smaller than 1 in 1,000, and each of the two tests has half of alpha. */
	if (options.n > DRIFT_MOST)
		return error_set(err, "-n %zu: drift looks at %d calls at most", options.n, DRIFT_MOST);
	if (!(options.alpha >= 0.002 && options.alpha <= 0.5))
		return error_set(err, "--alpha %g has to be from 0.002 to 0.5", options.alpha);
	bool done = last_climb(r, &climb, err) && (served = open_log(r, o, err)) != NULL &&
		    drift_find(r->task, served, comparing(r), &climb, &options, &r->arena, &found, err);

	served_close(served);
	if (done)
		(json ? drift_json : drift_text)(r->task, &found, out);
	return done;
}

/* ---- forget, keep ---- */

struct forgotten {
	struct arena *arena;
	struct hash_map calls;
};

static void gone(void *context, const char *call)
{
	struct forgotten *f = context;
	const char *copy = arena_string(f->arena, call);

	hash_map_put(&f->calls, copy, strlen(copy), 1);
}

static void removed_told(const struct served_removed *n, size_t collected, bool json, struct buf *out)
{
	if (json)
		buf_addf(out, "{\"calls\": %zu, \"texts\": %zu, \"feedback\": %zu, \"attempts\": %zu, \"collected\": %zu}\n", n->calls, n->bodies,
			 n->feedback, n->attempts, collected);
	else
		buf_addf(out, "removed: %zu calls, %zu texts, %zu pieces of feedback, %zu attempts, %zu collected examples\n", n->calls, n->bodies,
			 n->feedback, n->attempts, collected);
}

static bool forget(struct rung *r, const struct rung_data_options *o, bool json, struct buf *out, struct error *err)
{
	struct forgotten f = { &r->arena, { 0 } };
	struct served *served = !o->subject ? NULL : open_log(r, o, err);
	struct served_removed removed;
	size_t collected = 0;

	if (!o->subject)
		return error_set(err, "whose calls? give --subject, as requests say it in metadata.subject or user");
	/* The log last: who is interrupted before finds the calls again. */
	bool done = served && served_calls_about(served, o->subject, gone, &f, err) && collected_remove(r->task, &f.calls, &collected, err) &&
		    sheet_drop(rung_beside_store(r, REVIEW_FILE), &f.calls, err) && sheet_drop(rung_beside_store(r, SAMPLE_FILE), &f.calls, err) &&
		    served_forget(served, o->subject, &removed, err);

	served_close(served);
	hash_map_release(&f.calls);
	if (!done)
		return false;
	removed_told(&removed, collected, json, out);
	return true;
}

static bool keep(struct rung *r, const struct rung_data_options *o, bool json, struct buf *out, struct error *err)
{
	struct served_removed removed;

	if (!(o->calls_days > 0) && !(o->texts_days > 0))
		return error_set(err, "for how long? give --calls-days, --texts-days, or both");
	struct served *served = open_log(r, o, err);
	bool done = served && served_retain(served, days_ago(o->calls_days), days_ago(o->texts_days), &removed, err);

	served_close(served);
	if (done)
		removed_told(&removed, 0, json, out);
	return done;
}

/* ---- the API ---- */

static enum rung_status run(struct rung *r, bool (*verb)(struct rung *, const struct rung_data_options *, bool, struct buf *, struct error *),
			    const struct rung_data_options *o, bool json, char **text, struct rung_error *err)
{
	struct buf out = { 0 };
	struct error e;

	if (!open_current(r, &e) || !verb(r, o, json, &out, &e)) {
		buf_release(&out);
		return rung_failed(RUNG_INPUT, &e, err);
	}
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

/* What the last climb left open, which outlives r's arena. */
static struct labels labels_known(struct rung *r, struct arena *arena)
{
	struct report report;
	struct error why;

	if (rung_last_report(r, NULL, &report, &why))
		return labels_of(&report, r->task, arena);
	return (struct labels){ .why = arena_string(arena, why.text) };
}

/* Of the task as it is now, with what was just taken. */
static bool add_labels(struct rung *r, const struct labels *l, bool json, struct buf *out, struct error *err)
{
	if (!open_current(r, err))
		return false;
	if (!json) {
		labels_text(l, r->task, out);
		return true;
	}
	json_t *root = json_loads(buf_text(out), 0, NULL);

	json_object_set_new(root, "labels", labels_json(l, r->task));
	buf_clear(out);
	put_json(root, out);
	buf_addc(out, '\n');
	return true;
}

/* A verb after which more may be known of what more labels would do. */
static enum rung_status run_counted(struct rung *r, bool (*verb)(struct rung *, const struct rung_data_options *, bool, struct buf *, struct error *),
				    const struct rung_data_options *o, bool json, char **text, struct rung_error *err)
{
	struct arena arena;
	struct buf out = { 0 };
	struct error e;

	arena_init(&arena);
	struct labels labels = labels_known(r, &arena);
	bool done = open_current(r, &e) && verb(r, o, json, &out, &e) && add_labels(r, &labels, json, &out, &e);

	arena_release(&arena);
	if (!done) {
		buf_release(&out);
		return rung_failed(RUNG_INPUT, &e, err);
	}
	*text = rung_handed_over(&out);
	return RUNG_OK;
}

enum rung_status rung_data_review(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err)
{
	return run_counted(r, review, options, json, text, err);
}

enum rung_status rung_data_sample(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err)
{
	return run_counted(r, sample, options, json, text, err);
}

enum rung_status rung_data_drift(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err)
{
	return run(r, drift, options, json, text, err);
}

enum rung_status rung_data_forget(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err)
{
	return run(r, forget, options, json, text, err);
}

enum rung_status rung_data_keep(struct rung *r, const struct rung_data_options *options, bool json, char **text, struct rung_error *err)
{
	return run(r, keep, options, json, text, err);
}
