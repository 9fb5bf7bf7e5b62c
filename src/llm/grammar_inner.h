/* grammar_inner.h - the inside of struct grammar, for grammar.c, grammar_cost.c and grammar_match.c.
 *
 * The cost of a node is the fewest bytes from there to the end of its rule. It depends on how many calls may still be
 * nested: costs[r * n + node] with r calls left, r < levels; more calls than that change nothing any more. */
#ifndef RUNG_LLM_GRAMMAR_INNER_H
#define RUNG_LLM_GRAMMAR_INNER_H

#include "llm/grammar.h"

#define GRAMMAR_NONE UINT32_MAX
#define GRAMMAR_NEVER UINT32_MAX /* a cost: the end cannot be reached */

enum grammar_edge_kind { EDGE_EMPTY, EDGE_BYTES, EDGE_CALL };

struct grammar_edge {
	uint8_t kind, low, high; /* low, high: EDGE_BYTES */
	uint32_t rule;           /* EDGE_CALL */
	uint32_t to;
};

/* A node that repeats a rule; its only edge is the empty one that leaves it. */
struct grammar_loop {
	uint32_t rule, min, max;
};

struct grammar_node {
	uint32_t first;  /* its edges are edges[first .. the next node's first) */
	uint32_t rule;   /* the rule that ends here, or GRAMMAR_NONE */
	uint32_t loop;   /* or GRAMMAR_NONE */
};

struct grammar_rule {
	char *name;
	uint32_t start, end;
};

struct grammar {
	struct grammar_node *nodes; /* (n + 1), the last one only closes the edges */
	uint32_t n;
	struct grammar_edge *edges;
	uint32_t n_edges;
	struct grammar_loop *loops;
	uint32_t n_loops;
	struct grammar_rule *rules;
	uint32_t n_rules, root;
	struct byte_set alphabet;
	uint8_t class_of[256]; /* bytes that no edge tells apart share a class */
	uint8_t member[256];   /* a byte of each class */
	uint32_t n_classes;    /* 1 to 256 */
	uint32_t *costs;       /* (levels, n) */
	uint32_t levels;
};

/* The cost of a node with `calls` more nested calls allowed. */
static inline uint32_t grammar_cost(const struct grammar *g, uint32_t node, uint32_t calls)
{
	return g->costs[(size_t)(calls < g->levels ? calls : g->levels - 1) * g->n + node];
}

/* The least cost of calling the rule; calls: left before this call. */
static inline uint32_t grammar_call_cost(const struct grammar *g, uint32_t rule, uint32_t calls)
{
	return calls ? grammar_cost(g, g->rules[rule].start, calls - 1) : GRAMMAR_NEVER;
}

/* a + times * b; beyond GRAMMAR_BYTES, or where one is GRAMMAR_NEVER, that. */
static inline uint32_t grammar_cost_sum(uint32_t a, uint32_t times, uint32_t b)
{
	if (a == GRAMMAR_NEVER || (times && b == GRAMMAR_NEVER))
		return GRAMMAR_NEVER;
	uint64_t sum = a + (times ? (uint64_t)times * b : 0);

	return sum <= GRAMMAR_BYTES ? (uint32_t)sum : GRAMMAR_NEVER;
}

/* Fills costs and levels. Where they would take more than 256 MiB, an error. */
bool grammar_compute_costs(struct grammar *g, struct error *err);

#endif
