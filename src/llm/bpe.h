/* bpe.h - byte-pair encoding of one word: the byte-level form of GPT-2.
 *
 * Sennrich et al. 2016 (arXiv 1508.07909); Radford et al. 2019 for bytes as alphabet. Private to the tokenizer. */
#ifndef RUNG_LLM_BPE_H
#define RUNG_LLM_BPE_H

#include "base/error.h"
#include "llm/merge.h"
#include "llm/tokenizer.h"
#include "llm/vocabulary.h"

struct bpe {
	int32_t byte_ids[256]; /* -1: the vocabulary has no token for the byte, and the model never sees it */
	int32_t unknown;       /* written for such a byte instead of nothing; -1: none */
	bool fuse_unknown;     /* one for a run of them */
	bool whole_words;      /* a word that is a token is taken as it is */
	struct bpe_merge *merges;
	size_t n, capacity; /* open addressing, a power of two */
};

/* Finds the tokens of the 256 bytes; merges are added next. */
void bpe_init(struct bpe *b, const struct vocabulary *v);
void bpe_release(struct bpe *b);

/* Adds the merge of two tokens, written in the byte alphabet ("\u0120t" "he"); a lower rank merges first, and of a pair
 * given twice the later rank counts. False with the reason if one of them or the result is not in the vocabulary. A
 * merge that makes a special token is left out: plain text must not reach it. */
bool bpe_add_merge(struct bpe *b, const struct vocabulary *v, const char *left, size_t left_n, const char *right,
		   size_t right_n, uint32_t rank, struct error *err);
/* The same for "left right"; the first space after the first byte separates. */
bool bpe_add_merge_line(struct bpe *b, const struct vocabulary *v, const char *line, size_t n, uint32_t rank,
			struct error *err);

/* Memory of one encoding call, reused from word to word. {0} is valid. */
struct bpe_scratch {
	struct merge_scratch merging;
	struct buf spelling;
};
void bpe_scratch_release(struct bpe_scratch *s);

/* Appends the ids of one word, n log n in its length. */
void bpe_encode(const struct bpe *b, const struct vocabulary *v, const char *word, size_t n, struct bpe_scratch *s,
		struct token_list *out);

/* Appends a token's bytes; a spelling outside the byte alphabet (an added token's) is its own bytes. */
void bpe_decode(const char *spelling, size_t n, struct buf *out);

#endif
