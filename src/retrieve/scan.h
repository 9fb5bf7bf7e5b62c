/* scan.h - the two loops in which a search spends its time, one set for each instruction set.
 *
 * Chosen like the engine's kernels (llm/kernels.h), by the same names in RUNG_KERNELS; sets live in scan_avx512.c ...
 * scan_portable.c. Everything is integer and exact, so every set gives the same numbers. Private to vector_*.c. */
#ifndef RUNG_RETRIEVE_SCAN_H
#define RUNG_RETRIEVE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	SCAN_LANES = 64,  /* vectors in one block */
	SCAN_STRIDE = 64, /* rows are a multiple of so many numbers long, 64-byte aligned */
};

struct scan {
	const char *name;
	bool (*available)(void);
	/* dots (n): rows (n, width) of codes times the query (width), width a multiple of SCAN_STRIDE. The caller sees to it
	 * that 127 * sum |query| < 2^31. */
	void (*dots)(const int8_t *rows, size_t n, size_t width, const int16_t *query, int32_t *dots);
	/* sums (SCAN_LANES), modulo 2^16: for the vector of each lane the sum of table[j][byte's low nibble] and
	 * table[j + 1][high nibble], j = 0, 2, 4 ...; block (n, SCAN_LANES) bytes, table (2n, 16). No two entries of one byte
	 * add up to more than 255. Lane l is byte scan_byte(l) of a row: even bytes hold the first half, odd bytes the
	 * second, so that 16-bit sums of each come out side by side. */
	void (*sums)(const uint8_t *block, size_t n, const uint8_t *table, uint16_t *sums);
};

static inline size_t scan_byte(size_t lane)
{
	return lane % (SCAN_LANES / 2) * 2 + lane / (SCAN_LANES / 2);
}

/* All sets compiled for this processor family, best first; ends with NULL. */
const struct scan *const *scan_all(void);

/* The best set that runs here, no wider than the kernel set that RUNG_KERNELS names; a name that the engine would refuse is
 * refused with its sentence. */
const struct scan *scan_choose(struct error *err);

extern const struct scan scan_portable;
#if defined(__x86_64__)
extern const struct scan scan_avx2, scan_avx512;
#elif defined(__aarch64__)
extern const struct scan scan_neon;
#endif

#endif
