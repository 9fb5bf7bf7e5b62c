/* race.c - blocks of dev items, fewer and fewer entrants. */
#include "eval/race.h"

#include <math.h>
#include <string.h>

#include "stats/halving.h"
#include "stats/paired.h"

double record_score(const struct record *r)
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

/* An entrant whose model cannot be had fails alone, and one that these documents do not suit stays out; the others go on. False
 * when the climb was stopped while a model was trained. */
static bool check_ready(struct climb *c, struct entrant *e)
{
	struct error why;

	e->failed = !variant_ready(c->workshop, e->variant, &e->why, &why);
	e->unfit = e->why != NULL;
	e->out = e->failed || e->unfit;
	if (e->failed)
		e->why = arena_string(&c->arena, why.text);
	return !e->failed || !e->variant->tuning || !climb_must_stop(c, &why);
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

/* What those still in the race ask elsewhere for these items, together. */
static bool prefetch(struct climb *c, const struct entrant *entrants, size_t n, struct item_list items, size_t from, size_t to,
		     struct error *err)
{
	const struct variant **variants = arena_array(&c->arena, n, sizeof(*variants));
	size_t m = 0;

	for (size_t i = 0; i < n; i++)
		if (!entrants[i].out)
			variants[m++] = entrants[i].variant;
	return measure_prefetch(c, variants, m, items, from, to, err);
}

/* One block of items, a batch at a time; where answers are model calls, the beaten need not finish it. */
static bool run_block(struct climb *c, struct entrant *entrants, size_t n, struct item_list items, size_t from, size_t to, bool calls,
		      struct error *err)
{
	bool whole = c->options->batch_poll_ms > 0; /* a batch takes its time, however large: one for the block */

	for (size_t start = from; start < to;) {
		size_t next = (start / BATCH + 1) * BATCH, end = calls && next < to ? next : to;

		if (calls && (start == from || !whole) && !prefetch(c, entrants, n, items, start, whole ? to : end, err))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!entrants[i].out && !measure(c, entrants[i].variant, "dev", items, start, end,
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
		score[alive] = record_score(&entrants[i].record);
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

/* The cheap form of the entrant on the same model; NULL when it waits for nobody in this race. */
static const struct entrant *cheap_form(const struct entrant *entrants, size_t n, const struct entrant *e)
{
	const struct variant *v = e->variant;

	if (!v->model || !v->technique || !v->technique->waits_for)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct variant *other = entrants[i].variant;

		if (other->model && other->technique && strcmp(other->technique->id, v->technique->waits_for) == 0 &&
		    strcmp(other->model, v->model) == 0 && other->wording == v->wording)
			return &entrants[i];
	}
	return NULL;
}

static bool leads(const struct entrant *entrants, size_t n, const struct entrant *e)
{
	for (size_t i = 0; i < n; i++)
		if (!entrants[i].out && record_score(&entrants[i].record) > record_score(&e->record))
			return false;
	return !e->out;
}

/* Lets those in whose cheap form is still there after the first cut, and has them answer what the others did. */
static bool admit_waiting(struct climb *c, struct entrant *entrants, size_t n, struct item_list items, size_t to, bool last_cut,
			  struct error *err)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		struct entrant *e = &entrants[i];
		const struct entrant *cheap = e->waiting ? cheap_form(entrants, n, e) : NULL;

		if (!cheap)
			continue;
		if (cheap->out || (last_cut && !leads(entrants, n, cheap))) {
			e->why = arena_printf(&c->arena, "not tried: %s, which it asks %zu times, %s",
					      cheap->variant->id, variant_calls(e->variant),
					      cheap->failed ? "failed" : "did not survive the first cut");
			continue;
		}
		e->waiting = e->out = false;
		any = true;
	}
	return !any || run_block(c, entrants, n, items, 0, to, true, err);
}

static bool enter(struct climb *c, struct entrant *entrants, size_t n, size_t items, struct entrant *e)
{
	e->record.score = arena_array(&c->arena, items, sizeof(double));
	e->record.tokens = arena_array(&c->arena, items, sizeof(double));
	if (!check_ready(c, e))
		return false;
	e->waiting = !e->out && cheap_form(entrants, n, e) != NULL;
	e->out |= e->waiting;
	return true;
}

bool race(struct climb *c, struct entrant *entrants, size_t n, struct item_list items, struct error *err)
{
	struct halving plan;
	bool calls = false;
	size_t starting = n;

	for (size_t i = 0; i < n; i++) {
		if (!enter(c, entrants, n, items.n, &entrants[i]))
			return false;
		calls |= entrants[i].variant->model != NULL;
		starting -= entrants[i].waiting;
	}
	halving_plan(&plan, starting, items.n);
	if (!calls || plan.rounds == 0)
		plan = (struct halving){ .rounds = 1, .arms = { n, n }, .start = { 0, items.n } };
	for (size_t round = 0; round < plan.rounds; round++) {
		if (!run_block(c, entrants, n, items, plan.start[round], plan.start[round + 1], calls, err))
			return false;
		if (round + 1 < plan.rounds)
			keep_best(c, entrants, n, plan.arms[round + 1]);
		if (round == 0 && !admit_waiting(c, entrants, n, items, plan.start[1], plan.rounds == 1, err))
			return false;
	}
	crown(c, entrants, n);
	return true;
}
