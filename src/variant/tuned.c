/* tuned.c - rung 3's models: found in the registry by what they would be trained from, or trained now.
 *
 * The key of a version is a hash of everything that decides it: the base's contents, every example as it is trained on, the
 * settings and the seed. So a climb that resumes, or a task whose pool did not change, finds what it trained before. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "model/licence.h"
#include "model/reader.h"
#include "model/tuned.h"
#include "variant/workshop.h"

/* Asked as they were trained: the task's own words, no shots. Scores where there are labels, JSON where there is a schema. */
static const struct technique labels = { .id = "lora", .name = "LoRA on the small decoder", .answer = ANSWER_SCORES };
static const struct technique fields = { .id = "lora", .name = "LoRA on the small decoder", .answer = ANSWER_JSON };
static const struct technique plain_text = { .id = "lora", .name = "LoRA on the small decoder" };
static const struct search fused = { .mode = SEARCH_FUSED, .cutting = { 200, 40, true, false }, .k = 4 };
static const struct technique with_passages = { .id = "lora-rag", .name = "LoRA and retrieval", .passages = PASSAGES_RETRIEVED,
						.search = &fused };
/* Where examples say which passage holds the answer, it stands among others in training, found or not (RAFT, Zhang et al. 2024,
 * arXiv 2403.10131). */
static const struct technique among_others = { .id = "lora-rag", .name = "LoRA and retrieval", .passages = PASSAGES_DISTRACTED,
					       .search = &fused };

static const struct technique reasoned = { .id = "lora-reasons", .name = "LoRA that reasons first", .reasoning = true };

static const struct tuning for_labels[] = {
	{ .id = "encoder", .name = "fine-tuned encoder" },
	{ .id = "lora", .name = "LoRA on the small decoder, label scoring", .technique = &labels },
};
static const struct tuning for_sets[] = {
	{ .id = "encoder", .name = "fine-tuned encoder" },
	{ .id = "lora", .name = "LoRA on the small decoder", .technique = &plain_text },
};
static const struct tuning for_fields[] = {
	{ .id = "encoder", .name = "fine-tuned encoder: tags and classes" },
	{ .id = "lora", .name = "LoRA on the small decoder", .technique = &fields },
};
static const struct tuning for_answers[] = {
	{ .id = "lora", .name = "LoRA on the small decoder, closed book", .technique = &plain_text },
	{ .id = "lora-rag", .name = "LoRA on the small decoder, with retrieval", .technique = &with_passages, .lesson = &among_others },
};
static const struct tuning for_text[] = { { .id = "lora", .name = "LoRA on the small decoder", .technique = &plain_text } };

#define ROWS(table) (*n = sizeof(table) / sizeof((table)[0]), (table))

const struct tuning *tuning_all(const struct task *task, size_t *n)
{
	if (task->validator)
		return ROWS(for_fields);
	switch (task->kind) {
	case TASK_CLASSIFY:
		return task->many ? ROWS(for_sets) : ROWS(for_labels);
	case TASK_ANSWER:
		return ROWS(for_answers);
	default:
		return ROWS(for_text);
	}
}

const struct tuning *tuning_reasons(const struct task *task)
{
	static const struct tuning t = { .id = "lora-reasons", .name = "LoRA on the small decoder, the reasons first", .technique = &reasoned,
					 .reasons = true };

	return (task->kind == TASK_CLASSIFY && !task->many) || task->kind == TASK_ANSWER ? &t : NULL;
}

/* What one model is trained from. */
struct lesson {
	struct arena arena;
	struct finetune_texts texts;     /* an encoder's */
	struct finetune_prompts prompts; /* a decoder's */
	struct finetune_settings settings;
	struct buf base;                 /* path */
	char base_hash[17], data_hash[17], key[17];
	const struct example **items;    /* (n) the pool's, and behind them those that a model labelled */
	size_t n, n_taught;
};

static void hex(uint64_t hash, char out[17])
{
	snprintf(out, 17, "%016llx", (unsigned long long)hash);
}

static uint64_t add_hash(const char *text, uint64_t hash)
{
	return hash64(text, strlen(text), hash);
}

/* The pool as curation.csv leaves it, and what a model labelled. Where reasons are learnt, what a model taught is all there is. */
static void list_items(const struct workshop *w, const struct variant *v, struct lesson *l)
{
	struct item_list pool = v->tuning->reasons ? (struct item_list){ 0 } : workshop_lessons(w, 3);

	l->n_taught = w->watch ? w->watch->n_taught : 0;
	l->items = arena_array(&l->arena, pool.n + l->n_taught + 1, sizeof(*l->items));
	for (size_t i = 0; i < pool.n; i++)
		l->items[l->n++] = pool.items[i];
	for (size_t i = 0; w->watch && i < l->n_taught; i++)
		l->items[l->n++] = w->watch->taught[i];
}

static const size_t *groups_of(struct lesson *l)
{
	size_t *groups = arena_array(&l->arena, l->n, sizeof(*groups));

	for (size_t i = 0; i < l->n; i++)
		groups[i] = l->items[i]->group;
	return groups;
}

/* Those at the end that a model labelled, which the version's key has to tell from the same ones labelled by people; NULL: none. */
static const bool *by_model_of(const struct workshop *w, struct lesson *l, uint64_t *hash)
{
	size_t labelled = w->watch ? w->watch->n_labelled : 0;
	bool *by_model = labelled > 0 ? arena_array(&l->arena, l->n, sizeof(*by_model)) : NULL;

	for (size_t i = l->n - labelled; i < l->n; i++)
		by_model[i] = true;
	*hash = labelled > 0 ? hash64(&labelled, sizeof(labelled), *hash) : *hash;
	return by_model;
}

/* Which labels an item has, as a row of 0 and 1. */
static void fill_set(const struct example *item, uint8_t *set)
{
	for (size_t k = 0; k < item->n_labels; k++)
		set[item->labels[k]] = 1;
}

/* Groups decide what is held out: which examples are of one, not what number it has. */
static void add_groups(const struct lesson *l, uint64_t *hash)
{
	struct hash_map first = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		size_t at = hash_map_put(&first, (const char *)&l->items[i]->group, sizeof(l->items[i]->group), i);

		*hash = hash64(&at, sizeof(at), *hash);
	}
	hash_map_release(&first);
}

static void read_texts(struct workshop *w, struct lesson *l, uint64_t *hash)
{
	const struct task *task = w->task;
	size_t *classes = arena_array(&l->arena, l->n, sizeof(*classes));
	const char **texts = arena_array(&l->arena, l->n, sizeof(*texts));
	uint8_t *sets = task->many ? arena_array(&l->arena, l->n * task->n_labels, sizeof(*sets)) : NULL;

	for (size_t i = 0; i < task->n_labels; i++) /* outputs are in the order of the labels */
		*hash = add_hash(task->labels[i].name, *hash);
	for (size_t i = 0; i < l->n; i++) {
		const struct example *item = l->items[i];

		texts[i] = workshop_text(w, &l->arena, item);
		classes[i] = item->label;
		if (sets)
			fill_set(item, sets + i * task->n_labels);
		*hash = add_hash(request_completion(task, NULL, item, &l->arena), add_hash(texts[i], *hash));
	}
	l->texts = (struct finetune_texts){ .n = l->n, .classes = w->task->n_labels, .texts = texts, .classes_of = classes,
					    .sets = sets, .groups = groups_of(l) };
	add_groups(l, hash);
}

/* Texts and the objects that they say. */
static bool read_objects(struct workshop *w, struct lesson *l, uint64_t *hash, struct error *err)
{
	const char **texts = arena_array(&l->arena, l->n, sizeof(*texts)), **answers = arena_array(&l->arena, l->n, sizeof(*answers));
	const struct tagging *g = workshop_tagging(w);

	*hash = add_hash(w->task->schema, *hash);
	for (size_t i = 0; i < l->n; i++) {
		texts[i] = workshop_text(w, &l->arena, l->items[i]);
		answers[i] = l->items[i]->answer;
		*hash = add_hash(answers[i], add_hash(texts[i], *hash));
	}
	l->texts = (struct finetune_texts){ .n = l->n, .classes = g->n_classes, .texts = texts, .answers = answers, .tagging = g,
					    .groups = groups_of(l) };
	add_groups(l, hash);
	if (g->n_strings + g->n_choices == 0)
		return error_set(err, "the schema has no string, enum or boolean that an encoder could say");
	return true;
}

bool workshop_prompts(struct workshop *w, const struct variant *v, const struct example *const *items, size_t n,
		      struct arena *arena, struct finetune_prompts *out, struct error *err)
{
	struct model_request *prompts = arena_array(arena, n + 1, sizeof(*prompts));
	const char **completions = arena_array(arena, n + 1, sizeof(*completions));
	size_t *groups = arena_array(arena, n + 1, sizeof(*groups));
	struct variant asked = *v;

	if (v->tuning->lesson && w->task->has_gold)
		asked.technique = v->tuning->lesson;
	for (size_t i = 0; i < n; i++) {
		struct evidence shown;

		if (!request_build(w, &asked, items[i], workshop_text(w, arena, items[i]), arena, &prompts[i], &shown, err))
			return false;
		completions[i] = request_completion(w->task, v->technique, items[i], arena);
		groups[i] = items[i]->group;
	}
	*out = (struct finetune_prompts){ .n = n, .prompts = prompts, .completions = completions, .groups = groups };
	return true;
}

static bool read_prompts(struct workshop *w, const struct variant *v, struct lesson *l, uint64_t *hash, struct error *err)
{
	if (!workshop_prompts(w, v, l->items, l->n, &l->arena, &l->prompts, err))
		return false;
	for (size_t i = 0; i < l->n; i++)
		*hash = add_hash(l->prompts.completions[i], add_hash(model_request_json(&l->arena, &l->prompts.prompts[i]), *hash));
	add_groups(l, hash);
	return true;
}

static bool find_base(struct workshop *w, const struct variant *v, struct lesson *l, uint64_t *hash, struct error *err)
{
	if (!v->model) {
		models_encoder_folder(w->models, &l->base);
		*hash = models_encoder_hash(w->models, err);
		return *hash != 0;
	}
	return models_base_file(w->models, v->model, &l->base, err) && tuned_file_hash(l->base.data, hash, err);
}

static struct finetune_settings settings_of(const struct workshop *w, const struct variant *v)
{
	const struct finetune_settings *given = !w->watch ? NULL : v->model ? w->watch->lora : w->watch->encoder;
	struct finetune_settings s = given ? *given : v->model ? finetune_lora_defaults : finetune_encoder_defaults;

	if (!given)
		s.seed = w->seed;
	if (!s.held_fewest && !v->model && !w->task->validator && !w->task->many)
		s.held_fewest = HELD_FEWEST_ONE_LABEL;
	return s;
}

static bool lesson_init(struct workshop *w, const struct variant *v, struct lesson *l, struct error *err)
{
	uint64_t base, data = 0;

	*l = (struct lesson){ .settings = settings_of(w, v) };
	arena_init(&l->arena);
	list_items(w, v, l);
	if (!find_base(w, v, l, &base, err))
		return false;
	if (!v->model && !w->task->validator)
		read_texts(w, l, &data);
	else if (!(v->model ? read_prompts(w, v, l, &data, err) : read_objects(w, l, &data, err)))
		return false;
	l->texts.by_model = l->prompts.by_model = by_model_of(w, l, &data);
	json_t *settings = finetune_settings_json(&l->settings);
	char *written = json_dumps(settings, JSON_COMPACT | JSON_REAL_PRECISION(9));

	hex(base, l->base_hash);
	hex(data, l->data_hash);
	hex(add_hash(written, add_hash(v->tuning->id, base ^ data)), l->key);
	free(written);
	json_decref(settings);
	return true;
}

static void lesson_release(struct lesson *l)
{
	buf_release(&l->base);
	arena_release(&l->arena);
}

/* --- training ------------------------------------------------------------------------------------------------------ */

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
	uint64_t fingerprint = add_hash(l->key, 0);
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
static void tell_unseen(struct workshop *w, const struct variant *v, const struct lesson *l)
{
	const char *sentence = w->watch && w->watch->notice ? labels_unseen(w, v, (struct item_list){ l->items, l->n }) : NULL;

	if (sentence)
		w->watch->notice(w->watch->context, sentence);
}

static bool train(struct workshop *w, const struct variant *v, const struct lesson *l, struct tuned *out, struct error *err)
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

static bool find_or_train(struct workshop *w, const struct variant *v, struct tuned *out, struct error *err)
{
	const char *root = models_tuned(w->models);
	struct lesson l;
	bool found = false, ready;

	if (!root)
		return error_set(err, "there is no place for fine-tuned models here");
	if (v->version || (w->watch && w->watch->version))
		return tuned_find(root, v->version ? v->version : w->watch->version, out, err) && same_labels(w->task, v, out, err);
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

/* Whether training a decoder left the item out, being too long. reader NULL: nothing was. */
static bool was_too_long(struct workshop *w, const struct variant *v, const struct example *item, const struct reader *reader, bool *too_long,
			 struct error *err)
{
	struct finetune_prompts p;
	struct arena arena;

	*too_long = false;
	if (!reader)
		return true;
	arena_init(&arena);
	bool built = workshop_prompts(w, v, &item, 1, &arena, &p, err);

	if (built) {
		size_t n = p.prompts->n_messages, limit = reader_limit(reader);
		struct message *whole = arena_array(&arena, n + 1, sizeof(*whole));

		memcpy(whole, p.prompts->messages, n * sizeof(*whole));
		whole[n] = (struct message){ MESSAGE_ASSISTANT, p.completions[0] };
		*too_long = reader_tokens(reader, whole, n + 1) > (limit && limit < TRAINED_TOKENS ? limit : TRAINED_TOKENS);
	}
	arena_release(&arena);
	return built;
}

bool variant_taught(struct workshop *w, const struct variant *v, const json_t *card, const struct reader *reader, size_t most,
		    struct arena *arena, struct item_list *out, struct error *err)
{
	size_t trained = (size_t)json_integer_value(json_object_get(json_object_get(card, "data"), "trained"));
	const struct example **items = arena_array(arena, most + 1, sizeof(*items));
	struct lesson l = { .settings = settings_of(w, v) };
	struct held_out h;
	bool known = true;

	arena_init(&l.arena);
	list_items(w, v, &l);
	uint64_t ignored = 0;

	held_out_init(&h, groups_of(&l), by_model_of(w, &l, &ignored), l.n, &l.settings);
	*out = (struct item_list){ items, 0 };
	for (size_t i = 0; known && i < h.n_train && out->n < most && out->n < trained; i++) {
		bool too_long;

		known = was_too_long(w, v, l.items[h.train[i]], reader, &too_long, err);
		if (known && !too_long)
			items[out->n++] = l.items[h.train[i]];
	}
	held_out_release(&h);
	lesson_release(&l);
	return known;
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
