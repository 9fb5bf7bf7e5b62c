/* pool.h - a pool of threads that share one loop at a time.
 *
 * Tiles are claimed one by one, so a thread that the system took away delays only the tile in its hands, and waiting
 * threads sleep: the pool keeps its speed beside a busy neighbour. One caller at a time; tiles must not call pool_run. */
#ifndef RUNG_BASE_POOL_H
#define RUNG_BASE_POOL_H

#include <stddef.h>

struct pool;

/* The calling thread counts: pool_open(1) starts none. threads <= 0 means one for each processor of this machine. */
struct pool *pool_open(int threads);
void pool_free(struct pool *p);
int pool_threads(const struct pool *p);

/* Calls fn(context, tile, worker) once for every tile in 0 .. n-1, in any order, and returns when all are done.
 * worker is 0 .. pool_threads()-1, distinct among the calls that run at the same time (for scratch memory). */
void pool_run(struct pool *p, size_t n, void (*fn)(void *context, size_t tile, int worker), void *context);

#endif
