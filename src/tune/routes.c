/* routes.c - a head, and the known texts themselves */
#include "tune/routes.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "stats/quantile.h"
#include "tune/linear.h"

/* Kinds of text lie far apart beside what a head has to tell apart within one of them; any penalty between 1 and 100 routes alike. */
static const double penalty = 10, tolerance = 1e-4;

struct routes {
	struct linear head; /* of the kinds, and none of them */
	float *vectors;     /* (n, width) */
	size_t *kind;       /* (n) */
	double *bar;        /* (kinds) similarity below which a text is unlike */
	size_t n, width, kinds;
};

static double product(const float *a, const float *b, size_t width)
{
	double sum = 0;

	for (size_t i = 0; i < width; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

/* Into values (n, falling; room for ROUTES_NEIGHBOURS), if it is among the largest. */
static size_t keep_largest(double *values, size_t n, double x)
{
	size_t at = n;

	if (n == ROUTES_NEIGHBOURS && x <= values[n - 1])
		return n;
	if (n == ROUTES_NEIGHBOURS)
		at--;
	for (n = at + 1; at > 0 && values[at - 1] < x; at--)
		values[at] = values[at - 1];
	values[at] = x;
	return n;
}

/* To the last of the nearest ones. */
static double similarity(const struct routes *r, const float *vector, size_t kind)
{
	double nearest[ROUTES_NEIGHBOURS];
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->kind[i] == kind)
			n = keep_largest(nearest, n, product(vector, r->vectors + i * r->width, r->width));
	return n > 0 ? nearest[n - 1] : -1;
}

static void learn_head(struct routes *r)
{
	struct linear_problem p = { .rows = { .n = r->n, .width = r->width, .dense = r->vectors }, .classes = r->kind, .n_classes = r->kinds + 1,
				    .c = penalty };

	linear_init(&r->head, r->width, r->kinds + 1);
	linear_fit(&r->head, &p, tolerance);
}

static void set_bars(struct routes *r, const struct routes_texts *held, double unlike)
{
	double *values = mem_alloc((held->n + 1) * sizeof(*values));

	for (size_t k = 0; k < r->kinds; k++) {
		size_t n = 0;

		for (size_t i = 0; i < held->n; i++)
			if (held->kind[i] == k)
				values[n++] = similarity(r, held->vectors + i * r->width, k);
		r->bar[k] = quantile(values, n, unlike);
	}
	free(values);
}

struct routes *routes_learn(const struct routes_texts *known, const struct routes_texts *held, size_t width, size_t kinds, double unlike)
{
	struct routes *r = mem_zero(1, sizeof(*r));

	*r = (struct routes){ .n = known->n, .width = width, .kinds = kinds, .vectors = mem_alloc((known->n * width + 1) * sizeof(float)),
			      .kind = mem_alloc((known->n + 1) * sizeof(size_t)), .bar = mem_zero(kinds + 1, sizeof(double)) };
	memcpy(r->vectors, known->vectors, known->n * width * sizeof(float));
	memcpy(r->kind, known->kind, known->n * sizeof(size_t));
	learn_head(r);
	set_bars(r, held, unlike);
	return r;
}

void routes_free(struct routes *r)
{
	if (!r)
		return;
	linear_release(&r->head);
	free(r->vectors);
	free(r->kind);
	free(r->bar);
	free(r);
}

struct route routes_find(const struct routes *r, const float *vector, const bool *possible)
{
	const struct linear_rows row = { .n = 1, .width = r->width, .dense = vector };
	double *p = mem_alloc((r->kinds + 1) * sizeof(*p)), sum;
	struct route found = { .kind = r->kinds, .unlike = true };

	linear_probabilities(&r->head, &row, 0, p);
	sum = p[r->kinds];
	for (size_t k = 0; k < r->kinds; k++) {
		if (possible && !possible[k])
			continue;
		sum += p[k];
		if (found.kind == r->kinds || p[k] > p[found.kind])
			found.kind = k;
	}
	if (found.kind < r->kinds) {
		found.probability = p[found.kind] / sum;
		found.similarity = similarity(r, vector, found.kind);
		found.unlike = found.similarity < r->bar[found.kind] || p[found.kind] < p[r->kinds];
	}
	free(p);
	return found;
}
