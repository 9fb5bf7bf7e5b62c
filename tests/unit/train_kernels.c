/* The gradient loops of every kernel set that this processor can run, against finite differences in double precision; AdamW against
 * a scalar one; and the rounding of f32 to f16. */
#include "test.h"

#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "llm/kernels.h"

enum { LONGEST = 100, INPUTS = 3 };

static const size_t lengths[] = { 1, 3, 15, 16, 17, 33, LONGEST };
static const float guard = -12345.0f; /* what must not be written over */
static const double epsilon = 1e-5;
static const float scale = 0.7f;

/* The arguments of a loop, what it gives, and the derivative by what it gives. */
struct row {
	double in[INPUTS][LONGEST], d[LONGEST];
	size_t n;
};

static double gelu(double x)
{
	return x * 0.5 * erfc(-x / sqrt(2));
}

static double gelu_tanh(double x)
{
	return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double silu(double x)
{
	return x / (1 + exp(-x));
}

static void forward_gelu(const struct row *r, double *out)
{
	for (size_t i = 0; i < r->n; i++)
		out[i] = gelu(r->in[0][i]);
}

static void forward_swiglu(const struct row *r, double *out)
{
	for (size_t i = 0; i < r->n; i++)
		out[i] = silu(r->in[0][i]) * r->in[1][i];
}

static void forward_geglu(const struct row *r, double *out)
{
	for (size_t i = 0; i < r->n; i++)
		out[i] = gelu_tanh(r->in[0][i]) * r->in[1][i];
}

static void forward_softmax(const struct row *r, double *out)
{
	double most = -INFINITY, sum = 0;

	for (size_t i = 0; i < r->n; i++)
		most = fmax(most, r->in[0][i]);
	for (size_t i = 0; i < r->n; i++)
		sum += out[i] = exp((double)scale * (r->in[0][i] - most));
	for (size_t i = 0; i < r->n; i++)
		out[i] /= sum;
}

static void forward_layer_norm(const struct row *r, double *out)
{
	double mean = 0, variance = 0;

	for (size_t i = 0; i < r->n; i++)
		mean += r->in[0][i] / (double)r->n;
	for (size_t i = 0; i < r->n; i++)
		variance += pow(r->in[0][i] - mean, 2) / (double)r->n;
	for (size_t i = 0; i < r->n; i++)
		out[i] = (r->in[0][i] - mean) / sqrt(variance + epsilon) * r->in[1][i] + r->in[2][i];
}

static void forward_rms_norm(const struct row *r, double *out)
{
	double square = 0;

	for (size_t i = 0; i < r->n; i++)
		square += pow(r->in[0][i], 2) / (double)r->n;
	for (size_t i = 0; i < r->n; i++)
		out[i] = r->in[0][i] / sqrt(square + epsilon) * r->in[1][i];
}

/* What a set's loop is given and gives back: derivatives in g, the forward loop's result in `result` where it has one. */
struct gradients {
	float in[INPUTS][LONGEST + 1], d[LONGEST + 1], *result;
	float g[INPUTS][LONGEST + 1];
};

static void run_gelu(const struct kernels *k, struct gradients *o, size_t n)
{
	k->gelu_gradient(o->d, o->in[0], n);
	memcpy(o->g[0], o->d, sizeof(o->d));
	o->result = o->in[0];
}

static void run_gated(struct gradients *o)
{
	memcpy(o->g[0], o->in[0], sizeof(o->d));
	memcpy(o->g[1], o->in[1], sizeof(o->d));
	o->result = o->d;
}

static void run_swiglu(const struct kernels *k, struct gradients *o, size_t n)
{
	k->swiglu_gradient(o->d, o->in[0], o->in[1], n);
	run_gated(o);
}

static void run_geglu(const struct kernels *k, struct gradients *o, size_t n)
{
	k->geglu_gradient(o->d, o->in[0], o->in[1], n);
	run_gated(o);
}

static void run_softmax(const struct kernels *k, struct gradients *o, size_t n)
{
	k->softmax(o->in[0], n, scale);
	k->softmax_gradient(o->d, o->in[0], n, scale);
	memcpy(o->g[0], o->d, sizeof(o->d));
	o->result = o->in[0];
}

/* Gradients of weight and bias are added to what was there. */
static void run_layer_norm(const struct kernels *k, struct gradients *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		o->g[1][i] = o->g[2][i] = 0.5f;
	o->g[1][n] = o->g[2][n] = guard;
	k->layer_norm_gradient(o->d, o->in[0], o->in[1], n, (float)epsilon, o->g[1], o->g[2]);
	memcpy(o->g[0], o->d, sizeof(o->d));
	for (size_t i = 0; i < n; i++) {
		o->g[1][i] -= 0.5f;
		o->g[2][i] -= 0.5f;
	}
}

static void run_rms_norm(const struct kernels *k, struct gradients *o, size_t n)
{
	k->rms_norm_gradient(o->d, o->in[0], o->in[1], n, (float)epsilon);
	memcpy(o->g[0], o->d, sizeof(o->d));
}

static const struct {
	const char *name;
	size_t derivatives; /* of the first so many inputs */
	void (*forward)(const struct row *r, double *out);
	void (*run)(const struct kernels *k, struct gradients *o, size_t n);
} loops[] = {
	{ "gelu", 1, forward_gelu, run_gelu },
	{ "swiglu", 2, forward_swiglu, run_swiglu },
	{ "geglu", 2, forward_geglu, run_geglu },
	{ "softmax", 1, forward_softmax, run_softmax },
	{ "layer_norm", 3, forward_layer_norm, run_layer_norm },
	{ "rms_norm", 1, forward_rms_norm, run_rms_norm },
};

/* Values that are f32 exactly. */
static void fill(double *x, size_t n, const char *stream, double size)
{
	struct rng rng;

	rng_init(&rng, 11 + n, stream);
	for (size_t i = 0; i < n; i++)
		x[i] = (double)(float)(size * (2 * rng_double(&rng) - 1));
}

static struct row row_of(size_t n)
{
	struct row r = { .n = n };

	fill(r.in[0], n, "x", 4);
	fill(r.in[1], n, "y", 2);
	fill(r.in[2], n, "z", 1);
	fill(r.d, n, "d", 1);
	return r;
}

static double loss_of(size_t loop, const struct row *r)
{
	double out[LONGEST], loss = 0;

	loops[loop].forward(r, out);
	for (size_t i = 0; i < r->n; i++)
		loss += out[i] * r->d[i];
	return loss;
}

static double slope_of(size_t loop, struct row *r, size_t input, size_t i)
{
	const double step = 1e-5;
	double keep = r->in[input][i];

	r->in[input][i] = keep + step;
	double above = loss_of(loop, r);

	r->in[input][i] = keep - step;
	double below = loss_of(loop, r);

	r->in[input][i] = keep;
	return (above - below) / (2 * step);
}

static void run_loop(const struct kernels *k, size_t loop, const struct row *r, struct gradients *o)
{
	*o = (struct gradients){ 0 };
	for (size_t i = 0; i < r->n; i++) {
		for (size_t a = 0; a < INPUTS; a++)
			o->in[a][i] = (float)r->in[a][i];
		o->d[i] = (float)r->d[i];
	}
	for (size_t a = 0; a < INPUTS; a++)
		o->in[a][r->n] = guard;
	o->d[r->n] = guard;
	loops[loop].run(k, o, r->n);
}

static void check_loop(const struct kernels *k, size_t loop, size_t n)
{
	struct row r = row_of(n);
	struct gradients o;
	double out[LONGEST];
	char name[64];

	run_loop(k, loop, &r, &o);
	snprintf(name, sizeof(name), "%s, %s of %zu", k->name, loops[loop].name, n);
	for (size_t a = 0; a < loops[loop].derivatives; a++) {
		for (size_t i = 0; i < n; i++)
			assert_close(name, (double)o.g[a][i], slope_of(loop, &r, a, i), 3e-6);
		if (o.g[a][n] != guard)
			fail_msg("%s: wrote behind its end", name);
	}
	loops[loop].forward(&r, out);
	for (size_t i = 0; o.result && i < n; i++)
		assert_close(name, (double)o.result[i], out[i], 1e-6);
}

static void gradients_are_those_of_finite_differences(void **state)
{
	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t loop = 0; (*set)->available() && loop < ARRAY_SIZE(loops); loop++)
			for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
				check_loop(*set, loop, lengths[i]);
}

/* Far from zero the gates are 0 or 1, and their slopes with them: no NaN out of 0 times infinity. */
static void gradients_survive_extremes(void **state)
{
	static const float far[] = { -1000, -90, -30, 30, 90, 1000 };

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t i = 0; (*set)->available() && i < ARRAY_SIZE(far); i++)
			for (size_t loop = 0; loop < 3; loop++) {
				struct gradients o = { .in = { { far[i] }, { 3 } }, .d = { 2 } };
				float open = far[i] > 0 ? 1 : 0;

				loops[loop].run(*set, &o, 1);
				assert_close(loops[loop].name, (double)o.g[0][0], (double)open * (loop == 0 ? 2 : 6), 1e-6);
				if (loop > 0)
					assert_close(loops[loop].name, (double)o.g[1][0], (double)(open * far[i]) * 2, 1e-6);
			}
}

/* AdamW as PyTorch's documentation writes it: decay first, then the step by bias-corrected moments. */
struct scalar {
	double w, m, v;
};

static void scalar_step(struct scalar *s, double g, double rate, double decay, size_t t)
{
	const double beta1 = 0.9, beta2 = 0.999, tiny = 1e-8;

	s->w -= rate * decay * s->w;
	s->m = beta1 * s->m + (1 - beta1) * g;
	s->v = beta2 * s->v + (1 - beta2) * g * g;
	s->w -= rate * (s->m / (1 - pow(beta1, (double)t))) / (sqrt(s->v / (1 - pow(beta2, (double)t))) + tiny);
}

static void check_adamw(const struct kernels *k, size_t n)
{
	struct scalar want[LONGEST] = { 0 };
	float w[LONGEST + 1], m[LONGEST + 1] = { 0 }, v[LONGEST + 1] = { 0 }, d[LONGEST];
	double first[LONGEST], g[LONGEST];
	const double decay = 0.1, shrunk = 0.25;

	fill(first, n, "w", 1);
	for (size_t i = 0; i < n; i++)
		w[i] = (float)(want[i].w = first[i]);
	w[n] = m[n] = v[n] = guard;
	for (size_t t = 1; t <= 20; t++) {
		double rate = 0.02 * (double)t / 20;
		struct adamw_step s = { .rate = (float)(rate / (1 - pow(0.9, (double)t))), .decay = (float)(1 - rate * decay),
					.inverse_root = (float)(1 / sqrt(1 - pow(0.999, (double)t))), .beta1 = 0.9f, .beta2 = 0.999f,
					.epsilon = 1e-8f, .scale = (float)shrunk };

		fill(g, n, t % 3 ? "g" : "h", 1.0 / (double)t);
		for (size_t i = 0; i < n; i++) {
			d[i] = (float)g[i];
			scalar_step(&want[i], g[i] * shrunk, rate, decay, t);
		}
		k->adamw(&s, w, m, v, d, n);
	}
	for (size_t i = 0; i < n; i++) {
		assert_close(k->name, (double)w[i], want[i].w, 1e-5);
		assert_close(k->name, (double)m[i], want[i].m, 1e-6);
		assert_close(k->name, (double)v[i] * 1e3, want[i].v * 1e3, 1e-4);
	}
	assert_true(w[n] == guard && m[n] == guard && v[n] == guard);
}

static void adamw_is_that_of_doubles(void **state)
{
	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t i = 0; (*set)->available() && i < ARRAY_SIZE(lengths); i++)
			check_adamw(*set, lengths[i]);
}

/* No gradient is a gradient of zero, to the bit; and a part of a row moves as the whole does. */
static void adamw_without_gradient_is_one_of_zero(void **state)
{
	const struct adamw_step s = { .rate = 0.01f, .decay = 0.999f, .inverse_root = 3, .beta1 = 0.9f, .beta2 = 0.999f,
				      .epsilon = 1e-8f, .scale = 0.5f };
	enum { N = 37, CUT = 17 };

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		float x[3][N], y[3][N], z[3][N], zero[N] = { 0 };

		if (!(*set)->available())
			continue;
		for (size_t i = 0; i < N; i++) {
			x[0][i] = (float)i - 20;
			x[1][i] = 1 / (float)(i + 1);
			x[2][i] = 1e-6f * (float)i;
		}
		memcpy(y, x, sizeof(x));
		memcpy(z, x, sizeof(x));
		(*set)->adamw(&s, x[0], x[1], x[2], NULL, N);
		(*set)->adamw(&s, y[0], y[1], y[2], zero, N);
		(*set)->adamw(&s, z[0], z[1], z[2], NULL, CUT);
		(*set)->adamw(&s, z[0] + CUT, z[1] + CUT, z[2] + CUT, zero, N - CUT);
		assert_memory_equal(x, y, sizeof(x));
		assert_memory_equal(x, z, sizeof(x));
	}
}

static bool half_is_nan(uint16_t h)
{
	return (h & 0x7fff) > 0x7c00;
}

static void halves_come_back(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 65536; h++) {
		uint16_t back = f32_to_f16(f16_to_f32((uint16_t)h));

		if (half_is_nan((uint16_t)h) ? !half_is_nan(back) : back != h)
			fail_msg("half %04x comes back as %04x", (unsigned)h, (unsigned)back);
	}
}

static void assert_half(float x, uint16_t want)
{
	uint16_t plus = f32_to_f16(x), minus = f32_to_f16(-x);

	if (plus != want || minus != (want | 0x8000))
		fail_msg("%a gives %04x and %04x, want %04x and its negative", (double)x, (unsigned)plus, (unsigned)minus, (unsigned)want);
}

/* Between any two neighbours, subnormal ones and the step to infinity included: the middle goes to the even one, what is beside the
 * middle to the nearer one. */
static void ties_go_to_even(void **state)
{
	(void)state;
	for (uint16_t h = 0; h < 0x7c00; h++) {
		float low = f16_to_f32(h), high = h == 0x7bff ? 65536.0f : f16_to_f32((uint16_t)(h + 1));
		float middle = (low + high) / 2;

		assert_half(middle, (uint16_t)(h + (h & 1)));
		assert_half(nextafterf(middle, 0), h);
		assert_half(nextafterf(middle, INFINITY), (uint16_t)(h + 1));
		assert_half(nextafterf(low, INFINITY), h);
		assert_half(nextafterf(high, 0), (uint16_t)(h + 1));
	}
}

static void far_numbers_become_infinite_or_zero(void **state)
{
	static const uint32_t nans[] = { 0x7f800001, 0x7fc00000, 0x7fffffff, 0xff800001, 0xffc12345, 0x7f801fff };

	(void)state;
	assert_half(0.0f, 0);
	assert_half(1e-45f, 0);
	assert_half(1.17549435e-38f, 0);
	assert_half(65519.996f, 0x7bff);
	assert_half(65520.0f, 0x7c00);
	assert_half(3.4028235e38f, 0x7c00);
	assert_half(INFINITY, 0x7c00);
	for (size_t i = 0; i < ARRAY_SIZE(nans); i++) {
		float x;

		memcpy(&x, &nans[i], sizeof(x));
		if (!half_is_nan(f32_to_f16(x)))
			fail_msg("NaN %08x becomes %04x", (unsigned)nans[i], (unsigned)f32_to_f16(x));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_are_those_of_finite_differences),
		cmocka_unit_test(gradients_survive_extremes),
		cmocka_unit_test(adamw_is_that_of_doubles),
		cmocka_unit_test(adamw_without_gradient_is_one_of_zero),
		cmocka_unit_test(halves_come_back),
		cmocka_unit_test(ties_go_to_even),
		cmocka_unit_test(far_numbers_become_infinite_or_zero),
	};

	return cmocka_run_group_tests_name("train_kernels", tests, NULL, NULL);
}
