/* decoder_train_inner.h - what decoder_setup.c (pairs in and out), decoder_train.c (the layers), decoder_linear.c (a linear layer
 * with its pairs) and decoder_head.c (the loss) share. */
#ifndef RUNG_TRAIN_DECODER_TRAIN_INNER_H
#define RUNG_TRAIN_DECODER_TRAIN_INNER_H

#include "llm/decoder_inner.h"
#include "train/attend.h"
#include "train/decoder_train.h"
#include "train/product.h"

enum {
	PARTS_MOST = 3,
	HEAD_ROWS = 1024, HEAD_WORDS = 4096, /* that the loss takes at a time: rows, and words of the vocabulary */
	HEAD_PAD = 16, /* a line between rows of logits: they would compete for one place in cache */
};

/* A frozen matrix of up to three tensors above each other, each with a pair of its own. All A are one parameter, above each other
 * as well, since they see the same input: h = scale x A^T has `inner` = parts * rank columns. */
struct adapted {
	const struct matrix *w; /* (n, k); its source alone is read */
	size_t parts, rows[PARTS_MOST], inner;
	struct parameter *a;             /* (inner, k) */
	struct parameter *b[PARTS_MOST]; /* (rows[i], rank) */
};

enum linear_part { LINEAR_QKV, LINEAR_OUTPUT, LINEAR_GATE_UP, LINEAR_DOWN, LINEARS };

/* What a layer leaves for its backward pass, one row a token. */
struct decoder_state {
	float *x;      /* (rows, width) the residual stream before the layer */
	float *raw;    /* (rows, qkv) before norms of heads and turning; NULL where the family has no such norms */
	float *qkv;    /* (rows, qkv) as attention takes them */
	float *mixed;  /* (rows, heads * head_width); part_attention() rounds it in place */
	float *block;  /* (rows, width) what attention adds, before its norm; NULL where the family has none */
	float *middle; /* (rows, width) the stream between the blocks */
	float *gate_up; /* (rows, 2 ffn) */
	float *block2; /* (rows, width) what the feed-forward block adds, before its norm; or NULL */
	float *h[LINEARS]; /* (rows, inner) */
};

struct decoder_scratch_train {
	float *end;     /* (rows, width) the stream behind the last layer */
	float *normed;  /* (rows, width) f32; backwards rounded in place */
	float *rounded; /* (rows, widest + inner) what a product takes */
	float *block;   /* (rows, width) */
	float *d, *d2;  /* (rows, width) derivative by the stream, and what joins it */
	float *wide;    /* (rows, ffn or qkv) activations; derivatives by them, or by queries, keys and values */
	float *d_h;     /* (rows, most inner) */
	float *b;       /* (widest, most inner) */
	float *turned;  /* (most inner, rows + 16) */
	float *inner_sum; /* (most inner, widest) */
	float *turns;   /* (positions, 1 or 2 reaches, head_width) */
};

struct decoder_trainer {
	const struct decoder *d;
	struct decoder_training options;
	struct parameters parameters;
	struct adapted (*linear)[LINEARS]; /* (layers) */
	struct decoder_state *state;       /* (layers) */
	struct decoder_scratch_train scratch;
	struct packing packing, narrow[PARTS_MOST]; /* narrow: a layer's A, or its B */
	float *memory;
	size_t rows, positions;
	float *attend_memory;
	size_t attend_size;
};

/* Sequences laid out as rows: the common prefix, then each one's rest. */
struct decoder_pass {
	struct decoder_trainer *t;
	struct span *spans;  /* (n_spans) the prefix first, when there is one */
	size_t n_spans, rows;
	int32_t *ids;        /* (rows) */
	size_t *position;    /* (rows) */
	size_t *loss_row;    /* (n_losses) row that predicts */
	int32_t *loss_id;    /* (n_losses) what it should */
	size_t n_losses;
	size_t layer;
	bool add;            /* gradients are added to what is there */
};

/* decoder_linear.c */
/* The columns that a row for adapted_forward() has room for, in words. */
size_t adapted_words(const struct decoder_trainer *t, const struct adapted *l);
/* out (rows, n) = x W^T + h B^T, where x was rounded into rows of adapted_words(); h (rows, inner) is kept. */
void adapted_forward(struct decoder_pass *p, const struct adapted *l, float *x, float *h, float *out);
/* The columns that a row for adapted_backward() has room for, in words. */
size_t adapted_words_back(const struct decoder_trainer *t, const struct adapted *l);
/* Gradients of all B, scratch.d_h, and out (rows, k) = derivative by x unless NULL. scratch.rounded has the derivative by the result,
 * rounded into rows of adapted_words_back(). */
void adapted_backward(struct decoder_pass *p, const struct adapted *l, const float *h, float *out);
/* The gradient of A, after adapted_backward(): of scratch.d_h and x (rows, k), rounded in place. */
void adapted_gradient_a(struct decoder_pass *p, const struct adapted *l, const float *x);

/* decoder_head.c: the loss of the rows that have one; unless `forward`, scratch.d gets the derivative by the stream's end. */
double decoder_head(struct decoder_pass *p, bool forward);

#endif
