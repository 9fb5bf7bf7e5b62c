/* attention.c - two matrix products with a softmax between them, by the kernel set's f32 tile: queries times a panel of
 * transposed keys, then weights times values as they lie. Transposing 64 keys costs a few percent of what 32 queries do
 * with them, and lets keys be stored as they come, one row a token. */
#include "llm/attention.h"

#include <math.h>
#include <string.h>

typedef float f32x4 __attribute__((vector_size(16)));

enum {
	KEYS = 64, /* of one panel: 16 KiB at 64 values a key, so that it stays in L1 while all queries pass */
	PAD = 16,  /* kernels->product() writes whole groups of so many columns */
};

static f32x4 load4(const float *p)
{
	f32x4 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Four values of four keys to panel rows c .. c+3. */
static void transpose4(const float *const key[4], size_t c, float *panel)
{
	f32x4 k0 = load4(key[0] + c), k1 = load4(key[1] + c), k2 = load4(key[2] + c), k3 = load4(key[3] + c);
	f32x4 a = __builtin_shufflevector(k0, k1, 0, 4, 1, 5), b = __builtin_shufflevector(k2, k3, 0, 4, 1, 5);
	f32x4 d = __builtin_shufflevector(k0, k1, 2, 6, 3, 7), e = __builtin_shufflevector(k2, k3, 2, 6, 3, 7);
	f32x4 row[4] = { __builtin_shufflevector(a, b, 0, 1, 4, 5), __builtin_shufflevector(a, b, 2, 3, 6, 7),
			 __builtin_shufflevector(d, e, 0, 1, 4, 5), __builtin_shufflevector(d, e, 2, 3, 6, 7) };

	for (size_t i = 0; i < 4; i++)
		memcpy(panel + i * KEYS, &row[i], sizeof(row[i]));
}

static size_t padded(size_t n)
{
	return (n + PAD - 1) / PAD * PAD;
}

/* n <= KEYS keys as a panel (width, KEYS); columns up to the next multiple of PAD repeat the last key. */
static void pack_keys(const float *k, size_t ld, size_t n, size_t width, float *panel)
{
	for (size_t j = 0; j < padded(n); j += 4) {
		const float *key[4];

		for (size_t i = 0; i < 4; i++)
			key[i] = k + (j + i < n ? j + i : n - 1) * ld;
		for (size_t c = 0; c < width; c += 4)
			transpose4(key, c, panel + c * KEYS + j);
	}
}

/* The memory of one call. */
struct scratch {
	size_t rows;   /* one for each (token, query head) */
	size_t stride; /* of p: positions, and room for a last group of columns */
	float *panel;  /* (width, KEYS) */
	float *q;      /* (rows, width) scaled */
	float *mixed;  /* (rows, width) */
	float *p;      /* (rows, stride) scores, then weights */
};

size_t attention_scratch(size_t group, size_t width, size_t positions)
{
	return KEYS * width + ATTENTION_BLOCK * group * (2 * width + padded(positions) + PAD);
}

static struct scratch lay_out(const struct attention *a, size_t visible, float *memory)
{
	struct scratch s = { .rows = a->n * a->group, .stride = padded(visible) + PAD, .panel = memory };

	s.q = s.panel + KEYS * a->width;
	s.mixed = s.q + s.rows * a->width;
	s.p = s.mixed + s.rows * a->width;
	return s;
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

static void gather_queries(const struct attention *a, const struct scratch *s)
{
	for (size_t r = 0; r < s->rows; r++) {
		const float *from = a->q + r / a->group * a->ldq + r % a->group * a->width;

		for (size_t c = 0; c < a->width; c++)
			s->q[r * a->width + c] = from[c] * a->scale;
	}
}

/* Scores of the segment's first n positions, to columns start .. start+n-1 of p. */
static void score_segment(const struct attention *a, const struct kernels *kernels, const struct scratch *s,
			  const struct attention_segment *segment, size_t n, size_t start)
{
	for (size_t from = 0; from < n; from += KEYS) {
		size_t count = n - from < KEYS ? n - from : KEYS;

		pack_keys(segment->k + a->head + from * segment->ld, segment->ld, count, a->width, s->panel);
		kernels->product(s->q, s->rows, a->width, s->panel, a->width, KEYS, padded(count), s->p + start + from,
				 s->stride, false);
	}
}

/* Positions behind a query's own, or before its window, get weight 0: adding 0 * v leaves the sum as it is. */
static void weigh(const struct attention *a, const struct kernels *kernels, const struct scratch *s, size_t visible)
{
	for (size_t r = 0; r < s->rows; r++) {
		float *p = s->p + r * s->stride;
		size_t seen = a->causal ? a->first + r / a->group + 1 : visible;
		size_t hidden = a->window && seen > a->window ? seen - a->window : 0;

		kernels->softmax(p + hidden, seen - hidden);
		memset(p, 0, hidden * sizeof(*p));
		memset(p + seen, 0, (visible - seen) * sizeof(*p));
	}
}

static void scatter(const struct attention *a, const struct kernels *kernels, const struct scratch *s)
{
	for (size_t r = 0; r < s->rows; r++) {
		size_t column = a->column + r % a->group * a->width;
		const float *from = s->mixed + r * a->width;
		float *row = a->out + r / a->group * a->ldo;

		if (a->plain)
			memcpy(row + column, from, a->width * sizeof(*row));
		else
			kernels->round(from, a->width, row + kernels->rounded_words(column));
	}
}

void attention_run(const struct attention *a, const struct kernels *kernels, float *memory)
{
	size_t visible = visible_positions(a), start = 0;
	struct scratch s = lay_out(a, visible, memory);

	gather_queries(a, &s);
	for (size_t i = 0; i < a->n_segments && start < visible; start += a->segments[i++].n) {
		size_t left = visible - start, n = a->segments[i].n < left ? a->segments[i].n : left;

		score_segment(a, kernels, &s, &a->segments[i], n, start);
	}
	weigh(a, kernels, &s, visible);
	start = 0;
	for (size_t i = 0; i < a->n_segments && start < visible; start += a->segments[i++].n) {
		const struct attention_segment *segment = &a->segments[i];
		size_t left = visible - start, n = segment->n < left ? segment->n : left;

		kernels->product(s.p + start, s.rows, s.stride, segment->v + a->head, n, segment->ld, a->width, s.mixed,
				 a->width, start > 0);
	}
	scatter(a, kernels, &s);
}
