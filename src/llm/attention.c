/* attention.c - two matrix products with a softmax between them, by the kernel set's own product: queries times panels
 * of keys, then weights times panels of values. Packing a position costs about a tenth of what 48 queries do with it,
 * and lets keys and values be stored as they come, one row a token. */
#include "llm/attention.h"

#include <math.h>
#include <string.h>

enum {
	LINE = 16,  /* floats of a cache line; softmax takes no partial vectors in any set */
	AHEAD = 16, /* positions from the one that is packed to the one that is fetched */
};

static size_t padded(size_t n)
{
	return (n + LINE - 1) / LINE * LINE;
}

/* Rows of p begin an odd number of lines apart, so that those of one tile do not compete for one place in cache. */
static size_t score_stride(size_t positions)
{
	return padded(positions) | LINE;
}

/* The memory of one call. */
struct scratch {
	size_t rows;        /* one for each (token, query head) */
	size_t from, n;     /* positions that some query sees */
	size_t stride;      /* of p */
	float *keys;        /* (panel, width) that wait for a full panel */
	char *key_panel;    /* (width, panel) */
	char *value_panels; /* as many as the width takes, (n, panel) each */
	float *p;           /* (rows, stride) scores, then weights */
	float *mixed;       /* (rows, width) */
	float *q;           /* (rows, width) rounded */
};

static const struct kernels *inner(const struct kernels *outer, bool exact)
{
	const struct kernels *other = exact && outer->exact ? outer->exact : outer->attention;

	return other ? other : outer;
}

static size_t panels(const struct kernels *kernels, size_t columns)
{
	size_t panel = (size_t)kernels->panel;

	return (columns + panel - 1) / panel;
}

size_t attention_scratch(const struct kernels *outer, bool exact, size_t group, size_t width, size_t positions)
{
	const struct kernels *kernels = inner(outer, exact);
	size_t rows = ATTENTION_BLOCK * group, panel = (size_t)kernels->panel;
	size_t values = panels(kernels, width) * kernels->panel_bytes(positions);

	return panel * width + (kernels->panel_bytes(width) + values) / sizeof(float) +
	       rows * (score_stride(positions) + 2 * width);
}

static struct scratch lay_out(const struct attention *a, const struct kernels *kernels, float *memory)
{
	struct scratch s = { .rows = a->n * a->group, .keys = memory };
	size_t panel = (size_t)kernels->panel;

	for (size_t i = 0; i < a->n_segments; i++)
		s.n += a->segments[i].n;
	if (a->causal)
		s.n = a->first + a->n;
	if (a->window && a->first + 1 > a->window)
		s.from = (a->first + 1 - a->window) / panel * panel;
	s.n -= s.from;
	s.stride = score_stride(s.n);
	s.key_panel = (char *)(s.keys + panel * a->width);
	s.value_panels = s.key_panel + kernels->panel_bytes(a->width);
	s.p = (float *)(s.value_panels + panels(kernels, a->width) * kernels->panel_bytes(s.n));
	s.mixed = s.p + s.rows * s.stride;
	s.q = s.mixed + s.rows * a->width;
	return s;
}

static void round_queries(const struct attention *a, const struct kernels *kernels, const struct scratch *s)
{
	size_t words = kernels->rounded_words(a->width);

	for (size_t r = 0; r < s->rows; r++)
		kernels->round(a->q + r / a->group * a->ldq + r % a->group * a->width, a->width, s->q + r * words);
}

/* Takes the key and value of position i. The key's panel, once full, gives a column of scores for each of its keys. */
static void add_position(const struct attention *a, const struct kernels *kernels, const struct scratch *s, size_t i,
			 const float *k, const float *v)
{
	size_t panel = (size_t)kernels->panel, words = kernels->rounded_words(a->width), n = i % panel + 1;

	memcpy(s->keys + (n - 1) * a->width, k, a->width * sizeof(*k));
	for (size_t c = 0; c < a->width; c += panel)
		kernels->pack_across(v + c, 1, 0, a->width - c < panel ? a->width - c : panel, i,
				     s->value_panels + c / panel * kernels->panel_bytes(s->n));
	if (n < panel && i + 1 < s->n)
		return;
	kernels->pack(s->keys, n, a->width, a->width, s->key_panel);
	kernels->multiply(s->q, s->rows, words, a->width, s->key_panel, n, s->p + i + 1 - n, s->stride);
}

/* Ahead of the positions that are packed: a head's rows lie too far apart for the processor's own guesses. */
static void fetch(const float *k, const float *v, size_t width)
{
	for (size_t c = 0; c < width; c += LINE) {
		__builtin_prefetch(k + c);
		__builtin_prefetch(v + c);
	}
}

static void add_positions(const struct attention *a, const struct kernels *kernels, const struct scratch *s)
{
	size_t start = 0;

	for (size_t i = 0; i < a->n_segments; start += a->segments[i++].n) {
		const struct attention_segment *g = &a->segments[i];

		for (size_t j = start < s->from ? s->from - start : 0; j < g->n && start + j < s->from + s->n; j++) {
			const float *k = g->k + a->head + j * g->ld, *v = g->v + a->head + j * g->ld;

			if (j + AHEAD < g->n)
				fetch(k + AHEAD * g->ld, v + AHEAD * g->ld, a->width);
			add_position(a, kernels, s, start + j - s->from, k, v);
		}
	}
}

/* Positions behind a query's own, or before its window, get weight 0: adding 0 * v leaves the sum as it is. */
static void weigh(const struct attention *a, const struct kernels *kernels, const struct scratch *s)
{
	for (size_t r = 0; r < s->rows; r++) {
		float *p = s->p + r * s->stride;
		size_t seen = a->causal ? a->first + r / a->group + 1 - s->from : s->n;
		size_t hidden = a->window && seen + s->from > a->window ? seen - a->window : 0;
		size_t begin = hidden / LINE * LINE, end = padded(seen);

		for (size_t i = begin; i < hidden; i++)
			p[i] = -INFINITY;
		for (size_t i = seen; i < end; i++)
			p[i] = -INFINITY;
		kernels->softmax(p + begin, end - begin, a->scale);
		memset(p, 0, begin * sizeof(*p));
		if (end < s->n)
			memset(p + end, 0, (s->n - end) * sizeof(*p));
		kernels->round(p, s->n, p);
	}
}

static void mix_values(const struct attention *a, const struct kernels *kernels, const struct scratch *s)
{
	size_t panel = (size_t)kernels->panel;

	for (size_t c = 0; c < a->width; c += panel)
		kernels->multiply(s->p, s->rows, s->stride, s->n, s->value_panels + c / panel * kernels->panel_bytes(s->n),
				  a->width - c < panel ? a->width - c : panel, s->mixed + c, a->width);
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

void attention_run(const struct attention *a, const struct kernels *outer, float *memory)
{
	const struct kernels *kernels = inner(outer, a->exact);
	struct scratch s = lay_out(a, kernels, memory);

	round_queries(a, kernels, &s);
	add_positions(a, kernels, &s);
	weigh(a, kernels, &s);
	mix_values(a, kernels, &s);
	scatter(a, outer, &s);
}
