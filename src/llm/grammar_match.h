/* grammar_match.h - following a grammar byte by byte and token by token.
 *
 * A state is a number; copy it freely. The matcher that gave it out keeps what states mean, each once: all ways of
 * reading the bytes so far, merged, so that an ambiguous grammar costs no more than an unambiguous one. It grows with
 * the number of different states met (some 300 bytes each, as a rule a few for every byte written; a state inside an
 * unbounded string is one and the same), so make one for a batch of answers and free it after. One thread at a time.
 *
 * There are no dead ends: from any state but a rejection some byte of the alphabet leads on, or the text may end here;
 * and grammar_shortest() bytes suffice to end. Decoding within a budget of tokens, given a token for every byte of the
 * alphabet, therefore always ends well: admit only tokens after which grammar_shortest() fits into what is left. */
#ifndef RUNG_LLM_GRAMMAR_MATCH_H
#define RUNG_LLM_GRAMMAR_MATCH_H

#include "base/buf.h"
#include "llm/grammar.h"
#include "llm/token_bytes.h"

struct grammar_state {
	uint32_t number;
};

struct grammar_matcher;
struct grammar_matcher *grammar_matcher_new(const struct grammar *g); /* borrows g */
void grammar_matcher_free(struct grammar_matcher *m);

struct grammar_state grammar_begin(const struct grammar_matcher *m);
/* Reads the n bytes. False if the grammar does not allow them: then the state is what it was. */
bool grammar_advance(struct grammar_matcher *m, struct grammar_state *state, const void *bytes, size_t n);
/* What was read is a whole text of the language; there may be longer ones. */
bool grammar_may_end(const struct grammar_matcher *m, struct grammar_state state);
/* The fewest bytes after which the text may end; 0 if it may end here. */
size_t grammar_shortest(const struct grammar_matcher *m, struct grammar_state state);
/* Nothing can follow: grammar_may_end() holds and every byte is rejected. */
bool grammar_at_end(const struct grammar_matcher *m, struct grammar_state state);

/* Appends the bytes that must come next, up to where there is a choice (ending is one) or `limit` bytes, and moves the
 * state behind them. Returns how many. */
size_t grammar_forced(struct grammar_matcher *m, struct grammar_state *state, size_t limit, struct buf *out);

/* Whether the n > 0 bytes of a token may come next and leave no more than `budget` bytes to be written after it
 * (SIZE_MAX: no budget). */
bool grammar_allows(struct grammar_matcher *m, struct grammar_state state, const void *bytes, size_t n, size_t budget);

/* Sets bit id % 64 of mask[id / 64] for every token that grammar_allows() and clears all others; mask has
 * grammar_mask_words(t) words. Returns the number of bits set. One walk over the prefix tree. */
size_t grammar_mask(struct grammar_matcher *m, struct grammar_state state, const struct token_bytes *t, size_t budget,
		    uint64_t *mask);
static inline size_t grammar_mask_words(const struct token_bytes *t)
{
	return (t->vocabulary + 63) / 64;
}

#endif
