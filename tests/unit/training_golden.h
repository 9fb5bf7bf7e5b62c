/* training_golden.h - gradients, losses and weights that tests/reference/training.py wrote: of each tensor its length and its sums
 * under 16 patterns of signs, which say how far another tensor is from it. */
#ifndef RUNG_TEST_TRAINING_GOLDEN_H
#define RUNG_TEST_TRAINING_GOLDEN_H

#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "train/parameters.h"

enum { SIGNS = 16, GOLDEN_LOSSES = 10 };

static inline uint64_t mix64(uint64_t z)
{
	z += 0x9E3779B97F4A7C15;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
	return z ^ (z >> 31);
}

static inline double signed_sum(const float *x, size_t n, size_t k)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += mix64(k * 1000003 + i) & 1 ? (double)x[i] : -(double)x[i];
	return sum;
}

/* Reads n numbers of the line that begins with the words; false when there is none. */
static inline bool golden_read(const char *path, const char *words, double *out, size_t n)
{
	FILE *f = fopen(path, "rb");
	size_t capacity = 0, length = strlen(words);
	char *line = NULL;
	bool found = false;

	assert_non_null(f);
	while (!found && getline(&line, &capacity, f) > 0) {
		char *at = line + length;

		if (strncmp(line, words, length) != 0 || *at != ' ')
			continue;
		found = true;
		for (size_t i = 0; i < n; i++)
			out[i] = strtod(at, &at);
	}
	free(line);
	fclose(f);
	return found;
}

/* How far x is from the tensor of that name in the file, as a share of the tensor's length, or of `least` where that is more
 * (gradients that are zero but for rounding). */
static inline double golden_error(const char *path, const char *name, const float *x, size_t n, double least)
{
	double want[1 + SIGNS], sum = 0;

	if (!golden_read(path, name, want, 1 + SIGNS))
		fail_msg("%s has no line \"%s\"", path, name);
	for (size_t k = 0; k < SIGNS; k++)
		sum += pow(signed_sum(x, n, k) - want[1 + k], 2);
	return sqrt(sum / SIGNS) / fmax(want[0], least);
}

/* The whole gradient of a parameter, rows without one zero; the caller frees it. */
static inline float *whole_gradient(const struct parameter *p)
{
	float *g = mem_zero(p->rows * p->columns, sizeof(*g));

	if (!p->by_rows)
		memcpy(g, p->gradient, p->rows * p->columns * sizeof(*g));
	for (size_t i = 0; p->by_rows && i < p->n_touched; i++)
		memcpy(g + p->touched[i] * p->columns, p->gradient + i * p->columns, p->columns * sizeof(*g));
	return g;
}

/* Compares every part of every parameter, its values or its gradient times scale, with the line "what name" of the file. Values are
 * compared where the file has them; gradients must all be there. */
static inline void golden_compare(const char *path, struct parameters *ps, const char *what, bool values, double scale, double bound)
{
	double whole = parameters_norm(ps) * scale;
	size_t compared = 0;

	for (size_t i = 0; i < ps->n; i++) {
		struct parameter *p = ps->at[i];
		float *x = values ? p->value : whole_gradient(p);
		size_t n = p->rows * p->columns / p->n_names;

		for (size_t j = 0; !values && j < p->rows * p->columns; j++)
			x[j] = (float)((double)x[j] * scale);
		for (size_t part = 0; part < p->n_names; part++) {
			char name[256];
			double sums[1];

			snprintf(name, sizeof(name), "%s %s", what, p->names[part]);
			if (values && !golden_read(path, name, sums, 1))
				continue;
			double error = golden_error(path, name, x + part * n, n, values ? 0 : 1e-3 * whole);

			compared++;
			if (!(error <= bound))
				fail_msg("%s: %.3g from the reference, more than %.3g", name, error, bound);
		}
		if (!values)
			free(x);
	}
	assert_true(compared > 3);
}

#endif
