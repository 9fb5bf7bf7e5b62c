/* arena.h - memory for one unit of work (a task, a run, a request), freed at once.
 *
 * Also the plain allocation functions. Memory exhaustion is not an error a caller can act on: it ends the process
 * through abort() with one line on stderr. Whatever sizes come from outside are checked against limits before they
 * reach these functions. One arena belongs to one thread. */
#ifndef RUNG_BASE_ARENA_H
#define RUNG_BASE_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_block *blocks; /* newest first */
};

void arena_init(struct arena *a);
void arena_release(struct arena *a); /* frees everything; the arena can be used again */

/* Zeroed, aligned to 16 bytes, never NULL; lives in the arena. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size); /* n * size, overflow checked */
char *arena_copy(struct arena *a, const char *bytes, size_t n); /* NUL added after the n bytes */
char *arena_string(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* malloc and friends that never return NULL; free() frees. mem_aligned() is for tensors: 64-byte aligned. */
void *mem_alloc(size_t size);
void *mem_zero(size_t n, size_t size);
void *mem_resize(void *old, size_t n, size_t size);
void *mem_aligned(size_t size);
char *mem_string(const char *s);

#endif
