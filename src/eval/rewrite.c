/* rewrite.c - whose wording is rewritten, from which items, and what becomes of the proposals. */
#include "eval/rewrite.h"

#include <string.h>

#include "eval/answers.h"
#include "eval/samples.h"
#include "task/scorer.h"
#include "variant/rewrite.h"

struct item_list rewrite_unseen(struct item_list dev, struct arena *arena)
{
	const size_t *cluster = order_clusters(dev, arena);
	size_t from = dev.n / 2;

	while (cluster && from > 0 && from < dev.n && cluster[from] == cluster[from - 1])
		from++;
	return (struct item_list){ dev.items + from, dev.n - from };
}

size_t rewrite_answers(const struct task_rewrite *r, size_t dev)
{
	return r->model ? r->rounds * r->wordings * (dev - dev / 2) + (r->rounds - 1) * dev : 0;
}

/* One climb's rewriting. */
struct rewriting {
	struct climb *c;
	struct entrant *entrants;
	size_t *n;
	size_t position;
	struct item_list seen, unseen;
	const char **known; /* (n_known) wordings tried, proposals that were dropped among them */
	size_t n_known, n_rewritten;
};

static size_t winner_of(const struct entrant *entrants, size_t n)
{
	size_t i = 0;

	while (i < n && !entrants[i].won)
		i++;
	return i;
}

/* The winner where it has an instruction of ours, else the best of those that have and stayed in the race. */
static struct entrant *base_of(struct rewriting *r)
{
	struct entrant *best = NULL;

	for (size_t i = 0; i < *r->n; i++) {
		struct entrant *e = &r->entrants[i];

		if (!e->variant->technique || e->failed || e->out)
			continue;
		if (e->won)
			return e;
		if (!best || record_score(&e->record) > record_score(&best->record))
			best = e;
	}
	return best;
}

/* --- what is shown ------------------------------------------------------------------------------------------------------- */

/* Its answers to the items that may be shown: those of the race; of a wording, which raced on others, they are asked for. */
static bool answers_seen(struct rewriting *r, const struct variant *v, const struct answer_row ***rows, struct error *err)
{
	struct climb *c = r->c;
	const char *split = v->instruction ? "rewrite" : "dev";
	size_t n = r->seen.n + 1;
	struct record ignored = { arena_array(&c->arena, n, sizeof(double)), arena_array(&c->arena, n, sizeof(double)), 0 };

	return measure(c, v, split, r->seen, 0, r->seen.n, &ignored, err) &&
	       answers_of(c->store, c->run, v->id, split, r->seen, &c->arena, rows, err);
}

static bool make_case(struct rewriting *r, const struct example *item, const struct answer_row *row, bool right, struct rewrite_case *out,
		      struct error *err)
{
	struct climb *c = r->c;
	struct call_row call = { 0 };

	if (!row->answer && row->call && !store_call_get(c->store, &c->arena, row->call, &call, err))
		return false;
	*out = (struct rewrite_case){ item, row->answer, call.output, row->status, right };
	return true;
}

/* The first failures and passes; the order of dev is the seed's. */
static bool choose_cases(struct rewriting *r, const struct variant *v, struct rewrite_case **cases, size_t *n, size_t *failures,
			 struct error *err)
{
	struct climb *c = r->c;
	const struct answer_row **rows;
	size_t taken[2] = { 0, 0 };
	static const size_t most[2] = { REWRITE_FAILURES, REWRITE_PASSES };

	*n = 0;
	if (!answers_seen(r, v, &rows, err))
		return false;
	*cases = arena_array(&c->arena, REWRITE_FAILURES + REWRITE_PASSES, sizeof(**cases));
	for (size_t i = 0; i < r->seen.n; i++) {
		const struct example *item = r->seen.items[i];
		bool right = rows[i] && scorer_grade(c->task, item, rows[i]->answer) >= SAMPLED_PASS;

		if (!rows[i] || taken[right] == most[right])
			continue;
		taken[right]++;
		if (!make_case(r, item, rows[i], right, &(*cases)[(*n)++], err))
			return false;
	}
	*failures = taken[false];
	return true;
}

/* --- what is proposed ---------------------------------------------------------------------------------------------------- */

/* The call counts as the run's. */
static bool note_call(struct rewriting *r, const struct variant *base, size_t round, const struct rewrite_reply *reply, struct error *err)
{
	struct climb *c = r->c;
	struct answer_row row = { .variant = arena_printf(&c->arena, "rewrite/%s", base->id), .split = "rewrite", .call = reply->call,
				  .item = arena_printf(&c->arena, "round %zu", round), .status = "answered" };

	return store_answer_put(c->store, c->run, &row, err);
}

/* Why a round brought nothing, for the report and for who looks on. */
static bool note_nothing(struct rewriting *r, const struct variant *base, size_t round, const char *why, struct error *err)
{
	struct climb *c = r->c;
	struct wording_row row = { .round = round, .author = c->options->rewrite.model, .base = base ? base->id : "", .why = why };

	if (c->options->progress.notice)
		c->options->progress.notice(c->options->progress.context,
					    arena_printf(&c->arena, "no wording by %s is tried: %s", row.author, why));
	return store_wording_put(c->store, c->run, &row, err);
}

/* A proposal becomes a variant, or a row that says why not. */
static bool take(struct rewriting *r, const struct variant *base, size_t round, size_t number, const struct rewrite_proposal *p,
		 struct entrant *out, bool *taken, struct error *err)
{
	struct climb *c = r->c;
	struct wording_row row = { .round = round, .number = number, .author = c->options->rewrite.model, .base = base->id, .text = p->text,
				   .why = p->why };

	r->known[r->n_known++] = p->text;
	*taken = !p->why;
	if (*taken) {
		struct variant *v = arena_alloc(&c->arena, sizeof(*v));

		*v = variant_rewritten(c->task, base, ++r->n_rewritten, row.author, p->text, &c->arena);
		*out = (struct entrant){ .variant = v, .position = r->position + r->n_rewritten - 1 };
		row.variant = v->id;
	}
	return store_wording_put(c->store, c->run, &row, err);
}

static bool take_all(struct rewriting *r, const struct variant *base, size_t round, const struct rewrite_reply *reply, struct entrant *out,
		     size_t *n, struct error *err)
{
	*n = 0;
	if (reply->why)
		return note_nothing(r, base, round, reply->why, err);
	for (size_t i = 0; i < reply->n; i++) {
		bool taken;

		if (!take(r, base, round, i + 1, &reply->proposals[i], &out[*n], &taken, err))
			return false;
		*n += taken;
	}
	return true;
}

/* The base's own first, then the task's and what was proposed before. */
static const char *const *known_to(struct rewriting *r, const struct variant *base)
{
	const char **known = arena_array(&r->c->arena, r->n_known + 1, sizeof(*known));

	known[0] = variant_instruction(r->c->task, base);
	memcpy(known + 1, r->known, r->n_known * sizeof(*known));
	return known;
}

/* Proposals of a round as entrants (n); none where nothing came of it. */
static bool propose(struct rewriting *r, const struct variant *base, size_t round, struct entrant *out, size_t *n, struct error *err)
{
	struct climb *c = r->c;
	struct rewrite_case *cases;
	struct rewrite_reply reply;
	size_t n_cases, failures;

	*n = 0;
	if (!choose_cases(r, base, &cases, &n_cases, &failures, err))
		return false;
	if (failures < REWRITE_FAILURES_LEAST)
		return note_nothing(r, base, round, arena_printf(&c->arena, "%s answered %zu of the %zu dev items that may be shown wrongly, and "
								 "%d are needed", base->id, failures, r->seen.n, REWRITE_FAILURES_LEAST), err);
	struct rewrite_question q = { .base = base, .cases = cases, .n_cases = n_cases, .known = known_to(r, base), .n_known = r->n_known + 1,
				      .wordings = c->options->rewrite.wordings };

	return !climb_must_stop(c, err) &&
	       rewrite_ask(c->workshop, c->options->rewrite.model, &q, c->dev, &c->arena, &reply, err) &&
	       note_call(r, base, round, &reply, err) && take_all(r, base, round, &reply, out, n, err);
}

/* --- the race ------------------------------------------------------------------------------------------------------------- */

/* The winner so far, the wording that was rewritten, and what was proposed, on items that the rewriter did not see. */
static bool race_proposals(struct rewriting *r, const struct entrant *base, const struct entrant *proposed, size_t n, struct error *err)
{
	struct entrant *arms = arena_array(&r->c->arena, n + 2, sizeof(*arms));
	struct entrant *winner = &r->entrants[winner_of(r->entrants, *r->n)];
	size_t m = 0;

	arms[m++] = (struct entrant){ .variant = winner->variant };
	if (base != winner)
		arms[m++] = (struct entrant){ .variant = base->variant };
	size_t old = m;

	memcpy(&arms[m], proposed, n * sizeof(*arms));
	m += n;
	if (!race(r->c, arms, m, r->unseen, err))
		return false;
	size_t best = winner_of(arms, m);

	winner->won = best < old; /* of those from before it won on all of dev */
	memcpy(&r->entrants[*r->n], &arms[old], n * sizeof(*arms));
	*r->n += n;
	return true;
}

static bool has_items(struct rewriting *r, const struct entrant *base, struct error *err, bool *enough)
{
	*enough = base && r->unseen.n >= REWRITE_ITEMS_LEAST;
	if (*enough)
		return true;
	if (!base)
		return note_nothing(r, NULL, 1, "no prompt with an instruction of the task's answered the dev items", err);
	return note_nothing(r, base->variant, 1, arena_printf(&r->c->arena, "half of dev is raced on, and of %zu items that is %zu: %d are needed",
							       r->c->dev.list.n, r->unseen.n, REWRITE_ITEMS_LEAST), err);
}

bool rewrite_race(struct climb *c, struct entrant *entrants, size_t *n, size_t position, struct error *err)
{
	const struct task_rewrite *o = &c->options->rewrite;
	struct rewriting r = { .c = c, .entrants = entrants, .n = n, .position = position, .unseen = rewrite_unseen(c->dev.list, &c->arena) };
	struct entrant *proposed = arena_array(&c->arena, o->wordings, sizeof(*proposed));
	bool go_on;

	r.seen = (struct item_list){ c->dev.list.items, c->dev.list.n - r.unseen.n };
	r.known = arena_array(&c->arena, c->task->n_instructions + o->rounds * o->wordings, sizeof(*r.known));
	for (size_t i = 0; i < c->task->n_instructions; i++)
		r.known[r.n_known++] = c->task->instructions[i];
	if (!has_items(&r, base_of(&r), err, &go_on))
		return false;
	for (size_t round = 1; go_on && round <= o->rounds; round++) {
		struct entrant *base = base_of(&r);
		size_t found;

		if (!propose(&r, base->variant, round, proposed, &found, err) || (found > 0 && !race_proposals(&r, base, proposed, found, err)))
			return false;
		go_on = found > 0;
	}
	return true;
}
