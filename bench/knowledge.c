/* knowledge.c - the knowledge probe (decide/knowledge.h) on every example of a task, as a benchmark: one look, nothing chosen.
 *
 *     knowledge MODELS TASK FOLDER [MODEL]
 *
 * Documents and answers are kept in FOLDER, so that it goes on where it was. Prints one line a row (its name, the mean score) and
 * one a finding: its name, items, observations (clusters), delta, low, high, what it points to; separated by tabs. */
#include <stdio.h>
#include <string.h>

#include "decide/knowledge.h"
#include "eval/eval.h"
#include "task/scorer.h"
#include "variant/variant.h"

struct asking {
	struct task *task;
	struct store *store;
	struct library *library;
	struct models *models;
	struct workshop *workshop;
	struct arena arena;
	const char *model;
	struct dev_items items; /* all of them, in one order */
};

static struct error err;

static void must(bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "knowledge: %s\n", err.text);
	exit(1);
}

/* A task whose dev items are all that have an answer. */
static struct dev_items every_item(struct task *t, struct arena *arena)
{
	const struct item_list lists[] = { t->pool.list, t->dev.list, t->test.list };
	const struct example **all = arena_array(arena, t->n_rows, sizeof(*all));
	size_t n = 0;

	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l].n; i++)
			if (lists[l].items[i]->answer[0])
				all[n++] = lists[l].items[i];
	t->dev.list = (struct item_list){ all, n };
	return dev_order(t, 0, arena);
}

static void open_all(struct asking *a, char **argv, const char *model)
{
	static const struct model_settings settings;
	const struct task_options options = { 0 };

	arena_init(&a->arena);
	a->model = model;
	must((a->task = task_open(argv[2], &options, &err)) != NULL);
	a->models = models_open(argv[1], &settings);
	must((a->store = store_open(arena_printf(&a->arena, "%s/store.db", argv[3]), true, &err)) != NULL);
	must((a->library = library_open(arena_printf(&a->arena, "%s/docs.db", argv[3]), true, a->models, &err)) != NULL);
	const struct task_documents *d = &a->task->documents;
	struct source source = { .paths = d->paths, .n_paths = d->n_paths, .folder = a->task->folder, .text = d->text,
				 .n_text = d->n_text, .id = d->id };
	struct library_counts counts = { 0 };

	must(library_add(a->library, &source, true, NULL, &counts, &err));
	a->items = every_item(a->task, &a->arena);
	a->workshop = workshop_open(a->task, a->items, a->models, a->library, a->store, 0, 0);
}

static const double *ask_row(struct asking *a, const struct technique *t, bool abstention)
{
	struct variant v = { .id = t->id, .name = t->name, .model = a->model, .rung = 1, .technique = t };
	size_t n = a->items.list.n;
	struct answer *answers = arena_array(&a->arena, n, sizeof(*answers));
	double *score = arena_array(&a->arena, n, sizeof(*score)), sum = 0;
	const char *unfit;

	must(variant_ready(a->workshop, &v, &unfit, &err) &&
	     variant_answer(a->workshop, &v, a->items.list.items, n, &a->arena, answers, &err));
	for (size_t i = 0; i < n; i++) {
		score[i] = abstention ? strcmp(answers[i].status, "abstained") == 0
				      : scorer_grade(a->task, a->items.list.items[i], answers[i].text);
		sum += score[i];
	}
	printf("%s\t%.4f\n", t->name, sum / (double)n);
	fflush(stdout);
	return score;
}

int main(int argc, char **argv)
{
	struct asking a = { 0 };
	struct probe_finding found[PROBE_FINDINGS];
	size_t n_rows;

	if (argc < 4) {
		printf("# knowledge MODELS TASK FOLDER [MODEL]: bench/library.py calls it\n");
		return 0;
	}
	open_all(&a, argv, argc > 4 ? argv[4] : "local");
	const struct technique *probes = technique_probes(a.task->kind, &n_rows);
	struct knowledge k = { .n = a.items.list.n, .cluster = order_clusters(a.items.list, &a.arena) };

	for (size_t row = 0; row < n_rows; row++)
		k.score[row] = ask_row(&a, &probes[row], row == KNOWLEDGE_WITHOUT);
	size_t n = knowledge_findings(&k, a.task->margin, found), clusters = k.cluster ? k.cluster[k.n - 1] + 1 : k.n;

	for (size_t i = 0; i < n; i++)
		printf("%s\t%zu\t%zu\t%.4f\t%.4f\t%.4f\t%s\n", found[i].probe, found[i].difference.n, clusters, found[i].difference.delta,
		       found[i].difference.low, found[i].difference.high, found[i].points_to);
	workshop_free(a.workshop);
	library_close(a.library);
	store_close(a.store);
	models_free(a.models);
	task_free(a.task);
	arena_release(&a.arena);
	return 0;
}
