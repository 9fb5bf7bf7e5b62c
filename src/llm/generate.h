/* generate.h - what is asked of a decoder: the probability of each label, an answer out of a closed set, or free text.
 *
 * All functions take many prompts behind one shared prefix and run them together; groups are formed by item order and
 * a token budget, so the result for one prompt does not depend on the others (scoring), or repeats exactly for the
 * same composition of the batch (generation). One thread at a time per decoder. */
#ifndef RUNG_LLM_GENERATE_H
#define RUNG_LLM_GENERATE_H

#include "base/buf.h"
#include "llm/decoder.h"

/* A prefix tree over token sequences: a closed set of outputs (labels, or JSON around labels). */
struct token_tree;
struct token_tree *token_tree_new(const struct token_list *sequences, size_t n); /* copies; none may be empty */
void token_tree_free(struct token_tree *t);

/* Natural-log probability of every sequence of the tree behind each prompt, the full vocabulary as denominator:
 * out (n, sequences). Where one sequence is a prefix of another, both count as written. `shared` may be NULL. */
void score_sequences(struct decoder *d, struct context *shared, const struct token_list *prompts, size_t n,
		     const struct token_tree *tree, double *out);

struct generate_options {
	size_t max_tokens;       /* at least 1; a grammar bounds itself and ignores it, and the stop strings */
	const char *const *stop; /* n_stop strings; the text ends before the first one found */
	size_t n_stop;
	int32_t end;             /* id that ends the turn, or -1; the model's own end always does */
	/* NULL: free text. Else the output is one of its sequences, chosen greedily token by token; where one ends and
	 * another goes on, an end token must be likelier than the next token for the shorter one. */
	const struct token_tree *grammar;
};

struct generation {
	struct buf text; /* UTF-8: a character cut by max_tokens is left out, wrong bytes are U+FFFD */
	size_t tokens;  /* generated, the end token not counted */
	bool truncated; /* max_tokens reached before an end or a stop string */
};

/* Greedy generation; out (n), each released by the caller with buf_release(&text). Ties go to the lower id. */
void generate_greedy(struct decoder *d, struct context *shared, const struct token_list *prompts, size_t n,
		     const struct generate_options *options, struct generation *out);

#endif
