/* samples.c - what the sampling probe found; and of prompts that score labels, where the right one stands among them */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "eval/samples.h"
#include "report/diagnosis.h"
#include "stats/sampled.h"
#include "task/scorer.h"

/* --- several samples ------------------------------------------------------------------------------------------------ */

/* The items that were asked again: how the answer that is served scored, the best of the samples, and their vote. */
struct resampled {
	double *served, *best, *vote; /* (n) */
	bool *passed;
	const struct example **items;
	size_t n, population[2]; /* dev items that failed, and that passed */
};

static bool best_of(struct diagnosing *d, const struct variant *v, const struct example *item, const struct answer_row *row, double *best,
		    struct error *err)
{
	double scores[PROBE_SAMPLES] = { 0 };
	struct call_row *calls;
	size_t n;

	if (!store_answer_calls(d->store, d->run, row, d->arena, &calls, &n, err))
		return false;
	for (size_t i = 0; i < n && i < PROBE_SAMPLES; i++)
		scores[i] = scorer_grade(d->task, item, variant_reply(d->task, v, &calls[i], d->arena));
	*best = pass_at_k(scores, PROBE_SAMPLES, PROBE_SAMPLES);
	return true;
}

static bool resampled_read(struct diagnosing *d, const struct variant *served, const struct variant *sampled, struct resampled *r,
			   struct error *err)
{
	const struct answer_row **first, **again;
	size_t n = d->dev.n + 1;

	*r = (struct resampled){ arena_array(d->arena, n, sizeof(double)), arena_array(d->arena, n, sizeof(double)),
				 arena_array(d->arena, n, sizeof(double)), arena_array(d->arena, n, sizeof(bool)),
				 arena_array(d->arena, n, sizeof(*r->items)), 0, { 0, 0 } };
	if (!answers_of(d->store, d->run, served->id, "dev", d->dev, d->arena, &first, err) ||
	    !answers_of(d->store, d->run, sampled->id, "probe", d->dev, d->arena, &again, err))
		return false;
	for (size_t i = 0; i < d->dev.n; i++) {
		const struct example *item = d->dev.items[i];
		double score = first[i] ? scorer_grade(d->task, item, first[i]->answer) : NAN;

		if (isnan(score))
			continue;
		r->population[score >= SAMPLED_PASS]++;
		if (!again[i])
			continue;
		if (!best_of(d, sampled, item, again[i], &r->best[r->n], err))
			return false;
		r->vote[r->n] = scorer_grade(d->task, item, again[i]->answer);
		r->served[r->n] = score;
		r->passed[r->n] = score >= SAMPLED_PASS;
		r->items[r->n++] = item;
	}
	return true;
}

/* Weighed back to dev, where failures are rarer than among those asked. */
static struct difference weighed(struct diagnosing *d, const struct resampled *r, const double *to)
{
	struct difference x = { .n = r->n };
	double *change = arena_array(d->arena, r->n + 1, sizeof(*change));

	for (size_t i = 0; i < r->n; i++) {
		change[i] = to[i] - r->served[i];
		x.fixed += change[i] > 0;
		x.broken += change[i] < 0;
	}
	struct sampled_mean m = sampled_mean(change, r->passed, order_clusters((struct item_list){ r->items, r->n }, d->arena), r->n, r->population);

	x.delta = m.mean;
	x.low = m.low;
	x.high = m.high;
	return x;
}

/* With few labels any that is named often enough is right some time: there only the vote says something. */
static const char *samples_point_to(const struct diagnosing *d, const struct difference *best, const struct difference *vote)
{
	if (best->high < d->report->margin)
		return "not reasoning: sampled again, the model hardly ever finds what it missed";
	if (vote->low > 0 || (d->task->n_labels == 0 && best->low > 0 && best->delta >= d->report->margin))
		return "reasoning before the answer, or a check that picks the right one of several";
	return "";
}

static bool resample(struct diagnosing *d, const struct variant *v, struct error *err)
{
	const struct variant *sampled = samples_variant(v, d->arena);
	struct resampled r;

	if (!sampled)
		return true;
	if (!resampled_read(d, v, sampled, &r, err))
		return false;
	if (r.n < 2 * SAMPLED_FAILURES || r.population[0] == 0 || r.population[1] == 0)
		return true;
	struct difference best = weighed(d, &r, r.best), vote = weighed(d, &r, r.vote);

	diagnosis_add(d, (struct probe_finding){ arena_printf(d->arena, "the best of %d samples of %s (pass@%d)", PROBE_SAMPLES, v->name, PROBE_SAMPLES),
						 best, samples_point_to(d, &best, &vote), FINDING_SAMPLES, NULL });
	diagnosis_add(d, (struct probe_finding){ arena_printf(d->arena, "the vote of %d samples of %s", PROBE_SAMPLES, v->name), vote,
						 vote.low > 0 ? "several samples that vote (self-consistency)" : "", FINDING_SAMPLES, NULL });
	return true;
}

/* --- scored labels -------------------------------------------------------------------------------------------------- */

/* Adds the probabilities of the labels of one call; false when it has none. */
static bool add_probabilities(struct diagnosing *d, const struct answer_row *row, double *p, struct error *err)
{
	size_t labels = d->task->n_labels, n;
	struct call_row *calls;
	double most = -INFINITY, sum = 0;

	if (!store_answer_calls(d->store, d->run, row, d->arena, &calls, &n, err))
		return false;
	json_t *scores = n > 0 && calls[n - 1].scores ? json_loads(calls[n - 1].scores, 0, NULL) : NULL;

	if (json_array_size(scores) == labels) {
		for (size_t i = 0; i < labels; i++)
			most = fmax(most, json_number_value(json_array_get(scores, i)));
		for (size_t i = 0; i < labels; i++)
			sum += exp(json_number_value(json_array_get(scores, i)) - most);
		for (size_t i = 0; i < labels; i++)
			p[i] += exp(json_number_value(json_array_get(scores, i)) - most) / sum;
	}
	json_decref(scores);
	return true;
}

/* The prior that divides them, where the variant is calibrated: the mean over the calls it asked for that. */
static bool read_prior(struct diagnosing *d, const struct variant *v, double *prior, struct error *err)
{
	struct answer_row *rows;
	size_t n;

	if (!store_answers(d->store, d->run, v->id, "prior", d->arena, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!add_probabilities(d, &rows[i], prior, err))
			return false;
	for (size_t i = 0; i < d->task->n_labels && n == 0; i++)
		prior[i] = 1;
	return true;
}

/* Labels that are more likely than the example's. */
static size_t rank_of(const struct task *task, const struct example *e, const double *p, const double *prior)
{
	size_t rank = 0;

	for (size_t i = 0; i < task->n_labels; i++)
		rank += i != e->label && p[i] / fmax(prior[i], 1e-12) > p[e->label] / fmax(prior[e->label], 1e-12);
	return rank;
}

static bool rank_labels(struct diagnosing *d, const struct variant *v, struct error *err)
{
	double *first = arena_array(d->arena, d->dev.n + 1, sizeof(double)), *two = arena_array(d->arena, d->dev.n + 1, sizeof(double));
	double *prior = arena_array(d->arena, d->task->n_labels, sizeof(*prior)), wrong = 0;
	const struct example **items = arena_array(d->arena, d->dev.n + 1, sizeof(*items));
	const struct answer_row **rows;
	size_t n = 0;

	if (!read_prior(d, v, prior, err) || !answers_of(d->store, d->run, v->id, "dev", d->dev, d->arena, &rows, err))
		return false;
	for (size_t i = 0; i < d->dev.n; i++) {
		double *p = arena_array(d->arena, d->task->n_labels, sizeof(*p));

		if (!rows[i] || !rows[i]->answer)
			continue;
		if (!add_probabilities(d, rows[i], p, err))
			return false;
		first[n] = scorer_grade(d->task, d->dev.items[i], rows[i]->answer);
		two[n] = fmax(first[n], rank_of(d->task, d->dev.items[i], p, prior) < 2);
		items[n] = d->dev.items[i];
		wrong += 1 - first[n++];
	}
	if (n < DIAGNOSIS_FEWEST)
		return true;
	struct difference x = difference_of(first, two, n, order_clusters((struct item_list){ items, n }, d->arena));
	double chance = wrong / (double)n / (double)(d->task->n_labels - 1);

	x.low = fmax(x.low, 0);
	diagnosis_add(d, (struct probe_finding){ arena_printf(d->arena, "the right label among the first two of %s", v->name), x,
						 x.low > chance ? "telling close labels apart: definitions, shots of both, a second look at the two" : "",
						 FINDING_SAMPLES,
						 arena_printf(d->arena, "where a second guess at random would add %.1f", 100 * chance) });
	return true;
}

bool samples_findings(struct diagnosing *d, struct error *err)
{
	for (size_t i = 0; i < d->report->n_variants; i++) {
		const struct report_variant *v = &d->report->variants[i];
		const struct variant *recipe = v->candidate && v->rung == 1 && v->dev.n > 0 ? diagnosis_recipe(d, v->id) : NULL;
		bool scored = recipe && recipe->technique && recipe->technique->answer == ANSWER_SCORES;

		if (recipe && !(scored && d->task->n_labels > 2 ? rank_labels(d, recipe, err) : resample(d, recipe, err)))
			return false;
	}
	return true;
}
