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
			 struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct answer_row row = { .variant = v->id, .item = w->dev.list.items[i]->id, .split = "prior",
					  .call = answers[i].call, .status = answers[i].status };

		if (w->run && w->store && !store_answer_put(w->store, w->run, &row, err))
			return false;
	}
	return true;
}

static bool find_threshold(struct workshop *w, const struct variant *v, size_t n, double *threshold, struct error *err)
{
	struct arena arena;
	bool made;

	arena_init(&arena);
	struct answer *answers = arena_array(&arena, n, sizeof(*answers));
	struct trial *trials = arena_array(&arena, n, sizeof(*trials));

	made = variant_answer_anyway(w, v, w->dev.list.items, n, &arena, answers, err) && store_trials(w, v, answers, n, err);
	for (size_t i = 0; i < n && made; i++) {
		const struct example *item = w->dev.list.items[i];
		double similarity = answers[i].evidence ? answers[i].evidence->similarity : NAN;
		const char *abstention = answers[i].text ? "" : NULL; /* a reply that broke off stays what it is */

		trials[i] = (struct trial){ isnan(similarity) ? INFINITY : similarity, scorer_grade(w->task, item, answers[i].text),
					    scorer_grade(w->task, item, abstention) };
	}
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
