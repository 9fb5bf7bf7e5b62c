/* rewriting.c - stored wordings and the answers under them */
#include "report/rewriting.h"

#include <math.h>
#include <string.h>

#include "eval/answers.h"
#include "eval/rewrite.h"
#include "report/diagnosis.h"
#include "task/scorer.h"

struct rewritings {
	const struct task *task;
	struct store *store;
	int64_t run;
	struct arena *arena;
	struct item_list unseen;
};

static bool compare(struct rewritings *b, struct report_wording *w, struct error *err)
{
	size_t n = b->unseen.n + 1;
	double *from = arena_array(b->arena, n, sizeof(*from)), *to = arena_array(b->arena, n, sizeof(*to));
	const struct example **items = arena_array(b->arena, n, sizeof(*items));
	const struct answer_row **before, **after;

	if (!answers_of(b->store, b->run, w->base->id, "dev", b->unseen, b->arena, &before, err) ||
	    !answers_of(b->store, b->run, w->variant->id, "dev", b->unseen, b->arena, &after, err))
		return false;
	n = 0;
	for (size_t i = 0; i < b->unseen.n; i++) {
		if (!before[i] || !after[i])
			continue;
		items[n] = b->unseen.items[i];
		from[n] = scorer_grade(b->task, items[n], before[i]->answer);
		to[n] = scorer_grade(b->task, items[n], after[i]->answer);
		w->before += from[n++];
	}
	if (n == 0)
		return true;
	w->before /= (double)n;
	w->change = difference_of(from, to, n, order_clusters((struct item_list){ items, n }, b->arena));
	return true;
}

bool rewriting_build(const struct task *task, struct store *store, const struct run_row *run, struct arena *arena, struct report *r,
		     struct error *err)
{
	struct rewritings b = { task, store, run->id, arena, rewrite_unseen(dev_order(task, run->seed, arena).list, arena) };
	struct wording_row *rows;
	size_t n;

	if (!store_wordings(store, run->id, arena, &rows, &n, err))
		return false;
	struct report_wording *wordings = arena_array(arena, n + 1, sizeof(*wordings));

	for (size_t i = 0; i < n; i++) {
		struct report_wording *w = &wordings[i];

		*w = (struct report_wording){ .round = rows[i].round, .number = rows[i].number, .author = rows[i].author, .text = rows[i].text,
					      .why = rows[i].why, .base = report_find(r, rows[i].base),
					      .variant = rows[i].variant ? report_find(r, rows[i].variant) : NULL };
		if (w->base && w->variant && !compare(&b, w, err))
			return false;
	}
	r->wordings = wordings;
	r->n_wordings = n;
	return true;
}

size_t rewriting_spared(const struct report *r)
{
	size_t spared = 0;

	for (size_t i = 0; i < r->n_wordings; i++) {
		const struct report_variant *v = r->wordings[i].variant;
		size_t answers = v ? v->dev.n + v->test.n : 0;

		if (v && v->status != VARIANT_SKIPPED)
			spared += r->examples.dev / 2 * (answers && v->calls > answers ? v->calls / answers : 1);
	}
	return spared;
}

/* One that won its race says more than those which left it; of others alike the best. */
static bool better(const struct report_wording *a, const struct report_wording *b)
{
	if (a->variant->candidate != b->variant->candidate)
		return a->variant->candidate;
	return a->change.n != b->change.n ? a->change.n > b->change.n : a->change.delta > b->change.delta;
}

void rewriting_findings(struct diagnosing *d)
{
	const struct report_wording *best = NULL;

	for (size_t i = 0; i < d->report->n_wordings; i++) {
		const struct report_wording *w = &d->report->wordings[i];

		if (w->variant && w->base && w->change.n >= DIAGNOSIS_FEWEST && (!best || better(w, best)))
			best = w;
	}
	if (best)
		diagnosis_add(d, (struct probe_finding){ arena_printf(d->arena, "the instruction in other words (by %s)", best->author),
							 best->change, best->change.low > 0 ? "the instruction: it left something unsaid" : "",
							 FINDING_TECHNIQUE, NULL });
}
