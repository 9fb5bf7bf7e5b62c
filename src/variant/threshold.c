/* threshold.c - when to say "I do not know": the similarity of the best passage, judged on dev. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "task/scorer.h"
#include "variant/workshop.h"

/* One dev item: how near its best passage is, and what answering and abstaining would score. */
struct trial {
	double similarity, answered, abstained;
};

static int compare_trials(const void *a, const void *b)
{
	const struct trial *x = a, *y = b;

	return (x->similarity > y->similarity) - (x->similarity < y->similarity);
}

/* The least threshold of the best mean score; between two similarities, so that neither stands on the edge. */
static double best_threshold(struct trial *trials, size_t n)
{
	double score = 0, best, threshold = -INFINITY;

	qsort(trials, n, sizeof(*trials), compare_trials);
	for (size_t i = 0; i < n; i++)
		score += trials[i].answered;
	best = score;
	for (size_t i = 0; i < n; i++) {
		score += trials[i].abstained - trials[i].answered;
		if (score <= best + 1e-9 || (i + 1 < n && trials[i + 1].similarity <= trials[i].similarity))
			continue;
		best = score;
		threshold = i + 1 < n ? (trials[i].similarity + trials[i + 1].similarity) / 2 : nextafter(trials[i].similarity, 2);
	}
	return threshold;
}

static bool needs_threshold(const struct workshop *w, const struct variant *v, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= w->dev.list.items[i]->answer[0] == 0;
	/* Probes that put other passages there measure the model alone. */
	return any && w->task->kind == TASK_ANSWER && v->technique && v->technique->passages == PASSAGES_RETRIEVED;
}

/* The calls are the race's too; they count as the run's even if it never gets there. */
static bool store_trials(struct workshop *w, const struct variant *v, const struct answer *answers, size_t n,
			 struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct answer_row row = { .variant = v->id, .item = w->dev.list.items[i]->id, .split = "prior",
					  .call = answers[i].call, .answer = answers[i].text, .status = answers[i].status,
					  .samples = answers[i].samples, .n_samples = answers[i].n_samples,
					  .evidence = answers[i].evidence ? evidence_json(answers[i].evidence, arena) : NULL };

		if (w->run && w->store && !store_answer_put(w->store, w->run, &row, err))
			return false;
	}
	return true;
}

static struct trial trial_of(const struct workshop *w, size_t i, const char *answer, const struct evidence *e)
{
	const struct example *item = w->dev.list.items[i];
	double similarity = e ? e->similarity : NAN;
	const char *abstention = answer ? "" : NULL; /* a reply that broke off stays what it is */

	return (struct trial){ isnan(similarity) ? INFINITY : similarity, scorer_grade(w->task, item, answer),
			       scorer_grade(w->task, item, abstention) };
}

static bool make_trials(struct workshop *w, const struct variant *v, size_t n, struct trial *trials, struct arena *arena,
			struct error *err)
{
	struct answer *answers = arena_array(arena, n, sizeof(*answers));
	const char **texts = arena_array(arena, n, sizeof(*texts));

	if (!variant_answer_anyway(w, v, w->dev.list.items, n, arena, answers, err))
		return false;
	for (size_t i = 0; i < n; i++)
		texts[i] = answers[i].text;
	if (!workshop_grade(w, w->dev.list.items, texts, n, err) || !store_trials(w, v, answers, n, arena, err))
		return false;
	for (size_t i = 0; i < n; i++)
		trials[i] = trial_of(w, i, answers[i].text, answers[i].evidence);
	return true;
}

/* The trials of the run that is served, as it stored them: documents may have changed since. *have: it has all of them. */
static bool recall_trials(struct workshop *w, const struct variant *v, size_t n, struct trial *trials, struct arena *arena,
			  bool *have, struct error *err)
{
	struct answer_row *rows;
	size_t n_rows = 0, recalled = 0;

	*have = false;
	if (!w->served)
		return true;
	if (!store_answers(w->store, w->served, v->id, "prior", arena, &rows, &n_rows, err))
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t r = 0; r < n_rows; r++) {
			struct evidence e;

			if (strcmp(rows[r].item, w->dev.list.items[i]->id) != 0)
				continue;
			bool shown = evidence_read(rows[r].evidence, &e, arena);

			trials[i] = trial_of(w, i, rows[r].answer, shown ? &e : NULL);
			recalled++;
			break;
		}
	*have = recalled == n;
	return true;
}

static bool find_threshold(struct workshop *w, const struct variant *v, size_t n, double *threshold, struct error *err)
{
	struct arena arena;
	bool have;

	arena_init(&arena);
	struct trial *trials = arena_array(&arena, n, sizeof(*trials));
	bool made = recall_trials(w, v, n, trials, &arena, &have, err) && (have || make_trials(w, v, n, trials, &arena, err));

	if (made)
		*threshold = best_threshold(trials, n);
	arena_release(&arena);
	return made;
}

bool abstention_threshold(struct workshop *w, const struct variant *v, double *threshold, struct error *err)
{
	size_t n = w->dev.list.n < PRIOR_ITEMS ? w->dev.list.n : PRIOR_ITEMS;

	*threshold = -INFINITY;
	if (!needs_threshold(w, v, n))
		return true;
	for (struct threshold *t = w->thresholds; t; t = t->next)
		if (strcmp(t->variant, v->id) == 0) {
			*threshold = t->value;
			return true;
		}
	if (!find_threshold(w, v, n, threshold, err))
		return false;
	struct threshold *t = arena_alloc(&w->arena, sizeof(*t));

	*t = (struct threshold){ v->id, *threshold, w->thresholds };
	w->thresholds = t;
	return true;
}
