/* grammar_cost.c - the fewest bytes to the end of a rule, from every node, for every number of nested calls left.
 *
 * Level r takes what calls cost from level r - 1; within a level it is Dijkstra's shortest path from the ends of the
 * rules backwards. Levels stop where one equals the one before: from there on more depth buys nothing. */
#include "llm/grammar_inner.h"

#include "base/arena.h"

enum { COSTS = 1 << 23 }; /* levels times nodes: 32 MiB */

struct entry {
	uint32_t cost, node;
};

struct search {
	const struct grammar *g;
	uint32_t *first;  /* (n + 1) edges into a node: into[first[node] .. first[node + 1]) */
	uint32_t *into;   /* edge numbers */
	uint32_t *source; /* (n_edges) the node each edge leaves */
	struct entry *heap;
	uint32_t n_heap;
	uint32_t level;
};

static void heap_push(struct search *s, struct entry x)
{
	uint32_t i = s->n_heap++;

	for (; i > 0 && s->heap[(i - 1) / 2].cost > x.cost; i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = x;
}

static struct entry heap_pop(struct search *s)
{
	struct entry top = s->heap[0], last = s->heap[--s->n_heap];
	uint32_t i = 0;

	for (uint32_t child; (child = 2 * i + 1) < s->n_heap; i = child) {
		if (child + 1 < s->n_heap && s->heap[child + 1].cost < s->heap[child].cost)
			child++;
		if (s->heap[child].cost >= last.cost)
			break;
		s->heap[i] = s->heap[child];
	}
	s->heap[i] = last;
	return top;
}

static bool any_byte(const struct grammar *g, const struct grammar_edge *e)
{
	for (uint32_t byte = e->low; byte <= e->high; byte++)
		if (byte_set_has(&g->alphabet, (uint8_t)byte))
			return true;
	return false;
}

/* The cost of the edge's source by way of the edge. */
static uint32_t cost_through(const struct search *s, uint32_t edge, uint32_t cost)
{
	const struct grammar *g = s->g;
	const struct grammar_edge *e = &g->edges[edge];
	uint32_t loop = g->nodes[s->source[edge]].loop;

	if (e->kind == EDGE_BYTES)
		return any_byte(g, e) ? grammar_cost_sum(cost, 1, 1) : GRAMMAR_NEVER;
	if (e->kind == EDGE_CALL)
		return grammar_cost_sum(cost, 1, grammar_call_cost(g, e->rule, s->level));
	if (loop == GRAMMAR_NONE || g->loops[loop].min == 0)
		return cost;
	return grammar_cost_sum(cost, g->loops[loop].min, grammar_call_cost(g, g->loops[loop].rule, s->level));
}

static void improve(struct search *s, uint32_t *costs, uint32_t node, uint32_t cost)
{
	if (cost < costs[node]) {
		costs[node] = cost;
		heap_push(s, (struct entry){ cost, node });
	}
}

static void compute_level(struct search *s, uint32_t *costs)
{
	const struct grammar *g = s->g;

	for (uint32_t i = 0; i < g->n; i++)
		costs[i] = GRAMMAR_NEVER;
	for (uint32_t r = 0; r < g->n_rules; r++)
		improve(s, costs, g->rules[r].end, 0);
	while (s->n_heap) {
		struct entry at = heap_pop(s);

		for (uint32_t i = s->first[at.node]; at.cost == costs[at.node] && i < s->first[at.node + 1]; i++)
			improve(s, costs, s->source[s->into[i]], cost_through(s, s->into[i], at.cost));
	}
}

static void search_init(struct search *s, const struct grammar *g)
{
	*s = (struct search){ .g = g };
	s->first = mem_zero((size_t)g->n + 2, sizeof(*s->first));
	s->into = mem_zero(g->n_edges, sizeof(*s->into));
	s->source = mem_zero(g->n_edges, sizeof(*s->source));
	/* every edge improves its source once at most, every rule's end enters once */
	s->heap = mem_zero((size_t)g->n_edges + g->n_rules + 1, sizeof(*s->heap));
	for (uint32_t i = 0; i < g->n; i++)
		for (uint32_t e = g->nodes[i].first; e < g->nodes[i + 1].first; e++) {
			s->source[e] = i;
			s->first[g->edges[e].to + 2]++;
		}
	for (uint32_t i = 2; i < g->n + 2; i++)
		s->first[i] += s->first[i - 1];
	for (uint32_t e = 0; e < g->n_edges; e++)
		s->into[s->first[g->edges[e].to + 1]++] = e;
}

static void search_release(struct search *s)
{
	free(s->first);
	free(s->into);
	free(s->source);
	free(s->heap);
}

bool grammar_compute_costs(struct grammar *g, struct error *err)
{
	size_t bytes = (size_t)g->n * sizeof(*g->costs);
	bool settled = false;
	struct search s;

	search_init(&s, g);
	while (!settled && g->levels <= GRAMMAR_DEPTH && (size_t)(g->levels + 1) * g->n <= COSTS) {
		g->costs = mem_resize(g->costs, (size_t)g->levels + 1, bytes);
		uint32_t *level = g->costs + (size_t)g->levels * g->n;

		s.level = g->levels;
		compute_level(&s, level);
		settled = g->levels && memcmp(level, level - g->n, bytes) == 0;
		g->levels += !settled;
	}
	search_release(&s);
	return settled || g->levels > GRAMMAR_DEPTH ||
	       error_set(err, "the grammar is too large for how deeply it nests (%u nodes, %u levels); ask for less",
			 g->n, g->levels);
}
