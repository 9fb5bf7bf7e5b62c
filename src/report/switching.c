/* switching.c - models in order, the best variant of each, and pairs of them on the same items. */
#include "report/switching.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/answers.h"
#include "eval/eval.h"
#include "stats/bet.h"
#include "task/scorer.h"

static const double error_rate = .05; /* of a row */

struct switching {
	struct report *r;
	const struct switch_scores *splits;
	size_t n_splits;
	struct arena *arena;
	const char **models; /* (n_models) the one in use first, then the winner's, then by their best variants */
	size_t n_models;
	struct report_switch *rows;
	size_t n_rows;
};

static bool asks(const struct report_variant *v, const char *model)
{
	return v->model && strcmp(v->model, model) == 0;
}

static size_t answered(const struct switch_scores *s, size_t variant, double *sum)
{
	size_t n = 0;

	*sum = 0;
	for (size_t i = 0; s->score[variant] && i < s->n; i++)
		if (!isnan(s->score[variant][i])) {
			*sum += s->score[variant][i];
			n++;
		}
	return n;
}

/* How a variant did on what its model's best is chosen by. */
struct standing {
	size_t n;
	double score;
};

static struct standing standing_of(const struct switching *w, const struct switch_scores *s, size_t variant)
{
	const struct report_variant *v = &w->r->variants[variant];
	double sum;
	size_t n = answered(s, variant, &sum);

	if (n > 0 && s->split == SWITCH_TEST) /* chosen by what is not tested */
		return (struct standing){ v->dev.n + 1, v->dev.n ? v->dev.score : 0 };
	return (struct standing){ n, n ? sum / (double)n : 0 };
}

static bool stands_higher(struct standing a, struct standing b)
{
	return a.n != b.n ? a.n > b.n : a.score > b.score;
}

/* The model's best variant under the split; SIZE_MAX: it has no answers. choices: variants that could have been it. */
static size_t best_of(const struct switching *w, const struct switch_scores *s, const char *model, size_t *choices)
{
	size_t best = SIZE_MAX;
	struct standing most = { 0 };

	*choices = 0;
	for (size_t i = 0; i < w->r->n_variants; i++) {
		if (!s->score[i] || !asks(&w->r->variants[i], model))
			continue;
		struct standing here = standing_of(w, s, i);

		++*choices;
		if (here.n > 0 && (best == SIZE_MAX || stands_higher(here, most))) {
			best = i;
			most = here;
		}
	}
	return best;
}

/* Differences of two variants on the items that both answered. */
struct pairing {
	double *d;  /* (n) */
	size_t *id; /* (n) of clusters */
	size_t n;
};

static size_t largest_cluster(const struct switch_scores *s)
{
	size_t *sizes = mem_zero(s->n + 1, sizeof(*sizes)), largest = 0;

	for (size_t i = 0; i < s->n; i++)
		if (++sizes[s->cluster[i]] > largest)
			largest = sizes[s->cluster[i]];
	free(sizes);
	return largest;
}

static struct interval interval_of(const struct switch_scores *s, const struct pairing *p)
{
	if (!s->cluster)
		return comparison_interval(p->d, p->n, error_rate);
	struct cluster *sums = mem_zero(s->n + 1, sizeof(*sums)); /* those without common items stay empty, and are skipped */

	cluster_gather(sums, s->n, p->d, p->id, p->n);
	struct interval found = comparison_interval_clusters(sums, s->n, largest_cluster(s), error_rate);

	free(sums);
	return found;
}

static void count_item(struct report_switch *row, double from, double to, const char *item)
{
	if (from > to)
		row->lost[row->only_from++] = item;
	else if (to > from)
		row->won[row->only_to++] = item;
	else if (to >= 1)
		row->both++;
	else
		row->neither++;
}

static void compare(const struct switching *w, const struct switch_scores *s, size_t from, size_t to, struct report_switch *row)
{
	const double *a = s->score[from], *b = s->score[to];
	struct pairing p = { .d = mem_zero(s->n + 1, sizeof(*p.d)), .id = mem_zero(s->n + 1, sizeof(*p.id)) };

	row->lost = arena_array(w->arena, s->n + 1, sizeof(*row->lost));
	row->won = arena_array(w->arena, s->n + 1, sizeof(*row->won));
	for (size_t i = 0; i < s->n; i++) {
		if (isnan(a[i]) || isnan(b[i]))
			continue;
		count_item(row, a[i], b[i], s->items[i]);
		p.d[p.n] = b[i] - a[i];
		p.id[p.n] = s->cluster ? s->cluster[i] : 0;
		row->delta += p.d[p.n++];
	}
	row->n = p.n;
	row->delta /= (double)(p.n ? p.n : 1);
	struct interval interval = interval_of(s, &p);

	row->low = interval.low;
	row->high = interval.high;
	free(p.d);
	free(p.id);
}

static void add_row(struct switching *w, const char *from, const char *to)
{
	for (size_t i = 0; i < w->n_splits; i++) {
		const struct switch_scores *s = &w->splits[i];
		size_t n_from, n_to, a = best_of(w, s, from, &n_from), b = best_of(w, s, to, &n_to);

		if (a == SIZE_MAX || b == SIZE_MAX)
			continue;
		struct report_switch row = { .from = &w->r->variants[a], .to = &w->r->variants[b], .split = s->split, .binary = s->binary,
					     .choices = s->split == SWITCH_TEST ? 1 : n_from * n_to };

		compare(w, s, a, b, &row);
		if (row.n == 0)
			continue;
		w->rows[w->n_rows++] = row;
		return;
	}
}

/* Under the last split, which is the one that all answered. */
static const struct report_variant *representative(const struct switching *w, const char *model, struct standing *standing)
{
	size_t choices, best = SIZE_MAX;

	for (size_t i = w->n_splits; i-- > 0 && best == SIZE_MAX;)
		if ((best = best_of(w, &w->splits[i], model, &choices)) != SIZE_MAX)
			*standing = standing_of(w, &w->splits[i], best);
	return best == SIZE_MAX ? NULL : &w->r->variants[best];
}

static bool is_incumbents(const struct switching *w, const char *model)
{
	for (size_t i = 0; i < w->r->n_variants; i++)
		if (w->r->variants[i].incumbent && asks(&w->r->variants[i], model))
			return true;
	return false;
}

static bool goes_before(const struct switching *w, const char *a, const char *b)
{
	const struct report_variant *winner = report_winner(w->r);
	struct standing of_a = { 0 }, of_b = { 0 };

	if (is_incumbents(w, a) != is_incumbents(w, b))
		return is_incumbents(w, a);
	if (winner && asks(winner, a) != asks(winner, b))
		return asks(winner, a);
	representative(w, a, &of_a);
	representative(w, b, &of_b);
	return stands_higher(of_a, of_b);
}

static bool is_listed(const struct switching *w, const char *model)
{
	for (size_t i = 0; i < w->n_models; i++)
		if (strcmp(w->models[i], model) == 0)
			return true;
	return false;
}

/* Models with answers, each put before the first that it goes before. */
static void list_models(struct switching *w)
{
	struct standing standing;

	w->models = arena_array(w->arena, w->r->n_variants + 1, sizeof(*w->models));
	for (const struct report_variant *v = w->r->variants; v && v < w->r->variants + w->r->n_variants; v++) {
		const char *model = v->model;

		if (!model || is_listed(w, model) || !representative(w, model, &standing))
			continue;
		size_t at = w->n_models++;

		for (; at > 0 && goes_before(w, model, w->models[at - 1]); at--)
			w->models[at] = w->models[at - 1];
		w->models[at] = model;
	}
}

/* Index of the model whose best variant costs least a call; SIZE_MAX where no cost is known. */
static size_t cheapest(const struct switching *w)
{
	size_t found = SIZE_MAX;
	double least = INFINITY;
	struct standing standing;

	for (size_t i = 0; i < w->n_models; i++) {
		double usd = representative(w, w->models[i], &standing)->usd_per_1k_calls;

		if (usd < least) {
			least = usd;
			found = i;
		}
	}
	return found;
}

static void pair_all(struct switching *w)
{
	for (size_t i = 0; i < w->n_models; i++)
		for (size_t k = i + 1; k < w->n_models; k++)
			add_row(w, w->models[i], w->models[k]);
}

static void pair_with_one(struct switching *w)
{
	size_t last = is_incumbents(w, w->models[0]) ? SIZE_MAX : cheapest(w);

	for (size_t i = 0; i < w->n_models; i++)
		if (last == SIZE_MAX && i > 0)
			add_row(w, w->models[0], w->models[i]);
		else if (last != SIZE_MAX && i != last)
			add_row(w, w->models[i], w->models[last]);
}

void switching_rows(struct report *r, const struct switch_scores *splits, size_t n, struct arena *arena)
{
	struct switching w = { .r = r, .splits = splits, .n_splits = n, .arena = arena };

	list_models(&w);
	w.rows = arena_array(arena, w.n_models * SWITCH_ALL_PAIRS + 1, sizeof(*w.rows));
	if (w.n_models > SWITCH_ALL_PAIRS)
		pair_with_one(&w);
	else
		pair_all(&w);
	r->switching = w.rows;
	r->n_switching = w.n_rows;
	r->n_switching_models = w.n_models;
}

/* Prompts of a rung that was raced: what is fine-tuned is no model that one could switch to. Those left out of the race count as well,
 * for how the others did is the reason of some. */
static bool takes_part(const struct report *r, const struct report_variant *v)
{
	if (!v->model || (v->rung != 1 && v->rung != 2))
		return false;
	for (size_t i = 0; i < r->n_variants; i++)
		if (r->variants[i].model && r->variants[i].rung == v->rung && r->variants[i].dev.n > 0)
			return true;
	return false;
}

static bool has_several(const struct report *r)
{
	const char *first = NULL;

	for (size_t i = 0; i < r->n_variants; i++) {
		if (!takes_part(r, &r->variants[i]))
			continue;
		if (first && strcmp(first, r->variants[i].model) != 0)
			return true;
		first = r->variants[i].model;
	}
	return false;
}

static bool load(const struct task *task, struct store *store, int64_t run, const char *split, struct item_list items, struct arena *arena,
		 const struct report *r, struct switch_scores *out, struct error *err)
{
	const double **scores = arena_array(arena, r->n_variants + 1, sizeof(*scores));
	const char **ids = arena_array(arena, items.n + 1, sizeof(*ids));
	const struct answer_row **rows;

	for (size_t i = 0; i < items.n; i++)
		ids[i] = items.items[i]->id;
	for (size_t k = 0; k < r->n_variants; k++) {
		if (!takes_part(r, &r->variants[k]))
			continue;
		double *score = arena_array(arena, items.n + 1, sizeof(*score));

		if (!answers_of(store, run, r->variants[k].id, split, items, arena, &rows, err))
			return false;
		for (size_t i = 0; i < items.n; i++)
			score[i] = rows[i] ? scorer_grade(task, items.items[i], rows[i]->answer) : NAN;
		scores[k] = score;
	}
	*out = (struct switch_scores){ .score = scores, .items = ids, .n = items.n, .cluster = order_clusters(items, arena),
				       .binary = scorer_is_binary(task) };
	return true;
}

bool switching_build(const struct task *task, struct store *store, int64_t run, uint64_t seed, struct arena *arena, struct report *r,
		     struct error *err)
{
	struct switch_scores splits[2];

	if (!has_several(r))
		return true;
	if (!load(task, store, run, "test", test_order(task, seed, arena).list, arena, r, &splits[0], err) ||
	    !load(task, store, run, "dev", dev_order(task, seed, arena).list, arena, r, &splits[1], err))
		return false;
	splits[0].split = SWITCH_TEST;
	splits[1].split = SWITCH_DEV;
	switching_rows(r, splits, 2, arena);
	return true;
}
