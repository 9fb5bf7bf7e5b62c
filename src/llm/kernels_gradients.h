/* kernels_gradients.h - the derivatives of the loops of kernels_rows.h, AdamW, and transposition, for training.
 *
 * Private to the kernels_<set>.c files, which first include kernels_rows.h and define VECTOR_SQRT(a). Values are functions
 * of their own row alone, as in kernels_rows.h. */
#ifndef RUNG_LLM_KERNELS_GRADIENTS_H
#define RUNG_LLM_KERNELS_GRADIENTS_H

#include "llm/kernels_transpose.h"

/* d = d * gelu'(x) with gelu'(x) = Phi(x) + x phi(x); x = gelu(x) */
TARGET static void row_gelu_gradient(float *d, float *x, size_t n)
{
	const float root = 0.3989422804f; /* 1 / sqrt(2 pi) */

	for (size_t i = 0; i < n; i += LANES) {
		vector v = vector_get(x + i, n - i, 0.0f), exponential, tail = vector_tail(v, &exponential);
		vector below = vector_select(v > vector_all(0.0f), vector_all(1.0f) - tail, tail);
		vector slope = VECTOR_FMA(v * vector_all(root), exponential, below);

		vector_put(d + i, n - i, vector_get(d + i, n - i, 0.0f) * slope);
		vector_put(x + i, n - i, v * below);
	}
}

/* With a = act(g) u and s = act'(g): d becomes a, gate d s u, up d act(g). */
INLINE void gated_put(float *d, float *gate, float *up, size_t left, vector activation, vector slope)
{
	vector v = vector_get(d, left, 0.0f), u = vector_get(up, left, 0.0f);

	vector_put(d, left, activation * u);
	vector_put(gate, left, v * slope * u);
	vector_put(up, left, v * activation);
}

/* silu'(g) = s + g s (1 - s), s = sigmoid(g) */
TARGET static void row_swiglu_gradient(float *d, float *gate, float *up, size_t n)
{
	for (size_t i = 0; i < n; i += LANES) {
		vector g = vector_get(gate + i, n - i, 0.0f);
		vector s = vector_all(1.0f) / (vector_all(1.0f) + vector_exp(-g)), a = g * s;

		gated_put(d + i, gate + i, up + i, n - i, a, VECTOR_FMA(a, vector_all(1.0f) - s, s));
	}
}

/* gelu(g) = g s with s = sigmoid(2 u(g)), so gelu' = s + g s (1 - s) 2 u'(g) */
TARGET static void row_geglu_gradient(float *d, float *gate, float *up, size_t n)
{
	const float linear = 1.5957691216f, cubic = 0.0713548163f; /* as in row_geglu() */

	for (size_t i = 0; i < n; i += LANES) {
		vector g = vector_get(gate + i, n - i, 0.0f), square = g * g;
		vector twice = g * VECTOR_FMA(square, vector_all(cubic), vector_all(linear));
		vector s = vector_all(1.0f) / (vector_all(1.0f) + vector_exp(-twice)), a = g * s;
		vector slope = VECTOR_FMA(square, vector_all(3.0f * cubic), vector_all(linear));

		gated_put(d + i, gate + i, up + i, n - i, a, VECTOR_FMA(a * (vector_all(1.0f) - s), slope, s));
	}
}

/* d = scale p (d - sum d p) */
TARGET static void row_softmax_gradient(float *d, const float *p, size_t n, float scale)
{
	vector mean = vector_all(row_dot(d, p, n));

	for (size_t i = 0; i < n; i += LANES) {
		vector v = (vector_get(d + i, n - i, 0.0f) - mean) * vector_all(scale);

		vector_put(d + i, n - i, v * vector_get(p + i, n - i, 0.0f));
	}
}

/* With h = (x - mean) / sigma: d_weight += d h, d_bias += d, and d becomes (e - mean(e) - h mean(e h)) / sigma, e = d weight. */
TARGET static void row_layer_norm_gradient(float *d, const float *x, const float *weight, size_t n, float epsilon,
					   float *d_weight, float *d_bias)
{
	vector sum = vector_all(0.0f), plain = vector_all(0.0f), along = vector_all(0.0f), center, scale, shift, slope;

	for (size_t i = 0; i < n; i += LANES)
		sum += vector_get(x + i, n - i, 0.0f);
	float mean = vector_sum(sum) / (float)n;

	center = vector_all(mean);
	sum = vector_all(0.0f);
	for (size_t i = 0; i < n; i += LANES) {
		vector v = vector_get(x + i, n - i, mean) - center;

		sum = VECTOR_FMA(v, v, sum);
	}
	scale = vector_all(1.0f / sqrtf(vector_sum(sum) / (float)n + epsilon));
	for (size_t i = 0; i < n; i += LANES) {
		vector h = (vector_get(x + i, n - i, mean) - center) * scale, v = vector_get(d + i, n - i, 0.0f);
		vector e = v * vector_get(weight + i, n - i, 0.0f);

		vector_put(d_weight + i, n - i, VECTOR_FMA(v, h, vector_get(d_weight + i, n - i, 0.0f)));
		vector_put(d_bias + i, n - i, vector_get(d_bias + i, n - i, 0.0f) + v);
		plain += e;
		along = VECTOR_FMA(e, h, along);
	}
	shift = vector_all(vector_sum(plain) / (float)n);
	slope = vector_all(vector_sum(along) / (float)n);
	for (size_t i = 0; i < n; i += LANES) {
		vector h = (vector_get(x + i, n - i, mean) - center) * scale;
		vector e = vector_get(d + i, n - i, 0.0f) * vector_get(weight + i, n - i, 0.0f);

		vector_put(d + i, n - i, (e - shift - h * slope) * scale);
	}
}

/* With s = 1 / sqrt(mean(x^2) + epsilon) and e = d weight: d becomes s (e - x s^2 mean(e x)). */
TARGET static void row_rms_norm_gradient(float *d, const float *x, const float *weight, size_t n, float epsilon)
{
	float s = 1.0f / sqrtf(row_dot(x, x, n) / (float)n + epsilon);
	vector along = vector_all(0.0f), scale = vector_all(s), slope;

	for (size_t i = 0; i < n; i += LANES)
		along = VECTOR_FMA(vector_get(d + i, n - i, 0.0f) * vector_get(weight + i, n - i, 0.0f),
				   vector_get(x + i, n - i, 0.0f), along);
	slope = vector_all(s * s * vector_sum(along) / (float)n);
	for (size_t i = 0; i < n; i += LANES) {
		vector e = vector_get(d + i, n - i, 0.0f) * vector_get(weight + i, n - i, 0.0f);

		vector_put(d + i, n - i, (e - vector_get(x + i, n - i, 0.0f) * slope) * scale);
	}
}

/* d NULL: a gradient of zero. */
TARGET static void row_adamw(const struct adamw_step *s, float *w, float *m, float *v, const float *d, size_t n)
{
	vector b1 = vector_all(s->beta1), b2 = vector_all(s->beta2), scale = vector_all(s->scale);
	vector rest1 = vector_all(1.0f - s->beta1), rest2 = vector_all(1.0f - s->beta2);

	for (size_t i = 0; i < n; i += LANES) {
		vector g = d ? vector_get(d + i, n - i, 0.0f) * scale : vector_all(0.0f);
		vector first = VECTOR_FMA(rest1, g, b1 * vector_get(m + i, n - i, 0.0f));
		vector second = VECTOR_FMA(rest2 * g, g, b2 * vector_get(v + i, n - i, 0.0f));
		vector root = VECTOR_FMA(VECTOR_SQRT(second), vector_all(s->inverse_root), vector_all(s->epsilon));

		vector_put(m + i, n - i, first);
		vector_put(v + i, n - i, second);
		vector_put(w + i, n - i, vector_get(w + i, n - i, 0.0f) * vector_all(s->decay) -
					 vector_all(s->rate) * (first / root));
	}
}

/* x (n, columns) to its transpose. Four rows at a time, whose lines stay in cache until all columns had them. */
TARGET static void rows_turn(const float *x, size_t n, size_t columns, size_t ld, float *out, size_t ldo)
{
	size_t i = 0;

	for (; n - i >= 4; i += 4) {
		const float *const row[4] = { x + i * ld, x + (i + 1) * ld, x + (i + 2) * ld, x + (i + 3) * ld };

		transpose_rows(row, columns, out + i, ldo);
	}
	for (; i < n; i++)
		for (size_t c = 0; c < columns; c++)
			out[c * ldo + i] = x[i * ld + c];
}

#define GRADIENT_FUNCTIONS                                                                                    \
	.gelu_gradient = row_gelu_gradient, .swiglu_gradient = row_swiglu_gradient,                               \
	.geglu_gradient = row_geglu_gradient, .softmax_gradient = row_softmax_gradient,                           \
	.layer_norm_gradient = row_layer_norm_gradient, .rms_norm_gradient = row_rms_norm_gradient,               \
	.adamw = row_adamw, .turn = rows_turn

#endif
