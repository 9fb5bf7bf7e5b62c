/* order.c - the common order of items. Groups are shuffled whole, because a cluster is one observation. */
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

struct test_items test_order(const struct task *task, uint64_t seed, struct arena *arena)
{
	return (struct test_items){ shuffled(task->test.list, seed, "test order", arena) };
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
