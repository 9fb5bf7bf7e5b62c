/* Every kernel set that this processor can run, against double precision; and the promise that a row's result does not
 * depend on the rows beside it or on the threads. */
#include "test.h"

#include "base/arena.h"
#include "base/pool.h"
#include "base/rng.h"
#include "llm/gguf.h"
#include "llm/kernels.h"

static const float guard = -12345.0f; /* what must not be written over */

static void fill(float *x, size_t n, const char *stream, float size)
{
	struct rng rng;

	rng_init(&rng, 7, stream);
	for (size_t i = 0; i < n; i++)
		x[i] = size * (float)(2 * rng_double(&rng) - 1);
}

static float *values(size_t n, const char *stream)
{
	float *x = mem_aligned((n + 1) * sizeof(*x));

	fill(x, n, stream, 1.0f);
	return x;
}

static void set_all(float *x, size_t n, float value)
{
	for (size_t i = 0; i < n; i++)
		x[i] = value;
}

/* Nearest bf16, ties to even. */
static double round_bf16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
	memcpy(&x, &bits, sizeof(bits));
	return (double)x;
}

/* What a row of n values is to int8 products: integers -127 .. 127 of a scale for each 32 of them. */
static void round_int8(float *x, size_t n)
{
	for (size_t from = 0; from < n; from += 32) {
		size_t to = from + 32 < n ? from + 32 : n;
		float greatest = 0;

		for (size_t i = from; i < to; i++)
			greatest = fmaxf(greatest, fabsf(x[i]));
		float scale = greatest / 127, inverse = scale > 0 ? 1 / scale : 0;

		for (size_t i = from; i < to; i++)
			x[i] = nearbyintf(x[i] * inverse) * scale;
	}
}

/* A weight matrix (n, k) with its packed form, and a batch a (m, k) in rows of lda = k + 3. */
struct product {
	const struct kernels *kernels;
	size_t m, n, k, lda, ldc;
	float *weights, *a, *rounded, *c;
	struct tensor *tensor; /* the weights */
	struct matrix w;
};

static struct product product_init(const struct kernels *kernels, size_t m, size_t n, size_t k)
{
	struct product p = { .kernels = kernels, .m = m, .n = n, .k = k, .lda = k + 3, .ldc = n + 5 };

	p.weights = values(n * k, "weights");
	p.a = values(m * p.lda, "rows");
	p.rounded = mem_zero(m * p.lda + 1, sizeof(*p.rounded));
	for (size_t i = 0; i < m; i++)
		kernels->round(p.a + i * p.lda, k, p.rounded + i * p.lda);
	p.c = values(m * p.ldc, "product");
	set_all(p.c, m * p.ldc, guard);
	p.tensor = mem_alloc(sizeof(*p.tensor));
	*p.tensor = (struct tensor){ .name = "weights", .type = TENSOR_F32, .n_dims = 2, .shape = { n, k, 1, 1 },
				     .data = (const uint8_t *)p.weights, .bytes = n * k * sizeof(float) };
	matrix_pack(&p.w, kernels, (struct tensor_stack){ { p.tensor }, 1 });
	for (size_t i = 0; kernels->products == PRODUCTS_INT8 && i < m; i++)
		round_int8(p.a + i * p.lda, k);
	for (size_t j = 0; kernels->products == PRODUCTS_INT8 && j < n; j++)
		round_int8(p.weights + j * k, k);
	return p;
}

static void product_release(struct product *p)
{
	matrix_release(&p->w);
	free(p->tensor);
	free(p->weights);
	free(p->a);
	free(p->rounded);
	free(p->c);
}

/* The chain of k roundings errs by at most k units of 2^-24 of the sum of |a w|, in practice by less than sqrt(k). */
static void assert_element(const struct product *p, size_t i, size_t j)
{
	double want = 0, size = 0, got = (double)p->c[i * p->ldc + j];

	for (size_t x = 0; x < p->k; x++) {
		float a = p->a[i * p->lda + x], w = p->weights[j * p->k + x];
		double term = p->kernels->products == PRODUCTS_BF16 ? round_bf16(a) * round_bf16(w) : (double)a * (double)w;

		want += term;
		size += fabs(term);
	}
	if (!(fabs(got - want) <= ldexp(2 + sqrt((double)p->k), -24) * size))
		fail_msg("%s (%zu, %zu, %zu): c[%zu][%zu] is %.9g, want %.9g", p->kernels->name, p->m, p->n, p->k, i, j,
			 got, want);
}

static void assert_product(const struct kernels *kernels, struct pool *pool, size_t m, size_t n, size_t k)
{
	struct product p = product_init(kernels, m, n, k);
	size_t step = 1 + m * n / 2000; /* large products are sampled */

	matrix_multiply(&p.w, pool, p.rounded, m, p.lda, p.c, p.ldc);
	for (size_t e = 0; e < m * n; e += step)
		assert_element(&p, e / n, e % n);
	for (size_t i = 0; i < m; i++)
		for (size_t j = n; j < p.ldc; j++)
			if (p.c[i * p.ldc + j] != guard)
				fail_msg("%s (%zu, %zu, %zu): wrote c[%zu][%zu]", kernels->name, m, n, k, i, j);
	product_release(&p);
}

static const struct {
	size_t m, n, k;
} shapes[] = {
	{ 1, 1, 1 },	 { 1, 1, 0 },	  { 0, 5, 7 },	    { 61, 77, 30 },   { 7, 16, 31 },	{ 2, 48, 2 },
	{ 5, 33, 383 },	 { 6, 32, 384 },  { 14, 31, 385 },  { 15, 64, 767 },  { 29, 15, 769 },	{ 43, 50, 1537 },
	{ 1, 192, 576 }, { 1, 576, 1536 }, { 100, 192, 576 }, { 85, 576, 64 }, { 170, 40, 2048 }, { 3, 1000, 9 },
};

static void product_matches_reference(void **state)
{
	struct pool *pool = pool_open(2);

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		if (!(*set)->available())
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
			assert_product(*set, pool, shapes[i].m, shapes[i].n, shapes[i].k);
		for (size_t m = 1; m <= 17; m++)
			for (size_t n = 1; n <= 50; n++)
				assert_product(*set, pool, m, n, 5 + (m + n) % 4);
	}
	pool_free(pool);
}

static void assert_same_rows(const struct product *batch, struct pool *pool)
{
	float *alone = values(batch->n, "alone");

	for (size_t i = 0; i < batch->m; i++) {
		matrix_multiply(&batch->w, pool, batch->rounded + i * batch->lda, 1, batch->lda, alone, batch->n);
		if (memcmp(alone, batch->c + i * batch->ldc, batch->n * sizeof(*alone)) != 0)
			fail_msg("%s (%zu, %zu, %zu): row %zu differs from itself alone", batch->kernels->name,
				 batch->m, batch->n, batch->k, i);
	}
	free(alone);
}

static void row_does_not_depend_on_batch_or_threads(void **state)
{
	static const size_t sizes[][2] = { { 77, 577 }, { 576, 1536 }, { 30, 61 } }; /* (n, k) */
	struct pool *pools[] = { pool_open(1), pool_open(2), pool_open(3) };

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t s = 0; (*set)->available() && s < ARRAY_SIZE(sizes); s++) {
			struct product p = product_init(*set, 37, sizes[s][0], sizes[s][1]);
			struct product other = product_init(*set, 37, sizes[s][0], sizes[s][1]);

			matrix_multiply(&p.w, pools[0], p.rounded, p.m, p.lda, p.c, p.ldc);
			assert_same_rows(&p, pools[0]);
			for (size_t t = 1; t < ARRAY_SIZE(pools); t++) {
				set_all(other.c, other.m * other.ldc, guard);
				matrix_multiply(&other.w, pools[t], other.rounded, other.m, other.lda, other.c, other.ldc);
				assert_memory_equal(p.c, other.c, p.m * p.ldc * sizeof(float));
			}
			product_release(&p);
			product_release(&other);
		}
	for (size_t t = 0; t < ARRAY_SIZE(pools); t++)
		pool_free(pools[t]);
}

/* A panel filled by rows, `step` of them at a time, multiplies as the one packed from columns. */
static void assert_same_panels(const struct kernels *kernels, size_t n, size_t k, size_t step)
{
	size_t ld = n + 3;
	float *columns = values(n * k, "columns"), *rows = values(ld * k, "rows"), *a = values(k, "a"), c[2][64] = { 0 };
	void *packed = mem_aligned(kernels->panel_bytes(k)), *filled = mem_aligned(kernels->panel_bytes(k));

	kernels->round(a, k, a);
	kernels->pack(columns, n, k, k, packed);
	for (size_t p = 0; p < k; p++)
		for (size_t j = 0; j < n; j++)
			rows[p * ld + j] = columns[j * k + p];
	for (size_t p = 0; p < k; p += step)
		kernels->pack_across(rows + p * ld, k - p < step ? k - p : step, ld, n, p, filled);
	kernels->multiply(a, 1, k, k, packed, n, c[0], n);
	kernels->multiply(a, 1, k, k, filled, n, c[1], n);
	if (memcmp(c[0], c[1], sizeof(c[0])) != 0)
		fail_msg("%s: panels of %zu columns, %zu rows, %zu at a time, differ", kernels->name, n, k, step);
	free(columns);
	free(rows);
	free(a);
	free(packed);
	free(filled);
}

static void panels_fill_both_ways(void **state)
{
	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t n = 1; (*set)->pack_across && (*set)->available() && n <= (size_t)(*set)->panel; n++)
			for (size_t k = 1; k <= 35; k++)
				for (size_t step = 1; step <= 4; step++)
					assert_same_panels(*set, n, k, step);
}

/* Rounding in place, and of every length, gives the words of rounding elsewhere and writes none beyond them. */
static void rounding_fills_its_words(void **state)
{
	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t n = 1; (*set)->available() && n <= 70; n++) {
			float *x = values(n + 1, "x"), out[72]; /* one int8 value takes two words */
			size_t words = (*set)->rounded_words(n);

			set_all(out, 72, guard);
			(*set)->round(x, n, out);
			(*set)->round(x, n, x);
			assert_memory_equal(x, out, words * sizeof(float));
			for (size_t i = words; i < 72; i++)
				assert_true(out[i] == guard);
			free(x);
		}
}

/* x as the set's products take it. */
static double rounded(const struct kernels *kernels, float x)
{
	return kernels->products == PRODUCTS_BF16 ? round_bf16(x) : (double)x;
}

/* MATRIX_FEW rows, the last one by itself, times t above t, whose values are w. */
static void assert_few_rows(const struct kernels *kernels, struct pool *pool, const struct tensor *t, const float *w)
{
	size_t n = tensor_rows(t), k = tensor_columns(t);
	float *plain = values(MATRIX_FEW * k, "few"), *a = mem_zero(MATRIX_FEW * k, sizeof(*a));
	float *c = values(MATRIX_FEW * 2 * n, "c");
	const struct kernels *few = kernels_few(kernels);
	struct matrix m;

	matrix_pack(&m, kernels, (struct tensor_stack){ { t, t }, 2 });
	assert_true(m.quantised);
	for (size_t i = 0; i < MATRIX_FEW; i++)
		few->round(plain + i * k, k, a + i * k);
	matrix_multiply_few(&m, pool, a, MATRIX_FEW - 1, k, c, 2 * n);
	matrix_multiply_few(&m, pool, a + (MATRIX_FEW - 1) * k, 1, k, c + (MATRIX_FEW - 1) * 2 * n, 2 * n);
	for (size_t i = 0; i + 1 < MATRIX_FEW; i += 9) { /* each alone gives the same bytes */
		float *alone = mem_zero(2 * n, sizeof(*alone));

		matrix_multiply_few(&m, pool, a + i * k, 1, k, alone, 2 * n);
		assert_memory_equal(alone, c + i * 2 * n, 2 * n * sizeof(*alone));
		free(alone);
	}
	for (size_t i = 0; i < MATRIX_FEW; i += i < 8 ? 1 : 5)
		for (size_t j = 0; j < 2 * n; j++) {
			double want = 0, size = 0;

			for (size_t x = 0; x < k; x++) {
				double term = rounded(few, plain[i * k + x]) * rounded(few, w[j % n * k + x]);

				want += term;
				size += fabs(term);
			}
			if (!(fabs((double)c[i * 2 * n + j] - want) <= ldexp(2 + sqrt((double)k), -24) * size))
				fail_msg("%s: %s: c[%zu][%zu] is %.9g, want %.9g", kernels->name, t->name, i, j,
					 (double)c[i * 2 * n + j], want);
		}
	matrix_release(&m);
	free(plain);
	free(a);
	free(c);
}

/* The quantised tensors of tests/reference/tensors.py: blocks become the numbers that tensor_read() gives, rounded, and few
 * rows times them the product in double precision. */
static void quantised_rows_match_reference(void **state)
{
	struct error err;
	struct gguf *g = gguf_open("tests/reference/golden/tensors.gguf", &err);
	struct pool *pool = pool_open(2);
	size_t seen = 0;

	(void)state;
	assert_non_null(g);
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t i = 0; (*set)->available() && i < gguf_tensor_count(g); i++) {
			const struct tensor *t = gguf_tensor_at(g, i);
			size_t n = tensor_rows(t), k = tensor_columns(t);
			float *want = mem_zero(n * k, sizeof(*want)), *got = mem_zero(n * k, sizeof(*got));
			float *words = mem_zero(n * k, sizeof(*words));
			const struct kernels *few = kernels_few(*set);

			if (t->n_dims == 2 && few->decode(t->type, t->data, n * k, got)) {
				tensor_read(t, 0, n, want);
				few->round(want, n * k, words);
				assert_memory_equal(got, words, few->rounded_words(n * k) * sizeof(*words));
				assert_few_rows(*set, pool, t, want);
				seen++;
			}
			free(want);
			free(got);
			free(words);
		}
	assert_true(seen >= 8);
	pool_free(pool);
	gguf_free(g);
}

/* Rows of 1 .. LONGEST values: every tail of every vector width. */
enum { LONGEST = 131 };

struct row {
	float x[LONGEST + 1], y[LONGEST + 1], z[LONGEST + 1], weight[LONGEST + 1], bias[LONGEST + 1], out[LONGEST + 1];
};

static struct row row_of(size_t n)
{
	struct row r;

	fill(r.x, n, "x", 6.0f);
	fill(r.y, n, "y", 3.0f);
	fill(r.z, n, "z", 1.0f);
	fill(r.weight, n, "weight", 2.0f);
	fill(r.bias, n, "bias", 0.5f);
	fill(r.out, n, "out", 1.0f);
	r.x[n] = r.y[n] = r.out[n] = guard;
	return r;
}

static void check_softmax(const struct kernels *k, struct row *r, size_t n)
{
	struct row in = *r;
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += exp((double)0.7f * (double)in.x[i]);
	k->softmax(r->x, n, 0.7f);
	for (size_t i = 0; i < n; i++)
		assert_close(k->name, (double)r->x[i] / (exp((double)0.7f * (double)in.x[i]) / sum), 1.0, 1e-6);
}

static void check_gelu(const struct kernels *k, struct row *r, size_t n)
{
	struct row in = *r;

	k->gelu(r->x, r->bias, n);
	for (size_t i = 0; i < n; i++) {
		double v = (double)(in.x[i] + in.bias[i]);

		assert_close(k->name, (double)r->x[i], v * erfc(-v / M_SQRT2) / 2, 2e-7);
	}
}

static void check_swiglu(const struct kernels *k, struct row *r, size_t n)
{
	struct row in = *r;

	k->swiglu(r->x, r->y, n);
	for (size_t i = 0; i < n; i++) {
		double gate = (double)in.x[i];

		assert_close(k->name, (double)r->x[i], gate * (double)in.y[i] / (1 + exp(-gate)), 4e-7);
	}
}

static double gelu_tanh(double x)
{
	return x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))) / 2;
}

static void check_geglu(const struct kernels *k, struct row *r, size_t n)
{
	struct row in = *r;

	k->geglu(r->x, r->y, n);
	for (size_t i = 0; i < n; i++)
		assert_close(k->name, (double)r->x[i], gelu_tanh((double)in.x[i]) * (double)in.y[i], 4e-7);
}

static void check_dot(const struct kernels *k, struct row *r, size_t n)
{
	double want = 0, size = 0;

	for (size_t i = 0; i < n; i++) {
		want += (double)r->x[i] * (double)r->y[i];
		size += fabs((double)r->x[i] * (double)r->y[i]);
	}
	assert_close(k->name, (double)k->dot(r->x, r->y, n) / size, want / size, 3e-7);
}

static void check_axpy(const struct kernels *k, struct row *r, size_t n)
{
	struct row in = *r;

	k->axpy(r->x, 1.7f, r->y, n);
	for (size_t i = 0; i < n; i++)
		assert_close(k->name, (double)r->x[i], (double)in.x[i] + (double)1.7f * (double)in.y[i], 1.3e-7 * 6);
}

static void check_rms_norm(const struct kernels *k, struct row *r, size_t n)
{
	double squares = 0, scale;

	for (size_t i = 0; i < n; i++)
		squares += (double)r->x[i] * (double)r->x[i];
	scale = 1 / sqrt(squares / (double)n + 1e-5);
	k->rms_norm(r->out, r->x, r->weight, n, 1e-5f);
	for (size_t i = 0; i < n; i++)
		assert_close(k->name, (double)r->out[i], (double)r->x[i] * scale * (double)r->weight[i], 5e-7);
}

static void layer_norm_reference(const struct row *r, size_t n, bool added, double *want)
{
	double mean = 0, variance = 0;

	for (size_t i = 0; i < n; i++) {
		want[i] = (double)r->x[i] + (added ? (double)r->y[i] + (double)r->z[i] : 0);
		mean += want[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++)
		variance += (want[i] - mean) * (want[i] - mean) / (double)n;
	for (size_t i = 0; i < n; i++)
		want[i] = (want[i] - mean) / sqrt(variance + 1e-5) * (double)r->weight[i] + (double)r->bias[i];
}

static void check_layer_norm(const struct kernels *k, struct row *r, size_t n)
{
	double want[LONGEST];

	if (n < 3)
		return; /* two values differ from their mean by rounding alone */
	for (int added = 0; added < 2; added++) {
		layer_norm_reference(r, n, added, want);
		k->layer_norm(r->out, r->x, added ? r->y : NULL, added ? r->z : NULL, r->weight, r->bias, n, 1e-5f);
		for (size_t i = 0; i < n; i++)
			assert_close(k->name, (double)r->out[i], want[i], 2e-6);
	}
	k->layer_norm(r->x, r->x, r->y, r->z, r->weight, r->bias, n, 1e-5f); /* in place */
	assert_memory_equal(r->x, r->out, n * sizeof(float));
}

static void row_functions_match_reference(void **state)
{
	static void (*const checks[])(const struct kernels *, struct row *, size_t) = {
		check_softmax, check_gelu,     check_swiglu,     check_geglu,
		check_dot,     check_axpy, check_rms_norm, check_layer_norm,
	};

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t n = 1; (*set)->available() && n <= LONGEST; n++)
			for (size_t c = 0; c < ARRAY_SIZE(checks); c++) {
				struct row r = row_of(n);

				checks[c](*set, &r, n);
				if (r.x[n] != guard || r.y[n] != guard || r.out[n] != guard)
					fail_msg("%s: check %zu wrote beyond %zu values", (*set)->name, c, n);
			}
}

/* The largest errors over a dense grid: where a polynomial is worst, no random row finds it. */
static void exponential_is_precise(void **state)
{
	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (float x = -87.0f; (*set)->available() && x < 0.0f; x += 0.0037f) {
			float pair[2] = { x, 0.0f };
			double want = exp((double)x);

			(*set)->softmax(pair, 2, 1.0f);
			assert_close((*set)->name, (double)pair[0] / (want / (1 + want)), 1.0, 3.5e-7);
		}
}

static void gelu_is_precise(void **state)
{
	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (float x = -14.0f; (*set)->available() && x < 14.0f; x += 0.0013f) {
			double want = (double)x * erfc(-(double)x / M_SQRT2) / 2;
			float got = x;

			(*set)->gelu(&got, NULL, 1);
			assert_close((*set)->name, (double)got, want, 1.3e-7);
			if (x > -12.0f) /* the left tail keeps its leading digits */
				assert_close((*set)->name, (double)got / want, 1.0, 2e-3);
		}
}

static void geglu_is_precise(void **state)
{
	const float one = 1.0f;

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (float x = -14.0f; (*set)->available() && x < 14.0f; x += 0.0013f) {
			float got = x;

			(*set)->geglu(&got, &one, 1);
			assert_close((*set)->name, (double)got, gelu_tanh((double)x), 2e-7);
		}
}

static const struct {
	const char *name;
	float in[3], softmax[3];
} extremes[] = {
	{ "one value that dwarfs the others", { 1e30f, 0, -1e30f }, { 1, 0, 0 } },
	{ "a masked place has no weight", { 2, -INFINITY, 2 }, { 0.5f, 0, 0.5f } },
	{ "places too unlikely for a float", { 0, -87.8f, -200 }, { 1, 0, 0 } },
	{ "large but equal", { 3e38f, 3e38f, -INFINITY }, { 0.5f, 0.5f, 0 } },
	{ "a NaN spoils its row", { 0, NAN, 0 }, { NAN, NAN, NAN } },
};

static void softmax_survives_extremes(void **state)
{
	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t c = 0; (*set)->available() && c < ARRAY_SIZE(extremes); c++) {
			float x[3] = { extremes[c].in[0], extremes[c].in[1], extremes[c].in[2] };

			(*set)->softmax(x, 3, 1.0f);
			for (size_t i = 0; i < 3; i++)
				if (isnan(extremes[c].softmax[i]) ? !isnan(x[i]) : x[i] != extremes[c].softmax[i])
					fail_msg("%s: %s: value %zu is %g", (*set)->name, extremes[c].name, i,
						 (double)x[i]);
		}
}

static void gates_survive_extremes(void **state)
{
	static const float in[] = { -1e30f, -100, -0.0f, 100, 1e30f }, want[] = { 0, 0, 0, 100, 1e30f };

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t i = 0; (*set)->available() && i < ARRAY_SIZE(in); i++) {
			float swish = in[i], gelu = in[i], gate = in[i], nan[3] = { NAN, NAN, NAN }, one = 1.0f;

			(*set)->swiglu(&swish, &one, 1);
			(*set)->gelu(&gelu, NULL, 1);
			(*set)->geglu(&gate, &one, 1);
			assert_close((*set)->name, (double)swish, (double)want[i], 1e-7);
			assert_close((*set)->name, (double)gelu, (double)want[i], 1e-7);
			assert_close((*set)->name, (double)gate, (double)want[i], 1e-7);
			(*set)->swiglu(&nan[0], &one, 1);
			(*set)->gelu(&nan[1], NULL, 1);
			(*set)->geglu(&nan[2], &one, 1);
			assert_true(isnan(nan[0]) && isnan(nan[1]) && isnan(nan[2]));
		}
}

static void named_set_is_chosen(void **state)
{
	struct error err = { .text = "untouched" };

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		setenv("RUNG_KERNELS", (*set)->name, 1);
		if ((*set)->available())
			assert_ptr_equal(kernels_choose(true, &err), *set);
	}
	assert_string_equal(err.text, "untouched");
	unsetenv("RUNG_KERNELS");
}

/* Of whom the processor is, as the kernel tells it; false where it tells nothing. */
static bool processor_is(const char *vendor)
{
	char line[256];
	bool is = false;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && !is && fgets(line, sizeof(line), f))
		is = strncmp(line, "vendor_id", 9) == 0 && strstr(line, vendor);
	if (f)
		fclose(f);
	return is;
}

/* Only Intel's leave products of bf16 behind those of f32, and then there is a set of f32 that they leave them behind. */
static void outrun_set_is_for_who_names_it(void **state)
{
	struct error err;

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		const struct kernels *const *faster = set + 1;

		if (!(*set)->outrun || !(*set)->available())
			continue;
		assert_int_equal((*set)->products, PRODUCTS_BF16);
		if (processor_is("AuthenticAMD"))
			assert_false((*set)->outrun());
		if (!(*set)->outrun())
			continue;
		assert_true(processor_is("GenuineIntel"));
		while (!(*faster)->available())
			faster++;
		assert_int_equal((*faster)->products, PRODUCTS_F32);
		setenv("RUNG_KERNELS", "avx512vnni", 1);
		if (kernels_choose(false, &err))
			assert_ptr_equal(kernels_for_training(&err), *faster);
		setenv("RUNG_KERNELS", (*set)->name, 1);
		assert_ptr_equal(kernels_for_training(&err), *set);
		unsetenv("RUNG_KERNELS");
	}
}

static void best_set_is_chosen(void **state)
{
	const struct kernels *const *set = kernels_all();
	struct error err;

	(void)state;
	while (!(*set)->available() || (*set)->on_request || ((*set)->outrun && (*set)->outrun()))
		set++;
	unsetenv("RUNG_KERNELS");
	assert_ptr_equal(kernels_choose(false, &err), *set);
	assert_int_equal(kernels_choose(true, &err)->products, PRODUCTS_F32);
	assert_ptr_equal(kernels_for_training(&err), *set);
	setenv("RUNG_KERNELS", "", 1);
	assert_ptr_equal(kernels_choose(false, &err), *set);
	unsetenv("RUNG_KERNELS");
}

static void unusable_name_is_refused(void **state)
{
	struct error err = { .text = "" };

	(void)state;
	setenv("RUNG_KERNELS", "avx3", 1);
	assert_null(kernels_choose(false, &err));
	assert_non_null(strstr(err.text, "RUNG_KERNELS"));
	assert_non_null(strstr(err.text, "avx3"));
	assert_non_null(strstr(err.text, "portable"));
	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		setenv("RUNG_KERNELS", (*set)->name, 1);
		if (!(*set)->available())
			assert_null(kernels_choose(false, &err));
	}
	unsetenv("RUNG_KERNELS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(product_matches_reference),
		cmocka_unit_test(row_does_not_depend_on_batch_or_threads),
		cmocka_unit_test(panels_fill_both_ways),
		cmocka_unit_test(rounding_fills_its_words),
		cmocka_unit_test(quantised_rows_match_reference),
		cmocka_unit_test(row_functions_match_reference),
		cmocka_unit_test(exponential_is_precise),
		cmocka_unit_test(gelu_is_precise),
		cmocka_unit_test(geglu_is_precise),
		cmocka_unit_test(softmax_survives_extremes),
		cmocka_unit_test(gates_survive_extremes),
		cmocka_unit_test(named_set_is_chosen),
		cmocka_unit_test(outrun_set_is_for_who_names_it),
		cmocka_unit_test(best_set_is_chosen),
		cmocka_unit_test(unusable_name_is_refused),
	};

	return cmocka_run_group_tests_name("llm_kernels", tests, NULL, NULL);
}
