/* vector_bits.h - one bit a dimension after a random rotation: RaBitQ (Gao, Long 2024, arXiv 2405.12497).
 *
 * With R the rotation and s the signs of R v, <v, q> is near |v|^2 / <s, R v> * <s, R q>: a factor of the vector times a sum
 * of signed query values, off by about |v| |q| .75 / sqrt(width). The sums are table lookups, four dimensions at a time
 * (Andre et al. 2017, "Quick ADC"), which every instruction set has; the rounded query errs by a fortieth of that. Rotation
 * and rounding are portable code: all machines give the same bits. Private to vector_*.c. */
#ifndef RUNG_RETRIEVE_VECTOR_BITS_H
#define RUNG_RETRIEVE_VECTOR_BITS_H

#include <stddef.h>
#include <stdint.h>

enum { BITS_ROUNDS = 4 };

/* Rounds of sign flips and a Hadamard step on the first or the last `part` numbers in turn. */
struct rotation {
	size_t width, part; /* part: the largest power of two not above width */
	float *signs;       /* (BITS_ROUNDS, width); those of the part carry its 1 / sqrt(part) */
};

void rotation_init(struct rotation *r, size_t width);
void rotation_release(struct rotation *r);
void rotation_apply(const struct rotation *r, float *x); /* in place, length kept */

/* Bytes of a code: eight dimensions each. */
static inline size_t bits_bytes(size_t width)
{
	return (width + 7) / 8;
}

/* The code of scale * codes (width) into out (bits_bytes), `step` bytes apart; returns the factor, 0 for a zero vector. */
float bits_encode(const struct rotation *r, const int8_t *codes, float scale, uint8_t *out, size_t step);

/* A query as scan->sums wants it. Estimates are to each other as factor * (sum - bias). */
struct bits_query {
	uint8_t *table; /* (2 * bits_bytes, 16), 64-byte aligned */
	int32_t bias;
};

void bits_query_init(struct bits_query *q, const struct rotation *r, const float *query);
void bits_query_release(struct bits_query *q);

#endif
