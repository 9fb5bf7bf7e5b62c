/* pool.c - one job under one lock; tiles by an atomic counter. A worker that wakes late finds the job closed and goes
 * back to sleep: the caller waits only for workers that hold a tile. Before anybody sleeps he looks a few microseconds
 * whether the next job (or the end of this one) is there: jobs of a decoder follow each other that fast, and a wake-up
 * takes as long as a small one. The look is bounded, so that a neighbour who needs the processor loses little. */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"

enum { LOOKS = 300 }; /* of 15 to 50 nanoseconds */

struct worker {
	struct pool *pool;
	pthread_t thread;
	int number;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* a job was posted, or the pool closes */
	pthread_cond_t idle; /* the last active worker left the job */
	void (*fn)(void *, size_t, int);
	void *context;
	size_t n; /* tiles of the job */
	atomic_size_t next;
	atomic_ulong job; /* number of the posted job, so that a worker joins each once; changed under the lock */
	bool posted, closing;
	int asleep;        /* workers that must be woken */
	atomic_int active; /* workers inside the job; changed under the lock */
	int threads; /* workers plus the caller */
	struct worker *workers;
};

static void claim_tiles(struct pool *p, int worker)
{
	size_t tile;

	while ((tile = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed)) < p->n)
		p->fn(p->context, tile, worker);
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static void look_for_job(const struct pool *p, unsigned long seen)
{
	for (int i = 0; i < LOOKS && atomic_load_explicit(&p->job, memory_order_relaxed) == seen; i++)
		relax();
}

static void look_for_idle(const struct pool *p)
{
	for (int i = 0; i < LOOKS && atomic_load_explicit(&p->active, memory_order_relaxed) > 0; i++)
		relax();
}

/* Called and left with the lock held. */
static void join_job(struct pool *p, int worker)
{
	p->active++;
	pthread_mutex_unlock(&p->lock);
	claim_tiles(p, worker);
	pthread_mutex_lock(&p->lock);
	if (--p->active == 0)
		pthread_cond_signal(&p->idle);
}

static void *worker_main(void *argument)
{
	struct worker *w = argument;
	struct pool *p = w->pool;
	unsigned long seen = 0;

	pthread_mutex_lock(&p->lock);
	while (!p->closing) {
		if (p->job == seen) {
			p->asleep++;
			pthread_cond_wait(&p->wake, &p->lock);
			p->asleep--;
			continue;
		}
		seen = p->job;
		if (p->posted)
			join_job(p, w->number);
		pthread_mutex_unlock(&p->lock);
		look_for_job(p, seen);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_open(int threads)
{
	struct pool *p = mem_zero(1, sizeof(*p));

	if (threads <= 0)
		threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
	p->threads = 1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	pthread_cond_init(&p->idle, NULL);
	p->workers = mem_zero((size_t)(threads > 1 ? threads - 1 : 0), sizeof(*p->workers));
	for (int i = 1; i < threads; i++) {
		struct worker *w = &p->workers[i - 1];

		*w = (struct worker){ .pool = p, .number = i };
		if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
			break; /* fewer threads are slower, not wrong */
		p->threads++;
	}
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->threads - 1; i++)
		pthread_join(p->workers[i].thread, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	pthread_cond_destroy(&p->idle);
	free(p->workers);
	free(p);
}

int pool_threads(const struct pool *p)
{
	return p->threads;
}

void pool_run(struct pool *p, size_t n, void (*fn)(void *, size_t, int), void *context)
{
	if (p->threads == 1 || n < 2) {
		for (size_t i = 0; i < n; i++)
			fn(context, i, 0);
		return;
	}
	pthread_mutex_lock(&p->lock);
	p->fn = fn;
	p->context = context;
	p->n = n;
	atomic_store_explicit(&p->next, 0, memory_order_relaxed);
	p->job++;
	p->posted = true;
	if (p->asleep > 0)
		pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	claim_tiles(p, 0);
	pthread_mutex_lock(&p->lock);
	p->posted = false;
	pthread_mutex_unlock(&p->lock);
	look_for_idle(p);
	pthread_mutex_lock(&p->lock);
	while (p->active > 0)
		pthread_cond_wait(&p->idle, &p->lock);
	pthread_mutex_unlock(&p->lock);
}
