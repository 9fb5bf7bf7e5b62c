/* contest.c - look after look at the test items, for two at a time */
#include "eval/contest.h"

#include <math.h>
#include <stdint.h>

#include "eval/constraints.h"
#include "stats/quantile.h"

void contest_init(struct contest *t, struct climb *c, const struct decide_rule *rule, const struct variant *variants, size_t n)
{
	*t = (struct contest){
		.climb = c, .rule = rule, .champion = SIZE_MAX, .entries = arena_array(&c->arena, n, sizeof(*t->entries)),
		.pricing = { .task = c->task, .a = c->options->costs, .recipes = variants, .n_recipes = n, .arena = &c->arena },
	};
}

/* What it costs by the answers so far. */
static bool price(struct contest *t, struct contestant *e, struct error *err)
{
	struct climb *c = t->climb;
	struct training_notes ignored;
	struct worked worked;

	if (t->rule->climb_for == CLIMB_FOR_QUALITY || !t->pricing.a)
		return true;
	if (!pricing_worked(c->store, c->run, e->variant, c->task, &worked, err) || !pricing_texts(&t->pricing, c->store, err) ||
	    !pricing_rung(&t->pricing, &worked, &e->cost, &ignored, err))
		return false;
	e->candidate.cost = worked.answers ? &e->cost : NULL;
	return true;
}

/* Has it answer the first `to` items. */
static bool answer_up_to(struct contest *t, struct contestant *e, size_t to, struct error *err)
{
	struct climb *c = t->climb;

	if (to > e->record.n && !measure(c, e->variant, "test", c->test.list, e->record.n, to, &e->record, err))
		return false;
	e->candidate.n = e->record.n;
	return true;
}

/* On the card of what was fine-tuned. */
static bool note(struct contest *t, const struct contestant *e, struct error *err)
{
	return workshop_note(t->climb->workshop, e->variant, "test", e->record.score, e->record.n, err);
}

/* Whether the task forbids it, as the report will say from the same answers. */
static bool judge_constraints(struct contest *t, struct contestant *e, struct error *err)
{
	struct climb *c = t->climb;
	struct constrained facts = { .id = e->variant->id, .model = e->variant->model, .ms_p95 = NAN };
	struct answer_row *rows[2];
	size_t n[2], n_ms = 0;
	bool cites = c->task->n_labels == 0 || c->task->has_gold;

	if (!store_answers(c->store, c->run, facts.id, "dev", &c->arena, &rows[0], &n[0], err) ||
	    !store_answers(c->store, c->run, facts.id, "test", &c->arena, &rows[1], &n[1], err))
		return false;
	double *ms = arena_array(&c->arena, n[0] + n[1] + 1, sizeof(*ms));

	for (int split = 0; split < 2; split++)
		for (size_t i = 0; i < n[split]; i++) {
			ms[n_ms++] = rows[split][i].ms;
			facts.passages |= cites && rows[split][i].evidence != NULL;
		}
	facts.ms_p95 = quantile(ms, n_ms, 0.95);
	e->ruled_out = constraint_broken(c->task, &facts, &c->arena) != NULL;
	return true;
}

static bool is_early(const struct contest *t)
{
	return t->rule->plan == DECIDE_EARLY;
}

bool contest_enter(struct contest *t, const struct variant *v, struct error *err)
{
	size_t n = t->climb->test.list.n;
	struct contestant *e = &t->entries[t->n];

	*e = (struct contestant){ .variant = v, .met = DECISION_BETTER };
	e->record.score = arena_array(&t->climb->arena, n, sizeof(double));
	e->record.tokens = arena_array(&t->climb->arena, n, sizeof(double));
	e->candidate = (struct candidate){ .id = v->id, .rung = v->rung, .incumbent = v->incumbent, .score = e->record.score };
	if (!is_early(t) && !answer_up_to(t, e, n, err))
		return false;
	while (is_early(t) && t->rule->has_target && e->record.n < n && decide_target(t->rule, &e->candidate).result == TARGET_UNRESOLVED)
		if (!answer_up_to(t, e, decide_look_end(t->rule, e->record.n), err))
			return false;
	if (!judge_constraints(t, e, err) || !note(t, e, err))
		return false;
	t->target_met |= t->rule->has_target && !e->ruled_out && decide_target(t->rule, &e->candidate).result == TARGET_YES;
	t->n++;
	return true;
}

/* The challenger and the champion answer along until their comparison is settled, or the items are all there. */
static bool meet(struct contest *t, struct contestant *champion, struct contestant *challenger, bool *takes_place, struct error *err)
{
	size_t n = t->climb->test.list.n;

	for (size_t at = 0; at < n;) {
		at = is_early(t) ? decide_look_end(t->rule, at) : n;
		if (!answer_up_to(t, champion, at, err) || !answer_up_to(t, challenger, at, err) || !price(t, champion, err) ||
		    !price(t, challenger, err))
			return false;
		struct candidate seen = challenger->candidate;

		seen.n = at;
		struct comparison c = decide_compare(t->rule, &champion->candidate, &seen);

		*takes_place = c.takes_place;
		challenger->met = c.decision;
		if (c.decision != DECISION_UNRESOLVED)
			break;
	}
	t->compared = true;
	return note(t, champion, err) && note(t, challenger, err);
}

static size_t incumbent_in(const struct contest *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->entries[i].candidate.incumbent && !t->entries[i].ruled_out)
			return i;
	return SIZE_MAX;
}

bool contest_meet(struct contest *t, struct error *err)
{
	size_t incumbent = incumbent_in(t);

	if (incumbent != SIZE_MAX && incumbent >= t->next)
		t->champion = incumbent;
	for (; t->next < t->n; t->next++) {
		struct contestant *e = &t->entries[t->next];
		bool takes_place = false;

		if (t->next == t->champion)
			continue;
		if (t->champion == SIZE_MAX) {
			if (e->ruled_out && !answer_up_to(t, e, t->climb->test.list.n, err))
				return false;
			t->champion = e->ruled_out ? SIZE_MAX : t->next;
			continue;
		}
		struct contestant *champion = &t->entries[t->champion];

		/* The lowest way of leaving the incumbent comes first. */
		if (incumbent != SIZE_MAX && t->champion != incumbent && e->candidate.rung <= champion->candidate.rung)
			continue;
		if (!meet(t, champion, e, &takes_place, err))
			return false;
		if (takes_place && !e->ruled_out)
			t->champion = t->next;
	}
	return true;
}

bool contest_complete(struct contest *t, struct error *err)
{
	struct contestant *champion = t->champion == SIZE_MAX ? NULL : &t->entries[t->champion];

	return !champion || champion->variant->model || answer_up_to(t, champion, t->climb->test.list.n, err);
}

bool contest_end(struct contest *t, struct error *err)
{
	struct contestant *champion = t->champion == SIZE_MAX ? NULL : &t->entries[t->champion];

	return !champion || t->compared || t->target_met ||
	       (answer_up_to(t, champion, t->climb->test.list.n, err) && note(t, champion, err));
}
