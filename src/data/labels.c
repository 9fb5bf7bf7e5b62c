/* labels.c - the last climb's figures, and sentences of them */
#include "data/labels.h"

#include <math.h>

struct labels labels_of(const struct report *report, const struct task *climbed, struct arena *arena)
{
	struct labels l = { .pool = climbed->pool.list.n, .test = climbed->test.list.n, .plan = report->plan, .target = report->target };

	l.open = arena_array(arena, report->n_comparisons, sizeof(*l.open));
	l.curves = arena_array(arena, report->n_curves, sizeof(*l.curves));
	for (size_t i = 0; i < report->n_comparisons; i++) {
		const struct comparison *c = &report->comparisons[i];

		if (c->decision != DECISION_UNRESOLVED)
			continue;
		l.open[l.n_open].from = arena_string(arena, c->from);
		l.open[l.n_open].to = arena_string(arena, c->to);
		l.open[l.n_open++].needed = c->labels_needed;
	}
	for (; l.n_curves < report->n_curves; l.n_curves++) {
		l.curves[l.n_curves].name = arena_string(arena, report->curves[l.n_curves].name);
		l.curves[l.n_curves].fit = report->curves[l.n_curves].fit;
		l.curves[l.n_curves].reach = report->curves[l.n_curves].reach;
	}
	return l;
}

/* How many more there are now than the climb saw. */
static size_t more(struct item_list now, size_t then)
{
	return now.n > then ? now.n - then : 0;
}

static void open_told(const struct labels *l, size_t i, size_t drawn, struct buf *out)
{
	size_t needed = l->open[i].needed;

	buf_addf(out, "  %s or %s is open: ", l->open[i].from, l->open[i].to);
	if (needed == SIZE_MAX)
		buf_adds(out, "more labelled test items would settle it than can be forecast\n");
	else if (drawn >= needed)
		buf_addf(out, "about %zu more labelled test items would settle it, and %zu are there; climb again\n", needed, drawn);
	else
		buf_addf(out, "%zu of about %zu more labelled test items that would settle it are there; draw %zu (rung data sample -n %zu)\n", drawn,
			 needed, needed - drawn, needed - drawn);
}

static void curve_told(const struct labels *l, size_t i, size_t collected, struct buf *out)
{
	const struct curve *fit = &l->curves[i].fit;
	size_t have = fit->most + collected;
	struct forecast now = curve_forecast(fit, (double)fit->most), then = curve_forecast(fit, (double)have);

	buf_addf(out, "  %s learns from the pool: ", l->curves[i].name);
	if (isnan(then.error))
		buf_addf(out, "what it does with %zu examples is beyond what can be forecast; climb again\n", have);
	else if (collected > 0)
		buf_addf(out, "with the %zu collected since, its line goes from %.1f %% to %.1f %% (95 %%: %.1f to %.1f)\n", collected,
			 100 * (1 - now.error), 100 * (1 - then.error), 100 * (1 - then.high), 100 * (1 - then.low));
	else
		buf_addf(out, "its line is at %.1f %% with what there is, and at %.1f %% with twice as much\n", 100 * (1 - now.error),
			 100 * (1 - curve_forecast(fit, 2 * (double)fit->most).error));
	if (!isnan(l->target) && l->curves[i].reach.reach == REACH_MORE)
		buf_addf(out, "    to reach %.1f %% takes about %zu more, of which %zu are there\n", 100 * l->target, l->curves[i].reach.n - fit->most,
			 collected);
}

void labels_text(const struct labels *l, const struct task *now, struct buf *out)
{
	if (l->why) {
		buf_addf(out, "what more labels would do is not known: %s\n", l->why);
		return;
	}
	size_t drawn = more(now->test.list, l->test), collected = more(now->pool.list, l->pool);

	buf_addf(out, "since the last climb %zu pool examples and %zu test items were collected\n", collected, drawn);
	if (l->n_open == 0)
		buf_adds(out, "  no comparison is open, so that more test items would only narrow the intervals\n");
	for (size_t i = 0; i < l->n_open; i++)
		open_told(l, i, drawn, out);
	if (l->n_open > 0 && drawn > 0 && l->plan == DECIDE_FULL)
		buf_adds(out, "  the plan is full: a climb over more test items is another look, with an alpha of its own (docs/data.md)\n");
	for (size_t i = 0; i < l->n_curves; i++)
		curve_told(l, i, collected, out);
}

static json_t *count_or_null(size_t n)
{
	return n == SIZE_MAX ? json_null() : json_integer((json_int_t)n);
}

json_t *labels_json(const struct labels *l, const struct task *now)
{
	if (l->why)
		return json_pack("{s:s}", "why", l->why);
	size_t drawn = more(now->test.list, l->test), collected = more(now->pool.list, l->pool);
	json_t *open = json_array(), *curves = json_array();

	for (size_t i = 0; i < l->n_open; i++)
		json_array_append_new(open, json_pack("{s:s, s:s, s:o, s:I}", "from", l->open[i].from, "to", l->open[i].to, "needed",
						      count_or_null(l->open[i].needed), "drawn", (json_int_t)drawn));
	for (size_t i = 0; i < l->n_curves; i++) {
		size_t have = l->curves[i].fit.most + collected;
		struct forecast then = curve_forecast(&l->curves[i].fit, (double)have);
		json_t *row = json_pack("{s:s, s:I}", "name", l->curves[i].name, "examples", (json_int_t)have);

		json_object_set_new(row, "score", isnan(then.error) ? json_null() : json_real(1 - then.error));
		json_object_set_new(row, "low", isnan(then.error) ? json_null() : json_real(1 - then.high));
		json_object_set_new(row, "high", isnan(then.error) ? json_null() : json_real(1 - then.low));
		json_array_append_new(curves, row);
	}
	return json_pack("{s:I, s:I, s:s, s:o, s:o}", "pool", (json_int_t)collected, "test", (json_int_t)drawn, "plan", decide_plan_name(l->plan), "open",
			 open, "curves", curves);
}
