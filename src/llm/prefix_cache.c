/* prefix_cache.c - a handful of slots, the least recently used leaves. */
#include "llm/prefix_cache.h"

#include <string.h>

#include "base/arena.h"

enum {
	SLOTS = 4,     /* a climb asks one variant after another; a gateway serves a few */
	SHORTEST = 32, /* tokens worth a slot */
	SLACK = 16,    /* tokens by which a kept prefix may be shorter than what the prompts share */
};

/* A run of tokens behind a root. */
struct slot {
	const struct context *root;
	struct token_list ids;
	struct context *context; /* of these ids; NULL: the slot is empty */
	uint64_t used;
};

struct prefix_cache {
	struct decoder *decoder;
	size_t budget, tokens;
	struct slot slots[SLOTS];
	struct slot last; /* the prompt that was asked alone last; no context */
	uint64_t clock;   /* counts calls */
};

struct prefix_cache *prefix_cache_new(struct decoder *d, size_t budget)
{
	struct prefix_cache *c = mem_zero(1, sizeof(*c));

	c->decoder = d;
	c->budget = budget;
	return c;
}

static void empty_slot(struct prefix_cache *c, struct slot *s)
{
	c->tokens -= s->context ? s->ids.n : 0;
	context_free(s->context);
	token_list_release(&s->ids);
	*s = (struct slot){ 0 };
}

void prefix_cache_free(struct prefix_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		empty_slot(c, &c->slots[i]);
	token_list_release(&c->last.ids);
	free(c);
}

static size_t shared_length(const struct token_list *a, const int32_t *ids, size_t n)
{
	size_t k = 0;

	while (k < n && k < a->n && a->ids[k] == ids[k])
		k++;
	return k;
}

/* Of ids behind root, how many the slot begins with, too. */
static size_t slot_length(const struct slot *s, const struct context *root, const int32_t *ids, size_t n)
{
	return s->root == root ? shared_length(&s->ids, ids, n) : 0;
}

static void copy_ids(struct token_list *out, const int32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		token_list_add(out, ids[i]);
}

/* What is worth keeping of n prompts that share `common` tokens: all of it, or for a single prompt what it shares with
 * one asked before. */
static size_t wanted_length(const struct prefix_cache *c, const struct context *root, const int32_t *ids, size_t common,
			    size_t n)
{
	size_t longest = slot_length(&c->last, root, ids, common);

	if (n > 1)
		return common;
	for (size_t i = 0; i < SLOTS; i++) {
		size_t k = slot_length(&c->slots[i], root, ids, common);

		longest = k > longest ? k : longest;
	}
	return longest;
}

/* The longest kept prefix of the ids; NULL when there is none. */
static struct slot *longest_match(struct prefix_cache *c, const struct context *root, const int32_t *ids, size_t n)
{
	struct slot *best = NULL;

	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *s = &c->slots[i];

		if (s->context && slot_length(s, root, ids, n) == s->ids.n && (!best || s->ids.n > best->ids.n))
			best = s;
	}
	return best;
}

static struct slot *empty_one(struct prefix_cache *c)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (!c->slots[i].context)
			return &c->slots[i];
	return NULL;
}

static struct slot *oldest(struct prefix_cache *c)
{
	struct slot *old = NULL;

	for (size_t i = 0; i < SLOTS; i++)
		if (c->slots[i].context && (!old || c->slots[i].used < old->used))
			old = &c->slots[i];
	return old;
}

/* n is within the budget, so that the loop ends with every slot empty at the latest. */
static struct slot *make_slot(struct prefix_cache *c, struct context *root, const int32_t *ids, size_t n)
{
	struct slot *s;

	while (!(s = empty_one(c)) || c->tokens + n > c->budget)
		empty_slot(c, oldest(c));
	s->root = root;
	copy_ids(&s->ids, ids, n);
	s->context = context_new(c->decoder, root, ids, n);
	c->tokens += n;
	return s;
}

static void remember_single(struct prefix_cache *c, const struct context *root, const int32_t *ids, size_t n)
{
	token_list_release(&c->last.ids);
	c->last.root = root;
	copy_ids(&c->last.ids, ids, n);
}

struct context *prefix_cache_find(struct prefix_cache *c, struct context *root, const struct token_list *prompts,
				  size_t n, size_t *tokens)
{
	size_t common = n > 0 ? prompts[0].n : 0, wanted;

	for (size_t i = 1; i < n; i++)
		common = shared_length(&prompts[i], prompts[0].ids, common);
	*tokens = 0;
	if (common < SHORTEST)
		return root;
	wanted = wanted_length(c, root, prompts[0].ids, common, n);
	struct slot *s = longest_match(c, root, prompts[0].ids, common);

	if (n == 1)
		remember_single(c, root, prompts[0].ids, common);
	if ((!s || s->ids.n + SLACK < wanted) && wanted >= SHORTEST && wanted <= c->budget)
		s = make_slot(c, root, prompts[0].ids, wanted);
	if (!s)
		return root;
	s->used = ++c->clock;
	*tokens = s->ids.n;
	return s->context;
}
