/* cache.c - chains under a power of two of heads, and a ring from the newest to the oldest */
#include "serve/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { FIRST_HEADS = 1024 };

struct entry {
	struct entry *chained;       /* under the same head */
	struct entry *newer, *older; /* the ring */
	uint8_t key[SHA256_BYTES];
	size_t n;
	uint8_t bytes[];
};

struct cache {
	size_t most, bytes, n, n_heads;
	struct entry **heads;
	struct entry ring;
};

struct cache *cache_open(size_t most_bytes)
{
	struct cache *c = mem_zero(1, sizeof(*c));

	c->most = most_bytes;
	c->n_heads = FIRST_HEADS;
	c->heads = mem_zero(c->n_heads, sizeof(*c->heads));
	c->ring.newer = c->ring.older = &c->ring;
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	for (struct entry *e = c->ring.older, *next; e != &c->ring; e = next) {
		next = e->older;
		free(e);
	}
	free(c->heads);
	free(c);
}

size_t cache_bytes(const struct cache *c)
{
	return c->bytes;
}

static struct entry **head_of(const struct cache *c, const uint8_t *key)
{
	uint64_t first;

	memcpy(&first, key, sizeof(first)); /* of a cryptographic hash: as good as any other bits */
	return &c->heads[first & (c->n_heads - 1)];
}

static struct entry **find(const struct cache *c, const uint8_t *key)
{
	struct entry **at = head_of(c, key);

	while (*at && memcmp((*at)->key, key, SHA256_BYTES) != 0)
		at = &(*at)->chained;
	return at;
}

static void unlink_entry(struct entry *e)
{
	e->newer->older = e->older;
	e->older->newer = e->newer;
}

static void make_newest(struct cache *c, struct entry *e)
{
	e->newer = &c->ring;
	e->older = c->ring.older;
	e->older->newer = c->ring.older = e;
}

const void *cache_get(struct cache *c, const uint8_t key[SHA256_BYTES], size_t *n)
{
	struct entry *e = *find(c, key);

	if (!e)
		return NULL;
	unlink_entry(e);
	make_newest(c, e);
	*n = e->n;
	return e->bytes;
}

static void drop(struct cache *c, struct entry *e)
{
	struct entry **at = find(c, e->key);

	*at = e->chained;
	unlink_entry(e);
	c->bytes -= sizeof(*e) + e->n;
	c->n--;
	free(e);
}

static void grow(struct cache *c)
{
	free(c->heads);
	c->n_heads *= 2;
	c->heads = mem_zero(c->n_heads, sizeof(*c->heads));
	for (struct entry *e = c->ring.older; e != &c->ring; e = e->older) {
		struct entry **head = head_of(c, e->key);

		e->chained = *head;
		*head = e;
	}
}

void cache_put(struct cache *c, const uint8_t key[SHA256_BYTES], const void *bytes, size_t n)
{
	struct entry *old = *find(c, key);

	if (old)
		drop(c, old);
	if (n > c->most || sizeof(struct entry) + n > c->most)
		return;
	for (struct entry *oldest = c->ring.newer, *next; c->bytes + sizeof(struct entry) + n > c->most; oldest = next) {
		next = oldest->newer;
		drop(c, oldest);
	}
	if (c->n >= c->n_heads)
		grow(c);
	struct entry *e = mem_alloc(sizeof(*e) + n), **head = head_of(c, key);

	memcpy(e->key, key, SHA256_BYTES);
	memcpy(e->bytes, bytes, n);
	e->n = n;
	e->chained = *head;
	*head = e;
	make_newest(c, e);
	c->bytes += sizeof(*e) + n;
	c->n++;
}

void cache_key(const char *const *texts, size_t n, uint8_t key[SHA256_BYTES])
{
	struct buf all = { 0 };

	for (size_t i = 0; i < n; i++) {
		uint64_t length = texts[i] ? strlen(texts[i]) : UINT64_MAX;

		buf_add(&all, &length, sizeof(length));
		if (texts[i])
			buf_adds(&all, texts[i]);
	}
	sha256(buf_text(&all), all.n, key);
	buf_release(&all);
}
