/* aside.c - stored answers, their probabilities and losses */
#include "eval/aside.h"

#include <math.h>

#include "eval/answers.h"
#include "task/scorer.h"

bool aside_load(const struct task *task, struct store *store, int64_t run, const char *variant, const char *split, struct item_list items,
		struct arena *arena, struct cascade_item **out, struct error *err)
{
	const struct answer_row **rows;

	if (!answers_of(store, run, variant, split, items, arena, &rows, err))
		return false;
	*out = arena_array(arena, items.n + 1, sizeof(**out));
	for (size_t i = 0; i < items.n; i++)
		(*out)[i] = (struct cascade_item){ .confidence = rows[i] && rows[i]->confidence > 0 ? rows[i]->confidence : NAN,
						   .loss = rows[i] ? 1 - scorer_grade(task, items.items[i], rows[i]->answer) : NAN,
						   .cluster = items.items[i]->group };
	return true;
}

bool aside_is_sure(const struct cascade_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isnan(items[i].confidence))
			return true;
	return false;
}

/* Whether the climb should ask it: it has probabilities. */
static bool has_confidence(struct climb *c, const struct variant *v, bool *has, struct error *err)
{
	struct cascade_item *items;

	if (!aside_load(c->task, c->store, c->run, v->id, "dev", c->dev.list, &c->arena, &items, err))
		return false;
	*has = aside_is_sure(items, c->dev.list.n);
	return true;
}

bool aside_measure(struct climb *c, const struct contest *t, struct error *err)
{
	struct item_list items = c->task->aside.list;
	struct record ignored = { .score = arena_array(&c->arena, items.n + 1, sizeof(double)),
				  .tokens = arena_array(&c->arena, items.n + 1, sizeof(double)) };
	int highest = 0;

	for (size_t i = 0; i < t->n; i++)
		highest = t->entries[i].variant->rung > highest ? t->entries[i].variant->rung : highest;
	for (size_t i = 0; i < t->n && items.n > 0; i++) {
		const struct variant *v = t->entries[i].variant;
		bool asked;

		if (v->rung == highest)
			continue;
		if (!has_confidence(c, v, &asked, err) || (asked && !measure(c, v, "aside", items, 0, items.n, &ignored, err)))
			return false;
	}
	return true;
}
