/* top.h - the best `room` of many scored positions.
 *
 * A score and its position are one number, whose order is the ranking's: higher score first, then lower position. So what is
 * kept does not depend on the order in which it was offered. Scores are not NaN. What is added waits in a buffer of twice
 * the room, of which a full one is cut to its better half: a few steps a number, where a heap of a thousand takes thirty. */
#ifndef RUNG_RETRIEVE_TOP_H
#define RUNG_RETRIEVE_TOP_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct top {
	uint64_t *keys; /* (2 * room) */
	size_t n, room;
	float floor; /* scores below it are not among the best */
};

void top_init(struct top *t, size_t room); /* room > 0 */
void top_release(struct top *t);
void top_merge(struct top *into, const struct top *from);
void top_cut(struct top *t);  /* leaves the best `room`, in any order */
void top_sort(struct top *t); /* leaves them best first */

/* Rising floats as rising integers: the sign bit flipped, and below zero all others too. */
static inline uint64_t top_key(float score, uint32_t position)
{
	uint32_t bits;

	memcpy(&bits, &score, sizeof(bits));
	bits ^= bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31;
	return (uint64_t)bits << 32 | (UINT32_MAX - position);
}

static inline uint32_t top_position(uint64_t key)
{
	return UINT32_MAX - (uint32_t)key;
}

static inline float top_score(uint64_t key)
{
	uint32_t bits = (uint32_t)(key >> 32);
	float score;

	bits ^= bits >> 31 ? UINT32_C(1) << 31 : UINT32_MAX;
	memcpy(&score, &bits, sizeof(score));
	return score;
}

static inline void top_add(struct top *t, uint64_t key)
{
	t->keys[t->n++] = key;
	if (t->n == 2 * t->room)
		top_cut(t);
}

#endif
