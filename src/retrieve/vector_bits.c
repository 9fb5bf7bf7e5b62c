/* vector_bits.c - rotating, encoding, and the tables of a query. */
#include "retrieve/vector_bits.h"

#include <math.h>

#include "base/arena.h"
#include "base/rng.h"

typedef float four __attribute__((vector_size(16)));

static const uint64_t seed = 2405; /* any; changing it changes which neighbours are missed */

void rotation_init(struct rotation *r, size_t width)
{
	struct rng rng;

	*r = (struct rotation){ .width = width, .part = 1, .signs = mem_alloc(BITS_ROUNDS * width * sizeof(float)) };
	while (r->part * 2 <= width)
		r->part *= 2;
	rng_init(&rng, seed, "rotation");
	for (size_t round = 0; round < BITS_ROUNDS; round++) {
		size_t start = round % 2 ? width - r->part : 0;

		for (size_t i = 0; i < width; i++) {
			float size = i >= start && i < start + r->part ? 1.0f / sqrtf((float)r->part) : 1.0f;

			r->signs[round * width + i] = rng_u64(&rng) >> 63 ? size : -size;
		}
	}
}

void rotation_release(struct rotation *r)
{
	free(r->signs);
}

/* Steps of one and two, on four numbers. */
static void hadamard_four(float *x)
{
	float a = x[0] + x[1], b = x[0] - x[1], c = x[2] + x[3], d = x[2] - x[3];

	x[0] = a + c;
	x[1] = b + d;
	x[2] = a - c;
	x[3] = b - d;
}

/* One step of four or more, four numbers at a time. */
static void hadamard_step(float *x, size_t n, size_t step)
{
	for (size_t block = 0; block < n; block += 2 * step)
		for (size_t i = block; i < block + step; i += 4) {
			four a, b, sum, difference;

			memcpy(&a, x + i, sizeof(a));
			memcpy(&b, x + i + step, sizeof(b));
			sum = a + b;
			difference = a - b;
			memcpy(x + i, &sum, sizeof(sum));
			memcpy(x + i + step, &difference, sizeof(difference));
		}
}

static void hadamard(float *x, size_t n)
{
	if (n == 2) {
		float sum = x[0] + x[1];

		x[1] = x[0] - x[1];
		x[0] = sum;
	}
	for (size_t i = 0; i + 4 <= n; i += 4)
		hadamard_four(x + i);
	for (size_t step = 4; step < n; step *= 2)
		hadamard_step(x, n, step);
}

void rotation_apply(const struct rotation *r, float *x)
{
	for (size_t round = 0; round < BITS_ROUNDS; round++) {
		for (size_t i = 0; i < r->width; i++)
			x[i] *= r->signs[round * r->width + i];
		hadamard(x + (round % 2 ? r->width - r->part : 0), r->part);
	}
}

float bits_encode(const struct rotation *r, const int8_t *codes, float scale, uint8_t *out, size_t step)
{
	float *x = mem_alloc((r->width + 1) * sizeof(*x));
	double length = 0, projection = 0;

	for (size_t i = 0; i < r->width; i++) {
		x[i] = (float)codes[i];
		length += (double)x[i] * (double)x[i];
	}
	rotation_apply(r, x);
	for (size_t byte = 0; byte < bits_bytes(r->width); byte++) {
		unsigned bits = 0;

		for (size_t i = byte * 8; i < byte * 8 + 8 && i < r->width; i++) {
			bits |= (unsigned)(x[i] > 0) << (i - byte * 8);
			projection += (double)fabsf(x[i]);
		}
		out[byte * step] = (uint8_t)bits;
	}
	free(x);
	return length > 0 ? (float)((double)scale * length / projection) : 0;
}

/* The sum over four dimensions from x, of which `n` exist, each with the sign that its bit of `pattern` says. */
static float signed_sum(const float *x, size_t n, unsigned pattern)
{
	float sum = 0;

	for (size_t i = 0; i < n && i < 4; i++)
		sum += pattern >> i & 1 ? x[i] : -x[i];
	return sum;
}

/* The largest sum of any table. */
static float largest_sum(const float *x, size_t width)
{
	float largest = 0;

	for (size_t i = 0; i < width; i += 4) {
		float sum = 0;

		for (size_t j = i; j < i + 4 && j < width; j++)
			sum += fabsf(x[j]);
		largest = fmaxf(largest, sum);
	}
	return largest;
}

void bits_query_init(struct bits_query *q, const struct rotation *r, const float *query)
{
	size_t groups = 2 * bits_bytes(r->width);
	int middle = groups <= 512 ? 64 : 32; /* groups times the largest entry stays below 2^16 */
	float *x = mem_alloc((r->width + 1) * sizeof(*x)), step;

	memcpy(x, query, r->width * sizeof(*x));
	rotation_apply(r, x);
	step = largest_sum(x, r->width) / (float)(middle - 1);
	q->table = mem_aligned(groups * 16);
	q->bias = (int32_t)groups * middle;
	for (size_t g = 0; g < groups; g++)
		for (unsigned pattern = 0; pattern < 16; pattern++) {
			size_t left = g * 4 < r->width ? r->width - g * 4 : 0;
			float sum = left && step > 0 ? signed_sum(x + g * 4, left, pattern) / step : 0;

			q->table[g * 16 + pattern] = (uint8_t)(middle + (int)lrintf(sum));
		}
	free(x);
}

void bits_query_release(struct bits_query *q)
{
	free(q->table);
}
