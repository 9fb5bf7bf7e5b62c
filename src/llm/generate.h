/* generate.h - what is asked of a decoder: the probability of each label, text under a grammar, or free text.
 *
 * All functions take many prompts behind one shared context (or NULL), compute what the prompts share once
 * (prompt_tree.h) and run as many together as `budget` allows: tokens whose keys and values are held at a time, one
 * prompt at least; 0 is GENERATE_BUDGET. Who runs with whom follows from the prompts and the budget alone, never from
 * time, and does not change a result: the scores, and the text for one seed, are the same to the byte in any company.
 * One thread at a time per decoder. */
#ifndef RUNG_LLM_GENERATE_H
#define RUNG_LLM_GENERATE_H

#include "base/buf.h"
#include "llm/decoder.h"
#include "llm/grammar.h"
#include "llm/sample.h"
#include "llm/token_bytes.h"

enum { GENERATE_BUDGET = 4096 }; /* tokens: 198 MB for SmolLM2-135M, see context_token_bytes() */

/* A prefix tree over token sequences: what labels share is scored once. */
struct token_tree;
struct token_tree *token_tree_new(const struct token_list *sequences, size_t n); /* copies; none may be empty */
void token_tree_free(struct token_tree *t);

/* Natural-log probability of every sequence of the tree behind each prompt, the full vocabulary as denominator:
 * out (n, sequences). Where one sequence is a prefix of another, both count as written. */
void score_sequences(struct decoder *d, struct context *shared, const struct token_list *prompts, size_t n,
		     const struct token_tree *tree, size_t budget, double *out);

struct generate_options {
	size_t max_tokens;       /* at least 1 */
	const char *const *stop; /* n_stop strings; the text ends before the first one found; not under a grammar */
	size_t n_stop;
	int32_t end;             /* id that ends the turn, or -1; the model's own end always does */
	struct sampling sampling;
	const uint64_t *seeds;   /* (n) one a prompt, for its draws alone; NULL: 0 for all */
	const struct grammar *const *grammars; /* (n) each prompt's text is one of its language, see below; NULL: free texts */
	const struct token_bytes *token_bytes; /* of the decoder's tokenizer; only for grammars, whose alphabet is theirs */
	size_t limit;  /* tokens of prompt and text together; 0: decoder_limit() */
	size_t budget;
	bool log_p;    /* give generation.log_p; not under a grammar */
	/* Called with each piece of text as soon as nothing that follows can change it: whole characters, no beginning of
	 * a stop string. The pieces of a prompt together are its text. False stops that prompt. NULL: nobody listens. */
	bool (*piece)(void *context, size_t prompt, const char *text, size_t n);
	void *context;
};

struct generation {
	struct buf text; /* UTF-8: a character cut by max_tokens is left out, wrong bytes are U+FFFD */
	size_t tokens;   /* generated, the end token not counted */
	double *log_p;   /* (tokens) natural log under the model's own distribution, whatever the sampling; or NULL */
	bool truncated;  /* max_tokens or the limit reached before an end or a stop string; under a grammar: no text fits */
	bool stopped;    /* because piece() said so */
};
void generation_release(struct generation *g);

/* Generates behind each prompt; out (n) is the caller's to release. A prompt that ends makes room for the next at once,
 * whose first pass comes before the next token of all.
 *
 * Under a grammar the text is one of its language, whole and within max_tokens: only tokens are written behind which it
 * can still be completed, a byte a token at worst. Where max_tokens (or the limit) is less than the bytes of the
 * shortest text, nothing is written and the answer is truncated. Bytes without an alternative are written without asking
 * the model (constrain.h), so a language of one text costs no pass over the weights. An end token counts only where the
 * text may end. (It must not write a byte that no other token writes alone; ends are special tokens, which write none.)
 *
 * A token is drawn as without a grammar and kept if the grammar allows it. Else it is drawn anew, with a fresh random
 * number, among those allowed. With temperature alone this is the model's distribution given that the token is allowed:
 * if allowed tokens have the share A, token i comes with p(i) + (1 - A) p(i) / A = p(i) / A. Of top-k, top-p and min-p
 * each draw takes its own: first all tokens', then the allowed ones'. Greedy is the likeliest allowed token. */
void generate(struct decoder *d, struct context *shared, const struct token_list *prompts, size_t n,
	      const struct generate_options *options, struct generation *out);

#endif
