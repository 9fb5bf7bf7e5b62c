/* worker.c - one mutex, two lists: what waits, and what has come back. */
#include "serve/worker.h"

#include <pthread.h>
#include <stdlib.h>

struct list {
	struct question *first, **end;
	size_t n;
};

struct worker {
	worker_answer *answer;
	void *context;
	void (*wake)(void *context);
	void *wake_context;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t asked;
	struct list waiting, back;
	bool stopping;
};

static void put(struct list *l, struct question *q)
{
	q->next = NULL;
	*l->end = q;
	l->end = &q->next;
	l->n++;
}

static struct question *take(struct list *l)
{
	struct question *q = l->first;

	if (!q)
		return NULL;
	l->first = q->next;
	l->end = l->first ? l->end : &l->first;
	l->n--;
	return q;
}

/* Waits for questions, takes those that are there; 0: the worker is to end. */
static size_t gather(struct worker *w, struct question **batch)
{
	size_t n = 0;

	pthread_mutex_lock(&w->mutex);
	while (!w->stopping && w->waiting.n == 0)
		pthread_cond_wait(&w->asked, &w->mutex);
	while (!w->stopping && n < WORKER_TOGETHER && w->waiting.n > 0)
		batch[n++] = take(&w->waiting);
	pthread_mutex_unlock(&w->mutex);
	return n;
}

static void give_back(struct worker *w, struct question *const *batch, size_t n)
{
	pthread_mutex_lock(&w->mutex);
	for (size_t i = 0; i < n; i++)
		put(&w->back, batch[i]);
	pthread_mutex_unlock(&w->mutex);
	w->wake(w->wake_context);
}

static void *work(void *context)
{
	struct worker *w = context;
	struct question *batch[WORKER_TOGETHER];

	for (size_t n; (n = gather(w, batch)) > 0;) {
		w->answer(w->context, batch, n);
		give_back(w, batch, n);
	}
	return NULL;
}

struct worker *worker_start(worker_answer *answer, void *context, void (*wake)(void *context), void *wake_context)
{
	struct worker *w = mem_zero(1, sizeof(*w));

	*w = (struct worker){ .answer = answer, .context = context, .wake = wake, .wake_context = wake_context };
	w->waiting.end = &w->waiting.first;
	w->back.end = &w->back.first;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->asked, NULL);
	if (pthread_create(&w->thread, NULL, work, w) == 0)
		return w;
	free(w);
	return NULL;
}

bool worker_ask(struct worker *w, struct question *q)
{
	pthread_mutex_lock(&w->mutex);
	bool room = !w->stopping && w->waiting.n < WORKER_WAITING;

	if (room) {
		put(&w->waiting, q);
		pthread_cond_signal(&w->asked);
	}
	pthread_mutex_unlock(&w->mutex);
	return room;
}

struct question *worker_taken(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	struct question *first = w->back.first;

	w->back = (struct list){ .end = &w->back.first };
	pthread_mutex_unlock(&w->mutex);
	return first;
}

size_t worker_waiting(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	size_t n = w->waiting.n;

	pthread_mutex_unlock(&w->mutex);
	return n;
}

struct question *worker_stop(struct worker *w)
{
	if (!w)
		return NULL;
	pthread_mutex_lock(&w->mutex);
	w->stopping = true;
	pthread_cond_signal(&w->asked);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	for (struct question *q; (q = take(&w->waiting));) {
		q->failed = "the server is being stopped";
		put(&w->back, q);
	}
	struct question *left = w->back.first;

	pthread_mutex_destroy(&w->mutex);
	pthread_cond_destroy(&w->asked);
	free(w);
	return left;
}
