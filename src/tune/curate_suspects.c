/* curate_suspects.c - confident learning: labels that a model which has not seen them does not believe. */
#include "base/arena.h"
#include "tune/curate_inner.h"
#include "tune/folds.h"
#include "tune/linear.h"

/* Between what pools of hundreds and of ten thousands choose (head.c); rougher than a head that answers, since the thresholds are
 * means of the same probabilities. banking77: .89 right out of fold in half the time that .906 takes. */
static const double dense_c = 3, sparse_c = 10;
static const double enough = 0.25; /* of the gradient's length */

void suspects_find(const double *p, const size_t *classes, size_t n, size_t n_classes, size_t *suggested, double *margins)
{
	double *confidence = mem_zero(n_classes, sizeof(*confidence)); /* mean of a class's probability over its items */
	size_t *counts = mem_zero(n_classes, sizeof(*counts));

	for (size_t i = 0; i < n; i++) {
		confidence[classes[i]] += p[i * n_classes + classes[i]];
		counts[classes[i]]++;
	}
	for (size_t k = 0; k < n_classes; k++)
		confidence[k] /= counts[k] ? (double)counts[k] : 1;
	for (size_t i = 0; i < n; i++) {
		const double *row = p + i * n_classes;
		size_t given = classes[i];

		suggested[i] = SIZE_MAX;
		margins[i] = 0;
		if (counts[given] < SUSPECT_ITEMS || row[given] >= confidence[given])
			continue;
		for (size_t k = 0; k < n_classes; k++)
			if (counts[k] >= SUSPECT_ITEMS && row[k] >= confidence[k] && row[k] - row[given] > margins[i]) {
				suggested[i] = k;
				margins[i] = row[k] - row[given];
			}
	}
	free(confidence);
	free(counts);
}

struct crossing {
	struct linear_problem problem;
	struct folds folds;
	double *p;
};

/* One fold: trained on the others, asked about its own. */
static void cross_fold(void *context, size_t fold, int worker)
{
	struct crossing *c = context;
	struct linear_problem problem = c->problem;
	size_t n = c->folds.n_items, n_held;
	size_t *train = mem_zero(n, sizeof(*train)), *held = mem_zero(n, sizeof(*held));
	struct linear m;

	(void)worker;
	folds_split(&c->folds, fold, train, &problem.n, held, &n_held);
	problem.order = train;
	linear_init(&m, problem.rows.width, problem.n_classes);
	linear_fit(&m, &problem, enough);
	for (size_t i = 0; i < n_held; i++)
		linear_probabilities(&m, &problem.rows, held[i], c->p + held[i] * problem.n_classes);
	linear_release(&m);
	free(train);
	free(held);
}

bool suspects_cross(const struct near_space *space, const size_t *at, const size_t *classes, const size_t *groups, size_t n,
		    size_t n_classes, uint64_t seed, struct pool *pool, double *p)
{
	struct crossing c = { .p = p, .problem = { .classes = classes, .n_classes = n_classes, .c = space->vectors ? dense_c : sparse_c } };
	float *dense = space->vectors ? mem_zero(n * space->width, sizeof(*dense)) : NULL;
	struct sparse_row *sparse = space->vectors ? NULL : mem_zero(n, sizeof(*sparse));
	bool divided;

	for (size_t i = 0; i < n && dense; i++)
		memcpy(dense + i * space->width, space->vectors + at[i] * space->width, space->width * sizeof(*dense));
	for (size_t i = 0; i < n && sparse; i++)
		sparse[i] = space->rows[at[i]];
	c.problem.rows = (struct linear_rows){ .n = n, .width = dense ? space->width : space->n_terms, .dense = dense, .sparse = sparse };
	folds_init_all(&c.folds, classes, groups, n, n_classes, seed);
	divided = c.folds.n > 0;
	if (divided)
		pool_run(pool, c.folds.n, cross_fold, &c);
	folds_release(&c.folds);
	free(dense);
	free(sparse);
	return divided;
}
