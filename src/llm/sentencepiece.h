/* sentencepiece.h - SentencePiece's byte-pair encoding as Llama 1 and 2, TinyLlama and Gemma use it.
 *
 * Kudo and Richardson 2018 (arXiv 1808.06226); order of steps and ties as its BPE model's. A space is written U+2581.
 * Characters are joined wherever the result is a piece, the highest score first; one that has no piece is written as
 * its bytes, or as the unknown token where the vocabulary has no byte tokens. Private to the tokenizer. */
#ifndef RUNG_LLM_SENTENCEPIECE_H
#define RUNG_LLM_SENTENCEPIECE_H

#include "base/error.h"
#include "llm/merge.h"
#include "llm/tokenizer.h"
#include "llm/vocabulary.h"

struct sentencepiece {
	int32_t byte_ids[256]; /* -1: none */
	int32_t unknown;       /* -1: none */
	bool prefix;           /* a space is put before every text ("add_dummy_prefix") */
	bool apart;            /* no piece goes on behind a space inside it: words can be joined one by one */
	uint32_t *ranks;       /* (n) by id; higher scores have lower ranks, equal ones the same */
	size_t longest;        /* bytes of the longest piece */
};

/* Reads the vocabulary, which is complete and indexed; scores (n) by id, consumed before return. Pieces are its
 * TOKEN_PLAIN and TOKEN_ADDED; added ones are also found as a whole before anything is joined. False with the reason
 * where a score is no number, or characters without a piece would have no token. */
bool sentencepiece_init(struct sentencepiece *s, const struct vocabulary *v, const double *scores, int32_t unknown,
			struct error *err);
void sentencepiece_release(struct sentencepiece *s);

/* Appends the ids of text, which is valid UTF-8; n log n in its length. */
void sentencepiece_encode(const struct sentencepiece *s, const struct vocabulary *v, const char *text, size_t n,
			  struct merge_scratch *scratch, struct token_list *out);
/* Appends one token's bytes. `first`: the first of a text, where the prefix is left out. */
void sentencepiece_decode(const struct sentencepiece *s, const struct token *token, bool first, struct buf *out);

/* Appends text with a U+2581 for every space: how pieces are spelled. */
void sentencepiece_spell(struct buf *out, const char *text, size_t n);

#endif
