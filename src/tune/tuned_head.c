/* tuned_head.c - read, applied, freed */
#include "tune/tuned_head.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

bool tuned_head_read(struct tuned_head *h, const struct safetensors *file, const char *name, size_t n, size_t width, const char *path,
		     struct error *err)
{
	char weight_name[64], bias_name[64];

	*h = (struct tuned_head){ .n = n, .width = width };
	if (n == 0)
		return true;
	snprintf(weight_name, sizeof(weight_name), "%s.weight", name);
	snprintf(bias_name, sizeof(bias_name), "%s.bias", name);
	const struct tensor *weight = safetensors_find(file, weight_name), *bias = safetensors_find(file, bias_name);

	if (!weight || !bias || tensor_rows(weight) != n || tensor_columns(weight) != width || tensor_columns(bias) != n)
		return error_set(err, "%s: \"%s\" must have %zu rows (labels) of %zu values, and \"%s\" %zu", path, weight_name, n, width,
				 bias_name, n);
	h->weight = mem_aligned(n * width * sizeof(float));
	h->bias = mem_aligned(n * sizeof(float));
	tensor_read(weight, 0, n, h->weight);
	tensor_read(bias, 0, 1, h->bias);
	return true;
}

void tuned_head_release(struct tuned_head *h)
{
	free(h->weight);
	free(h->bias);
	*h = (struct tuned_head){ 0 };
}

void tuned_head_apply(const struct tuned_head *h, const struct kernels *kernels, const float *row, float *out)
{
	for (size_t i = 0; i < h->n; i++)
		out[i] = h->bias[i] + kernels->dot(h->weight + i * h->width, row, h->width);
}
