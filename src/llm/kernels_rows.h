/* kernels_rows.h - the loops over one row, written once and compiled for each instruction set.
 *
 * Private to the kernels_<set>.c files. The file that includes this one first defines
 *     VECTOR_BYTES         width of a register: 16, 32 or 64
 *     TARGET               the function attribute that allows the set's instructions (may be empty)
 *     VECTOR_FMA(a, b, c)  a * b + c on vectors
 *     VECTOR_MAX(a, b)     the larger of two values, VECTOR_MIN(a, b) the smaller: b where either is a NaN
 * and afterwards fills the row functions of its struct kernels with ROW_FUNCTIONS.
 * The rest are GNU C vector expressions, which gcc and clang turn into the set's instructions; nothing is left to a
 * loop vectoriser. The last, partial vector of a row takes the same steps as the others, its missing lanes filled with
 * values that do not count. Sums run down the lanes and are folded pairwise at the end: one sequence for one n. */
#ifndef RUNG_LLM_KERNELS_ROWS_H
#define RUNG_LLM_KERNELS_ROWS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t vector_bits __attribute__((vector_size(VECTOR_BYTES)));

enum { LANES = VECTOR_BYTES / 4 };

#define INLINE static inline __attribute__((always_inline)) TARGET

/* Before a short loop of constant length, whose indices must become names of registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

INLINE vector vector_all(float value)
{
	return value - (vector){ 0 };
}

INLINE vector vector_load(const float *p)
{
	vector v;

	memcpy(&v, p, sizeof(v));
	return v;
}

INLINE void vector_store(float *p, vector v)
{
	memcpy(p, &v, sizeof(v));
}

/* The vector at p when `left` lanes or more remain of the row, else the remaining ones followed by fill. */
INLINE vector vector_get(const float *p, size_t left, float fill)
{
	vector v;

	if (left >= LANES)
		return vector_load(p);
	v = vector_all(fill);
	memcpy(&v, p, left * sizeof(*p));
	return v;
}

/* Two copies: one of a size chosen at run time becomes gcc's `rep movs`, 30 cycles where a store takes one. */
INLINE void vector_put(float *p, size_t left, vector v)
{
	if (left >= LANES)
		vector_store(p, v);
	else
		memcpy(p, &v, left * sizeof(*p));
}

/* a where the mask is all ones, b where it is zero. */
INLINE vector vector_select(vector_bits mask, vector a, vector b)
{
	return (vector)(((vector_bits)a & mask) | ((vector_bits)b & ~mask));
}

/* A NaN in v stays: a model that produced one must not look healthy. */
INLINE vector vector_clamp(vector v, float low, float high)
{
	return VECTOR_MIN(vector_all(high), VECTOR_MAX(vector_all(low), v));
}

typedef float vector_of_8 __attribute__((vector_size(32)));
typedef float vector_of_4 __attribute__((vector_size(16)));

/* Halves are added until four lanes are left. */
INLINE vector_of_4 vector_quarter(vector v)
{
#if VECTOR_BYTES == 64
	vector_of_8 v8 = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
			 __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#elif VECTOR_BYTES == 32
	vector_of_8 v8 = v;
#endif
#if VECTOR_BYTES >= 32
	return __builtin_shufflevector(v8, v8, 0, 1, 2, 3) + __builtin_shufflevector(v8, v8, 4, 5, 6, 7);
#else
	return v;
#endif
}

/* ... until one is. */
INLINE float vector_sum(vector v)
{
	vector_of_4 v4 = vector_quarter(v);

	v4 += __builtin_shufflevector(v4, v4, 2, 3, 0, 1);
	return v4[0] + v4[1];
}

/* vector_sum() of each. */
INLINE vector_of_4 vector_sum_four(vector a, vector b, vector c, vector d)
{
	vector_of_4 a4 = vector_quarter(a), b4 = vector_quarter(b), c4 = vector_quarter(c), d4 = vector_quarter(d);
	vector_of_4 ab = __builtin_shufflevector(a4, b4, 0, 1, 4, 5) + __builtin_shufflevector(a4, b4, 2, 3, 6, 7);
	vector_of_4 cd = __builtin_shufflevector(c4, d4, 0, 1, 4, 5) + __builtin_shufflevector(c4, d4, 2, 3, 6, 7);

	return __builtin_shufflevector(ab, cd, 0, 2, 4, 6) + __builtin_shufflevector(ab, cd, 1, 3, 5, 7);
}

INLINE float vector_max(vector v)
{
	float lane[LANES];

	vector_store(lane, v);
	UNROLL
	for (int step = LANES / 2; step > 0; step /= 2)
		UNROLL
		for (int i = 0; i < step; i++)
			lane[i] = lane[i] < lane[i + step] ? lane[i + step] : lane[i];
	return lane[0];
}

/* e^x to 1.5 units in the last place for -87.3 <= x <= 88.3; 0 below -87.7, e^88.3 above.
 * x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts, and the polynomial of Cephes' expf (Moshier). Adding
 * 1.5 * 2^23 rounds to an integer and leaves it in the low bits. The lowest x gives n = -127, whose power has all bits
 * zero: the result is 0 without a comparison. */
INLINE vector vector_exp(vector x)
{
	const float lowest = -88.029691f, magic = 12582912.0f;
	vector v = vector_clamp(x, lowest, 88.3f);
	vector shifted = VECTOR_FMA(v, vector_all(1.44269504f), vector_all(magic));
	vector n = shifted - vector_all(magic);
	vector r = VECTOR_FMA(n, vector_all(-0.693359375f), v);
	vector p = vector_all(1.9875691500e-4f);
	vector_bits power = ((vector_bits)shifted - (vector_bits)vector_all(magic) + 127) << 23;

	r = VECTOR_FMA(n, vector_all(2.12194440e-4f), r);
	p = VECTOR_FMA(p, r, vector_all(1.3981999507e-3f));
	p = VECTOR_FMA(p, r, vector_all(8.3334519073e-3f));
	p = VECTOR_FMA(p, r, vector_all(4.1665795894e-2f));
	p = VECTOR_FMA(p, r, vector_all(1.6666665459e-1f));
	p = VECTOR_FMA(p, r, vector_all(5.0000001201e-1f));
	return (VECTOR_FMA(p, r * r, r) + vector_all(1.0f)) * (vector)power;
}

/* Phi(-|x|) = exp(-x^2/2) P(t), t = 1 / (1 + 0.29 |x|), and that exponential; tests/reference/gelu_fit.py prints P, 1.4e-8
 * from x Phi(x). */
INLINE vector vector_tail(vector x, vector *exponential)
{
	static const float fit[] = { -0.0917467041f, 0.295326613f, -0.107611143f,
				     0.189061818f,   0.0977690685f, 0.117199866f };
	vector size = (vector)((vector_bits)x & 0x7fffffff);
	vector t = vector_all(1.0f) / VECTOR_FMA(size, vector_all(0.29f), vector_all(1.0f));
	vector p = vector_all(fit[0]);

	for (int i = 1; i < 6; i++)
		p = VECTOR_FMA(p, t, vector_all(fit[i]));
	*exponential = vector_exp(x * x * vector_all(-0.5f));
	return p * t * *exponential;
}

/* x * Phi(x): x - x q for x > 0, else x q, with q = Phi(-|x|), so the left tail keeps its relative precision. */
INLINE vector vector_gelu(vector x)
{
	vector exponential, q = vector_tail(x, &exponential) * x;

	return vector_select(x > vector_all(0.0f), x - q, q);
}

/* Whole vectors of the row go four at a time, which hides how long one exponential takes; the sum runs down four vectors
 * of lanes in turn, whatever is left of the row goes to the first. */
TARGET static void row_softmax(float *x, size_t n, float scale)
{
	vector greatest = vector_all(-INFINITY), sum[4] = { vector_all(0.0f), vector_all(0.0f), vector_all(0.0f),
							    vector_all(0.0f) };
	vector max, factor;
	size_t i = 0;

	for (size_t j = 0; j < n; j += LANES)
		greatest = VECTOR_MAX(greatest, vector_get(x + j, n - j, -INFINITY));
	max = vector_all(vector_max(greatest));
	for (; n - i >= 4 * LANES; i += 4 * LANES)
		UNROLL
		for (size_t j = 0; j < 4; j++) {
			vector v = vector_exp((vector_load(x + i + j * LANES) - max) * scale);

			sum[j] += v;
			vector_store(x + i + j * LANES, v);
		}
	for (; i < n; i += LANES) {
		vector v = vector_exp((vector_get(x + i, n - i, -INFINITY) - max) * scale);

		sum[0] += v;
		vector_put(x + i, n - i, v);
	}
	factor = vector_all(1.0f / vector_sum((sum[0] + sum[1]) + (sum[2] + sum[3])));
	for (i = 0; i < n; i += LANES)
		vector_put(x + i, n - i, vector_get(x + i, n - i, 0.0f) * factor);
}

TARGET static void row_gelu(float *x, const float *bias, size_t n)
{
	for (size_t i = 0; i < n; i += LANES) {
		vector v = vector_get(x + i, n - i, 0.0f);

		if (bias)
			v += vector_get(bias + i, n - i, 0.0f);
		vector_put(x + i, n - i, vector_gelu(v));
	}
}

TARGET static void row_swiglu(float *gate, const float *up, size_t n)
{
	for (size_t i = 0; i < n; i += LANES) {
		vector g = vector_get(gate + i, n - i, 0.0f), u = vector_get(up + i, n - i, 0.0f);

		vector_put(gate + i, n - i, g / (vector_all(1.0f) + vector_exp(-g)) * u);
	}
}

/* gelu(x) = x / (1 + exp(-2 u)) with u = sqrt(2 / pi) (x + 0.044715 x^3): tanh written with one exponential. */
TARGET static void row_geglu(float *gate, const float *up, size_t n)
{
	const float linear = -1.5957691216f, cubic = -0.0713548163f; /* -2 sqrt(2 / pi), and 0.044715 times that */

	for (size_t i = 0; i < n; i += LANES) {
		vector g = vector_get(gate + i, n - i, 0.0f), u = vector_get(up + i, n - i, 0.0f);
		vector power = g * VECTOR_FMA(g * g, vector_all(cubic), vector_all(linear));

		vector_put(gate + i, n - i, g / (vector_all(1.0f) + vector_exp(power)) * u);
	}
}

/* Four sums in turn hide the latency of the addition. */
TARGET static float row_dot(const float *a, const float *b, size_t n)
{
	vector sum[4] = { vector_all(0.0f), vector_all(0.0f), vector_all(0.0f), vector_all(0.0f) };
	size_t i = 0;

	for (; n - i >= 4 * LANES; i += 4 * LANES)
		UNROLL
		for (size_t j = 0; j < 4; j++)
			sum[j] = VECTOR_FMA(vector_load(a + i + j * LANES), vector_load(b + i + j * LANES), sum[j]);
	for (; i < n; i += LANES)
		sum[0] = VECTOR_FMA(vector_get(a + i, n - i, 0.0f), vector_get(b + i, n - i, 0.0f), sum[0]);
	return vector_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

TARGET static void row_axpy(float *y, float s, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i += LANES) {
		vector v = vector_get(x + i, n - i, 0.0f);

		vector_put(y + i, n - i, VECTOR_FMA(vector_all(s), v, vector_get(y + i, n - i, 0.0f)));
	}
}

TARGET static void row_rms_norm(float *out, const float *x, const float *weight, size_t n, float epsilon)
{
	vector scale = vector_all(1.0f / sqrtf(row_dot(x, x, n) / (float)n + epsilon));

	for (size_t i = 0; i < n; i += LANES)
		vector_put(out + i, n - i,
			   vector_get(x + i, n - i, 0.0f) * scale * vector_get(weight + i, n - i, 0.0f));
}

/* out = x + residual + offset; returns the mean. */
INLINE float row_add(float *out, const float *x, const float *residual, const float *offset, size_t n)
{
	vector sum = vector_all(0.0f);

	for (size_t i = 0; i < n; i += LANES) {
		vector v = vector_get(x + i, n - i, 0.0f);

		if (residual)
			v += vector_get(residual + i, n - i, 0.0f);
		if (offset)
			v += vector_get(offset + i, n - i, 0.0f);
		sum += v;
		vector_put(out + i, n - i, v);
	}
	return vector_sum(sum) / (float)n;
}

/* The variance is summed around the mean, in a second pass: x^2 - mean^2 would cancel. */
TARGET static void row_layer_norm(float *out, const float *x, const float *residual, const float *offset,
				  const float *weight, const float *bias, size_t n, float epsilon)
{
	float mean = row_add(out, x, residual, offset, n);
	vector center = vector_all(mean), sum = vector_all(0.0f), scale;

	for (size_t i = 0; i < n; i += LANES) {
		vector v = vector_get(out + i, n - i, mean) - center;

		sum = VECTOR_FMA(v, v, sum);
	}
	scale = vector_all(1.0f / sqrtf(vector_sum(sum) / (float)n + epsilon));
	for (size_t i = 0; i < n; i += LANES) {
		vector v = (vector_get(out + i, n - i, 0.0f) - center) * scale;

		v *= vector_get(weight + i, n - i, 0.0f);
		vector_put(out + i, n - i, v + vector_get(bias + i, n - i, 0.0f));
	}
}

#define ROW_FUNCTIONS                                                                                         \
	.softmax = row_softmax, .gelu = row_gelu, .swiglu = row_swiglu, .geglu = row_geglu, .dot = row_dot,       \
	.axpy = row_axpy, .rms_norm = row_rms_norm, .layer_norm = row_layer_norm

#endif
