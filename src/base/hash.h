/* hash.h - 64-bit hashes of bytes and a map from byte strings to numbers.
 *
 * hash64 is FNV-1a with a final mix: stable across machines and versions, so it may be stored. It names contents
 * (recipes, requests, texts) among friends; it is no defence against someone who builds collisions. */
#ifndef RUNG_BASE_HASH_H
#define RUNG_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t hash64(const void *bytes, size_t n, uint64_t seed);

/* Open addressing; keys are borrowed and must outlive the map; values are the caller's numbers. {0} is empty. */
struct hash_map {
	struct hash_slot *slots;
	size_t n, capacity;
};

void hash_map_release(struct hash_map *m);
/* The value under the key, or `missing` (a value the caller never stores). */
size_t hash_map_get(const struct hash_map *m, const char *key, size_t n, size_t missing);
/* Stores value unless the key is there already; returns the value that is there afterwards. */
size_t hash_map_put(struct hash_map *m, const char *key, size_t n, size_t value);

#endif
