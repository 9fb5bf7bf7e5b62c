/* rng.h - seeded pseudo-random numbers: xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64.
 *
 * The same seed gives the same numbers on every machine. A stream name keeps uses apart ("split", "shots"), so that
 * one more draw in one place does not change another. Not for secrets. */
#ifndef RUNG_BASE_RNG_H
#define RUNG_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state[4];
};

void rng_init(struct rng *r, uint64_t seed, const char *stream);
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform on 0 .. n-1, without modulo bias; n > 0 */
double rng_double(struct rng *r);              /* uniform on [0, 1) */
void rng_shuffle(struct rng *r, size_t *order, size_t n);

#endif
