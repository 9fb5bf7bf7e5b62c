/* race.c - blocks of dev items, fewer and fewer entrants. */
#include "eval/race.h"

#include <math.h>

#include "stats/halving.h"
#include "stats/paired.h"

static double mean_score(const struct record *r)
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++)
		sum += r->score[i];
	return r->n ? sum / (double)r->n : NAN;
}

static double mean_tokens(const struct record *r)
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++)
		sum += r->tokens[i];
	return r->n ? sum / (double)r->n : NAN;
}

/* An entrant whose model cannot be had fails alone; the others go on. */
static void check_ready(struct climb *c, struct entrant *e)
{
	struct error why;

	if (variant_ready(c->workshop, e->variant, &why))
		return;
	e->out = e->failed = true;
	e->why = arena_string(&c->arena, why.text);
}

/* Log of the e-value that a is better than b on the items both answered. */
static double evidence(const struct entrant *a, const struct entrant *b)
{
	size_t n = a->record.n < b->record.n ? a->record.n : b->record.n;
	struct paired_counts counts = { 0 };

	for (size_t i = 0; i < n; i++) {
		counts.wins += a->record.score[i] > b->record.score[i];
		counts.losses += a->record.score[i] < b->record.score[i];
	}
	return paired_log_e(counts);
}

static void drop_beaten(struct climb *c, struct entrant *entrants, size_t n, size_t started)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n && !entrants[i].out; j++)
			if (j != i && !entrants[j].out &&
			    halving_beaten(evidence(&entrants[j], &entrants[i]), started, c->task->alpha)) {
				entrants[i].out = true;
				entrants[i].why = arena_printf(&c->arena, "beaten by %s after %zu dev items",
							       entrants[j].variant->id, entrants[i].record.n);
			}
}

/* One block of items, a batch at a time; where answers are model calls, the beaten need not finish it. */
static bool run_block(struct climb *c, struct entrant *entrants, size_t n, size_t from, size_t to, bool calls,
		      struct error *err)
{
	for (size_t start = from; start < to;) {
		size_t next = (start / BATCH + 1) * BATCH, end = calls && next < to ? next : to;

		for (size_t i = 0; i < n; i++)
			if (!entrants[i].out && !measure(c, entrants[i].variant, "dev", c->dev.list, start, end,
							 &entrants[i].record, err))
				return false;
		if (calls)
			drop_beaten(c, entrants, n, n);
		start = end;
	}
	return true;
}

static void keep_best(struct climb *c, struct entrant *entrants, size_t n, size_t keep)
{
	double *score = arena_array(&c->arena, n, sizeof(*score));
	double *cost = arena_array(&c->arena, n, sizeof(*cost));
	size_t *index = arena_array(&c->arena, n, sizeof(*index));
	size_t *best = arena_array(&c->arena, n, sizeof(*best));
	bool *kept = arena_array(&c->arena, n, sizeof(*kept));
	size_t alive = 0;

	for (size_t i = 0; i < n; i++) {
		if (entrants[i].out)
			continue;
		score[alive] = mean_score(&entrants[i].record);
		cost[alive] = mean_tokens(&entrants[i].record);
		index[alive++] = i;
	}
	size_t n_best = halving_survivors(score, cost, alive, keep, best);

	for (size_t i = 0; i < n_best; i++)
		kept[index[best[i]]] = true;
	for (size_t i = 0; i < n; i++)
		if (!entrants[i].out && !kept[i]) {
			entrants[i].out = true;
			entrants[i].why = arena_printf(&c->arena, "among the worse half after %zu dev items",
						       entrants[i].record.n);
		}
}

/* The best of those left; `out` means something else for those that only lost the last comparison. */
static void crown(struct climb *c, struct entrant *entrants, size_t n)
{
	bool *was_out = arena_array(&c->arena, n, sizeof(*was_out));

	for (size_t i = 0; i < n; i++)
		was_out[i] = entrants[i].out;
	keep_best(c, entrants, n, 1);
	for (size_t i = 0; i < n; i++) {
		entrants[i].won = !entrants[i].out;
		if (!was_out[i] && entrants[i].out) {
			entrants[i].out = false;
			entrants[i].why = NULL;
		}
	}
}

bool race(struct climb *c, struct entrant *entrants, size_t n, struct error *err)
{
	size_t items = c->dev.list.n;
	struct halving plan;
	bool calls = false;

	for (size_t i = 0; i < n; i++) {
		entrants[i].record.score = arena_array(&c->arena, items, sizeof(double));
		entrants[i].record.tokens = arena_array(&c->arena, items, sizeof(double));
		calls |= entrants[i].variant->model != NULL;
		check_ready(c, &entrants[i]);
	}
	halving_plan(&plan, n, items);
	if (!calls || plan.rounds == 0)
		plan = (struct halving){ .rounds = 1, .arms = { n, n }, .start = { 0, items } };
	for (size_t round = 0; round < plan.rounds; round++) {
		if (!run_block(c, entrants, n, plan.start[round], plan.start[round + 1], calls, err))
			return false;
		if (round + 1 < plan.rounds)
			keep_best(c, entrants, n, plan.arms[round + 1]);
	}
	crown(c, entrants, n);
	return true;
}
