/* cache.h - answers that were given before, by the exact request: bounded in bytes, the one not asked for the longest goes first. Pure.
 *
 * A key is the SHA-256 of all that the answer depends on, whose it is included; entries of different keys never meet. */
#ifndef RUNG_SERVE_CACHE_H
#define RUNG_SERVE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct cache;

struct cache *cache_open(size_t most_bytes);
void cache_free(struct cache *c);

/* The bytes under the key, valid until the next cache_put(); NULL: there are none. */
const void *cache_get(struct cache *c, const uint8_t key[SHA256_BYTES], size_t *n);
/* Copies them; what alone is too large for the cache is not kept. */
void cache_put(struct cache *c, const uint8_t key[SHA256_BYTES], const void *bytes, size_t n);
size_t cache_bytes(const struct cache *c);

/* A key out of texts, each told apart from its neighbours; NULL is no text. */
void cache_key(const char *const *texts, size_t n, uint8_t key[SHA256_BYTES]);

#endif
