/* peak.h - the most multiply-adds a processor does: loops that touch registers alone.
 *
 * One function for each instruction that a kernel set is built on. Each adds `rounds` times to PEAK_CHAINS independent
 * sums, so that no sum waits for itself (4 cycles of latency, 2 units), and returns the operations done. `sink` keeps
 * the compiler from leaving the loop out. */
#ifndef RUNG_BENCH_PEAK_H
#define RUNG_BENCH_PEAK_H

#include <stddef.h>
#include <string.h>

enum { PEAK_CHAINS = 12 };

/* Sums with names of their own: gcc 12 keeps an array of vectors in memory and loads and stores in every step. */
#define PEAK_EACH(do) do(s0) do(s1) do(s2) do(s3) do(s4) do(s5) do(s6) do(s7) do(s8) do(s9) do(s10) do(s11)
#define PEAK_ADD(s) total += s;

/* `step(s)` adds to s once and ends with PEAK_KEEP(s), which tells the compiler that s is used as it is. */
#define PEAK_FUNCTION(name, isa, vector, zero, step, operations) \
	__attribute__((target(isa))) static double name(size_t rounds, volatile float *sink) \
	{ \
		vector total = zero, s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero; \
		vector s7 = zero, s8 = zero, s9 = zero, s10 = zero, s11 = zero; \
		float out; \
\
		for (size_t r = 0; r < rounds; r++) { \
			PEAK_EACH(step) \
		} \
		PEAK_EACH(PEAK_ADD) \
		memcpy(&out, &total, sizeof(out)); \
		*sink = out; \
		return (double)rounds * PEAK_CHAINS * (operations); \
	}

#if defined(__x86_64__)
#include <immintrin.h>

#define PEAK_KEEP(s) __asm__("" : "+v"(s));
#define PEAK_ONE_BF16 ((__m512bh)_mm512_set1_epi16(0x3f80))
#define PEAK_ONE_INT8 _mm512_set1_epi8(1)
#define PEAK_INT8(s) s = _mm512_dpbusd_epi32(s, PEAK_ONE_INT8, PEAK_ONE_INT8); PEAK_KEEP(s)
#define PEAK_BF16(s) s = _mm512_dpbf16_ps(s, PEAK_ONE_BF16, PEAK_ONE_BF16); PEAK_KEEP(s)
#define PEAK_512(s) s = _mm512_fmadd_ps(_mm512_set1_ps(1), _mm512_set1_ps(1), s); PEAK_KEEP(s)
#define PEAK_256(s) s = _mm256_fmadd_ps(_mm256_set1_ps(1), _mm256_set1_ps(1), s); PEAK_KEEP(s)

PEAK_FUNCTION(peak_avx512vnni, "avx512f,avx512bw,avx512vnni", __m512i, _mm512_setzero_si512(), PEAK_INT8, 128)
PEAK_FUNCTION(peak_avx512bf16, "avx512f,avx512bw,avx512bf16", __m512, _mm512_setzero_ps(), PEAK_BF16, 64)
PEAK_FUNCTION(peak_avx512, "avx512f", __m512, _mm512_setzero_ps(), PEAK_512, 32)
PEAK_FUNCTION(peak_avx2, "avx2,fma", __m256, _mm256_setzero_ps(), PEAK_256, 16)

#elif defined(__aarch64__)
#include <arm_neon.h>

#define PEAK_NEON(s) \
	s = vfmaq_f32(s, vdupq_n_f32(1), vdupq_n_f32(1)); \
	__asm__("" : "+w"(s));

PEAK_FUNCTION(peak_neon, "+simd", float32x4_t, vdupq_n_f32(0), PEAK_NEON, 8)
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
		{ "avx512vnni", peak_avx512vnni },
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
