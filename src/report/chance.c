/* chance.c - scores beside guesses, and confusions read for swapped labels */
#include "report/chance.h"

#include <math.h>
#include <string.h>

#include "report/classes.h"

enum { SWAPS_SHOWN = 3, SWAP_FEWEST = 3 }; /* pairs named; items of a label that say something */

double chance_majority(const struct task *task, struct item_list items)
{
	size_t most = 0;

	for (size_t label = 0; label < task->n_labels; label++) {
		size_t count = 0;

		for (size_t i = 0; i < items.n; i++)
			count += items.items[i]->label == label;
		most = count > most ? count : most;
	}
	return items.n && task->n_labels && !task->many ? (double)most / (double)items.n : NAN;
}

bool chance_is_below(const struct report_score *s, size_t n_labels)
{
	return s->n > 0 && n_labels > 1 && s->high < 1 / (double)n_labels;
}

bool chance_swaps(struct buf *out, const char *const *labels, size_t n_labels, const size_t *counts)
{
	size_t shown = 0, first = n_labels;
	struct buf said = { 0 };
	bool different = false;

	for (size_t want = 0; want < n_labels; want++) {
		const size_t *row = counts + want * (n_labels + 1);
		size_t most = 0, n = row[n_labels];

		for (size_t got = 0; got < n_labels; got++) {
			n += row[got];
			most = row[got] > row[most] ? got : most;
		}
		if (n < SWAP_FEWEST || most == want || 2 * row[most] <= n)
			continue;
		different |= first < n_labels && most != first;
		first = most;
		if (shown++ < SWAPS_SHOWN)
			buf_addf(&said, "%s\"%s\" is answered \"%s\" on %zu of %zu", shown > 1 ? ", " : "", labels[want], labels[most], row[most], n);
	}
	if (different)
		buf_add(out, buf_text(&said), said.n);
	buf_release(&said);
	return different;
}

static const char *on_model(struct arena *arena, const struct report_variant *v)
{
	return v->model ? arena_printf(arena, "%s on %s", v->name, v->model) : v->name;
}

static const struct report_score *score_of(const struct report_variant *v)
{
	return v->test.n ? &v->test : &v->dev;
}

/* Worse than a guess, with labels the wrong way round. *sentence NULL: it is not. */
static bool say_below(const struct task *task, struct store *store, int64_t run, const struct report *r, const struct report_variant *v,
		      struct arena *arena, const char **sentence, struct error *err)
{
	const struct report_score *s = score_of(v);
	const char *split = v->test.n ? "test" : "dev";
	size_t *counts = arena_array(arena, task->n_labels * (task->n_labels + 1), sizeof(*counts));
	struct buf swaps = { 0 };

	*sentence = NULL;
	if (!classes_confusion(task, store, run, v->id, split, v->test.n ? task->test.list : task->dev.list, arena, counts, err))
		return false;
	if (chance_swaps(&swaps, r->labels, task->n_labels, counts))
		*sentence = arena_printf(arena, "%s is right on %.1f %% of %zu %s items, less than the %.1f %% of a guess among %zu labels: %s; look "
					 "whether labels were swapped, or are counted from another number, in the examples or in what is asked.",
					 on_model(arena, v), 100 * s->score, s->n, split, 100 / (double)task->n_labels, task->n_labels, swaps.data);
	buf_release(&swaps);
	return true;
}

/* A model that does no better than the commonest label says nothing about the task. */
static bool is_no_better(const struct report_variant *v, double share)
{
	const struct report_score *s = score_of(v);

	return v->model && s->n && !isnan(share) && s->low <= share;
}

/* Of those that were not even candidates all in one sentence. */
static void say_others(const struct report *r, double share, struct arena *arena, const char **out, size_t *n_out)
{
	struct buf names = { 0 };

	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];

		if (!v->test.n && !v->candidate && is_no_better(v, share))
			buf_addf(&names, "%s%s (%.1f %% of %zu)", names.n ? ", " : "", on_model(arena, v), 100 * v->dev.score, v->dev.n);
	}
	if (names.n > 0)
		out[(*n_out)++] = arena_printf(arena, "Not shown better than always answering the commonest label (%.1f %%) on the dev items that "
					       "they answered: %s.", 100 * share, names.data);
	buf_release(&names);
}

bool chance_find(const struct task *task, struct store *store, int64_t run, const struct report *r, struct arena *arena, const char **out,
		 size_t *n_out, struct error *err)
{
	double test = chance_majority(task, task->test.list), dev = chance_majority(task, task->dev.list);
	const char *below = NULL;

	for (size_t i = 0; i < r->n_variants && !isnan(test) && !below; i++)
		if (chance_is_below(score_of(&r->variants[i]), task->n_labels) &&
		    !say_below(task, store, run, r, &r->variants[i], arena, &below, err))
			return false;
	if (below)
		out[(*n_out)++] = below;
	for (size_t i = 0; i < r->n_variants; i++) {
		const struct report_variant *v = &r->variants[i];
		double share = v->test.n ? test : dev;

		if (is_no_better(v, share) && (v->test.n || v->candidate))
			out[(*n_out)++] = arena_printf(arena, "%s is not shown better than always answering the commonest label: "
						       "%.1f %% of %zu %s items right, against %.1f %%.", on_model(arena, v),
						       100 * score_of(v)->score, score_of(v)->n, v->test.n ? "test" : "dev", 100 * share);
	}
	say_others(r, dev, arena, out, n_out);
	return true;
}
