/* Attention for training against a naive one in double precision, and its derivative against that one's finite differences: both
 * ways and causal, with windows, grouped heads, and spans behind a prefix that several share. */
#include "test.h"

#include <string.h>

#include "base/arena.h"
#include "base/pool.h"
#include "base/rng.h"
#include "train/attend.h"

static const float guard = -12345.0f; /* what must not be written over */

enum { SPANS = 4, ROWS_MOST = 64 };

static const struct {
	const char *name;
	size_t rows; /* of the batch */
	size_t heads, kv_heads, width;
	bool causal;
	size_t window, n_spans;
	struct span spans[SPANS];
} cases[] = {
	{ "one row", 1, 1, 1, 4, false, 0, 1, { { 0, 1, 0, 0 } } },
	{ "both ways", 29, 2, 2, 5, false, 0, 3, { { 0, 7, 0, 0 }, { 7, 1, 0, 0 }, { 8, 21, 0, 0 } } },
	{ "causal", 26, 2, 2, 8, true, 0, 2, { { 0, 9, 0, 0 }, { 9, 17, 0, 0 } } },
	{ "grouped heads", 18, 6, 2, 3, true, 0, 2, { { 0, 5, 0, 0 }, { 5, 13, 0, 0 } } },
	{ "one key head", 12, 3, 1, 16, false, 0, 1, { { 0, 12, 0, 0 } } },
	{ "a window", 23, 2, 1, 4, true, 4, 2, { { 0, 19, 0, 0 }, { 19, 4, 0, 0 } } },
	{ "a window of one", 6, 2, 1, 4, true, 1, 1, { { 0, 6, 0, 0 } } },
	{ "a window wider than all", 9, 2, 1, 4, true, 100, 1, { { 0, 9, 0, 0 } } },
	{ "a shared prefix", 28, 4, 2, 4, true, 0, 4, { { 0, 11, 0, 0 }, { 11, 3, 0, 11 }, { 14, 9, 0, 11 }, { 23, 5, 0, 11 } } },
	{ "a prefix out of a window", 24, 2, 2, 4, true, 6, 3, { { 0, 8, 0, 0 }, { 8, 14, 0, 8 }, { 22, 2, 0, 8 } } },
	{ "some share, one does not", 25, 2, 1, 4, true, 0, 4, { { 0, 6, 0, 0 }, { 6, 4, 0, 6 }, { 10, 8, 0, 0 }, { 18, 7, 10, 8 } } },
	{ "more rows than a block", 61, 2, 1, 4, true, 0, 1, { { 0, 61, 0, 0 } } },
	{ "blocks behind a prefix", 62, 2, 1, 4, true, 0, 2, { { 0, 19, 0, 0 }, { 19, 43, 0, 19 } } },
	{ "blocks and a window", 60, 1, 1, 4, true, 17, 1, { { 0, 60, 0, 0 } } },
	{ "blocks, a window, a prefix", 63, 2, 1, 4, true, 9, 2, { { 0, 33, 0, 0 }, { 33, 30, 0, 33 } } },
	{ "a long prefix that few see", 60, 1, 1, 4, true, 40, 2, { { 0, 57, 0, 0 }, { 57, 3, 0, 57 } } },
	{ "rows that no span has", 16, 2, 1, 4, true, 0, 2, { { 3, 5, 0, 0 }, { 10, 4, 3, 5 } } },
};

/* A batch of one case. */
struct batch {
	struct attend a;
	size_t rows, ld, ldo;
	float *qkv, *d_out;
	double *x, *d; /* the same numbers */
};

static float *filled(size_t n, const char *stream, double size, double **same)
{
	float *x = mem_aligned((n + 1) * sizeof(*x));
	struct rng rng;

	*same = mem_zero(n + 1, sizeof(**same));
	rng_init(&rng, n, stream);
	for (size_t i = 0; i < n; i++)
		(*same)[i] = (double)(x[i] = (float)(size * (2 * rng_double(&rng) - 1)));
	return x;
}

static void begin(struct batch *b, size_t i, const struct kernels *set, struct pool *pool)
{
	*b = (struct batch){ .rows = cases[i].rows, .ld = (cases[i].heads + 2 * cases[i].kv_heads) * cases[i].width,
			     .ldo = cases[i].heads * cases[i].width };
	b->qkv = filled(b->rows * b->ld, "qkv", 2, &b->x);
	b->d_out = filled(b->rows * b->ldo, "d_out", 1, &b->d);
	b->a = (struct attend){ .kernels = set, .pool = pool, .spans = cases[i].spans, .n_spans = cases[i].n_spans,
				.heads = cases[i].heads, .kv_heads = cases[i].kv_heads, .width = cases[i].width, .scale = 0.6f,
				.causal = cases[i].causal, .window = cases[i].window, .qkv = b->qkv };
}

static void end(struct batch *b)
{
	free(b->qkv);
	free(b->d_out);
	free(b->x);
	free(b->d);
}

/* One query row of a span in double precision: out (width). */
static void query(const struct batch *b, const struct span *s, size_t head, size_t row, double *out)
{
	const struct attend *a = &b->a;
	size_t key = a->heads + head / (a->heads / a->kv_heads), seen = s->n_prefix + s->n, self = s->n_prefix + row;
	double weights[ROWS_MOST], sum = 0;

	for (size_t p = 0; p < seen; p++) {
		size_t at = p < s->n_prefix ? s->prefix_first + p : s->first + p - s->n_prefix;
		bool hidden = a->causal && (p > self || (a->window && self - p >= a->window));
		double dot = 0;

		for (size_t c = 0; c < a->width; c++)
			dot += b->x[(s->first + row) * b->ld + head * a->width + c] * b->x[at * b->ld + key * a->width + c];
		weights[p] = hidden ? 0 : exp((double)a->scale * dot);
		sum += weights[p];
	}
	for (size_t c = 0; c < a->width; c++)
		out[c] = 0;
	for (size_t p = 0; p < seen; p++) {
		size_t at = p < s->n_prefix ? s->prefix_first + p : s->first + p - s->n_prefix;

		for (size_t c = 0; c < a->width; c++)
			out[c] += weights[p] / sum * b->x[at * b->ld + (key + a->kv_heads) * a->width + c];
	}
}

/* All of it; returns the sum of out times d_out. */
static double naive(const struct batch *b, double *out)
{
	double loss = 0;

	for (size_t i = 0; i < b->a.n_spans; i++) {
		const struct span *s = &b->a.spans[i];

		for (size_t row = 0; row < s->n; row++)
			for (size_t head = 0; head < b->a.heads; head++) {
				size_t at = (s->first + row) * b->ldo + head * b->a.width;

				query(b, s, head, row, out + at);
				for (size_t c = 0; c < b->a.width; c++)
					loss += out[at + c] * b->d[at + c];
			}
	}
	return loss;
}

static bool covered(const struct batch *b, size_t row)
{
	for (size_t i = 0; i < b->a.n_spans; i++)
		if (row >= b->a.spans[i].first && row < b->a.spans[i].first + b->a.spans[i].n)
			return true;
	return false;
}

static float *guarded(size_t n)
{
	float *x = mem_aligned((n + 1) * sizeof(*x));

	for (size_t i = 0; i <= n; i++)
		x[i] = guard;
	return x;
}

/* Runs one of the two on scratch memory of exactly the size it asks for; the caller frees what comes out. */
static float *attended(const struct batch *b, bool backward)
{
	size_t n = b->rows * (backward ? b->ld : b->ldo), need = attend_scratch(&b->a);
	float *out = guarded(n), *scratch = guarded(need);

	for (size_t i = 0; i < need; i++)
		scratch[i] = NAN; /* what it finds there must not matter */
	if (backward)
		attend_backward(&b->a, b->d_out, out, scratch);
	else
		attend_forward(&b->a, out, scratch);
	assert_true(scratch[need] == guard && out[n] == guard);
	free(scratch);
	return out;
}

static void check_forward(struct batch *b, size_t i)
{
	double *want = mem_zero(b->rows * b->ldo, sizeof(*want));
	float *out = attended(b, false);
	char name[96];

	naive(b, want);
	snprintf(name, sizeof(name), "%s, %s", b->a.kernels->name, cases[i].name);
	for (size_t j = 0; j < b->rows * b->ldo; j++) {
		if (covered(b, j / b->ldo))
			assert_close(name, (double)out[j], want[j], 2e-6);
		else
			assert_true(out[j] == guard);
	}
	free(want);
	free(out);
}

static void check_backward(struct batch *b, size_t i)
{
	const double step = 1e-5;
	double *scrap = mem_zero(b->rows * b->ldo, sizeof(*scrap));
	float *d_qkv = attended(b, true);
	char name[96];

	for (size_t j = 0; j < b->rows * b->ld; j++) {
		double keep = b->x[j];

		if (!covered(b, j / b->ld)) {
			assert_true(d_qkv[j] == guard);
			continue;
		}
		b->x[j] = keep + step;
		double above = naive(b, scrap);

		b->x[j] = keep - step;
		double below = naive(b, scrap);

		b->x[j] = keep;
		snprintf(name, sizeof(name), "%s, %s, row %zu column %zu", b->a.kernels->name, cases[i].name, j / b->ld, j % b->ld);
		assert_close(name, (double)d_qkv[j], (above - below) / (2 * step), 1e-5);
	}
	free(scrap);
	free(d_qkv);
}

static void every_set(void (*check)(struct batch *b, size_t i))
{
	struct pool *pool = pool_open(2);

	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t i = 0; (*set)->available() && (*set)->products != PRODUCTS_INT8 && i < ARRAY_SIZE(cases); i++) {
			struct batch b;

			begin(&b, i, *set, pool);
			check(&b, i);
			end(&b);
		}
	pool_free(pool);
}

static void weights_and_sums_match_reference(void **state)
{
	(void)state;
	every_set(check_forward);
}

static void derivatives_are_those_of_finite_differences(void **state)
{
	(void)state;
	every_set(check_backward);
}

/* The sums that the spans of a prefix owe it are added in one order. */
static void threads_leave_no_trace(void **state)
{
	struct pool *pools[] = { pool_open(1), pool_open(4) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int backward = 0; backward < 2; backward++) {
			float *out[2];
			struct batch b;

			for (size_t t = 0; t < 2; t++) {
				begin(&b, i, kernels_choose(true, NULL), pools[t]);
				out[t] = attended(&b, backward);
				if (t == 0)
					end(&b);
			}
			assert_memory_equal(out[0], out[1], b.rows * (backward ? b.ld : b.ldo) * sizeof(float));
			end(&b);
			free(out[0]);
			free(out[1]);
		}
	pool_free(pools[0]);
	pool_free(pools[1]);
}

/* What is asked for before the spans are known is enough for any that fit. */
static void memory_in_advance_is_enough(void **state)
{
	struct pool *pool = pool_open(3);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t rows = 0, seen = 0, prefixes = 0;
		struct batch b;

		begin(&b, i, kernels_choose(true, NULL), pool);
		for (size_t s = 0; s < b.a.n_spans; s++) {
			const struct span *span = &b.a.spans[s];

			rows = span->n > rows ? span->n : rows;
			seen = span->n + span->n_prefix > seen ? span->n + span->n_prefix : seen;
			prefixes += span->n_prefix;
		}
		size_t most = attend_scratch_most(&b.a, rows, seen, prefixes);

		if (most < attend_scratch(&b.a))
			fail_msg("%s: %zu floats in advance, %zu needed", cases[i].name, most, attend_scratch(&b.a));
		end(&b);
	}
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_and_sums_match_reference),
		cmocka_unit_test(derivatives_are_those_of_finite_differences),
		cmocka_unit_test(threads_leave_no_trace),
		cmocka_unit_test(memory_in_advance_is_enough),
	};

	return cmocka_run_group_tests_name("train_attend", tests, NULL, NULL);
}
