/* measure.c - batches of answers, each committed before its scores are used. Batches begin at multiples of BATCH from
 * the start of the order, so a resumed run asks the same groups. */
#include "eval/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "task/scorer.h"
#include "variant/evidence.h"

/* What those samples say by themselves is scored too (report/samples.c). */
static bool grade_samples(struct climb *c, const struct variant *v, const struct example *item, const struct answer *a, struct arena *arena,
			  struct error *err)
{
	const struct example **items = arena_array(arena, a->n_samples, sizeof(*items));
	const char **replies = arena_array(arena, a->n_samples, sizeof(*replies));

	for (size_t i = 0; i < a->n_samples; i++) {
		struct call_row call;

		if (!store_call_get(c->store, arena, a->samples[i], &call, err))
			return false;
		items[i] = item;
		replies[i] = variant_reply(c->task, v, &call, arena);
	}
	return workshop_grade(c->workshop, items, replies, a->n_samples, err);
}

/* Has the answers graded, where somebody outside does that; before their rows are there, so that none is without its grade. */
static bool grade_batch(struct climb *c, const struct variant *v, const char *split, const struct example *const *items,
			const struct answer *answers, size_t n, struct arena *arena, struct error *err)
{
	const char **texts = arena_array(arena, n, sizeof(*texts));

	if (!c->task->grades)
		return true;
	for (size_t i = 0; i < n; i++)
		texts[i] = answers[i].text;
	if (!workshop_grade(c->workshop, items, texts, n, err))
		return false;
	for (size_t i = 0; i < n && strcmp(split, "probe") == 0; i++)
		if (!grade_samples(c, v, items[i], &answers[i], arena, err))
			return false;
	return true;
}

/* Answers one batch and stores it in one transaction, which nobody is kept waiting by while a model thinks. */
static bool answer_batch(struct climb *c, const struct variant *v, const char *split,
			 const struct example *const *items, size_t n, struct error *err)
{
	struct arena arena;
	bool stored = false;

	arena_init(&arena);
	struct answer *answers = arena_array(&arena, n, sizeof(*answers));

	if (!variant_answer(c->workshop, v, items, n, &arena, answers, err) || !grade_batch(c, v, split, items, answers, n, &arena, err) ||
	    !store_begin(c->store, err))
		goto out;
	for (size_t i = 0; i < n; i++) {
		struct answer_row row = { .variant = v->id, .item = items[i]->id, .split = split, .call = answers[i].call,
					  .answer = answers[i].text, .status = answers[i].status, .ms = answers[i].ms,
					  .samples = answers[i].samples, .n_samples = answers[i].n_samples,
					  .evidence = answers[i].evidence ? evidence_json(answers[i].evidence, &arena) : NULL };
		double confidence = answer_confidence(c->task, &answers[i]);

		row.confidence = confidence > 0 ? confidence : 0;

		if (!store_answer_put(c->store, c->run, &row, err))
			goto out;
	}
	stored = store_commit(c->store, err);
out:
	if (!stored)
		store_rollback(c->store);
	arena_release(&arena);
	return stored;
}

/* Stored answers by item id. */
struct answered {
	struct answer_row *rows;
	struct hash_map by_item;
};

static bool answered_load(struct climb *c, const struct variant *v, const char *split, struct arena *arena,
			  struct answered *a, struct error *err)
{
	size_t n;

	*a = (struct answered){ 0 };
	if (!store_answers(c->store, c->run, v->id, split, arena, &a->rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		hash_map_put(&a->by_item, a->rows[i].item, strlen(a->rows[i].item), i);
	return true;
}

static const struct answer_row *answered_find(const struct answered *a, const struct example *item)
{
	size_t at = hash_map_get(&a->by_item, item->id, strlen(item->id), SIZE_MAX);

	return at == SIZE_MAX ? NULL : &a->rows[at];
}

static bool same_model(const struct variant *a, const struct variant *b)
{
	return a->model && b->model && strcmp(a->model, b->model) == 0;
}

bool measure_prefetch(struct climb *c, const struct variant *const *variants, size_t n, struct item_list items, size_t from, size_t to,
		      struct error *err)
{
	const struct variant **together = arena_array(&c->arena, n, sizeof(*together));

	for (size_t i = 0; i < n; i++) {
		size_t first = 0, m = 0;

		while (first < i && !same_model(variants[first], variants[i]))
			first++;
		if (first < i || !variants[i]->model || !model_is_elsewhere(variants[i]->model))
			continue;
		for (size_t k = i; k < n; k++)
			if (same_model(variants[i], variants[k]))
				together[m++] = variants[k];
		if (climb_must_stop(c, err) || !variant_prefetch(c->workshop, together, m, items.items + from, to - from, err))
			return false;
	}
	return true;
}

/* A model that answers many requests at once is asked for more than one batch of them. */
static bool prefetch_missing(struct climb *c, const struct variant *v, struct item_list items, size_t from, size_t to,
			     const struct answered *have, struct error *err)
{
	size_t missing = 0;

	for (size_t i = from; i < to; i++)
		missing += !answered_find(have, items.items[i]);
	return missing == 0 || measure_prefetch(c, &v, 1, items, from, to, err);
}

enum { TOGETHER = 200 }; /* items that are asked for ahead; of BATCH a multiple */

static bool answer_missing(struct climb *c, const struct variant *v, const char *split, struct item_list items,
			   size_t from, size_t to, const struct answered *have, struct error *err)
{
	for (size_t start = from; start < to;) {
		if (start % TOGETHER == 0 || start == from) {
			size_t ahead = c->options->batch_poll_ms > 0 ? to : (start / TOGETHER + 1) * TOGETHER;

			if (!prefetch_missing(c, v, items, start, ahead < to ? ahead : to, have, err))
				return false;
		}
		size_t end = (start / BATCH + 1) * BATCH < to ? (start / BATCH + 1) * BATCH : to;
		bool missing = false;

		for (size_t i = start; i < end; i++)
			missing |= !answered_find(have, items.items[i]);
		if (missing && (climb_must_stop(c, err) || !answer_batch(c, v, split, items.items + start, end - start, err)))
			return false;
		if (c->options->progress.step)
			c->options->progress.step(c->options->progress.context, v->id, end, items.n);
		start = end;
	}
	return true;
}

/* Scores what was answered; grades that somebody outside gave are there with the answers. */
static bool score_rows(struct climb *c, const struct variant *v, struct item_list items, size_t from, size_t to,
		       const struct answered *have, struct record *record, struct error *err)
{
	for (size_t i = from; i < to; i++) {
		const struct answer_row *row = answered_find(have, items.items[i]);
		if (!row)
			return error_set(err, "the store lost the answer of %s to item %s; run the same command again", v->id, items.items[i]->id);
		double score = scorer_grade(c->task, items.items[i], row->answer);

		if (isnan(score))
			return error_set(err, "the store lost the grade of the answer of %s to item %s; run the same command again", v->id,
					 items.items[i]->id);
		record->score[i] = score;
		record->tokens[i] = (double)(row->input_tokens + row->output_tokens);
	}
	record->n = to > record->n ? to : record->n;
	return true;
}

bool measure(struct climb *c, const struct variant *v, const char *split, struct item_list items, size_t from, size_t to,
	     struct record *record, struct error *err)
{
	struct arena arena;
	struct answered have;
	bool done = false;

	arena_init(&arena);
	if (!answered_load(c, v, split, &arena, &have, err))
		goto out;
	if (!answer_missing(c, v, split, items, from, to, &have, err))
		goto out;
	hash_map_release(&have.by_item);
	if (!answered_load(c, v, split, &arena, &have, err))
		goto out;
	done = score_rows(c, v, items, from, to, &have, record, err);
out:
	hash_map_release(&have.by_item);
	arena_release(&arena);
	return done;
}
