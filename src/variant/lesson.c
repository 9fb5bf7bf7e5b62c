/* lesson.c - the pool, and what a model labelled, as texts, objects or prompts; and the hash of them. */
#include "variant/lesson.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "model/reader.h"
#include "model/tuned.h"

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

	if (labelled == 0)
		return NULL;
	bool *by_model = arena_array(&l->arena, l->n, sizeof(*by_model));

	for (size_t i = l->n - labelled; i < l->n; i++)
		by_model[i] = true;
	*hash = hash64(&labelled, sizeof(labelled), *hash);
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

bool lesson_init(struct workshop *w, const struct variant *v, struct lesson *l, struct error *err)
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
	l->texts.by_model = l->prompts.by_model = l->by_model = by_model_of(w, l, &data);
	json_t *settings = finetune_settings_json(&l->settings);
	char *written = json_dumps(settings, JSON_COMPACT | JSON_REAL_PRECISION(9));

	hex(base, l->base_hash);
	hex(data, l->data_hash);
	hex(add_hash(written, add_hash(v->tuning->id, base ^ data)), l->key);
	free(written);
	json_decref(settings);
	return true;
}

struct item_list lesson_trained(struct lesson *l)
{
	const struct example **items = arena_array(&l->arena, l->n + 1, sizeof(*items));
	struct held_out h;
	size_t n;

	held_out_init(&h, groups_of(l), l->by_model, l->n, &l->settings);
	for (n = 0; n < h.n_train; n++)
		items[n] = l->items[h.train[n]];
	held_out_release(&h);
	return (struct item_list){ items, n };
}

void lesson_release(struct lesson *l)
{
	buf_release(&l->base);
	arena_release(&l->arena);
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
		size_t limit = reader_limit(reader), tokens = reader_taught_tokens(reader, p.prompts->messages, p.prompts->n_messages, p.completions[0]);

		*too_long = tokens > (limit && limit < TRAINED_TOKENS ? limit : TRAINED_TOKENS);
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
	uint64_t ignored = 0;
	bool known = true;

	arena_init(&l.arena);
	list_items(w, v, &l);
	l.by_model = by_model_of(w, &l, &ignored);
	struct item_list learnt = lesson_trained(&l);

	*out = (struct item_list){ items, 0 };
	for (size_t i = 0; known && i < learnt.n && out->n < most && out->n < trained; i++) {
		bool too_long;

		known = was_too_long(w, v, learnt.items[i], reader, &too_long, err);
		if (known && !too_long)
			items[out->n++] = learnt.items[i];
	}
	lesson_release(&l);
	return known;
}
