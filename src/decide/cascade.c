/* cascade.c - thresholds, and one test for each. */
#include "decide/cascade.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "stats/bounded.h"
#include "stats/special.h"

const char *cascade_of_name(enum cascade_of of)
{
	return of == CASCADE_OF_ALL ? "all" : "accepted";
}

size_t cascade_fewest(const struct cascade_rule *rule)
{
	return (size_t)ceil(log(rule->alpha) / log1p(-rule->level) - 1e-9);
}

/* Falling by confidence, those without one last. */
static int falling(const void *a, const void *b)
{
	double x = ((const struct cascade_item *)a)->confidence, y = ((const struct cascade_item *)b)->confidence;

	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return (x < y) - (x > y);
}

/* The p that so many items would come to at a threshold which accepts the share, and loses the rate of those, as the others do. The half item
 * on top keeps a handful without any loss from looking like a sure thing. */
static double promised_p(const struct cascade_rule *rule, double accepted, double lost, double n, double n_tested)
{
	double m = n_tested * accepted / n, k = m * (lost + 0.5) / (accepted + 1);

	return m > k ? beta_inc(m - k, k + 1, 1 - rule->level) : 1;
}

size_t cascade_grid(const struct cascade_rule *rule, struct cascade_item *others, size_t n, size_t n_tested, double *grid)
{
	size_t made = 0, at = 0, first = 0;
	double lost = 0, least = 1;

	qsort(others, n, sizeof(*others), falling);
	for (size_t i = 0; i < CASCADE_GRID; i++) {
		size_t to = (i + 1) * n / CASCADE_GRID;

		for (; at < n && !isnan(others[at].confidence) && (at < to || (made > 0 && at > 0 && others[at].confidence >= grid[made - 1])); at++)
			lost += others[at].loss;
		if (at == 0 || (made > 0 && !(others[at - 1].confidence < grid[made - 1])))
			continue;
		grid[made++] = others[at - 1].confidence;
		double p = promised_p(rule, (double)at, lost, (double)n, (double)n_tested);

		if (rule->of == CASCADE_OF_ACCEPTED && p < least) {
			first = made - 1;
			least = p;
		}
	}
	memmove(grid, grid + first, (made - first) * sizeof(*grid));
	return made - first;
}

/* What the items at one threshold come to; values are the losses of those that the risk is a mean over. */
struct tally {
	struct cascade_cut cut;
	double *values;         /* (n_values) losses, negative: the tests are for means above a bound */
	struct cluster *groups; /* (n_groups) of them */
	size_t n_values, n_groups, largest;
	bool binary;
};

static void tally_value(struct tally *t, double value, bool opens)
{
	t->values[t->n_values++] = value;
	t->n_groups += opens;
	struct cluster *g = &t->groups[t->n_groups - 1];

	if (opens)
		*g = (struct cluster){ 0 };
	g->sum += value;
	g->size++;
	t->largest = g->size > t->largest ? g->size : t->largest;
}

static void tally_items(struct tally *t, const struct cascade_rule *rule, const struct cascade_item *items, size_t n)
{
	size_t last = 0;

	for (size_t i = 0; i < n; i++) {
		bool accepted = items[i].confidence >= t->cut.at;
		double loss = accepted ? items[i].loss : 0;

		t->cut.accepted += accepted;
		t->cut.lost += loss;
		t->binary = t->binary && (!(loss > 0) || !(loss < 1));
		if (!accepted && rule->of == CASCADE_OF_ACCEPTED)
			continue;
		tally_value(t, -loss, t->n_values == 0 || items[i].cluster != last);
		last = items[i].cluster;
	}
}

static double p_of(const struct tally *t, const struct cascade_rule *rule)
{
	if (t->n_values == 0)
		return 1;
	if (t->largest > 1)
		return bounded_clusters_p(t->groups, t->n_groups, t->largest, -rule->level, -1);
	if (t->binary)
		return binomial_lower((uint64_t)t->cut.lost, t->n_values, rule->level);
	return bounded_items_p(t->values, t->n_values, -rule->level, -1);
}

struct cascade_cut cascade_test(const struct cascade_rule *rule, const struct cascade_item *items, size_t n, double at)
{
	struct tally t = { .cut = { .at = at, .n = n }, .values = mem_alloc((n + 1) * sizeof(double)),
			   .groups = mem_alloc((n + 1) * sizeof(struct cluster)), .binary = true };

	tally_items(&t, rule, items, n);
	t.cut.p = p_of(&t, rule);
	free(t.values);
	free(t.groups);
	return t.cut;
}

struct cascade_cut cascade_choose(const struct cascade_rule *rule, const double *grid, size_t n_grid, const struct cascade_item *items, size_t n)
{
	struct cascade_cut chosen = { .at = INFINITY, .n = n, .p = 1 };

	for (size_t i = 0; i < n_grid; i++) {
		struct cascade_cut cut = cascade_test(rule, items, n, grid[i]);

		if (!(cut.p <= rule->alpha))
			break;
		chosen = cut;
	}
	return chosen;
}
