/* finetune_inner.h - what finetune_encoder.c and finetune_lora.c share. Private to src/tune. */
#ifndef RUNG_TUNE_FINETUNE_INNER_H
#define RUNG_TUNE_FINETUNE_INNER_H

#include "tune/finetune.h"

/* Examples in two parts: to learn from, and held out. */
struct held_out {
	size_t *train, n_train, *held, n_held;
};
/* Whole groups, drawn by seed; nothing is held out of fewer than HELD_OUT_FEWEST examples. */
enum { HELD_OUT_FEWEST = 40 };
void held_out_init(struct held_out *h, const size_t *groups, size_t n, double share, uint64_t seed);
void held_out_release(struct held_out *h);

/* The epochs that so many examples take, where the settings leave it open. */
size_t finetune_epochs(const struct finetune_settings *s, size_t items, bool lora);

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

#endif
