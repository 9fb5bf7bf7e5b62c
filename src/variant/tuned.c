/* tuned.c - rung 3's models: found in the registry by what they would be trained from, or trained now.
 *
 * The key of a version is a hash of everything that decides it (lesson.h). So a climb that resumes, or a task whose pool did not change,
 * finds what it trained before. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "model/licence.h"
#include "model/tuned.h"
#include "variant/lesson.h"

struct watched {
	const struct training_watch *watch;
	const struct variant *variant;
};

static void watch_step(void *context, const struct fit_step *step)
{
	const struct watched *t = context;

	t->watch->step(t->watch->context, t->variant, step);
}

static bool watch_stopped(void *context)
{
	const struct watched *t = context;

	return t->watch->stopped(t->watch->context);
}

/* Names may hold less than names of tasks. */
const char *tuning_registered_name(const struct task *task, struct arena *arena)
{
	char *name = arena_string(arena, task->name);

	for (char *c = name; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *c) || (c == name && strchr("-_.", *c)))
			*c = 'x';
	return *name ? name : "task";
}

static const char *registered_name(struct workshop *w)
{
	return w->watch && w->watch->name ? w->watch->name : tuning_registered_name(w->task, &w->arena);
}

/* What is trained from, and what curation.csv took out of the pool before. */
static json_t *data_json(const struct workshop *w, const struct lesson *l, const struct finetune_outcome *o)
{
	size_t labelled = w->watch ? w->watch->n_labelled : 0;
	json_t *data = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "hash", l->data_hash, "items", (json_int_t)l->n,
				 "trained", (json_int_t)o->trained, "held_out", (json_int_t)o->held, "too_long",
				 (json_int_t)o->too_long, "left_out", (json_int_t)o->left_out, "human", (json_int_t)(l->n - labelled),
				 "model_labelled", (json_int_t)labelled);

	if (l->n_taught > labelled)
		json_object_set_new(data, "model_reasons", json_integer((json_int_t)l->n_taught));
	if (l->texts.tagging) {
		size_t strings = o->values.found + o->values.absent;

		json_object_set_new(data, "strings", json_integer((json_int_t)strings));
		json_object_set_new(data, "strings_not_in_text", json_integer((json_int_t)o->values.absent));
		json_object_set_new(data, "fields_not_taught", json_integer((json_int_t)l->texts.tagging->untagged));
	}
	if (w->curated && w->curated->hash) {
		json_t *dropped = json_object();

		for (enum curate_reason r = 0; r < CURATE_REASONS; r++)
			if (w->curated->dropped[r])
				json_object_set_new(dropped, curate_reason_name(r), json_integer((json_int_t)w->curated->dropped[r]));
		json_object_set_new(data, "dropped", dropped);
		json_object_set_new(data, "relabelled", json_integer((json_int_t)w->curated->relabelled));
	}
	return data;
}

json_t *card_labels(const struct task *task)
{
	json_t *labels_of = json_array();

	for (size_t i = 0; i < task->n_labels; i++)
		json_array_append_new(labels_of, json_string(task->labels[i].name));
	return labels_of;
}

json_t *card_base(const struct models *models, const struct variant *v, const char *path, const char *hash, struct arena *arena)
{
	const char *licence = v->model ? licence_of_file(path, arena) : licence_of_folder(path, arena);
	json_t *base = json_pack("{s:s, s:s}", "name", v->model ? v->model : models_encoder_name(models), "hash", hash);

	json_object_set_new(base, "licence", licence ? json_string(licence) : json_null());
	return base;
}

static json_t *card_of(struct workshop *w, const struct variant *v, const struct lesson *l,
		       const struct finetune_outcome *o)
{
	struct error ignored;
	const struct kernels *kernels = kernels_choose(false, &ignored);
	json_t *card = json_object();

	json_object_set_new(card, "kind", json_string(v->model ? "lora" : "encoder"));
	json_object_set_new(card, "task", json_string(w->task->name));
	json_object_set_new(card, "method", json_string(v->tuning->id));
	json_object_set_new(card, "base", card_base(w->models, v, l->base.data, l->base_hash, &w->arena));
	json_object_set_new(card, "data", data_json(w, l, o));
	if (l->n_taught > 0)
		json_object_set_new(card, "teacher", json_string(w->watch->teacher));
	json_object_set_new(card, "key", json_string(l->key));
	json_object_set_new(card, "kernels", json_string(kernels ? kernels->name : ""));
	struct finetune_settings settings = l->settings;

	settings.epochs = o->epochs;
	settings.batch = o->batch;
	json_object_set_new(card, "settings", finetune_settings_json(&settings));
	json_object_set(card, "curve", o->curve);
	json_object_set_new(card, "seconds", json_real(o->seconds));
	if (w->task->many && !v->model)
		json_object_set_new(card, "threshold", isfinite(o->threshold) ? json_real(o->threshold) : json_null());
	json_object_set_new(card, "held_out_score", isnan(o->score) ? json_null() : json_real(o->score));
	json_object_set_new(card, "labels", card_labels(w->task));
	return card;
}

/* Trains in the workplace of the lesson's key, whose path is appended to folder. */
static bool train_in(struct workshop *w, const struct variant *v, const struct lesson *l, struct buf *folder,
		     struct finetune_outcome *outcome, struct error *err)
{
	struct watched watched = { w->watch, v };
	struct fit_progress progress = { .step = w->watch && w->watch->step ? watch_step : NULL,
					 .stopped = w->watch && w->watch->stopped ? watch_stopped : NULL, .context = &watched };
	uint64_t fingerprint = hash64(l->key, strlen(l->key), 0);
	char key[TUNED_KEY];

	tuned_key(FINETUNE_RECIPE, l->key, key);
	if (!tuned_workplace(models_tuned(w->models), registered_name(w), key, folder, err))
		return false;
	bool trained = v->model ? finetune_lora(l->base.data, models_pool(w->models), &l->prompts, &l->settings, fingerprint, folder->data,
						&progress, outcome, err)
				: finetune_encoder(l->base.data, models_pool(w->models), &l->texts, &l->settings, fingerprint,
						   folder->data, &progress, outcome, err);

	if (!trained)
		tuned_failed(folder->data);
	return trained;
}

/* Says before training, which is long, what cannot come of it. */
static void tell_unseen(struct workshop *w, const struct variant *v, struct lesson *l)
{
	const char *sentence = w->watch && w->watch->notice ? labels_unseen(w, v, lesson_trained(l)) : NULL;

	if (sentence)
		w->watch->notice(w->watch->context, sentence);
}

static bool train(struct workshop *w, const struct variant *v, struct lesson *l, struct tuned *out, struct error *err)
{
	const char *root = models_tuned(w->models), *name = registered_name(w);
	struct finetune_outcome outcome = { 0 };
	struct buf folder = { 0 };

	tell_unseen(w, v, l);
	bool trained = train_in(w, v, l, &folder, &outcome, err);

	if (trained) {
		json_t *card = card_of(w, v, l, &outcome);

		trained = tuned_commit(root, name, folder.data, card, out, err);
		json_decref(card);
		if (trained)
			tuned_sweep(root, name, FINETUNE_RECIPE, clock_now());
		else
			tuned_failed(folder.data);
	}
	json_decref(outcome.curve);
	buf_release(&folder);
	return trained;
}

bool tuning_waits(const struct workshop *w, const struct variant *v)
{
	return v->technique && v->technique->answer == ANSWER_SCORES && !(w->watch && w->watch->lora);
}

/* An encoder's outputs are in the order of the labels that it was trained for; one that was taken in has those of that time. */
static bool same_labels(const struct task *task, const struct variant *v, const struct tuned *t, struct error *err)
{
	const json_t *names = json_object_get(t->card, "labels");
	bool same = v->model || !names || json_array_size(names) == task->n_labels;

	for (size_t i = 0; same && !v->model && names && i < task->n_labels; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		same = name && strcmp(name, task->labels[i].name) == 0;
	}
	return same || error_set(err, "%s was trained for other labels than %s has now, or for another order of them; train or import it "
				      "again", t->name, task->file);
}

/* One label an item, or several: only an encoder of several that was trained here has a threshold on its card. */
static bool same_many(const struct task *task, const struct variant *v, const struct tuned *t, struct error *err)
{
	static const char *const words[] = { "one label an item", "several labels an item" };
	bool many = json_object_get(t->card, "threshold") != NULL;

	return v->model || !json_object_get(t->card, "data") || many == task->many ||
	       error_set(err, "%s was trained for %s, and %s now has %s; train it again", t->name, words[many], task->file, words[task->many]);
}

static bool find_or_train(struct workshop *w, const struct variant *v, struct tuned *out, struct error *err)
{
	const char *root = models_tuned(w->models);
	struct lesson l;
	bool found = false, ready;

	if (!root)
		return error_set(err, "there is no place for fine-tuned models here");
	if (v->version || (w->watch && w->watch->version))
		return tuned_find(root, v->version ? v->version : w->watch->version, out, err) &&
		       same_labels(w->task, v, out, err) && same_many(w->task, v, out, err);
	ready = lesson_init(w, v, &l, err) && tuned_find_key(root, registered_name(w), l.key, out, &found, err);
	if (ready && !found)
		ready = labels_learnable(w, v, (struct item_list){ l.items, l.n }, err);
	if (ready && !found && tuning_waits(w, v))
		ready = error_set(err, "not trained: decoders seldom name labels better than encoders and take ten times as long; `rung tune TASK "
				       "--method %s` trains it, and then a climb measures it", v->tuning->id);
	else if (ready && !found)
		ready = train(w, v, &l, out, err);
	lesson_release(&l);
	return ready;
}

bool tuned_part(struct workshop *w, const struct variant *v, struct item_list items, struct tuned_encoder **out, double *threshold,
		struct error *err)
{
	const struct curated part = { .pool = { items } }, *whole = w->curated;
	struct finetune_outcome outcome = { 0 };
	struct buf folder = { 0 };
	struct lesson l;

	w->curated = &part; /* what is learnt from, for as long as the lesson is made */
	bool trained = lesson_init(w, v, &l, err);

	w->curated = whole;
	trained = trained && train_in(w, v, &l, &folder, &outcome, err);
	*out = trained ? tuned_encoder_open(folder.data, w->task->n_labels, w->task->many, models_pool(w->models), err) : NULL;
	*threshold = isfinite(outcome.threshold) ? outcome.threshold : INFINITY;
	if (trained)
		tuned_abandon(folder.data); /* it is open already, and no version */
	json_decref(outcome.curve);
	buf_release(&folder);
	lesson_release(&l);
	return *out != NULL;
}

bool variant_training_seconds(struct workshop *w, const struct variant *v, double *seconds, struct error *err)
{
	const struct tuned_model *m = workshop_tuned(w, v, err);
	struct tuned t;

	if (!m || !tuned_find(models_tuned(w->models), m->name, &t, err))
		return false;
	const json_t *value = json_object_get(t.card, "seconds");

	*seconds = json_is_number(value) ? json_number_value(value) : NAN;
	tuned_release(&t);
	return true;
}

/* Null on a card: no set did better than the empty one. Encoders from elsewhere have none: as their sigmoids were trained. */
static double threshold_of(const struct tuned *t)
{
	const json_t *threshold = json_object_get(t->card, "threshold");

	if (!threshold)
		return 0.5;
	return json_is_number(threshold) ? json_number_value(threshold) : INFINITY;
}

const struct tuned_model *workshop_tuned(struct workshop *w, const struct variant *v, struct error *err)
{
	struct tuned t = { 0 };

	for (const struct tuned_model *m = w->tuned; m; m = m->next)
		if (strcmp(m->variant, v->id) == 0)
			return m;
	if (!find_or_train(w, v, &t, err))
		return NULL;
	struct tuned_model *m = arena_alloc(&w->arena, sizeof(*m));

	*m = (struct tuned_model){ .variant = v->id, .name = arena_string(&w->arena, t.name), .next = w->tuned,
				   .threshold = threshold_of(&t) };
	if (!v->model && w->task->validator)
		m->tagger = tuned_tagger_open(t.folder, workshop_tagging(w), models_pool(w->models), err);
	else if (!v->model)
		m->encoder = tuned_encoder_open(t.folder, w->task->n_labels, w->task->many, models_pool(w->models), err);
	tuned_release(&t);
	if (!v->model && !m->encoder && !m->tagger)
		return NULL;
	w->tuned = m;
	return m;
}

void workshop_free_tuned(struct workshop *w)
{
	for (struct tuned_model *m = w->tuned; m; m = m->next) {
		tuned_encoder_free(m->encoder);
		tuned_tagger_free(m->tagger);
	}
	w->tuned = NULL;
}

const char *workshop_train(struct workshop *w, const struct variant *v, struct error *err)
{
	const struct tuned_model *m = workshop_tuned(w, v, err);

	return m ? m->name : NULL;
}

bool workshop_note(struct workshop *w, const struct variant *v, const char *split, const double *scores, size_t n, struct error *err)
{
	struct tuned t;
	double mean = 0;

	for (const struct tuned_model *m = w->tuned; m && n > 0; m = m->next) {
		if (strcmp(m->variant, v->id) != 0)
			continue;
		for (size_t i = 0; i < n; i++)
			mean += scores[i] / (double)n;
		if (!tuned_find(models_tuned(w->models), m->name, &t, err))
			return false;
		if (!v->version) /* else the card is that of the climb which trained it, or of none */
			json_object_set_new(t.card, "variant", json_string(v->id));
		bool noted = tuned_note(&t, split, n, mean, err);

		tuned_release(&t);
		return noted;
	}
	return true;
}

const char *workshop_model(struct workshop *w, const struct variant *v, struct error *err)
{
	return v->tuning ? workshop_train(w, v, err) : v->model;
}
