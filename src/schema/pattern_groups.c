/* pattern_groups.c - all ways through the network at once, in the order in which they would be tried (Pike's machine: Cox,
 * "Regular Expression Matching: the Virtual Machine Approach", 2009). */
#include "schema/pattern_groups.h"

#include <string.h>

#include "base/text.h"
#include "schema/pattern_inner.h"

#define UNSET SIZE_MAX

struct pattern_groups {
	struct arena arena; /* the tree, whose sets the network borrows */
	struct net net;
	uint32_t start, match;
	size_t n_groups;
};

/* Ways that stand before a character, the first choice first. */
struct ways {
	uint32_t *nodes; /* (n) NET_SET nodes, or the match */
	size_t *slots;   /* (n, 2 * n_groups) */
	uint32_t n;
};

/* What is left to do: go on at a node, or (node NOWHERE) set a slot back to what it was. */
struct pending {
	uint32_t node, slot;
	size_t value;
};

struct run {
	const struct pattern_groups *p;
	struct pending *stack;
	size_t *slots; /* (2 * n_groups) of the way that is followed */
	uint32_t *mark, stamp;
	struct ways ways[2];
};

struct pattern_groups *pattern_groups_new(const char *text, size_t n, struct error *err)
{
	struct pattern_groups *p = mem_zero(1, sizeof(*p));
	const struct pattern_tree *tree = pattern_read(&p->arena, text, n, &p->n_groups, err);
	bool ok = tree != NULL;

	net_init(&p->net, true);
	if (ok && p->n_groups > PATTERN_GROUPS)
		ok = error_set(err, "the pattern has %zu groups, more than %d", p->n_groups, PATTERN_GROUPS);
	if (ok) {
		p->match = net_add(&p->net, (struct net_node){ .kind = NET_END, .to = NOWHERE });
		p->start = net_build(&p->net, tree, p->match);
	}
	if (ok && p->net.full)
		ok = error_set(err, "the pattern is too large");
	if (ok)
		return p;
	pattern_groups_free(p);
	return NULL;
}

void pattern_groups_free(struct pattern_groups *p)
{
	if (!p)
		return;
	net_release(&p->net);
	arena_release(&p->arena);
	free(p);
}

size_t pattern_groups_count(const struct pattern_groups *p)
{
	return p->n_groups;
}

/* Adds all ways that go on from the node without reading, with r->slots as they are there. */
static void follow(struct run *r, uint32_t from, size_t at, bool begin, bool end, struct ways *out)
{
	size_t width = 2 * r->p->n_groups, top = 0;

	r->stack[top++] = (struct pending){ .node = from };
	while (top) {
		struct pending next = r->stack[--top];

		if (next.node == NOWHERE) {
			r->slots[next.slot] = next.value;
			continue;
		}
		if (r->mark[next.node] == r->stamp)
			continue;
		r->mark[next.node] = r->stamp;
		const struct net_node *node = &r->p->net.nodes[next.node];

		if (node->kind == NET_SET || next.node == r->p->match) {
			out->nodes[out->n] = next.node;
			memcpy(out->slots + out->n++ * width, r->slots, width * sizeof(size_t));
			continue;
		}
		if (node->kind == NET_SAVE) {
			r->stack[top++] = (struct pending){ NOWHERE, node->slot, r->slots[node->slot] };
			r->slots[node->slot] = at;
		}
		if (node->kind == NET_FORK && node->other != NOWHERE)
			r->stack[top++] = (struct pending){ .node = node->other };
		if ((node->kind != NET_BEGIN || begin) && (node->kind != NET_END || end))
			r->stack[top++] = (struct pending){ .node = node->to };
	}
}

static bool set_has(const struct code_set *set, uint32_t c)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (set->ranges[i].low <= c && c <= set->ranges[i].high)
			return true;
	return false;
}

/* The slots of the first way that ends with the text; NULL when none does. *reach: where the last way ended. */
static const size_t *run_over(struct run *r, const char *text, size_t n, size_t *reach)
{
	const struct pattern_groups *p = r->p;
	struct ways *now = &r->ways[0], *then = &r->ways[1];
	size_t width = 2 * p->n_groups;

	for (size_t i = 0; i < width; i++)
		r->slots[i] = UNSET;
	r->stamp = 1;
	follow(r, p->start, 0, true, n == 0, now);
	*reach = 0;
	for (size_t at = 0; at < n && now->n > 0;) {
		struct ways *swap = now;
		uint32_t c;

		*reach = at;
		at += text_decode(text + at, n - at, &c);
		then->n = 0;
		r->stamp++;
		for (uint32_t i = 0; i < now->n; i++) {
			const struct net_node *node = &p->net.nodes[now->nodes[i]];

			if (now->nodes[i] == p->match || !set_has(node->set, c))
				continue;
			memcpy(r->slots, now->slots + i * width, width * sizeof(size_t));
			follow(r, node->to, at, false, at == n, then);
		}
		now = then;
		then = swap;
		if (now->n > 0)
			*reach = at;
	}
	for (uint32_t i = 0; i < now->n; i++)
		if (now->nodes[i] == p->match)
			return now->slots + i * width;
	return NULL;
}

static struct run run_begin(const struct pattern_groups *p, struct arena *arena)
{
	size_t nodes = p->net.n, width = 2 * p->n_groups;
	/* A node is visited once, and leaves at most three things to do. */
	struct run r = { .p = p, .stack = arena_array(arena, 3 * nodes + 1, sizeof(*r.stack)),
			 .slots = arena_array(arena, width + 1, sizeof(*r.slots)),
			 .mark = arena_array(arena, nodes, sizeof(*r.mark)) };

	for (size_t i = 0; i < 2; i++)
		r.ways[i] = (struct ways){ arena_array(arena, nodes, sizeof(uint32_t)),
					   arena_array(arena, nodes * width + 1, sizeof(size_t)), 0 };
	return r;
}

size_t pattern_groups_reach(const struct pattern_groups *p, const char *text, size_t n)
{
	struct arena arena;
	size_t reach;

	arena_init(&arena);
	struct run r = run_begin(p, &arena);

	run_over(&r, text, n, &reach);
	arena_release(&arena);
	return reach;
}

bool pattern_groups_match(const struct pattern_groups *p, const char *text, size_t n, struct group_span *spans)
{
	struct arena arena;
	size_t reach;

	arena_init(&arena);
	struct run r = run_begin(p, &arena);
	const size_t *slots = run_over(&r, text, n, &reach);

	for (size_t g = 0; slots && spans && g < p->n_groups; g++) {
		bool took_part = slots[2 * g] != UNSET && slots[2 * g + 1] != UNSET;

		spans[g] = took_part ? (struct group_span){ slots[2 * g], slots[2 * g + 1] } : (struct group_span){ 0, 0 };
	}
	arena_release(&arena);
	return slots != NULL;
}
