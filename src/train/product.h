/* product.h - matrix products whose right-hand side is packed for one call: weights that change at every step, weights that
 * stay quantised in memory, activations.
 *
 * With X (m, k), W (n, k) and D = dL/dY of Y = X W^T, training needs Y, dL/dX = D W and dL/dW = D^T X: the right-hand side is
 * packed by rows for the first and across them for the others. Products are the kernel set's (kernels.h), f32 or bf16 but
 * not int8: sums are f32, in one fixed order whatever the number of threads. */
#ifndef RUNG_TRAIN_PRODUCT_H
#define RUNG_TRAIN_PRODUCT_H

#include "llm/kernels.h"

/* A packed right-hand side and its memory, which the next packing takes over. {0} is empty. */
struct packing {
	struct matrix w;
	size_t bytes;  /* that w.panels has room for */
	float *rows;   /* that wait to be packed, or panels of product_across(); each thread's own */
	size_t floats; /* that rows has room for */
};
void packing_release(struct packing *p);
/* Floats of `rows` at most, where right-hand sides have k columns and product_across() takes n rows. */
size_t packing_rows_most(const struct kernels *kernels, int threads, size_t k, size_t n);

/* Where a right-hand side is read: f32 in memory, or the rows of model tensors above each other. */
struct rows {
	const float *values; /* (n, k), rows ld apart; NULL: `tensors` */
	size_t ld;
	struct tensor_stack tensors;
	size_t first; /* row of the tensors that is the first here */
	size_t n, k;
};
struct rows rows_of(const float *values, size_t n, size_t k, size_t ld);
struct rows rows_of_tensors(struct tensor_stack tensors);

/* For C (m, n) = A (m, k) R^T: R is (n, k), followed in every row by the `more` values of a second matrix (n, more), in memory,
 * where that is not NULL. */
void pack_rows(struct packing *p, const struct kernels *kernels, struct pool *pool, const struct rows *r, const struct rows *more);
/* For C (m, k) = A (m, n) R: R is (n, k); a second matrix (n2, k), in memory, may follow below it. */
void pack_across(struct packing *p, const struct kernels *kernels, struct pool *pool, const struct rows *r,
		 const struct rows *more);

/* out (columns, n), rows ldo words apart and rounded for the kernel set, = the transpose of x (n, columns), rows ld apart. */
void transpose_round(const struct kernels *kernels, struct pool *pool, const float *x, size_t n, size_t columns, size_t ld,
		     float *out, size_t ldo);

/* C (m, p->w.n) = A times the packed matrix; A (m, p->w.k) was rounded. */
void product(const struct packing *p, struct pool *pool, const float *a, size_t m, size_t lda, float *c, size_t ldc);

/* The same on the calling thread: for a few rows in its cache. */
void product_here(const struct packing *p, const float *a, size_t m, size_t lda, float *c, size_t ldc);

/* C (m, k) = A (m, n) R, as pack_across() and product() give it to the bit, where A has few rows: each thread packs a few panels at a
 * time and multiplies what is still in its cache. R is in memory, its rows rounded, r->ld words apart. What p holds stays; its memory
 * for threads is used. */
void product_across(struct packing *p, const struct kernels *kernels, struct pool *pool, const float *a, size_t m, size_t lda,
		    const struct rows *r, float *c, size_t ldc);

#endif
