/* prompt_tree.c - sorted prompts become a compressed prefix tree in one pass over their shared lengths. */
#include "llm/prompt_tree.h"

#include <string.h>

#include "base/arena.h"

/* A run pays once it saves this many tokens: below, one more segment for attention costs about as much. */
enum { WORTH_TOKENS = 16 };

static const size_t no_node = SIZE_MAX;

/* Tokens from its parent's depth to its own depth, shared by all prompts below. */
struct prompt_node {
	size_t parent; /* no_node: the root */
	size_t depth;  /* tokens behind `shared` where the run ends */
	size_t prompt; /* one whose tokens these are */
	size_t left;   /* prompts here or below that are not closed yet */
	bool ends;     /* some prompt ends here */
	bool dropped;  /* not worth it: its tokens went to its children */
	struct context *context;
};

struct prompt_tree {
	struct decoder *decoder;
	struct context *shared;
	const struct token_list *prompts;
	size_t n;
	size_t *order; /* (n) */
	size_t *last;  /* (n) the node where each prompt ends */
	struct prompt_node *nodes;
	size_t n_nodes, tokens;
};

/* A prompt and where it stood in the caller's list. */
struct entry {
	const struct token_list *prompt;
	size_t index;
};

static size_t shared_length(const struct token_list *a, const struct token_list *b)
{
	size_t n = 0;

	while (n < a->n && n < b->n && a->ids[n] == b->ids[n])
		n++;
	return n;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	size_t n = shared_length(x->prompt, y->prompt);

	if (n < x->prompt->n && n < y->prompt->n)
		return x->prompt->ids[n] < y->prompt->ids[n] ? -1 : 1;
	if (x->prompt->n != y->prompt->n)
		return x->prompt->n < y->prompt->n ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static void sort_prompts(struct prompt_tree *t)
{
	struct entry *entries = mem_zero(t->n, sizeof(*entries));

	for (size_t i = 0; i < t->n; i++)
		entries[i] = (struct entry){ &t->prompts[i], i };
	qsort(entries, t->n, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < t->n; i++)
		t->order[i] = entries[i].index;
	free(entries);
}

static size_t add_node(struct prompt_tree *t, size_t parent, size_t depth, size_t prompt)
{
	t->nodes[t->n_nodes] = (struct prompt_node){ .parent = parent, .depth = depth, .prompt = prompt };
	return t->n_nodes++;
}

/* Hangs the prompt below the one before it, whose path ends at node `at` and of which it shares `shared` tokens. Where
 * it leaves in the middle of a run, the run is split. Returns the node where it ends. */
static size_t add_prompt(struct prompt_tree *t, size_t at, size_t shared, size_t prompt)
{
	size_t below = no_node;

	while (t->nodes[at].depth > shared) {
		below = at;
		at = t->nodes[at].parent;
	}
	if (t->nodes[at].depth < shared) {
		at = add_node(t, at, shared, prompt);
		t->nodes[below].parent = at;
	}
	return t->nodes[at].depth < t->prompts[prompt].n ? add_node(t, at, t->prompts[prompt].n, prompt) : at;
}

static size_t kept_parent(const struct prompt_tree *t, size_t node)
{
	do
		node = t->nodes[node].parent;
	while (node != no_node && t->nodes[node].dropped);
	return node;
}

/* Whether the run between the kept nodes above and this one saves too little. */
static bool worthless(const struct prompt_tree *t, size_t node)
{
	const struct prompt_node *v = &t->nodes[node];
	size_t parent = kept_parent(t, node);

	return parent != no_node && !v->ends && (v->depth - t->nodes[parent].depth) * (v->left - 1) < WORTH_TOKENS;
}

/* From the root down, since what a node saves depends on the nodes kept above it. */
static void drop_worthless(struct prompt_tree *t)
{
	bool *seen = mem_zero(t->n_nodes, sizeof(*seen));
	size_t *path = mem_zero(t->n_nodes, sizeof(*path));

	for (size_t i = 0; i < t->n; i++) {
		size_t n = 0;

		for (size_t v = t->last[i]; v != no_node && !seen[v]; v = t->nodes[v].parent)
			path[n++] = v;
		while (n-- > 0) {
			seen[path[n]] = true;
			t->nodes[path[n]].dropped = worthless(t, path[n]);
		}
	}
	free(seen);
	free(path);
}

struct prompt_tree *prompt_tree_new(struct decoder *d, struct context *shared, const struct token_list *prompts,
				    size_t n)
{
	struct prompt_tree *t = mem_zero(1, sizeof(*t));
	size_t at;

	*t = (struct prompt_tree){ .decoder = d, .shared = shared, .prompts = prompts, .n = n };
	t->order = mem_zero(n, sizeof(*t->order));
	t->last = mem_zero(n, sizeof(*t->last));
	t->nodes = mem_zero(2 * n + 1, sizeof(*t->nodes));
	sort_prompts(t);
	at = add_node(t, no_node, 0, 0);
	for (size_t i = 0; i < n; i++) {
		size_t prompt = t->order[i];

		at = add_prompt(t, at, i > 0 ? shared_length(&prompts[t->order[i - 1]], &prompts[prompt]) : 0, prompt);
		t->nodes[at].ends = true;
		t->last[prompt] = at;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t v = t->last[i]; v != no_node; v = t->nodes[v].parent)
			t->nodes[v].left++;
	drop_worthless(t);
	return t;
}

void prompt_tree_free(struct prompt_tree *t)
{
	if (!t)
		return;
	for (size_t v = 0; v < t->n_nodes; v++)
		context_free(t->nodes[v].context);
	free(t->order);
	free(t->last);
	free(t->nodes);
	free(t);
}

const size_t *prompt_tree_order(const struct prompt_tree *t)
{
	return t->order;
}

/* Tokens of its own context: those of the dropped nodes above are its own. */
static size_t run_length(const struct prompt_tree *t, size_t node)
{
	size_t parent = kept_parent(t, node);

	return t->nodes[node].depth - (parent == no_node ? 0 : t->nodes[parent].depth);
}

static struct context *open_node(struct prompt_tree *t, size_t node)
{
	struct prompt_node *v = &t->nodes[node];

	if (!v->context) {
		size_t parent = kept_parent(t, node), n = run_length(t, node);
		struct context *above = parent == no_node ? t->shared : open_node(t, parent);

		v->context = context_new(t->decoder, above, n ? t->prompts[v->prompt].ids + v->depth - n : NULL, n);
		t->tokens += n;
	}
	return v->context;
}

struct context *prompt_tree_open(struct prompt_tree *t, size_t i)
{
	return open_node(t, t->last[i]);
}

void prompt_tree_close(struct prompt_tree *t, size_t i)
{
	for (size_t v = t->last[i]; v != no_node; v = t->nodes[v].parent)
		if (--t->nodes[v].left == 0 && t->nodes[v].context) {
			t->tokens -= run_length(t, v);
			context_free(t->nodes[v].context);
			t->nodes[v].context = NULL;
		}
}

size_t prompt_tree_cost(const struct prompt_tree *t, size_t i)
{
	size_t cost = 0;

	for (size_t v = t->last[i]; v != no_node; v = kept_parent(t, v))
		cost += t->nodes[v].context ? 0 : run_length(t, v);
	return cost;
}

size_t prompt_tree_tokens(const struct prompt_tree *t)
{
	return t->tokens;
}
