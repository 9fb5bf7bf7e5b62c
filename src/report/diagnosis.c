/* diagnosis.c - one probe after another, and what they share */
#include "report/diagnosis.h"

#include <math.h>
#include <string.h>

#include "eval/probe.h"
#include "report/techniques.h"
#include "task/outcomes.h"

void diagnosis_add(struct diagnosing *d, struct probe_finding f)
{
	if (d->n == d->room) {
		struct probe_finding *more = arena_array(d->arena, 2 * d->room + 8, sizeof(*more));

		if (d->n > 0)
			memcpy(more, d->out, d->n * sizeof(*more));
		d->out = more;
		d->room = 2 * d->room + 8;
	}
	d->out[d->n++] = f;
}

const struct variant *diagnosis_recipe(const struct diagnosing *d, const char *id)
{
	for (size_t i = 0; i < d->n_recipes; i++)
		if (strcmp(d->recipes[i].id, id) == 0)
			return &d->recipes[i];
	return NULL;
}

static bool knowledge(struct diagnosing *d, struct dev_items dev, const char *model, struct report *report, struct error *err)
{
	struct probe_finding found[PROBE_FINDINGS];
	struct knowledge k;

	if (!probe_load(d->task, d->store, d->run, dev, model, d->arena, &k, err))
		return false;
	size_t n = knowledge_findings(&k, report->margin, found);

	for (size_t i = 0; i < n; i++)
		diagnosis_add(d, found[i]);
	report->probe.n = k.n;
	for (size_t row = 0; row < KNOWLEDGE_ROWS; row++) {
		double sum = 0;

		for (size_t i = 0; k.score[row] && i < k.n; i++)
			sum += k.score[row][i];
		report->probe.score[row] = k.score[row] ? sum / (double)k.n : NAN;
	}
	return true;
}

static bool techniques(struct diagnosing *d, struct error *err)
{
	struct probe_finding *found;
	size_t n;

	if (!techniques_findings(d->task, d->store, d->run, d->report->variants, d->report->n_variants, d->arena, &found, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		diagnosis_add(d, found[i]);
	return true;
}

bool diagnosis_build(const struct task *task, struct store *store, const struct run_row *run, const char *curation, struct arena *arena,
		     struct report *report, struct error *err)
{
	struct dev_items dev = dev_order(task, run->seed, arena);
	struct diagnosing d = { .task = task, .store = store, .run = run->id, .arena = arena, .report = report, .dev = dev.list };
	size_t n_models;
	const char *const *models = settings_models(run->settings, arena, &n_models);
	const char *probed = outcomes_first_other(models, n_models);

	if (!run_variants(task, store, run, arena, &d.recipes, &d.n_recipes, err))
		return false;
	labels_findings(&d, curation);
	rewriting_findings(&d);
	if (!knowledge(&d, dev, probed ? probed : "", report, err) || !techniques(&d, err) ||
	    !rescore_findings(&d, err) || !samples_findings(&d, err))
		return false;
	report->diagnosis = d.out;
	report->n_diagnosis = d.n;
	return true;
}
