/* teach.c - rows to examples whose answers are a model's. */
#include "variant/teach.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "prompt/parse.h"
#include "task/scorer.h"
#include "task/table.h"
#include "tune/copies.h"
#include "variant/workshop.h"

enum { BATCH = 10 };

/* What is kept of an answer: the label; with it what was said before; or that alone, of examples that have their label. */
enum teaching { TEACH_LABELS, TEACH_REASONS, TEACH_REASONS_OF_POOL };

/* The normal form of what is shown of an item. */
static const char *normal_text(struct workshop *w, const struct example *item, struct arena *arena)
{
	const char *text = workshop_text(w, arena, item);

	return text_normal(arena, text, strlen(text));
}

static void note_list(struct workshop *w, struct item_list list, struct arena *arena, struct hash_map *known)
{
	for (size_t i = 0; i < list.n; i++) {
		const char *text = normal_text(w, list.items[i], arena);

		hash_map_put(known, text, strlen(text), 1);
	}
}

static bool needs_column(const struct task *task, const char *column)
{
	char open[256];

	snprintf(open, sizeof(open), "{{%s", column);
	return strstr(task->input, open) != NULL;
}

/* Which of the file's columns is which of the task's; TABLE_COLUMNS: it is not there. */
static bool map_columns(const struct task *task, const struct table *t, size_t *column, struct error *err)
{
	for (size_t c = 0; c < task->n_columns; c++) {
		column[c] = TABLE_COLUMNS;
		for (size_t i = 0; i < t->n_columns; i++)
			if (strcmp(t->columns[i], task->columns[c]) == 0)
				column[c] = i;
		if (column[c] == TABLE_COLUMNS && needs_column(task, task->columns[c]))
			return error_set(err, "%s: there is no column \"%s\", which the task's input template shows", t->path,
					 task->columns[c]);
	}
	return true;
}

static struct example *row_example(const struct task *task, const struct table_row *row, const size_t *column, struct arena *arena)
{
	struct example *e = arena_alloc(arena, sizeof(*e));
	const char **values = arena_array(arena, task->n_columns, sizeof(*values));

	for (size_t c = 0; c < task->n_columns; c++)
		values[c] = column[c] == TABLE_COLUMNS ? "" : row->values[column[c]];
	*e = (struct example){ .id = arena_printf(arena, "taught-%zu", row->line), .values = values, .answer = "",
			       .group = SIZE_MAX - row->line, .line = row->line };
	return e;
}

/* The labels that the answer's text lists; none of them is a set too. */
static bool take_set(const struct task *task, struct example *e, struct arena *arena)
{
	bool *found = arena_array(arena, task->n_labels + 1, sizeof(*found));
	size_t *labels = arena_array(arena, task->n_labels + 1, sizeof(*labels));

	if (e->answer[0] && parse_labels(task, e->answer, arena, found, NULL) != PARSE_LABEL)
		return false;
	for (size_t i = 0; i < task->n_labels; i++)
		if (found[i])
			labels[e->n_labels++] = i;
	e->labels = labels;
	e->label = e->n_labels > 0 ? labels[0] : 0;
	return true;
}

/* Takes the teacher's answer as the example's; false when it is none that could be learnt. */
static bool take_answer(const struct task *task, struct example *e, const struct answer *a, struct arena *arena)
{
	if (!a->text || strcmp(a->status, "answered") != 0)
		return false;
	e->answer = arena_string(arena, a->text);
	if (task->many)
		return take_set(task, e, arena);
	if (task->kind != TASK_CLASSIFY)
		return true;
	e->label = task_label(task, a->text);
	return e->label < task->n_labels;
}

/* Keeps what the teacher said before its answer; nothing where it said nothing. */
static bool take_reasons(struct workshop *w, struct example *e, const struct answer *a, struct arena *arena, struct error *err)
{
	struct call_row call;
	size_t n;

	if (!a->call || !store_call_get(w->store, arena, a->call, &call, err))
		return a->call == 0;
	parse_behind_reasons(call.output, &n);
	while (n > 0 && isspace((unsigned char)call.output[n - 1]))
		n--;
	e->reasons = n > 0 ? arena_copy(arena, call.output, n) : NULL;
	return true;
}

/* Whether an example is learnt from, with that answer of the teacher's. *taken is set unless the store fails. */
static bool take(struct workshop *w, const struct task *task, enum teaching what, struct example *e, const struct answer *a,
		 struct arena *arena, bool *taken, struct error *err)
{
	*taken = what == TEACH_REASONS_OF_POOL ? scorer_grade(task, e, a->text) >= 1 : take_answer(task, e, a, arena);
	if (!*taken || what == TEACH_LABELS)
		return true;
	if (!take_reasons(w, e, a, arena, err))
		return false;
	*taken = e->reasons != NULL;
	return true;
}

/* Whether answers (n) can be scored, where that decides what is learnt from. */
static bool graded(struct workshop *w, enum teaching what, struct example *const *items, const struct answer *answers, size_t n,
		   struct arena *arena, struct error *err)
{
	const char **texts = arena_array(arena, n, sizeof(*texts));

	for (size_t i = 0; i < n; i++)
		texts[i] = answers[i].text;
	return what != TEACH_REASONS_OF_POOL || workshop_grade(w, (const struct example *const *)items, texts, n, err);
}

/* Answers the examples (n); keeps those that are learnt from, in their order. */
static bool ask_teacher(struct workshop *w, const struct task *task, const struct variant *teacher, enum teaching what,
			struct example **examples, size_t n, const struct teach_progress *p, struct arena *arena, struct taught *out,
			struct error *err)
{
	const struct example **kept = arena_array(arena, n + 1, sizeof(*kept));

	for (size_t from = 0; from < n; from += BATCH) {
		size_t count = n - from < BATCH ? n - from : BATCH;
		struct answer *answers = arena_array(arena, count, sizeof(*answers));

		if (p->stopped && p->stopped(p->context))
			return error_set(err, "interrupted; run the same command again to go on");
		if (!variant_answer(w, teacher, (const struct example *const *)examples + from, count, arena, answers, err) ||
		    !graded(w, what, examples + from, answers, count, arena, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			bool taken;

			if (!take(w, task, what, examples[from + i], &answers[i], arena, &taken, err))
				return false;
			out->unanswered += !taken;
			if (taken)
				kept[out->n++] = examples[from + i];
		}
		if (p->step)
			p->step(p->context, "the teacher answers", from + count, n);
	}
	out->items = kept;
	return true;
}

static bool ready(struct workshop *w, const struct variant *teacher, struct error *err)
{
	const char *unfit;

	return variant_ready(w, teacher, &unfit, err) && (!unfit || error_set(err, "%s", unfit));
}

bool teach_gives_reasons(const struct variant *teacher)
{
	return teacher->technique && teacher->technique->reasoning && teacher->technique->answer == ANSWER_TEXT && !teacher->technique->samples;
}

bool teach_pool(struct workshop *w, const struct task *task, const struct variant *teacher, const struct teach_progress *progress,
		struct arena *arena, struct taught *out, struct error *err)
{
	struct item_list pool = workshop_lessons(w, 3);
	struct example **examples = arena_array(arena, pool.n + 1, sizeof(*examples));

	*out = (struct taught){ .rows = pool.n };
	for (size_t i = 0; i < pool.n; i++) {
		examples[i] = arena_alloc(arena, sizeof(**examples));
		*examples[i] = *pool.items[i];
	}
	return ready(w, teacher, err) &&
	       ask_teacher(w, task, teacher, TEACH_REASONS_OF_POOL, examples, pool.n, progress, arena, out, err);
}

/* Takes out what nearly repeats a dev or test item, by its words: what is tested must not be learnt in other words. */
static bool drop_copies(struct workshop *w, struct example **examples, size_t *n, struct arena *arena, struct error *err)
{
	struct copy *copies = arena_array(arena, *n, sizeof(*copies));
	const char **texts = arena_array(arena, *n, sizeof(*texts));
	size_t left = 0;

	for (size_t i = 0; i < *n; i++)
		texts[i] = workshop_text(w, arena, examples[i]);
	if (*n > 0 && !copies_find(w->task, NULL, texts, *n, arena, copies, NULL, err))
		return false;
	for (size_t i = 0; i < *n; i++)
		if (copies[i].of != COPY_DEV && copies[i].of != COPY_TEST)
			examples[left++] = examples[i];
	*n = left;
	return true;
}

bool teach_file(struct workshop *w, const struct task *task, const struct variant *teacher, const char *file, bool reasons,
		const struct teach_progress *progress, struct arena *arena, struct taught *out, struct error *err)
{
	struct hash_map known = { 0 };
	struct table t;
	size_t n = 0;

	*out = (struct taught){ 0 };
	if (!table_read(&t, arena, file, err))
		return false;
	size_t *column = arena_array(arena, task->n_columns, sizeof(*column));
	struct example **examples = arena_array(arena, t.n_rows + 1, sizeof(*examples));

	if (!map_columns(task, &t, column, err))
		return false;
	note_list(w, task->pool.list, arena, &known);
	note_list(w, task->dev.list, arena, &known);
	note_list(w, task->test.list, arena, &known);
	note_list(w, task->aside.list, arena, &known);
	out->rows = t.n_rows;
	for (size_t i = 0; i < t.n_rows; i++) {
		struct example *e = row_example(task, &t.rows[i], column, arena);
		const char *text = normal_text(w, e, arena);

		if (hash_map_get(&known, text, strlen(text), 0))
			out->known++;
		else
			examples[n++] = e;
		hash_map_put(&known, text, strlen(text), 1);
	}
	hash_map_release(&known);
	size_t other = n;

	if (!drop_copies(w, examples, &n, arena, err))
		return false;
	out->known += other - n;
	return ready(w, teacher, err) && ask_teacher(w, task, teacher, reasons ? TEACH_REASONS : TEACH_LABELS, examples, n, progress,
						     arena, out, err);
}
