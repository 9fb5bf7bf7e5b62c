/* routes.h - to which of several kinds of text a text belongs, or that it is unlike all of them; over embeddings.
 *
 * A head (linear.h) says which kind is likeliest, of those that come into question; texts of no kind may be given as one more. Whether a text is
 * like its kind at all is not the head's alone to say: it is sure of much that it has never seen. The similarity to the text's
 * ROUTES_NEIGHBOURS nearest known texts of that kind says it as well (Sun, Ming, Zhu, Li 2022, arXiv 2204.06507): below what the least similar
 * of known texts that were held out have, it is unlike. Pure. */
#ifndef RUNG_TUNE_ROUTES_H
#define RUNG_TUNE_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

enum { ROUTES_NEIGHBOURS = 3 };

/* Vectors (n, width) of unit length, and the kind of each: below the number of kinds, or equal to it, of none. */
struct routes_texts {
	const float *vectors;
	const size_t *kind;
	size_t n;
};

struct routes;
/* held: other texts than `known`, by which a share `unlike` of each kind's own would be called unlike by their similarity (the least similar is the
 * bar where there are few). Every kind has some of both. Keeps no pointer to its arguments. */
struct routes *routes_learn(const struct routes_texts *known, const struct routes_texts *held, size_t width, size_t kinds, double unlike);
void routes_free(struct routes *r);

struct route {
	size_t kind;        /* the likeliest that comes into question; the number of kinds: none does */
	double probability; /* of it, among those and none */
	double similarity;  /* to its known texts */
	bool unlike;        /* it is none of that kind */
};
/* possible (kinds): which kinds come into question; NULL: all. Several threads may ask. */
struct route routes_find(const struct routes *r, const float *vector, const bool *possible);

#endif
