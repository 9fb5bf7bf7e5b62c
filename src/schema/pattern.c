/* pattern.c - from the network of a pattern (pattern_net.c) to a deterministic automaton by the subset construction.
 *
 * The search for a match anywhere is in the network: any characters before, and a match that stays one whatever
 * follows. ^ is passed only where nothing was read, $ only where the string may end. */
#include "schema/pattern.h"

#include "base/hash.h"
#include "schema/pattern_inner.h"

enum {
	STATES = 4096,   /* of the automaton */
	CLASSES = 2048,
	WORK = 20000000, /* nodes visited */
};

struct subset {
	uint32_t *nodes; /* (n) NET_SET nodes */
	uint32_t n;
};

struct builder {
	struct arena arena;
	struct net net;
	uint32_t match, start;
	struct pattern *out;
	bool *has; /* (nodes, classes) whether the node's set holds the class */
	struct subset *subsets;
	struct hash_map numbers;
	uint32_t *stack, *mark, stamp;
	size_t work;
};

static const struct code_range every[] = { { 0, LAST_CODE_POINT } };
static const struct code_set everything = { (struct code_range *)(uintptr_t)every, 1 };

static void build_search(struct builder *b, const struct pattern_tree *t)
{
	b->match = net_add(&b->net, (struct net_node){ .kind = NET_SET, .set = &everything, .to = 0 }); /* node 0: itself */
	uint32_t before = net_fork(&b->net, NOWHERE, NOWHERE);
	uint32_t any = net_add(&b->net, (struct net_node){ .kind = NET_SET, .set = &everything, .to = before });
	uint32_t body = net_build(&b->net, t, b->match);

	b->net.nodes[before].to = any;
	b->net.nodes[before].other = body;
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

	for (uint32_t i = 0; i < b->net.n; i++)
		n += b->net.nodes[i].kind == NET_SET ? 2 * (size_t)b->net.nodes[i].set->n : 0;
	uint32_t *lows = mem_zero(n, sizeof(*lows)), kept = 0;

	n = 1; /* lows[0] is 0 */
	for (uint32_t i = 0; i < b->net.n; i++)
		for (uint32_t k = 0; b->net.nodes[i].kind == NET_SET && k < b->net.nodes[i].set->n; k++) {
			lows[n++] = b->net.nodes[i].set->ranges[k].low;
			lows[n++] = b->net.nodes[i].set->ranges[k].high + 1;
		}
	qsort(lows, n, sizeof(*lows), compare_numbers);
	for (size_t i = 0; i < n; i++)
		if (lows[i] <= LAST_CODE_POINT && (!kept || lows[kept - 1] != lows[i]))
			lows[kept++] = lows[i];
	b->out->lows = lows;
	b->out->n_classes = kept;
	b->net.full |= kept > CLASSES || (size_t)kept * b->net.n > WORK;
}

static void find_members(struct builder *b)
{
	b->has = mem_zero((size_t)b->net.n * b->out->n_classes, sizeof(*b->has));
	for (uint32_t i = 0; i < b->net.n; i++) {
		const struct code_set *set = b->net.nodes[i].set;

		for (uint32_t c = 0, k = 0; b->net.nodes[i].kind == NET_SET && c < b->out->n_classes; c++) {
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
		const struct net_node *node = &b->net.nodes[at];

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

/* The number of the automaton's state reached through `from`, which holds b->net.n nodes at most; PATTERN_DEAD for none. */
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
		b->net.full = true;
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

	for (uint32_t c = 0; c < p->n_classes && !b->net.full; c++) {
		from->n = 0;
		for (uint32_t i = 0; i < at->n; i++)
			if (b->has[(size_t)at->nodes[i] * p->n_classes + c])
				from->nodes[from->n++] = b->net.nodes[at->nodes[i]].to;
		b->work += at->n;
		b->net.full |= b->work > WORK;
		p->next[(size_t)state * p->n_classes + c] = state_of(b, from, false, scratch);
	}
}

static void make_deterministic(struct builder *b)
{
	struct subset from = { mem_zero((size_t)b->net.n + 1, sizeof(uint32_t)), 1 };
	struct subset scratch = { mem_zero((size_t)b->net.n + 1, sizeof(uint32_t)), 0 };
	struct pattern *p = b->out;

	b->stack = mem_zero(b->net.n, sizeof(*b->stack));
	b->mark = mem_zero(b->net.n, sizeof(*b->mark));
	b->subsets = mem_zero(STATES, sizeof(*b->subsets));
	p->accepts = mem_zero(STATES, sizeof(*p->accepts));
	from.nodes[0] = b->start;
	state_of(b, &from, true, &scratch);
	for (uint32_t s = 0; s < p->n_states && !b->net.full; s++) {
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
	size_t groups;
	const struct pattern_tree *tree = pattern_read(&b.arena, text, n, &groups, err);
	bool ok = false;

	if (!tree)
		goto out;
	net_init(&b.net, false);
	build_search(&b, tree);
	if (!b.net.full)
		find_classes(&b);
	if (!b.net.full) {
		find_members(&b);
		make_deterministic(&b);
	}
	if (!b.net.full)
		drop_hopeless(b.out);
	ok = !b.net.full || error_set(err, "the pattern is too large: its automaton has more than %d states", STATES);
out:
	net_release(&b.net);
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
