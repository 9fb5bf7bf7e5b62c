/* outcomes.c - the files, and whether each configuration can answer all that a climb may ask. */
#include "task/outcomes.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "decide/recorded.h"

static const size_t file_most = (size_t)1 << 30;
static const char prefix[] = "recorded:";

struct outcomes_file {
	const char *model; /* as the task names it */
	struct recorded rows;
	struct hash_map items; /* id -> number */
	uint64_t contents;
	struct outcomes_config *configs;
	size_t n_configs;
	struct outcomes_file *next;
};

struct outcomes {
	struct arena arena;
	struct outcomes_file *first;
};

const char *outcomes_path(const char *model)
{
	return strncmp(model, prefix, sizeof(prefix) - 1) == 0 && !strchr(model, '#') ? model + sizeof(prefix) - 1 : NULL;
}

const char *outcomes_first_other(const char *const *models, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!outcomes_path(models[i]))
			return models[i];
	return NULL;
}

static const struct outcomes_file *file_of(const struct task *task, const char *model)
{
	for (const struct outcomes_file *f = task->outcomes ? task->outcomes->first : NULL; f; f = f->next)
		if (strcmp(f->model, model) == 0)
			return f;
	return NULL;
}

/* Of the items a climb asks, those that a configuration lacks, or has without an output; an example of each. */
struct lacking {
	size_t items, rows, outputs;
	const char *item, *output;
};

static void count_lacking(const struct outcomes_file *f, size_t number, struct item_list list, struct lacking *l)
{
	const struct recorded_configuration *c = &f->rows.configurations[number];

	for (size_t i = 0; i < list.n; i++) {
		const char *id = list.items[i]->id;
		size_t at = hash_map_get(&f->items, id, strlen(id), SIZE_MAX);

		l->items++;
		if (at == SIZE_MAX || isnan(c->score[at])) {
			l->rows++;
			l->item = id;
		} else if (!c->output[at]) {
			l->outputs++;
			l->output = id;
		}
	}
}

/* Latency that nobody recorded cannot be held against a limit. */
static bool lacks_ms(const struct task *task, const struct recorded_configuration *c)
{
	return task->traffic.latency_p95_ms > 0 && !c->measure[RECORDED_MS];
}

static const char *why_skipped(const struct task *task, const struct outcomes_file *f, size_t number, struct arena *arena)
{
	const struct recorded_configuration *c = &f->rows.configurations[number];
	struct lacking l = { 0 };

	count_lacking(f, number, task->dev.list, &l);
	count_lacking(f, number, task->test.list, &l);
	if (l.rows > 0)
		return arena_printf(arena, "%s has no row of %zu of the %zu dev and test items under \"%s\", \"%s\" for one; record them too",
				    f->rows.file, l.rows, l.items, c->name, l.item);
	if (l.outputs > 0)
		return arena_printf(arena, "%s has %zu row%s without \"output\" under \"%s\", that of item \"%s\" for one, so that scorer %s has nothing "
				    "to grade; add them, or decide on \"correct\" and \"score\" alone: `rung decide %s`", f->rows.file, l.outputs,
				    l.outputs == 1 ? "" : "s", c->name, l.output, task->scorer, f->rows.file);
	if (lacks_ms(task, c))
		return arena_printf(arena, "%s has no \"ms\" under \"%s\", and the task has a latency_p95_ms to keep to", f->rows.file, c->name);
	return NULL;
}

/* On rungs: probes are not named. */
static bool has_several_models(const struct recorded *r)
{
	const char *first = NULL;

	for (size_t i = 0; i < r->n_configurations; i++) {
		const struct recorded_configuration *c = &r->configurations[i];

		if (c->place >= RECORDED_RUNGS)
			continue;
		first = first ? first : c->model;
		if (strcmp(first, c->model) != 0)
			return true;
	}
	return false;
}

static void list_configs(const struct task *task, struct outcomes_file *f, struct arena *arena)
{
	bool several = has_several_models(&f->rows);

	f->configs = arena_array(arena, f->rows.n_configurations, sizeof(*f->configs));
	for (size_t i = 0; i < f->rows.n_configurations; i++) {
		const struct recorded_configuration *c = &f->rows.configurations[i];
		const char *model = arena_printf(arena, "%s#%s", f->model, c->model);

		if (c->place >= RECORDED_RUNGS)
			continue;
		f->configs[f->n_configs++] = (struct outcomes_config){
			.id = arena_printf(arena, "%d/%s@%s", (int)c->place, c->config, several ? model : f->model), .name = c->config,
			.model = model, .asked_none = strcmp(c->model, "none") == 0, .rung = (int)c->place,
			.skipped = why_skipped(task, f, i, arena), .contents = f->contents, .file = f, .number = i,
		};
	}
}

static bool read_file(const struct task *task, struct outcomes_file *f, struct arena *arena, struct error *err)
{
	const char *path = outcomes_path(f->model);
	struct buf where = { 0 };
	size_t n = 0;

	buf_adds(&where, path);
	if (path[0] != '/' && !file_exists(path)) {
		buf_clear(&where);
		buf_addf(&where, "%s/%s", task->folder, path);
	}
	char *text = file_read(buf_text(&where), file_most, &n, err);
	bool good = text && recorded_read_outputs(&f->rows, buf_text(&where), text, n, arena, err);

	if (good)
		f->contents = hash64(text, n, 0);
	free(text);
	buf_release(&where);
	if (!good)
		return error_prefix(err, "model \"%s\" (outcomes; of calls, the model is named behind '#')", f->model);
	for (size_t i = 0; i < f->rows.n_items; i++)
		hash_map_put(&f->items, f->rows.items[i], strlen(f->rows.items[i]), i);
	list_configs(task, f, arena);
	return f->n_configs > 0 ||
	       error_set(err, "model \"%s\": %s has probes alone; a variant needs rows on rung baseline, prompt, rag or finetune", f->model,
			 f->rows.file);
}

bool outcomes_open(struct task *task, const char *const *models, size_t n, struct error *err)
{
	if (!models) {
		models = task->models;
		n = task->n_models;
	}
	for (size_t i = 0; i < n; i++) {
		if (!outcomes_path(models[i]) || file_of(task, models[i]))
			continue;
		if (!task->outcomes) {
			task->outcomes = mem_zero(1, sizeof(*task->outcomes));
			arena_init(&task->outcomes->arena);
		}
		struct arena *arena = &task->outcomes->arena;
		struct outcomes_file **last = &task->outcomes->first;

		while (*last)
			last = &(*last)->next;
		*last = arena_alloc(arena, sizeof(**last));
		(*last)->model = arena_string(arena, models[i]);
		if (!read_file(task, *last, arena, err))
			return false;
	}
	return true;
}

void outcomes_free(struct outcomes *o)
{
	if (!o)
		return;
	for (struct outcomes_file *f = o->first; f; f = f->next)
		hash_map_release(&f->items);
	arena_release(&o->arena);
	free(o);
}

const struct outcomes_config *outcomes_configs(const struct task *task, const char *model, size_t *n)
{
	const struct outcomes_file *f = file_of(task, model);

	*n = f ? f->n_configs : 0;
	return f ? f->configs : NULL;
}

uint64_t outcomes_fingerprint(const struct task *task, const char *const *models, size_t n)
{
	uint64_t h = 0;

	for (size_t i = 0; i < n; i++) {
		const struct outcomes_file *f = file_of(task, models[i]);

		h = f ? hash64(&f->contents, sizeof(f->contents), h) : h;
	}
	return h;
}

static size_t count_at(const double *measure, size_t at)
{
	return measure && measure[at] > 0 ? (size_t)llround(measure[at]) : 0;
}

bool outcomes_find(const struct outcomes_config *config, const char *item, struct outcome *out)
{
	const struct recorded_configuration *c = &config->file->rows.configurations[config->number];
	size_t at = hash_map_get(&config->file->items, item, strlen(item), SIZE_MAX);

	if (at == SIZE_MAX || isnan(c->score[at]))
		return false;
	*out = (struct outcome){
		.output = c->output[at] == recorded_null ? NULL : c->output[at],
		.input_tokens = count_at(c->measure[RECORDED_INPUT_TOKENS], at),
		.output_tokens = count_at(c->measure[RECORDED_OUTPUT_TOKENS], at),
		.ms = c->measure[RECORDED_MS] ? c->measure[RECORDED_MS][at] : NAN,
		.usd = c->measure[RECORDED_USD] ? c->measure[RECORDED_USD][at] : NAN,
	};
	return true;
}
