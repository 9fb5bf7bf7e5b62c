/* Products with a right-hand side that is packed for one call, against double precision: out of memory and out of quantised tensors,
 * by rows and across them, with and without a second part, in one packing that every shape takes over from the one before. */
#include "test.h"

#include <string.h>

#include "base/arena.h"
#include "base/pool.h"
#include "base/rng.h"
#include "llm/gguf.h"
#include "train/product.h"

static const float guard = -12345.0f; /* what must not be written over */
static const size_t sizes[] = { 1, 2, 31, 32, 33, 65 };
enum { A_ROWS = 5, LD_MORE = 3 };

static float *values(size_t n, const char *stream)
{
	float *x = mem_aligned((n + 1) * sizeof(*x));
	struct rng rng;

	rng_init(&rng, n, stream);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(2 * rng_double(&rng) - 1);
	return x;
}

/* Sets whose products training takes. */
static bool trains(const struct kernels *set)
{
	return set->available() && set->products != PRODUCTS_INT8;
}

static double tolerance(const struct kernels *set)
{
	return set->products == PRODUCTS_BF16 ? 1e-2 : 1e-5;
}

/* A right-hand side as plain numbers, (n, k) with rows ld apart. */
struct plain {
	const float *at;
	size_t n, k, ld;
};

/* Element (i, j) of A times the packed matrix, where A is (m, depth), and what rounding is to be measured by. */
static double element(const float *a, size_t depth, const struct plain *r, const struct plain *more, bool across, size_t j, double *size)
{
	size_t own = across ? r->n : r->k;
	double sum = 0;

	*size = 0;
	for (size_t p = 0; p < depth; p++) {
		const struct plain *from = p < own ? r : more;
		size_t q = p < own ? p : p - own;
		double term = (double)a[p] * (double)(across ? from->at[q * from->ld + j] : from->at[j * from->ld + q]);

		sum += term;
		*size += fabs(term);
	}
	return sum;
}

/* A (m, depth) times what is packed, rounded row by row. */
static void assert_product(const struct packing *p, struct pool *pool, const char *name, const struct plain *r,
			   const struct plain *more, bool across)
{
	const struct kernels *set = p->w.kernels;
	size_t n = across ? r->k : r->n, depth = across ? r->n + (more ? more->n : 0) : r->k + (more ? more->k : 0);
	size_t lda = depth + 4, ldc = n + 2;
	float *a = values(A_ROWS * depth, "a"), *rounded = mem_zero(A_ROWS * lda, sizeof(*rounded));
	float *c = mem_alloc(A_ROWS * ldc * sizeof(*c));

	assert_true(p->w.n == n && p->w.k == depth);
	for (size_t i = 0; i < A_ROWS * ldc; i++)
		c[i] = guard;
	for (size_t i = 0; i < A_ROWS; i++)
		set->round(a + i * depth, depth, rounded + i * lda);
	product(p, pool, rounded, A_ROWS, lda, c, ldc);
	for (size_t i = 0; i < A_ROWS; i++) {
		for (size_t j = 0; j < n; j++) {
			double size, want = element(a + i * depth, depth, r, more, across, j, &size), got = (double)c[i * ldc + j];

			if (!(fabs(got - want) <= tolerance(set) * size))
				fail_msg("%s %s %s (%zu, %zu): c[%zu][%zu] is %.9g, want %.9g", set->name, name, across ? "across" : "by rows", n,
					 depth, i, j, got, want);
		}
		assert_true(c[i * ldc + n] == guard && c[i * ldc + n + 1] == guard);
	}
	free(a);
	free(rounded);
	free(c);
}

/* Leaves memory full of what must not leak into a product. */
static void poison(struct packing *p)
{
	float *panels = (float *)(void *)p->w.panels;

	for (size_t i = 0; panels && i < p->bytes / sizeof(float); i++)
		panels[i] = NAN;
}

static void check_memory(struct packing *p, const struct kernels *set, struct pool *pool, size_t n, size_t k, size_t extra)
{
	size_t ld = k + LD_MORE, ld_more = (k > extra ? k : extra) + 1;
	float *w = values(n * ld, "w"), *m = values((n + extra) * ld_more, "more");
	struct plain plain = { w, n, k, ld }, beside = { m, n, extra, ld_more }, below = { m, extra, k, ld_more };
	struct rows r = rows_of(w, n, k, ld), r_beside = rows_of(m, n, extra, ld_more), r_below = rows_of(m, extra, k, ld_more);

	poison(p);
	pack_rows(p, set, pool, &r, extra ? &r_beside : NULL);
	assert_product(p, pool, "memory", &plain, extra ? &beside : NULL, false);
	poison(p);
	pack_across(p, set, pool, &r, extra ? &r_below : NULL);
	assert_product(p, pool, "memory", &plain, extra ? &below : NULL, true);
	free(w);
	free(m);
}

static void products_of_memory_match_reference(void **state)
{
	static const size_t extras[] = { 0, 1, 4, 17 };
	struct pool *pool = pool_open(2);

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		struct packing p = { 0 };

		for (size_t i = 0; trains(*set) && i < ARRAY_SIZE(sizes); i++)
			for (size_t j = 0; j < ARRAY_SIZE(sizes); j++)
				for (size_t e = 0; e < ARRAY_SIZE(extras); e++)
					check_memory(&p, *set, pool, sizes[i], sizes[j], extras[e]);
		if (trains(*set))
			check_memory(&p, *set, pool, 300, 700, 8); /* several tiles of everything */
		packing_release(&p);
		assert_null(p.w.panels);
	}
	pool_free(pool);
}

/* Tensors of one type above each other, read from row `first` on. */
static void check_tensors(struct packing *p, const struct kernels *set, struct pool *pool, const struct tensor *t, size_t parts,
			  size_t first, size_t extra)
{
	size_t k = tensor_columns(t), n = parts * tensor_rows(t), ld_more = k + extra;
	float *w = mem_zero(n * k, sizeof(*w)), *m = values((n + extra) * ld_more, "more");
	struct tensor_stack stack = { .n = parts };
	struct rows r_beside = rows_of(m, n - first, extra, ld_more), r_below = rows_of(m, extra, k, ld_more);

	for (size_t i = 0; i < parts; i++) {
		stack.part[i] = t;
		tensor_read(t, 0, tensor_rows(t), w + i * tensor_rows(t) * k);
	}
	struct rows r = rows_of_tensors(stack);
	struct plain plain = { w + first * k, n - first, k, k }, beside = { m, n - first, extra, ld_more };
	struct plain below = { m, extra, k, ld_more };

	assert_true(r.n == n && r.k == k);
	r.first = first;
	r.n = n - first;
	poison(p);
	pack_rows(p, set, pool, &r, extra ? &r_beside : NULL);
	assert_product(p, pool, t->name, &plain, extra ? &beside : NULL, false);
	poison(p);
	pack_across(p, set, pool, &r, extra ? &r_below : NULL);
	assert_product(p, pool, t->name, &plain, extra ? &below : NULL, true);
	free(w);
	free(m);
}

static bool finite_values(const struct tensor *t)
{
	size_t n = tensor_rows(t) * tensor_columns(t);
	float *x = mem_alloc(n * sizeof(*x));
	bool finite = true;

	tensor_read(t, 0, tensor_rows(t), x);
	for (size_t i = 0; i < n; i++)
		finite = finite && isfinite(x[i]);
	free(x);
	return finite;
}

static void products_of_tensors_match_reference(void **state)
{
	struct error err = { .text = "" };
	struct gguf *g = gguf_open("tests/reference/golden/tensors.gguf", &err);
	struct pool *pool = pool_open(2);
	bool seen[TENSOR_TYPES] = { false };

	(void)state;
	assert_non_null(g);
	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		struct packing p = { 0 };

		for (size_t i = 0; trains(*set) && i < gguf_tensor_count(g); i++) {
			const struct tensor *t = gguf_tensor_at(g, i);

			for (size_t parts = 1; t->n_dims == 2 && finite_values(t) && parts <= 3; parts++)
				for (size_t first = 0; first < parts * tensor_rows(t); first++) {
					check_tensors(&p, *set, pool, t, parts, first, 0);
					check_tensors(&p, *set, pool, t, parts, first, 5);
					seen[t->type] = true;
				}
		}
		packing_release(&p);
	}
	assert_true(seen[TENSOR_Q8_0] && seen[TENSOR_Q4_0] && seen[TENSOR_Q4_1] && seen[TENSOR_Q6_K]);
	pool_free(pool);
	gguf_free(g);
}

/* Many rows of tensors are unpacked in tiles: an odd number of them, more than one tile's. */
static void tensors_of_many_rows_match_memory(void **state)
{
	enum { ROWS = 101, COLUMNS = 64, BLOCK = 34 };
	uint8_t *blocks = mem_zero(ROWS * COLUMNS / 32, BLOCK);
	struct pool *pool = pool_open(2);
	struct rng rng;

	(void)state;
	rng_init(&rng, 3, "blocks");
	for (size_t i = 0; i < ROWS * COLUMNS / 32; i++) {
		uint16_t size = f32_to_f16((float)(rng_double(&rng) / 64));

		memcpy(blocks + i * BLOCK, &size, 2);
		for (size_t j = 2; j < BLOCK; j++)
			blocks[i * BLOCK + j] = (uint8_t)rng_below(&rng, 256);
	}
	struct tensor t = { .name = "many rows", .type = TENSOR_Q8_0, .n_dims = 2, .shape = { ROWS, COLUMNS, 1, 1 }, .data = blocks,
			    .bytes = ROWS * COLUMNS / 32 * BLOCK };

	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		struct packing p = { 0 };

		for (size_t first = 0; trains(*set) && first < 2 * ROWS; first += 67) {
			check_tensors(&p, *set, pool, &t, 2, first, 0);
			check_tensors(&p, *set, pool, &t, 2, first, 16);
		}
		packing_release(&p);
	}
	free(blocks);
	pool_free(pool);
}

static void check_transposition(const struct kernels *set, struct pool *pool, size_t n, size_t columns)
{
	size_t ld = columns + LD_MORE, words = set->rounded_words(n), ldo = words + 2;
	float *x = values(n * ld, "x"), *out = mem_alloc(columns * ldo * sizeof(*out));
	float *column = mem_alloc((n + 1) * sizeof(*column)), *want = mem_zero(n + 1, sizeof(*want));

	for (size_t i = 0; i < columns * ldo; i++)
		out[i] = guard;
	transpose_round(set, pool, x, n, columns, ld, out, ldo);
	for (size_t c = 0; c < columns; c++) {
		for (size_t i = 0; i < n; i++)
			column[i] = x[i * ld + c];
		set->round(column, n, want);
		if (memcmp(want, out + c * ldo, words * sizeof(*want)) != 0)
			fail_msg("%s: column %zu of (%zu, %zu) is not its rounded self", set->name, c, n, columns);
		assert_true(out[c * ldo + words] == guard && out[c * ldo + words + 1] == guard);
	}
	free(x);
	free(out);
	free(column);
	free(want);
}

static void transposed_rows_are_rounded_columns(void **state)
{
	static const size_t long_ones[] = { 511, 512, 513, 1025 };
	struct pool *pool = pool_open(2);

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		for (size_t i = 0; trains(*set) && i < ARRAY_SIZE(sizes); i++)
			for (size_t j = 0; j < ARRAY_SIZE(sizes); j++)
				check_transposition(*set, pool, sizes[i], sizes[j]);
		for (size_t i = 0; trains(*set) && i < ARRAY_SIZE(long_ones); i++)
			check_transposition(*set, pool, long_ones[i], 129);
	}
	pool_free(pool);
}

/* product_across() from rounded rows gives c (n, k) to the bit. */
static void assert_across_same(struct packing *p, const struct kernels *set, struct pool *pool, const float *turned, size_t n,
			       size_t ld, const struct rows *r, const float *c)
{
	float *rounded = mem_zero(r->n * (r->k + 1), sizeof(*rounded)), *got = mem_alloc(n * (r->k + 1) * sizeof(*got));
	struct rows right = rows_of(rounded, r->n, r->k, r->k + 1);

	for (size_t i = 0; i < r->n; i++)
		set->round(r->values + i * r->ld, r->k, rounded + i * right.ld);
	for (size_t i = 0; i < n; i++)
		got[i * (r->k + 1) + r->k] = guard;
	product_across(p, set, pool, turned, n, ld, &right, got, r->k + 1);
	for (size_t i = 0; i < n; i++) {
		assert_memory_equal(got + i * (r->k + 1), c + i * r->k, r->k * sizeof(*c));
		assert_true(got[i * (r->k + 1) + r->k] == guard);
	}
	free(rounded);
	free(got);
}

/* dL/dW = D^T X, as training takes it: one side transposed, the other packed across. */
static void weight_gradients_match_reference(void **state)
{
	enum { M = 33, N = 31, K = 65 };
	struct pool *pools[] = { pool_open(1), pool_open(3) };
	float *d = values(M * N, "d"), *x = values(M * K, "x"), *turned = mem_zero(N * (M + 1), sizeof(*turned)), c[2][N * K];

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++) {
		struct rows r = rows_of(x, M, K, K);
		struct packing p = { 0 };

		for (size_t t = 0; trains(*set) && t < 2; t++) {
			transpose_round(*set, pools[t], d, M, N, N, turned, M + 1);
			pack_across(&p, *set, pools[t], &r, NULL);
			product(&p, pools[t], turned, N, M + 1, c[t], K);
			assert_across_same(&p, *set, pools[t], turned, N, M + 1, &r, c[t]);
		}
		for (size_t i = 0; trains(*set) && i < N * K; i++) {
			double sum = 0, size = 0;

			for (size_t row = 0; row < M; row++) {
				double term = (double)d[row * N + i / K] * (double)x[row * K + i % K];

				sum += term;
				size += fabs(term);
			}
			if (!(fabs((double)c[0][i] - sum) <= tolerance(*set) * size))
				fail_msg("%s: element %zu is %.9g, want %.9g", (*set)->name, i, (double)c[0][i], sum);
		}
		if (trains(*set))
			assert_memory_equal(c[0], c[1], sizeof(c[0])); /* whatever the number of threads */
		packing_release(&p);
	}
	free(d);
	free(x);
	free(turned);
	pool_free(pools[0]);
	pool_free(pools[1]);
}

/* Columns enough for tiles of several panels, the last one uneven. */
static void wide_products_across_are_the_packed_ones(void **state)
{
	enum { M = 41, N = 18, K = 1237 };
	float *d = values(M * N, "d"), *x = values(M * K, "x"), *turned = mem_zero(N * (M + 1), sizeof(*turned)), *c = mem_alloc(N * K * sizeof(*c));
	struct pool *pools[] = { pool_open(1), pool_open(3) };

	(void)state;
	for (const struct kernels *const *set = kernels_all(); *set; set++)
		for (size_t t = 0; trains(*set) && t < ARRAY_SIZE(pools); t++) {
			struct rows r = rows_of(x, M, K, K);
			struct packing p = { 0 };

			transpose_round(*set, pools[t], d, M, N, N, turned, M + 1);
			pack_across(&p, *set, pools[t], &r, NULL);
			product(&p, pools[t], turned, N, M + 1, c, K);
			assert_across_same(&p, *set, pools[t], turned, N, M + 1, &r, c);
			packing_release(&p);
		}
	free(d);
	free(x);
	free(turned);
	free(c);
	for (size_t t = 0; t < ARRAY_SIZE(pools); t++)
		pool_free(pools[t]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_of_memory_match_reference),
		cmocka_unit_test(products_of_tensors_match_reference),
		cmocka_unit_test(tensors_of_many_rows_match_memory),
		cmocka_unit_test(transposed_rows_are_rounded_columns),
		cmocka_unit_test(weight_gradients_match_reference),
		cmocka_unit_test(wide_products_across_are_the_packed_ones),
	};

	return cmocka_run_group_tests_name("train_product", tests, NULL, NULL);
}
