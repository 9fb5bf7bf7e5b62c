/* order.c - the common order of items. Groups are shuffled whole, because a cluster is one observation. */
#include <string.h>

#include "decide/order.h"
#include "eval/eval.h"

static struct item_list shuffled(struct item_list list, uint64_t seed, const char *stream, struct arena *arena)
{
	const struct example **items = arena_array(arena, list.n, sizeof(*items));
	size_t *group = arena_array(arena, list.n, sizeof(*group)), *order = arena_array(arena, list.n, sizeof(*order));

	for (size_t i = 0; i < list.n; i++)
		group[i] = list.items[i]->group;
	order_shuffle(order, group, list.n, seed, stream);
	for (size_t i = 0; i < list.n; i++)
		items[i] = list.items[order[i]];
	return (struct item_list){ items, list.n };
}

/* Items that were drawn later come behind the others, whose order stays: an early plan's evidence goes on where an earlier climb left it. */
struct test_items test_order(const struct task *task, uint64_t seed, struct arena *arena)
{
	struct item_list all = task->test.list, own = all;

	while (own.n > 0 && own.items[own.n - 1]->collected)
		own.n--;
	if (own.n == all.n)
		return (struct test_items){ shuffled(all, seed, "test order", arena) };
	const struct example **items = arena_array(arena, all.n, sizeof(*items));
	struct item_list drawn = shuffled((struct item_list){ all.items + own.n, all.n - own.n }, seed, "drawn order", arena);

	own = shuffled(own, seed, "test order", arena);
	memcpy(items, own.items, own.n * sizeof(*items));
	memcpy(items + own.n, drawn.items, drawn.n * sizeof(*items));
	return (struct test_items){ { items, all.n } };
}

struct dev_items dev_order(const struct task *task, uint64_t seed, struct arena *arena)
{
	return (struct dev_items){ shuffled(task->dev.list, seed, "dev order", arena) };
}

size_t *order_clusters(struct item_list order, struct arena *arena)
{
	size_t *numbers = arena_array(arena, order.n, sizeof(*numbers));
	size_t groups = 0;

	for (size_t i = 0; i < order.n; i++) {
		bool same = i > 0 && order.items[i]->group == order.items[i - 1]->group;

		numbers[i] = same ? groups - 1 : groups++;
	}
	return groups == order.n ? NULL : numbers;
}
