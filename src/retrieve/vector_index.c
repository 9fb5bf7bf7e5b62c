/* vector_index.c - storage: segments that fill up one after the other, removal by clearing a bit, gaps closed now and then.
 * Ids rise with positions, so an id is found by bisection and nothing else need be kept. The search is in vector_search.c. */
#include "retrieve/vector_inner.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"

float vector_quantise(const float *v, size_t width, int8_t *codes)
{
	float largest = 0, inverse;
	bool finite = true;

	for (size_t i = 0; i < width; i++) {
		float size = fabsf(v[i]);

		finite = finite && size < INFINITY;
		largest = size > largest ? size : largest;
	}
	if (!finite || largest < vector_smallest) {
		memset(codes, 0, width);
		return 0;
	}
	inverse = 127 / largest;
	for (size_t i = 0; i < width; i++)
		codes[i] = (int8_t)lrintf(v[i] * inverse);
	return largest / 127;
}

struct vector_index *vector_index_new(const struct vector_options *options, struct error *err)
{
	const struct scan *scan = scan_choose(err);
	struct vector_index *x;

	if (!scan)
		return NULL;
	if (options->width < 1 || options->width > VECTOR_WIDEST) {
		error_set(err, "vectors of %zu numbers cannot be indexed: the width is 1 to %d", options->width, VECTOR_WIDEST);
		return NULL;
	}
	x = mem_zero(1, sizeof(*x));
	x->width = options->width;
	x->stride = (x->width + SCAN_STRIDE - 1) / SCAN_STRIDE * SCAN_STRIDE;
	x->code_bytes = bits_bytes(x->width);
	x->prefilter = options->prefilter ? options->prefilter : VECTOR_PREFILTER;
	x->scan = scan;
	rotation_init(&x->rotation, x->width);
	return x;
}

/* --- segments ------------------------------------------------------------------------------------------------------- */

static void *zeros(size_t bytes)
{
	return memset(mem_aligned(bytes), 0, bytes);
}

static void segment_drop_bits(struct segment *s)
{
	free(s->bits);
	free(s->factors);
	s->bits = NULL;
	s->factors = NULL;
}

static void segment_release(struct segment *s)
{
	segment_drop_bits(s);
	free(s->codes);
	free(s->scales);
	free(s->ids);
}

static void segment_add_bits(const struct vector_index *x, struct segment *s)
{
	s->bits = zeros(SEGMENT * x->code_bytes);
	s->factors = zeros(SEGMENT * sizeof(*s->factors));
}

static void segment_new(struct vector_index *x)
{
	struct segment *s;

	if (x->n_segments == x->room) {
		x->room = x->room ? x->room * 2 : 4;
		x->segments = mem_resize(x->segments, x->room, sizeof(*x->segments));
	}
	s = &x->segments[x->n_segments++];
	*s = (struct segment){ .codes = zeros(SEGMENT * x->stride), .scales = zeros(SEGMENT * sizeof(float)),
			       .ids = zeros(SEGMENT * sizeof(int64_t)) };
	if (x->has_bits)
		segment_add_bits(x, s);
}

void vector_index_free(struct vector_index *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n_segments; i++)
		segment_release(&x->segments[i]);
	free(x->segments);
	rotation_release(&x->rotation);
	free(x);
}

size_t vector_index_bytes(const struct vector_index *x)
{
	size_t each = x->stride + sizeof(float) + sizeof(int64_t);

	if (x->has_bits)
		each += x->code_bytes + sizeof(float);
	return sizeof(*x) + x->room * sizeof(*x->segments) + x->n_segments * SEGMENT * each +
	       BITS_ROUNDS * x->width * sizeof(float);
}

/* --- one vector ------------------------------------------------------------------------------------------------------- */

static struct segment *segment_of(const struct vector_index *x, size_t position)
{
	return &x->segments[position / SEGMENT];
}

static bool is_live(const struct vector_index *x, size_t position)
{
	return segment_of(x, position)->live[position % SEGMENT / SCAN_LANES] >> (position % SCAN_LANES) & 1;
}

static void set_live(struct vector_index *x, size_t position, bool live)
{
	uint64_t *word = &segment_of(x, position)->live[position % SEGMENT / SCAN_LANES];
	uint64_t bit = UINT64_C(1) << (position % SCAN_LANES);

	*word = live ? *word | bit : *word & ~bit;
}

static int8_t *codes_of(const struct vector_index *x, size_t position)
{
	return segment_of(x, position)->codes + position % SEGMENT * x->stride;
}

/* The first of its bytes; the others follow SCAN_LANES apart. */
static uint8_t *bits_of(const struct vector_index *x, size_t position)
{
	return segment_of(x, position)->bits + position % SEGMENT / SCAN_LANES * SCAN_LANES * x->code_bytes +
	       scan_byte(position % SCAN_LANES);
}

static int64_t id_at(const struct vector_index *x, size_t position)
{
	return segment_of(x, position)->ids[position % SEGMENT];
}

static void encode(struct vector_index *x, size_t position)
{
	struct segment *s = segment_of(x, position);
	size_t row = position % SEGMENT;

	s->factors[row] = bits_encode(&x->rotation, codes_of(x, position), s->scales[row], bits_of(x, position),
				      SCAN_LANES);
}

static void move(struct vector_index *x, size_t from, size_t to)
{
	struct segment *source = segment_of(x, from), *target = segment_of(x, to);

	memcpy(codes_of(x, to), codes_of(x, from), x->width);
	target->scales[to % SEGMENT] = source->scales[from % SEGMENT];
	target->ids[to % SEGMENT] = source->ids[from % SEGMENT];
	set_live(x, to, true);
	set_live(x, from, false);
	if (!x->has_bits)
		return;
	target->factors[to % SEGMENT] = source->factors[from % SEGMENT];
	for (size_t i = 0; i < x->code_bytes; i++)
		bits_of(x, to)[i * SCAN_LANES] = bits_of(x, from)[i * SCAN_LANES];
}

/* The first position whose id is not below `id`, which may be a removed one's. */
static size_t bisect(const struct vector_index *x, int64_t id)
{
	size_t low = 0, high = x->positions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (id_at(x, middle) < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t vector_index_position(const struct vector_index *x, int64_t id)
{
	size_t position = bisect(x, id);
	bool found = position < x->positions && id_at(x, position) == id && is_live(x, position);

	return found ? position : SIZE_MAX;
}

size_t vector_index_positions(const struct vector_index *x)
{
	return x->positions;
}

size_t vector_index_size(const struct vector_index *x)
{
	return x->positions - x->dead;
}

bool vector_index_get(const struct vector_index *x, int64_t id, float *out)
{
	size_t position = vector_index_position(x, id);
	const struct segment *s;

	if (position == SIZE_MAX)
		return false;
	s = segment_of(x, position);
	for (size_t i = 0; i < x->width; i++)
		out[i] = s->scales[position % SEGMENT] * (float)codes_of(x, position)[i];
	return true;
}

/* --- adding and removing --------------------------------------------------------------------------------------------- */

static void bits_build(struct vector_index *x)
{
	for (size_t i = 0; i < x->n_segments; i++)
		segment_add_bits(x, &x->segments[i]);
	x->has_bits = true;
	for (size_t p = 0; p < x->positions; p++)
		if (is_live(x, p))
			encode(x, p);
}

static void bits_drop(struct vector_index *x)
{
	for (size_t i = 0; i < x->n_segments; i++)
		segment_drop_bits(&x->segments[i]);
	x->has_bits = false;
}

bool vector_index_add(struct vector_index *x, int64_t id, const int8_t *codes, float scale)
{
	size_t position = x->positions;
	struct segment *s;

	if (position > 0 && id <= id_at(x, position - 1))
		return false;
	if (position == x->n_segments * SEGMENT)
		segment_new(x);
	s = segment_of(x, position);
	memcpy(codes_of(x, position), codes, x->width);
	s->scales[position % SEGMENT] = scale;
	s->ids[position % SEGMENT] = id;
	set_live(x, position, true);
	x->positions++;
	if (x->has_bits)
		encode(x, position);
	else if (vector_index_size(x) >= x->prefilter)
		bits_build(x);
	return true;
}

/* Gives back the dead positions at the end, and the segments behind them. */
static void trim(struct vector_index *x)
{
	while (x->positions > 0 && !is_live(x, x->positions - 1)) {
		x->positions--;
		x->dead--;
	}
	while (x->n_segments * SEGMENT >= x->positions + SEGMENT)
		segment_release(&x->segments[--x->n_segments]);
}

/* Closes the gaps, in order. */
static void compact(struct vector_index *x)
{
	size_t to = 0;

	for (size_t from = 0; from < x->positions; from++) {
		if (!is_live(x, from))
			continue;
		if (from != to)
			move(x, from, to);
		to++;
	}
	trim(x);
}

/* Every 64th dead costs 1.6 % of memory; closing the gaps of a million takes as long as some ten searches. */
bool vector_index_remove(struct vector_index *x, int64_t id)
{
	size_t position = vector_index_position(x, id);

	if (position == SIZE_MAX)
		return false;
	set_live(x, position, false);
	x->dead++;
	trim(x);
	if (x->dead > x->positions / 64 + SCAN_LANES)
		compact(x);
	if (x->has_bits && vector_index_size(x) < x->prefilter / 2)
		bits_drop(x);
	return true;
}
