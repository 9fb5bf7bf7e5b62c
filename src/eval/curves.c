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

bool curves_has_sizes(size_t pool)
{
	return pool / (CURVE_SHOT_PART / 2) >= CURVE_LEAST; /* a quarter, a half, all */
}

bool curves_has_shots(const struct variant *v)
{
	return v->rung == 1 && v->model && !v->tuning && v->technique && (v->technique->shots == SHOTS_EMBEDDING || v->technique->shots == SHOTS_TFIDF);
}

/* One point: the variant with shots out of that part, asked. part.size of the whole pool: what it answered in its race. */
static bool ask_point(struct climb *c, const struct variant *v, struct pool_part part, struct item_list items, struct error *err)
{
	struct record r = { arena_array(&c->arena, items.n, sizeof(double)), arena_array(&c->arena, items.n, sizeof(double)), 0 };
	bool all = part.size == c->task->pool.list.n;
	struct curve_row row = { .variant = v->id, .n = part.size, .seed = part.seed, .items = items.n };
	struct variant parted = *v;

	if (!all) {
		parted.part = part;
		parted.id = arena_printf(&c->arena, "probe/part-%zu-%llu-%s", part.size, (unsigned long long)part.seed,
					 v->id + strcspn(v->id, "/") + 1);
	}
	if (!measure(c, &parted, all ? "dev" : "probe", items, 0, items.n, &r, err))
		return false;
	for (size_t i = 0; i < items.n; i++)
		row.score += r.score[i] / (double)items.n;
	return store_curve_put(c->store, c->run, &row, err);
}

bool curves_shots(struct climb *c, const struct variant *v, struct error *err)
{
	struct item_list items = c->dev.list;
	size_t pool = c->task->pool.list.n;

	items.n = items.n < CURVE_SHOT_ITEMS ? items.n : CURVE_SHOT_ITEMS;
	if (!curves_has_sizes(pool))
		return true;
	for (size_t part = CURVE_SHOT_PART; part >= 1; part /= 2)
		for (uint64_t seed = 1; seed <= (part > 1 ? CURVE_SEEDS : 1) && pool / part >= CURVE_LEAST; seed++)
			if (!ask_point(c, v, (struct pool_part){ pool / part, seed }, items, err))
				return false;
	return true;
}

bool curves_has_trainings(const struct task *task, const struct variant *v)
{
	return v->tuning && !v->version && !v->model && task->n_labels > 0 && !task->validator;
}

double curves_training_seconds(size_t lessons, double seconds)
{
	double whole = (double)lessons * (double)finetune_epochs(&finetune_encoder_defaults, lessons, FINETUNE_CLASSES), parts = 0;

	for (size_t part = CURVE_SHOT_PART; part > 1; part /= 2) {
		size_t n = lessons / part;

		parts += CURVE_SEEDS * (double)n * (double)finetune_epochs(&finetune_encoder_defaults, n, FINETUNE_CLASSES);
	}
	return seconds * parts / whole;
}

bool curves_trainings(struct climb *c, const struct variant *v, struct error *err)
{
	size_t pool = c->task->pool.list.n, done = 0;
	struct item_list dev = c->dev.list;
	struct points known;
	double seconds;

	if (!curves_has_sizes(pool))
		return true;
	if (!variant_training_seconds(c->workshop, v, &seconds, err) ||
	    !store_curves(c->store, c->run, &c->arena, &known.rows, &known.n, err))
		return false;
	if (!(curves_training_seconds(pool, seconds) <= CURVE_TRAINING_SECONDS))
		return true;
	for (size_t part = CURVE_SHOT_PART; part > 1; part /= 2)
		for (uint64_t seed = 1; seed <= CURVE_SEEDS; seed++) {
			struct curve_row row = { .variant = v->id, .n = pool / part, .seed = seed, .items = dev.n };

			if (row.n >= CURVE_LEAST && !has(&known, &row) && !measure_point(c, v, row, err))
				return false;
			if (c->options->progress.step)
				c->options->progress.step(c->options->progress.context, "learning curve", ++done, 3 * CURVE_SEEDS);
		}
	return ask_point(c, v, (struct pool_part){ pool, 1 }, dev, err);
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
