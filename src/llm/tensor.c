/* tensor.c - shapes and rows, the small floats, and the index of a file's tensors. Element formats: quant.c. */
#include "llm/tensor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "llm/quant.h"

enum { NAME_LIMIT = 255 };

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

uint16_t f32_to_f16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	uint32_t sign = bits >> 16 & 0x8000, size = bits & 0x7FFFFFFF;

	if (size > 0x7F800000)
		return (uint16_t)(sign | 0x7E00);
	if (size >= 0x477FF000) /* rounds beyond 65504 */
		return (uint16_t)(sign | 0x7C00);
	if (size < 0x38800000) { /* below 2^-14: a multiple of 2^-24, by adding a number whose last place is that */
		float shifted = float_of_bits(size) + 0.5f;

		memcpy(&bits, &shifted, sizeof(bits));
		return (uint16_t)(sign | (bits - 0x3F000000));
	}
	size += 0xFFF + (size >> 13 & 1);
	return (uint16_t)(sign | (size - ((127 - 15) << 23)) >> 13);
}

const char *tensor_type_name(enum tensor_type type)
{
	return quant_format_of(type)->name;
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
	const struct quant_format *f = quant_format_of(type);
	size_t bytes;

	if (columns % f->block || __builtin_mul_overflow(columns / f->block, f->bytes, &bytes))
		return 0;
	return bytes;
}

void tensor_read(const struct tensor *t, size_t first, size_t n, float *out)
{
	size_t columns = tensor_columns(t);

	assert(first <= tensor_rows(t) && n <= tensor_rows(t) - first);
	/* Rows follow each other without a gap and each is whole blocks, so many rows read as one. */
	quant_format_of(t->type)->read(t->data + first * tensor_row_bytes(t->type, columns), n * columns, out);
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
