/* curves.c - learning curves: from stored points to what more labels would bring, and the sentences that say it */
#include "report/curves.h"

#include <math.h>
#include <string.h>

#include "eval/curves.h"
#include "report/escape.h"
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

static bool has_curve(const struct report *r, const char *variant)
{
	for (size_t i = 0; i < r->n_curves; i++)
		if (strcmp(r->curves[i].variant, variant) == 0)
			return true;
	return false;
}

/* What the climb saw when it left the curve out (eval/curves.h); NULL: it did not. */
static const char *why_undrawn(const struct task *task, const struct report *r, const struct report_variant *v, struct arena *arena)
{
	double seconds = v->trained.seconds > 0 ? curves_training_seconds(task->pool.list.n, v->trained.seconds) : 0;

	for (size_t i = 0; i < r->n_comparisons; i++) {
		const struct report_variant *below = report_find(r, r->comparisons[i].from);

		if (strcmp(r->comparisons[i].to, v->id) == 0 && r->comparisons[i].decision == DECISION_NOT_BETTER && below)
			return arena_printf(arena, "%s: no learning curve was drawn, which takes %s: it is not better than %s by the margin.",
					    v->name, v->model ? "calls" : "trainings", below->name);
	}
	if (seconds > CURVE_TRAINING_SECONDS)
		return arena_printf(arena, "%s: no learning curve was drawn: training it on parts of the pool would take about %s, more than the %s "
				    "that a climb spends on that.", v->name, figure_seconds(seconds).text,
				    figure_seconds(CURVE_TRAINING_SECONDS).text);
	return NULL;
}

static bool explain_undrawn(const struct task *task, struct store *store, const struct run_row *run, struct arena *arena, struct report *r,
			    struct error *err)
{
	const struct variant *recipes;
	size_t n;

	if (!run_variants(task, store, run, arena, &recipes, &n, err))
		return false;
	const char **sentences = arena_array(arena, n + 1, sizeof(*sentences));

	for (size_t i = 0; i < n; i++) {
		const struct report_variant *v = report_find(r, recipes[i].id);
		bool dear = curves_has_shots(&recipes[i]) || curves_has_trainings(task, &recipes[i]);
		const char *why = v && v->candidate && v->test.n > 0 && dear && !has_curve(r, v->id) ? why_undrawn(task, r, v, arena) : NULL;

		if (why)
			sentences[r->n_undrawn++] = why;
	}
	r->undrawn = sentences;
	return true;
}

bool curves_build(const struct task *task, struct store *store, const struct run_row *run, struct arena *arena, struct report *report,
		  struct error *err)
{
	struct curve_row *rows;
	size_t n;

	if (!store_curves(store, run->id, arena, &rows, &n, err))
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
					    .n = to - from, .items = rows[from].items, .rarest = rarest };
		if (!curve_fit(points, c->n, c->items, &c->fit))
			continue;
		c->now = curve_forecast(&c->fit, (double)c->fit.most);
		c->twice = curve_forecast(&c->fit, 2 * (double)c->fit.most);
		if (!isnan(report->target))
			c->reach = curve_reach(&c->fit, 1 - report->target, rarest);
		report->n_curves++;
	}
	report->curves = curves;
	return explain_undrawn(task, store, run, arena, report, err);
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
	if (i >= r->n_curves + r->n_undrawn)
		return false;
	if (i >= r->n_curves) {
		escape_plain(out, r->undrawn[i - r->n_curves]);
		return true;
	}
	const struct report_curve *c = &r->curves[i];

	buf_addf(out, "%s: the line through its %s points is at %s right with %s examples", c->name, figure_count(c->n).text,
		 figure_percent(1 - c->now.error).text, figure_count(c->fit.most).text);
	buf_addf(out, " and, if it goes on, at %s with twice as many (95%% interval %s).", figure_percent(1 - c->twice.error).text,
		 figure_span(1 - c->twice.high, 1 - c->twice.low).text);
	if (!isnan(r->target))
		add_reach(out, r, c);
	if (c->rarest <= CURVE_FEW)
		buf_addf(out, " The rarest label has only %s examples: believe such a line where it reaches a score, and not where it does not.",
			 figure_count((size_t)c->rarest).text);
	return true;
}
