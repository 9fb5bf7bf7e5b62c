/* encoder_train.h - fine-tunes a BERT encoder (llm/encoder.h) with linear heads over its pooled rows, over every row, or both: every
 * weight, or LoRA pairs on all its matrices.
 *
 * Texts stand side by side without padding, each attending to itself alone. No dropout: the same texts in the same order give the
 * same weights to the bit on one kernel set, whatever the number of threads. The loss of a text is the cross-entropy of its class,
 * times the class's weight; of several labels, the mean over classes of the binary cross-entropy; of several heads and of tags, the
 * sum over heads of their classes' cross-entropies, and tag_weight times the mean of its tokens'.
 * Devlin et al. 2018 (arXiv 1810.04805); Hu et al. 2021 (LoRA, arXiv 2106.09685); Chen, Zhuo and Wang 2019 (joint BERT,
 * arXiv 1902.10909). */
#ifndef RUNG_TRAIN_ENCODER_TRAIN_H
#define RUNG_TRAIN_ENCODER_TRAIN_H

#include "llm/encoder.h"
#include "train/parameters.h"

struct encoder_trainer;

struct encoder_training {
	size_t classes;              /* of all heads over pooled rows together; 0: there is none */
	const size_t *heads;         /* (n_heads) classes of each: a text has one of each head's; NULL: they are one head. Not with many */
	size_t n_heads;
	size_t tags;                 /* classes of a token; 0: there is no head over single rows */
	double tag_weight;           /* of the tokens' loss beside the heads' */
	bool many;                   /* several labels a text */
	const float *class_weights;  /* (classes), or NULL: all 1; not with many */
	size_t rank;                 /* of LoRA; 0: every weight moves */
	double alpha;                /* of LoRA: pairs are scaled by alpha / rank */
	double head_rate;            /* the head's share of the learning rate; 0: 1 */
	const float *head;           /* (classes, width + 1), the bias last: where the classes begin; NULL: near zero. Read by _new() alone */
	struct adamw_options adamw;
	uint64_t seed;               /* of LoRA's first values, and of the head's without `head` */
};

struct training_text {
	const int32_t *ids; /* (n) with [CLS] and [SEP] */
	size_t n;
	size_t label;            /* not many, one head */
	const uint8_t *labels;   /* (classes) 0 or 1; many */
	const size_t *choices;   /* (n_heads) with heads */
	const int32_t *tags;     /* (n) with tags; below 0: this token has no loss */
};

/* Reads the weights of e, which is borrowed and not changed; its kernels and threads are used. Copies the options. */
struct encoder_trainer *encoder_trainer_new(const struct encoder *e, const struct encoder_training *options);
void encoder_trainer_free(struct encoder_trainer *t);
struct parameters *encoder_trainer_parameters(struct encoder_trainer *t);
/* Bytes that it takes with passes of that many tokens, the longest text of `longest`: what a memory cap is compared with. */
size_t encoder_trainer_bytes(const struct encoder_trainer *t, size_t tokens, size_t longest);

/* Tokens of the largest pass so far, those of scores among them: what it has laid its memory out for. */
size_t encoder_trainer_rows(const struct encoder_trainer *t);

/* Forward and backward through n texts: adds to the gradients (`first` of a step: begins them). Returns the sum of weighted losses;
 * *weight gets the sum of weights. */
double encoder_trainer_pass(struct encoder_trainer *t, const struct training_text *const *texts, size_t n, bool first,
			    double *weight);
/* The heads' outputs with the weights as they are: out (n, classes), and tags (tokens of all texts, tags). NULL: not wanted. */
void encoder_trainer_scores(struct encoder_trainer *t, const struct training_text *const *texts, size_t n, float *out, float *tags);

/* Writes the folder: e's configuration and tokenizer, model.safetensors (f32, LoRA merged), and head.safetensors
 * (classifier.weight, classifier.bias: the rows of all heads; token_classifier.weight, token_classifier.bias). encoder_open() and
 * transformers read it. */
bool encoder_trainer_save(struct encoder_trainer *t, const char *folder, struct error *err);

#endif
