/* kernels.h - the few loops that take nearly all the time, one set for each instruction set.
 *
 * The set is chosen when the engine starts: the fastest this processor has, or the one that the environment variable
 * RUNG_KERNELS names (portable, neon, avx2, avx512, avx512bf16, avx512vnni). Each set lives in a file of its own
 * (kernels_avx2.c ...) behind `struct kernels`; matrix.c, attention.c and the models call only this table.
 *
 * Determinism, for every function here: an output element is the result of one fixed sequence of operations that
 * depends on its own row of A and on W alone, never on how many rows the call has, where in a tile the row falls, or
 * which thread ran it. So a text scores the same to the byte however it was batched. Between two sets the last bits
 * differ. */
#ifndef RUNG_LLM_KERNELS_H
#define RUNG_LLM_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "llm/tensor.h"

/* What A and W are rounded to before they are multiplied; sums stay f32. */
enum products { PRODUCTS_F32, PRODUCTS_BF16, PRODUCTS_INT8 };

/* See kernels.dots. */
struct dots {
	const float *values; /* (w_rows, n) as decode() leaves them, rows ldw words apart */
	size_t w_rows, ldw, n; /* n: values, a multiple of 32 */
	const float *x; /* (m, n) as round() leaves them, rows ldx words apart */
	size_t m, ldx;
	float *out; /* (m, w_rows), rows ldo apart */
	size_t ldo;
};

/* One step of AdamW (Loshchilov, Hutter 2019, arXiv 1711.05101) as PyTorch counts it. */
struct adamw_step {
	float rate;         /* learning rate / (1 - beta1^t) */
	float decay;        /* 1 - learning rate * weight decay */
	float inverse_root; /* 1 / sqrt(1 - beta2^t) */
	float beta1, beta2, epsilon;
	float scale;        /* of the gradient: clipping, and what it is averaged over */
};

struct kernels {
	const char *name;
	bool (*available)(void); /* does this processor have what the set needs? */
	bool on_request;         /* only for who names it: its loss is the user's to accept */
	bool (*outrun)(void);    /* does this processor run a later set faster? Then only for who names it, too; NULL: never */
	enum products products;
	int panel;               /* columns of W in one packed panel (a multiple of 16 and of block) */
	int block;               /* values that round() takes together: a piece of a row begins at a multiple of it */
	const struct kernels *attention; /* the set whose products attention takes; NULL: this one */
	const struct kernels *exact;     /* likewise where products must be f32 */
	const struct kernels *few;       /* likewise for few rows times quantised weights */

	/* Packs rows (n <= panel of them, k values each, f32, row stride ld) as the columns of one panel. Columns beyond n may
	 * stay as they were: multiply does not write theirs of C. */
	void (*pack)(const float *rows, size_t n, size_t k, size_t ld, void *panel);
	/* The other way to fill a panel: row i of `rows`, ld apart, holds the values at p + i of its n columns. Rows come in
	 * order, from 0 to k - 1, in as many calls as one likes. */
	void (*pack_across)(const float *rows, size_t count, size_t ld, size_t n, size_t p, void *panel);
	/* The same two for rows that went through round(), ld words apart; the second from a multiple of `block` on. These three are
	 * NULL where products are int8. */
	void (*pack_rounded)(const float *rows, size_t n, size_t k, size_t ld, void *panel);
	void (*pack_across_rounded)(const float *rows, size_t count, size_t ld, size_t n, size_t p, void *panel);
	size_t (*panel_bytes)(size_t k); /* products of f32 and bf16: also where value k begins, a multiple of `block` */
	/* A row of A as multiply wants it: n values of x to rounded_words(n) words of 4 bytes, n at most (but 2 for one int8
	 * value). out may be x itself. */
	void (*round)(const float *x, size_t n, float *out);
	size_t (*rounded_words)(size_t n);
	/* C (m, n) = A (m, k) times one panel; rows of A were rounded; n <= panel columns are written. */
	void (*multiply)(const float *a, size_t m, size_t lda, size_t k, const void *panel, size_t n, float *c,
			 size_t ldc);

	/* n values (whole blocks) of a quantised type, as round() leaves what tensor_read() gives, to the bit; false, and
	 * nothing written, for types that are no smaller than packed weights. NULL, like the next two, where few names a set. */
	bool (*decode)(enum tensor_type type, const uint8_t *blocks, size_t n, float *out);
	/* out (rows) += the dot products of `rows` rows of such blocks, `bytes` apart, with x (n), rounded likewise. */
	void (*decode_dot)(enum tensor_type type, const uint8_t *blocks, size_t bytes, size_t rows, size_t n, const float *x,
			   float *out);
	/* out (m, w_rows) += x (m, n) times the transpose of decoded values (w_rows, n): each to the bit what decode_dot()
	 * gives. */
	void (*dots)(const struct dots *d);

	/* In place on one row of n values. exp is good to 1.5 units in the last place; a NaN that comes in goes out. */
	void (*softmax)(float *x, size_t n, float scale);          /* exp(scale (x - max)) / sum; -INFINITY has weight 0 */
	void (*gelu)(float *x, const float *bias, size_t n);       /* x = gelu(x + bias), exact erf form to 2e-7 */
	void (*swiglu)(float *gate, const float *up, size_t n);    /* gate = gate * sigmoid(gate) * up */
	void (*geglu)(float *gate, const float *up, size_t n);     /* gate = gelu(gate) * up, tanh form of gelu */
	float (*dot)(const float *a, const float *b, size_t n);
	void (*axpy)(float *y, float s, const float *x, size_t n); /* y += s * x */
	void (*rms_norm)(float *out, const float *x, const float *weight, size_t n, float epsilon);
	/* out = (z - mean) / sqrt(var + epsilon) * weight + bias with z = x + residual + offset (each may be NULL);
	 * out may be x or residual. */
	void (*layer_norm)(float *out, const float *x, const float *residual, const float *offset, const float *weight,
			   const float *bias, size_t n, float epsilon);

	/* Their derivatives on one row of n values: d holds the loss's derivative by the result, and gets that by the argument. x is
	 * what the forward loop was given (gelu: its bias added). kernels_gradients.h */
	void (*gelu_gradient)(float *d, float *x, size_t n);                    /* x gets gelu(x) */
	void (*swiglu_gradient)(float *d, float *gate, float *up, size_t n);   /* gate, up get theirs; d what the forward loop gave */
	void (*geglu_gradient)(float *d, float *gate, float *up, size_t n);
	void (*softmax_gradient)(float *d, const float *p, size_t n, float scale); /* p: the weights it gave */
	void (*layer_norm_gradient)(float *d, const float *x, const float *weight, size_t n, float epsilon, float *d_weight,
				    float *d_bias); /* those of weight and bias are added */
	void (*rms_norm_gradient)(float *d, const float *x, const float *weight, size_t n, float epsilon);
	/* Moves n weights w; m and v are their moments; d NULL: a gradient of zero. */
	void (*adamw)(const struct adamw_step *s, float *w, float *m, float *v, const float *d, size_t n);
	/* x (n, columns), rows ld apart, to out (columns, n), rows ldo apart. */
	void (*turn)(const float *x, size_t n, size_t columns, size_t ld, float *out, size_t ldo);
};

/* The set that multiplies few rows with quantised weights. */
static inline const struct kernels *kernels_few(const struct kernels *k)
{
	return k->few ? k->few : k;
}

/* All sets compiled for this processor family, best first; ends with NULL. The last one is "portable". */
const struct kernels *const *kernels_all(void);

/* exact: the best set with f32 products; otherwise the best set but those on request. A set named in RUNG_KERNELS wins; a
 * name that is unknown or that this processor lacks is an error that lists the available ones. */
const struct kernels *kernels_choose(bool exact, struct error *err);

/* The same for training, whose gradients int8 products would drown: a set that has those gives way to the best other one. */
const struct kernels *kernels_for_training(struct error *err);

/* Up to three tensors of equal width, one above the other: where the rows of a weight matrix come from. */
struct tensor_stack {
	const struct tensor *part[3];
	size_t n;
};

/* A weight matrix W (n, k), packed once at load for one set. */
struct matrix {
	const struct kernels *kernels;
	size_t n, k;
	uint8_t *panels; /* 64-byte aligned */
	struct tensor_stack source; /* borrowed */
	bool quantised; /* decode() of kernels_few() reads every part of source */
};

void matrix_pack(struct matrix *w, const struct kernels *kernels, struct tensor_stack source);
/* Everything but the panels: for who reads the source itself. */
void matrix_describe(struct matrix *w, const struct kernels *kernels, struct tensor_stack source);
void matrix_release(struct matrix *w);

/* C (m, n) = A (m, k) W^T, tiles shared among the pool's threads; a product too small for two runs on the caller.
 * The rows of A, lda words apart, went through kernels->round(). C must not overlap A. */
void matrix_multiply(const struct matrix *w, struct pool *pool, const float *a, size_t m, size_t lda, float *c,
		     size_t ldc);

/* out (m, n / 2), rounded = activate(A G^T, A U^T), where W has the gates G above the ups U: what a tile of both gives goes
 * through activate() while it is in the cache. Only where half of W is whole panels: matrix_can_gate(). */
bool matrix_can_gate(const struct matrix *w);
void matrix_multiply_gated(const struct matrix *w, struct pool *pool, const float *a, size_t m, size_t lda,
			   void (*activate)(float *gate, const float *up, size_t n), float *out, size_t ldo);

/* The same product for few rows (m <= MATRIX_FEW), which went through round() of kernels_few(), straight from the
 * quantised weights: what takes time then is reading them. Values differ from matrix_multiply() in the last bits (int8:
 * by its rounding, which is not done here); they do not depend on m either. Only for w->quantised. */
enum { MATRIX_FEW = 64 };
void matrix_multiply_few(const struct matrix *w, struct pool *pool, const float *a, size_t m, size_t lda, float *c,
			 size_t ldc);

#endif
