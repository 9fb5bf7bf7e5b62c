/* order.h - the one order in which all candidates see the items: shuffled by seed, groups whole, because a group is one
 * observation. */
#ifndef RUNG_DECIDE_ORDER_H
#define RUNG_DECIDE_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Fills order (n) with 0 .. n-1: groups in shuffled order, the items of a group together in theirs. group (n): equal numbers
 * belong together. stream names the use, as in base/rng.h. */
void order_shuffle(size_t *order, const size_t *group, size_t n, uint64_t seed, const char *stream);

#endif
