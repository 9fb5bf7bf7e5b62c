/* pretokenize.h - where byte-level BPE cuts a text into words before it merges inside them.
 *
 * Each rule is a regular expression that a model's tokenizer.json publishes; here it is a scanner by hand, linear in
 * the text. Private to the tokenizer. \p{L}, \p{N} are Unicode's general categories, \s its White_Space. */
#ifndef RUNG_LLM_PRETOKENIZE_H
#define RUNG_LLM_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>

struct pretokenizer {
	const char *name;    /* as in tokenizer.ggml.pre */
	const char *regex;   /* what the scanner stands for */
	size_t number_limit; /* digits in one word, for the newer expression */
	size_t (*scan)(const struct pretokenizer *p, const char *text, size_t n);
	bool split;        /* tokenizer.json writes the regex in a "Split" (else it is implied by ByteLevel) */
	bool digits_apart; /* every \p{N} is cut off first; the regex sees the stretches between them */
	bool compose;      /* the model's tokenizer puts text into NFC first, where GGUF cannot say */
	bool whole_words;  /* a word that is a token is not merged ("ignore_merges"), where GGUF cannot say */
	bool begins;       /* texts begin with the begin-of-sequence token, where the GGUF file does not say */
};

/* By the name in a GGUF file (aliases too); NULL when there is none. */
const struct pretokenizer *pretokenizer_named(const char *name, size_t n);
/* By the expression and what stands before it in tokenizer.json; NULL when there is none. regex NULL: ByteLevel's. */
const struct pretokenizer *pretokenizer_matching(const char *regex, bool digits_apart);
/* The names, separated by ", ", for messages. */
const char *pretokenizer_names(void);

/* Length of the first word of text[0..n), at least 1. text: valid UTF-8, n > 0. */
size_t pretokenize_next(const struct pretokenizer *p, const char *text, size_t n);

#endif
