/* folds.c - groups are dealt in random order, each to the fold that has the fewest items of its class. */
#include "tune/folds.h"

#include <math.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/rng.h"

/* Items in the order of their groups: group g holds items[starts[g] .. starts[g + 1]). */
struct grouping {
	size_t n;
	size_t *items, *starts;
};

static void grouping_init(struct grouping *g, const size_t *groups, size_t n_items)
{
	struct hash_map numbers = { 0 };
	size_t *number = mem_zero(n_items, sizeof(*number));

	g->n = 0;
	g->items = mem_zero(n_items, sizeof(*g->items));
	g->starts = mem_zero(n_items + 2, sizeof(*g->starts)); /* shifted by one more while it is filled */
	for (size_t i = 0; i < n_items; i++) {
		number[i] = hash_map_put(&numbers, (const char *)&groups[i], sizeof(groups[i]), g->n);
		g->n += number[i] == g->n;
		g->starts[number[i] + 2]++;
	}
	for (size_t k = 0; k < g->n; k++)
		g->starts[k + 2] += g->starts[k + 1];
	for (size_t i = 0; i < n_items; i++)
		g->items[g->starts[number[i] + 1]++] = i;
	hash_map_release(&numbers);
	free(number);
}

static void grouping_release(struct grouping *g)
{
	free(g->items);
	free(g->starts);
}

/* Fewest items of the class, then fewest items; counts is (folds, n_classes), totals (folds). */
static size_t emptiest(const size_t *counts, const size_t *totals, size_t n_folds, size_t n_classes, size_t class)
{
	size_t best = 0;

	for (size_t k = 1; k < n_folds; k++) {
		size_t a = counts[k * n_classes + class], b = counts[best * n_classes + class];

		if (a < b || (a == b && totals[k] < totals[best]))
			best = k;
	}
	return best;
}

static void deal(struct folds *f, const struct grouping *g, const size_t *classes, size_t n_classes, size_t most,
		 uint64_t seed)
{
	size_t *order = mem_zero(g->n, sizeof(*order));
	size_t *counts = mem_zero(f->n * n_classes, sizeof(*counts)), *totals = mem_zero(f->n, sizeof(*totals));
	size_t dealt = 0;
	struct rng r;

	for (size_t i = 0; i < g->n; i++)
		order[i] = i;
	rng_init(&r, seed, "folds");
	rng_shuffle(&r, order, g->n);
	for (size_t i = 0; i < g->n && dealt < most; i++) {
		size_t from = g->starts[order[i]], to = g->starts[order[i] + 1];
		size_t k = emptiest(counts, totals, f->n, n_classes, classes[g->items[from]]);

		for (size_t j = from; j < to; j++) {
			f->fold[g->items[j]] = k;
			counts[k * n_classes + classes[g->items[j]]]++;
		}
		totals[k] += to - from;
		dealt += to - from;
	}
	free(order);
	free(counts);
	free(totals);
}

static void init(struct folds *f, const size_t *classes, const size_t *groups, size_t n_items, size_t n_classes,
		 size_t most, uint64_t seed)
{
	struct grouping g;

	grouping_init(&g, groups, n_items);
	*f = (struct folds){ .n_items = n_items, .fold = mem_zero(n_items, sizeof(*f->fold)) };
	if (n_items >= FOLDS_FEWEST_ITEMS && g.n >= FOLDS)
		f->n = FOLDS;
	for (size_t i = 0; i < n_items; i++)
		f->fold[i] = f->n;
	if (f->n > 0)
		deal(f, &g, classes, n_classes, most, seed);
	grouping_release(&g);
}

void folds_init(struct folds *f, const size_t *classes, const size_t *groups, size_t n_items, size_t n_classes,
		uint64_t seed)
{
	init(f, classes, groups, n_items, n_classes, FOLDS_MOST_ITEMS, seed);
}

void folds_init_all(struct folds *f, const size_t *classes, const size_t *groups, size_t n_items, size_t n_classes,
		    uint64_t seed)
{
	init(f, classes, groups, n_items, n_classes, SIZE_MAX, seed);
}

void folds_release(struct folds *f)
{
	free(f->fold);
	*f = (struct folds){ 0 };
}

void folds_split(const struct folds *f, size_t k, size_t *train, size_t *n_train, size_t *held, size_t *n_held)
{
	*n_train = *n_held = 0;
	for (size_t i = 0; i < f->n_items; i++) {
		if (f->fold[i] == k)
			held[(*n_held)++] = i;
		else if (f->fold[i] < f->n)
			train[(*n_train)++] = i;
	}
}

size_t argmax(const double *values, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (values[i] > values[best])
			best = i;
	return best;
}

void fold_score_add(struct fold_score *s, const double *p, size_t n_classes, size_t truth)
{
	s->right += argmax(p, n_classes) == truth;
	s->n++;
	s->log_loss += fmin(20.0, -log(p[truth]));
}

size_t fold_score_best(const struct fold_score *scores, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (scores[i].right > scores[best].right ||
		    (scores[i].right == scores[best].right && scores[i].log_loss < scores[best].log_loss))
			best = i;
	return best;
}

void fold_score_note(const struct fold_score *s, size_t n_folds, struct buf *note)
{
	double accuracy = (double)s->right / (double)s->n;

	if (n_folds > 0)
		buf_addf(note, " by %zu-fold cross-validation in the pool (accuracy %.3f)", n_folds, accuracy);
	else
		buf_addf(note, " by leaving one item of the pool out (accuracy %.3f)", accuracy);
}
