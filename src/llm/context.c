/* context.c - the tree of contexts: ids, keys, values and final states of runs of tokens. */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "llm/adapter.h"
#include "llm/decoder_inner.h"

struct context *context_new(struct decoder *d, struct context *parent, const int32_t *ids, size_t n)
{
	struct context *c = mem_zero(1, sizeof(*c));

	c->decoder = d;
	c->parent = parent;
	c->adapter = parent ? parent->adapter : NULL;
	c->start = parent ? context_length(parent) : 0;
	c->n = c->room = n;
	c->ids = mem_resize(NULL, n, sizeof(*c->ids));
	if (n > 0)
		memcpy(c->ids, ids, n * sizeof(*c->ids));
	return c;
}

void context_free(struct context *c)
{
	if (!c)
		return;
	free(c->ids);
	free(c->kv);
	free(c->hidden);
	free(c);
}

void context_adapt(struct context *root, const struct adapter *a)
{
	assert(!root->parent && root->done == 0);
	root->adapter = a;
}

size_t context_length(const struct context *c)
{
	return c->start + c->n;
}

size_t context_token_bytes(const struct decoder *d)
{
	return (2 * d->layers * decoder_kv_width(d) + d->width) * sizeof(float) + sizeof(int32_t);
}

void context_append(struct context *c, int32_t id)
{
	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 8;
		c->ids = mem_resize(c->ids, c->room, sizeof(*c->ids));
	}
	c->ids[c->n++] = id;
}

/* Every (layer, keys or values) block keeps its rows and moves to where the larger capacity puts it. */
static float *grow_kv(const struct context *c, size_t capacity)
{
	const struct decoder *d = c->decoder;
	size_t width = decoder_kv_width(d), blocks = 2 * d->layers;
	float *kv = mem_resize(NULL, blocks * width * sizeof(*kv), capacity);

	for (size_t b = 0; b < blocks && c->done > 0; b++)
		memcpy(kv + b * capacity * width, c->kv + b * c->capacity * width, c->done * width * sizeof(*kv));
	return kv;
}

void context_reserve(struct context *c)
{
	size_t capacity = c->n;
	float *kv;

	if (c->n <= c->capacity)
		return;
	if (c->capacity > 0 && capacity < 2 * c->capacity)
		capacity = 2 * c->capacity;
	kv = grow_kv(c, capacity);
	free(c->kv);
	c->kv = kv;
	c->hidden = mem_resize(c->hidden, capacity, c->decoder->width * sizeof(*c->hidden));
	c->capacity = capacity;
}
