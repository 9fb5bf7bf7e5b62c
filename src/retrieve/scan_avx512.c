/* scan_avx512.c - AVX-512 with VNNI (Cascade Lake, Ice Lake, Zen 4 and later). */
#include "retrieve/scan.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

static bool has_vnni(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

/* The 32 codes at p, widened. */
static inline TARGET __m512i widen(const int8_t *p)
{
	return _mm512_cvtepi8_epi16(_mm256_load_si256((const void *)p));
}

/* Four rows share the loads of the query. */
static TARGET void wide_dots(const int8_t *rows, size_t n, size_t width, const int16_t *query, int32_t *dots)
{
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		const int8_t *row = rows + i * width;
		__m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;

		for (size_t j = 0; j < width; j += 32) {
			__m512i q = _mm512_loadu_si512(query + j);

			a = _mm512_dpwssd_epi32(a, widen(row + j), q);
			b = _mm512_dpwssd_epi32(b, widen(row + width + j), q);
			c = _mm512_dpwssd_epi32(c, widen(row + 2 * width + j), q);
			d = _mm512_dpwssd_epi32(d, widen(row + 3 * width + j), q);
		}
		dots[i] = _mm512_reduce_add_epi32(a);
		dots[i + 1] = _mm512_reduce_add_epi32(b);
		dots[i + 2] = _mm512_reduce_add_epi32(c);
		dots[i + 3] = _mm512_reduce_add_epi32(d);
	}
	for (; i < n; i++) {
		__m512i a = _mm512_setzero_si512();

		for (size_t j = 0; j < width; j += 32)
			a = _mm512_dpwssd_epi32(a, widen(rows + i * width + j), _mm512_loadu_si512(query + j));
		dots[i] = _mm512_reduce_add_epi32(a);
	}
}

/* Sums of bytes in pairs: `even` counts the odd byte's sum 256-fold too, which the end takes away. */
static TARGET void wide_sums(const uint8_t *block, size_t n, const uint8_t *table, uint16_t *sums)
{
	const __m512i nibble = _mm512_set1_epi8(15);
	__m512i even = _mm512_setzero_si512(), odd = even;

	for (size_t j = 0; j < n; j++, block += SCAN_LANES, table += 32) {
		__m512i bytes = _mm512_load_si512(block);
		__m512i low = _mm512_broadcast_i32x4(_mm_load_si128((const void *)table));
		__m512i high = _mm512_broadcast_i32x4(_mm_load_si128((const void *)(table + 16)));

		low = _mm512_shuffle_epi8(low, _mm512_and_si512(bytes, nibble));
		high = _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble));
		low = _mm512_add_epi8(low, high);
		even = _mm512_add_epi16(even, low);
		odd = _mm512_add_epi16(odd, _mm512_srli_epi16(low, 8));
	}
	_mm512_storeu_si512(sums, _mm512_sub_epi16(even, _mm512_slli_epi16(odd, 8)));
	_mm512_storeu_si512(sums + SCAN_LANES / 2, odd);
}

const struct scan scan_avx512 = {
	.name = "avx512", .available = has_vnni, .dots = wide_dots, .sums = wide_sums,
};

#endif
