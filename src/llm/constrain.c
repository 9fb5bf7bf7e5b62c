/* constrain.c - between a grammar, which reads bytes, and a model, which writes tokens. */
#include "llm/constrain.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

void constraint_init(struct constraint *c, const struct grammar *g, const struct token_bytes *tokens,
		     const struct tokenizer *tokenizer, int32_t end)
{
	*c = (struct constraint){ .matcher = grammar_matcher_new(g), .tokens = tokens, .tokenizer = tokenizer,
				  .ends = { end, tokenizer_end(tokenizer) } };
	c->mask = mem_zero(grammar_mask_words(tokens), sizeof(*c->mask));
}

void constraint_release(struct constraint *c)
{
	grammar_matcher_free(c->matcher);
	buf_release(&c->run);
	free(c->mask);
	*c = (struct constraint){ 0 };
}

size_t constraint_words(const struct constraint *c)
{
	return grammar_mask_words(c->tokens);
}

bool constraint_allows(struct constraint *c, struct grammar_state state, int32_t id, size_t left)
{
	size_t n;
	const char *bytes = token_bytes_get(c->tokens, id, &n);

	if (id == c->ends[0] || id == c->ends[1])
		return grammar_may_end(c->matcher, state);
	return left > 0 && grammar_allows(c->matcher, state, bytes, n, left - 1);
}

size_t constraint_mask(struct constraint *c, struct grammar_state state, size_t left, uint64_t *mask)
{
	bool may_end = grammar_may_end(c->matcher, state);
	size_t n = grammar_mask(c->matcher, state, c->tokens, left - 1, mask);

	for (size_t i = 0; i < 2; i++) {
		size_t id = (size_t)c->ends[i];

		if (c->ends[i] < 0 || id >= c->tokens->vocabulary)
			continue;
		uint64_t bit = (uint64_t)1 << id % 64, *word = &mask[id / 64];

		n -= (*word & bit) != 0;
		*word = may_end ? *word | bit : *word & ~bit;
		n += may_end;
	}
	return n;
}

/* Whether the grammar allows a token of more than n bytes. */
static bool allows_longer(struct constraint *c, struct grammar_state state, size_t n)
{
	size_t length;

	grammar_mask(c->matcher, state, c->tokens, SIZE_MAX, c->mask);
	for (size_t w = 0; w < constraint_words(c); w++)
		for (uint64_t bits = c->mask[w]; bits; bits &= bits - 1) {
			token_bytes_get(c->tokens, (int32_t)(64 * w + (size_t)__builtin_ctzll(bits)), &length);
			if (length > n)
				return true;
		}
	return false;
}

void constraint_force(struct constraint *c, struct grammar_state state, struct token_list *out)
{
	struct grammar_state behind = state, last = state; /* all the forced bytes; in front of the last token */
	size_t from = out->n, at = 0, n = 0;

	buf_clear(&c->run);
	if (!grammar_forced(c->matcher, &behind, SIZE_MAX, &c->run))
		return;
	tokenizer_encode_on(c->tokenizer, c->run.data, c->run.n, out);
	for (size_t i = from; i < out->n; i++) {
		const char *bytes = token_bytes_get(c->tokens, out->ids[i], &n);

		if (!n || n > c->run.n - at || memcmp(bytes, c->run.data + at, n) != 0) {
			out->n = i;
			break;
		}
		last = state;
		grammar_advance(c->matcher, &state, bytes, n);
		at += n;
	}
	if (out->n == from)
		return;
	token_bytes_get(c->tokens, out->ids[out->n - 1], &n);
	out->n -= allows_longer(c, last, n);
}
