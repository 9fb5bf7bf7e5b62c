/* Logistic regression against scikit-learn (tests/reference/classifiers.py) and against finite differences. */
#include "tune/linear.h"

#include "base/arena.h"
#include "base/rng.h"
#include "classifiers_golden.h"
#include "tune/folds.h"

/* Rows with a class each, dense and the same rows sparse. */
struct data {
	size_t n, width, n_classes;
	float *dense;
	struct sparse_row *sparse;
	size_t *classes;
};

static void data_init(struct data *d, size_t n, size_t width, size_t n_classes)
{
	*d = (struct data){ .n = n, .width = width, .n_classes = n_classes };
	d->dense = mem_zero(n * width, sizeof(*d->dense));
	d->sparse = mem_zero(n, sizeof(*d->sparse));
	d->classes = mem_zero(n, sizeof(*d->classes));
}

static void data_release(struct data *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->sparse[i].entries);
	free(d->dense);
	free(d->sparse);
	free(d->classes);
}

/* Fills the sparse rows from the dense ones. */
static void data_sparse(struct data *d)
{
	for (size_t i = 0; i < d->n; i++) {
		struct sparse_row *row = &d->sparse[i];
		const float *x = d->dense + i * d->width;

		row->entries = mem_zero(d->width, sizeof(*row->entries));
		for (size_t j = 0; j < d->width; j++)
			if (x[j] != 0.0f)
				row->entries[row->n++] = (struct sparse_entry){ (uint32_t)j, x[j] };
	}
}

/* Classes around centres of their own, every third value 0. */
static void data_random(struct data *d, size_t n, size_t width, size_t n_classes)
{
	struct rng r;

	data_init(d, n, width, n_classes);
	rng_init(&r, 11, "data");
	for (size_t i = 0; i < n; i++) {
		d->classes[i] = i % n_classes;
		for (size_t j = 0; j < width; j++) {
			double centre = j % n_classes == d->classes[i] ? 0.4 : 0.0;

			if ((i + j) % 3 != 0)
				d->dense[i * width + j] = (float)(rng_double(&r) - 0.5 + centre);
		}
	}
	data_sparse(d);
}

static struct linear_problem problem(const struct data *d, bool sparse, double c)
{
	struct linear_problem p = { .classes = d->classes, .n_classes = d->n_classes, .c = c };

	p.rows = (struct linear_rows){ .n = d->n, .width = d->width };
	if (sparse)
		p.rows.sparse = d->sparse;
	else
		p.rows.dense = d->dense;
	return p;
}

static void check_dense_case(json_t *want)
{
	json_t *rows = json_object_get(want, "rows"), *queries = json_object_get(want, "queries");
	json_t *expected = json_object_get(want, "probabilities");
	double c = json_number_value(json_object_get(want, "c"));
	struct data d;

	data_init(&d, json_array_size(rows), 6, json_array_size(json_array_get(expected, 0)));
	golden_numbers(json_object_get(want, "classes"), d.classes);
	for (size_t i = 0; i < d.n * 6; i++)
		d.dense[i] = (float)golden_cell(rows, i / 6, i % 6);
	data_sparse(&d);
	for (int sparse = 0; sparse < 2; sparse++) {
		struct linear_problem p = problem(&d, sparse, c);
		struct linear m;

		linear_init(&m, 6, d.n_classes);
		linear_fit(&m, &p, 1e-10);
		for (size_t q = 0; q < json_array_size(queries); q++) {
			float row[6];
			double got[3];
			struct linear_rows one = { .n = 1, .width = 6, .dense = row };

			for (size_t j = 0; j < 6; j++)
				row[j] = (float)golden_cell(queries, q, j);
			linear_probabilities(&m, &one, 0, got);
			for (size_t k = 0; k < d.n_classes; k++)
				assert_close("probability", got[k], golden_cell(expected, q, k), 2e-6);
		}
		linear_release(&m);
	}
	data_release(&d);
}

static void optimum_matches_reference(void **state)
{
	json_t *golden = golden_open(), *cases = json_object_get(golden, "dense");

	(void)state;
	assert_int_equal(json_array_size(cases), 4);
	for (size_t i = 0; i < json_array_size(cases); i++)
		check_dense_case(json_array_get(cases, i));
	json_decref(golden);
}

/* n and width not multiples of 4, classes neither; a subset in an order of its own. */
static const size_t some[] = { 3, 0, 7, 8, 22, 15, 4 };
static const struct {
	const char *name;
	size_t n, width, n_classes;
	bool sparse;
	const size_t *order;
	size_t n_order;
} shapes[] = {
	{ "dense", 23, 7, 3, false, NULL, 0 },
	{ "sparse", 23, 7, 3, true, NULL, 0 },
	{ "dense, some rows", 23, 7, 3, false, some, ARRAY_SIZE(some) },
	{ "sparse, some rows", 23, 7, 3, true, some, ARRAY_SIZE(some) },
	{ "two classes", 23, 5, 2, false, NULL, 0 },
	{ "many classes", 23, 8, 9, true, NULL, 0 },
};

static void gradient_matches_differences(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
		struct data d;
		struct linear m;
		struct rng r;

		data_random(&d, shapes[s].n, shapes[s].width, shapes[s].n_classes);
		struct linear_problem p = problem(&d, shapes[s].sparse, 2.0);

		p.order = shapes[s].order;
		p.n = shapes[s].n_order;
		linear_init(&m, d.width, d.n_classes);
		rng_init(&r, 5, "weights");
		for (size_t i = 0; i < (d.width + 1) * m.stride; i++)
			if (i % m.stride < d.n_classes)
				m.weights[i] = 2 * rng_double(&r) - 1;
		double *gradient = mem_zero((d.width + 1) * m.stride, sizeof(*gradient));

		linear_loss(&m, &p, gradient);
		for (size_t i = 0; i < (d.width + 1) * m.stride; i++) {
			double at = m.weights[i], step = 1e-5, up, down;

			if (i % m.stride >= d.n_classes) {
				assert_close(shapes[s].name, gradient[i], 0, 0);
				continue;
			}
			m.weights[i] = at + step;
			up = linear_loss(&m, &p, NULL);
			m.weights[i] = at - step;
			down = linear_loss(&m, &p, NULL);
			m.weights[i] = at;
			assert_close(shapes[s].name, gradient[i], (up - down) / (2 * step), 1e-7);
		}
		free(gradient);
		linear_release(&m);
		data_release(&d);
	}
}

/* From zero, or along the path of C as cross-validation walks it: one optimum. */
static void start_does_not_matter(void **state)
{
	struct data d;
	struct linear cold, warm;

	(void)state;
	data_random(&d, 40, 9, 4);
	struct linear_problem p = problem(&d, true, 0.1);

	linear_init(&cold, d.width, d.n_classes);
	linear_init(&warm, d.width, d.n_classes);
	for (; p.c < 20; p.c *= 10)
		linear_fit(&warm, &p, 1e-10);
	p.c /= 10;
	linear_fit(&cold, &p, 1e-10);
	for (size_t i = 0; i < (d.width + 1) * cold.stride; i++)
		assert_close("weight", warm.weights[i], cold.weights[i], 1e-7);
	assert_int_equal(linear_fit(&warm, &p, 1e-6), 0);
	linear_release(&cold);
	linear_release(&warm);
	data_release(&d);
}

/* Separable rows and hardly a penalty, a class without rows, rows without features: it ends, with finite weights. */
static void hard_problems_end(void **state)
{
	struct data d;
	struct linear m;
	double p[3];

	(void)state;
	data_init(&d, 12, 4, 3);
	for (size_t i = 0; i < 12; i++) {
		d.classes[i] = i % 2;
		if (i > 1)
			d.dense[i * 4 + i % 2] = 1.0f;
	}
	data_sparse(&d);
	struct linear_problem hard = problem(&d, true, 1e6);

	linear_init(&m, 4, 3);
	assert_in_range(linear_fit(&m, &hard, 1e-8), 1, 100);
	for (size_t i = 0; i < 5 * m.stride; i++)
		assert_true(isfinite(m.weights[i]));
	for (size_t i = 0; i < 12; i++) {
		linear_probabilities(&m, &hard.rows, i, p);
		assert_close("sum", p[0] + p[1] + p[2], 1, 1e-12);
		assert_true(p[2] < 1e-3);
		if (i > 1)
			assert_int_equal(argmax(p, 3), d.classes[i]);
	}
	linear_release(&m);
	data_release(&d);
}

/* Columns are shared out in stretches that do not divide them. */
static void threads_leave_no_trace(void **state)
{
	static const size_t classes[] = { 3, 37, 70 };

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(classes); c++)
		for (int sparse = 0; sparse < 2; sparse++) {
			struct linear alone, many;
			struct data d;

			data_random(&d, 150, 9, classes[c]);
			struct linear_problem p = problem(&d, sparse, 3);

			linear_init(&alone, 9, classes[c]);
			linear_fit(&alone, &p, 1e-4);
			for (int threads = 1; threads < 5; threads++) {
				p.threads = pool_open(threads);
				linear_init(&many, 9, classes[c]);
				linear_fit(&many, &p, 1e-4);
				assert_memory_equal(many.weights, alone.weights, (size_t)10 * alone.stride * sizeof(*alone.weights));
				linear_release(&many);
				pool_free(p.threads);
			}
			linear_release(&alone);
			data_release(&d);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(optimum_matches_reference), cmocka_unit_test(gradient_matches_differences),
		cmocka_unit_test(start_does_not_matter), cmocka_unit_test(hard_problems_end),
		cmocka_unit_test(threads_leave_no_trace),
	};

	return cmocka_run_group_tests_name("tune_linear", tests, NULL, NULL);
}
