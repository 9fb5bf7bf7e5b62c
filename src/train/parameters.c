/* parameters.c - AdamW in tiles. Sums over all gradients are taken tile by tile and added in order, so that a step is the same to
 * the bit on any number of threads. */
#include "train/parameters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/floats.h"

enum {
	TILE = 1 << 14,   /* values */
	ROWS_TILE = 16,
	ROOM = 256,       /* rows of gradients at first */
};

const struct adamw_options adamw_defaults = { .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.01, .clip = 1.0 };

void parameters_init(struct parameters *p, const struct kernels *kernels, struct pool *pool, const struct adamw_options *options)
{
	*p = (struct parameters){ .kernels = kernels, .pool = pool, .options = *options };
	arena_init(&p->arena);
}

void parameters_release(struct parameters *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->at[i]->value);
		free(p->at[i]->gradient);
		free(p->at[i]->touched);
	}
	free(p->at);
	free(p->rates);
	arena_release(&p->arena);
	*p = (struct parameters){ 0 };
}

size_t parameters_bytes(const struct parameters *ps)
{
	size_t bytes = 0;

	for (size_t i = 0; i < ps->n; i++) {
		const struct parameter *p = ps->at[i];

		bytes += 3 * floats_padded(p->rows * p->columns) * sizeof(float) +
			 (p->by_rows ? p->room : p->rows) * p->columns * sizeof(float);
	}
	return bytes;
}

struct parameter *parameters_add(struct parameters *ps, const char *const *names, size_t n_names, size_t rows, size_t columns,
				 bool by_rows)
{
	struct parameter *p = arena_alloc(&ps->arena, sizeof(*p));
	size_t n = floats_padded(rows * columns);

	*p = (struct parameter){ .n_names = n_names, .rows = rows, .columns = columns, .decays = rows > 1, .by_rows = by_rows,
				 .rate_scale = 1 };
	for (size_t i = 0; i < n_names; i++)
		p->names[i] = arena_string(&ps->arena, names[i]);
	p->value = mem_aligned(3 * n * sizeof(float));
	memset(p->value, 0, 3 * n * sizeof(float));
	p->m = p->value + n;
	p->v = p->m + n;
	if (by_rows) {
		p->slot = arena_array(&ps->arena, rows, sizeof(*p->slot));
		p->moved = arena_array(&ps->arena, rows, sizeof(*p->moved));
	} else {
		p->gradient = mem_aligned(n * sizeof(float));
		memset(p->gradient, 0, n * sizeof(float));
	}
	if (ps->n == ps->room) {
		ps->room = 2 * ps->room + 16;
		ps->at = mem_resize(ps->at, ps->room, sizeof(*ps->at));
	}
	ps->at[ps->n++] = p;
	return p;
}

float *parameter_row_gradient(struct parameter *p, size_t row)
{
	if (p->slot[row] == 0) {
		if (p->n_touched == p->room) {
			float *old = p->gradient;

			p->room = p->room ? 2 * p->room : ROOM;
			p->gradient = mem_aligned(p->room * p->columns * sizeof(float));
			if (old)
				memcpy(p->gradient, old, p->n_touched * p->columns * sizeof(float));
			free(old);
			p->touched = mem_resize(p->touched, p->room, sizeof(*p->touched));
		}
		memset(p->gradient + p->n_touched * p->columns, 0, p->columns * sizeof(float));
		p->touched[p->n_touched++] = (uint32_t)row;
		p->slot[row] = (uint32_t)p->n_touched;
	}
	return p->gradient + (p->slot[row] - 1) * p->columns;
}

/* The coefficients of step t, from 1. */
static struct adamw_step step_of(const struct parameters *ps, const struct parameter *p, size_t t, double scale)
{
	const struct adamw_options *o = &ps->options;
	double rate = ps->rates[t - 1] * (double)p->rate_scale;

	return (struct adamw_step){
		.rate = (float)(rate / (1 - pow(o->beta1, (double)t))),
		.decay = (float)(1 - (p->decays ? rate * o->weight_decay : 0)),
		.inverse_root = (float)(1 / sqrt(1 - pow(o->beta2, (double)t))),
		.beta1 = (float)o->beta1, .beta2 = (float)o->beta2, .epsilon = (float)o->epsilon,
		.scale = (float)scale,
	};
}

struct catching {
	const struct parameters *ps;
	struct parameter *p;
	const struct adamw_step *steps; /* (n_steps) */
	const uint32_t *rows;           /* NULL: all */
	size_t n;
};

static void catch_up_tile(void *context, size_t tile, int worker)
{
	const struct catching *c = context;
	struct parameter *p = c->p;
	size_t end = (tile + 1) * ROWS_TILE < c->n ? (tile + 1) * ROWS_TILE : c->n;

	(void)worker;
	for (size_t i = tile * ROWS_TILE; i < end; i++) {
		size_t row = c->rows ? c->rows[i] : i, at = row * p->columns;

		for (; p->moved[row] < c->ps->n_steps; p->moved[row]++)
			c->ps->kernels->adamw(&c->steps[p->moved[row]], p->value + at, p->m + at, p->v + at, NULL, p->columns);
	}
}

void parameter_catch_up(struct parameters *ps, struct parameter *p, const uint32_t *rows, size_t n)
{
	struct adamw_step *steps = mem_zero(ps->n_steps + 1, sizeof(*steps));
	struct catching c = { ps, p, steps, rows, n };

	for (size_t t = 0; t < ps->n_steps; t++)
		steps[t] = step_of(ps, p, t + 1, 1);
	pool_run(ps->pool, (n + ROWS_TILE - 1) / ROWS_TILE, catch_up_tile, &c);
	free(steps);
}

void parameters_catch_up(struct parameters *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		if (ps->at[i]->by_rows)
			parameter_catch_up(ps, ps->at[i], NULL, ps->at[i]->rows);
}

/* Values of a parameter that have a gradient. */
static size_t gradients_of(const struct parameter *p)
{
	return (p->by_rows ? p->n_touched : p->rows) * p->columns;
}

/* Tiles over all parameters: which one a tile belongs to. */
struct tiles {
	const struct parameters *ps;
	size_t *first; /* (n + 1) tiles before parameter i */
	double *sums;  /* (first[n]) */
	struct adamw_step *steps; /* (n) */
};

static size_t owner(const struct tiles *t, size_t tile)
{
	size_t i = 0;

	while (t->first[i + 1] <= tile)
		i++;
	return i;
}

static struct tiles tiles_of(const struct parameters *ps)
{
	struct tiles t = { .ps = ps, .first = mem_zero(ps->n + 1, sizeof(*t.first)) };

	for (size_t i = 0; i < ps->n; i++)
		t.first[i + 1] = t.first[i] + (gradients_of(ps->at[i]) + TILE - 1) / TILE;
	t.sums = mem_zero(t.first[ps->n] + 1, sizeof(*t.sums));
	t.steps = mem_zero(ps->n + 1, sizeof(*t.steps));
	return t;
}

static void tiles_release(struct tiles *t)
{
	free(t->first);
	free(t->sums);
	free(t->steps);
}

static void norm_tile(void *context, size_t tile, int worker)
{
	const struct tiles *t = context;
	size_t i = owner(t, tile), from = (tile - t->first[i]) * TILE;
	const struct parameter *p = t->ps->at[i];
	size_t n = gradients_of(p) - from < TILE ? gradients_of(p) - from : TILE;

	(void)worker;
	t->sums[tile] = (double)t->ps->kernels->dot(p->gradient + from, p->gradient + from, n);
}

double parameters_norm(const struct parameters *ps)
{
	struct tiles t = tiles_of(ps);
	size_t n = t.first[ps->n];
	double sum = 0;

	pool_run(ps->pool, n, norm_tile, &t);
	for (size_t i = 0; i < n; i++)
		sum += t.sums[i];
	tiles_release(&t);
	return sqrt(sum);
}

static void step_tile(void *context, size_t tile, int worker)
{
	const struct tiles *t = context;
	size_t i = owner(t, tile), from = (tile - t->first[i]) * TILE, end = from + TILE;
	struct parameter *p = t->ps->at[i];
	const struct kernels *kernels = t->ps->kernels;

	(void)worker;
	end = end < gradients_of(p) ? end : gradients_of(p);
	while (from < end) {
		/* A row of its own where gradients are of rows; a tile may begin and end inside of one. */
		size_t column = p->by_rows ? from % p->columns : 0, n = p->by_rows ? p->columns - column : end - from;
		size_t at = p->by_rows ? p->touched[from / p->columns] * p->columns + column : from;

		n = n < end - from ? n : end - from;
		kernels->adamw(&t->steps[i], p->value + at, p->m + at, p->v + at, p->gradient + from, n);
		from += n;
	}
}

static void forget_rows(struct parameter *p, size_t steps)
{
	for (size_t i = 0; i < p->n_touched; i++) {
		p->slot[p->touched[i]] = 0;
		p->moved[p->touched[i]] = (uint32_t)steps;
	}
	p->n_touched = 0;
}

static void remember_rate(struct parameters *ps, double rate)
{
	if (ps->n_steps == ps->rates_room) {
		ps->rates_room = 2 * ps->rates_room + 64;
		ps->rates = mem_resize(ps->rates, ps->rates_room, sizeof(*ps->rates));
	}
	ps->rates[ps->n_steps++] = rate;
}

double parameters_step(struct parameters *ps, double rate, double scale)
{
	double norm = parameters_norm(ps) * scale;

	if (!isfinite(norm))
		return norm;
	for (size_t i = 0; i < ps->n; i++) /* rows that are moved must have made all steps before */
		if (ps->at[i]->by_rows)
			parameter_catch_up(ps, ps->at[i], ps->at[i]->touched, ps->at[i]->n_touched);
	if (ps->options.clip > 0 && norm > ps->options.clip)
		scale *= ps->options.clip / (norm + 1e-6); /* as torch.nn.utils.clip_grad_norm_ */
	remember_rate(ps, rate);
	struct tiles t = tiles_of(ps);

	for (size_t i = 0; i < ps->n; i++)
		t.steps[i] = step_of(ps, ps->at[i], ps->n_steps, scale);
	pool_run(ps->pool, t.first[ps->n], step_tile, &t);
	tiles_release(&t);
	for (size_t i = 0; i < ps->n; i++)
		if (ps->at[i]->by_rows)
			forget_rows(ps->at[i], ps->n_steps);
	return norm;
}
