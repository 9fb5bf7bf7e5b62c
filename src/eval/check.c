/* check.c - collects, then writes as text or JSON. */
#include "eval/check.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/gold.h"
#include "model/reader.h"
#include "model/recorded.h"
#include "task/template.h"

enum { EXAMPLES_SHOWN = 5 };

static int compare_sizes(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x > y) - (x < y);
}

static size_t input_tokens(const struct reader *r, const struct template *input, const struct example *e)
{
	struct buf text = { 0 };

	template_render(input, e, &text);
	struct message message = { MESSAGE_USER, buf_text(&text) };
	size_t tokens = reader_tokens(r, &message, 1);

	buf_release(&text);
	return tokens;
}

static struct input_lengths lengths_of(const struct task *t, const char *folder, const char *model, struct arena *arena)
{
	struct input_lengths l = { .model = model };
	struct error err;
	struct reader *reader = reader_open(folder, model, &err);

	if (!reader) {
		l.why = arena_string(arena, err.text);
		return l;
	}
	const struct template *input = template_compile(arena, t, t->input, "input", &err); /* task_open() compiled it */
	size_t n = 0, *tokens = arena_array(arena, t->dev.list.n + t->test.list.n, sizeof(*tokens));

	for (size_t i = 0; i < t->dev.list.n; i++)
		tokens[n++] = input_tokens(reader, input, t->dev.list.items[i]);
	for (size_t i = 0; i < t->test.list.n; i++)
		tokens[n++] = input_tokens(reader, input, t->test.list.items[i]);
	qsort(tokens, n, sizeof(*tokens), compare_sizes);
	l.limit = reader_limit(reader);
	l.median = tokens[n / 2];
	l.p95 = tokens[n - 1 - n / 20];
	l.longest = tokens[n - 1];
	reader_free(reader);
	return l;
}

/* The task's models, and those that only a variant of the user's own names, each once, but for those that are or were asked elsewhere:
 * how they count is not known here. Returns how many. */
static size_t models_named(const struct task *task, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < task->n_models + task->n_variants; i++) {
		const char *name = i < task->n_models ? task->models[i] : task->variants[i - task->n_models].model;
		size_t at = 0;

		if (model_is_elsewhere(name) || recorded_is(name))
			continue;
		while (at < n && strcmp(names[at], name) != 0)
			at++;
		if (at == n)
			names[n++] = name;
	}
	return n;
}

static const struct variant *const *unusable_of(const struct task *task, const struct climb_options *o, struct arena *arena, size_t *n)
{
	size_t n_variants;
	const struct variant *variants = variants_list(task, arena, o->models, o->n_models, &n_variants);
	const struct variant **unusable = arena_array(arena, n_variants, sizeof(*unusable));

	*n = 0;
	for (size_t i = 0; i < n_variants; i++)
		if (variants[i].recorded && variants[i].skipped)
			unusable[(*n)++] = &variants[i];
	return unusable;
}

struct check check_task(const struct task *task, const struct climb_options *options, const char *models, const struct price_table *prices,
			struct arena *arena)
{
	struct check c = { .task = task, .bound = climb_bound(task, options), .options = options,
			   .preview = climb_preview(task, options, prices, arena) };
	const char **names = arena_array(arena, task->n_models + task->n_variants, sizeof(*names));

	c.n_lengths = models_named(task, names);
	struct input_lengths *lengths = arena_array(arena, c.n_lengths, sizeof(*lengths));

	for (size_t i = 0; i < c.n_lengths; i++)
		lengths[i] = lengths_of(task, models, names[i], arena);
	c.lengths = lengths;
	c.n_copies = leakage_find(task, arena, &c.copies);
	c.unusable = unusable_of(task, options, arena, &c.n_unusable);
	c.n_lost = gold_missing(task, arena, &c.lost);
	return c;
}

static void write_lengths(const struct input_lengths *l, struct buf *out)
{
	if (l->why) {
		buf_addf(out, "  inputs in tokens of %s: unknown: %s\n", l->model, l->why);
		return;
	}
	buf_addf(out, "  inputs in tokens of %s: median %zu, 95 %% up to %zu, longest %zu", l->model, l->median, l->p95,
		 l->longest);
	if (l->limit)
		buf_addf(out, "; its context holds %zu", l->limit);
	buf_adds(out, "\n");
}

static void write_copies(const struct check *c, struct buf *out)
{
	if (c->n_copies == 0)
		return;
	buf_addf(out, "  note: %zu dev or test example%s nearly repeat%s a pool example, which flatters every score on %s;\n"
		 "        keep copies in one split, or give them a common group:\n",
		 c->n_copies, c->n_copies == 1 ? "" : "s", c->n_copies == 1 ? "s" : "", c->n_copies == 1 ? "it" : "them");
	for (size_t i = 0; i < c->n_copies && i < EXAMPLES_SHOWN; i++) {
		const struct near_copy *n = &c->copies[i];

		buf_addf(out, "        %s (line %zu) and %s (line %zu): %.0f %% alike%s\n", n->item->id, n->item->line, n->pool->id,
			 n->pool->line, 100 * n->similarity, n->same_label ? "" : ", with different answers");
	}
	if (c->n_copies > EXAMPLES_SHOWN)
		buf_addf(out, "        and %zu more (--json lists all)\n", c->n_copies - EXAMPLES_SHOWN);
}

static void write_lost(const struct check *c, struct buf *out)
{
	if (c->n_lost == 0)
		return;
	buf_addf(out, "  note: the gold passage%s of %zu example%s not in the documents, so that no search can find %s; correct %s:\n",
		 c->n_lost == 1 ? "" : "s", c->n_lost, c->n_lost == 1 ? " is" : "s are", c->n_lost == 1 ? "it" : "them",
		 c->n_lost == 1 ? "it" : "them");
	for (size_t i = 0; i < c->n_lost && i < EXAMPLES_SHOWN; i++)
		buf_addf(out, "        %s (line %zu)\n", c->lost[i]->id, c->lost[i]->line);
	if (c->n_lost > EXAMPLES_SHOWN)
		buf_addf(out, "        and %zu more (--json lists all)\n", c->n_lost - EXAMPLES_SHOWN);
}

void check_write_text(const struct check *c, struct buf *out)
{
	const struct task *t = c->task;

	buf_addf(out, "%s: %s, ", t->name, task_kind_name(t->kind));
	if (t->n_labels > 0)
		buf_addf(out, "%zu labels, ", t->n_labels);
	buf_addf(out, "%zu examples (%zu duplicates dropped)\n", t->n_rows, t->n_duplicates);
	buf_addf(out, "  pool %zu   dev %zu   test %zu", t->pool.list.n, t->dev.list.n, t->test.list.n);
	if (t->cascade.wanted)
		buf_addf(out, "   aside %zu, for the threshold of the cascade", t->aside.list.n);
	buf_addc(out, '\n');
	if (t->n_collected > 0)
		buf_addf(out, "  of them %zu of the %zu collected in %s\n", t->n_collected - t->n_uncollected, t->n_collected, t->collected_file);
	for (size_t i = 0; i < c->n_lengths; i++)
		write_lengths(&c->lengths[i], out);
	buf_addf(out, "  a climb makes at most %zu model calls on dev, %zu to diagnose and %zu on test\n", c->bound.dev_calls,
		 c->bound.probe_calls, c->bound.test_calls);
	if (c->bound.judge_calls > 0)
		buf_addf(out, "  judge %s grades at most %zu answers, in %zu more calls\n", t->scorer_setting, c->bound.grades, c->bound.judge_calls);
	else if (c->bound.grades > 0)
		buf_addf(out, "  `%s` grades at most %zu answers\n", t->scorer_setting, c->bound.grades);
	preview_write(&c->preview, c->options, out);
	for (size_t i = 0; i < t->n_warnings; i++)
		buf_addf(out, "  note: %s\n", t->warnings[i]);
	for (size_t i = 0; i < c->n_unusable; i++)
		buf_addf(out, "  note: %s is passed over: %s\n", c->unusable[i]->id, c->unusable[i]->skipped);
	write_copies(c, out);
	write_lost(c, out);
}

static json_t *lengths_json(const struct check *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_lengths; i++) {
		const struct input_lengths *l = &c->lengths[i];

		json_array_append_new(list, l->why ? json_pack("{s:s, s:s}", "model", l->model, "why", l->why)
						   : json_pack("{s:s, s:I, s:I, s:I, s:I}", "model", l->model, "median",
							       (json_int_t)l->median, "p95", (json_int_t)l->p95, "longest",
							       (json_int_t)l->longest, "context", (json_int_t)l->limit));
	}
	return list;
}

static json_t *copies_json(const struct check *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_copies; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:b}", "item", c->copies[i].item->id, "pool",
						      c->copies[i].pool->id, "similarity", c->copies[i].similarity,
						      "same_label", c->copies[i].same_label));
	return list;
}

static json_t *lost_json(const struct check *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_lost; i++)
		json_array_append_new(list, json_string(c->lost[i]->id));
	return list;
}

static json_t *providers_json(const struct check *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->preview.n_models; i++) {
		const struct previewed *m = &c->preview.models[i];

		json_array_append_new(list, json_pack("{s:s, s:I, s:f, s:f, s:o}", "model", m->model, "calls", (json_int_t)m->calls,
						      "input_tokens", m->input_tokens, "output_tokens", m->output_tokens, "usd",
						      isnan(m->usd) ? json_null() : json_real(m->usd)));
	}
	return list;
}

static json_t *unusable_json(const struct check *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_unusable; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "variant", c->unusable[i]->id, "why", c->unusable[i]->skipped));
	return list;
}

void check_write_json(const struct check *c, struct buf *out)
{
	const struct task *t = c->task;
	json_t *warnings = json_array();

	for (size_t i = 0; i < t->n_warnings; i++)
		json_array_append_new(warnings, json_string(t->warnings[i]));
	json_t *root = json_pack(
		"{s:s, s:s, s:I, s:{s:I, s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:I, s:I}, s:o, s:o, s:o, s:o, s:o, s:o}", "task", t->name, "kind",
		task_kind_name(t->kind), "labels", (json_int_t)t->n_labels, "examples", "total", (json_int_t)t->n_rows,
		"duplicates", (json_int_t)t->n_duplicates, "pool", (json_int_t)t->pool.list.n, "dev",
		(json_int_t)t->dev.list.n, "test", (json_int_t)t->test.list.n, "calls_at_most", "dev",
		(json_int_t)c->bound.dev_calls, "probe", (json_int_t)c->bound.probe_calls, "test", (json_int_t)c->bound.test_calls,
		"grades", (json_int_t)c->bound.grades, "judge", (json_int_t)c->bound.judge_calls,
		"input_tokens", lengths_json(c), "near_copies", copies_json(c), "gold_missing", lost_json(c), "warnings", warnings,
		"providers_at_most", providers_json(c), "recorded_unusable", unusable_json(c));
	if (t->cascade.wanted)
		json_object_set_new(json_object_get(root, "examples"), "aside", json_integer((json_int_t)t->aside.list.n));
	if (t->n_collected > 0)
		json_object_set_new(root, "collected", json_pack("{s:s, s:I, s:I}", "file", t->collected_file, "read", (json_int_t)t->n_collected, "used",
								 (json_int_t)(t->n_collected - t->n_uncollected)));
	char *text = json_dumps(root, JSON_INDENT(1));

	buf_addf(out, "%s\n", text);
	free(text);
	json_decref(root);
}
