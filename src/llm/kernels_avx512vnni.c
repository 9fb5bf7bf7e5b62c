/* kernels_avx512vnni.c - the set for x86-64 with AVX512_VNNI (Cascade Lake, Ice Lake, Zen 4 and later), only on request:
 * products of int8, four multiply-adds where bf16 has two, at a loss that docs/models.md states.
 *
 * BLOCK values of a row share a scale, the largest magnitude / 127, and become integers -127 .. 127 times it; so do BLOCK
 * values of a column of W. The instruction multiplies unsigned by signed bytes: rows hold their integers + 128, and the
 * sums of a block start at -128 * (the sum of the column's integers), which takes it off again. Within a block the sum is
 * exact; each element of C is the chain c = fma(sum * column's scale, row's scale, c) over the blocks in order.
 *
 * A block that holds a NaN or an infinity has a scale that is NaN, so the row of C, or the column, is NaN throughout. A
 * block of magnitudes below 2^-100 counts as zero. Attention's products stay f32. */
#include "llm/kernels_sets.h"

#if defined(__x86_64__)

#define TARGET __attribute__((target("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))

#include "base/arena.h"
#include "llm/kernels_wide.h"

enum {
	PANEL = 32,
	BLOCK = 32,              /* values that share a scale */
	QUADS = BLOCK / 4,       /* words of 4 integers in a block */
	BLOCK_WORDS = 1 + QUADS, /* a block of a row: its scale, then its integers */
	STRIP_ROWS = 7,          /* 7 x 2 sums of a block and of all blocks, 2 vectors of the panel, 1 word of A: 31 registers */
};

/* A block of all columns of a panel. */
struct panel_block {
	int32_t quads[QUADS][PANEL]; /* 4 integers of a column in each word */
	float scale[PANEL];
	int32_t start[PANEL]; /* of the sums: -128 * the sum of the integers */
};

struct strip {
	const float *a; /* rows as block_round() leaves them, lda words apart */
	size_t lda;
	size_t full, rest; /* full blocks of a row, and quads of one more */
	const struct panel_block *panel;
	float *c;              /* (rows, columns), ldc apart */
	size_t ldc;
	__mmask16 left, right; /* which of the columns 0 .. 15 and 16 .. 31 exist */
};

INLINE __m512i magnitude(__m512 v)
{
	return _mm512_and_si512((__m512i)v, _mm512_set1_epi32(0x7fffffff));
}

/* The scale of a block from the bits of its largest magnitude. */
INLINE float block_scale(uint32_t greatest)
{
	const uint32_t infinity = 0x7f800000, tiny = 0x0d800000; /* 2^-100: its inverse, times 127, is a float */
	float value;

	memcpy(&value, &greatest, sizeof(value));
	return greatest >= infinity ? NAN : greatest < tiny ? 0 : value / 127;
}

/* Reads a block before it writes it, and writes no further than it has read (but 2 words for n = 1). */
static TARGET void block_round(const float *x, size_t n, float *out)
{
	for (; n > 0; x += BLOCK, out += BLOCK_WORDS) {
		size_t here = n < BLOCK ? n : BLOCK;
		__m512 v[BLOCK / 16];
		__m512i greatest = _mm512_setzero_si512();
		float inverse;

		for (size_t i = 0; i < BLOCK / 16; i++) {
			v[i] = _mm512_maskz_loadu_ps(first_lanes(here > 16 * i ? here - 16 * i : 0), x + 16 * i);
			greatest = _mm512_max_epu32(greatest, magnitude(v[i]));
		}
		out[0] = block_scale(_mm512_reduce_max_epu32(greatest));
		inverse = out[0] > 0 ? 1 / out[0] : 0;
		for (size_t i = 0; i < BLOCK / 16; i++) {
			__m128i octets = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(v[i] * _mm512_set1_ps(inverse)));

			octets = _mm_xor_si128(octets, _mm_set1_epi8((char)0x80));
			if (here > 16 * i)
				_mm_mask_storeu_epi32(out + 1 + 4 * i, (__mmask8)first_lanes(here >= 16 * i + 16 ? 4 : (here - 16 * i + 3) / 4), octets);
		}
		n -= here;
	}
}

struct sums {
	__m512 left[STRIP_ROWS], right[STRIP_ROWS];
};

/* Adds the products of one block. `rows` and, but for the last block of an odd k, `quads` are constants at every call, so
 * that the loops unroll and the sums are registers: a loop over quads costs gcc 12 two moves for each product. */
INLINE void block_add(const int rows, const size_t quads, const float *a, size_t lda, const struct panel_block *p,
		      struct sums *c)
{
	__m512i l[STRIP_ROWS], r[STRIP_ROWS];

	UNROLL
	for (int i = 0; i < rows; i++) {
		l[i] = _mm512_load_si512(p->start);
		r[i] = _mm512_load_si512(p->start + 16);
	}
	UNROLL
	for (size_t q = 0; q < quads; q++) {
		__m512i w0 = _mm512_load_si512(p->quads[q]), w1 = _mm512_load_si512(p->quads[q] + 16);

		UNROLL
		for (int i = 0; i < rows; i++) {
			__m512i v = (__m512i)_mm512_set1_ps(a[(size_t)i * lda + 1 + q]);

			l[i] = _mm512_dpbusd_epi32(l[i], v, w0);
			r[i] = _mm512_dpbusd_epi32(r[i], v, w1);
		}
	}
	UNROLL
	for (int i = 0; i < rows; i++) {
		__m512 scale = _mm512_set1_ps(a[(size_t)i * lda]);

		c->left[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(l[i]) * _mm512_load_ps(p->scale), scale, c->left[i]);
		c->right[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(r[i]) * _mm512_load_ps(p->scale + 16), scale, c->right[i]);
	}
}

INLINE void strip_run(const int rows, const struct strip *s)
{
	struct sums sums;

	UNROLL
	for (int i = 0; i < rows; i++)
		sums.left[i] = sums.right[i] = _mm512_setzero_ps();
	for (size_t b = 0; b < s->full; b++)
		block_add(rows, QUADS, s->a + b * BLOCK_WORDS, s->lda, s->panel + b, &sums);
	if (s->rest > 0)
		block_add(rows, s->rest, s->a + s->full * BLOCK_WORDS, s->lda, s->panel + s->full, &sums);
	UNROLL
	for (int i = 0; i < rows; i++) {
		_mm512_mask_storeu_ps(s->c + (size_t)i * s->ldc, s->left, sums.left[i]);
		_mm512_mask_storeu_ps(s->c + (size_t)i * s->ldc + 16, s->right, sums.right[i]);
	}
}

/* A strip of 1 .. STRIP_ROWS rows. */
static TARGET void strip_rows(size_t rows, const struct strip *s)
{
#define RUN(count)                   \
	case count:                  \
		strip_run(count, s); \
		break
	switch (rows) {
		RUN(1);
		RUN(2);
		RUN(3);
		RUN(4);
		RUN(5);
		RUN(6);
		RUN(7);
	default:
		break;
	}
#undef RUN
}

/* Rows are dealt out evenly over the strips. k is not cut: pauses at 512 and 192 values measured 2 to 8 % slower. */
static TARGET void block_multiply(const float *a, size_t m, size_t lda, size_t k, const void *panel, size_t n, float *c,
				  size_t ldc)
{
	struct strip s = { .a = a, .lda = lda, .full = k / BLOCK, .rest = (k % BLOCK + 3) / 4, .panel = panel, .c = c, .ldc = ldc };

	s.left = first_lanes(n);
	s.right = first_lanes(n > 16 ? n - 16 : 0);
	for (size_t strips = (m + STRIP_ROWS - 1) / STRIP_ROWS; strips > 0; strips--) {
		size_t rows = m / strips;

		strip_rows(rows, &s);
		s.a += rows * s.lda;
		s.c += rows * s.ldc;
		m -= rows;
	}
}

static size_t block_words(size_t n)
{
	return n / BLOCK * BLOCK_WORDS + (n % BLOCK ? 1 + (n % BLOCK + 3) / 4 : 0);
}

/* A rounded row of W to column j. */
static void pack_column(const float *row, size_t k, size_t j, struct panel_block *panel)
{
	for (size_t done = 0; done < k; done += BLOCK, row += BLOCK_WORDS, panel++) {
		size_t quads = k - done < BLOCK ? (k - done + 3) / 4 : QUADS;

		panel->scale[j] = row[0];
		for (size_t q = 0; q < quads; q++) {
			int8_t octets[4];

			memcpy(octets, &row[1 + q], sizeof(octets));
			for (int i = 0; i < 4; i++) {
				octets[i] = (int8_t)(octets[i] ^ -128);
				panel->start[j] -= 128 * octets[i];
			}
			memcpy(&panel->quads[q][j], octets, sizeof(octets));
		}
	}
}

static size_t block_panel_bytes(size_t k)
{
	return (k + BLOCK - 1) / BLOCK * sizeof(struct panel_block);
}

static void block_pack(const float *rows, size_t n, size_t k, size_t ld, void *panel)
{
	float *row = mem_alloc((block_words(k) + 1) * sizeof(*row));

	memset(panel, 0, block_panel_bytes(k));
	for (size_t j = 0; j < n; j++) {
		block_round(rows + j * ld, k, row);
		pack_column(row, k, j, panel);
	}
	free(row);
}

static bool processor_has_avx512vnni(void)
{
	return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}

const struct kernels kernels_avx512vnni = {
	.name = "avx512vnni",
	.available = processor_has_avx512vnni,
	.panel = PANEL,
	.products = PRODUCTS_INT8,
	.on_request = true,
	.attention = &kernels_avx512,
	.block = BLOCK,
	.pack = block_pack,
	.panel_bytes = block_panel_bytes,
	.rounded_words = block_words,
	.round = block_round,
	.multiply = block_multiply,
	.few = &kernels_avx512,
	ROW_FUNCTIONS, GRADIENT_FUNCTIONS,
};

#endif
