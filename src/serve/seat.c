/* seat.c - arms in their places */
#include "serve/seat.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"

struct arm *arm_new(const struct served_verdict *v, const char *task, void (*wake)(void *context), void *wake_context, struct error *err)
{
	struct arm *a = mem_zero(1, sizeof(*a));

	a->verdict = *v;
	a->worker = worker_start(v->answer, v->context, wake, wake_context);
	if (a->worker)
		return a;
	error_set(err, "task \"%s\": no thread can be started for it; let this process have more of them", task);
	arm_free(a);
	return NULL;
}

void arm_free(struct arm *a)
{
	if (!a)
		return;
	worker_stop(a->worker);
	a->verdict.release(a->verdict.context);
	free(a);
}

static void leave(struct seat *s, struct arm *a)
{
	if (!a)
		return;
	a->next = s->leaving;
	s->leaving = a;
}

/* The arm serves; who did is kept at hand. */
static void take_over(struct seat *s, struct arm *a)
{
	leave(s, s->previous);
	s->previous = s->serving;
	s->serving = a;
}

static void restore(struct seat *s, struct arm *a)
{
	leave(s, s->serving);
	if (a)
		leave(s, s->previous);
	s->serving = a ? a : s->previous;
	s->previous = NULL;
}

void seat_move(struct seat *s, enum seat_event event, struct arm *arm, double share)
{
	struct arm *challenger = s->challenger;

	if (event != SEAT_RESTORE)
		s->challenger = event == SEAT_TRY ? arm : NULL;
	if (event == SEAT_PROMOTE)
		take_over(s, challenger);
	else if (event != SEAT_RESTORE)
		leave(s, challenger);
	if (event == SEAT_REPLACE)
		take_over(s, arm);
	else if (event == SEAT_RESTORE)
		restore(s, arm);
	if (event == SEAT_TRY)
		s->share = share;
}

struct arm *seat_draw(const struct seat *s, const char *key, double *propensity)
{
	struct rng r;

	*propensity = 1;
	if (!s->challenger || !(s->share > 0))
		return s->serving;
	rng_init(&r, hash64(key, strlen(key), 0), s->challenger->verdict.id);
	bool first = rng_double(&r) < s->share;

	*propensity = first ? s->share : 1 - s->share;
	return first ? s->challenger : s->serving;
}

static void take(struct arm *a, void (*back)(struct question *list))
{
	if (a)
		back(worker_taken(a->worker));
}

void seat_take(struct seat *s, void (*back)(struct question *list))
{
	take(s->serving, back);
	take(s->challenger, back);
	take(s->previous, back);
	for (struct arm *a = s->leaving; a; a = a->next)
		take(a, back);
}

struct arm *seat_gone(struct seat *s)
{
	for (struct arm **at = &s->leaving; *at; at = &(*at)->next) {
		struct arm *a = *at;

		if (a->asked > 0)
			continue;
		*at = a->next;
		return a;
	}
	return NULL;
}

/* It has left its place before what it owed comes back, so that nothing is asked of it again. */
static void stop(struct arm **place, void (*back)(struct question *list))
{
	struct arm *a = *place;

	if (!a)
		return;
	*place = NULL;
	back(worker_stop(a->worker));
	a->worker = NULL;
	arm_free(a);
}

void seat_stop(struct seat *s, void (*back)(struct question *list))
{
	for (struct arm *a; (a = s->leaving);) {
		s->leaving = a->next;
		stop(&a, back);
	}
	stop(&s->challenger, back);
	stop(&s->previous, back);
	stop(&s->serving, back);
}
