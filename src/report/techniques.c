/* techniques.c - pairs of variants that differ by one thing, over the dev items that both answered */
#include "report/techniques.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "task/scorer.h"

/* Ids of techniques (variant/technique.c): the step from one to the other, and what it would
 * mean if it helped. */
static const struct step {
	const char *from, *to, *probe, *points_to;
} steps[] = {
	{ "zero-shot", "definitions", "label definitions", "definitions in the prompt" },
	{ "scoring", "scoring-definitions", "label definitions, label scoring", "definitions in the prompt" },
	{ "zero-shot", "structured", "constrained decoding", "structured output: the form was at fault" },
	{ "zero-shot", "scoring", "label scoring", "label scoring: the form was at fault" },
	{ "scoring", "scoring-contextual", "contextual calibration", "calibrated label scoring" },
	{ "scoring", "scoring-batch", "batch calibration", "calibrated label scoring" },
	{ "zero-shot", "few-shot", "fixed shots", "examples in the prompt" },
	{ "closed-book", "few-shot", "fixed shots", "examples in the prompt" },
	{ "few-shot", "knn-embedding", "nearest shots (embedding) against fixed ones", "kNN few-shot; fine-tuning, if more examples still help" },
	{ "few-shot", "knn-tfidf", "nearest shots (TF-IDF) against fixed ones", "kNN few-shot; fine-tuning, if more examples still help" },
	{ "zero-shot", "chain-of-thought", "chain of thought", "reasoning before the answer" },
	{ "closed-book", "chain-of-thought", "chain of thought", "reasoning before the answer" },
	{ "structured", "structured-reasoning", "the reason first", "reasoning before the answer" },
	{ "zero-shot", "reasoning", "the reason first", "reasoning before the answer" },
	{ "chain-of-thought", "self-consistency", "self-consistency", "several samples that vote" },
};

/* A variant's scores on dev, NAN where it has none. */
struct marks {
	double *score; /* (dev) */
	bool read;
};

struct comparing {
	const struct task *task;
	struct store *store;
	int64_t run;
	const struct report_variant *variants;
	size_t n;
	struct arena *arena;
	struct hash_map items; /* of dev, by id */
	struct marks *marks;   /* (n) */
	struct probe_finding *out;
	size_t n_out, room;
};

static bool read_marks(struct comparing *c, size_t variant, struct error *err)
{
	struct marks *m = &c->marks[variant];
	struct item_list dev = c->task->dev.list;
	struct answer_row *rows;
	size_t n;

	if (m->read)
		return true;
	if (!store_answers(c->store, c->run, c->variants[variant].id, "dev", c->arena, &rows, &n, err))
		return false;
	m->score = arena_array(c->arena, dev.n + 1, sizeof(*m->score));
	for (size_t i = 0; i < dev.n; i++)
		m->score[i] = NAN;
	for (size_t i = 0; i < n; i++) {
		size_t at = hash_map_get(&c->items, rows[i].item, strlen(rows[i].item), SIZE_MAX);

		if (at != SIZE_MAX)
			m->score[at] = scorer_grade(c->task, dev.items[at], rows[i].answer);
	}
	m->read = true;
	return true;
}

/* Whether `to` is right on no more of the items that both answered than their commonest label: a gain up to there is no remedy. */
static bool no_better_than_commonest(const struct task *task, const double *from, const double *to)
{
	size_t most = 0;
	double right = 0;

	for (size_t label = 0; label < task->n_labels && !task->many; label++) {
		size_t count = 0;

		for (size_t i = 0; i < task->dev.list.n; i++)
			count += !isnan(from[i]) && !isnan(to[i]) && task->dev.list.items[i]->label == label;
		most = count > most ? count : most;
	}
	for (size_t i = 0; i < task->dev.list.n; i++)
		right += !isnan(from[i]) && !isnan(to[i]) ? to[i] : 0;
	return right <= (double)most;
}

static bool compare(struct comparing *c, size_t from, size_t to, enum finding_kind kind, const char *probe, const char *points_to,
		    struct error *err)
{
	size_t dev = c->task->dev.list.n, n = 0;
	double *a = arena_array(c->arena, dev + 1, sizeof(*a)), *b = arena_array(c->arena, dev + 1, sizeof(*b));

	if (c->n_out == c->room)
		return true;
	if (!read_marks(c, from, err) || !read_marks(c, to, err))
		return false;
	for (size_t i = 0; i < dev; i++)
		if (!isnan(c->marks[from].score[i]) && !isnan(c->marks[to].score[i])) {
			a[n] = c->marks[from].score[i];
			b[n++] = c->marks[to].score[i];
		}
	if (n < TECHNIQUE_FEWEST)
		return true;
	struct difference d = difference_of(a, b, n, NULL);
	bool useless = d.low > 0 && no_better_than_commonest(c->task, c->marks[from].score, c->marks[to].score);

	c->out[c->n_out++] = (struct probe_finding){ probe, d, d.low > 0 && !useless ? points_to : "", kind,
						     useless ? "and yet no better than always the commonest label" : NULL };
	return true;
}

/* "1/few-shot@local" is "few-shot" of "local"; user's variants and wordings but the first are none. */
static bool is_technique(const struct report_variant *v, const char *id)
{
	const char *begin = strchr(v->id, '/'), *end = strchr(v->id, '@');
	size_t n = strlen(id);

	return v->rung == 1 && v->model && v->dev.n > 0 && begin && end && (size_t)(end - begin) == n + 1 && strncmp(begin + 1, id, n) == 0;
}

static bool take_step(struct comparing *c, const struct step *s, struct error *err)
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; is_technique(&c->variants[i], s->from) && k < c->n; k++)
			if (is_technique(&c->variants[k], s->to) && strcmp(c->variants[i].model, c->variants[k].model) == 0 &&
			    !compare(c, i, k, FINDING_TECHNIQUE, s->probe, s->points_to, err))
				return false;
	return true;
}

/* The candidate of rung 1 asked of the task's other models, in the same way. */
static bool other_models(struct comparing *c, struct error *err)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct report_variant *v = &c->variants[i];
		const char *begin = v->candidate && v->rung == 1 && v->model ? strchr(v->id, '/') : NULL, *end = strchr(v->id, '@');

		if (!begin || !end)
			continue;
		const char *id = arena_copy(c->arena, begin + 1, (size_t)(end - begin) - 1);

		for (size_t k = 0; k < c->n; k++)
			if (k != i && is_technique(&c->variants[k], id) && strcmp(v->model, c->variants[k].model) != 0 &&
			    !compare(c, k, i, FINDING_MODEL, arena_printf(c->arena, "%s in place of %s", v->model, c->variants[k].model),
				     "the choice of model; a dearer one can be distilled (`rung tune --teacher`)", err))
				return false;
	}
	return true;
}

bool techniques_findings(const struct task *task, struct store *store, int64_t run, const struct report_variant *variants, size_t n,
			 struct arena *arena, struct probe_finding **out, size_t *n_out, struct error *err)
{
	enum { N_STEPS = sizeof(steps) / sizeof(steps[0]) };
	struct comparing c = { .task = task, .store = store, .run = run, .variants = variants, .n = n, .arena = arena,
			       .room = N_STEPS + n * 2 };
	bool read = true;

	c.out = arena_array(arena, c.room, sizeof(*c.out));
	c.marks = arena_array(arena, n + 1, sizeof(*c.marks));
	for (size_t i = 0; i < task->dev.list.n; i++)
		hash_map_put(&c.items, task->dev.list.items[i]->id, strlen(task->dev.list.items[i]->id), i);
	for (size_t i = 0; read && i < N_STEPS; i++)
		read = take_step(&c, &steps[i], err);
	read = read && other_models(&c, err);
	hash_map_release(&c.items);
	*out = c.out;
	*n_out = c.n_out;
	return read;
}
