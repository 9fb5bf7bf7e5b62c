/* decoder_train.h - LoRA on a decoder (llm/decoder.h): a pair of low-rank matrices beside each of its seven linear layers; the base
 * stays as the file has it, quantised, and is unpacked one matrix at a time.
 *
 * The loss is the cross-entropy of completion tokens alone. Sequences of a pass stand side by side without padding; the tokens
 * that all of them begin with are computed once and seen by all. Hu et al. 2021 (arXiv 2106.09685). */
#ifndef RUNG_TRAIN_DECODER_TRAIN_H
#define RUNG_TRAIN_DECODER_TRAIN_H

#include "llm/decoder.h"
#include "train/parameters.h"

struct decoder_trainer;

struct decoder_training {
	size_t rank;
	double alpha; /* pairs are scaled by alpha / rank */
	struct adamw_options adamw;
	uint64_t seed; /* of the first values of A; B begins at zero */
};

struct training_sequence {
	const int32_t *ids; /* (n) prompt, then completion */
	size_t n, n_prompt; /* 1 <= n_prompt < n */
};

/* d: decoder_open_unpacked(); borrowed, its kernels and threads are used. */
struct decoder_trainer *decoder_trainer_new(const struct decoder *d, const struct decoder_training *options);
void decoder_trainer_free(struct decoder_trainer *t);
struct parameters *decoder_trainer_parameters(struct decoder_trainer *t);
/* Tokens that a pass through these computes: what all begin with once. n > 0. */
size_t decoder_trainer_rows(const struct training_sequence *const *sequences, size_t n);
/* Bytes that it takes with passes that compute so many tokens of so many sequences, the longest of `longest`: what a memory cap is
 * compared with. */
size_t decoder_trainer_bytes(const struct decoder_trainer *t, size_t tokens, size_t longest, size_t sequences);

/* Forward and backward: adds to the gradients (`first` of a step: begins them). Returns the sum of the losses of completion
 * tokens; *weight gets their number. */
double decoder_trainer_pass(struct decoder_trainer *t, const struct training_sequence *const *sequences, size_t n, bool first,
			    double *weight);
/* The loss alone. */
double decoder_trainer_loss(struct decoder_trainer *t, const struct training_sequence *const *sequences, size_t n, double *weight);

/* Writes the pairs as a GGUF adapter, as llama.cpp and adapter_open() read it. */
bool decoder_trainer_save(struct decoder_trainer *t, const char *path, struct error *err);

#endif
