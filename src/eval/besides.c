/* besides.c - the tuned model asked what it was trained on, and both it and its base asked other things */
#include "eval/besides.h"

#include <stdio.h>
#include <stdlib.h>

#include "eval/ask.h"
#include "eval/changed.h"
#include "model/reader.h"
#include "tune/general.h"

bool besides_score(const struct besides *b, const struct variant *v, struct item_list items, const char *what, struct tuned *t,
		   struct error *err)
{
	double *scores = mem_zero(items.n + 1, sizeof(*scores)), mean = 0;
	char shown[160];

	snprintf(shown, sizeof(shown), "%.120s on %.20s", v->id, what);
	bool asked = ask_scores(b->workshop, b->task, v, items, shown, &b->progress, scores, err);

	for (size_t i = 0; i < items.n; i++)
		mean += scores[i] / (double)items.n;
	free(scores);
	return asked && tuned_note(t, what, items.n, mean, err);
}

/* Of a model from elsewhere it is not known what it was trained on, and the pool stands in. */
static bool score_seen(const struct besides *b, const struct variant *v, struct tuned *t, struct error *err)
{
	const json_t *data = json_object_get(t->card, "data");
	struct item_list seen = { b->pool.items, b->pool.n < BESIDES_SEEN ? b->pool.n : BESIDES_SEEN };
	struct reader *reader = NULL;
	struct arena arena;
	bool known = true;

	arena_init(&arena);
	if (v->model && json_integer_value(json_object_get(data, "too_long")) > 0) {
		reader = reader_open(models_folder(b->models), v->model, err);
		known = reader != NULL;
	}
	known = known && (!data || variant_taught(b->workshop, v, t->card, reader, BESIDES_SEEN, &arena, &seen, err)) &&
		besides_score(b, v, seen, "pool", t, err);
	reader_free(reader);
	arena_release(&arena);
	return known;
}

/* What the base knew of everyday questions, and what is left of it. */
static bool score_general(const struct besides *b, const struct variant *v, struct tuned *t, struct error *err)
{
	const struct progress *p = &b->progress;
	struct general_result before, after;
	struct model *base = model_open(b->models, v->model, err);
	struct model *tuned = base ? model_open(b->models, t->name, err) : NULL;

	return tuned && general_ask(base, p->stopped, p->context, &before, err) && general_ask(tuned, p->stopped, p->context, &after, err) &&
	       tuned_note(t, "general_before", before.n, (double)before.right / (double)before.n, err) &&
	       tuned_note(t, "general_after", after.n, (double)after.right / (double)after.n, err);
}

/* Examples that it was trained on, as they would be if their facts had changed since. */
static bool score_changed(const struct besides *b, const struct variant *v, struct tuned *t, struct error *err)
{
	struct changed c;

	if (!changed_ask(b->task, v->model, t->name, b->models, &b->progress, &c, err))
		return false;
	return c.n == 0 || (tuned_note(t, "follows_before", c.n, c.follows_before, err) &&
			    tuned_note(t, "follows_after", c.n, c.follows_after, err) &&
			    tuned_note(t, "recites_before", c.n, c.recites_before, err) &&
			    tuned_note(t, "recites_after", c.n, c.recites_after, err));
}

/* `pool` comes last: what has it has all. */
bool besides_measure(const struct besides *b, const struct variant *v, struct tuned *t, struct error *err)
{
	return (!v->model || (score_general(b, v, t, err) && score_changed(b, v, t, err))) && score_seen(b, v, t, err);
}

bool besides_noted(const struct tuned *t)
{
	return json_object_get(t->card, "pool") != NULL;
}
