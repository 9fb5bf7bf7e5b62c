/* merge.h - joining neighbours in order of rank until nothing joins: the loop that every byte-pair encoding shares.
 *
 * A heap of candidate pairs over a linked list of symbols, n log n. Of two pairs of one rank the left one joins first.
 * Private to the tokenizer. */
#ifndef RUNG_LLM_MERGE_H
#define RUNG_LLM_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERGE_NOWHERE SIZE_MAX

struct merge_symbol {
	size_t at, n;      /* the part of the text; n is 0 once it has joined the symbol before it */
	size_t next, last; /* neighbours' places; MERGE_NOWHERE at the ends */
	int32_t id;        /* the token, or -1 */
};

struct merge_result {
	uint32_t rank; /* lower ones join first */
	int32_t id;    /* of the joined token */
};
/* Whether the model joins the two, and how. */
typedef bool merge_lookup(const void *model, const struct merge_symbol *left, const struct merge_symbol *right,
			  struct merge_result *out);

/* Memory of one encoding call, reused from word to word. {0} is valid. */
struct merge_scratch {
	struct merge_symbol *symbols;
	size_t n;
	struct merge_candidate *heap;
	size_t capacity, heap_n;
};
void merge_scratch_release(struct merge_scratch *s);

/* Forgets the symbols and makes room for n. */
void merge_begin(struct merge_scratch *s, size_t n);
/* Adds a symbol behind the last one. */
void merge_add(struct merge_scratch *s, struct merge_symbol symbol);
/* Joins; what is left is read from symbols[0] on by `next`. */
void merge_run(struct merge_scratch *s, merge_lookup *lookup, const void *model);

#endif
