/* task.c - opens a task: file, examples, templates, splits, in the order in which each needs the one before. */
#include "task/task.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "schema/validator.h"
#include "task/examples.h"
#include "task/grades.h"
#include "task/outcomes.h"
#include "task/mention.h"
#include "task/scorer.h"
#include "task/task_file.h"
#include "task/template.h"

size_t task_label(const struct task *t, const char *name)
{
	for (size_t i = 0; name && i < t->n_labels; i++)
		if (strcmp(t->labels[i].name, name) == 0)
			return i;
	return t->n_labels;
}

size_t task_column(const struct task *t, const char *name, size_t n)
{
	size_t i = 0;

	while (i < t->n_columns && (strlen(t->columns[i]) != n || memcmp(t->columns[i], name, n) != 0))
		i++;
	return i;
}

/* task.yaml in the folder, or the file itself. */
static void paths_set(struct task *t, const char *path)
{
	struct stat st;
	const char *slash;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		size_t n = strlen(path);

		while (n > 1 && path[n - 1] == '/')
			n--;
		t->folder = arena_copy(&t->arena, path, n);
		t->file = arena_printf(&t->arena, "%s/task.yaml", t->folder);
		return;
	}
	t->file = arena_string(&t->arena, path);
	slash = strrchr(path, '/');
	t->folder = slash ? arena_copy(&t->arena, path, slash == path ? 1 : (size_t)(slash - path)) : ".";
}

/* Until the file says otherwise, a task is named after its folder. */
static void name_set(struct task *t)
{
	char *real = realpath(t->folder, NULL);
	const char *slash = real ? strrchr(real, '/') : NULL;

	t->name = slash && slash[1] ? arena_string(&t->arena, slash + 1) : "task";
	free(real);
}

static bool file_open(struct task_file *f, const char *path, struct error *err)
{
	struct task *t = &f->task;
	size_t n = 0;
	char *bytes;
	bool ok;

	paths_set(t, path);
	name_set(t);
	if (!file_exists(t->file))
		return error_set(err, "%s: there is no such task file; `rung init FILE` writes one from a CSV or JSONL",
				 t->file);
	bytes = file_read(t->file, YAML_BYTES, &n, err);
	if (!bytes)
		return false;
	ok = task_file_read(f, bytes, n, err);
	free(bytes);
	return ok;
}

/* The template of a node of the task file, checked: no template may show the answer, or where it stands, to what has to find
 * it. */
static struct template *compile(struct task_file *f, const char *text, const struct yaml *node, const char *what,
				struct error *err)
{
	struct task *t = &f->task;
	const char *where = arena_printf(&t->arena, "%s:%zu:%zu: %s", t->file, node->line, node->column, what);
	struct template *template = template_compile(&t->arena, t, text, where, err);

	const struct { const char *column, *what; } secrets[] = {
		{ f->answer, "right answer" }, { f->gold, "passage that holds the answer" },
		{ f->gold_ids, "documents that hold the answer" }, { f->human, "grade that a person gave" },
		{ f->graded, "answer that a person graded" },
	};

	for (size_t i = 0; template && i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		const char *column = secrets[i].column;

		if (!column || !template_uses(template, task_column(t, column, strlen(column))))
			continue;
		error_set(err, "%s: shows {{%s}}, the column with the %s; take it out", where, column, secrets[i].what);
		mention_flatten(err->text);
		return NULL;
	}
	return template;
}

static bool instructions_compile(struct task_file *f, struct error *err)
{
	const struct yaml *node = yaml_get(f->root, "instruction");
	const struct yaml *entry = node->type == YAML_LIST ? node->first : node;

	for (size_t i = 0; i < f->task.n_instructions && entry; i++, entry = entry->next)
		if (!compile(f, f->task.instructions[i], entry, "instruction", err))
			return false;
	return true;
}

static bool variants_compile(struct task_file *f, struct error *err)
{
	const struct yaml *variants = yaml_get(f->root, "variants");
	const struct yaml *entry = variants ? variants->first : NULL;

	for (size_t i = 0; i < f->task.n_variants && entry; i++, entry = entry->next) {
		const struct task_variant *v = &f->task.variants[i];

		if (v->system && !compile(f, v->system, yaml_get(entry, "system"), "system", err))
			return false;
		if (v->input && !compile(f, v->input, yaml_get(entry, "input"), "input", err))
			return false;
	}
	return true;
}

static struct template *templates_compile(struct task_file *f, struct error *err)
{
	const struct yaml *node = yaml_get(f->root, "input");
	struct template *input = compile(f, f->task.input, node, "input", err);

	if (!input)
		return NULL;
	if (!template_needs_example(input)) {
		task_file_fail(f, node, err, "input names no column, so every example would look alike; write {{%s}} "
			       "or another column of %s", f->task.columns[0], f->task.examples_file);
		return NULL;
	}
	return instructions_compile(f, err) && variants_compile(f, err) ? input : NULL;
}

static const char *examples_path(struct task_file *f, const struct task_options *options)
{
	if (options && options->examples)
		return arena_string(&f->task.arena, options->examples);
	return task_file_path(f, f->examples);
}

static uint64_t mix_bytes(uint64_t h, const void *bytes, size_t n)
{
	return hash64(bytes, n, h * 31 + n);
}

static uint64_t mix_text(uint64_t h, const char *text)
{
	return text ? mix_bytes(h, text, strlen(text)) : mix_bytes(h, "", 0) + 1;
}

static uint64_t mix_number(uint64_t h, double x)
{
	x += 0.0; /* -0 becomes 0 */
	return mix_bytes(h, &x, sizeof(x));
}

static uint64_t mix_items(uint64_t h, const struct task *t, const struct item_list *list)
{
	h = mix_number(h, (double)list->n);
	for (size_t i = 0; i < list->n; i++) {
		const struct example *e = list->items[i];

		h = mix_text(mix_text(h, e->id), e->answer);
		h = mix_number(h, (double)e->group);
		for (size_t c = 0; c < t->n_columns; c++)
			h = mix_text(h, e->values[c]);
	}
	return h;
}

static uint64_t mix_variant(uint64_t h, const struct task_variant *v)
{
	h = mix_text(mix_text(mix_text(mix_text(h, v->name), v->model), v->system), v->input);
	h = mix_number(mix_number(h, v->incumbent), (double)v->max_tokens);
	return v->schema ? mix_text(h, v->schema) : h;
}

static uint64_t mix_documents(uint64_t h, const struct task_documents *d)
{
	h = mix_number(mix_number(h, (double)d->n_paths), (double)d->n_text);
	for (size_t i = 0; i < d->n_paths; i++)
		h = mix_text(h, d->paths[i]);
	for (size_t i = 0; i < d->n_text; i++)
		h = mix_text(h, d->text[i]);
	return mix_text(h, d->id);
}

static uint64_t mix_cascade(uint64_t h, const struct task *t)
{
	const struct cascade_rule *r = &t->cascade.rule;

	h = mix_number(mix_number(mix_number(mix_text(h, "cascade"), r->level), r->alpha), r->of);
	return mix_items(h, t, &t->aside.list);
}

static uint64_t fingerprint(const struct task *t)
{
	double numbers[] = { t->kind, t->many, t->has_target, t->target, t->margin, t->alpha, t->plan,
			     t->constraints.private, t->constraints.citations };
	uint64_t h = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		h = mix_number(h, numbers[i]);
	h = mix_text(mix_text(mix_text(h, t->input), t->scorer), t->scorer_setting);
	if (scorer_is_outside(t))
		h = mix_number(mix_number(mix_text(h, t->outside.rubric), t->outside.binary), t->outside.pairwise);
	for (size_t i = 0; i < t->n_instructions; i++)
		h = mix_text(h, t->instructions[i]);
	for (size_t i = 0; i < t->n_labels; i++)
		h = mix_text(mix_text(h, t->labels[i].name), t->labels[i].definition);
	for (size_t i = 0; i < t->n_variants; i++)
		h = mix_variant(h, &t->variants[i]);
	for (size_t i = 0; i < t->n_columns; i++)
		h = mix_text(h, t->columns[i]);
	h = mix_documents(h, &t->documents);
	h = t->embedding ? mix_text(mix_text(h, "embedding"), t->embedding) : h;
	h = t->rerank ? mix_text(mix_text(h, "rerank"), t->rerank) : h;
	h = t->schema ? mix_text(h, t->schema) : h;
	h = t->pattern ? mix_text(h, t->pattern) : h;
	if (t->cascade.wanted)
		h = mix_cascade(h, t);
	h = mix_items(h, t, &t->pool.list);
	h = mix_items(h, t, &t->dev.list);
	return mix_items(h, t, &t->test.list);
}

static bool load(struct task_file *f, const char *path, const struct task_options *options, struct error *err)
{
	struct examples x;
	struct template *input;
	bool ok;

	if (!file_open(f, path, err))
		return false;
	if (options && options->file_alone)
		return true;
	/* Collected rows belong to the task's own examples. */
	size_t most = options && options->examples ? 0 : options && options->collected ? *options->collected : SIZE_MAX;

	ok = examples_read(&x, f, examples_path(f, options), err) && (input = templates_compile(f, err)) && collected_read(&x, most, err) &&
	     examples_split(&x, input, options ? options->seed : 0);
	examples_release(&x);
	if (ok)
		f->task.fingerprint = fingerprint(&f->task);
	return ok;
}

struct task *task_open(const char *path, const struct task_options *options, struct error *err)
{
	struct task_file f = { 0 };
	struct task *t;

	arena_init(&f.task.arena);
	if (!load(&f, path, options, err)) {
		validator_free(f.task.validator);
		arena_release(&f.task.arena);
		return NULL;
	}
	t = mem_alloc(sizeof(*t));
	*t = f.task;
	t->grades = scorer_is_outside(t) ? grades_new() : NULL;
	return t;
}

void task_free(struct task *t)
{
	if (!t)
		return;
	validator_free(t->validator);
	grades_free(t->grades);
	outcomes_free(t->outcomes);
	arena_release(&t->arena);
	free(t);
}
