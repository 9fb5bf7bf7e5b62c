/* peak.h - the most multiply-adds a processor does: loops that touch registers alone.
 *
 * One function for each instruction that a kernel set is built on. Each runs `rounds` times CHAINS independent sums, so
 * that no sum waits for itself (4 cycles of latency, 2 units), and returns the operations done. `sink` keeps the
 * compiler from leaving the loop out. */
#ifndef RUNG_BENCH_PEAK_H
#define RUNG_BENCH_PEAK_H

#include <stddef.h>
#include <string.h>

enum { PEAK_CHAINS = 16 };

/* A function that repeats `step` on PEAK_CHAINS vectors; the empty asm says that each sum is used as it is. */
#define PEAK_FUNCTION(name, isa, vector, zero, step, operations) \
	__attribute__((target(isa))) static double name(size_t rounds, volatile float *sink) \
	{ \
		vector sum[PEAK_CHAINS]; \
		float out; \
\
		for (int i = 0; i < PEAK_CHAINS; i++) \
			sum[i] = zero; \
		for (size_t r = 0; r < rounds; r++) { \
			_Pragma("GCC unroll 16") for (int i = 0; i < PEAK_CHAINS; i++) { \
				step; \
				__asm__("" : PEAK_REGISTER(sum[i])); \
			} \
		} \
		for (int i = 1; i < PEAK_CHAINS; i++) \
			sum[0] += sum[i]; \
		memcpy(&out, &sum[0], sizeof(out)); \
		*sink = out; \
		return (double)rounds * PEAK_CHAINS * (operations); \
	}

#if defined(__x86_64__)
#include <immintrin.h>

#define PEAK_REGISTER(x) "+v"(x)
PEAK_FUNCTION(peak_avx512bf16, "avx512f,avx512bf16", __m512, _mm512_setzero_ps(),
	      sum[i] = _mm512_dpbf16_ps(sum[i], (__m512bh)_mm512_set1_epi16(1), (__m512bh)_mm512_set1_epi16(1)), 64)
PEAK_FUNCTION(peak_avx512, "avx512f", __m512, _mm512_setzero_ps(),
	      sum[i] = _mm512_fmadd_ps(_mm512_set1_ps(1), _mm512_set1_ps(1), sum[i]), 32)
#undef PEAK_REGISTER
#define PEAK_REGISTER(x) "+x"(x)
PEAK_FUNCTION(peak_avx2, "avx2,fma", __m256, _mm256_setzero_ps(),
	      sum[i] = _mm256_fmadd_ps(_mm256_set1_ps(1), _mm256_set1_ps(1), sum[i]), 16)

#elif defined(__aarch64__)
#include <arm_neon.h>

#define PEAK_REGISTER(x) "+w"(x)
PEAK_FUNCTION(peak_neon, "+simd", float32x4_t, vdupq_n_f32(0),
	      sum[i] = vfmaq_f32(sum[i], vdupq_n_f32(1), vdupq_n_f32(1)), 8)
#endif

typedef double peak_fn(size_t rounds, volatile float *sink);

/* The loop of a kernel set, NULL where there is none (portable). */
static peak_fn *peak_of(const char *set)
{
	static const struct {
		const char *set;
		peak_fn *run;
	} loops[] = {
#if defined(__x86_64__)
		{ "avx512bf16", peak_avx512bf16 },
		{ "avx512", peak_avx512 },
		{ "avx2", peak_avx2 },
#elif defined(__aarch64__)
		{ "neon", peak_neon },
#endif
		{ "", NULL },
	};

	for (size_t i = 0; i < sizeof(loops) / sizeof(*loops); i++)
		if (strcmp(loops[i].set, set) == 0)
			return loops[i].run;
	return NULL;
}

#endif
