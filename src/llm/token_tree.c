/* token_tree.c - sorted sequences become a prefix tree in one pass: each shares a path with the one before it. */
#include "llm/token_tree.h"

#include "base/arena.h"

/* A sequence and where it stood in the caller's list. */
struct entry {
	const struct token_list *sequence;
	size_t index;
};

static int compare_entries(const void *a, const void *b)
{
	const struct token_list *x = ((const struct entry *)a)->sequence, *y = ((const struct entry *)b)->sequence;
	size_t n = x->n < y->n ? x->n : y->n;

	for (size_t i = 0; i < n; i++)
		if (x->ids[i] != y->ids[i])
			return x->ids[i] < y->ids[i] ? -1 : 1;
	return (x->n > y->n) - (x->n < y->n);
}

static size_t shared_length(const struct token_list *a, const struct token_list *b)
{
	size_t n = 0;

	while (n < a->n && n < b->n && a->ids[n] == b->ids[n])
		n++;
	return n;
}

/* Hangs the sequence into the tree; path[k] is the node after k tokens of the sequence before it, sharing `shared`. */
static void add_sequence(struct token_tree *t, const struct token_list *sequence, size_t shared, size_t previous,
			 uint32_t *path)
{
	if (shared < previous && shared < sequence->n)
		t->nodes[path[shared + 1]].sibling = t->n;
	for (size_t k = shared; k < sequence->n; k++) {
		t->nodes[t->n] = (struct token_node){ .id = sequence->ids[k], .parent = path[k] };
		path[k + 1] = t->n++;
	}
	t->nodes[path[sequence->n]].ends = true;
}

static void close_subtrees(struct token_tree *t)
{
	for (uint32_t i = t->n; i-- > 0;) {
		struct token_node *node = &t->nodes[i];

		if (node->end == 0)
			node->end = i + 1;
		if (i > 0 && t->nodes[node->parent].end < node->end)
			t->nodes[node->parent].end = node->end;
	}
}

struct token_tree *token_tree_new(const struct token_list *sequences, size_t n)
{
	struct token_tree *t = mem_zero(1, sizeof(*t));
	struct entry *order = mem_zero(n, sizeof(*order));
	size_t total = 0, longest = 0;
	uint32_t *path;

	for (size_t i = 0; i < n; i++) {
		order[i] = (struct entry){ &sequences[i], i };
		total += sequences[i].n;
		longest = sequences[i].n > longest ? sequences[i].n : longest;
	}
	qsort(order, n, sizeof(*order), compare_entries);
	t->nodes = mem_zero(total + 1, sizeof(*t->nodes));
	t->last = mem_zero(n, sizeof(*t->last));
	t->n_sequences = n;
	t->n = 1;
	path = mem_zero(longest + 1, sizeof(*path));
	for (size_t i = 0; i < n; i++) {
		const struct token_list *s = order[i].sequence, *before = i > 0 ? order[i - 1].sequence : NULL;

		add_sequence(t, s, before ? shared_length(before, s) : 0, before ? before->n : 0, path);
		t->last[order[i].index] = path[s->n];
	}
	close_subtrees(t);
	free(path);
	free(order);
	return t;
}

void token_tree_free(struct token_tree *t)
{
	if (!t)
		return;
	free(t->nodes);
	free(t->last);
	free(t);
}
