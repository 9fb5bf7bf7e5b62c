/* curves.c - the points of learning curves, each stored as soon as it is measured */
#include "eval/curves.h"

#include <math.h>
#include <string.h>

struct points {
	struct curve_row *rows;
	size_t n;
};

static bool has(const struct points *p, const struct curve_row *row)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->rows[i].variant, row->variant) == 0 && p->rows[i].n == row->n && p->rows[i].seed == row->seed)
			return true;
	return false;
}

static bool measure_point(struct climb *c, const struct variant *v, struct curve_row row, struct error *err)
{
	if (climb_must_stop(c, err) || !variant_curve(c->workshop, v, row.n, row.seed, &row.score, err))
		return false;
	return isnan(row.score) || store_curve_put(c->store, c->run, &row, err); /* a small part may have one label alone */
}

bool curves_measure(struct climb *c, const struct variant *v, struct error *err)
{
	size_t pool = c->task->pool.list.n, done = 0;
	struct points known;

	if (c->task->many && c->task->n_labels > CURVE_LABELS)
		return true;
	if (!store_curves(c->store, c->run, &c->arena, &known.rows, &known.n, err))
		return false;
	for (size_t part = 1 << (CURVE_SIZES - 1); part >= 1; part /= 2)
		for (uint64_t seed = 1; seed <= (part > 1 ? CURVE_SEEDS : 1); seed++) { /* of the whole pool there is one draw */
			struct curve_row row = { .variant = v->id, .n = pool / part, .seed = seed, .items = c->dev.list.n };

			if (row.n >= CURVE_LEAST && !has(&known, &row) && !measure_point(c, v, row, err))
				return false;
			if (c->options->progress.step)
				c->options->progress.step(c->options->progress.context, "learning curve", ++done,
							  (CURVE_SIZES - 1) * CURVE_SEEDS + 1);
		}
	return true;
}
