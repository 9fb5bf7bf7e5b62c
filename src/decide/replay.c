/* replay.c - rung by rung, look by look. Which decision a look makes is watch.c, what a rung decides decide.c. */
#include "decide/replay.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "decide/watch.h"
#include "stats/halving.h"

enum { RACE_BATCH = 10 }; /* looks between two of the race's; as in a climb */

/* A configuration of the rung that is being looked at. */
struct arm {
	struct entrant_outcomes *entrant;
	struct candidate challenger;
	struct watch watch;
	struct target_watch target;
	bool out; /* settled, or raced out */
};

struct climbing {
	struct arena *arena;
	const struct decide_rule *rule;
	struct entrant_outcomes *entrants;
	size_t n;
	const size_t *start; /* (looks + 1) first item of each look: a cluster, or an item */
	size_t looks, largest;
	struct candidate *candidates;
	size_t n_candidates;
	struct comparison *made; /* of candidate i + 1 */
	size_t champion; /* index in candidates */
};

void replay_plan(struct decide_rule *rule, const struct entrant_outcomes *entrants, size_t n)
{
	int rungs = 1, lowest = 0;

	for (size_t i = 1; i < n; i++) {
		rungs += entrants[i].rung != entrants[i - 1].rung;
		lowest += entrants[i].rung == entrants[0].rung;
	}
	rule->comparisons = rungs - 1 + (lowest > 0);
	rule->targets = (int)n;
}

static const size_t *looks_of(struct climbing *c)
{
	const size_t *cluster = c->rule->cluster;
	size_t *start = arena_array(c->arena, c->rule->n_items + 1, sizeof(*start));

	for (size_t i = 0; i < c->rule->n_items; i++)
		if (!cluster || i == 0 || cluster[i] != cluster[i - 1])
			start[c->looks++] = i;
	start[c->looks] = c->rule->n_items;
	for (size_t i = 0; i < c->looks; i++)
		c->largest = start[i + 1] - start[i] > c->largest ? start[i + 1] - start[i] : c->largest;
	return start;
}

static size_t add_candidate(struct climbing *c, struct entrant_outcomes *e, size_t rivals)
{
	e->state = ENTRANT_TESTED;
	e->candidate = c->n_candidates;
	c->candidates[c->n_candidates] = (struct candidate){ .id = e->id, .rung = e->rung, .score = e->score, .n = e->looked,
							     .cost = e->cost, .rivals = rivals, .settled = e->looked };
	return c->n_candidates++;
}

static void race_out(struct arm *a, const char *why)
{
	a->out = true;
	a->entrant->state = ENTRANT_RACED_OUT;
	a->entrant->why = why;
}

/* Arms of a rung have all answered the same items, against the same champion. */
static double score_so_far(const struct arm *a)
{
	return a->watch.sum / (double)(a->watch.n > 0 ? a->watch.n : 1);
}

/* The `keep` best of those still in stay. */
static void halve(struct climbing *c, struct arm *arms, size_t n, size_t keep)
{
	double *score = mem_zero(n, sizeof(*score)), *cost = mem_zero(n, sizeof(*cost));
	size_t *index = mem_zero(n, sizeof(*index)), *best = mem_zero(n, sizeof(*best)), alive = 0;
	bool *kept = mem_zero(n, sizeof(*kept));

	for (size_t i = 0; i < n; i++) {
		if (arms[i].out)
			continue;
		score[alive] = score_so_far(&arms[i]);
		cost[alive] = arms[i].entrant->usd_per_call;
		index[alive++] = i;
	}
	size_t n_best = halving_survivors(score, cost, alive, keep, best);

	for (size_t i = 0; i < n_best; i++)
		kept[index[best[i]]] = true;
	for (size_t i = 0; i < n; i++)
		if (!arms[i].out && !kept[i])
			race_out(&arms[i], arena_printf(c->arena, "among the worse half after %zu items", arms[i].entrant->looked));
	free(score);
	free(cost);
	free(index);
	free(best);
	free(kept);
}

static const struct arm *leader_of(const struct arm *arms, size_t n)
{
	const struct arm *leader = NULL;
	double best = -INFINITY;

	for (size_t i = 0; i < n; i++) {
		double score = arms[i].out ? -INFINITY : score_so_far(&arms[i]);

		if (score > best) {
			leader = &arms[i];
			best = score;
		}
	}
	return leader;
}

/* Those that the leader's evidence beats leave. All who are in have answered the same items. */
static void drop_beaten(struct climbing *c, struct arm *arms, size_t n)
{
	const struct arm *leader = leader_of(arms, n);

	for (size_t k = 0; leader && k < n; k++) {
		struct paired_counts counts = { 0 };

		if (arms[k].out || &arms[k] == leader)
			continue;
		for (size_t i = 0; i < arms[k].entrant->looked; i++) {
			counts.wins += leader->entrant->score[i] > arms[k].entrant->score[i];
			counts.losses += leader->entrant->score[i] < arms[k].entrant->score[i];
		}
		if (halving_beaten(paired_log_e(counts), n, c->rule->alpha))
			race_out(&arms[k], arena_printf(c->arena, "beaten by %s after %zu items", leader->entrant->id,
							arms[k].entrant->looked));
	}
}

static size_t count_in(const struct arm *arms, size_t n)
{
	size_t in = 0;

	for (size_t i = 0; i < n; i++)
		in += !arms[i].out;
	return in;
}

/* What the race says after `looks` looks. */
static void race_look(struct climbing *c, struct arm *arms, size_t n, const struct halving *plan, size_t looks)
{
	if (looks % RACE_BATCH == 0)
		drop_beaten(c, arms, n);
	for (size_t r = 0; r < plan->rounds; r++)
		if (plan->start[r + 1] == looks)
			halve(c, arms, n, plan->arms[r + 1]);
}

/* Whether nothing more can be learnt by looking at this arm, which may have to show that it is the best of its rung first. */
static bool settled(const struct climbing *c, const struct arm *a, bool alone)
{
	enum decision d = watch_decision(&a->watch);

	if (d == DECISION_UNRESOLVED || ((d == DECISION_BETTER || d == DECISION_NOT_WORSE) && !alone))
		return false;
	return !c->rule->has_target || target_watch_result(&a->target) != TARGET_UNRESOLVED;
}

static void look(struct climbing *c, struct arm *a, size_t from, size_t n)
{
	watch_add(&a->watch, c->candidates[c->champion].score + from, a->entrant->score + from, n);
	if (c->rule->has_target)
		target_watch_add(&a->target, a->entrant->score + from, n);
	a->entrant->looked = from + n;
}

/* The arms against the champion, who answers along, until each is settled or out, or the items are. */
static void watch_arms(struct climbing *c, struct arm *arms, size_t n)
{
	struct candidate *champion = &c->candidates[c->champion];
	struct halving plan = { 0 };

	if (n > 1)
		halving_plan(&plan, n, c->looks * 2 / 5);
	for (size_t g = 0; g < c->looks && count_in(arms, n) > 0; g++) {
		size_t from = c->start[g], size = c->start[g + 1] - from;

		for (size_t i = 0; i < n; i++)
			if (!arms[i].out)
				look(c, &arms[i], from, size);
		champion->n = from + size > champion->n ? from + size : champion->n;
		if (n > 1 && count_in(arms, n) > 1)
			race_look(c, arms, n, &plan, g + 1);
		bool alone = count_in(arms, n) == 1;

		for (size_t i = 0; i < n; i++)
			if (!arms[i].out)
				arms[i].out = settled(c, &arms[i], alone);
	}
}

/* The first champion has nobody to beat: early, it is looked at for its target alone. */
static void begin(struct climbing *c)
{
	struct entrant_outcomes *first = &c->entrants[0];

	if (c->rule->plan == DECIDE_FULL || c->n == 1) {
		first->looked = c->rule->n_items;
	} else if (c->rule->has_target) {
		struct target_watch w;

		target_watch_init(&w, c->rule, c->largest);
		for (size_t g = 0; g < c->looks && target_watch_result(&w) == TARGET_UNRESOLVED; g++) {
			target_watch_add(&w, first->score + c->start[g], c->start[g + 1] - c->start[g]);
			first->looked = c->start[g + 1];
		}
	}
	add_candidate(c, first, 1);
	c->candidates[0].settled = 0;
}

static bool any_meets(const struct climbing *c, size_t first)
{
	for (size_t i = first; c->rule->has_target && i < c->n_candidates; i++)
		if (decide_target(c->rule, &c->candidates[i]).result == TARGET_YES)
			return true;
	return false;
}

/* The entrants [from, to), all of one rung. */
static void go_up(struct climbing *c, size_t from, size_t to)
{
	size_t n = to - from, first = c->n_candidates;

	if (c->rule->plan == DECIDE_FULL) {
		for (size_t i = from; i < to; i++)
			c->entrants[i].looked = c->rule->n_items;
	} else {
		struct arm *arms = mem_zero(n, sizeof(*arms));

		for (size_t i = 0; i < n; i++) {
			struct entrant_outcomes *e = arms[i].entrant = &c->entrants[from + i];

			arms[i].challenger = (struct candidate){ .rung = e->rung, .score = e->score, .cost = e->cost, .rivals = n };
			watch_init(&arms[i].watch, c->rule, &c->candidates[c->champion], &arms[i].challenger, c->largest);
			if (c->rule->has_target)
				target_watch_init(&arms[i].target, c->rule, c->largest);
		}
		watch_arms(c, arms, n);
		free(arms);
	}
	for (size_t i = from; i < to; i++)
		if (c->entrants[i].state == ENTRANT_TESTED)
			add_candidate(c, &c->entrants[i], n);
	c->champion = decide_rung(c->rule, c->candidates, c->champion, first, c->n_candidates - first, &c->made[first - 1]);
}

static size_t rung_end(const struct climbing *c, size_t from)
{
	size_t to = from;

	while (to < c->n && c->entrants[to].rung == c->entrants[from].rung)
		to++;
	return to;
}

static void go_up_all(struct climbing *c)
{
	bool met = any_meets(c, 0);

	for (size_t from = 1, to; from < c->n; from = to) {
		size_t before = c->n_candidates;

		to = rung_end(c, from);
		for (size_t i = from; met && i < to; i++) {
			c->entrants[i].state = ENTRANT_SKIPPED;
			c->entrants[i].why = c->entrants[i].rung == c->entrants[0].rung ? "another of its rung meets the target"
										       : "a lower rung meets the target";
		}
		if (met)
			continue;
		go_up(c, from, to);
		met = any_meets(c, before);
	}
}

struct replay replay_run(struct arena *arena, const struct decide_rule *rule, struct entrant_outcomes *entrants, size_t n)
{
	struct climbing c = { .arena = arena, .rule = rule, .entrants = entrants, .n = n };
	struct replay r = { .full_grid = n * rule->n_items };

	c.candidates = arena_array(arena, n, sizeof(*c.candidates));
	c.made = arena_array(arena, n, sizeof(*c.made));
	c.start = looks_of(&c);
	for (size_t i = 0; i < n; i++) {
		entrants[i].state = ENTRANT_TESTED;
		entrants[i].why = NULL;
		entrants[i].looked = 0;
		entrants[i].candidate = SIZE_MAX;
	}
	begin(&c);
	go_up_all(&c);
	for (size_t i = 0; i < n; i++) {
		if (entrants[i].candidate != SIZE_MAX)
			entrants[i].looked = c.candidates[entrants[i].candidate].n;
		r.looked += entrants[i].looked;
	}
	r.candidates = c.candidates;
	r.n_candidates = c.n_candidates;
	r.result = decide_conclude(arena, rule, c.candidates, c.n_candidates, c.made);
	return r;
}
