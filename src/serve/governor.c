/* governor.c - the history, the moves, the thread between them, and how it begins; governor_change.c decides. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/uuid.h"
#include "serve/governor_inner.h"

static const double look_ms = 250, share_usual = 0.1;

void governor_say(struct governor *g, const char *sentence)
{
	if (g->settings.notice)
		g->settings.notice(g->settings.context, sentence);
}

/* ---- the history ---- */

struct served_turn governor_row(const struct charge *c, const char *event, const struct served_verdict *v, const char *why)
{
	return (struct served_turn){ .task = c->task->name, .at_ms = uuid_now_ms(), .event = event, .verdict = v->id, .variant = v->variant,
				     .run = v->run, .share = 1, .floor = NAN, .why = why };
}

static bool read_history(struct governor *g, struct charge *c, struct error *err)
{
	arena_release(&c->arena);
	arena_init(&c->arena);
	if (g->served && !served_turns(g->served, c->task->name, &c->arena, &c->turns, &c->n_turns, err))
		return false;
	c->standing = standing_of(c->turns, c->n_turns);
	pthread_mutex_lock(&g->mutex);
	c->fallen = c->standing.fallen;
	pthread_mutex_unlock(&g->mutex);
	return true;
}

/* All of them (n) or none; then each is said. */
void governor_note_weighed(struct governor *g, struct charge *c, const struct live *live)
{
	pthread_mutex_lock(&g->mutex);
	c->is_weighed = live != NULL;
	if (live)
		c->weighed = *live;
	pthread_mutex_unlock(&g->mutex);
}

bool governor_write(struct governor *g, struct charge *c, const struct served_turn *turns, size_t n, struct error *err)
{
	bool good = !g->served || served_begin(g->served, err);

	for (size_t i = 0; g->served && i < n && good; i++)
		good = served_turn_put(g->served, &turns[i], err);
	good = good && (!g->served || served_commit(g->served, err));
	if (!good) {
		if (g->served)
			served_rollback(g->served);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		struct buf sentence = { 0 };

		buf_addf(&sentence, "task \"%s\": %s: %s", turns[i].task, turns[i].event, turns[i].why);
		if (strcmp(turns[i].event, "first") != 0)
			governor_say(g, buf_text(&sentence));
		buf_release(&sentence);
	}
	governor_note_weighed(g, c, NULL);
	return read_history(g, c, err);
}

/* ---- moves ---- */

void governor_hand_over(struct governor *g, const struct charge *c, enum seat_event event, struct arm *arm, double share)
{
	struct move *m = mem_zero(1, sizeof(*m));

	*m = (struct move){ .seat = (size_t)(c - g->charges), .event = event, .arm = arm, .share = share };
	pthread_mutex_lock(&g->mutex);
	*g->end = m;
	g->end = &m->next;
	pthread_mutex_unlock(&g->mutex);
	g->settings.wake(g->settings.wake_context);
}

void governor_turn(struct governor *g)
{
	pthread_mutex_lock(&g->mutex);
	for (struct move *m = g->moves, *next; m; m = next) {
		next = m->next;
		seat_move(&g->seats[m->seat], m->event, m->arm, m->share);
		free(m);
	}
	g->moves = NULL;
	g->end = &g->moves;
	for (size_t i = 0; i < g->n; i++)
		for (struct arm *a; (a = seat_gone(&g->seats[i]));) {
			a->next = g->gone;
			g->gone = a;
			pthread_cond_signal(&g->changed);
		}
	pthread_mutex_unlock(&g->mutex);
}

static void free_gone(struct governor *g)
{
	pthread_mutex_lock(&g->mutex);
	struct arm *gone = g->gone;

	g->gone = NULL;
	pthread_mutex_unlock(&g->mutex);
	for (struct arm *next; gone; gone = next) {
		next = gone->next;
		arm_free(gone);
	}
}

struct arm *governor_arm(struct governor *g, const struct charge *c, const struct served_verdict *v, struct error *err)
{
	return arm_new(v, c->task->name, g->settings.wake, g->settings.wake_context, err);
}

struct arm *governor_load(struct governor *g, const struct charge *c, const char *run, const char *variant, struct error *err)
{
	struct served_verdict v;

	return c->task->source.load(c->task->source.context, run, variant, &v, err) ? governor_arm(g, c, &v, err) : NULL;
}

/* ---- the thread ---- */

/* False: it is to end. */
static bool wait(struct governor *g)
{
	struct timespec until;
	double ms = look_ms;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)(ms * 1e6);
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&g->mutex);
	if (!g->stopping && !g->gone)
		pthread_cond_timedwait(&g->changed, &g->mutex, &until);
	bool goes_on = !g->stopping;

	pthread_mutex_unlock(&g->mutex);
	return goes_on;
}

static void *govern(void *context)
{
	struct governor *g = context;

	while (wait(g)) {
		bool again = g->settings.again && g->settings.again(g->settings.context);

		free_gone(g);
		for (size_t i = 0; i < g->n; i++)
			governor_look_at_store(g, &g->charges[i], again);
		governor_look_at_calls(g);
	}
	return NULL;
}

/* ---- beginning ---- */

/* The trial that was going on; `newest` is there already. False: nothing of it is left. */
static bool resume_trial(struct governor *g, struct charge *c, struct seat *seat, struct arm *newest, struct error *err)
{
	const struct served_turn *t = c->standing.challenger;

	if (!t)
		return true;
	struct arm *a = newest && strcmp(newest->verdict.id, t->verdict) == 0 ? newest : governor_load(g, c, t->run, t->variant, err);

	if (a) {
		c->challenger = a;
		seat_move(seat, SEAT_TRY, a, t->share);
		return true;
	}
	struct served_turn ended = *t;

	ended.event = "ended";
	ended.at_ms = uuid_now_ms();
	ended.why = arena_printf(&c->seen_arena, "it cannot be loaded any more: %s", err->text);
	return governor_write(g, c, &ended, 1, err);
}

/* What the history says serves; the last climb's where it says nothing, or that cannot be had any more. */
static bool seat_first(struct governor *g, struct charge *c, struct seat *seat, struct arm *newest, struct error *err)
{
	const struct served_turn *serving = c->standing.serving;
	struct served_turn t = governor_row(c, "first", &newest->verdict, "nothing served before");

	c->serving = newest;
	if (!serving || strcmp(serving->verdict, newest->verdict.id) == 0) {
		seat->serving = newest;
		return serving || governor_write(g, c, &t, 1, err);
	}
	struct arm *a = governor_load(g, c, serving->run, serving->variant, err);

	seat->serving = a ? a : newest;
	if (a) {
		c->serving = a;
		return true;
	}
	t.event = "replaced";
	t.why = arena_printf(&c->seen_arena, "what served cannot be loaded any more: %s", err->text);
	return governor_write(g, c, &t, 1, err);
}

static bool seat_task(struct governor *g, struct charge *c, struct seat *seat, struct error *err)
{
	struct arm *newest = governor_arm(g, c, &c->task->first, err);

	if (!newest)
		return false;
	c->seen = arena_string(&c->seen_arena, newest->verdict.run);
	if (!read_history(g, c, err) || !seat_first(g, c, seat, newest, err)) {
		if (seat->serving != newest)
			arm_free(newest);
		return false;
	}
	bool good = resume_trial(g, c, seat, c->serving == newest ? NULL : newest, err);

	if (c->serving == newest || c->challenger == newest)
		return good;
	if (good && !standing_judged(c->turns, c->n_turns, newest->verdict.id))
		good = governor_try_out(g, c, newest, err);
	if (c->challenger != newest && c->serving != newest)
		arm_free(newest);
	return good;
}

/* Those that are not seated were never taken. */
static void release_from(const struct gateway_task *tasks, size_t at, size_t n)
{
	for (size_t i = at; i < n; i++)
		tasks[i].first.release(tasks[i].first.context);
}

struct governor *governor_open(const struct governor_settings *settings, const struct gateway_task *tasks, size_t n, struct seat *seats,
			       struct error *err)
{
	struct governor *g = mem_zero(1, sizeof(*g));
	size_t i = 0;

	*g = (struct governor){ .settings = *settings, .charges = mem_zero(n + 1, sizeof(*g->charges)), .seats = seats, .n = n };
	g->settings.share = settings->share > 0 ? settings->share : share_usual;
	g->end = &g->moves;
	pthread_mutex_init(&g->mutex, NULL);
	pthread_cond_init(&g->changed, NULL);
	bool good = n == 0 || !settings->journal || (g->served = served_open(settings->journal, false, err));

	for (size_t k = 0; k < n; k++) {
		g->charges[k].task = &tasks[k];
		seats[k].task = tasks[k].name;
		arena_init(&g->charges[k].arena);
		arena_init(&g->charges[k].seen_arena);
	}
	while (good && i < n) {
		good = seat_task(g, &g->charges[i], &seats[i], err);
		i++;
	}
	release_from(tasks, i, n);
	if (good)
		return g;
	governor_close(g);
	return NULL;
}

bool governor_start(struct governor *g, struct error *err)
{
	g->runs = g->n > 0 && pthread_create(&g->thread, NULL, govern, g) == 0;
	return g->runs || g->n == 0 || error_set(err, "no thread can be started that looks for new verdicts; let this process have more of them");
}

void governor_say_fallen(struct governor *g, struct buf *out)
{
	pthread_mutex_lock(&g->mutex);
	for (size_t i = 0; i < g->n; i++)
		if (g->charges[i].fallen)
			buf_addf(out, "task \"%s\" has fallen below what it did, and nothing else can serve; climb again\n",
				 g->charges[i].task->name);
	pthread_mutex_unlock(&g->mutex);
}

bool governor_weighed(struct governor *g, size_t task, struct live *out)
{
	pthread_mutex_lock(&g->mutex);
	bool is = g->charges[task].is_weighed;

	if (is)
		*out = g->charges[task].weighed;
	pthread_mutex_unlock(&g->mutex);
	return is;
}

/* Moves that nobody made bring their arms to their seats, whose owner ends them. */
void governor_close(struct governor *g)
{
	if (!g)
		return;
	if (g->runs) {
		pthread_mutex_lock(&g->mutex);
		g->stopping = true;
		pthread_cond_signal(&g->changed);
		pthread_mutex_unlock(&g->mutex);
		pthread_join(g->thread, NULL);
	}
	governor_turn(g);
	free_gone(g);
	served_close(g->served);
	for (size_t i = 0; i < g->n; i++) {
		arena_release(&g->charges[i].arena);
		arena_release(&g->charges[i].seen_arena);
	}
	free(g->charges);
	pthread_mutex_destroy(&g->mutex);
	pthread_cond_destroy(&g->changed);
	free(g);
}
