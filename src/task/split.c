/* split.c - dropping what would leak, then dealing groups out one by one to where they are missed most. */
#include "task/split.h"

#include "base/arena.h"
#include "base/rng.h"

enum { SPLITS = 3 };
static const enum split FREE = (enum split)(SPLIT_STRADDLING + 1); /* kept, and not yet dealt */

struct deal {
	const struct split_item *items;
	enum split *out;
	size_t n, n_labels;
	double share[SPLITS];
	double *have;     /* (SPLITS, n_labels + 1) items dealt so far, by label; the last column counts all */
	double *seen;     /* (n_labels + 1) dealt to any split */
	size_t *members;  /* (n) free items, group by group */
	size_t *start;    /* (n + 1) of each group in members */
};

/* Of the free items with one text, all but the first are duplicates. */
static void drop_repeats(const struct split_item *items, size_t n, enum split *out)
{
	bool *met = mem_zero(n, sizeof(*met));

	for (size_t i = 0; i < n; i++) {
		if (out[i] != FREE)
			continue;
		if (met[items[i].text])
			out[i] = SPLIT_DUPLICATE;
		met[items[i].text] = true;
	}
	free(met);
}

static size_t text_of(const struct split_item *item)
{
	return item->text;
}

static size_t group_of(const struct split_item *item)
{
	return item->group;
}

/* Items whose text (or group) also stands in a later split become `why`. */
static void drop_shared(const struct split_item *items, size_t n, size_t (*number)(const struct split_item *),
			enum split why, enum split *out)
{
	enum split *latest = mem_zero(n, sizeof(*latest)); /* zero is SPLIT_POOL, the earliest */

	for (size_t i = 0; i < n; i++)
		if (out[i] <= SPLIT_TEST && out[i] > latest[number(&items[i])])
			latest[number(&items[i])] = out[i];
	for (size_t i = 0; i < n; i++)
		if (out[i] < latest[number(&items[i])])
			out[i] = why;
	free(latest);
}

/* Counting sort of the free items by group. */
static void groups_gather(struct deal *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->out[i] == FREE)
			d->start[d->items[i].group + 1]++;
	for (size_t g = 0; g < d->n; g++)
		d->start[g + 1] += d->start[g];
	size_t *next = mem_alloc(d->n * sizeof(*next));

	for (size_t g = 0; g < d->n; g++)
		next[g] = d->start[g];
	for (size_t i = 0; i < d->n; i++)
		if (d->out[i] == FREE)
			d->members[next[d->items[i].group]++] = i;
	free(next);
}

static size_t group_size(const struct deal *d, size_t group)
{
	return d->start[group + 1] - d->start[group];
}

/* The split where the group is missed most. With x the items a split has beyond its share of all items dealt so far
 * (this group included), for one label or in all, adding c of them raises the sum of x^2 by 2cx + c^2: the least 2cx
 * wins, the group's labels and its size weighed alike. Shares hold for every beginning of the deal, so the rarest label
 * is spread as well as the commonest. */
static enum split most_missed(struct deal *d, size_t group)
{
	double least = 0;
	enum split best = SPLIT_POOL;

	for (size_t m = d->start[group]; m < d->start[group + 1]; m++) {
		d->seen[d->items[d->members[m]].label]++;
		d->seen[d->n_labels]++;
	}
	for (int s = 0; s < SPLITS; s++) {
		const double *have = d->have + (size_t)s * (d->n_labels + 1);
		double excess = 0;

		for (size_t m = d->start[group]; m < d->start[group + 1]; m++) {
			size_t label = d->items[d->members[m]].label;

			excess += have[label] - d->share[s] * d->seen[label];
			excess += have[d->n_labels] - d->share[s] * d->seen[d->n_labels];
		}
		if (d->share[s] > 0 && (s == 0 || excess < least)) {
			least = excess;
			best = (enum split)s;
		}
	}
	return best;
}

static void give(struct deal *d, size_t group, enum split split)
{
	double *have = d->have + (size_t)split * (d->n_labels + 1);

	for (size_t m = d->start[group]; m < d->start[group + 1]; m++) {
		have[d->items[d->members[m]].label]++;
		have[d->n_labels]++;
		d->out[d->members[m]] = split;
	}
}

/* Groups by falling size, those of one size in random order: the small ones, dealt last, level out the large. */
static size_t *groups_order(const struct deal *d, uint64_t seed)
{
	size_t *shuffled = mem_alloc(d->n * sizeof(*shuffled)), *order = mem_alloc(d->n * sizeof(*order));
	size_t *place = mem_zero(d->n + 2, sizeof(*place)); /* counting sort: place[s]: groups larger than s */
	struct rng rng;

	rng_init(&rng, seed, "split");
	for (size_t g = 0; g < d->n; g++) {
		shuffled[g] = g;
		place[group_size(d, g)]++;
	}
	rng_shuffle(&rng, shuffled, d->n);
	for (size_t s = d->n + 1, larger = 0; s-- > 0;) {
		size_t count = place[s];

		place[s] = larger;
		larger += count;
	}
	for (size_t i = 0; i < d->n; i++)
		order[place[group_size(d, shuffled[i])]++] = shuffled[i];
	free(shuffled);
	free(place);
	return order;
}

/* Deals all FREE items. */
static void deal_all(struct deal *d, uint64_t seed)
{
	d->have = mem_zero(SPLITS * (d->n_labels + 1), sizeof(*d->have));
	d->seen = mem_zero(d->n_labels + 1, sizeof(*d->seen));
	d->members = mem_alloc(d->n * sizeof(*d->members));
	d->start = mem_zero(d->n + 1, sizeof(*d->start));
	groups_gather(d);
	size_t *order = groups_order(d, seed);

	for (size_t i = 0; i < d->n && group_size(d, order[i]) > 0; i++)
		give(d, order[i], most_missed(d, order[i]));
	free(order);
	free(d->have);
	free(d->seen);
	free(d->members);
	free(d->start);
}

void split_assign(const struct split_item *items, size_t n, size_t n_labels, bool given, uint64_t seed,
		  enum split *out)
{
	struct deal d = { .items = items, .out = out, .n = n, .n_labels = n_labels, .share = { 0.5, 0.2, 0.3 } };
	bool deal = !given, has_dev = false;

	for (size_t i = 0; i < n; i++) {
		out[i] = given ? items[i].given : FREE;
		has_dev |= out[i] == SPLIT_DEV;
	}
	if (given) {
		drop_shared(items, n, text_of, SPLIT_DUPLICATE, out);
		drop_shared(items, n, group_of, SPLIT_STRADDLING, out);
	}
	if (given && !has_dev) {
		for (size_t i = 0; i < n; i++)
			if (out[i] == SPLIT_POOL)
				out[i] = FREE;
		d.share[SPLIT_POOL] = 0.8;
		d.share[SPLIT_DEV] = 0.2;
		d.share[SPLIT_TEST] = 0;
		deal = true;
	}
	if (deal) {
		drop_repeats(items, n, out);
		deal_all(&d, seed);
	}
}
