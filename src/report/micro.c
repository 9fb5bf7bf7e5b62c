/* micro.c - sums of counts before they are divided. */
#include "report/micro.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "task/label_sets.h"

static double share(size_t part, size_t whole)
{
	return whole > 0 ? (double)part / (double)whole : NAN;
}

struct report_micro micro_of(const struct task *task, struct item_list items, const struct answer_row *rows, size_t n)
{
	struct hash_map by_item = { 0 };
	struct set_counts sum = { 0 };
	size_t answered = 0;

	if (!task->many)
		return (struct report_micro){ 0 };
	for (size_t i = 0; i < items.n; i++)
		hash_map_put(&by_item, items.items[i]->id, strlen(items.items[i]->id), i);
	for (size_t i = 0; i < n; i++) {
		size_t at = hash_map_get(&by_item, rows[i].item, strlen(rows[i].item), SIZE_MAX);

		if (at == SIZE_MAX)
			continue;
		struct set_counts c = label_set_compare(task, items.items[at], rows[i].answer);

		answered++;
		sum.expected += c.expected;
		sum.given += c.given;
		sum.common += c.common;
	}
	hash_map_release(&by_item);
	return (struct report_micro){ answered, share(sum.common, sum.given), share(sum.common, sum.expected),
				      share(2 * sum.common, sum.expected + sum.given) };
}

const char *micro_sentence(const struct report_variant *v, struct arena *arena)
{
	bool on_test = v->test.n > 0;
	const char *precision = isnan(v->micro.precision) ? "no label given" :
				arena_printf(arena, "precision %.1f %%", 100 * v->micro.precision);

	return arena_printf(arena, "%s%s%s over all labels of the %zu %s items together (micro-averaged): %s, recall %.1f %%, F1 %.1f %%.",
			    v->name, v->model ? " on " : "", v->model ? v->model : "", on_test ? v->test.n : v->dev.n,
			    on_test ? "test" : "dev", precision, 100 * v->micro.recall, 100 * v->micro.f1);
}
