/* scan_portable.c - the set for every processor: plain loops. */
#include "retrieve/scan.h"

static bool always(void)
{
	return true;
}

static void plain_dots(const int8_t *rows, size_t n, size_t width, const int16_t *query, int32_t *dots)
{
	for (size_t i = 0; i < n; i++, rows += width) {
		int32_t sum = 0;

		for (size_t d = 0; d < width; d++)
			sum += rows[d] * query[d];
		dots[i] = sum;
	}
}


static void plain_sums(const uint8_t *block, size_t n, const uint8_t *table, uint16_t *sums)
{
	uint16_t byte_sums[SCAN_LANES] = { 0 };

	for (size_t j = 0; j < n; j++, block += SCAN_LANES, table += 32)
		for (size_t b = 0; b < SCAN_LANES; b++)
			byte_sums[b] = (uint16_t)(byte_sums[b] + table[block[b] & 15] + table[16 + (block[b] >> 4)]);
	for (size_t lane = 0; lane < SCAN_LANES; lane++)
		sums[lane] = byte_sums[scan_byte(lane)];
}

const struct scan scan_portable = {
	.name = "portable", .available = always, .dots = plain_dots, .sums = plain_sums,
};
