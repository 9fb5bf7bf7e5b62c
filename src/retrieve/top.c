/* top.c - a binary heap of integers. */
#include "retrieve/top.h"

#include "base/arena.h"

void top_init(struct top *t, size_t room)
{
	*t = (struct top){ .keys = mem_alloc(room * sizeof(*t->keys)), .room = room, .floor = -INFINITY };
}

void top_release(struct top *t)
{
	free(t->keys);
}

/* Puts key where it belongs below the hole at i of a heap of n. */
static void sink(uint64_t *keys, size_t n, size_t i, uint64_t key)
{
	for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
		child += child + 1 < n && keys[child + 1] < keys[child];
		if (keys[child] >= key)
			break;
		keys[i] = keys[child];
		i = child;
	}
	keys[i] = key;
}

static void rise(uint64_t *keys, size_t i, uint64_t key)
{
	for (; i > 0 && keys[(i - 1) / 2] > key; i = (i - 1) / 2)
		keys[i] = keys[(i - 1) / 2];
	keys[i] = key;
}

void top_add(struct top *t, uint64_t key)
{
	if (t->n < t->room)
		rise(t->keys, t->n++, key);
	else if (key > t->keys[0])
		sink(t->keys, t->n, 0, key);
	if (t->n == t->room)
		t->floor = top_score(t->keys[0]);
}

void top_merge(struct top *into, const struct top *from)
{
	for (size_t i = 0; i < from->n; i++)
		top_add(into, from->keys[i]);
}

void top_sort(struct top *t)
{
	for (size_t n = t->n; n > 1; n--) {
		uint64_t worst = t->keys[0];

		sink(t->keys, n - 1, 0, t->keys[n - 1]);
		t->keys[n - 1] = worst;
	}
}
