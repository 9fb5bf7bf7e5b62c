/* scan_avx2.c - AVX2: a block's rows in two halves of 32 bytes. */
#include "retrieve/scan.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

enum { BYTES = 32 };

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

/* a + the products of the 16 codes at p with q. */
static inline TARGET __m256i multiply_add(__m256i a, const int8_t *p, __m256i q)
{
	__m256i codes = _mm256_cvtepi8_epi16(_mm_load_si128((const void *)p));

	return _mm256_add_epi32(a, _mm256_madd_epi16(codes, q));
}

static inline TARGET __m256i load_query(const int16_t *p)
{
	return _mm256_loadu_si256((const void *)p);
}

static inline TARGET int32_t sum_lanes(__m256i a)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

/* Four rows share the loads of the query. */
static TARGET void half_dots(const int8_t *rows, size_t n, size_t width, const int16_t *query, int32_t *dots)
{
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		const int8_t *row = rows + i * width;
		__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;

		for (size_t j = 0; j < width; j += 16) {
			__m256i q = load_query(query + j);

			a = multiply_add(a, row + j, q);
			b = multiply_add(b, row + width + j, q);
			c = multiply_add(c, row + 2 * width + j, q);
			d = multiply_add(d, row + 3 * width + j, q);
		}
		dots[i] = sum_lanes(a);
		dots[i + 1] = sum_lanes(b);
		dots[i + 2] = sum_lanes(c);
		dots[i + 3] = sum_lanes(d);
	}
	for (; i < n; i++) {
		__m256i a = _mm256_setzero_si256();

		for (size_t j = 0; j < width; j += 16)
			a = multiply_add(a, rows + i * width + j, load_query(query + j));
		dots[i] = sum_lanes(a);
	}
}

/* One half of every row; `even` counts the odd byte's sum 256-fold too, which the end takes away. */
static TARGET void half_sums(const uint8_t *block, size_t n, const uint8_t *table, uint16_t *sums)
{
	const __m256i nibble = _mm256_set1_epi8(15);
	__m256i even = _mm256_setzero_si256(), odd = even;

	for (size_t j = 0; j < n; j++, block += SCAN_LANES, table += 32) {
		__m256i bytes = _mm256_load_si256((const void *)block);
		__m256i low = _mm256_broadcastsi128_si256(_mm_load_si128((const void *)table));
		__m256i high = _mm256_broadcastsi128_si256(_mm_load_si128((const void *)(table + 16)));

		low = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble));
		high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
		low = _mm256_add_epi8(low, high);
		even = _mm256_add_epi16(even, low);
		odd = _mm256_add_epi16(odd, _mm256_srli_epi16(low, 8));
	}
	_mm256_storeu_si256((void *)sums, _mm256_sub_epi16(even, _mm256_slli_epi16(odd, 8)));
	_mm256_storeu_si256((void *)(sums + SCAN_LANES / 2), odd);
}

static void both_sums(const uint8_t *block, size_t n, const uint8_t *table, uint16_t *sums)
{
	half_sums(block, n, table, sums);
	half_sums(block + BYTES, n, table, sums + BYTES / 2);
}

const struct scan scan_avx2 = {
	.name = "avx2", .available = has_avx2, .dots = half_dots, .sums = both_sums,
};

#endif
