/* constrain.h - a grammar's word on tokens, for generate.c: which may come next, and which must.
 *
 * One constraint serves all answers of a call; of an answer it knows nothing but its state. `left` is the number of
 * tokens that may still be written, the one in question included. A state may be gone on from while
 * grammar_shortest() <= left, which every token admitted here preserves (grammar_match.h says why).
 * One thread at a time; a mask is then anybody's to read. */
#ifndef RUNG_LLM_CONSTRAIN_H
#define RUNG_LLM_CONSTRAIN_H

#include "llm/grammar_match.h"

struct constraint {
	struct grammar_matcher *matcher;
	const struct token_bytes *tokens;
	const struct tokenizer *tokenizer;
	int32_t ends[2]; /* the ids that end an answer, or -1 */
	struct buf run;  /* scratch: forced bytes */
	uint64_t *mask;  /* scratch (constraint_words()) */
};

/* Borrows all; tokens are the tokenizer's. end: beside the tokenizer's own, or -1. */
void constraint_init(struct constraint *c, const struct grammar *g, const struct token_bytes *tokens,
		     const struct tokenizer *tokenizer, int32_t end);
void constraint_release(struct constraint *c);

/* Whether the token may come next. One that ends the answer may where the text may end; it never counts as text. */
bool constraint_allows(struct constraint *c, struct grammar_state state, int32_t id, size_t left);
/* The same for all tokens as bits, as grammar_mask() sets them; mask (constraint_words()). Returns how many. */
size_t constraint_mask(struct constraint *c, struct grammar_state state, size_t left, uint64_t *mask);
size_t constraint_words(const struct constraint *c);

/* Appends the tokens that must come next, cut as the tokenizer cuts the bytes that must.
 *
 * The last of them is left out if a longer token begins with it that the grammar allows too: a model has learnt texts
 * in which the tokenizer would have taken the longer one, hardly any that go on as if it were not there ("token
 * healing"). The model then chooses between the two. What the tokenizer does not write byte for byte (it may normalise)
 * is left to the model as well. */
void constraint_force(struct constraint *c, struct grammar_state state, struct token_list *out);

#endif
