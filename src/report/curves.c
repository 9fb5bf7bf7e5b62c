/* curves.c - learning curves: from stored points to what more labels would bring, and the sentences that say it */
#include "report/curves.h"

#include <math.h>
#include <string.h>

#include "report/figure.h"
#include "report/words.h"

/* Examples that the rarest label of the pool has; INFINITY without labels. */
static double rarest_label(const struct task *task, struct arena *arena)
{
	size_t *count = arena_array(arena, task->n_labels + 1, sizeof(*count));
	double least = INFINITY;

	for (size_t i = 0; i < task->pool.list.n; i++) {
		const struct example *e = task->pool.list.items[i];

		for (size_t k = 0; k < (task->many ? e->n_labels : 1); k++)
			count[task->many ? e->labels[k] : e->label]++;
	}
	for (size_t i = 0; i < task->n_labels; i++)
		least = count[i] > 0 ? fmin(least, (double)count[i]) : least;
	return least;
}

bool curves_build(const struct task *task, struct store *store, int64_t run, struct arena *arena, struct report *report,
		  struct error *err)
{
	struct curve_row *rows;
	size_t n;

	if (!store_curves(store, run, arena, &rows, &n, err))
		return false;
	struct report_curve *curves = arena_array(arena, n + 1, sizeof(*curves));
	double rarest = task->n_labels > 0 ? rarest_label(task, arena) : INFINITY;

	for (size_t from = 0, to; from < n; from = to) {
		struct report_curve *c = &curves[report->n_curves];
		struct curve_point *points = arena_array(arena, n - from, sizeof(*points));
		const struct report_variant *v = report_find(report, rows[from].variant);

		for (to = from; to < n && strcmp(rows[to].variant, rows[from].variant) == 0; to++)
			points[to - from] = (struct curve_point){ rows[to].n, 1 - rows[to].score };
		*c = (struct report_curve){ .variant = rows[from].variant, .name = v ? v->name : rows[from].variant, .points = points,
					    .n = to - from, .items = rows[from].items };
		if (!curve_fit(points, c->n, c->items, &c->fit))
			continue;
		c->now = curve_forecast(&c->fit, (double)c->fit.most);
		c->twice = curve_forecast(&c->fit, 2 * (double)c->fit.most);
		if (!isnan(report->target))
			c->reach = curve_reach(&c->fit, 1 - report->target, rarest);
		report->n_curves++;
	}
	report->curves = curves;
	return true;
}

static void add_reach(struct buf *out, const struct report *r, const struct report_curve *c)
{
	struct figure target = figure_percent(r->target);
	size_t most = c->fit.most;

	if (c->reach.reach == REACH_THERE)
		buf_addf(out, " The line meets the target of %s with what there is.", target.text);
	else if (c->reach.reach == REACH_UNKNOWN)
		buf_addf(out, " When it would reach %s is not within what can be forecast, which ends at %s examples.", target.text,
			 figure_count(CURVE_REACH * most).text);
	else if (c->reach.high)
		buf_addf(out, " Label about %s more to reach %s (%s to %s).", figure_count(c->reach.n - most).text, target.text,
			 figure_count(c->reach.low > most ? c->reach.low - most : 0).text, figure_count(c->reach.high - most).text);
	else
		buf_addf(out, " Label about %s more to reach %s (at least %s; how many at most cannot be forecast).",
			 figure_count(c->reach.n - most).text, target.text,
			 figure_count(c->reach.low > most ? c->reach.low - most : 0).text);
}

bool words_curve(struct buf *out, const struct report *r, size_t i)
{
	if (i >= r->n_curves)
		return false;
	const struct report_curve *c = &r->curves[i];

	buf_addf(out, "%s: the line through its %s points is at %s right with %s examples", c->name, figure_count(c->n).text,
		 figure_percent(1 - c->now.error).text, figure_count(c->fit.most).text);
	buf_addf(out, " and, if it goes on, at %s with twice as many (95%% interval %s).", figure_percent(1 - c->twice.error).text,
		 figure_span(1 - c->twice.high, 1 - c->twice.low).text);
	if (!isnan(r->target))
		add_reach(out, r, c);
	return true;
}
