/* token_bytes.h - the bytes that each token of a vocabulary writes, as a prefix tree over bytes.
 *
 * Built once for a tokenizer; immutable, threads share it. Tokens that write nothing (special tokens, gaps) are in no
 * node. Nodes lie in preorder, so that one pass over the array visits the tree and a jump leaves out a subtree. */
#ifndef RUNG_LLM_TOKEN_BYTES_H
#define RUNG_LLM_TOKEN_BYTES_H

#include "llm/grammar.h"
#include "llm/tokenizer.h"

struct byte_node {
	uint32_t end;       /* the first node behind this subtree */
	uint32_t first_id;  /* the tokens written exactly so: ids[first_id .. first_id + n_ids) */
	uint16_t n_ids;
	uint16_t depth;     /* bytes up to and including this one, at least 1 */
	uint8_t byte;
};

struct token_bytes {
	struct byte_node *nodes; /* (n) */
	uint32_t n;
	uint32_t longest;        /* bytes */
	int32_t *ids;            /* in the order of their bytes */
	size_t vocabulary;       /* ids are below */
	struct byte_set alphabet; /* bytes that are tokens by themselves: what a grammar may need to write */
	char *bytes;
	size_t *offsets;         /* (vocabulary + 1) */
};

/* What a token writes; decoders' tokenizers only (byte-level BPE, SentencePiece), whose tokens write the same wherever they
 * stand but at the start of a text, where SentencePiece may leave out a space: here it is written. */
struct token_bytes *token_bytes_of(const struct tokenizer *t);
/* From n pieces of any bytes, copied; piece i is id i. Tokens of more than 65,535 bytes are left out. */
struct token_bytes *token_bytes_new(const char *const *pieces, const size_t *lengths, size_t n);
void token_bytes_free(struct token_bytes *t);

/* The bytes of one token; *n is 0 for an id that writes nothing or does not exist. */
const char *token_bytes_get(const struct token_bytes *t, int32_t id, size_t *n);

#endif
