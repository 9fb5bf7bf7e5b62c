/* finetune_inner.h - what finetune_encoder.c, finetune_head.c and finetune_lora.c share. Private to src/tune. */
#ifndef RUNG_TUNE_FINETUNE_INNER_H
#define RUNG_TUNE_FINETUNE_INNER_H

#include "llm/encoder.h"
#include "tune/finetune.h"

/* Runs the loop on the first n_train items of a model, and fills the outcome. bytes(): what passes of so many tokens take; the
 * most tokens, up to `usual`, whose passes stay below the memory cap are chosen. */
struct finetune_run {
	struct fit_model *model;
	size_t items, longest, usual;
	bool lora;
	size_t (*bytes)(void *self, size_t tokens, size_t longest);
	uint64_t fingerprint;
	const char *folder;
	const struct fit_progress *progress;
};
bool finetune_fit(const struct finetune_run *run, const struct finetune_settings *s, struct finetune_outcome *outcome,
		  struct error *err);

/* A head over e's rows (classes, width + 1), each with its bias last, that knows items[0 .. n - 1] by logistic regression; the caller
 * frees it. */
float *finetune_first_head(struct encoder *e, const struct finetune_texts *t, const size_t *items, size_t n);

#endif
