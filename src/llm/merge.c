/* merge.c - the heap and the list.
 *
 * A candidate that a neighbouring join has made stale stays in the heap and is recognised when it comes up: both
 * symbols must still be there with the lengths they had, and lengths only grow. */
#include "llm/merge.h"

#include "base/arena.h"

struct merge_candidate {
	uint32_t rank;
	int32_t id;
	size_t at; /* place of the left symbol */
	size_t n;  /* length of both */
};

void merge_scratch_release(struct merge_scratch *s)
{
	free(s->symbols);
	free(s->heap);
}

/* n symbols have n - 1 pairs, and each of at most n - 1 joins makes two more. */
void merge_begin(struct merge_scratch *s, size_t n)
{
	s->n = 0;
	s->heap_n = 0;
	if (n <= s->capacity)
		return;
	s->capacity = n < 256 ? 256 : n * 2;
	s->symbols = mem_resize(s->symbols, s->capacity, sizeof(*s->symbols));
	s->heap = mem_resize(s->heap, s->capacity, 3 * sizeof(*s->heap));
}

void merge_add(struct merge_scratch *s, struct merge_symbol symbol)
{
	symbol.last = s->n - 1; /* the first one's is 0 - 1, which is MERGE_NOWHERE */
	symbol.next = MERGE_NOWHERE;
	if (s->n)
		s->symbols[s->n - 1].next = s->n;
	s->symbols[s->n++] = symbol;
}

static bool comes_before(const struct merge_candidate *a, const struct merge_candidate *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(struct merge_scratch *s, struct merge_candidate c)
{
	size_t i = s->heap_n++;

	while (i > 0 && comes_before(&c, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = c;
}

static struct merge_candidate heap_pop(struct merge_scratch *s)
{
	struct merge_candidate top = s->heap[0], moved = s->heap[--s->heap_n];
	size_t i = 0;

	for (size_t child = 1; child < s->heap_n; child = 2 * i + 1) {
		if (child + 1 < s->heap_n && comes_before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!comes_before(&s->heap[child], &moved))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = moved;
	return top;
}

/* Puts the pair of symbol `at` and its right neighbour in the heap if the model joins it. */
static void propose(struct merge_scratch *s, merge_lookup *lookup, const void *model, size_t at)
{
	size_t next = at == MERGE_NOWHERE ? MERGE_NOWHERE : s->symbols[at].next;
	struct merge_result r;

	if (next != MERGE_NOWHERE && lookup(model, &s->symbols[at], &s->symbols[next], &r))
		heap_push(s, (struct merge_candidate){ r.rank, r.id, at, s->symbols[at].n + s->symbols[next].n });
}

void merge_run(struct merge_scratch *s, merge_lookup *lookup, const void *model)
{
	for (size_t i = 0; i < s->n; i++)
		propose(s, lookup, model, i);
	while (s->heap_n) {
		struct merge_candidate c = heap_pop(s);
		struct merge_symbol *left = &s->symbols[c.at];

		if (!left->n || left->next == MERGE_NOWHERE || left->n + s->symbols[left->next].n != c.n)
			continue;
		struct merge_symbol *right = &s->symbols[left->next];

		left->id = c.id;
		left->n = c.n;
		left->next = right->next;
		right->n = 0;
		if (left->next != MERGE_NOWHERE)
			s->symbols[left->next].last = c.at;
		propose(s, lookup, model, left->last);
		propose(s, lookup, model, c.at);
	}
}
