/* tensor.c - element formats as one table, and the index of a file's tensors.
 *
 * Reading is the slow path on purpose: weights are read once and packed for the kernels (kernels.h). */
#include "llm/tensor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { BLOCK = 32, NAME_LIMIT = 255 };

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static float float_of_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

float f16_to_f32(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16;
	uint32_t rest = half & 0x7FFF;

	if (rest >= 0x7C00) /* infinity or NaN */
		return float_of_bits(sign | 0x7F800000 | (rest & 0x3FF) << 13);
	if (rest >= 0x0400) /* the exponent's bias goes from 15 to 127 */
		return float_of_bits(sign | ((rest << 13) + ((127 - 15) << 23)));
	float subnormal = (float)rest * 0x1p-24F;

	return sign ? -subnormal : subnormal;
}

float bf16_to_f32(uint16_t x)
{
	return float_of_bits((uint32_t)x << 16);
}

uint16_t f32_to_bf16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	if ((bits & 0x7FFFFFFF) > 0x7F800000) /* NaN: the quiet bit, or a payload cut away would leave infinity */
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static void read_f32(const uint8_t *from, size_t n, float *out)
{
	memcpy(out, from, n * sizeof(*out));
}

static void read_f16(const uint8_t *from, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = f16_to_f32(load16(from + 2 * i));
}

static void read_bf16(const uint8_t *from, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = bf16_to_f32(load16(from + 2 * i));
}

static void read_q8_0(const uint8_t *block, size_t n, float *out)
{
	for (; n; n -= BLOCK, block += 2 + BLOCK, out += BLOCK) {
		float scale = f16_to_f32(load16(block));

		for (size_t i = 0; i < BLOCK; i++)
			out[i] = scale * (float)(int8_t)block[2 + i];
	}
}

/* Value i of a block of nibbles is the low half of byte i, value 16 + i its high half. */
static void read_q4_0(const uint8_t *block, size_t n, float *out)
{
	for (; n; n -= BLOCK, block += 2 + BLOCK / 2, out += BLOCK) {
		float scale = f16_to_f32(load16(block));

		for (size_t i = 0; i < BLOCK / 2; i++) {
			out[i] = scale * (float)((block[2 + i] & 15) - 8);
			out[BLOCK / 2 + i] = scale * (float)((block[2 + i] >> 4) - 8);
		}
	}
}

static void read_q4_1(const uint8_t *block, size_t n, float *out)
{
	for (; n; n -= BLOCK, block += 4 + BLOCK / 2, out += BLOCK) {
		float scale = f16_to_f32(load16(block));
		float minimum = f16_to_f32(load16(block + 2));

		for (size_t i = 0; i < BLOCK / 2; i++) {
			out[i] = scale * (float)(block[4 + i] & 15) + minimum;
			out[BLOCK / 2 + i] = scale * (float)(block[4 + i] >> 4) + minimum;
		}
	}
}

static const struct {
	const char *name;
	size_t block, bytes; /* values in a block, and what they take */
	void (*read)(const uint8_t *from, size_t n, float *out);
} formats[] = {
	[TENSOR_F32] = { "F32", 1, 4, read_f32 },
	[TENSOR_F16] = { "F16", 1, 2, read_f16 },
	[TENSOR_BF16] = { "BF16", 1, 2, read_bf16 },
	[TENSOR_Q8_0] = { "Q8_0", BLOCK, 2 + BLOCK, read_q8_0 },
	[TENSOR_Q4_0] = { "Q4_0", BLOCK, 2 + BLOCK / 2, read_q4_0 },
	[TENSOR_Q4_1] = { "Q4_1", BLOCK, 4 + BLOCK / 2, read_q4_1 },
};

const char *tensor_type_name(enum tensor_type type)
{
	return formats[type].name;
}

size_t tensor_columns(const struct tensor *t)
{
	return t->n_dims ? t->shape[t->n_dims - 1] : 1;
}

size_t tensor_rows(const struct tensor *t)
{
	size_t rows = 1;

	for (int i = 0; i < t->n_dims - 1; i++)
		rows *= t->shape[i];
	return rows;
}

size_t tensor_row_bytes(enum tensor_type type, size_t columns)
{
	size_t bytes;

	if (columns % formats[type].block ||
	    __builtin_mul_overflow(columns / formats[type].block, formats[type].bytes, &bytes))
		return 0;
	return bytes;
}

void tensor_read(const struct tensor *t, size_t first, size_t n, float *out)
{
	size_t columns = tensor_columns(t);

	assert(first <= tensor_rows(t) && n <= tensor_rows(t) - first);
	/* Rows follow each other without a gap and each is whole blocks, so many rows read as one. */
	formats[t->type].read(t->data + first * tensor_row_bytes(t->type, columns), n * columns, out);
}

size_t tensor_values(const struct tensor *t)
{
	size_t n = 1;

	for (int i = 0; i < t->n_dims; i++)
		if (__builtin_mul_overflow(n, t->shape[i], &n) || n > PTRDIFF_MAX / 8)
			return 0;
	return n;
}

bool tensor_name_valid(const char *name, size_t n)
{
	size_t bad;

	if (n == 0 || n > NAME_LIMIT || !text_valid(name, n, &bad))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7F)
			return false;
	return true;
}

static int compare_names(const void *a, const void *b)
{
	const struct tensor *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

bool tensor_list_index(struct tensor_list *l, struct arena *arena, const char *path, struct error *err)
{
	l->by_name = arena_array(arena, l->n, sizeof(struct tensor *));
	for (size_t i = 0; i < l->n; i++)
		l->by_name[i] = &l->at[i];
	qsort(l->by_name, l->n, sizeof(struct tensor *), compare_names);
	for (size_t i = 1; i < l->n; i++)
		if (strcmp(l->by_name[i - 1]->name, l->by_name[i]->name) == 0)
			return error_set(err, "%s: two tensors are named \"%s\"", path, l->by_name[i]->name);
	return true;
}

static int compare_name(const void *name, const void *entry)
{
	const struct tensor *const *t = entry;

	return strcmp(name, (*t)->name);
}

const struct tensor *tensor_list_find(const struct tensor_list *l, const char *name)
{
	const struct tensor **found = bsearch(name, l->by_name, l->n, sizeof(struct tensor *), compare_name);

	return found ? *found : NULL;
}
