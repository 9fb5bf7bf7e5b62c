/* linear.c - truncated Newton: conjugate gradients find the step, a backtracking search its length.
 *
 * Newton rather than L-BFGS because one Hessian product costs no more than a gradient here, memory stays at six
 * vectors of the weights' size whatever the number of steps, and the end is quadratic: a tight optimum is cheap.
 * Source: Nocedal & Wright, Numerical Optimization (2006), algorithm 7.1; Lin, Weng & Keerthi, JMLR 9 (2008). */
#include "tune/linear.h"

#include <math.h>

#include "base/arena.h"

enum { LANES = 4, LEAST_COLUMNS = 16, MOST_STEPS = 100, MOST_CG = 300, MOST_HALVINGS = 30 };

/* One fit: everything is (size) = (width + 1) * stride, or (n, stride) beside the rows. */
struct newton {
	const struct linear_problem *p;
	struct linear *m;
	size_t n, size;
	double penalty; /* 1 / C, doubled for two classes */
	double *gradient, *step, *residual, *direction, *product;
	double *scores, *moved; /* (n, stride) X W and X times the step */
	double *probabilities, *rows; /* (n, stride) softmax of the scores; scratch */
};

/* y += s * x. The inner loop has a constant count, which the compiler turns into vector instructions at -O2. */
static void add_scaled(double *restrict y, double s, const double *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i += LANES)
		for (size_t j = 0; j < LANES; j++)
			y[i + j] += s * x[i + j];
}

/* y += the four rows from `rows`, stride apart, each times its own scale: y is read and written once for four multiplications. */
static void add_four(double *restrict y, const double scales[4], const double *restrict rows, size_t stride, size_t n)
{
	double s0 = scales[0], s1 = scales[1], s2 = scales[2], s3 = scales[3];

	for (size_t i = 0; i < n; i += LANES)
		for (size_t j = i; j < i + LANES; j++)
			y[j] += (s0 * rows[j] + s1 * rows[stride + j]) + (s2 * rows[2 * stride + j] + s3 * rows[3 * stride + j]);
}

static double dot(const double *a, const double *b, size_t n)
{
	double sum[LANES] = { 0 };

	for (size_t i = 0; i < n; i += LANES)
		for (size_t j = 0; j < LANES; j++)
			sum[j] += a[i + j] * b[i + j];
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static size_t problem_rows(const struct linear_problem *p)
{
	return p->order ? p->n : p->rows.n;
}

static size_t row_at(const struct linear_problem *p, size_t i)
{
	return p->order ? p->order[i] : i;
}

static double problem_penalty(const struct linear_problem *p)
{
	return (p->n_classes == 2 ? 2.0 : 1.0) / p->c;
}

/* Some neighbouring columns of W and of all that has its rows: what the products below work on. */
struct columns {
	size_t first, n, stride; /* n: a multiple of LANES */
};

static void sparse_forward(struct sparse_row row, const double *w, const struct columns *c, double *out)
{
	for (size_t j = 0; j < row.n; j++)
		add_scaled(out, (double)row.entries[j].weight, w + row.entries[j].term * c->stride, c->n);
}

static void dense_forward(const float *x, size_t width, const double *w, const struct columns *c, double *out)
{
	size_t j = 0;

	for (; j + 4 <= width; j += 4) {
		double four[4] = { (double)x[j], (double)x[j + 1], (double)x[j + 2], (double)x[j + 3] };

		add_four(out, four, w + j * c->stride, c->stride, c->n);
	}
	for (; j < width; j++)
		add_scaled(out, (double)x[j], w + j * c->stride, c->n);
}

/* out (stride) = row i times w (width + 1, stride), intercepts included. */
static void row_forward(const struct linear_rows *rows, size_t i, const double *w, const struct columns *c, double *out)
{
	w += c->first;
	out += c->first;
	memcpy(out, w + rows->width * c->stride, c->n * sizeof(*out));
	if (rows->sparse)
		sparse_forward(rows->sparse[i], w, c, out);
	else
		dense_forward(rows->dense + i * rows->width, rows->width, w, c, out);
}

static void forward_columns(const struct linear_problem *p, const double *w, const struct columns *c, double *out)
{
	for (size_t i = 0; i < problem_rows(p); i++)
		row_forward(&p->rows, row_at(p, i), w, c, out + i * c->stride);
}

/* out += x^T r for one sparse row x and r (stride). */
static void sparse_backward(struct sparse_row row, const double *r, const struct columns *c, double *out)
{
	for (size_t j = 0; j < row.n; j++)
		add_scaled(out + row.entries[j].term * c->stride, (double)row.entries[j].weight, r, c->n);
}

/* out += X^T r for `count` <= 4 dense rows from number i on; r (count, stride). */
static void dense_backward(const struct linear_problem *p, size_t i, size_t count, const double *r, const struct columns *c, double *out)
{
	size_t width = p->rows.width;
	const float *x[4] = { 0 };

	for (size_t q = 0; q < count; q++)
		x[q] = p->rows.dense + row_at(p, i + q) * width;
	for (size_t j = 0; j < width; j++) {
		if (count == 4) {
			double four[4] = { (double)x[0][j], (double)x[1][j], (double)x[2][j], (double)x[3][j] };

			add_four(out + j * c->stride, four, r, c->stride, c->n);
			continue;
		}
		for (size_t q = 0; q < count; q++)
			add_scaled(out + j * c->stride, (double)x[q][j], r + q * c->stride, c->n);
	}
}

/* out += X^T r */
static void backward_columns(const struct linear_problem *p, const double *r, const struct columns *c, double *out)
{
	size_t n = problem_rows(p);

	r += c->first;
	out += c->first;
	for (size_t i = 0; i < n; i++, r += c->stride) {
		add_scaled(out + p->rows.width * c->stride, 1.0, r, c->n);
		if (p->rows.sparse)
			sparse_backward(p->rows.sparse[row_at(p, i)], r, c, out);
		else if (i % 4 == 0)
			dense_backward(p, i, n - i < 4 ? n - i : 4, r, c, out);
	}
}

/* A product whose columns the threads share out: each element is summed by one of them, in the order of one alone. */
struct shared {
	void (*columns)(const struct linear_problem *p, const double *in, const struct columns *c, double *out);
	const struct linear_problem *p;
	const double *in;
	double *out;
	size_t stride, tile; /* columns of a tile */
};

static void shared_tile(void *context, size_t tile, int worker)
{
	const struct shared *s = context;
	size_t first = tile * s->tile, left = s->stride - first;
	struct columns c = { first, left < s->tile ? left : s->tile, s->stride };

	(void)worker;
	s->columns(s->p, s->in, &c, s->out);
}

static void share(struct shared s)
{
	size_t threads = s.p->threads ? (size_t)pool_threads(s.p->threads) : 1, least = threads > 1 ? LEAST_COLUMNS : s.stride;
	size_t tile = (s.stride + 2 * threads - 1) / (2 * threads); /* two a thread: one that has to wait holds up less */

	tile = tile > least ? (tile + LANES - 1) / LANES * LANES : least;
	if (tile < s.stride) {
		s.tile = tile;
		pool_run(s.p->threads, (s.stride + tile - 1) / tile, shared_tile, &s);
	} else {
		s.tile = s.stride;
		shared_tile(&s, 0, 0);
	}
}

/* out = X w */
static void forward(const struct linear_problem *p, const double *w, size_t stride, double *out)
{
	share((struct shared){ .columns = forward_columns, .p = p, .in = w, .out = out, .stride = stride });
}

/* out = X^T r + penalty * w, the intercepts without penalty. */
static void backward(const struct linear_problem *p, const double *r, const double *w, size_t stride, double *out)
{
	size_t weights = p->rows.width * stride;

	memset(out, 0, (weights + stride) * sizeof(*out));
	add_scaled(out, problem_penalty(p), w, weights);
	share((struct shared){ .columns = backward_columns, .p = p, .in = r, .out = out, .stride = stride });
}

/* In place on n scores; returns ln(sum(exp(score))). */
static double softmax(double *x, size_t n)
{
	double top = x[0], sum = 0;

	for (size_t i = 1; i < n; i++)
		top = fmax(top, x[i]);
	for (size_t i = 0; i < n; i++) {
		x[i] = exp(x[i] - top);
		sum += x[i];
	}
	for (size_t i = 0; i < n; i++)
		x[i] /= sum;
	return top + log(sum);
}

/* Log losses of scores (n, stride), which become probabilities. */
static double losses(const struct linear_problem *p, double *scores, size_t stride)
{
	double sum = 0;

	for (size_t i = 0; i < problem_rows(p); i++) {
		double *row = scores + i * stride;
		double truth = row[p->classes[row_at(p, i)]];

		sum += softmax(row, p->n_classes) - truth;
	}
	return sum;
}

/* The gradient at w from the probabilities there. */
static void gradient_at(const struct linear_problem *p, const double *probabilities, const double *w, size_t stride,
			double *scratch, double *gradient)
{
	memcpy(scratch, probabilities, problem_rows(p) * stride * sizeof(*scratch));
	for (size_t i = 0; i < problem_rows(p); i++)
		scratch[i * stride + p->classes[row_at(p, i)]] -= 1.0;
	backward(p, scratch, w, stride, gradient);
}

double linear_loss(const struct linear *m, const struct linear_problem *p, double *gradient)
{
	size_t cells = problem_rows(p) * m->stride;
	double *scores = mem_zero(cells * 2, sizeof(*scores));
	double squares = dot(m->weights, m->weights, m->width * m->stride);
	double loss;

	forward(p, m->weights, m->stride, scores);
	loss = losses(p, scores, m->stride) + 0.5 * problem_penalty(p) * squares;
	if (gradient)
		gradient_at(p, scores, m->weights, m->stride, scores + cells, gradient);
	free(scores);
	return loss;
}

/* out = H v with H = X^T (diag(p) - p p^T) X + penalty. */
static void hessian_product(struct newton *s, const double *v, double *out)
{
	size_t stride = s->m->stride;

	forward(s->p, v, stride, s->rows);
	for (size_t i = 0; i < s->n; i++) {
		const double *q = s->probabilities + i * stride;
		double *z = s->rows + i * stride;
		double mean = dot(q, z, stride);

		for (size_t k = 0; k < stride; k++)
			z[k] = q[k] * (z[k] - mean);
	}
	backward(s->p, s->rows, v, stride, out);
}

/* Solves H step = -gradient as far as is useful: far from the optimum a rough step is as good as an exact one. */
static void newton_step(struct newton *s, double gradient_length, double first_length)
{
	double enough = gradient_length * fmin(0.5, sqrt(gradient_length / first_length));
	double rr = gradient_length * gradient_length;

	memset(s->step, 0, s->size * sizeof(*s->step));
	for (size_t i = 0; i < s->size; i++)
		s->residual[i] = s->direction[i] = -s->gradient[i];
	for (size_t i = 0; i < MOST_CG && sqrt(rr) > enough; i++) {
		hessian_product(s, s->direction, s->product);
		double curvature = dot(s->direction, s->product, s->size);
		double squares = dot(s->direction, s->direction, s->size);

		/* Flat: the free intercept of a class without items. The gradient itself is then step enough. */
		if (curvature <= 1e-12 * squares)
			break;
		double length = rr / curvature, before = rr;

		add_scaled(s->step, length, s->direction, s->size);
		add_scaled(s->residual, -length, s->product, s->size);
		rr = dot(s->residual, s->residual, s->size);
		for (size_t j = 0; j < s->size; j++)
			s->direction[j] = s->residual[j] + rr / before * s->direction[j];
	}
	if (dot(s->step, s->step, s->size) <= 0)
		memcpy(s->step, s->direction, s->size * sizeof(*s->step));
}

/* The objective after t times the step; leaves the probabilities there. */
static double loss_after(struct newton *s, double t)
{
	size_t weights = s->m->width * s->m->stride, cells = s->n * s->m->stride;
	double squares = dot(s->m->weights, s->m->weights, weights) + 2 * t * dot(s->m->weights, s->step, weights) +
			 t * t * dot(s->step, s->step, weights);

	memcpy(s->probabilities, s->scores, cells * sizeof(*s->probabilities));
	add_scaled(s->probabilities, t, s->moved, cells);
	return losses(s->p, s->probabilities, s->m->stride) + 0.5 * s->penalty * squares;
}

/* Halves the step until the loss falls enough (Armijo), then takes it. False when rounding leaves nothing to gain. */
static bool newton_move(struct newton *s, double *loss)
{
	double slope = dot(s->gradient, s->step, s->size), t = 1.0;

	forward(s->p, s->step, s->m->stride, s->moved);
	for (size_t i = 0; i < MOST_HALVINGS; i++, t *= 0.5) {
		double next = loss_after(s, t);

		if (next > *loss + 1e-4 * t * slope)
			continue;
		add_scaled(s->m->weights, t, s->step, s->size);
		add_scaled(s->scores, t, s->moved, s->n * s->m->stride);
		*loss = next;
		return true;
	}
	return false;
}

static void newton_init(struct newton *s, struct linear *m, const struct linear_problem *p)
{
	size_t n = problem_rows(p), size = (m->width + 1) * m->stride, cells = n * m->stride;
	double *block = mem_zero(5 * size + 4 * cells, sizeof(*block));

	*s = (struct newton){ .p = p, .m = m, .n = n, .size = size, .penalty = problem_penalty(p), .gradient = block };
	s->step = s->gradient + size;
	s->residual = s->step + size;
	s->direction = s->residual + size;
	s->product = s->direction + size;
	s->scores = s->product + size;
	s->moved = s->scores + cells;
	s->probabilities = s->moved + cells;
	s->rows = s->probabilities + cells;
}

/* Length of the gradient at zero weights, the scale that the tolerance refers to. */
static double length_at_zero(struct newton *s)
{
	struct linear zero = { s->m->width, s->m->n_classes, s->m->stride, s->step }; /* the step is still all 0 */

	linear_loss(&zero, s->p, s->gradient);
	return sqrt(dot(s->gradient, s->gradient, s->size));
}

size_t linear_fit(struct linear *m, const struct linear_problem *p, double tolerance)
{
	struct newton s;
	size_t steps = 0;
	double first, loss;

	newton_init(&s, m, p);
	first = length_at_zero(&s);
	forward(p, m->weights, m->stride, s.scores);
	loss = loss_after(&s, 0);
	for (; steps < MOST_STEPS; steps++) {
		gradient_at(p, s.probabilities, m->weights, m->stride, s.rows, s.gradient);
		double length = sqrt(dot(s.gradient, s.gradient, s.size));

		if (length <= tolerance * first)
			break;
		newton_step(&s, length, fmax(first, length));
		if (!newton_move(&s, &loss))
			break;
	}
	free(s.gradient);
	return steps;
}

void linear_init(struct linear *m, size_t width, size_t n_classes)
{
	size_t stride = (n_classes + LANES - 1) / LANES * LANES;

	*m = (struct linear){ .width = width, .n_classes = n_classes, .stride = stride };
	m->weights = mem_zero((width + 1) * stride, sizeof(*m->weights));
}

void linear_release(struct linear *m)
{
	free(m->weights);
	*m = (struct linear){ 0 };
}

void linear_probabilities(const struct linear *m, const struct linear_rows *rows, size_t i, double *out)
{
	double *scores = mem_zero(m->stride, sizeof(*scores));

	row_forward(rows, i, m->weights, &(struct columns){ 0, m->stride, m->stride }, scores);
	softmax(scores, m->n_classes);
	memcpy(out, scores, m->n_classes * sizeof(*out));
	free(scores);
}
