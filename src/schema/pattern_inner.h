/* pattern_inner.h - between reading a pattern (pattern_read.c) and making it deterministic (pattern.c). */
#ifndef RUNG_SCHEMA_PATTERN_INNER_H
#define RUNG_SCHEMA_PATTERN_INNER_H

#include "base/arena.h"
#include "schema/pattern.h"

#define PATTERN_FOREVER UINT32_MAX
enum { LAST_CODE_POINT = 0x10FFFF };

struct code_range {
	uint32_t low, high;
};

struct code_set {
	struct code_range *ranges; /* (n) ascending, apart; in the arena */
	uint32_t n;
};

enum pattern_kind { PATTERN_EMPTY, PATTERN_SET, PATTERN_BEGIN, PATTERN_END, PATTERN_THEN, PATTERN_OR, PATTERN_TIMES };

struct pattern_tree {
	enum pattern_kind kind;
	struct code_set set;                    /* PATTERN_SET */
	const struct pattern_tree *left, *right; /* PATTERN_THEN, PATTERN_OR; PATTERN_TIMES: left */
	uint32_t min, max;                      /* PATTERN_TIMES */
};

/* Lives in the arena; NULL on error. */
const struct pattern_tree *pattern_read(struct arena *arena, const char *text, size_t n, struct error *err);

#endif
