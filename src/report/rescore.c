/* rescore.c - the replies of the prompts that matter, graded once more with their form forgiven: no call is made */
#include <string.h>

#include "prompt/lenient.h"
#include "report/diagnosis.h"
#include "task/scorer.h"

/* Whether its answer is read out of one reply; label scores have no form, and of a vote no reply is the answer. */
static bool replies_in_text(const struct variant *v)
{
	return v && v->model && (!v->technique || (v->technique->answer != ANSWER_SCORES && v->technique->samples == 0));
}

/* The reply that the answer was read from; NULL: nothing came back. */
static bool reply_of(struct diagnosing *d, const struct answer_row *row, const char **reply, struct error *err)
{
	struct call_row *calls;
	size_t n;

	if (!store_answer_calls(d->store, d->run, row, d->arena, &calls, &n, err))
		return false;
	*reply = n > 0 ? calls[n - 1].output : NULL;
	return true;
}

static const char *points_to(const struct difference *x, double margin)
{
	if (x->low > 0)
		return "structured output: the form of the reply is at fault";
	return x->high < margin ? "not the form: read leniently, the replies say the same" : "";
}

static bool rescore(struct diagnosing *d, const struct variant *v, struct error *err)
{
	double *strict = arena_array(d->arena, d->dev.n + 1, sizeof(*strict));
	double *lenient = arena_array(d->arena, d->dev.n + 1, sizeof(*lenient));
	const struct example **items = arena_array(d->arena, d->dev.n + 1, sizeof(*items));
	bool reasoned = v->technique && v->technique->reasoning;
	const struct answer_row **rows;
	const char *reply;
	size_t n = 0;

	if (!answers_of(d->store, d->run, v->id, "dev", d->dev, d->arena, &rows, err))
		return false;
	for (size_t i = 0; i < d->dev.n; i++) {
		if (!rows[i])
			continue;
		if (!reply_of(d, rows[i], &reply, err))
			return false;
		items[n] = d->dev.items[i];
		strict[n] = scorer_grade(d->task, items[n], rows[i]->answer);
		lenient[n] = reply ? lenient_grade(d->task, items[n], rows[i]->answer, reply, reasoned) : strict[n];
		n++;
	}
	if (n < DIAGNOSIS_FEWEST)
		return true;
	struct difference x = difference_of(strict, lenient, n, order_clusters((struct item_list){ items, n }, d->arena));

	x.low = x.low < 0 ? 0 : x.low; /* a lenient reading takes nothing away */
	diagnosis_add(d, (struct probe_finding){ arena_printf(d->arena, "lenient re-score of %s", v->name), x,
						 points_to(&x, d->report->margin), FINDING_FORM, NULL });
	return true;
}

/* Nothing but the task's own words, answered in running text. */
static bool is_plain(const struct variant *v)
{
	const struct technique *t = v->technique;

	return t && t->answer == ANSWER_TEXT && !t->reasoning && !t->definitions && t->shots == SHOTS_NONE && t->passages == PASSAGES_NONE &&
	       v->wording == 0;
}

/* Candidates and what is in use; where rung 1's candidate has no form to lose anything by, the plain prompt of its model, to say why. */
bool rescore_findings(struct diagnosing *d, struct error *err)
{
	const struct variant *formless = NULL;

	if (d->task->grades) /* whoever grades outside was not asked about the lenient readings */
		return true;
	for (size_t i = 0; i < d->report->n_variants; i++) {
		const struct report_variant *v = &d->report->variants[i];
		const struct variant *recipe = v->candidate && v->dev.n > 0 && v->rung < 3 ? diagnosis_recipe(d, v->id) : NULL;

		if (replies_in_text(recipe) && !rescore(d, recipe, err))
			return false;
		if (recipe && v->rung == 1 && v->model && !replies_in_text(recipe))
			formless = recipe;
	}
	for (size_t i = 0; formless && i < d->report->n_variants; i++) {
		const struct report_variant *v = &d->report->variants[i];
		const struct variant *recipe = v->dev.n > 0 && v->rung == 1 && !v->candidate ? diagnosis_recipe(d, v->id) : NULL;

		if (recipe && recipe->model && is_plain(recipe) && strcmp(recipe->model, formless->model) == 0 && !rescore(d, recipe, err))
			return false;
	}
	return true;
}
