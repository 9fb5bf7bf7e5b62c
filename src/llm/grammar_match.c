/* grammar_match.c - sets of positions in a recursive transition network, made deterministic as they are met.
 *
 * A position (struct place) is a node, how often the loop there has run, and the frame of the call it stands in. A
 * frame is the set of places that wait for one rule, called at one depth from one position of the text: Earley's item
 * sets, or a graph-structured stack (Tomita 1985). Frames and states are interned by content, so a state is a number,
 * equal contexts are one, and a transition is worked out once.
 *
 * grammar.c has made sure that no call ends where it begins. So all callers of a frame are known before it is left. */
#include "llm/grammar_match.h"

#include "base/arena.h"
#include "base/hash.h"
#include "llm/grammar_inner.h"

enum { UNKNOWN = 0, REJECTED = 1, FIRST_STATE = 2 };
#define OPEN ((uint32_t)1 << 31) /* marks the number of a frame that this closure is still collecting */

struct place {
	uint32_t node, count, frame;
};

struct frame {
	uint32_t depth;          /* calls it stands in; 0: the root, which nothing waits for */
	uint32_t n;
	struct place *callers;   /* (n) sorted; where to go on when the rule has ended */
	uint32_t cost;           /* bytes from there to the end of everything */
};

struct state {
	struct place *places; /* (n) sorted; those with bytes to read */
	uint32_t n;
	uint32_t shortest;
	bool may_end;
};

/* A frame in the making. */
struct opened {
	uint32_t rule, depth;
	struct place *callers;
	uint32_t n, capacity;
	uint32_t number; /* once interned */
};

struct place_set {
	struct place *places;
	uint32_t n, capacity;
	uint32_t *slots; /* (n_slots) open addressing: index into places plus 1 */
	uint32_t n_slots;
};

struct grammar_matcher {
	const struct grammar *g;
	struct arena arena;
	struct state *states;
	uint32_t n_states, state_capacity;
	uint32_t *next; /* (states, classes) UNKNOWN, REJECTED or a state */
	struct frame *frames;
	uint32_t n_frames, frame_capacity;
	struct hash_map state_numbers, frame_numbers;
	/* the closure at work; memory is kept */
	struct place_set reached;
	struct place *reading; /* those of the reached places that have bytes to read */
	uint32_t reading_capacity;
	struct opened *opened;
	uint32_t n_opened, opened_capacity;
	struct buf key;
	uint32_t *walk; /* states on the path of grammar_mask(), by depth */
	size_t walk_capacity;
};

/* Makes room for one more of n elements; returns the array. */
static void *room_for(void *array, uint32_t n, uint32_t *capacity, size_t size)
{
	if (n < *capacity)
		return array;
	*capacity = *capacity ? *capacity * 2 : 64;
	return mem_resize(array, *capacity, size);
}

/* ---- sets of places ---- */

static uint32_t hash_place(struct place p)
{
	uint64_t h = (p.node * 0x9E3779B97F4A7C15u) ^ (p.count * 0xC2B2AE3D27D4EB4Fu) ^ (p.frame * 0x165667B19E3779F9u);

	return (uint32_t)(h >> 32 ^ h);
}

static bool same_place(struct place a, struct place b)
{
	return a.node == b.node && a.count == b.count && a.frame == b.frame;
}

static void set_rehash(struct place_set *s)
{
	s->n_slots = s->n_slots ? s->n_slots * 2 : 64;
	s->slots = mem_resize(s->slots, s->n_slots, sizeof(*s->slots));
	memset(s->slots, 0, s->n_slots * sizeof(*s->slots));
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t k = hash_place(s->places[i]) & (s->n_slots - 1);

		while (s->slots[k])
			k = (k + 1) & (s->n_slots - 1);
		s->slots[k] = i + 1;
	}
}

static void set_clear(struct place_set *s)
{
	if (s->n_slots)
		memset(s->slots, 0, s->n_slots * sizeof(*s->slots));
	s->n = 0;
}

static void set_add(struct place_set *s, struct place p)
{
	if (2 * (s->n + 1) > s->n_slots)
		set_rehash(s);
	uint32_t k = hash_place(p) & (s->n_slots - 1);

	for (; s->slots[k]; k = (k + 1) & (s->n_slots - 1))
		if (same_place(s->places[s->slots[k] - 1], p))
			return;
	s->places = room_for(s->places, s->n, &s->capacity, sizeof(*s->places));
	s->places[s->n++] = p;
	s->slots[k] = s->n;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return (x->frame > y->frame) - (x->frame < y->frame);
}

/* Sorted, repeats dropped; returns how many are left. */
static uint32_t tidy_places(struct place *places, uint32_t n)
{
	uint32_t kept = 0;

	if (n > 1)
		qsort(places, n, sizeof(*places), compare_places);
	for (uint32_t i = 0; i < n; i++)
		if (!kept || !same_place(places[kept - 1], places[i]))
			places[kept++] = places[i];
	return kept;
}

/* ---- costs and interning ---- */

static uint32_t depth_of(const struct grammar_matcher *m, uint32_t frame)
{
	return frame & OPEN ? m->opened[frame & ~OPEN].depth : m->frames[frame].depth;
}

/* Bytes from the place to the end of its rule. */
static uint32_t place_cost(const struct grammar_matcher *m, struct place p)
{
	const struct grammar *g = m->g;
	uint32_t loop = g->nodes[p.node].loop, left = GRAMMAR_DEPTH - depth_of(m, p.frame);

	if (loop == GRAMMAR_NONE || p.count == 0)
		return grammar_cost(g, p.node, left);
	const struct grammar_loop *l = &g->loops[loop];

	return grammar_cost_sum(grammar_cost(g, g->edges[g->nodes[p.node].first].to, left),
				p.count < l->min ? l->min - p.count : 0, grammar_call_cost(g, l->rule, left));
}

/* Bytes from the nearest of the places to the end of everything; their frames are interned. */
static uint32_t least_cost(const struct grammar_matcher *m, const struct place *places, uint32_t n)
{
	uint32_t least = GRAMMAR_NEVER;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t cost = place_cost(m, places[i]), behind = m->frames[places[i].frame].cost;

		if (cost != GRAMMAR_NEVER && cost + behind < least)
			least = cost + behind; /* at most GRAMMAR_DEPTH + 1 terms of GRAMMAR_BYTES: less than 2^32 */
	}
	return least;
}

static void make_key(struct grammar_matcher *m, uint32_t tag, const struct place *places, uint32_t n)
{
	buf_clear(&m->key);
	buf_add(&m->key, places, n * sizeof(*places));
	buf_add(&m->key, &tag, sizeof(tag));
}

/* Finds the number under the key in m->key. If there is none, `next` becomes it: true, and *places is the arena's copy. */
static bool intern(struct grammar_matcher *m, struct hash_map *map, uint32_t next, uint32_t *number,
		   struct place **places)
{
	size_t found = hash_map_get(map, m->key.data, m->key.n, SIZE_MAX);

	if (found != SIZE_MAX) {
		*number = (uint32_t)found;
		return false;
	}
	char *copy = arena_copy(&m->arena, m->key.data, m->key.n);

	*number = (uint32_t)hash_map_put(map, copy, m->key.n, next);
	*places = (struct place *)(void *)copy;
	return true;
}

static uint32_t intern_frame(struct grammar_matcher *m, struct opened *o)
{
	uint32_t number;
	struct frame f = { .depth = o->depth, .n = tidy_places(o->callers, o->n) };

	make_key(m, o->depth, o->callers, f.n);
	if (!intern(m, &m->frame_numbers, m->n_frames, &number, &f.callers))
		return number;
	f.cost = least_cost(m, f.callers, f.n);
	m->frames = room_for(m->frames, m->n_frames, &m->frame_capacity, sizeof(*m->frames));
	m->frames[m->n_frames++] = f;
	return number;
}

static uint32_t intern_state(struct grammar_matcher *m, struct place *places, uint32_t n, bool may_end)
{
	size_t classes = m->g->n_classes;
	uint32_t number;
	struct state s = { .n = tidy_places(places, n), .may_end = may_end };

	if (!n && !may_end)
		return REJECTED;
	make_key(m, may_end, places, s.n);
	if (!intern(m, &m->state_numbers, m->n_states, &number, &s.places))
		return number;
	s.shortest = may_end ? 0 : least_cost(m, s.places, s.n);
	if (m->n_states == m->state_capacity) {
		m->state_capacity *= 2;
		m->states = mem_resize(m->states, m->state_capacity, sizeof(*m->states));
		m->next = mem_resize(m->next, m->state_capacity, classes * sizeof(*m->next));
	}
	memset(m->next + m->n_states * classes, 0, classes * sizeof(*m->next));
	m->states[m->n_states++] = s;
	return number;
}

/* ---- closure: everything reached without reading a byte ---- */

static void reach(struct grammar_matcher *m, uint32_t node, uint32_t frame)
{
	struct place p = { node, 0, frame };

	if (place_cost(m, p) != GRAMMAR_NEVER)
		set_add(&m->reached, p);
}

static void wait_for(struct opened *o, struct place caller)
{
	o->callers = room_for(o->callers, o->n, &o->capacity, sizeof(*o->callers));
	o->callers[o->n++] = caller;
}

static uint32_t open_frame(struct grammar_matcher *m, uint32_t rule, uint32_t depth)
{
	uint32_t i = 0;

	while (i < m->n_opened && (m->opened[i].rule != rule || m->opened[i].depth != depth))
		i++;
	if (i < m->n_opened)
		return i;
	if (m->n_opened == m->opened_capacity) {
		uint32_t old = m->opened_capacity;

		m->opened_capacity = old ? old * 2 : 16;
		m->opened = mem_resize(m->opened, m->opened_capacity, sizeof(*m->opened));
		memset(m->opened + old, 0, (m->opened_capacity - old) * sizeof(*m->opened));
	}
	m->opened[i].rule = rule;
	m->opened[i].depth = depth;
	m->opened[i].n = 0;
	return m->n_opened++;
}

/* Calls the rule from frame `from`, to go on at `back` behind it; not if that could not be completed. */
static void call(struct grammar_matcher *m, uint32_t rule, uint32_t from, struct place back)
{
	uint32_t depth = depth_of(m, from);

	if (grammar_call_cost(m->g, rule, GRAMMAR_DEPTH - depth) == GRAMMAR_NEVER || place_cost(m, back) == GRAMMAR_NEVER)
		return;
	uint32_t i = open_frame(m, rule, depth + 1);

	wait_for(&m->opened[i], back);
	reach(m, m->g->rules[rule].start, i | OPEN);
}

static void run_loop(struct grammar_matcher *m, struct place p, const struct grammar_loop *l)
{
	uint32_t more = l->max == GRAMMAR_UNBOUNDED && p.count >= l->min ? p.count : p.count + 1;

	if (p.count >= l->min)
		reach(m, m->g->edges[m->g->nodes[p.node].first].to, p.frame);
	if (p.count < l->max)
		call(m, l->rule, p.frame, (struct place){ p.node, more, p.frame });
}

/* Follows the edges that read nothing; returns whether the node has bytes to read. */
static bool leave_place(struct grammar_matcher *m, struct place p)
{
	const struct grammar *g = m->g;
	const struct grammar_node *node = &g->nodes[p.node];
	bool reads = false;

	if (node->loop != GRAMMAR_NONE) {
		run_loop(m, p, &g->loops[node->loop]);
		return false;
	}
	for (uint32_t e = node->first; e < node[1].first; e++) {
		const struct grammar_edge *edge = &g->edges[e];

		reads |= edge->kind == EDGE_BYTES;
		if (edge->kind == EDGE_EMPTY)
			reach(m, edge->to, p.frame);
		else if (edge->kind == EDGE_CALL)
			call(m, edge->rule, p.frame, (struct place){ edge->to, 0, p.frame });
	}
	if (node->rule != GRAMMAR_NONE && !(p.frame & OPEN)) {
		const struct frame *f = &m->frames[p.frame];

		for (uint32_t i = 0; i < f->n; i++)
			set_add(&m->reached, f->callers[i]);
	}
	return reads;
}

/* Callers stand one level up, so frames are interned from the shallowest down. */
static void close_frames(struct grammar_matcher *m)
{
	for (uint32_t depth = 1, left = m->n_opened; left; depth++)
		for (uint32_t i = 0; i < m->n_opened; i++) {
			struct opened *o = &m->opened[i];

			if (o->depth != depth)
				continue;
			for (uint32_t k = 0; k < o->n; k++)
				if (o->callers[k].frame & OPEN)
					o->callers[k].frame = m->opened[o->callers[k].frame & ~OPEN].number;
			o->number = intern_frame(m, o);
			left--;
		}
}

/* From the places in m->reached to a state. */
static uint32_t close_state(struct grammar_matcher *m)
{
	bool may_end = false;
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->reached.n; i++) {
		struct place p = m->reached.places[i];

		may_end |= p.frame == 0 && m->g->nodes[p.node].rule == m->g->root;
		if (!leave_place(m, p))
			continue;
		m->reading = room_for(m->reading, n, &m->reading_capacity, sizeof(p));
		m->reading[n++] = p;
	}
	close_frames(m);
	for (uint32_t i = 0; i < n; i++)
		if (m->reading[i].frame & OPEN)
			m->reading[i].frame = m->opened[m->reading[i].frame & ~OPEN].number;
	return intern_state(m, m->reading, n, may_end);
}

static void begin_closure(struct grammar_matcher *m)
{
	set_clear(&m->reached);
	m->n_opened = 0;
}

static uint32_t find_next(struct grammar_matcher *m, uint32_t state, uint8_t byte)
{
	const struct grammar *g = m->g;
	const struct state *s = &m->states[state];

	begin_closure(m);
	for (uint32_t i = 0; byte_set_has(&g->alphabet, byte) && i < s->n; i++) {
		const struct grammar_node *node = &g->nodes[s->places[i].node];

		for (uint32_t e = node->first; e < node[1].first; e++)
			if (g->edges[e].kind == EDGE_BYTES && g->edges[e].low <= byte && byte <= g->edges[e].high)
				reach(m, g->edges[e].to, s->places[i].frame);
	}
	return close_state(m);
}

static inline uint32_t step(struct grammar_matcher *m, uint32_t state, uint8_t byte)
{
	size_t slot = (size_t)state * m->g->n_classes + m->g->class_of[byte];
	uint32_t next = m->next[slot];

	if (next == UNKNOWN) {
		next = find_next(m, state, byte);
		m->next[slot] = next; /* the array may have moved */
	}
	return next;
}

/* ---- the functions of the header ---- */

struct grammar_matcher *grammar_matcher_new(const struct grammar *g)
{
	struct grammar_matcher *m = mem_zero(1, sizeof(*m));

	m->g = g;
	m->state_capacity = m->frame_capacity = 64;
	m->states = mem_zero(m->state_capacity, sizeof(*m->states));
	m->next = mem_zero(m->state_capacity, g->n_classes * sizeof(*m->next));
	m->frames = mem_zero(m->frame_capacity, sizeof(*m->frames));
	m->n_states = FIRST_STATE;
	m->n_frames = 1; /* frame 0 is the root's: nobody waits, and nothing is left to write */
	begin_closure(m);
	reach(m, g->rules[g->root].start, 0);
	close_state(m); /* the first one interned: FIRST_STATE */
	return m;
}

void grammar_matcher_free(struct grammar_matcher *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->opened_capacity; i++)
		free(m->opened[i].callers);
	free(m->opened);
	free(m->reached.places);
	free(m->reached.slots);
	free(m->states);
	free(m->next);
	free(m->frames);
	free(m->walk);
	free(m->reading);
	hash_map_release(&m->state_numbers);
	hash_map_release(&m->frame_numbers);
	buf_release(&m->key);
	arena_release(&m->arena);
	free(m);
}

struct grammar_state grammar_begin(const struct grammar_matcher *m)
{
	(void)m;
	return (struct grammar_state){ FIRST_STATE };
}

bool grammar_advance(struct grammar_matcher *m, struct grammar_state *state, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t at = state->number;

	for (size_t i = 0; i < n && at != REJECTED; i++)
		at = step(m, at, p[i]);
	if (at == REJECTED)
		return false;
	state->number = at;
	return true;
}

bool grammar_may_end(const struct grammar_matcher *m, struct grammar_state state)
{
	return m->states[state.number].may_end;
}

size_t grammar_shortest(const struct grammar_matcher *m, struct grammar_state state)
{
	return m->states[state.number].shortest;
}

bool grammar_at_end(const struct grammar_matcher *m, struct grammar_state state)
{
	return m->states[state.number].may_end && m->states[state.number].n == 0;
}

/* The only byte that may come next, or -1. */
static int only_byte(struct grammar_matcher *m, uint32_t state)
{
	const struct grammar *g = m->g;
	int only = -1;

	if (m->states[state].may_end)
		return -1;
	for (uint32_t c = 0; c < g->n_classes; c++) {
		uint32_t last = c + 1 < g->n_classes ? g->member[c + 1] - 1u : 255;

		if (step(m, state, g->member[c]) == REJECTED)
			continue;
		if (only >= 0 || last != g->member[c])
			return -1;
		only = g->member[c];
	}
	return only;
}

size_t grammar_forced(struct grammar_matcher *m, struct grammar_state *state, size_t limit, struct buf *out)
{
	size_t n = 0;

	for (int byte; n < limit && (byte = only_byte(m, state->number)) >= 0; n++) {
		state->number = step(m, state->number, (uint8_t)byte);
		buf_addc(out, (char)byte);
	}
	return n;
}

bool grammar_allows(struct grammar_matcher *m, struct grammar_state state, const void *bytes, size_t n, size_t budget)
{
	return n > 0 && grammar_advance(m, &state, bytes, n) && m->states[state.number].shortest <= budget;
}

size_t grammar_mask(struct grammar_matcher *m, struct grammar_state state, const struct token_bytes *t, size_t budget,
		    uint64_t *mask)
{
	size_t allowed = 0;

	if (m->walk_capacity <= t->longest) {
		m->walk_capacity = (size_t)t->longest + 1;
		m->walk = mem_resize(m->walk, m->walk_capacity, sizeof(*m->walk));
	}
	memset(mask, 0, grammar_mask_words(t) * sizeof(*mask));
	m->walk[0] = state.number;
	for (uint32_t i = 0; i < t->n;) {
		const struct byte_node *node = &t->nodes[i];
		uint32_t next = step(m, m->walk[node->depth - 1], node->byte);

		if (next == REJECTED) {
			i = node->end;
			continue;
		}
		m->walk[node->depth] = next;
		for (uint32_t k = 0; m->states[next].shortest <= budget && k < node->n_ids; k++, allowed++) {
			uint32_t id = (uint32_t)t->ids[node->first_id + k];

			mask[id / 64] |= (uint64_t)1 << id % 64;
		}
		i++;
	}
	return allowed;
}
