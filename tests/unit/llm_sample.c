/* The kept set and its probabilities against a plain implementation that sorts everything, and frequencies of draws. */
#include "test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "llm/sample.h"

enum { N = 400 };

static const struct {
	const char *name;
	struct sampling s;
} settings[] = {
	{ "greedy", { 0, 0, 0, 0 } },
	{ "greedy whatever else is set", { 0, 5, 0.5, 0.1 } },
	{ "temperature 1", { 1, 0, 0, 0 } },
	{ "cold", { 0.2, 0, 0, 0 } },
	{ "hot", { 3, 0, 0, 0 } },
	{ "top-k", { 1, 7, 0, 0 } },
	{ "top-k of more than there are", { 1, 1000, 0, 0 } },
	{ "top-k 1", { 1, 1, 0, 0 } },
	{ "top-p", { 1, 0, 0.9, 0 } },
	{ "top-p so small that one is left", { 1, 0, 1e-9, 0 } },
	{ "top-p 1 keeps all", { 1, 0, 1, 0 } },
	{ "min-p", { 1, 0, 0, 0.05 } },
	{ "min-p 1", { 1, 0, 0, 1 } },
	{ "all together", { 0.7, 40, 0.9, 0.02 } },
	{ "top-p counts what top-k left", { 1.5, 5, 0.7, 0 } },
};

static void fill_logits(struct rng *rng, float *logits, size_t round)
{
	for (size_t i = 0; i < N; i++) {
		logits[i] = (float)(12 * rng_double(rng) - 6);
		if (round % 3 == 1) /* many ties */
			logits[i] = floorf(logits[i]);
		if (round % 3 == 2 && rng_below(rng, 4) == 0)
			logits[i] = rng_below(rng, 2) ? -INFINITY : NAN;
	}
}

/* The definition: p (n) is 0 for what may not be drawn. */
static void reference(const struct sampling *s, const float *logits, double *p)
{
	size_t order[N], left = N;
	double sum = 0, mass = 0, best;

	for (size_t i = 0; i < N; i++) { /* by insertion: likeliest first, then lower id */
		size_t at = i;

		for (; at > 0 && !(logits[order[at - 1]] >= logits[i]) && !isnan(logits[i]); at--)
			order[at] = order[at - 1];
		order[at] = i;
		p[i] = 0;
	}
	if (s->temperature <= 0) {
		p[order[0]] = 1;
		return;
	}
	best = (double)logits[order[0]];
	for (size_t i = 0; i < N; i++)
		p[i] = isnan(logits[i]) ? 0 : exp(((double)logits[i] - best) / s->temperature);
	if (s->top_k > 0 && s->top_k < left)
		left = s->top_k;
	for (size_t i = 0; i < left; i++)
		sum += p[order[i]];
	for (size_t i = 0; i < left && s->top_p > 0 && s->top_p < 1; i++) {
		mass += p[order[i]];
		if (mass / sum >= s->top_p)
			left = i + 1;
	}
	sum = 0;
	for (size_t i = 0; i < N; i++) {
		if (i >= left || (s->min_p > 0 && p[order[i]] < s->min_p))
			p[order[i]] = 0;
		sum += p[order[i]];
	}
	for (size_t i = 0; i < N; i++)
		p[i] /= sum;
}

static void kept_tokens_are_those_of_the_definition(void **state)
{
	struct sample_choice kept[N];
	float logits[N];
	double want[N];
	struct rng rng;

	(void)state;
	rng_init(&rng, 1, "logits");
	for (size_t round = 0; round < 60; round++) {
		fill_logits(&rng, logits, round);
		for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
			size_t n = sample_kept(&settings[i].s, logits, N, kept), n_want = 0;

			reference(&settings[i].s, logits, want);
			for (size_t j = 0; j < N; j++)
				n_want += want[j] > 0;
			if (n != n_want)
				fail_msg("%s, round %zu: kept %zu, want %zu", settings[i].name, round, n, n_want);
			for (size_t j = 0; j < n; j++) {
				assert_true(kept[j].p > 0 && want[kept[j].id] > 0);
				assert_close(settings[i].name, kept[j].p, want[kept[j].id], 1e-12);
				want[kept[j].id] = 0; /* none comes twice */
			}
		}
	}
}

/* Each count is binomial; 5 standard deviations are exceeded once in 1.7 million, and the seed is fixed. */
static void draws_have_the_frequencies_of_their_probabilities(void **state)
{
	enum { DRAWS = 20000 };
	struct sample_choice kept[N];
	float logits[N];
	struct rng rng;

	(void)state;
	rng_init(&rng, 2, "logits");
	fill_logits(&rng, logits, 0);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		size_t count[N] = { 0 }, drawn = 0, n;

		for (size_t j = 0; j < DRAWS; j++)
			count[sample_token(&settings[i].s, logits, N, rng_double(&rng), kept)]++;
		n = sample_kept(&settings[i].s, logits, N, kept);
		for (size_t j = 0; j < n; j++) {
			double p = kept[j].p, deviation = sqrt(DRAWS * p * (1 - p));
			double off = fabs((double)count[kept[j].id] - DRAWS * p);

			if (off > 5 * deviation + 1)
				fail_msg("%s: token %d drawn %zu times, probability %g", settings[i].name, kept[j].id,
					 count[kept[j].id], p);
			drawn += count[kept[j].id];
		}
		assert_int_equal(drawn, DRAWS); /* and nothing else */
	}
}

static void the_ends_of_the_unit_interval_are_tokens(void **state)
{
	static const float logits[] = { -INFINITY, 1, 0, -INFINITY };
	static const struct sampling s = { .temperature = 1 };
	struct sample_choice room[4];

	(void)state;
	assert_int_equal(sample_token(&s, logits, 4, 0, room), 1);
	assert_int_equal(sample_token(&s, logits, 4, 1 - 0x1p-53, room), 2);
	assert_int_equal(sample_token(&s, logits, 4, 0.7310, room), 1); /* e / (e + 1) = 0.73106 */
	assert_int_equal(sample_token(&s, logits, 4, 0.7311, room), 2);
}

static void rows_without_a_finite_logit_have_an_answer(void **state)
{
	static const struct {
		const char *name;
		float logits[3];
		int32_t id;
	} rows[] = {
		{ "all NaN", { NAN, NAN, NAN }, 0 },
		{ "all minus infinity", { -INFINITY, -INFINITY, -INFINITY }, 0 },
		{ "NaN first", { NAN, -3, -4 }, 1 },
		{ "plus infinity", { 5, 1, INFINITY }, 2 },
	};
	struct sample_choice room[3];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t j = 0; j < ARRAY_SIZE(settings); j++) {
			int32_t id = sample_token(&settings[j].s, rows[i].logits, 3, 0, room);

			if (id != rows[i].id)
				fail_msg("%s, %s: token %d", rows[i].name, settings[j].name, id);
		}
}

static void log_sums_do_not_overflow(void **state)
{
	static const float logits[] = { 1e4f, 1e4f, NAN, -INFINITY }, none[] = { -INFINITY, NAN };

	(void)state;
	assert_close("log sum", sample_log_sum(logits, 4), 1e4 + log(2), 1e-12);
	assert_true(sample_log_sum(none, 2) < 0 && isinf(sample_log_sum(none, 2)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_tokens_are_those_of_the_definition),
		cmocka_unit_test(draws_have_the_frequencies_of_their_probabilities),
		cmocka_unit_test(the_ends_of_the_unit_interval_are_tokens),
		cmocka_unit_test(rows_without_a_finite_logit_have_an_answer),
		cmocka_unit_test(log_sums_do_not_overflow),
	};

	return cmocka_run_group_tests_name("llm_sample", tests, NULL, NULL);
}
