/* governor_change.c - new verdicts taken up, and what is said of answers turned into who answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "serve/governor_inner.h"

/* A look at many rows may take so much of the thread's time, and no more. */
static const double most_of_time = 0.05;

/* ---- new verdicts ---- */

static bool replace(struct governor *g, struct charge *c, struct arm *a, const char *why, struct error *err)
{
	const struct served_turn t = governor_row(c, "replaced", &a->verdict, why);

	if (!governor_write(g, c, &t, 1, err))
		return false;
	governor_hand_over(g, c, SEAT_REPLACE, a, 1);
	c->challenger = NULL;
	c->previous = c->serving;
	c->serving = a;
	return true;
}

/* It has been made ready, and nothing speaks against it. */
bool governor_try_out(struct governor *g, struct charge *c, struct arm *a, struct error *err)
{
	bool shadow = g->settings.shadow;
	double share = shadow ? 0 : g->settings.share;

	if (!g->served || (!shadow && share >= 1))
		return replace(g, c, a, g->served ? "a new climb found it, and a share of 1 asks for no trial" :
						    "a new climb found it, and without a log there is no trial", err);
	struct served_turn turns[2];
	size_t n = 0;

	if (c->challenger)
		turns[n++] = governor_row(c, "ended", &c->challenger->verdict, "a newer climb found another verdict");
	turns[n] = governor_row(c, shadow ? "shadow" : "trial", &a->verdict,
			   arena_printf(&c->seen_arena, shadow ? "a new climb found %s; it is asked as well, and not shown" :
							"a new climb found %s; it gets its share of the calls", a->verdict.variant));
	turns[n++].share = share;
	if (!governor_write(g, c, turns, n, err))
		return false;
	governor_hand_over(g, c, SEAT_TRY, a, share);
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
	struct arm *a = governor_load(g, c, run, NULL, err);

	if (!a)
		return false;
	if (is_at(c->serving, &a->verdict) || is_at(c->challenger, &a->verdict) || standing_judged(c->turns, c->n_turns, a->verdict.id)) {
		arm_free(a);
		return true;
	}
	if (governor_try_out(g, c, a, err))
		return true;
	arm_free(a);
	return false;
}

/* What cannot be taken is said once, until somebody asks to look again. */
void governor_look_at_store(struct governor *g, struct charge *c, bool again)
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
			governor_say(g, err.text);
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
	if (!governor_write(g, c, t, 1, err))
		return false;
	governor_hand_over(g, c, SEAT_PROMOTE, NULL, 1);
	c->previous = c->serving;
	c->serving = c->challenger;
	c->challenger = NULL;
	return true;
}

static bool end_trial(struct governor *g, struct charge *c, const struct served_turn *t, struct error *err)
{
	if (!governor_write(g, c, t, 1, err))
		return false;
	governor_hand_over(g, c, SEAT_END, NULL, 1);
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
	a = governor_load(g, c, t->run, t->variant, &err);
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
		turns[n++] = governor_row(c, "restored", &before->verdict, "it served before");
	} else {
		turns[n] = *demoted;
		turns[n].event = "fallen";
		turns[n++].why = arena_printf(&c->arena, "%s; %s", demoted->why, why);
	}
	if (c->challenger) {
		turns[n] = governor_row(c, c->standing.challenger->share > 0 ? "trial" : "shadow", &c->challenger->verdict, "its trial begins again");
		turns[n++].share = c->standing.challenger->share;
	}
	if (!governor_write(g, c, turns, n, err)) {
		if (before != c->previous)
			arm_free(before);
		return false;
	}
	if (before) {
		governor_hand_over(g, c, SEAT_RESTORE, before == c->previous ? NULL : before, 1);
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
	t = governor_row(c, events[l->decision], &of->verdict, words(arena, l, l->decision));
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
	governor_note_weighed(g, c, &live);
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
	const char *why = arena_printf(arena, "you passed break-even: after %zu calls the one-off costs of %s are back (by the cost equation after %.0f)",
				       calls, v->variant, ceil(v->break_even_calls));
	const struct served_turn t = governor_row(c, "paid", v, why);

	return governor_write(g, c, &t, 1, err);
}

void governor_look_at_calls(struct governor *g)
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
			governor_say(g, err.text);
		}
		arena_release(&arena);
	}
	g->next_ms = clock_ms() + (clock_ms() - began) * (1 / most_of_time - 1);
}
