/* variants.c - a variant's stored answers: scores, intervals, what came of each, tokens, time. */
#include "report/variants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "report/micro.h"
#include "report/retrieval.h"
#include "stats/interval.h"
#include "stats/quantile.h"
#include "task/scorer.h"

static size_t outcome_of(const struct task *task, const struct example *item, const struct answer_row *a)
{
	static const struct { const char *status; enum report_outcome outcome; } table[] = {
		{ "unparsed", OUTCOME_UNPARSED }, { "refused", OUTCOME_REFUSED }, { "truncated", OUTCOME_TRUNCATED },
		{ "timeout", OUTCOME_TIMEOUT }, { "error", OUTCOME_ERROR },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(a->status, table[i].status) == 0)
			return table[i].outcome;
	return scorer_grade(task, item, a->answer) >= 1 ? OUTCOME_RIGHT : OUTCOME_WRONG;
}

static void set_interval(struct report_score *s, double sum, double squares, bool binary)
{
	double n = (double)s->n, variance = n > 1 ? (squares - sum * sum / n) / (n - 1) : INFINITY;
	struct interval interval = binary ? interval_wilson((uint64_t)llround(sum), s->n, 0.95)
					  : interval_mean_t(sum / n, sqrt(fmax(variance, 0)), s->n, 0.95);

	s->score = sum / n;
	s->low = fmax(interval.low, 0);
	s->high = fmin(interval.high, 1);
}

/* Items of one group are one observation, in the interval of a score as in the verdict's. */
static void widen_interval(struct report_score *s, const struct cluster *sums, size_t groups)
{
	struct interval interval = interval_cluster(sums, groups, 0.95);

	s->low = fmax(interval.low, 0);
	s->high = fmin(interval.high, 1);
}

/* Adds one split's answers to the variant's totals and computes its score there. */
static struct report_score read_split(const struct answers_read *from, struct report_variant *v, const struct split *split,
				      const struct answer_row *rows, size_t n, double *ms, size_t *n_ms)
{
	struct item_list items = split->items;
	struct cluster *sums = mem_zero(items.n + 1, sizeof(*sums));
	struct hash_map by_item = { 0 };
	struct report_score s = { 0 };
	double sum = 0, squares = 0;

	for (size_t i = 0; i < items.n; i++)
		hash_map_put(&by_item, items.items[i]->id, strlen(items.items[i]->id), i);
	memset(v->outcomes, 0, sizeof(v->outcomes));
	for (size_t i = 0; i < n; i++) {
		size_t at = hash_map_get(&by_item, rows[i].item, strlen(rows[i].item), SIZE_MAX);

		if (at == SIZE_MAX)
			continue;
		double score = scorer_grade(from->task, items.items[at], rows[i].answer);

		s.n++;
		sum += score;
		squares += score * score;
		if (split->cluster) {
			sums[split->cluster[at]].sum += score;
			sums[split->cluster[at]].size++;
		}
		v->outcomes[outcome_of(from->task, items.items[at], &rows[i])]++;
		v->calls += rows[i].calls;
		v->scored += rows[i].scored;
		v->written += rows[i].written;
		v->input_tokens += (double)rows[i].input_tokens;
		v->output_tokens += (double)rows[i].output_tokens;
		if (!isnan(rows[i].usd)) {
			v->usd_recorded += rows[i].usd;
			v->priced++;
		}
		ms[(*n_ms)++] = rows[i].ms;
	}
	hash_map_release(&by_item);
	if (s.n)
		set_interval(&s, sum, squares, scorer_is_binary(from->task));
	if (s.n && split->cluster)
		widen_interval(&s, sums, items.n);
	free(sums);
	return s;
}

bool variant_measured(const struct answers_read *from, const struct variant_row *row, struct report_variant *v, struct error *err)
{
	static const char *const statuses[] = { "measured", "raced out", "skipped", "failed" };
	struct answer_row *dev, *test;
	size_t n_dev, n_test, n_ms = 0;

	*v = (struct report_variant){ .id = row->id, .name = row->name, .model = row->model, .rung = row->rung,
				      .candidate = row->candidate, .incumbent = row->incumbent, .why = row->why,
				      .usd_per_1k_calls = NAN, .usd_per_1k_right = NAN, .usd_per_day = NAN,
				      .one_off_usd = NAN, .tco_usd = NAN, .break_even_days = NAN, .break_even_calls = NAN };
	for (size_t i = 0; i < 4; i++)
		if (strcmp(row->status, statuses[i]) == 0)
			v->status = (enum variant_status)i;
	if (!store_answers(from->store, from->run, row->id, "dev", from->arena, &dev, &n_dev, err) ||
	    !store_answers(from->store, from->run, row->id, "test", from->arena, &test, &n_test, err))
		return false;
	double *ms = arena_array(from->arena, n_dev + n_test, sizeof(*ms));

	v->dev = read_split(from, v, &from->dev, dev, n_dev, ms, &n_ms);
	if (n_test)
		v->test = read_split(from, v, &from->test, test, n_test, ms, &n_ms);
	if (isnan(v->dev.score) || isnan(v->test.score))
		return error_set(err, "%s: the store has answers of \"%s\" without a grade of scorer %s; run `rung climb` again", from->task->file,
				 row->id, from->task->scorer);
	v->retrieval = retrieval_of(from->task, n_test ? from->task->test.list : from->task->dev.list, n_test ? test : dev,
				    n_test ? n_test : n_dev, from->arena);
	v->micro = n_test ? micro_of(from->task, from->task->test.list, test, n_test) : micro_of(from->task, from->task->dev.list, dev, n_dev);
	v->input_tokens = v->calls ? v->input_tokens / (double)v->calls : 0;
	v->output_tokens = v->calls ? v->output_tokens / (double)v->calls : 0;
	v->usd_recorded = v->priced ? v->usd_recorded / (double)v->priced : NAN;
	for (size_t i = 0; i < n_ms; i++)
		v->ms_mean += ms[i] / (double)n_ms;
	v->ms_p50 = quantile(ms, n_ms, 0.5);
	v->ms_p95 = quantile(ms, n_ms, 0.95);
	if (n_ms == 0)
		v->ms_mean = NAN;
	return true;
}
