/* probe.c - probe variants over probe items; their answers are stored under the split "probe". */
#include "eval/probe.h"

#include <string.h>

#include "eval/answers.h"
#include "eval/ceiling.h"
#include "task/outcomes.h"
#include "task/scorer.h"

static const char *probe_id(struct arena *arena, const struct technique *t, const char *model)
{
	return arena_printf(arena, "probe/%s@%s", t->id, model);
}

/* The first dev items that have an answer and say where it stands. */
static struct item_list probe_items(struct dev_items dev, struct arena *arena)
{
	const struct example **items = arena_array(arena, PROBE_ITEMS, sizeof(*items));
	size_t n = 0;

	for (size_t i = 0; i < dev.list.n && n < PROBE_ITEMS; i++) {
		const struct example *e = dev.list.items[i];

		if (e->answer[0] && (e->n_gold_ids > 0 || (e->gold && e->gold[0])))
			items[n++] = e;
	}
	return (struct item_list){ items, n };
}

/* The first that can be asked; NULL: everything was recorded. */
static const char *probed_model(const struct climb *c)
{
	return c->options->models ? outcomes_first_other(c->options->models, c->options->n_models)
				  : outcomes_first_other(c->task->models, c->task->n_models);
}

/* Asks rows first .. last; record (KNOWLEDGE_ROWS) receives their scores. */
static bool ask_rows(struct climb *c, enum knowledge_row first, enum knowledge_row last, struct item_list items,
		     struct record *records, struct error *err)
{
	size_t n;
	const struct technique *probes = technique_probes(c->task->kind, &n);

	for (enum knowledge_row row = first; row <= last; row++) {
		struct variant v = { .id = probe_id(&c->arena, &probes[row], probed_model(c)), .name = probes[row].name,
				     .model = probed_model(c), .rung = 1, .technique = &probes[row] };

		records[row].score = arena_array(&c->arena, items.n, sizeof(double));
		records[row].tokens = arena_array(&c->arena, items.n, sizeof(double));
		const char *unfit; /* the default cutting suits every document */

		if (!variant_ready(c->workshop, &v, &unfit, err) || !measure(c, &v, "probe", items, 0, items.n, &records[row], err))
			return false;
	}
	return true;
}

static bool can_probe(const struct climb *c)
{
	size_t n;

	return technique_probes(c->task->kind, &n) && probed_model(c) && c->task->has_gold && c->task->documents.n_paths > 0;
}

bool probe_before(struct climb *c, const char **why, struct error *err)
{
	struct item_list items = probe_items(c->dev, &c->arena);
	struct record records[KNOWLEDGE_ROWS];

	*why = NULL;
	if (!can_probe(c) || items.n == 0)
		return true;
	if (!ask_rows(c, KNOWLEDGE_CLOSED, KNOWLEDGE_ORACLE, items, records, err))
		return false;
	struct difference gap = difference_of(records[KNOWLEDGE_CLOSED].score, records[KNOWLEDGE_ORACLE].score, items.n,
						      order_clusters(items, &c->arena));

	if (knowledge_cannot_help(&gap, c->task->margin))
		*why = arena_printf(&c->arena, NOT_BUILT "with the passages that hold the answers before it, %s gains %.1f points on %zu "
				    "dev items, at most %.1f (margin %.1f)", probed_model(c), 100 * gap.delta, gap.n,
				    100 * gap.high, 100 * c->task->margin);
	return true;
}

bool probe_after(struct climb *c, struct error *err)
{
	struct item_list items = probe_items(c->dev, &c->arena);
	struct record records[KNOWLEDGE_ROWS];

	return !can_probe(c) || items.n == 0 || ask_rows(c, KNOWLEDGE_RETRIEVED, KNOWLEDGE_WITHOUT, items, records, err);
}

/* The row's scores by item, of those items that it answered. */
static bool load_row(const struct task *task, struct store *store, int64_t run, const char *id, bool abstention,
		     struct item_list items, struct arena *arena, double **score, bool *complete, struct error *err)
{
	const struct answer_row **rows;

	if (!answers_of(store, run, id, "probe", items, arena, &rows, err))
		return false;
	*score = arena_array(arena, items.n, sizeof(**score));
	*complete = items.n > 0;
	for (size_t i = 0; i < items.n; i++) {
		if (!rows[i])
			*complete = false;
		else if (abstention)
			(*score)[i] = strcmp(rows[i]->status, "abstained") == 0;
		else
			(*score)[i] = scorer_grade(task, items.items[i], rows[i]->answer);
	}
	return true;
}

bool probe_load(const struct task *task, struct store *store, int64_t run, struct dev_items order, const char *model,
		struct arena *arena, struct knowledge *k, struct error *err)
{
	struct item_list items = probe_items(order, arena);
	size_t n;
	const struct technique *probes = technique_probes(task->kind, &n);

	*k = (struct knowledge){ .n = items.n, .cluster = order_clusters(items, arena) };
	for (size_t row = 0; row < n; row++) {
		double *score;
		bool complete;

		if (!load_row(task, store, run, probe_id(arena, &probes[row], model), row == KNOWLEDGE_WITHOUT, items, arena, &score,
			      &complete, err))
			return false;
		k->score[row] = complete ? score : NULL;
	}
	return true;
}
