/* samples.c - which items are asked again, five times each; answers and calls are stored under the split "probe" */
#include "eval/samples.h"

#include <string.h>

const struct variant *samples_variant(const struct variant *v, struct arena *arena)
{
	if (!v->model || v->tuning || !v->technique || v->technique->answer == ANSWER_SCORES || v->technique->samples > 0)
		return NULL;
	struct technique *t = arena_alloc(arena, sizeof(*t));
	struct variant *sampled = arena_alloc(arena, sizeof(*sampled));

	*t = *v->technique;
	t->samples = PROBE_SAMPLES;
	t->temperature = PROBE_TEMPERATURE;
	*sampled = *v;
	sampled->technique = t;
	sampled->id = arena_printf(arena, "probe/samples-%s", v->id + strcspn(v->id, "/") + 1);
	return sampled;
}

/* The first failures and as many of the first passes; the order of dev is the seed's. */
static struct item_list choose(struct item_list dev, const double *score, struct arena *arena)
{
	const struct example **items = arena_array(arena, SAMPLED_ITEMS, sizeof(*items));
	size_t failures = 0, n = 0, taken[2] = { 0, 0 };

	for (size_t i = 0; i < dev.n; i++)
		failures += score[i] < SAMPLED_PASS;
	size_t most = failures < SAMPLED_ITEMS / 2 ? failures : SAMPLED_ITEMS / 2;

	for (size_t i = 0; i < dev.n && failures >= SAMPLED_FAILURES; i++) {
		bool passed = score[i] >= SAMPLED_PASS;

		if (taken[passed] < most)
			items[n++] = dev.items[i];
		taken[passed]++;
	}
	return (struct item_list){ items, n };
}

bool samples_measure(struct climb *c, const struct variant *v, struct item_list dev, const struct record *record, struct error *err)
{
	const struct variant *sampled = samples_variant(v, &c->arena);

	if (!sampled || record->n < dev.n)
		return true;
	struct item_list items = choose(dev, record->score, &c->arena);
	struct record votes = { arena_array(&c->arena, items.n + 1, sizeof(double)), arena_array(&c->arena, items.n + 1, sizeof(double)), 0 };

	return measure(c, sampled, "probe", items, 0, items.n, &votes, err);
}
