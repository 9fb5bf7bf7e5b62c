/* kernels_avx512bf16.c - the set for x86-64 with AVX512_BF16 (Cooper Lake, Sapphire Rapids, Zen 4 and later): products
 * of bf16, sums of f32; twice the multiply-adds of the f32 set at half the memory for W.
 *
 * A panel holds pairs (w[2q], w[2q+1]) of bf16, one 32-bit word each, for 32 columns: (k/2, 32). An odd k ends with a
 * zero. Rows of A are pairs likewise. Each element of C is the chain c = dpbf16(c, a pair, w pair) over the pairs in
 * order: strips and pauses change no bit of it. Rounding is to nearest even and takes subnormal values as zero, as the
 * instruction does. */
#include "llm/kernels_sets.h"

#if defined(__x86_64__)

#define TARGET __attribute__((target("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))

/* Two vectors of values to one of pairs. */
#define DOT_PAIR(low, high) ((vector)_mm512_cvtne2ps_pbh((__m512)(high), (__m512)(low)))
#define DOT_ADD(w, x, sum) ((vector)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(w), (__m512bh)(x)))

#define NIBBLES(octets, levels) nibbles_read(octets, levels)

#include "llm/kernels_wide.h"

/* The levels that the low nibbles of 16 octets stand for, then those of the high ones. */
INLINE vector nibbles_read(const uint8_t *octets, vector levels)
{
	const __m512i shift = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(4), 1);
	__m256i twice = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)octets));
	__m512i index = _mm512_srlv_epi16(_mm512_cvtepu8_epi16(twice), shift); /* of 5 bits: the fifth counts nothing */
	__m512i words = _mm512_broadcast_i64x4((__m256i)_mm512_cvtneps_pbh((__m512)levels));

	return (vector)_mm512_permutexvar_epi16(index, words);
}

#include "llm/kernels_blocks.h"

enum {
	TILE_ROWS = 14, /* 14 x 2 accumulators, 2 vectors of the panel, 1 pair of A: 31 of 32 registers */
	PANEL = 32,
	PAIRS_MOST = 400, /* pairs of k between pauses, in stretches alike: 256 measured 2 % slower; 288 and a short rest, as
			   * k = 608 leaves, 18 % */
	CHUNK = 128, /* values of a row that are rounded, then transposed */
};

struct strip {
	const float *a; /* (rows, pairs) of 32-bit words, lda apart */
	size_t lda, pairs;
	const int32_t *panel; /* (pairs, PANEL) */
	size_t ahead;         /* bytes from what is read of the panel to what is fetched meanwhile */
	float *c;             /* (rows, columns), ldc apart */
	size_t ldc;
	__mmask16 left, right; /* which of the columns 0 .. 15 and 16 .. 31 exist */
	bool resume;           /* go on from the values in c */
};

/* Two values to one word; reads ahead of what it writes, so out may be x. */
static TARGET void pair_round(const float *x, size_t n, float *out)
{
	size_t i = 0;

	for (; n - i >= 32; i += 32)
		_mm512_storeu_ps(out + i / 2, (__m512)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i)));
	for (; i < n; i += 16) {
		__m512 v = _mm512_maskz_loadu_ps(first_lanes(n - i), x + i);
		__m256i words = (__m256i)_mm512_cvtneps_pbh(v);

		_mm256_mask_storeu_epi32(out + i / 2, (__mmask8)first_lanes(n - i < 16 ? (n - i + 1) / 2 : 8), words);
	}
}

static size_t pair_words(size_t n)
{
	return (n + 1) / 2;
}

/* Past the end of the weights it fetches nothing of use, which is harmless. */
INLINE void fetch_step(const int32_t *panel, size_t ahead)
{
	uintptr_t at = (uintptr_t)panel + ahead;

	_mm_prefetch((const void *)at, _MM_HINT_T1);
	_mm_prefetch((const void *)(at + 64), _MM_HINT_T1);
}

/* `rows` and `both`, are there more than 16 columns, are constants at every call, so the small loops unroll and the accumulators are
 * registers. */
INLINE void strip_run(const int rows, const bool both, const struct strip *s)
{
	__m512 left[TILE_ROWS], right[TILE_ROWS];
	const int32_t *panel = s->panel;

	UNROLL
	for (int i = 0; i < rows; i++) {
		const float *c = s->c + (size_t)i * s->ldc;

		left[i] = s->resume ? _mm512_maskz_loadu_ps(s->left, c) : _mm512_setzero_ps();
		right[i] = both && s->resume ? _mm512_maskz_loadu_ps(s->right, c + 16) : _mm512_setzero_ps();
	}
	for (size_t q = 0; q < s->pairs; q++, panel += PANEL) {
		__m512bh w0 = (__m512bh)_mm512_loadu_si512(panel);
		__m512bh w1 = (__m512bh)_mm512_loadu_si512(panel + 16);

		fetch_step(panel, s->ahead);
		UNROLL
		for (int i = 0; i < rows; i++) {
			__m512bh v = (__m512bh)_mm512_set1_ps(s->a[(size_t)i * s->lda + q]);

			left[i] = _mm512_dpbf16_ps(left[i], v, w0);
			if (both)
				right[i] = _mm512_dpbf16_ps(right[i], v, w1);
		}
	}
	UNROLL
	for (int i = 0; i < rows; i++) {
		_mm512_mask_storeu_ps(s->c + (size_t)i * s->ldc, s->left, left[i]);
		if (both)
			_mm512_mask_storeu_ps(s->c + (size_t)i * s->ldc + 16, s->right, right[i]);
	}
}

/* A strip of 1 .. TILE_ROWS rows. */
INLINE void strip_rows(size_t rows, const bool both, const struct strip *s)
{
#define RUN(count)                         \
	case count:                        \
		strip_run(count, both, s); \
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

static TARGET void strip_whole(size_t rows, const struct strip *s)
{
	strip_rows(rows, true, s);
}

/* Half the work: pairs of LoRA have 16 columns, or as many behind a whole panel. */
static TARGET void strip_half(size_t rows, const struct strip *s)
{
	strip_rows(rows, false, s);
}

/* All rows for one stretch of k, dealt out evenly over the strips. The last one fetches the same stretch of the panel
 * that follows, `bytes` further on: left to the processor's guesses, waiting for weights costs 5 to 8 %. */
static TARGET void strip_multiply(struct strip *s, size_t m, size_t bytes)
{
	const float *a = s->a;
	float *c = s->c;

	for (size_t strips = (m + TILE_ROWS - 1) / TILE_ROWS; strips > 0; strips--) {
		size_t rows = m / strips;

		s->ahead = strips == 1 ? bytes : 0;
		(s->right ? strip_whole : strip_half)(rows, s);
		s->a += rows * s->lda;
		s->c += rows * s->ldc;
		m -= rows;
	}
	s->a = a;
	s->c = c;
}

static TARGET void pair_multiply(const float *a, size_t m, size_t lda, size_t k, const void *panel, size_t n, float *c,
				 size_t ldc)
{
	struct strip s = { .a = a, .lda = lda, .panel = panel, .c = c, .ldc = ldc };
	size_t pairs = (k + 1) / 2, done = 0, stretches = pairs ? (pairs - 1) / PAIRS_MOST + 1 : 1;

	s.left = first_lanes(n);
	s.right = first_lanes(n > 16 ? n - 16 : 0);
	do {
		s.pairs = (pairs - done) / stretches--;
		s.resume = done > 0;
		strip_multiply(&s, m, pairs * PANEL * sizeof(int32_t));
		s.a += s.pairs;
		s.panel += s.pairs * PANEL;
		done += s.pairs;
	} while (stretches > 0);
}

static TARGET void pair_pack(const float *rows, size_t n, size_t k, size_t ld, void *panel)
{
	float words[4][CHUNK / 2];
	const float *row[4] = { words[0], words[1], words[2], words[3] };

	for (size_t j = 0; j < n; j += 4)
		for (size_t from = 0; from < k; from += CHUNK) {
			size_t count = k - from < CHUNK ? k - from : CHUNK;

			for (size_t i = 0; i < 4; i++)
				pair_round(rows + (j + i < n ? j + i : n - 1) * ld + from, count, words[i]);
			transpose_rows(row, (count + 1) / 2, (float *)panel + from / 2 * PANEL + j, PANEL);
		}
}

/* A row of its own: an even one fills whole words, the odd one behind it their upper halves. */
static TARGET void pair_pack_row(const float *x, size_t n, size_t p, int32_t *panel)
{
	int32_t *out = panel + p / 2 * PANEL;

	for (size_t i = 0; i < n; i += 16) {
		__mmask16 lanes = first_lanes(n - i);
		__m512i words = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes, x + i)));

		if (p % 2 == 0)
			_mm512_mask_storeu_epi32(out + i, lanes, words);
		else
			_mm512_mask_storeu_epi16(out + i, 0xaaaaaaaa & _mm512_movepi16_mask(_mm512_maskz_set1_epi32(lanes, -1)),
						 _mm512_slli_epi32(words, 16));
	}
}

/* Two rows make whole words, written once where a row at a time would read them again. */
static TARGET void pair_pack_two(const float *even, const float *odd, size_t n, int32_t *out)
{
	const __m512i lower = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __m512i turns = _mm512_or_si512(lower, _mm512_slli_epi32(_mm512_add_epi32(lower, _mm512_set1_epi32(16)), 16));

	for (size_t i = 0; i < n; i += 16) {
		__mmask16 lanes = first_lanes(n - i);
		__m512i words = (__m512i)DOT_PAIR(_mm512_maskz_loadu_ps(lanes, even + i), _mm512_maskz_loadu_ps(lanes, odd + i));

		_mm512_mask_storeu_epi32(out + i, lanes, _mm512_permutexvar_epi16(turns, words)); /* values 0, 16, 1, 17, ... */
	}
}

static TARGET void pair_pack_across(const float *rows, size_t count, size_t ld, size_t n, size_t p, void *panel)
{
	size_t i = 0;

	if (p % 2 && count > 0)
		pair_pack_row(rows + i++ * ld, n, p, panel);
	for (; i + 2 <= count; i += 2)
		pair_pack_two(rows + i * ld, rows + (i + 1) * ld, n, (int32_t *)panel + (p + i) / 2 * PANEL);
	if (i < count)
		pair_pack_row(rows + i * ld, n, p + i, panel);
}

static TARGET void pair_pack_rounded(const float *rows, size_t n, size_t k, size_t ld, void *panel)
{
	for (size_t j = 0; j < n; j += 4) {
		const float *row[4];

		for (size_t i = 0; i < 4; i++)
			row[i] = rows + (j + i < n ? j + i : n - 1) * ld;
		transpose_rows(row, (k + 1) / 2, (float *)panel + j, PANEL);
	}
}

/* Pairs along two rows, n values, to pairs across them. */
static TARGET void pair_turn_two(const float *even, const float *odd, size_t n, int32_t *out)
{
	const __m512i lower = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	const __m512i first = _mm512_or_si512(lower, _mm512_slli_epi32(_mm512_add_epi32(lower, _mm512_set1_epi32(32)), 16));
	__mmask16 words = first_lanes((n + 1) / 2);
	__m512i a = _mm512_maskz_loadu_epi32(words, even), b = odd ? _mm512_maskz_loadu_epi32(words, odd) : _mm512_setzero_si512();

	_mm512_mask_storeu_epi32(out, first_lanes(n), _mm512_permutex2var_epi16(a, first, b)); /* values 0, 32, 1, 33, ... */
	_mm512_mask_storeu_epi32(out + 16, first_lanes(n > 16 ? n - 16 : 0),
				 _mm512_permutex2var_epi16(a, _mm512_add_epi16(first, _mm512_set1_epi16(16)), b));
}

static TARGET void pair_pack_across_rounded(const float *rows, size_t count, size_t ld, size_t n, size_t p, void *panel)
{
	for (size_t i = 0; i < count; i += 2)
		pair_turn_two(rows + i * ld, i + 1 < count ? rows + (i + 1) * ld : NULL, n, (int32_t *)panel + (p + i) / 2 * PANEL);
}

static size_t pair_panel_bytes(size_t k)
{
	return (k + 1) / 2 * PANEL * sizeof(int32_t);
}

static bool processor_has_avx512bf16(void)
{
	return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}

/* Intel's processors since Sapphire Rapids leave bf16 to their tiles (AMX): vdpbf16ps begins every second cycle there, where two f32
 * multiply-adds begin in each, so that it does half as many (`bench/engine peak`, Emerald Rapids: 149 GFLOP/s against 305; Zen 4 twice as
 * many). Before them only Cooper Lake had it. */
static bool f32_is_faster(void)
{
	return __builtin_cpu_is("intel") && !__builtin_cpu_is("cooperlake");
}

const struct kernels kernels_avx512bf16 = {
	.name = "avx512bf16",
	.available = processor_has_avx512bf16,
	.outrun = f32_is_faster,
	.products = PRODUCTS_BF16,
	.panel = PANEL,
	.exact = &kernels_avx512,
	.block = 2,
	.pack = pair_pack,
	.pack_across = pair_pack_across,
	.pack_rounded = pair_pack_rounded,
	.pack_across_rounded = pair_pack_across_rounded,
	.panel_bytes = pair_panel_bytes,
	.round = pair_round,
	.rounded_words = pair_words,
	.multiply = pair_multiply,
	.decode = blocks_decode,
	.decode_dot = blocks_dot, .dots = blocks_dots,
	ROW_FUNCTIONS, GRADIENT_FUNCTIONS,
};

#endif
