/* cascading.c - dev says whose answers may stand and where thresholds are tried, the items set aside which one, and test what comes of it. */
#include "report/cascading.h"

#include <math.h>

#include "eval/answers.h"
#include "eval/aside.h"
#include "stats/quantile.h"

struct cascading {
	const struct task *task;
	struct store *store;
	const struct run_row *run;
	struct arena *arena;
	struct report *report;
	struct item_list test; /* in the order that all variants see */
};

static bool load(struct cascading *b, const char *variant, const char *split, struct item_list items, struct cascade_item **out, struct error *err)
{
	return aside_load(b->task, b->store, b->run->id, variant, split, items, b->arena, out, err);
}

/* The candidate below the winner that does best on dev, of those whose answers have probabilities. Test has no say: what it says of the cascade
 * would be too good. */
static bool choose_cheap(struct cascading *b, struct error *err)
{
	struct report_cascade *c = &b->report->cascade;

	for (size_t i = 0; i < b->report->n_variants; i++) {
		const struct report_variant *v = &b->report->variants[i];
		struct cascade_item *items;

		if (!v->candidate || v->ruled_out || v->rung >= c->strong->rung || (c->cheap && v->dev.score <= c->cheap->dev.score))
			continue;
		if (!load(b, v->id, "dev", b->task->dev.list, &items, err))
			return false;
		c->cheap = aside_is_sure(items, b->task->dev.list.n) ? v : c->cheap;
	}
	return true;
}

static size_t answered(struct cascade_item *items, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!isnan(items[i].loss))
			items[kept++] = items[i];
	return kept;
}

static bool choose_threshold(struct cascading *b, struct error *err)
{
	struct report_cascade *c = &b->report->cascade;
	struct item_list list = b->task->aside.list;
	struct cascade_item *dev, *aside;
	double grid[CASCADE_GRID];

	if (!load(b, c->cheap->id, "dev", b->task->dev.list, &dev, err) || !load(b, c->cheap->id, "aside", list, &aside, err))
		return false;
	c->cut.n = answered(aside, list.n);
	if (c->cut.n < list.n)
		c->why = "it has not answered all items that are set aside; `rung climb` goes on where it stopped";
	else
		c->cut = cascade_choose(&c->rule, grid, cascade_grid(&c->rule, dev, answered(dev, b->task->dev.list.n), list.n, grid), aside, list.n);
	return true;
}

/* Both on the test items that both answered, in the common order. */
struct together {
	double *strong, *cascade; /* (n) scores */
	double *ms;               /* (n) that an answer of it took */
	double *risk;             /* (n_risk) losses of what the level is about */
	struct item_list items, risked;
};

static bool put_together(struct cascading *b, struct together *t, struct error *err)
{
	struct report_cascade *c = &b->report->cascade;
	size_t n = b->test.n + 1;
	const struct example **items = arena_array(b->arena, n, sizeof(*items)), **risked = arena_array(b->arena, n, sizeof(*risked));
	struct cascade_item *cheap, *strong;
	const struct answer_row **of_cheap, **of_strong;

	*t = (struct together){ arena_array(b->arena, n, sizeof(double)), arena_array(b->arena, n, sizeof(double)),
				arena_array(b->arena, n, sizeof(double)), arena_array(b->arena, n, sizeof(double)), { items, 0 }, { risked, 0 } };
	if (!load(b, c->cheap->id, "test", b->test, &cheap, err) || !load(b, c->strong->id, "test", b->test, &strong, err) ||
	    !answers_of(b->store, b->run->id, c->cheap->id, "test", b->test, b->arena, &of_cheap, err) ||
	    !answers_of(b->store, b->run->id, c->strong->id, "test", b->test, b->arena, &of_strong, err))
		return false;
	for (size_t i = 0; i < b->test.n; i++) {
		bool accepted = cheap[i].confidence >= c->cut.at;

		if (isnan(cheap[i].loss) || isnan(strong[i].loss))
			continue;
		t->strong[t->items.n] = 1 - strong[i].loss;
		t->ms[t->items.n] = of_cheap[i]->ms + (accepted ? 0 : of_strong[i]->ms);
		t->cascade[t->items.n] = 1 - (accepted ? cheap[i].loss : strong[i].loss);
		items[t->items.n++] = b->test.items[i];
		c->escalated += !accepted;
		if (!accepted && c->rule.of == CASCADE_OF_ACCEPTED)
			continue;
		t->risk[t->risked.n] = accepted ? cheap[i].loss : 0;
		risked[t->risked.n++] = b->test.items[i];
	}
	c->n = t->items.n;
	return true;
}

static struct report_score mean_of(const struct decide_rule *rule, const double *values, struct item_list items, struct arena *arena)
{
	struct decide_rule r = *rule;
	struct candidate c = { .score = values, .n = items.n };

	r.cluster = order_clusters(items, arena);
	r.n_items = items.n;
	if (items.n == 0)
		return (struct report_score){ 0 };
	struct score_interval s = decide_score(&r, &c);

	return (struct report_score){ items.n, s.score, s.low, s.high };
}

/* Whether the cascade may take the winner's place is what leaving an incumbent for a lower rung asks: not worse by the margin. The rule's own
 * alpha is for it, beside that of the climb; the plan's test, since early it was chance that ended the items. */
static struct comparison compare(const struct decide_rule *rule, const struct report_cascade *c, const struct together *t, struct arena *arena)
{
	struct decide_rule r = *rule;
	const struct candidate strong = { .id = c->strong->id, .rung = 1, .incumbent = true, .score = t->strong, .n = t->items.n };
	const struct candidate cascade = { .id = c->cheap->id, .score = t->cascade, .n = t->items.n };

	r.alpha = c->rule.alpha;
	r.comparisons = 1;
	r.has_target = false;
	r.climb_for = CLIMB_FOR_QUALITY;
	r.cluster = order_clusters(t->items, arena);
	r.n_items = t->items.n;
	return decide_compare(&r, &strong, &cascade);
}

static bool judge(struct cascading *b, struct error *err)
{
	struct report_cascade *c = &b->report->cascade;
	struct decide_rule rule = settings_rule(b->task, b->run->settings, (struct test_items){ b->test }, b->arena);
	struct together t;

	if (!put_together(b, &t, err))
		return false;
	if (c->n == 0) {
		c->why = "no test item was answered by both";
		return true;
	}
	double escalated = (double)c->escalated / (double)c->n;

	c->score = mean_of(&rule, t.cascade, t.items, b->arena);
	c->strong_score = mean_of(&rule, t.strong, t.items, b->arena);
	c->risk = mean_of(&rule, t.risk, t.risked, b->arena);
	c->ms_p95 = quantile(t.ms, t.items.n, 0.95);
	c->compared = compare(&rule, c, &t, b->arena);
	c->usd_per_1k_calls = c->cheap->usd_per_1k_calls + escalated * c->strong->usd_per_1k_calls;
	/* The probability comes with the answer: to check costs nothing more. */
	c->pays_below = cost_cascade_limit(c->cheap->usd_per_1k_calls, 0, c->strong->usd_per_1k_calls);
	if (isnan(c->pays_below))
		c->why = "what one of the two costs is not known";
	else if (!(escalated < c->pays_below))
		c->why = "it costs no less than the winner alone";
	else if (b->task->traffic.latency_p95_ms > 0 && c->ms_p95 > b->task->traffic.latency_p95_ms)
		c->why = "asking both takes longer than latency_p95_ms allows";
	else if (c->compared.decision != DECISION_NOT_WORSE && c->compared.decision != DECISION_BETTER)
		c->why = "it is not shown to be no worse than the winner alone by the margin";
	return true;
}

bool cascading_build(const struct task *task, struct store *store, const struct run_row *run, struct arena *arena, struct report *r,
		     struct error *err)
{
	struct cascading b = { task, store, run, arena, r, test_order(task, run->seed, arena).list };
	struct report_cascade *c = &r->cascade;

	*c = (struct report_cascade){ .wanted = task->cascade.wanted, .strong = report_winner(r), .rule = task->cascade.rule,
				      .cut = { .at = INFINITY, .p = 1 }, .ms_p95 = NAN, .usd_per_1k_calls = NAN, .pays_below = NAN };
	if (!c->wanted || !c->strong)
		return true;
	if (!choose_cheap(&b, err))
		return false;
	if (!c->cheap) {
		c->why = "no variant below the winner gives probabilities with its answers";
		return true;
	}
	if (!choose_threshold(&b, err))
		return false;
	if (!c->why && isinf(c->cut.at))
		c->why = "no threshold passed";
	return c->why || judge(&b, err);
}
