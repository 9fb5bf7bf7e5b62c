/* guard.c - guard_task() */
#include "eval/guard.h"

#include <stdio.h>
#include <string.h>

#include "eval/ask.h"
#include "stats/paired.h"
#include "tune/copies.h"

/* Scores of labels where there are labels: a small model seldom writes one down in so many words. */
static const struct variant *plainest(const struct variant *variants, size_t n, const char *model)
{
	const struct variant *first = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct variant *v = &variants[i];

		if (v->tuning || v->skipped || !v->technique || strcmp(v->model, model) != 0 || v->technique->shots ||
		    v->technique->passages)
			continue;
		if (v->technique->answer == ANSWER_SCORES)
			return v;
		first = first ? first : v;
	}
	return first;
}

static void compare(const double *before, const double *after, size_t n, struct guard *out)
{
	out->n = n;
	for (size_t i = 0; i < n; i++) {
		out->before += before[i] / (double)n;
		out->after += after[i] / (double)n;
		out->better += after[i] > before[i];
		out->worse += after[i] < before[i];
	}
	out->p = paired_mcnemar_p((struct paired_counts){ out->better, out->worse });
}

static bool ask_both(const struct task *task, const char *const pair[2], struct models *models, const struct progress *progress,
		     struct arena *arena, struct guard *out, struct error *err)
{
	size_t n;
	const struct variant *variants = variants_list(task, arena, pair, 2, &n);
	const struct variant *before = plainest(variants, n, pair[0]), *after = plainest(variants, n, pair[1]);
	struct dev_items dev = dev_order(task, 1, arena);
	double scores[2][GUARD_ITEMS];

	if (!before || !after || dev.list.n == 0)
		return error_set(err, "%s: no way of asking %s for this task, or no dev examples to ask", task->file, pair[0]);
	dev.list.n = dev.list.n < GUARD_ITEMS ? dev.list.n : GUARD_ITEMS;
	struct workshop *w = workshop_open(task, dev, models, NULL, NULL, 0, 1);
	bool asked = ask_scores(w, task, before, dev.list, before->id, progress, scores[0], err) &&
		     ask_scores(w, task, after, dev.list, after->id, progress, scores[1], err);

	workshop_free(w);
	if (asked)
		compare(scores[0], scores[1], dev.list.n, out);
	return asked;
}

bool guard_task(const char *path, const char *base, const char *tuned, struct models *models, const struct progress *progress,
		struct guard *out, struct error *err)
{
	const char *const pair[] = { base, tuned };
	struct task_options options = { .seed = 1 };
	struct task *task = task_open(path, &options, err);
	struct arena arena;

	*out = (struct guard){ 0 };
	if (!task)
		return false;
	copies_guard(task);
	arena_init(&arena);
	snprintf(out->task, sizeof(out->task), "%s", task->name);
	bool asked = ask_both(task, pair, models, progress, &arena, out, err);

	arena_release(&arena);
	task_free(task);
	return asked;
}
