/* kernels_avx512bf16.c - the set for x86-64 with AVX512_BF16 (Cooper Lake, Sapphire Rapids, Zen 4 and later): products
 * of bf16, sums of f32; twice the multiply-adds of the f32 set at half the memory for W.
 *
 * A panel holds pairs (w[2q], w[2q+1]) of bf16, one 32-bit word each, for 32 columns: (k/2, 32). An odd k ends with a
 * zero. The rows of a tile are converted as they come, at most 2 PAIRS values of each at a time. Each element of C is
 * the chain c = dpbf16(c, a pair, w pair) over the pairs in order: tiles and pauses change no bit of it. Conversion
 * rounds to nearest even and takes subnormal values as zero, as the instruction does. */
#include "llm/kernels_sets.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define VECTOR_BYTES 64
#define TARGET __attribute__((target("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define VECTOR_FMA(a, b, c) ((vector)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#include "llm/kernels_rows.h"

enum {
	PANEL = 32,
	ROWS = 14,   /* 14 x 2 accumulators, 2 vectors of the panel, 1 pair of A: 31 of 32 registers */
	PAIRS = 192, /* pairs of k between pauses: 24 KiB of a panel, 10.5 KiB of converted rows */
};

struct tile {
	const int32_t *a;     /* (rows, PAIRS) */
	const int32_t *panel; /* (pairs, PANEL) */
	size_t pairs;
	float *c; /* (rows, columns), row stride ldc */
	size_t ldc;
	__mmask16 left, right; /* which of the columns 0 .. 15 and 16 .. 31 exist */
	bool resume;           /* go on from the values in c */
};

INLINE __mmask16 first_lanes(size_t n)
{
	return (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1);
}

/* n <= 2 PAIRS values of x to bf16; up to 15 zeros follow, within the (n + 15) / 16 * 8 words written. */
INLINE void convert_row(const float *x, size_t n, int32_t *out)
{
	for (size_t i = 0; i < n; i += 16) {
		__m512 v = _mm512_maskz_loadu_ps(first_lanes(n - i), x + i);

		_mm256_storeu_si256((__m256i *)(void *)(out + i / 2), (__m256i)_mm512_cvtneps_pbh(v));
	}
}

/* `rows` is a constant at every call, so the small loops unroll and the accumulators are registers. */
INLINE void tile_run(const int rows, const struct tile *t)
{
	__m512 left[ROWS], right[ROWS];
	const int32_t *panel = t->panel;

	UNROLL
	for (int i = 0; i < rows; i++) {
		const float *c = t->c + (size_t)i * t->ldc;

		left[i] = t->resume ? _mm512_maskz_loadu_ps(t->left, c) : _mm512_setzero_ps();
		right[i] = t->resume ? _mm512_maskz_loadu_ps(t->right, c + 16) : _mm512_setzero_ps();
	}
	for (size_t q = 0; q < t->pairs; q++, panel += PANEL) {
		__m512bh w0 = (__m512bh)_mm512_loadu_si512(panel);
		__m512bh w1 = (__m512bh)_mm512_loadu_si512(panel + 16);

		UNROLL
		for (int i = 0; i < rows; i++) {
			__m512bh v = (__m512bh)_mm512_set1_epi32(t->a[(size_t)i * PAIRS + q]);

			left[i] = _mm512_dpbf16_ps(left[i], v, w0);
			right[i] = _mm512_dpbf16_ps(right[i], v, w1);
		}
	}
	UNROLL
	for (int i = 0; i < rows; i++) {
		_mm512_mask_storeu_ps(t->c + (size_t)i * t->ldc, t->left, left[i]);
		_mm512_mask_storeu_ps(t->c + (size_t)i * t->ldc + 16, t->right, right[i]);
	}
}

/* One tile of 1 .. ROWS rows. */
static TARGET void tile_rows(size_t rows, const struct tile *t)
{
#define RUN(count)                  \
	case count:                 \
		tile_run(count, t); \
		break
	switch (rows) {
		RUN(1);
		RUN(2);
		RUN(3);
		RUN(4);
		RUN(5);
		RUN(6);
		RUN(7);
		RUN(8);
		RUN(9);
		RUN(10);
		RUN(11);
		RUN(12);
		RUN(13);
		RUN(14);
	default:
		break;
	}
#undef RUN
}

/* All rows of A for one stretch of k (depth <= 2 PAIRS values), dealt out evenly over the tiles. */
static TARGET void tile_multiply_depth(struct tile t, const float *a, size_t m, size_t lda, size_t depth)
{
	int32_t converted[ROWS * PAIRS];

	t.a = converted;
	t.pairs = (depth + 1) / 2;
	for (size_t left = m, tiles = (m + ROWS - 1) / ROWS; tiles > 0; tiles--) {
		size_t rows = left / tiles;

		for (size_t i = 0; i < rows; i++)
			convert_row(a + i * lda, depth, converted + i * PAIRS);
		tile_rows(rows, &t);
		a += rows * lda;
		t.c += rows * t.ldc;
		left -= rows;
	}
}

static TARGET void tile_multiply(const float *a, size_t m, size_t lda, size_t k, const void *panel, size_t n, float *c,
				  size_t ldc)
{
	struct tile t = { .c = c, .ldc = ldc, .left = first_lanes(n), .right = first_lanes(n > 16 ? n - 16 : 0) };
	size_t done = 0;

	do {
		size_t depth = k - done < 2 * PAIRS ? k - done : 2 * PAIRS;

		t.panel = (const int32_t *)panel + done / 2 * PANEL;
		t.resume = done > 0;
		tile_multiply_depth(t, a + done, m, lda, depth);
		done += depth;
	} while (done < k);
}

static TARGET void tile_pack(const float *rows, size_t n, size_t k, size_t ld, void *panel)
{
	int32_t *out = panel, converted[PAIRS];

	for (size_t done = 0; done < k; done += 2 * PAIRS) {
		size_t depth = k - done < 2 * PAIRS ? k - done : 2 * PAIRS;

		for (size_t j = 0; j < PANEL; j++) {
			if (j < n)
				convert_row(rows + j * ld + done, depth, converted);
			for (size_t q = 0; q < (depth + 1) / 2; q++)
				out[(done / 2 + q) * PANEL + j] = j < n ? converted[q] : 0;
		}
	}
}

static size_t tile_panel_bytes(size_t k)
{
	return (k + 1) / 2 * PANEL * sizeof(int32_t);
}

static bool processor_has_avx512bf16(void)
{
	return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}

const struct kernels kernels_avx512bf16 = {
	.name = "avx512bf16",
	.available = processor_has_avx512bf16,
	.panel = PANEL,
	.bf16 = true,
	.pack = tile_pack,
	.panel_bytes = tile_panel_bytes,
	.multiply = tile_multiply,
	ROW_FUNCTIONS,
};

#endif
