/* learnable.c - labels that rung 3 cannot learn from the examples it has, found before anything is trained. */
#include <string.h>

#include "variant/workshop.h"

enum { NAMED = 5 }; /* labels that a sentence lists */

/* Which labels (n_labels) some example has; returns how many do. */
static size_t mark_taught(const struct task *task, struct item_list items, bool *taught)
{
	size_t n = 0;

	for (size_t i = 0; i < items.n; i++) {
		const struct example *e = items.items[i];

		for (size_t k = 0; k < (task->many ? e->n_labels : 1); k++)
			taught[task->many ? e->labels[k] : e->label] = true;
	}
	for (size_t label = 0; label < task->n_labels; label++)
		n += taught[label];
	return n;
}

static size_t labels_taught(const struct task *task, struct item_list items)
{
	bool *taught = mem_zero(task->n_labels + 1, sizeof(*taught));
	size_t n = mark_taught(task, items, taught);

	free(taught);
	return n;
}

bool labels_tell_apart(const struct task *task, struct item_list items)
{
	return task->n_labels == 0 || labels_taught(task, items) >= (task->many ? 1 : 2);
}

bool labels_learnable(const struct workshop *w, const struct variant *v, struct item_list items, struct error *err)
{
	const struct task *task = w->task;
	const char *pool = w->curated && w->curated->hash ? "the pool as " CURATE_FILE " leaves it" : "the pool";

	/* One item may have all labels of a set, and reasons are learnt, not the labels behind them. */
	if (!task->many && !v->tuning->reasons && items.n < task->n_labels)
		return error_set(err, "%s has %zu example%s, fewer than the task has labels (%zu), so some could not be learnt; add examples of "
				 "each to %s, or take labels out of %s", pool, items.n, items.n == 1 ? "" : "s", task->n_labels,
				 task->examples_file, task->file);
	if (labels_tell_apart(task, items))
		return true;
	if (task->many)
		return error_set(err, "no example of %s (%zu) has a label; training needs at least one: add examples that have some to %s", pool,
				 items.n, task->examples_file);
	return error_set(err, "%s has examples of 1 label; training needs at least two: add examples of others to %s", pool,
			 task->examples_file);
}

const char *labels_unseen(struct workshop *w, const struct variant *v, struct item_list items)
{
	const struct task *task = w->task;
	bool *taught = arena_array(&w->arena, task->n_labels + 1, sizeof(*taught));
	size_t unseen = task->n_labels - mark_taught(task, items, taught), named = 0;
	struct buf names = { 0 };

	if (unseen == 0)
		return NULL;
	for (size_t label = 0; label < task->n_labels && named < NAMED; label++)
		if (!taught[label])
			buf_addf(&names, "%s%s", named++ ? ", " : "", task->labels[label].name);
	if (unseen > named)
		buf_addf(&names, " and %zu more", unseen - named);
	const char *them = unseen == 1 ? "it" : "them";
	const char *sentence = arena_printf(&w->arena, "%s: %zu of %zu labels ha%s no example to learn from (%s), so it %s answer "
					    "with %s; add examples of %s to %s", v->id, unseen, task->n_labels, unseen == 1 ? "s" : "ve",
					    buf_text(&names), v->model ? "will seldom" : "can never", them, them, task->examples_file);

	buf_release(&names);
	return sentence;
}
