/* scan_neon.c - AArch64: a block's rows in four quarters of 16 bytes. */
#include "retrieve/scan.h"

#if defined(__aarch64__)

#include <arm_neon.h>

enum { BYTES = 16 };

static bool has_neon(void)
{
	return true; /* every AArch64 has it */
}

static void quarter_dots(const int8_t *rows, size_t n, size_t width, const int16_t *query, int32_t *dots)
{
	for (size_t i = 0; i < n; i++, rows += width) {
		int32x4_t a = vdupq_n_s32(0), b = a, c = a, d = a;

		for (size_t j = 0; j < width; j += 16) {
			int8x16_t codes = vld1q_s8(rows + j);
			int16x8_t low = vmovl_s8(vget_low_s8(codes)), high = vmovl_high_s8(codes);
			int16x8_t p = vld1q_s16(query + j), q = vld1q_s16(query + j + 8);

			a = vmlal_s16(a, vget_low_s16(low), vget_low_s16(p));
			b = vmlal_high_s16(b, low, p);
			c = vmlal_s16(c, vget_low_s16(high), vget_low_s16(q));
			d = vmlal_high_s16(d, high, q);
		}
		dots[i] = vaddvq_s32(vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d)));
	}
}

/* One quarter of every row; `even` counts the odd byte's sum 256-fold too, which the end takes away. */
static void quarter_sums(const uint8_t *block, size_t n, const uint8_t *table, uint16_t *sums)
{
	uint16x8_t even = vdupq_n_u16(0), odd = even;

	for (size_t j = 0; j < n; j++, block += SCAN_LANES, table += 32) {
		uint8x16_t bytes = vld1q_u8(block);
		uint8x16_t low = vqtbl1q_u8(vld1q_u8(table), vandq_u8(bytes, vdupq_n_u8(15)));
		uint8x16_t high = vqtbl1q_u8(vld1q_u8(table + 16), vshrq_n_u8(bytes, 4));
		uint16x8_t both = vreinterpretq_u16_u8(vaddq_u8(low, high));

		even = vaddq_u16(even, both);
		odd = vsraq_n_u16(odd, both, 8);
	}
	vst1q_u16(sums, vsubq_u16(even, vshlq_n_u16(odd, 8)));
	vst1q_u16(sums + SCAN_LANES / 2, odd);
}

static void four_sums(const uint8_t *block, size_t n, const uint8_t *table, uint16_t *sums)
{
	for (size_t q = 0; q < SCAN_LANES / BYTES; q++)
		quarter_sums(block + q * BYTES, n, table, sums + q * BYTES / 2);
}

const struct scan scan_neon = {
	.name = "neon", .available = has_neon, .dots = quarter_dots, .sums = four_sums,
};

#endif
