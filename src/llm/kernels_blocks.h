/* kernels_blocks.h - quantised blocks to f32 by vectors, with the values of quant.c to the bit.
 *
 * Used where few rows are multiplied: then reading the weights is the work, and a quantised weight is a quarter of a packed
 * one. Private to the kernels_<set>.c files, which first include kernels_rows.h and define HALF_TO_FLOAT(bits) and, where
 * they can do better than the compiler,
 *     HALF_TO_VECTOR(bits)             in every lane
 *     WIDEN_OCTETS(p), WIDEN_SIGNED(p) LANES bytes as integers
 *     NIBBLES(p, levels)               see sink_nibbles()
 * or, for products of bf16,
 *     DOT_PAIR(low, high)              two vectors of values as one of pairs, rounded
 *     DOT_ADD(w, x, sum)               sum + w x, both pairs
 * Block layouts: quant.c. */
#ifndef RUNG_LLM_KERNELS_BLOCKS_H
#define RUNG_LLM_KERNELS_BLOCKS_H

/* How x and decoded values meet: one by one in f32, or as pairs (DOT_PAIR, DOT_ADD). */
#ifdef DOT_PAIR
enum { DOT_VALUES = 2 }; /* in a word */
#else
enum { DOT_VALUES = 1 };
#define DOT_ADD VECTOR_FMA
#endif

INLINE float block_half(const uint8_t *p)
{
	return HALF_TO_FLOAT((uint16_t)(p[0] | p[1] << 8));
}

/* The same in every lane. */
INLINE vector block_halves(const uint8_t *p)
{
#ifdef HALF_TO_VECTOR
	return HALF_TO_VECTOR((int16_t)(p[0] | p[1] << 8));
#else
	return vector_all(block_half(p));
#endif
}

/* LANES bytes as integers, without and with sign. */
#ifndef WIDEN_OCTETS
#define WIDEN_OCTETS(p) __builtin_convertvector(*(const octets *)(p), vector_bits)
#define WIDEN_SIGNED(p) __builtin_convertvector(*(const signed_octets *)(p), vector_bits)
typedef uint8_t octets __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef int8_t signed_octets __attribute__((vector_size(LANES), aligned(1), may_alias));
#endif

INLINE vector_bits block_octets(const uint8_t *p)
{
	return WIDEN_OCTETS(p);
}

/* Where decoded values go: to memory, or into a dot product with x, whose sums take turns. */
struct sink {
	float *out;     /* NULL: to the sums */
	const float *x;
	vector sum[4];
	vector low;     /* pairs: waits for what fills its words */
};

/* Words i .. i + LANES - 1 of a block as x has them. */
INLINE void sink_words(struct sink *s, size_t i, vector w)
{
	if (s->out)
		vector_store(s->out + i, w);
	else
		s->sum[i / LANES % 4] = DOT_ADD(w, vector_load(s->x + i), s->sum[i / LANES % 4]);
}

/* Values i .. i + LANES - 1 of a block, i a constant, in order where they become pairs. */
INLINE void sink_put(struct sink *s, size_t i, vector w)
{
#ifdef DOT_PAIR
	if (i / LANES % 2 == 0)
		s->low = w;
	else
		sink_words(s, (i - LANES) / 2, DOT_PAIR(s->low, w));
#else
	sink_words(s, i, w);
#endif
}

INLINE void sink_advance(struct sink *s, size_t n)
{
	if (s->out)
		s->out += n / DOT_VALUES;
	else
		s->x += n / DOT_VALUES;
}

INLINE vector block_float(vector_bits q)
{
	return __builtin_convertvector(q, vector);
}

INLINE void block_q8_0(const uint8_t *block, struct sink *s)
{
	vector scale = block_halves(block);

	UNROLL
	for (size_t i = 0; i < 32; i += LANES)
		sink_put(s, i, scale * block_float(WIDEN_SIGNED(block + 2 + i)));
	sink_advance(s, 32);
}

/* 32 values scale * (nibble - middle) + minimum: of the low nibbles of 16 octets at p, then of the high ones. */
INLINE void sink_nibbles(struct sink *s, const uint8_t *p, vector scale, int middle, vector minimum)
{
#ifdef NIBBLES
	const vector count = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

	sink_words(s, 0, NIBBLES(p, scale * (count - (float)middle) + minimum));
#else
	UNROLL
	for (size_t i = 0; i < 16; i += LANES) {
		vector_bits q = block_octets(p + i);

		sink_put(s, i, scale * block_float((q & 15) - middle) + minimum);
		sink_put(s, 16 + i, scale * block_float((q >> 4) - middle) + minimum);
	}
#endif
	sink_advance(s, 32);
}

INLINE void block_q4_0(const uint8_t *block, struct sink *s)
{
	sink_nibbles(s, block + 2, block_halves(block), 8, vector_all(-0.0f)); /* which adds nothing, not even to -0 */
}

INLINE void block_q4_1(const uint8_t *block, struct sink *s)
{
	sink_nibbles(s, block + 4, block_halves(block), 0, block_halves(block + 2));
}

/* The fifth bits of values first .. first + LANES - 1, in place 4. */
INLINE vector_bits block_fifth(uint32_t bits, size_t first)
{
	static const int32_t place[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	vector_bits shift, all = { 0 };

	memcpy(&shift, place, sizeof(shift));
	return ((all + (int32_t)(bits >> first)) >> shift & 1) << 4;
}

/* Q5_0 (no minimum) and Q5_1. */
INLINE void block_q5(const uint8_t *block, const bool with_minimum, struct sink *s)
{
	const size_t head = with_minimum ? 4 : 2;
	vector scale = block_halves(block);
	vector minimum = with_minimum ? block_halves(block + 2) : vector_all(0.0f);
	uint32_t bits;

	memcpy(&bits, block + head, sizeof(bits));
	UNROLL
	for (size_t i = 0; i < 16; i += LANES) {
		vector_bits q = block_octets(block + head + 4 + i);
		vector_bits low = (q & 15) | block_fifth(bits, i), high = (q >> 4) | block_fifth(bits, 16 + i);

		sink_put(s, i, with_minimum ? scale * block_float(low) + minimum : scale * block_float(low - 16));
		sink_put(s, 16 + i, with_minimum ? scale * block_float(high) + minimum : scale * block_float(high - 16));
	}
	sink_advance(s, 32);
}

INLINE void block_q5_0(const uint8_t *block, struct sink *s)
{
	block_q5(block, false, s);
}

INLINE void block_q5_1(const uint8_t *block, struct sink *s)
{
	block_q5(block, true, s);
}

/* The scales and minima of a K block's 8 parts, unpacked from 12 bytes. */
INLINE void blocks_k_scales(const uint8_t *p, float scale[8], float minimum[8])
{
	float scales = block_half(p), minima = block_half(p + 2);

	for (size_t i = 0; i < 4; i++) {
		uint8_t a = p[4 + i], b = p[8 + i], c = p[12 + i];

		scale[i] = scales * (float)(a & 63);
		minimum[i] = minima * (float)(b & 63);
		scale[4 + i] = scales * (float)((c & 15) | a >> 6 << 4);
		minimum[4 + i] = minima * (float)(c >> 4 | b >> 6 << 4);
	}
}

/* Q4_K, and Q5_K with 32 bytes of fifth bits before the nibbles. */
INLINE void block_k(const uint8_t *block, const bool with_fifth, struct sink *s)
{
	const size_t head = 16 + (with_fifth ? 32 : 0);
	float scale[8], minimum[8];

	blocks_k_scales(block, scale, minimum);
	for (size_t part = 0; part < 8; part++, sink_advance(s, 32)) {
		vector high = vector_all(scale[part]), low = vector_all(minimum[part]);
		int shift = (int)(part % 2 * 4);

		UNROLL
		for (size_t i = 0; i < 32; i += LANES) {
			vector_bits q = block_octets(block + head + part / 2 * 32 + i) >> shift & 15;

			if (with_fifth)
				q |= (block_octets(block + 16 + i) >> (int)part & 1) << 4;
			sink_put(s, i, high * block_float(q) - low);
		}
	}
}

INLINE void block_q4_k(const uint8_t *block, struct sink *s)
{
	block_k(block, false, s);
}

INLINE void block_q5_k(const uint8_t *block, struct sink *s)
{
	block_k(block, true, s);
}

INLINE void block_q6_k(const uint8_t *block, struct sink *s)
{
	float scales = block_half(block + 208);

	for (size_t part = 0; part < 8; part++, sink_advance(s, 32)) {
		const uint8_t *low = block + part / 4 * 64 + part % 2 * 32, *high = block + 128 + part / 4 * 32;
		int low_shift = (int)(part % 4 / 2 * 4), high_shift = (int)(part % 4 * 2);

		UNROLL
		for (size_t i = 0; i < 32; i += LANES) {
			vector_bits q = (block_octets(low + i) >> low_shift & 15) |
					(block_octets(high + i) >> high_shift & 3) << 4;
			float scale = scales * (float)(int8_t)block[192 + 2 * part + i / 16];

			sink_put(s, i, vector_all(scale) * block_float(q - 32));
		}
	}
}

/* n values each of `rows` rows, a constant, that are `bytes` apart: block by block, so that no sum waits for its last
 * addition. */
INLINE bool blocks_read(enum tensor_type type, const size_t rows, const uint8_t *blocks, size_t bytes, size_t n,
			struct sink *s)
{
#define READ(name, values, size, read)                                  \
	case TENSOR_##name:                                             \
		for (size_t i = 0; i < n; i += (values), blocks += (size)) \
			UNROLL                                          \
			for (size_t r = 0; r < rows; r++)               \
				read(blocks + r * bytes, &s[r]);        \
		return true
	switch (type) {
		READ(Q8_0, 32, 34, block_q8_0);
		READ(Q4_0, 32, 18, block_q4_0);
		READ(Q4_1, 32, 20, block_q4_1);
		READ(Q5_0, 32, 22, block_q5_0);
		READ(Q5_1, 32, 24, block_q5_1);
		READ(Q4_K, 256, 144, block_q4_k);
		READ(Q5_K, 256, 176, block_q5_k);
		READ(Q6_K, 256, 210, block_q6_k);
	default:
		return false;
	}
#undef READ
}

enum {
	DOT_WORDS = 32 / DOT_VALUES,                              /* in the smallest block */
	DOT_SUMS = DOT_WORDS / LANES < 4 ? DOT_WORDS / LANES : 4, /* of one row of x and one of W, that take turns */
	DOT_W = LANES >= 16 ? 4 : 2,                              /* rows of W whose sums with DOT_X of x are registers */
	DOT_X = LANES < 16 ? 1 : DOT_SUMS == 1 ? 4 : 2,
	DOT_READ = DOT_SUMS == 1 ? 4 : 1,                         /* rows of W that blocks_dot() reads side by side */
};

/* The sums of one element, added pairwise: those that take turns, then halves of the vector. */
INLINE vector dots_folded(const vector *sum)
{
	if (DOT_SUMS == 1)
		return sum[0];
	if (DOT_SUMS == 2)
		return sum[0] + sum[1 % DOT_SUMS];
	return (sum[0] + sum[1 % DOT_SUMS]) + (sum[2 % DOT_SUMS] + sum[3 % DOT_SUMS]);
}

INLINE float dots_total(const vector *sum)
{
	return vector_sum(dots_folded(sum));
}

/* The same for four elements in a row, whose vectors fold together. */
INLINE void dots_add_four(float *out, const vector *a, const vector *b, const vector *c, const vector *d)
{
	vector_of_4 sum, four = vector_sum_four(dots_folded(a), dots_folded(b), dots_folded(c), dots_folded(d));

	memcpy(&sum, out, sizeof(sum));
	sum += four;
	memcpy(out, &sum, sizeof(sum));
}

static TARGET bool blocks_decode(enum tensor_type type, const uint8_t *blocks, size_t n, float *out)
{
	float none; /* n is 0 when out is NULL */
	struct sink s = { .out = out ? out : &none };

	return blocks_read(type, 1, blocks, 0, n, &s);
}

INLINE void blocks_dot_rows(enum tensor_type type, const size_t rows, const uint8_t *blocks, size_t bytes, size_t n,
			    const float *x, float *out)
{
	struct sink s[DOT_READ];

	UNROLL
	for (size_t r = 0; r < rows; r++)
		s[r] = (struct sink){ .x = x };
	blocks_read(type, rows, blocks, bytes, n, s);
	if (rows == 4) {
		dots_add_four(out, s[0].sum, s[1 % DOT_READ].sum, s[2 % DOT_READ].sum, s[3 % DOT_READ].sum);
		return;
	}
	UNROLL
	for (size_t r = 0; r < rows; r++)
		out[r] += dots_total(s[r].sum);
}

static TARGET void blocks_dot(enum tensor_type type, const uint8_t *blocks, size_t bytes, size_t rows, size_t n,
			      const float *x, float *out)
{
	for (; rows >= DOT_READ; rows -= DOT_READ, blocks += DOT_READ * bytes, out += DOT_READ)
		blocks_dot_rows(type, DOT_READ, blocks, bytes, n, x, out);
	for (; rows > 0; rows--, blocks += bytes, out++)
		blocks_dot_rows(type, 1, blocks, bytes, n, x, out);
}

/* w_rows and rows are constants at every call. */
INLINE void dots_run(const size_t w_rows, const size_t rows, const struct dots *d, const float *values, const float *x,
		     float *out)
{
	vector sum[DOT_W][DOT_X][DOT_SUMS];
	size_t n = d->n / DOT_VALUES;

	UNROLL
	for (size_t w = 0; w < w_rows; w++)
		UNROLL
		for (size_t r = 0; r < rows; r++)
			UNROLL
			for (size_t j = 0; j < DOT_SUMS; j++)
				sum[w][r][j] = vector_all(0.0f);
	for (size_t i = 0; i < n; i += DOT_SUMS * LANES)
		UNROLL
		for (size_t j = 0; j < DOT_SUMS; j++) {
			vector v[DOT_W];

			UNROLL
			for (size_t w = 0; w < w_rows; w++)
				v[w] = vector_load(values + w * d->ldw + i + j * LANES);
			UNROLL
			for (size_t r = 0; r < rows; r++) {
				vector a = vector_load(x + r * d->ldx + i + j * LANES);

				UNROLL
				for (size_t w = 0; w < w_rows; w++)
					sum[w][r][j] = DOT_ADD(v[w], a, sum[w][r][j]);
			}
		}
	if (w_rows == 4) {
		UNROLL
		for (size_t r = 0; r < rows; r++)
			dots_add_four(out + r * d->ldo, sum[0][r], sum[1][r], sum[2 % DOT_W][r], sum[3 % DOT_W][r]);
		return;
	}
	UNROLL
	for (size_t w = 0; w < w_rows; w++)
		UNROLL
		for (size_t r = 0; r < rows; r++)
			out[r * d->ldo + w] += dots_total(sum[w][r]);
}

/* All rows of W against `rows` rows of x, which stay in the first-level cache. */
INLINE void dots_rows(const size_t rows, const struct dots *d, const float *x, float *out)
{
	size_t w = 0;

	for (; w + DOT_W <= d->w_rows; w += DOT_W)
		dots_run(DOT_W, rows, d, d->values + w * d->ldw, x, out + w);
	for (; w < d->w_rows; w++)
		dots_run(1, rows, d, d->values + w * d->ldw, x, out + w);
}

static TARGET void blocks_dots(const struct dots *d)
{
	size_t r = 0;

	for (; r + DOT_X <= d->m; r += DOT_X)
		dots_rows(DOT_X, d, d->x + r * d->ldx, d->out + r * d->ldo);
	for (; r < d->m; r++)
		dots_rows(1, d, d->x + r * d->ldx, d->out + r * d->ldo);
}

#endif
