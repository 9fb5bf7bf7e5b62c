/* pattern.c - from a tree to a network of single characters (Thompson 1968), and from that to a deterministic
 * automaton by the subset construction.
 *
 * The search for a match anywhere is in the network: any characters before, and a match that stays one whatever
 * follows. ^ is passed only where nothing was read, $ only where the string may end. */
#include "schema/pattern.h"

#include "base/hash.h"
#include "schema/pattern_inner.h"

enum {
	NODES = 8192,    /* of the network */
	STATES = 4096,   /* of the automaton */
	CLASSES = 2048,
	WORK = 20000000, /* nodes visited */
};
#define NOWHERE UINT32_MAX

struct net_node {
	enum { NET_SET, NET_FORK, NET_BEGIN, NET_END } kind;
	const struct code_set *set; /* NET_SET */
	uint32_t to, other;         /* other: NET_FORK, or NOWHERE */
};

struct subset {
	uint32_t *nodes; /* (n) NET_SET nodes */
	uint32_t n;
};

struct builder {
	struct arena arena;
	struct net_node *nodes;
	uint32_t n;
	uint32_t match, start;
	bool full;
	struct pattern *out;
	bool *has; /* (nodes, classes) whether the node's set holds the class */
	struct subset *subsets;
	struct hash_map numbers;
	uint32_t *stack, *mark, stamp;
	size_t work;
};

/* ---- the network ---- */

static const struct code_range every[] = { { 0, LAST_CODE_POINT } };
static const struct code_set everything = { (struct code_range *)(uintptr_t)every, 1 };

static uint32_t add_node(struct builder *b, struct net_node node)
{
	if (b->n == NODES) {
		b->full = true;
		return 0;
	}
	b->nodes[b->n] = node;
	return b->n++;
}

static uint32_t fork_node(struct builder *b, uint32_t to, uint32_t other)
{
	return add_node(b, (struct net_node){ .kind = NET_FORK, .to = to, .other = other });
}

static uint32_t build(struct builder *b, const struct pattern_tree *t, uint32_t next);

static uint32_t build_times(struct builder *b, const struct pattern_tree *t, uint32_t next)
{
	uint32_t at = next;

	if (t->max == PATTERN_FOREVER) {
		at = fork_node(b, NOWHERE, next);
		uint32_t body = build(b, t->left, at);

		b->nodes[at].to = body;
	}
	for (uint32_t i = t->min; t->max != PATTERN_FOREVER && i < t->max && !b->full; i++)
		at = fork_node(b, build(b, t->left, at), next);
	for (uint32_t i = 0; i < t->min && !b->full; i++)
		at = build(b, t->left, at);
	return at;
}

/* The node where the tree begins, `next` being where it goes on. */
static uint32_t build(struct builder *b, const struct pattern_tree *t, uint32_t next)
{
	if (b->full)
		return 0;
	switch (t->kind) {
	case PATTERN_SET:
		return add_node(b, (struct net_node){ .kind = NET_SET, .set = &t->set, .to = next });
	case PATTERN_BEGIN:
		return add_node(b, (struct net_node){ .kind = NET_BEGIN, .to = next });
	case PATTERN_END:
		return add_node(b, (struct net_node){ .kind = NET_END, .to = next });
	case PATTERN_THEN:
		return build(b, t->left, build(b, t->right, next));
	case PATTERN_OR: {
		uint32_t right = build(b, t->right, next);

		return fork_node(b, build(b, t->left, next), right);
	}
	case PATTERN_TIMES:
		return build_times(b, t, next);
	case PATTERN_EMPTY:
		break;
	}
	return next;
}

static void build_search(struct builder *b, const struct pattern_tree *t)
{
	b->match = add_node(b, (struct net_node){ .kind = NET_SET, .set = &everything, .to = 0 }); /* node 0: itself */
	uint32_t before = fork_node(b, NOWHERE, NOWHERE);
	uint32_t any = add_node(b, (struct net_node){ .kind = NET_SET, .set = &everything, .to = before });
	uint32_t body = build(b, t, b->match);

	b->nodes[before].to = any;
	b->nodes[before].other = body;
	b->start = before;
}

/* ---- classes ---- */

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Code points that no set of the network tells apart. */
static void find_classes(struct builder *b)
{
	size_t n = 1;

	for (uint32_t i = 0; i < b->n; i++)
		n += b->nodes[i].kind == NET_SET ? 2 * (size_t)b->nodes[i].set->n : 0;
	uint32_t *lows = mem_zero(n, sizeof(*lows)), kept = 0;

	n = 1; /* lows[0] is 0 */
	for (uint32_t i = 0; i < b->n; i++)
		for (uint32_t k = 0; b->nodes[i].kind == NET_SET && k < b->nodes[i].set->n; k++) {
			lows[n++] = b->nodes[i].set->ranges[k].low;
			lows[n++] = b->nodes[i].set->ranges[k].high + 1;
		}
	qsort(lows, n, sizeof(*lows), compare_numbers);
	for (size_t i = 0; i < n; i++)
		if (lows[i] <= LAST_CODE_POINT && (!kept || lows[kept - 1] != lows[i]))
			lows[kept++] = lows[i];
	b->out->lows = lows;
	b->out->n_classes = kept;
	b->full |= kept > CLASSES || (size_t)kept * b->n > WORK;
}

static void find_members(struct builder *b)
{
	b->has = mem_zero((size_t)b->n * b->out->n_classes, sizeof(*b->has));
	for (uint32_t i = 0; i < b->n; i++) {
		const struct code_set *set = b->nodes[i].set;

		for (uint32_t c = 0, k = 0; b->nodes[i].kind == NET_SET && c < b->out->n_classes; c++) {
			while (k < set->n && set->ranges[k].high < b->out->lows[c])
				k++;
			b->has[(size_t)i * b->out->n_classes + c] = k < set->n && set->ranges[k].low <= b->out->lows[c];
		}
	}
}

/* ---- the subset construction ---- */

static void push(struct builder *b, uint32_t *top, uint32_t node)
{
	if (node != NOWHERE && b->mark[node] != b->stamp) {
		b->mark[node] = b->stamp;
		b->stack[(*top)++] = node;
	}
}

/* All that is reached from `from` without reading: NET_SET nodes into out. Returns whether the match is among them. */
static bool close_over(struct builder *b, const struct subset *from, bool begin, bool end, struct subset *out)
{
	uint32_t top = 0;
	bool matched = false;

	b->stamp++;
	out->n = 0;
	for (uint32_t i = 0; i < from->n; i++)
		push(b, &top, from->nodes[i]);
	while (top) {
		uint32_t at = b->stack[--top];
		const struct net_node *node = &b->nodes[at];

		b->work++;
		matched |= at == b->match;
		if (node->kind == NET_SET)
			out->nodes[out->n++] = at;
		else if ((node->kind != NET_BEGIN || begin) && (node->kind != NET_END || end))
			push(b, &top, node->to);
		if (node->kind == NET_FORK)
			push(b, &top, node->other);
	}
	return matched;
}

/* The number of the automaton's state reached through `from`, which holds b->n nodes at most; PATTERN_DEAD for none. */
static uint32_t state_of(struct builder *b, const struct subset *from, bool begin, struct subset *scratch)
{
	struct pattern *p = b->out;
	bool accepts = close_over(b, from, begin, true, scratch);
	bool matched = close_over(b, from, begin, false, scratch);

	if (matched) { /* whatever follows, it stays a match */
		scratch->n = 1;
		scratch->nodes[0] = b->match;
	}
	if (!scratch->n && !accepts)
		return PATTERN_DEAD;
	if (scratch->n > 1)
		qsort(scratch->nodes, scratch->n, sizeof(*scratch->nodes), compare_numbers);
	scratch->nodes[scratch->n] = accepts;
	size_t size = ((size_t)scratch->n + 1) * sizeof(*scratch->nodes);
	size_t known = hash_map_get(&b->numbers, (const char *)scratch->nodes, size, SIZE_MAX);

	if (known != SIZE_MAX)
		return (uint32_t)known;
	if (p->n_states == STATES) {
		b->full = true;
		return PATTERN_DEAD;
	}
	char *key = arena_copy(&b->arena, (const char *)scratch->nodes, size);

	hash_map_put(&b->numbers, key, size, p->n_states);
	b->subsets[p->n_states] = (struct subset){ (uint32_t *)(void *)key, scratch->n };
	p->accepts[p->n_states] = accepts;
	return p->n_states++;
}

static void fill_state(struct builder *b, uint32_t state, struct subset *from, struct subset *scratch)
{
	struct pattern *p = b->out;
	const struct subset *at = &b->subsets[state];

	for (uint32_t c = 0; c < p->n_classes && !b->full; c++) {
		from->n = 0;
		for (uint32_t i = 0; i < at->n; i++)
			if (b->has[(size_t)at->nodes[i] * p->n_classes + c])
				from->nodes[from->n++] = b->nodes[at->nodes[i]].to;
		b->work += at->n;
		b->full |= b->work > WORK;
		p->next[(size_t)state * p->n_classes + c] = state_of(b, from, false, scratch);
	}
}

static void make_deterministic(struct builder *b)
{
	struct subset from = { mem_zero((size_t)b->n + 1, sizeof(uint32_t)), 1 };
	struct subset scratch = { mem_zero((size_t)b->n + 1, sizeof(uint32_t)), 0 };
	struct pattern *p = b->out;

	b->stack = mem_zero(b->n, sizeof(*b->stack));
	b->mark = mem_zero(b->n, sizeof(*b->mark));
	b->subsets = mem_zero(STATES, sizeof(*b->subsets));
	p->accepts = mem_zero(STATES, sizeof(*p->accepts));
	from.nodes[0] = b->start;
	state_of(b, &from, true, &scratch);
	for (uint32_t s = 0; s < p->n_states && !b->full; s++) {
		p->next = mem_resize(p->next, (size_t)(s + 1) * p->n_classes, sizeof(*p->next));
		fill_state(b, s, &from, &scratch);
	}
	free(from.nodes);
	free(scratch.nodes);
}

/* Transitions into states from which no end is reached become PATTERN_DEAD. States are numbered as they were found, so
 * a pass from the last one back settles nearly all. */
static void drop_hopeless(struct pattern *p)
{
	bool *hopeful = mem_zero(p->n_states, sizeof(*hopeful)), changed = true;

	while (changed) {
		changed = false;
		for (uint32_t s = p->n_states; s-- > 0;) {
			bool hope = p->accepts[s];

			for (uint32_t c = 0; c < p->n_classes && !hope; c++) {
				uint32_t to = p->next[(size_t)s * p->n_classes + c];

				hope = to != PATTERN_DEAD && hopeful[to];
			}
			changed |= hope != hopeful[s];
			hopeful[s] = hope;
		}
	}
	for (size_t i = 0; i < (size_t)p->n_states * p->n_classes; i++)
		if (p->next[i] != PATTERN_DEAD && !hopeful[p->next[i]])
			p->next[i] = PATTERN_DEAD;
	free(hopeful);
}

struct pattern *pattern_new(const char *text, size_t n, struct error *err)
{
	struct builder b = { .out = mem_zero(1, sizeof(struct pattern)) };
	const struct pattern_tree *tree = pattern_read(&b.arena, text, n, err);
	bool ok = false;

	if (!tree)
		goto out;
	b.nodes = mem_zero(NODES, sizeof(*b.nodes));
	build_search(&b, tree);
	if (!b.full)
		find_classes(&b);
	if (!b.full) {
		find_members(&b);
		make_deterministic(&b);
	}
	if (!b.full)
		drop_hopeless(b.out);
	ok = !b.full || error_set(err, "the pattern is too large: its automaton has more than %d states", STATES);
out:
	free(b.nodes);
	free(b.has);
	free(b.subsets);
	free(b.stack);
	free(b.mark);
	hash_map_release(&b.numbers);
	arena_release(&b.arena);
	if (!ok) {
		pattern_free(b.out);
		return NULL;
	}
	return b.out;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	free(p->lows);
	free(p->next);
	free(p->accepts);
	free(p);
}
