/* wordpiece.h - BERT's text preparation and its pieces of words.
 *
 * Devlin et al. 2018 (arXiv 1810.04805); Wu et al. 2016 (1609.08144) for the pieces. Steps and their order are those of
 * BertNormalizer, BertPreTokenizer and WordPiece of Hugging Face tokenizers. Private to the tokenizer. */
#ifndef RUNG_LLM_WORDPIECE_H
#define RUNG_LLM_WORDPIECE_H

#include "llm/tokenizer.h"
#include "llm/vocabulary.h"

struct wordpiece {
	bool clean;         /* drop control characters, every white space is a space */
	bool chinese;       /* a space on both sides of every CJK ideograph */
	bool strip_accents; /* NFD without nonspacing marks */
	bool lowercase;
	int32_t unknown;        /* id of a word that has no pieces */
	size_t max_word;        /* characters; a longer word is unknown */
	const char *prefix;     /* "##", before every piece but the first; borrowed */
	bool cleanup;           /* decoding leaves out the space before . , ? ! and contractions */
};

/* What uncased BERT uses; unknown is -1. */
struct wordpiece wordpiece_uncased(void);

/* Appends the ids of text, which is valid UTF-8; and its words, `from` added to their places, unless words is NULL. */
void wordpiece_encode(const struct wordpiece *w, const struct vocabulary *v, const char *text, size_t n, size_t from,
		      struct token_list *out, struct token_words *words);
/* Appends one token as BERT's decoder writes it; `first` of the output or not. */
void wordpiece_decode(const struct wordpiece *w, const char *token, size_t n, bool first, struct buf *out);

#endif
