/* tuned_head.h - a linear head over an encoder's rows, as a version's head.safetensors has it. Private to src/tune. */
#ifndef RUNG_TUNE_TUNED_HEAD_H
#define RUNG_TUNE_TUNED_HEAD_H

#include "llm/kernels.h"
#include "llm/safetensors.h"

struct tuned_head {
	float *weight, *bias; /* (n, width), (n) */
	size_t n, width;
};

/* Reads NAME.weight and NAME.bias of the file at path; with n = 0 nothing. What it had is not freed. */
bool tuned_head_read(struct tuned_head *h, const struct safetensors *file, const char *name, size_t n, size_t width, const char *path,
		     struct error *err);
void tuned_head_release(struct tuned_head *h);
/* out (n) of one row (width). */
void tuned_head_apply(const struct tuned_head *h, const struct kernels *kernels, const float *row, float *out);

#endif
