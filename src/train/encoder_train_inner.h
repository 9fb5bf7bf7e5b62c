/* encoder_train_inner.h - what encoder_setup.c (weights in and out), encoder_train.c (the layers), encoder_head.c and
 * encoder_lora.c share. */
#ifndef RUNG_TRAIN_ENCODER_TRAIN_INNER_H
#define RUNG_TRAIN_ENCODER_TRAIN_INNER_H

#include "llm/encoder_inner.h"
#include "train/attend.h"
#include "train/encoder_train.h"
#include "train/product.h"

enum { PAIRS = 3 }; /* of one matrix: queries, keys and values are one, and are adapted each */

/* A LoRA pair for rows first .. first + n - 1 of a matrix (rows, k). */
struct pair {
	struct parameter *a; /* (rank, k) */
	struct parameter *b; /* (n, rank) */
	size_t first, n;
};

struct linear {
	struct parameter *weight; /* (n, k) */
	struct parameter *bias;   /* (n) */
	struct pair pairs[PAIRS]; /* (n_pairs) */
	size_t n_pairs;
	float *merged;            /* (n, k) weight + scale B A; NULL without pairs */
};

struct layer_parameters {
	struct linear qkv, output, up, down;
	struct parameter *attention_norm[2], *ffn_norm[2]; /* weight, bias */
};

/* What a layer leaves for its backward pass, one row a token. */
struct layer_state {
	float *x;     /* (rows, width) */
	float *qkv;   /* (rows, 3 width) */
	float *mixed; /* (rows, width) attention's output */
	float *z1;    /* (rows, width) the sum before the first norm, y1 its output */
	float *y1;
	float *up;    /* (rows, ffn) with its bias; the backward pass leaves gelu of it */
	float *z2;    /* (rows, width) the sum before the second norm */
};

struct training_scratch {
	float *z0;      /* (rows, width) the sum of embeddings */
	float *y;       /* (rows, width) the last layer's output */
	float *rounded; /* (rows, ffn) what the next product takes */
	float *block;   /* (rows, width) */
	float *d, *d2;  /* (rows, width) the derivative, and what joins it at the next norm */
	float *wide;    /* (rows, ffn or 3 width) */
	float *turned;  /* (ffn or 3 width, rows + 16) */
	float *partial; /* (row tiles, 2 width and that) sums over rows */
};

struct encoder_trainer {
	const struct encoder *e;
	struct encoder_training options;
	float *class_weights;
	size_t *heads;                /* classes of each head over pooled rows */
	struct parameters parameters; /* what moves */
	struct parameters frozen;     /* LoRA: the base */
	struct parameter *words, *places, *types, *embedding_norm[2];
	struct parameter *head[2];    /* weight (classes, width), bias (classes); NULL without classes */
	struct parameter *tagger[2];  /* weight (tags, width), bias (tags); NULL without tags */
	struct layer_parameters *layer;
	struct layer_state *state;
	struct training_scratch scratch;
	struct packing packing;
	float *memory; /* behind state and scratch, for `rows` rows */
	size_t rows;
	float *sum;    /* (the largest matrix) a gradient that is not where it belongs yet */
	float *attend_memory;
	size_t attend_size;
	bool *seen;    /* (vocabulary) */
};

/* One way through the model: texts side by side. */
struct training_pass {
	struct encoder_trainer *t;
	struct span *spans;
	const struct training_text *const *texts;
	size_t n_texts, rows;
	size_t layer; /* at work */
	bool add;     /* gradients are added to what is there */
};

/* encoder_head.c: out (width) = the mean of a text's rows of scratch.y, or its first; out = what a head makes of such a row; and the
 * sum of losses of all texts, after which scratch.d is what the rows owe. */
void encoder_pool_rows(const struct encoder_trainer *t, const struct span *s, float *out);
void encoder_head_scores(const struct encoder_trainer *t, struct parameter *const head[2], const float *row, float *out);
double encoder_head(struct training_pass *p, double *weight);

/* merged = weight + scale B A, of all matrices (encoder_lora.c). */
void lora_merge(struct encoder_trainer *t);
/* d (n, k), the derivative by the merged matrix, goes on to its pairs. */
void lora_gradient(struct encoder_trainer *t, const struct linear *l, const float *d, bool add);
void lora_add_pairs(struct encoder_trainer *t, struct linear *l);

#endif
