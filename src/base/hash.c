/* hash.c - FNV-1a (Fowler, Noll, Vo) with the 64-bit finaliser of MurmurHash3, and linear probing. */
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct hash_slot {
	const char *key; /* NULL: free */
	size_t n, value;
	uint64_t hash;
};

uint64_t hash64(const void *bytes, size_t n, uint64_t seed)
{
	const unsigned char *p = bytes;
	uint64_t h = 0xCBF29CE484222325u ^ seed;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001B3u;
	h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDu;
	h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53u;
	return h ^ (h >> 33);
}

void hash_map_release(struct hash_map *m)
{
	free(m->slots);
	*m = (struct hash_map){ 0 };
}

/* The slot that holds the key, or the free one where it belongs. */
static struct hash_slot *slot_find(const struct hash_map *m, const char *key, size_t n, uint64_t hash)
{
	size_t i = (size_t)hash & (m->capacity - 1);

	while (m->slots[i].key &&
	       (m->slots[i].hash != hash || m->slots[i].n != n || memcmp(m->slots[i].key, key, n) != 0))
		i = (i + 1) & (m->capacity - 1);
	return &m->slots[i];
}

static void grow(struct hash_map *m)
{
	struct hash_map bigger = { .n = m->n, .capacity = m->capacity ? m->capacity * 2 : 64 };

	bigger.slots = mem_zero(bigger.capacity, sizeof(*bigger.slots));
	for (size_t i = 0; i < m->capacity; i++) {
		struct hash_slot *s = &m->slots[i];

		if (s->key)
			*slot_find(&bigger, s->key, s->n, s->hash) = *s;
	}
	free(m->slots);
	*m = bigger;
}

size_t hash_map_get(const struct hash_map *m, const char *key, size_t n, size_t missing)
{
	if (!m->capacity)
		return missing;
	struct hash_slot *s = slot_find(m, key, n, hash64(key, n, 0));

	return s->key ? s->value : missing;
}

size_t hash_map_put(struct hash_map *m, const char *key, size_t n, size_t value)
{
	uint64_t hash = hash64(key, n, 0);

	if ((m->n + 1) * 10 > m->capacity * 7)
		grow(m);
	struct hash_slot *s = slot_find(m, key, n, hash);

	if (!s->key) {
		*s = (struct hash_slot){ .key = key, .n = n, .value = value, .hash = hash };
		m->n++;
	}
	return s->value;
}
