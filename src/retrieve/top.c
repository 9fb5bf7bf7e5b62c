/* top.c - selection by partition (Hoare's quickselect) on integers, no two of which are equal. */
#include "retrieve/top.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/arena.h"

void top_init(struct top *t, size_t room)
{
	*t = (struct top){ .keys = mem_alloc(2 * room * sizeof(*t->keys)), .room = room, .floor = -INFINITY };
}

void top_release(struct top *t)
{
	free(t->keys);
}

void top_merge(struct top *into, const struct top *from)
{
	for (size_t i = 0; i < from->n; i++)
		top_add(into, from->keys[i]);
}

static void swap(uint64_t *a, uint64_t *b)
{
	uint64_t x = *a;

	*a = *b;
	*b = x;
}

/* Brings the greater ones of keys [low, high] to the front; returns where the pivot, a median of three, came to lie. */
static size_t partition(uint64_t *keys, size_t low, size_t high)
{
	size_t middle = low + (high - low) / 2, to = low;

	if (keys[middle] < keys[high])
		swap(&keys[middle], &keys[high]);
	if (keys[low] < keys[high])
		swap(&keys[low], &keys[high]);
	if (keys[middle] < keys[low])
		swap(&keys[middle], &keys[low]);
	/* The median is at low now, and goes to the end while the others are dealt out. */
	swap(&keys[low], &keys[high]);
	for (size_t i = low; i < high; i++) {
		bool greater = keys[i] > keys[high];

		swap(&keys[i], &keys[to]);
		to += greater;
	}
	swap(&keys[to], &keys[high]);
	return to;
}

void top_cut(struct top *t)
{
	size_t low = 0, high = t->n - 1;

	if (t->n < t->room)
		return;
	/* Until the room-th greatest is at its place. */
	while (low < high) {
		size_t at = partition(t->keys, low, high);

		if (at == t->room - 1)
			break;
		if (at < t->room - 1)
			low = at + 1;
		else
			high = at - 1;
	}
	t->n = t->room;
	t->floor = top_score(t->keys[t->room - 1]);
}

static int descending(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a < b) - (a > b);
}

void top_sort(struct top *t)
{
	top_cut(t);
	qsort(t->keys, t->n, sizeof(*t->keys), descending);
}
