/* tokenizer.h - text to token ids and back, byte for byte as the model's own tokenizer.
 *
 * WordPiece (BERT: vocab.txt or tokenizer.json with its normaliser), byte-level BPE (GPT-2 family) with the
 * pre-tokenizers smollm, gpt2, qwen2 and llama3 (hand-written scanners for the regular expressions that Hugging Face
 * tokenizers and llama.cpp use under these names), and SentencePiece's BPE (Llama 1 and 2, Gemma). Any bytes are
 * accepted as text; wrong UTF-8 is read as U+FFFD, one for every maximal subpart (text_repair()), which is what the
 * references see after lossy decoding. Properties of characters are those of utf8proc's Unicode version.
 * A tokenizer is immutable after open; threads share it. */
#ifndef RUNG_LLM_TOKENIZER_H
#define RUNG_LLM_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "llm/gguf.h"

struct tokenizer;

struct token_list {
	int32_t *ids;
	size_t n, capacity;
};
void token_list_release(struct token_list *t); /* {0} is a valid empty list */
void token_list_add(struct token_list *t, int32_t id);

/* From a GGUF file's tokenizer.ggml.* keys (model "gpt2" or "llama"); an unknown model or pre-tokenizer is an error
 * naming it. Copies what it needs: g may be freed first. */
struct tokenizer *tokenizer_from_gguf(const struct gguf *g, struct error *err);
/* From a folder with tokenizer.json (WordPiece or byte-level BPE), else vocab.txt (WordPiece, uncased BERT). */
struct tokenizer *tokenizer_open(const char *folder, struct error *err);
void tokenizer_free(struct tokenizer *t);

size_t tokenizer_size(const struct tokenizer *t); /* number of ids */
/* The id of a token written exactly so (special ones: "<|im_end|>", "[CLS]"), or -1. */
int32_t tokenizer_id(const struct tokenizer *t, const char *token);
/* The same, only if it is a special token. */
int32_t tokenizer_special(const struct tokenizer *t, const char *token);
/* The id that the model wants once in front of everything it reads (BOS), or -1: none, or the file says so
 * (add_bos_token). tokenizer_encode() never adds it, chat_encode() does. */
int32_t tokenizer_begin(const struct tokenizer *t);
int32_t tokenizer_end(const struct tokenizer *t); /* end-of-sequence id, or -1 */
/* The model's own template of conversations, any bytes; NULL when the file has none. Never run, only recognised. */
const char *tokenizer_template(const struct tokenizer *t);

/* Appends the ids of text. `special`: special tokens written in the text become their ids (for chat formats); without
 * it the same characters are plain text, so a user's data can never forge a role. Tokens that a model adds without
 * calling them special are found either way, as in the references. Adds no [CLS], [SEP], BOS. SentencePiece models may
 * want a space in front of a text ("add_space_prefix"): it is added to each call's text and behind special tokens. */
void tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, bool special, struct token_list *out);
/* The same for plain text that goes on from other text: no space comes in front. */
void tokenizer_encode_on(const struct tokenizer *t, const char *text, size_t n, struct token_list *out);
/* Where a word stands: bytes from .. to - 1 of the text, and the first of its tokens as a position in the list. */
struct token_word {
	size_t from, to, token;
};
struct token_words {
	struct token_word *at;
	size_t n, capacity;
};
void token_words_release(struct token_words *w); /* {0} is a valid empty list */
void token_words_add(struct token_words *w, struct token_word word);
/* WordPiece alone (false: another model): the ids of plain text as tokenizer_encode() appends them, and the words that they are the
 * pieces of, as BERT tells words apart: at white space, punctuation and ideographs. Text is valid UTF-8; what normalising takes out
 * of a word (accents, control characters) lies within its bytes. */
bool tokenizer_encode_words(const struct tokenizer *t, const char *text, size_t n, struct token_list *out, struct token_words *words);

/* Appends the bytes of the tokens; special tokens and ids out of range are left out. WordPiece joins pieces as BERT's
 * decoder does. SentencePiece's byte tokens are their bytes, which may be wrong UTF-8; the space that encoding puts in
 * front of a text is left out where out is empty, so that token by token into one buffer gives what one call gives. */
void tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, struct buf *out);

#endif
