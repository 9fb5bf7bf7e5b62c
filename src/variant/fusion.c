/* fusion.c - how much words and vectors count in a search, chosen on examples whose passages are known. */
#include <math.h>

#include "stats/ranking.h"
#include "variant/workshop.h"

enum { WEIGHED_ITEMS = 200 }; /* pool items that are searched for, at most */

/* Reciprocal ranks first: it needs no weight, and keeps its place among equals. */
static const struct fusion_options choices[] = {
	{ .kind = FUSION_RRF },
	{ FUSION_WEIGHTED, 0.5 }, { FUSION_WEIGHTED, 0.3 }, { FUSION_WEIGHTED, 0.7 },
	{ FUSION_WEIGHTED, 0.1 }, { FUSION_WEIGHTED, 0.9 }, { FUSION_WEIGHTED, 0 }, { FUSION_WEIGHTED, 1 },
};

/* Pool items that say which passage holds their answer, and their questions. */
static size_t known_items(struct workshop *w, struct arena *arena, const struct example **items, const char **questions)
{
	struct item_list pool = w->task->pool.list;
	size_t n = 0;

	for (size_t i = 0; i < pool.n && n < WEIGHED_ITEMS; i++)
		if (pool.items[i]->n_gold_ids > 0 || (pool.items[i]->gold && pool.items[i]->gold[0])) {
			items[n] = pool.items[i];
			questions[n++] = workshop_text(w, arena, pool.items[i]);
		}
	return n;
}

/* Sum over the questions of the recall within k; reciprocal ranks decide between equals. */
static bool quality(struct workshop *w, const struct search *s, const struct example *const *items,
		    const char *const *questions, size_t n, double *sum, struct error *err)
{
	struct arena arena;

	arena_init(&arena);
	struct passage **passages = arena_array(&arena, n, sizeof(*passages));
	size_t *found = arena_array(&arena, n, sizeof(*found));
	bool searched = library_search_all(w->library, questions, n, s, &arena, passages, found, err);

	*sum = 0;
	for (size_t i = 0; searched && i < n; i++) {
		struct evidence e = { .passages = passages[i], .n_passages = found[i] };

		evidence_mark_gold(&e, items[i], &arena);
		bool *relevant = arena_array(&arena, found[i] + 1, sizeof(*relevant));

		evidence_relevant(&e, relevant);
		*sum += fmin(1, ranking_recall(relevant, found[i], e.n_gold, s->k)) +
			1e-3 * ranking_reciprocal(relevant, found[i], e.n_gold);
	}
	arena_release(&arena);
	return searched;
}

static bool choose_fusion(struct workshop *w, struct search *s, struct error *err)
{
	struct arena arena;
	bool chosen = true;
	double best = 0;

	arena_init(&arena);
	const struct example **items = arena_array(&arena, WEIGHED_ITEMS, sizeof(*items));
	const char **questions = arena_array(&arena, WEIGHED_ITEMS, sizeof(*questions));
	size_t n = known_items(w, &arena, items, questions);

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]) && chosen; i++) {
		struct search tried = *s;
		double sum;

		tried.fusion = choices[i];
		chosen = quality(w, &tried, items, questions, n, &sum, err);
		if (chosen && sum > best + 1e-9) {
			best = sum;
			s->fusion = choices[i];
		}
	}
	arena_release(&arena);
	return chosen;
}

const struct search *workshop_search(struct workshop *w, const struct technique *t, struct error *err)
{
	if (!t->weighs)
		return t->search;
	for (const struct weighed *x = w->weighed; x; x = x->next)
		if (x->base == t->search)
			return &x->search;
	struct weighed *x = arena_alloc(&w->arena, sizeof(*x));

	*x = (struct weighed){ t->search, *t->search, w->weighed };
	if (!choose_fusion(w, &x->search, err))
		return NULL;
	w->weighed = x;
	return &x->search;
}
