/* attention.c - two small tiles: four queries by two keys for the scores, four queries by sixteen values for the sums.
 *
 * Four query rows are enough to hide the loads of K and V, and with eight accumulators both tiles fit the sixteen
 * registers of AVX2. The tiles are written once over compiler vectors and compiled twice; both copies do the same
 * operations in the same order. */
#include "llm/attention.h"

#include <string.h>

typedef float f32x4 __attribute__((vector_size(16)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef float f32x8_at __attribute__((vector_size(32), aligned(4), may_alias)); /* eight floats anywhere */

#define EIGHT(p) (*(const f32x8_at *)(p))
#define ALWAYS static inline __attribute__((always_inline))

enum {
	ROWS = 4,       /* queries of one tile */
	KEY_CHUNK = 32, /* 32 keys of 64 values are 8 KB: they stay in L1 while all queries pass */
	VALUE_CHUNK = 64,
};

struct score_tiles {
	/* out (m, n) = q (m, width) k^T; m is a multiple of ROWS, q rows are width apart */
	void (*scores)(const float *q, size_t m, const float *k, size_t ldk, size_t n, size_t width, float *out,
		       size_t ldo);
	/* out (m, width) += p (m, n) v (n, width); m as above, out rows are width apart */
	void (*mix)(const float *p, size_t ldp, size_t m, const float *v, size_t ldv, size_t n, size_t width,
		    float *out);
};

#define HALVES(v) (__builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7))

/* The sums over the lanes of four vectors: halves, then pairs, then the rest. */
ALWAYS void sum_lanes(const f32x8 row[ROWS], float *out, size_t ldo)
{
	f32x4 h0 = HALVES(row[0]), h1 = HALVES(row[1]), h2 = HALVES(row[2]), h3 = HALVES(row[3]);
	f32x4 a = __builtin_shufflevector(h0, h1, 0, 4, 1, 5) + __builtin_shufflevector(h0, h1, 2, 6, 3, 7);
	f32x4 b = __builtin_shufflevector(h2, h3, 0, 4, 1, 5) + __builtin_shufflevector(h2, h3, 2, 6, 3, 7);
	f32x4 sum = __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);

	out[0] = sum[0];
	out[ldo] = sum[1];
	out[2 * ldo] = sum[2];
	out[3 * ldo] = sum[3];
}

ALWAYS void scores_tile(const float *q, const float *k0, const float *k1, size_t width, float *out0, float *out1,
			size_t ldo)
{
	f32x8 a[ROWS] = { { 0 } }, b[ROWS] = { { 0 } };

	for (size_t c = 0; c < width; c += 8) {
		f32x8 x = EIGHT(k0 + c), y = EIGHT(k1 + c);
		f32x8 q0 = EIGHT(q + c), q1 = EIGHT(q + width + c);
		f32x8 q2 = EIGHT(q + 2 * width + c), q3 = EIGHT(q + 3 * width + c);

		a[0] += q0 * x;
		b[0] += q0 * y;
		a[1] += q1 * x;
		b[1] += q1 * y;
		a[2] += q2 * x;
		b[2] += q2 * y;
		a[3] += q3 * x;
		b[3] += q3 * y;
	}
	sum_lanes(a, out0, ldo);
	sum_lanes(b, out1, ldo);
}

/* An odd last key is computed twice rather than by other code. */
ALWAYS void scores_body(const float *q, size_t m, const float *k, size_t ldk, size_t n, size_t width, float *out,
			size_t ldo)
{
	for (size_t from = 0; from < n; from += KEY_CHUNK) {
		size_t to = n - from < KEY_CHUNK ? n : from + KEY_CHUNK;

		for (size_t r = 0; r < m; r += ROWS) {
			for (size_t j = from; j < to; j += 2) {
				size_t next = j + 1 < to ? j + 1 : j;

				scores_tile(q + r * width, k + j * ldk, k + next * ldk, width, out + r * ldo + j,
					    out + r * ldo + next, ldo);
			}
		}
	}
}

ALWAYS void mix_tile(const float *p, size_t ldp, const float *v, size_t ldv, size_t n, float *out, size_t ldo)
{
	f32x8_at *o0 = (f32x8_at *)out, *o1 = (f32x8_at *)(out + ldo);
	f32x8_at *o2 = (f32x8_at *)(out + 2 * ldo), *o3 = (f32x8_at *)(out + 3 * ldo);
	f32x8 a0 = o0[0], a1 = o1[0], a2 = o2[0], a3 = o3[0];
	f32x8 b0 = o0[1], b1 = o1[1], b2 = o2[1], b3 = o3[1];

	for (size_t j = 0; j < n; j++) {
		f32x8 x = EIGHT(v + j * ldv), y = EIGHT(v + j * ldv + 8);

		a0 += p[j] * x;
		b0 += p[j] * y;
		a1 += p[ldp + j] * x;
		b1 += p[ldp + j] * y;
		a2 += p[2 * ldp + j] * x;
		b2 += p[2 * ldp + j] * y;
		a3 += p[3 * ldp + j] * x;
		b3 += p[3 * ldp + j] * y;
	}
	o0[0] = a0;
	o1[0] = a1;
	o2[0] = a2;
	o3[0] = a3;
	o0[1] = b0;
	o1[1] = b1;
	o2[1] = b2;
	o3[1] = b3;
}

ALWAYS void mix_body(const float *p, size_t ldp, size_t m, const float *v, size_t ldv, size_t n, size_t width,
		     float *out)
{
	for (size_t from = 0; from < n; from += VALUE_CHUNK) {
		size_t count = n - from < VALUE_CHUNK ? n - from : VALUE_CHUNK;

		for (size_t r = 0; r < m; r += ROWS)
			for (size_t c = 0; c < width; c += 16)
				mix_tile(p + r * ldp + from, ldp, v + from * ldv + c, ldv, count, out + r * width + c,
					 width);
	}
}

static void scores_portable(const float *q, size_t m, const float *k, size_t ldk, size_t n, size_t width, float *out,
			    size_t ldo)
{
	scores_body(q, m, k, ldk, n, width, out, ldo);
}

static void mix_portable(const float *p, size_t ldp, size_t m, const float *v, size_t ldv, size_t n, size_t width,
			 float *out)
{
	mix_body(p, ldp, m, v, ldv, n, width, out);
}

static const struct score_tiles portable = { scores_portable, mix_portable };

#ifdef __x86_64__
__attribute__((target("avx2"))) static void scores_avx2(const float *q, size_t m, const float *k, size_t ldk, size_t n,
							size_t width, float *out, size_t ldo)
{
	scores_body(q, m, k, ldk, n, width, out, ldo);
}

__attribute__((target("avx2"))) static void mix_avx2(const float *p, size_t ldp, size_t m, const float *v, size_t ldv,
						     size_t n, size_t width, float *out)
{
	mix_body(p, ldp, m, v, ldv, n, width, out);
}

static const struct score_tiles avx2 = { scores_avx2, mix_avx2 };

static const struct score_tiles *choose_tiles(void)
{
	return __builtin_cpu_supports("avx2") ? &avx2 : &portable;
}
#else
static const struct score_tiles *choose_tiles(void)
{
	return &portable;
}
#endif

/* Rows of one call, a whole number of tiles. */
static size_t padded_rows(size_t queries, size_t group)
{
	return (queries * group + ROWS - 1) / ROWS * ROWS;
}

size_t attention_scratch(size_t group, size_t width, size_t positions)
{
	return padded_rows(ATTENTION_BLOCK, group) * (2 * width + positions);
}

static size_t visible_positions(const struct attention *a)
{
	size_t n = 0;

	if (a->causal)
		return a->first + a->n;
	for (size_t i = 0; i < a->n_segments; i++)
		n += a->segments[i].n;
	return n;
}

/* Copies the queries to one row for each (token, head), scaled; rows that only fill the last tile become zero. */
static void gather_queries(const struct attention *a, size_t rows, float *q)
{
	size_t used = a->n * a->group;

	for (size_t r = 0; r < used; r++) {
		const float *from = a->q + r / a->group * a->ldq + r % a->group * a->width;

		for (size_t c = 0; c < a->width; c++)
			q[r * a->width + c] = from[c] * a->scale;
	}
	memset(q + used * a->width, 0, (rows - used) * a->width * sizeof(*q));
}

/* The first position that a query sees. */
static size_t window_start(const struct attention *a, size_t query)
{
	size_t end = a->first + query + 1;

	return a->causal && a->window > 0 && end > a->window ? end - a->window : 0;
}

/* Positions that a query does not see get weight 0: adding 0 * v leaves the sum as it is. */
static void weigh(const struct attention *a, const struct kernels *kernels, size_t visible, float *p)
{
	for (size_t r = 0; r < a->n * a->group; r++, p += visible) {
		size_t from = window_start(a, r / a->group);
		size_t to = a->causal ? a->first + r / a->group + 1 : visible;

		kernels->softmax(p + from, to - from);
		memset(p, 0, from * sizeof(*p));
		memset(p + to, 0, (visible - to) * sizeof(*p));
	}
}

static void scatter(const struct attention *a, const float *mixed)
{
	for (size_t r = 0; r < a->n * a->group; r++)
		memcpy(a->out + r / a->group * a->ldo + r % a->group * a->width, mixed + r * a->width,
		       a->width * sizeof(*mixed));
}

void attention_run(const struct attention *a, const struct kernels *kernels, float *scratch)
{
	const struct score_tiles *tiles = choose_tiles();
	size_t rows = padded_rows(a->n, a->group);
	size_t visible = visible_positions(a), seen = window_start(a, 0); /* nobody looks in front of the first's window */
	float *q = scratch, *mixed = q + rows * a->width, *p = mixed + rows * a->width;
	size_t start = 0;

	gather_queries(a, rows, q);
	for (size_t i = 0; i < a->n_segments && start < visible; start += a->segments[i++].n) {
		const struct attention_segment *s = &a->segments[i];
		size_t n = s->n < visible - start ? s->n : visible - start;
		size_t skip = start < seen ? seen - start : 0;

		if (skip < n)
			tiles->scores(q, rows, s->k + a->head + skip * s->ld, s->ld, n - skip, a->width,
				      p + start + skip, visible);
	}
	weigh(a, kernels, visible, p);
	memset(mixed, 0, rows * a->width * sizeof(*mixed));
	start = 0;
	for (size_t i = 0; i < a->n_segments && start < visible; start += a->segments[i++].n) {
		const struct attention_segment *s = &a->segments[i];
		size_t n = s->n < visible - start ? s->n : visible - start;
		size_t skip = start < seen ? seen - start : 0;

		if (skip < n)
			tiles->mix(p + start + skip, visible, rows, s->v + a->head + skip * s->ld, s->ld, n - skip,
				   a->width, mixed);
	}
	scatter(a, mixed);
}
