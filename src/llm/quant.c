/* quant.c - a function per element format, and the table of them.
 *
 * Reading is the slow path on purpose: weights are read once and packed for the kernels (kernels.h). The products are
 * taken in ggml's order, so that the values are its values bit for bit. */
#include "llm/quant.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { BLOCK = 32, HALF = BLOCK / 2, SUPER = 256, PARTS = SUPER / BLOCK }; /* a K format's block has parts of 32 */

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static float load_half(const uint8_t *p)
{
	return f16_to_f32(load16(p));
}

static void read_f32(const uint8_t *from, size_t n, float *out)
{
	memcpy(out, from, n * sizeof(*out));
}

static void read_f16(const uint8_t *from, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = load_half(from + 2 * i);
}

static void read_bf16(const uint8_t *from, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = bf16_to_f32(load16(from + 2 * i));
}

static void read_q8_0(const uint8_t *block, size_t n, float *out)
{
	for (; n; n -= BLOCK, block += 2 + BLOCK, out += BLOCK) {
		float scale = load_half(block);

		for (size_t i = 0; i < BLOCK; i++)
			out[i] = scale * (float)(int8_t)block[2 + i];
	}
}

/* Value i of a block of nibbles is the low half of byte i, value 16 + i its high half. */
static void read_q4_0(const uint8_t *block, size_t n, float *out)
{
	for (; n; n -= BLOCK, block += 2 + HALF, out += BLOCK) {
		float scale = load_half(block);

		for (size_t i = 0; i < HALF; i++) {
			out[i] = scale * (float)((block[2 + i] & 15) - 8);
			out[HALF + i] = scale * (float)((block[2 + i] >> 4) - 8);
		}
	}
}

static void read_q4_1(const uint8_t *block, size_t n, float *out)
{
	for (; n; n -= BLOCK, block += 4 + HALF, out += BLOCK) {
		float scale = load_half(block);
		float minimum = load_half(block + 2);

		for (size_t i = 0; i < HALF; i++) {
			out[i] = scale * (float)(block[4 + i] & 15) + minimum;
			out[HALF + i] = scale * (float)(block[4 + i] >> 4) + minimum;
		}
	}
}

/* 32 values of 5 bits: 4 bytes with a fifth bit for each value in order, then nibbles as above. */
static void unpack_5_bits(const uint8_t *from, int q[BLOCK])
{
	const uint8_t *nibbles = from + BLOCK / 8;

	for (size_t i = 0; i < BLOCK; i++) {
		int fifth = from[i / 8] >> (i % 8) & 1;

		q[i] = (i < HALF ? nibbles[i] & 15 : nibbles[i - HALF] >> 4) | fifth << 4;
	}
}

static void read_q5_0(const uint8_t *block, size_t n, float *out)
{
	int q[BLOCK];

	for (; n; n -= BLOCK, block += 2 + 4 + HALF, out += BLOCK) {
		float scale = load_half(block);

		unpack_5_bits(block + 2, q);
		for (size_t i = 0; i < BLOCK; i++)
			out[i] = scale * (float)(q[i] - 16);
	}
}

static void read_q5_1(const uint8_t *block, size_t n, float *out)
{
	int q[BLOCK];

	for (; n; n -= BLOCK, block += 4 + 4 + HALF, out += BLOCK) {
		float scale = load_half(block);
		float minimum = load_half(block + 2);

		unpack_5_bits(block + 4, q);
		for (size_t i = 0; i < BLOCK; i++)
			out[i] = scale * (float)q[i] + minimum;
	}
}

/* The 8 scales and 8 minima, of 6 bits each, in 12 bytes: parts 0-3 have the low 6 bits of bytes 0-3 and 4-7; parts
 * 4-7 take their low 4 bits from the halves of bytes 8-11 and the other two from the tops of bytes 0-3 and 4-7. */
static int part_scale(const uint8_t *packed, size_t part)
{
	return part < 4 ? packed[part] & 63 : (packed[part + 4] & 15) | packed[part - 4] >> 6 << 4;
}

static int part_minimum(const uint8_t *packed, size_t part)
{
	return part < 4 ? packed[part + 4] & 63 : packed[part + 4] >> 4 | packed[part] >> 6 << 4;
}

enum { PACKED = 12, HEAD = 2 + 2 + PACKED }; /* scale of scales, scale of minima, both packed */

/* Parts 2j and 2j + 1 are the low and high halves of the j-th 32 bytes of nibbles; fifth has bit p of byte i for value
 * i of part p, or is NULL. */
static void read_parts(const uint8_t *block, const uint8_t *fifth, const uint8_t *nibbles, float *out)
{
	float scales = load_half(block), minima = load_half(block + 2);

	for (size_t part = 0; part < PARTS; part++, out += BLOCK) {
		float scale = scales * (float)part_scale(block + 4, part);
		float minimum = minima * (float)part_minimum(block + 4, part);

		for (size_t i = 0; i < BLOCK; i++) {
			int q = nibbles[part / 2 * BLOCK + i] >> (part % 2 * 4) & 15;

			if (fifth)
				q |= (fifth[i] >> part & 1) << 4;
			out[i] = scale * (float)q - minimum;
		}
	}
}

static void read_q4_k(const uint8_t *block, size_t n, float *out)
{
	for (; n; n -= SUPER, block += HEAD + SUPER / 2, out += SUPER)
		read_parts(block, NULL, block + HEAD, out);
}

static void read_q5_k(const uint8_t *block, size_t n, float *out)
{
	for (; n; n -= SUPER, block += HEAD + BLOCK + SUPER / 2, out += SUPER)
		read_parts(block, block + HEAD, block + HEAD + BLOCK, out);
}

/* Low 4 bits (128 bytes), high 2 bits (64), a signed scale for each 16 values (16), the scale of scales. Each half of
 * the block has its own half of the first two: value v of 128 is in byte v % 64 and in bits of byte v % 32. */
static void read_q6_k(const uint8_t *block, size_t n, float *out)
{
	enum { LOW = SUPER / 2, HIGH = SUPER / 4, SCALES = SUPER / 16 };

	for (; n; n -= SUPER, block += LOW + HIGH + SCALES + 2, out += SUPER) {
		float scales = load_half(block + LOW + HIGH + SCALES);

		for (size_t i = 0; i < SUPER; i++) {
			size_t half = i / 128, v = i % 128;
			int low = block[half * 64 + v % 64] >> (v / 64 * 4) & 15;
			int high = block[LOW + half * 32 + v % 32] >> (v / 32 * 2) & 3;
			float scale = scales * (float)(int8_t)block[LOW + HIGH + i / 16];

			out[i] = scale * (float)((low | high << 4) - 32);
		}
	}
}

static const struct quant_format formats[] = {
	[TENSOR_F32] = { "F32", 0, 1, 4, read_f32 },
	[TENSOR_F16] = { "F16", 1, 1, 2, read_f16 },
	[TENSOR_BF16] = { "BF16", 30, 1, 2, read_bf16 },
	[TENSOR_Q8_0] = { "Q8_0", 8, BLOCK, 2 + BLOCK, read_q8_0 },
	[TENSOR_Q4_0] = { "Q4_0", 2, BLOCK, 2 + HALF, read_q4_0 },
	[TENSOR_Q4_1] = { "Q4_1", 3, BLOCK, 4 + HALF, read_q4_1 },
	[TENSOR_Q5_0] = { "Q5_0", 6, BLOCK, 2 + 4 + HALF, read_q5_0 },
	[TENSOR_Q5_1] = { "Q5_1", 7, BLOCK, 4 + 4 + HALF, read_q5_1 },
	[TENSOR_Q4_K] = { "Q4_K", 12, SUPER, HEAD + SUPER / 2, read_q4_k },
	[TENSOR_Q5_K] = { "Q5_K", 13, SUPER, HEAD + BLOCK + SUPER / 2, read_q5_k },
	[TENSOR_Q6_K] = { "Q6_K", 14, SUPER, SUPER / 2 + SUPER / 4 + SUPER / 16 + 2, read_q6_k },
};
_Static_assert(ARRAY_SIZE(formats) == TENSOR_TYPES, "a format for every type");

/* Those that are not read have a name for the sentence. */
static const struct {
	uint32_t number;
	const char *name;
} others[] = {
	{ 9, "Q8_1" },     { 10, "Q2_K" },   { 11, "Q3_K" },    { 15, "Q8_K" },  { 16, "IQ2_XXS" }, { 17, "IQ2_XS" },
	{ 18, "IQ3_XXS" }, { 19, "IQ1_S" },  { 20, "IQ4_NL" },  { 21, "IQ3_S" }, { 22, "IQ2_S" },   { 23, "IQ4_XS" },
	{ 24, "I8" },      { 25, "I16" },    { 26, "I32" },     { 27, "I64" },   { 28, "F64" },     { 29, "IQ1_M" },
	{ 34, "TQ1_0" },   { 35, "TQ2_0" },  { 39, "MXFP4" },   { 40, "NVFP4" },
};

const struct quant_format *quant_format_of(enum tensor_type type)
{
	return &formats[type];
}

bool quant_type_find(uint32_t number, enum tensor_type *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (formats[i].number != number)
			continue;
		*type = (enum tensor_type)i;
		return true;
	}
	return false;
}

const char *quant_number_name(uint32_t number)
{
	enum tensor_type type;

	if (quant_type_find(number, &type))
		return formats[type].name;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].number == number)
			return others[i].name;
	return NULL;
}

const char *quant_names(void)
{
	return "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K";
}
