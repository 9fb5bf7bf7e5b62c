/* grammar.c - drafting, and the checks that make a draft a grammar.
 *
 * No called rule may be empty and none may call itself before reading a byte. So calls that begin at one place are
 * finite in number and none of them ends there: grammar_match.c needs no fixed point. */
#include "llm/grammar_inner.h"

#include "base/arena.h"

struct draft_edge {
	struct grammar_edge edge;
	uint32_t from;
};

struct grammar_draft {
	struct draft_edge *edges;
	uint32_t n_edges, edge_capacity;
	struct grammar_loop *loops;
	uint32_t *loop_nodes; /* (n_loops) */
	uint32_t n_loops, loop_capacity;
	struct grammar_rule *rules;
	uint32_t n_rules, rule_capacity;
	uint32_t n_nodes;
	bool full;
};

enum { EDGES = 2 * GRAMMAR_NODES };

struct grammar_draft *grammar_draft_new(void)
{
	return mem_zero(1, sizeof(struct grammar_draft));
}

void grammar_draft_free(struct grammar_draft *d)
{
	if (!d)
		return;
	for (uint32_t i = 0; i < d->n_rules; i++)
		free(d->rules[i].name);
	free(d->rules);
	free(d->edges);
	free(d->loops);
	free(d->loop_nodes);
	free(d);
}

bool grammar_draft_full(const struct grammar_draft *d)
{
	return d->full;
}

/* Makes room for one more of n elements; returns the array. */
static void *room(void *array, uint32_t n, uint32_t *capacity, size_t size)
{
	if (n < *capacity)
		return array;
	*capacity = *capacity ? *capacity * 2 : 64;
	return mem_resize(array, *capacity, size);
}

uint32_t grammar_node(struct grammar_draft *d)
{
	if (d->n_nodes >= GRAMMAR_NODES)
		d->full = true;
	return d->full ? 0 : d->n_nodes++; /* once full, nothing is built of it */
}

uint32_t grammar_rule(struct grammar_draft *d, const char *name)
{
	uint32_t start = grammar_node(d), end = grammar_node(d);

	if (d->full && d->n_rules)
		return 0;
	d->rules = room(d->rules, d->n_rules, &d->rule_capacity, sizeof(*d->rules));
	d->rules[d->n_rules] = (struct grammar_rule){ .name = mem_string(name), .start = start, .end = end };
	return d->n_rules++;
}

uint32_t grammar_start(const struct grammar_draft *d, uint32_t rule)
{
	return d->rules[rule].start;
}

uint32_t grammar_end(const struct grammar_draft *d, uint32_t rule)
{
	return d->rules[rule].end;
}

static void add_edge(struct grammar_draft *d, uint32_t from, struct grammar_edge edge)
{
	if (d->n_edges >= EDGES)
		d->full = true;
	if (d->full)
		return;
	d->edges = room(d->edges, d->n_edges, &d->edge_capacity, sizeof(*d->edges));
	d->edges[d->n_edges++] = (struct draft_edge){ .edge = edge, .from = from };
}

void grammar_byte(struct grammar_draft *d, uint32_t from, uint8_t low, uint8_t high, uint32_t to)
{
	add_edge(d, from, (struct grammar_edge){ .kind = EDGE_BYTES, .low = low, .high = high, .to = to });
}

void grammar_literal(struct grammar_draft *d, uint32_t from, const void *bytes, size_t n, uint32_t to)
{
	const uint8_t *p = bytes;

	if (!n)
		add_edge(d, from, (struct grammar_edge){ .kind = EDGE_EMPTY, .to = to });
	for (size_t i = 0; i < n && !d->full; i++) {
		uint32_t next = i + 1 < n ? grammar_node(d) : to;

		grammar_byte(d, from, p[i], p[i], next);
		from = next;
	}
}

void grammar_call(struct grammar_draft *d, uint32_t from, uint32_t rule, uint32_t to)
{
	add_edge(d, from, (struct grammar_edge){ .kind = EDGE_CALL, .rule = rule, .to = to });
}

void grammar_repeat(struct grammar_draft *d, uint32_t from, uint32_t rule, uint32_t min, uint32_t max, uint32_t to)
{
	uint32_t node = grammar_node(d), capacity = d->loop_capacity;

	if (d->full)
		return;
	d->loops = room(d->loops, d->n_loops, &capacity, sizeof(*d->loops));
	d->loop_nodes = room(d->loop_nodes, d->n_loops, &d->loop_capacity, sizeof(*d->loop_nodes));
	d->loops[d->n_loops] = (struct grammar_loop){ .rule = rule, .min = min, .max = max };
	d->loop_nodes[d->n_loops++] = node;
	grammar_literal(d, from, NULL, 0, node);
	grammar_literal(d, node, NULL, 0, to);
}

/* ---- from draft to grammar ---- */

/* Edges in order of their nodes, each node's in the order they were drafted. */
static void place_edges(struct grammar *g, const struct grammar_draft *d)
{
	uint32_t *next = mem_zero((size_t)g->n + 1, sizeof(*next));

	for (uint32_t i = 0; i < d->n_edges; i++)
		next[d->edges[i].from]++;
	for (uint32_t i = 0, sum = 0; i <= g->n; i++) {
		uint32_t count = next[i];

		g->nodes[i].first = next[i] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < d->n_edges; i++)
		g->edges[next[d->edges[i].from]++] = d->edges[i].edge;
	free(next);
}

static struct grammar *copy_draft(const struct grammar_draft *d, uint32_t root)
{
	struct grammar *g = mem_zero(1, sizeof(*g));

	*g = (struct grammar){ .n = d->n_nodes, .n_edges = d->n_edges, .n_loops = d->n_loops, .n_rules = d->n_rules,
			       .root = root };
	g->nodes = mem_zero((size_t)g->n + 1, sizeof(*g->nodes));
	g->edges = mem_zero(g->n_edges, sizeof(*g->edges));
	g->loops = mem_zero(g->n_loops, sizeof(*g->loops));
	g->rules = mem_zero(g->n_rules, sizeof(*g->rules));
	for (uint32_t i = 0; i <= g->n; i++)
		g->nodes[i] = (struct grammar_node){ .rule = GRAMMAR_NONE, .loop = GRAMMAR_NONE };
	for (uint32_t i = 0; i < g->n_loops; i++) {
		g->loops[i] = d->loops[i];
		g->nodes[d->loop_nodes[i]].loop = i;
	}
	for (uint32_t i = 0; i < g->n_rules; i++) {
		g->rules[i] = d->rules[i];
		g->rules[i].name = mem_string(d->rules[i].name);
		g->nodes[d->rules[i].end].rule = i;
	}
	place_edges(g, d);
	return g;
}

static void find_classes(struct grammar *g)
{
	bool begins[257] = { true };

	for (uint32_t i = 0; i < g->n_edges; i++)
		if (g->edges[i].kind == EDGE_BYTES)
			begins[g->edges[i].low] = begins[g->edges[i].high + 1] = true;
	for (uint32_t byte = 0; byte < 256; byte++) {
		if (byte && byte_set_has(&g->alphabet, (uint8_t)byte) != byte_set_has(&g->alphabet, (uint8_t)(byte - 1)))
			begins[byte] = true;
		if (begins[byte])
			g->member[g->n_classes++] = (uint8_t)byte;
		g->class_of[byte] = (uint8_t)(g->n_classes - 1);
	}
}

/* What a rule reaches before its first byte. */
struct opening {
	uint32_t *stack;   /* (nodes) */
	uint32_t *seen;    /* (nodes) the number of the last rule that came by, plus 1 */
	uint32_t *calls;   /* rules called there, repeats possible */
	uint32_t n_calls;
	bool empty;        /* its end is reached too */
};

static void visit_node(const struct grammar *g, struct opening *o, uint32_t node, uint32_t *top, uint32_t mark)
{
	const struct grammar_node *at = &g->nodes[node];
	bool leaves = true;

	o->empty |= at->rule != GRAMMAR_NONE;
	if (at->loop != GRAMMAR_NONE) {
		leaves = g->loops[at->loop].min == 0;
		if (g->loops[at->loop].max > 0)
			o->calls[o->n_calls++] = g->loops[at->loop].rule;
	}
	for (uint32_t e = at->first; e < at[1].first; e++) {
		const struct grammar_edge *edge = &g->edges[e];

		if (edge->kind == EDGE_CALL)
			o->calls[o->n_calls++] = edge->rule;
		if (edge->kind == EDGE_EMPTY && leaves && o->seen[edge->to] != mark) {
			o->seen[edge->to] = mark;
			o->stack[(*top)++] = edge->to;
		}
	}
}

static void open_rule(const struct grammar *g, struct opening *o, uint32_t rule)
{
	uint32_t top = 0;

	o->n_calls = 0;
	o->empty = false;
	o->seen[g->rules[rule].start] = rule + 1;
	o->stack[top++] = g->rules[rule].start;
	while (top)
		visit_node(g, o, o->stack[--top], &top, rule + 1);
}

static bool is_called(const struct grammar *g, uint32_t rule)
{
	for (uint32_t i = 0; i < g->n_edges; i++)
		if (g->edges[i].kind == EDGE_CALL && g->edges[i].rule == rule)
			return true;
	for (uint32_t i = 0; i < g->n_loops; i++)
		if (g->loops[i].rule == rule)
			return true;
	return false;
}

/* Rules by how many rules call them first; those that nobody calls go, until none is left or only circles are. */
static bool find_circle(const struct grammar *g, struct opening *o, struct error *err)
{
	uint32_t *callers = mem_zero(g->n_rules, sizeof(*callers)), *ready = mem_zero(g->n_rules, sizeof(*ready));
	uint32_t n = 0, bad = GRAMMAR_NONE;

	for (uint32_t r = 0; r < g->n_rules; r++) {
		open_rule(g, o, r);
		for (uint32_t i = 0; i < o->n_calls; i++)
			callers[o->calls[i]]++;
	}
	for (uint32_t r = 0; r < g->n_rules; r++)
		if (!callers[r])
			ready[n++] = r;
	memset(o->seen, 0, (size_t)g->n * sizeof(*o->seen));
	for (uint32_t k = 0; k < n; k++) {
		open_rule(g, o, ready[k]);
		for (uint32_t i = 0; i < o->n_calls; i++)
			if (--callers[o->calls[i]] == 0)
				ready[n++] = o->calls[i];
	}
	for (uint32_t r = g->n_rules; r-- > 0;)
		if (callers[r])
			bad = r;
	free(callers);
	free(ready);
	return bad == GRAMMAR_NONE ||
	       error_set(err, "%s refers to itself with nothing in between; put an object or an array between",
			 g->rules[bad].name);
}

static bool check_rules(const struct grammar *g, struct error *err)
{
	struct opening o = { .stack = mem_zero(g->n, sizeof(*o.stack)), .seen = mem_zero(g->n, sizeof(*o.seen)),
			     .calls = mem_zero((size_t)g->n_edges + g->n_loops, sizeof(*o.calls)) };
	bool ok = true;

	for (uint32_t r = 0; ok && r < g->n_rules; r++) {
		open_rule(g, &o, r);
		if (o.empty && is_called(g, r))
			ok = error_set(err, "%s is called but may be empty", g->rules[r].name);
	}
	memset(o.seen, 0, (size_t)g->n * sizeof(*o.seen));
	ok = ok && find_circle(g, &o, err);
	free(o.stack);
	free(o.seen);
	free(o.calls);
	return ok;
}

/* Of rules that call each other the one drafted last is named: mostly the innermost. */
static bool check_endings(const struct grammar *g, struct error *err)
{
	for (uint32_t r = g->n_rules; r-- > 0;)
		if (grammar_cost(g, g->rules[r].start, GRAMMAR_DEPTH) == GRAMMAR_NEVER)
			return error_set(err, "%s can never end: no text satisfies it within %d levels and %d bytes",
					 g->rules[r].name, GRAMMAR_DEPTH, GRAMMAR_BYTES);
	return true;
}

struct grammar *grammar_new(const struct grammar_draft *d, uint32_t root, const struct byte_set *alphabet,
			    struct error *err)
{
	if (d->full) {
		error_set(err, "the grammar is too large (more than %d nodes or %d edges); ask for less", GRAMMAR_NODES,
			  EDGES);
		return NULL;
	}
	struct grammar *g = copy_draft(d, root);

	g->alphabet = alphabet ? *alphabet : (struct byte_set){ { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };
	find_classes(g);
	if (!check_rules(g, err) || !grammar_compute_costs(g, err) || !check_endings(g, err)) {
		grammar_free(g);
		return NULL;
	}
	return g;
}

void grammar_free(struct grammar *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; i < g->n_rules; i++)
		free(g->rules[i].name);
	free(g->rules);
	free(g->nodes);
	free(g->edges);
	free(g->loops);
	free(g->costs);
	free(g);
}
