/* vector_search.c - one query: the scan of int8 codes, or the scan of bits and int8 for what they picked. */
#include "retrieve/vector_inner.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "retrieve/top.h"

enum {
	FEW = 16,                 /* of a block's vectors are asked for one by one; more cost as much as all */
	SHARED = 2 * SEGMENT,     /* fewer vectors than this take no longer than waking a thread */
	LARGEST_CODE = INT16_MAX, /* of the query */
	PICKED = 1024,            /* by bits for int8: so many, and PICKED_EACH more for every one wanted */
	PICKED_EACH = 32,
};
static const double largest_sum = INT32_MAX / 127 - VECTOR_WIDEST; /* of |query codes|, with room for rounding */

struct query {
	const struct vector_index *x;
	const uint64_t *allowed;
	int16_t *codes; /* (stride) */
	float scale;
	struct bits_query bits;
	struct top *tops; /* (threads) */
};

/* False: nothing is near it. */
static bool query_init(struct query *q, const float *v)
{
	size_t width = q->x->width;
	double sum = 0, scale;
	float largest = 0;

	for (size_t i = 0; i < width; i++) {
		largest = fmaxf(largest, fabsf(v[i]));
		sum += (double)fabsf(v[i]);
	}
	if (!(sum < INFINITY) || largest < vector_smallest)
		return false;
	scale = fmax((double)largest / LARGEST_CODE, sum / largest_sum);
	q->codes = mem_aligned(q->x->stride * sizeof(*q->codes));
	memset(q->codes, 0, q->x->stride * sizeof(*q->codes));
	for (size_t i = 0; i < width; i++)
		q->codes[i] = (int16_t)lrint((double)v[i] / scale);
	q->scale = (float)scale;
	return true;
}

/* Which vectors of a block are searched. The bitmap ends with the last position, which is live. */
static uint64_t block_mask(const struct query *q, size_t segment, size_t block)
{
	uint64_t live = q->x->segments[segment].live[block];

	return live && q->allowed ? live & q->allowed[segment * BLOCKS + block] : live;
}

static size_t count_searched(const struct query *q)
{
	size_t n = 0;

	if (!q->allowed)
		return vector_index_size(q->x);
	for (size_t s = 0; s < q->x->n_segments; s++)
		for (size_t b = 0; b < BLOCKS; b++)
			n += (size_t)__builtin_popcountll(block_mask(q, s, b));
	return n;
}

/* dots (SCAN_LANES) of the block's vectors in mask; others may be left as they are. */
static void block_dots(const struct query *q, const int8_t *rows, uint64_t mask, int32_t *dots)
{
	size_t stride = q->x->stride;

	if (__builtin_popcountll(mask) > FEW) {
		q->x->scan->dots(rows, SCAN_LANES, stride, q->codes, dots);
		return;
	}
	for (; mask; mask &= mask - 1) {
		int lane = __builtin_ctzll(mask);

		q->x->scan->dots(rows + (size_t)lane * stride, 1, stride, q->codes, dots + lane);
	}
}

/* Offers lanes of mask, values[lane] * weights[lane], to the top; weight 0 marks a vector that matches nothing. */
static void offer(struct top *top, uint64_t mask, size_t position, const float *values, const float *weights)
{
	for (; mask; mask &= mask - 1) {
		int lane = __builtin_ctzll(mask);
		float score = values[lane] * weights[lane];

		if (score >= top->floor && weights[lane] > 0)
			top_add(top, top_key(score, (uint32_t)(position + (size_t)lane)));
	}
}

static void scan_codes(void *context, size_t segment, int worker)
{
	const struct query *q = context;
	const struct segment *s = &q->x->segments[segment];

	for (size_t block = 0; block < BLOCKS; block++) {
		uint64_t mask = block_mask(q, segment, block);
		size_t first = block * SCAN_LANES;
		int32_t dots[SCAN_LANES];
		float values[SCAN_LANES];

		if (!mask)
			continue;
		memset(dots, 0, sizeof(dots));
		block_dots(q, s->codes + first * q->x->stride, mask, dots);
		for (size_t i = 0; i < SCAN_LANES; i++)
			values[i] = (float)dots[i] * q->scale;
		offer(&q->tops[worker], mask, segment * SEGMENT + first, values, s->scales + first);
	}
}

static void scan_bits(void *context, size_t segment, int worker)
{
	const struct query *q = context;
	const struct segment *s = &q->x->segments[segment];

	for (size_t block = 0; block < BLOCKS; block++) {
		uint64_t mask = block_mask(q, segment, block);
		size_t first = block * SCAN_LANES;
		uint16_t sums[SCAN_LANES];
		float values[SCAN_LANES];

		if (!mask)
			continue;
		q->x->scan->sums(s->bits + first * q->x->code_bytes, q->x->code_bytes, q->bits.table, sums);
		for (size_t i = 0; i < SCAN_LANES; i++)
			values[i] = (float)((int32_t)sums[i] - q->bits.bias);
		offer(&q->tops[worker], mask, segment * SEGMENT + first, values, s->factors + first);
	}
}

/* The `room` best of all segments, unsorted. */
static struct top scan(struct query *q, void (*tile)(void *, size_t, int), size_t room, struct pool *pool)
{
	int threads = pool ? pool_threads(pool) : 1;
	struct top best;

	q->tops = mem_zero((size_t)threads, sizeof(*q->tops));
	for (int i = 0; i < threads; i++)
		top_init(&q->tops[i], room);
	if (pool)
		pool_run(pool, q->x->n_segments, tile, q);
	for (size_t i = 0; !pool && i < q->x->n_segments; i++)
		tile(q, i, 0);
	best = q->tops[0];
	for (int i = 1; i < threads; i++) {
		top_merge(&best, &q->tops[i]);
		top_release(&q->tops[i]);
	}
	free(q->tops);
	top_cut(&best);
	return best;
}

/* The k best by int8 of those that the bits picked. */
static struct top rescore(const struct query *q, const struct top *picked, size_t k)
{
	const struct vector_index *x = q->x;
	struct top best;

	top_init(&best, k);
	for (size_t i = 0; i < picked->n; i++) {
		uint32_t position = top_position(picked->keys[i]);
		const struct segment *s = &x->segments[position / SEGMENT];
		size_t row = position % SEGMENT;
		int32_t dot;

		x->scan->dots(s->codes + row * x->stride, 1, x->stride, q->codes, &dot);
		top_add(&best, top_key((float)dot * q->scale * s->scales[row], position));
	}
	return best;
}

static struct top prefilter(struct query *q, const float *query, size_t room, size_t k, struct pool *pool)
{
	struct top picked, best;

	bits_query_init(&q->bits, &q->x->rotation, query);
	picked = scan(q, scan_bits, room, pool);
	best = rescore(q, &picked, k);
	bits_query_release(&q->bits);
	top_release(&picked);
	return best;
}

size_t vector_index_search(const struct vector_index *x, const float *query, size_t k, const uint64_t *allowed,
			   struct pool *pool, struct vector_hit *hits)
{
	struct query q = { .x = x, .allowed = allowed };
	size_t n = count_searched(&q);
	struct top best;

	k = k < n ? k : n;
	if (k == 0 || !query_init(&q, query))
		return 0;
	if (n < SHARED)
		pool = NULL;
	/* Bits save nothing where they must pick much. */
	if (x->has_bits && n >= x->prefilter && PICKED + PICKED_EACH * k < n / 4)
		best = prefilter(&q, query, PICKED + PICKED_EACH * k, k, pool);
	else
		best = scan(&q, scan_codes, k, pool);
	top_sort(&best);
	n = best.n;
	for (size_t i = 0; i < n; i++) {
		uint32_t position = top_position(best.keys[i]);

		hits[i] = (struct vector_hit){ x->segments[position / SEGMENT].ids[position % SEGMENT],
					       top_score(best.keys[i]) };
	}
	top_release(&best);
	free(q.codes);
	return n;
}
