/* governor.c - looks, decides, writes it down, and hands it to the loop. */
#include "serve/governor.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "serve/standing.h"

static const double look_ms = 250, share_usual = 0.1;
/* A look at many rows may take so much of the thread's time, and no more. */
static const double most_of_time = 0.05;

/* One move on its way to the loop. */
struct move {
	size_t seat;
	enum seat_event event;
	struct arm *arm;
	double share;
	struct move *next;
};

/* What the governor knows of a task: the arms are those of its seat once all moves are done. */
struct charge {
	const struct gateway_task *task;
	struct arm *serving, *challenger, *previous;
	struct arena arena;         /* of the history */
	struct served_turn *turns;  /* (n_turns) */
	size_t n_turns;
	struct standing standing;
	const char *seen;           /* key of the climb that was looked at last; in seen_arena */
	struct arena seen_arena;
	bool failed;                /* it could not be taken */
	bool fallen;                /* under the governor's mutex */
};

struct governor {
	struct governor_settings settings;
	struct charge *charges; /* (n) */
	struct seat *seats;     /* (n) the loop's */
	size_t n;
	struct served *served;  /* NULL: nothing is kept */
	int version;            /* of served.db when it was looked at */
	double next_ms;         /* look at calls again at that time at the earliest */
	pthread_t thread;
	bool runs;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool stopping;          /* from here on under the mutex */
	struct move *moves, **end;
	struct arm *gone;       /* a list, to be freed */
};

static void say(struct governor *g, const char *sentence)
{
	if (g->settings.notice)
		g->settings.notice(g->settings.context, sentence);
}

/* ---- the history ---- */

static struct served_turn turn_of(const struct charge *c, const char *event, const struct served_verdict *v, const char *why)
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
static bool write_down(struct governor *g, struct charge *c, const struct served_turn *turns, size_t n, struct error *err)
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
			say(g, buf_text(&sentence));
		buf_release(&sentence);
	}
	return read_history(g, c, err);
}

/* ---- moves ---- */

static void hand_over(struct governor *g, const struct charge *c, enum seat_event event, struct arm *arm, double share)
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

/* ---- new verdicts ---- */

static struct arm *arm_of(struct governor *g, const struct charge *c, const struct served_verdict *v, struct error *err)
{
	return arm_new(v, c->task->name, g->settings.wake, g->settings.wake_context, err);
}

static struct arm *load(struct governor *g, const struct charge *c, const char *run, const char *variant, struct error *err)
{
	struct served_verdict v;

	return c->task->source.load(c->task->source.context, run, variant, &v, err) ? arm_of(g, c, &v, err) : NULL;
}

static bool replace(struct governor *g, struct charge *c, struct arm *a, const char *why, struct error *err)
{
	const struct served_turn t = turn_of(c, "replaced", &a->verdict, why);

	if (!write_down(g, c, &t, 1, err))
		return false;
	hand_over(g, c, SEAT_REPLACE, a, 1);
	c->challenger = NULL;
	c->previous = c->serving;
	c->serving = a;
	return true;
}

/* It has been made ready, and nothing speaks against it. */
static bool try_out(struct governor *g, struct charge *c, struct arm *a, struct error *err)
{
	bool shadow = g->settings.shadow;
	double share = shadow ? 0 : g->settings.share;

	if (!g->served || (!shadow && share >= 1))
		return replace(g, c, a, g->served ? "a new climb found it, and a share of 1 asks for no trial" :
						    "a new climb found it, and without a log there is no trial", err);
	struct served_turn turns[2];
	size_t n = 0;

	if (c->challenger)
		turns[n++] = turn_of(c, "ended", &c->challenger->verdict, "a newer climb found another verdict");
	turns[n] = turn_of(c, shadow ? "shadow" : "trial", &a->verdict,
			   arena_printf(&c->seen_arena, shadow ? "a new climb found %s; it is asked as well, and not shown" :
							"a new climb found %s; it gets its share of the calls", a->verdict.variant));
	turns[n++].share = share;
	if (!write_down(g, c, turns, n, err))
		return false;
	hand_over(g, c, SEAT_TRY, a, share);
	c->challenger = a;
	return true;
}

static bool is_at(const struct arm *a, const struct served_verdict *v)
{
	return a && strcmp(a->verdict.id, v->id) == 0;
}

/* The last climb's verdict, unless it is here, or was here and did not do. */
static bool take_newest(struct governor *g, struct charge *c, const char *run, struct error *err)
{
	struct arm *a = load(g, c, run, NULL, err);

	if (!a)
		return false;
	if (is_at(c->serving, &a->verdict) || is_at(c->challenger, &a->verdict) || standing_judged(c->turns, c->n_turns, a->verdict.id)) {
		arm_free(a);
		return true;
	}
	if (try_out(g, c, a, err))
		return true;
	arm_free(a);
	return false;
}

/* What cannot be taken is said once, until somebody asks to look again. */
static void look_at_store(struct governor *g, struct charge *c, bool again)
{
	const struct verdict_source *source = &c->task->source;
	const char *run = NULL;
	struct arena arena;
	struct error err;

	arena_init(&arena);
	if (source->newest(source->context, &arena, &run, &err) && run &&
	    ((again && c->failed) || strcmp(run, c->seen) != 0)) {
		arena_release(&c->seen_arena);
		arena_init(&c->seen_arena);
		c->seen = arena_string(&c->seen_arena, run);
		c->failed = !take_newest(g, c, run, &err);
		if (c->failed) {
			error_prefix(&err, "task \"%s\": what the last climb found is not tried, and what serves goes on", c->task->name);
			say(g, err.text);
		}
	}
	arena_release(&arena);
}

/* ---- what was said of answers ---- */

static const char *words(struct arena *arena, const struct live *l, enum live_decision d)
{
	const struct live_record *serving = &l->record[LIVE_SERVING], *second = &l->record[LIVE_CHALLENGER], *rival = &l->rival;

	if (d == LIVE_DEMOTE)
		return arena_printf(arena, "%zu scored calls, mean %.3f in all, have fallen below %.3f (detector %.0f, alarm at %.0f)", serving->n,
				    live_mean(serving), l->baseline, detector_level(&l->fall), l->rule.run_length);
	if (d == LIVE_END && live_fails(l))
		return arena_printf(arena, "%zu of its calls failed, beside %zu of what served: more than its share of them (e-value %.1f, alpha %g)",
				    l->failures[LIVE_CHALLENGER], l->failures[LIVE_SERVING], exp(live_log_failing(l)), l->rule.alpha);
	return arena_printf(arena, "%zu scored calls with mean %.3f, beside %zu with mean %.3f of what served: %s (e-value %.1f, alpha %g)",
			    second->n, live_mean(second), rival->n, live_mean(rival),
			    d == LIVE_PROMOTE ? arena_printf(arena, "not worse by %g", l->rule.margin) : "worse",
			    exp(d == LIVE_PROMOTE ? live_log_not_worse(l) : live_log_worse(l)), l->rule.alpha);
}

static bool promote(struct governor *g, struct charge *c, struct served_turn *t, double floor, struct error *err)
{
	t->floor = floor;
	if (!write_down(g, c, t, 1, err))
		return false;
	hand_over(g, c, SEAT_PROMOTE, NULL, 1);
	c->previous = c->serving;
	c->serving = c->challenger;
	c->challenger = NULL;
	return true;
}

static bool end_trial(struct governor *g, struct charge *c, const struct served_turn *t, struct error *err)
{
	if (!write_down(g, c, t, 1, err))
		return false;
	hand_over(g, c, SEAT_END, NULL, 1);
	c->challenger = NULL;
	return true;
}

/* Who served before, at hand or loaded again; NULL: there is nobody, and *why says so. */
static struct arm *forerunner(struct governor *g, struct charge *c, const char **why)
{
	const struct served_turn *t = c->standing.previous;
	struct error err;
	struct arm *a;

	*why = "nothing served before; climb again";
	if (c->previous || !t)
		return c->previous;
	a = load(g, c, t->run, t->variant, &err);
	if (!a)
		*why = arena_printf(&c->arena, "what served before cannot be loaded any more: %s", err.text);
	return a;
}

/* Never to nothing: without a forerunner it goes on, and is watched anew. A trial begins again, beside who serves now. */
static bool demote(struct governor *g, struct charge *c, const struct served_turn *demoted, struct error *err)
{
	const char *why;
	struct arm *before = forerunner(g, c, &why);
	struct served_turn turns[3];
	size_t n = 0;

	if (before) {
		turns[n++] = *demoted;
		turns[n++] = turn_of(c, "restored", &before->verdict, "it served before");
	} else {
		turns[n] = *demoted;
		turns[n].event = "fallen";
		turns[n++].why = arena_printf(&c->arena, "%s; %s", demoted->why, why);
	}
	if (c->challenger) {
		turns[n] = turn_of(c, c->standing.challenger->share > 0 ? "trial" : "shadow", &c->challenger->verdict, "its trial begins again");
		turns[n++].share = c->standing.challenger->share;
	}
	if (!write_down(g, c, turns, n, err)) {
		if (before != c->previous)
			arm_free(before);
		return false;
	}
	if (before) {
		hand_over(g, c, SEAT_RESTORE, before == c->previous ? NULL : before, 1);
		c->serving = before;
		c->previous = NULL;
	}
	return true;
}

static bool act(struct governor *g, struct charge *c, const struct live *l, struct arena *arena, struct error *err)
{
	static const char *const events[] = { [LIVE_PROMOTE] = "promoted", [LIVE_END] = "ended", [LIVE_DEMOTE] = "demoted" };
	const struct arm *of = l->decision == LIVE_DEMOTE || !c->challenger ? c->serving : c->challenger;
	struct buf evidence = { 0 };
	struct served_turn t;
	bool good;

	if (l->decision == LIVE_KEEP)
		return true;
	standing_write(l, &evidence);
	t = turn_of(c, events[l->decision], &of->verdict, words(arena, l, l->decision));
	t.evidence = buf_text(&evidence);
	if (l->decision == LIVE_PROMOTE)
		good = promote(g, c, &t, live_floor(l), err);
	else
		good = l->decision == LIVE_END ? end_trial(g, c, &t, err) : demote(g, c, &t, err);
	buf_release(&evidence);
	return good;
}

static bool weigh(struct governor *g, struct charge *c, struct arena *arena, struct error *err)
{
	const struct served_verdict *serving = &c->serving->verdict;
	struct live_rule rule = live_rule_default;
	struct served_score *rows;
	struct live live;
	size_t n;

	if (!served_scored(g->served, c->task->name, c->standing.since_ms, arena, &rows, &n, err))
		return false;
	rule.alpha = serving->alpha;
	rule.margin = serving->margin;
	rule.floor = c->standing.serving ? c->standing.serving->floor : NAN;
	live_init(&live, &rule);
	standing_weigh(rows, n, serving, c->challenger ? &c->challenger->verdict : NULL, c->standing.trial_ms, arena, &live);
	return act(g, c, &live, arena, err);
}

/* Once: that the calls it answered have brought back what was spent on it. */
static bool count(struct governor *g, struct charge *c, struct arena *arena, struct error *err)
{
	const struct served_verdict *v = &c->serving->verdict;
	size_t calls;

	if (!isfinite(v->break_even_calls) || standing_paid(c->turns, c->n_turns, v->id))
		return true;
	if (!served_volume(g->served, c->task->name, v->id, &calls, err))
		return false;
	if ((double)calls < v->break_even_calls)
		return true;
	const char *why = arena_printf(arena, "you passed break-even: after %zu calls the one-off costs of %s are back (the cost equation asks for %.0f)",
				       calls, v->variant, ceil(v->break_even_calls));
	const struct served_turn t = turn_of(c, "paid", v, why);

	return write_down(g, c, &t, 1, err);
}

static void look_at_calls(struct governor *g)
{
	double began = clock_ms();
	struct error err;
	int version;

	if (!g->served || began < g->next_ms || !served_version(g->served, &version, &err) || version == g->version)
		return;
	g->version = version;
	for (size_t i = 0; i < g->n; i++) {
		struct charge *c = &g->charges[i];
		struct arena arena;

		arena_init(&arena);
		if (!weigh(g, c, &arena, &err) || !count(g, c, &arena, &err)) {
			error_prefix(&err, "task \"%s\": what was said of its answers cannot be weighed now", c->task->name);
			say(g, err.text);
		}
		arena_release(&arena);
	}
	g->next_ms = clock_ms() + (clock_ms() - began) * (1 / most_of_time - 1);
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
			look_at_store(g, &g->charges[i], again);
		look_at_calls(g);
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
	struct arm *a = newest && strcmp(newest->verdict.id, t->verdict) == 0 ? newest : load(g, c, t->run, t->variant, err);

	if (a) {
		c->challenger = a;
		seat_move(seat, SEAT_TRY, a, t->share);
		return true;
	}
	struct served_turn ended = *t;

	ended.event = "ended";
	ended.at_ms = uuid_now_ms();
	ended.why = arena_printf(&c->seen_arena, "it cannot be loaded any more: %s", err->text);
	return write_down(g, c, &ended, 1, err);
}

/* What the history says serves; the last climb's where it says nothing, or that cannot be had any more. */
static bool seat_first(struct governor *g, struct charge *c, struct seat *seat, struct arm *newest, struct error *err)
{
	const struct served_turn *serving = c->standing.serving;
	struct served_turn t = turn_of(c, "first", &newest->verdict, "nothing served before");

	c->serving = newest;
	if (!serving || strcmp(serving->verdict, newest->verdict.id) == 0) {
		seat->serving = newest;
		return serving || write_down(g, c, &t, 1, err);
	}
	struct arm *a = load(g, c, serving->run, serving->variant, err);

	seat->serving = a ? a : newest;
	if (a) {
		c->serving = a;
		return true;
	}
	t.event = "replaced";
	t.why = arena_printf(&c->seen_arena, "what served cannot be loaded any more: %s", err->text);
	return write_down(g, c, &t, 1, err);
}

static bool seat_task(struct governor *g, struct charge *c, struct seat *seat, struct error *err)
{
	struct arm *newest = arm_of(g, c, &c->task->first, err);

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
		good = try_out(g, c, newest, err);
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
